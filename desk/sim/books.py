"""The live books as the paper venue reads them."""

from __future__ import annotations

from desk.instrument import Instrument
from desk.messages import Side
from desk.signals.watch import Watch


class WatchedBooks:
    """desk.sim.paper.BookAccess over the engine's own markets: the paper venue fills from what the desk has proven."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def levels(self, inst: str, side: Side, depth: int) -> list[tuple[int, int, int]]:
        market = self._watch.markets.get(inst)
        return market.book.levels(side, depth) if market is not None and market.tracks else []

    def ready(self, inst: str) -> bool:
        market = self._watch.markets.get(inst)
        return market is not None and market.ready

    def instrument(self, inst: str) -> Instrument | None:
        return self._watch.instruments.get(inst)
