"""The live books as the paper venue reads them."""

from __future__ import annotations

from desk.instrument import Instrument
from desk.market.raw_l3 import RawL3Book
from desk.messages import Side
from desk.signals.watch import Watch
from desk.sim.queue import Levels, Orders


class WatchedBooks:
    """desk.sim.fills.BookAccess over the engine's own markets: the paper venue fills from what the desk has proven."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def levels(self, inst: str, side: Side, depth: int) -> Levels:
        market = self._watch.markets.get(inst)
        return market.book.levels(side, depth) if market is not None and market.tracks else []

    def queue(self, inst: str, side: Side, px: int) -> Orders | None:
        market = self._watch.markets.get(inst)
        book = market.book if market is not None and market.tracks else None
        if not isinstance(book, RawL3Book):
            return None
        return (book.bids if side is Side.BUY else book.asks).queue(px)

    def stamp(self, inst: str) -> int:
        market = self._watch.markets.get(inst)
        track = market.track if market is not None else None
        return track.ts_exch if track is not None else 0

    def ready(self, inst: str) -> bool:
        market = self._watch.markets.get(inst)
        return market is not None and market.ready

    def instrument(self, inst: str) -> Instrument | None:
        return self._watch.instruments.get(inst)
