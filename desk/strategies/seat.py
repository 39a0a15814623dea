"""A seat: one strategy, its own position and orders, and its read-only view of the desk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from desk.events import Ended, Fill, TrendBias
from desk.handover import Handover
from desk.instrument import Instrument
from desk.intents import Place
from desk.market.inside import InsideMarkets
from desk.market.nbbo import Inside
from desk.market.reading import MarketReading
from desk.market.state import Market
from desk.messages import Candle
from desk.portfolio.orders import Orders
from desk.portfolio.portfolio import Portfolio
from desk.portfolio.position import quote_of
from desk.signals.shape import Score
from desk.signals.watch import Watch
from desk.strategies.base import BookView, Pulse, Strategy


class Seat:
    """What one strategy sees and holds (desk.strategies.base.View)."""

    def __init__(
        self, number: int, strategy: Strategy, watch: Watch, portfolio: Portfolio, stale_ns: int, inside: InsideMarkets
    ) -> None:
        self.number, self.strategy = number, strategy
        self.now = 0
        self.held: dict[str, int] = {}
        self.working: dict[str, Place] = {}
        self.biases: dict[str, TrendBias] = {}
        self._watch, self._portfolio, self._stale_ns, self._inside = watch, portfolio, stale_ns, inside
        self._nowhere: dict[str, Market] = {}

    # --- kept by the engine

    def filled(self, fill: Fill) -> None:
        self.held[fill.inst] = self.held.get(fill.inst, 0) + fill.side * fill.qty
        if (place := self.working.get(fill.order_id)) is not None:
            self.working[fill.order_id] = msgspec.structs.replace(place, qty=place.qty - fill.qty)

    def ended(self, ended: Ended) -> None:
        self.working.pop(ended.order_id, None)

    def leaving(self, inst: str, side: int) -> int:
        """Lots of this seat's working orders on one side."""
        return sum(p.qty for p in self.working.values() if p.inst == inst and p.side == side)

    # --- seen by the strategy

    def equity(self, inst: str) -> Decimal:
        return self._portfolio.equity(quote_of(inst))

    def instrument(self, inst: str) -> Instrument | None:
        return self._watch.instruments.get(inst)

    def book(self, inst: str) -> BookView:
        market = self._watch.markets.get(inst)
        if market is None:
            market = self._nowhere.setdefault(inst, Market(inst))
        market.now = self.now
        return market

    def score(self, inst: str) -> Score | None:
        live = self._watch.live.get(inst)
        if live is None or not live.known or self.book(inst).age_ns > self._stale_ns:
            return None
        return live.score

    def pulse(self, inst: str) -> Pulse | None:
        return self._watch.live.get(inst)

    def reading(self, inst: str) -> MarketReading | None:
        market = self._watch.markets.get(inst)
        return MarketReading(market, self.now) if market is not None else None

    def inside(self, symbol: str) -> Inside | None:
        return self._inside.read(symbol, self.now)

    def closed(self, inst: str) -> list[Candle]:
        market = self._watch.markets.get(inst)
        return market.bars.closed if market is not None else []

    def bias(self, symbol: str) -> TrendBias | None:
        bias = self.biases.get(symbol)
        return bias if bias is not None and bias.expires > self.now else None

    def position(self, inst: str) -> int:
        return self.held.get(inst, 0)

    def exposure(self, inst: str) -> int:
        return self.position(inst) + sum(p.side * p.qty for p in self.working.values() if p.inst == inst)


def take_over(
    seats: Sequence[Seat], earlier: Handover, life: Orders, held: Mapping[tuple[int, str], int], session: str
) -> Iterator[str]:
    """Give each seat what was its own in an earlier session, with the plan to leave it; tells what nobody minds."""
    for order in life.live:
        if order.left:
            seats[order.seat].working[order.order_id] = msgspec.structs.replace(order.place, qty=order.left)
    plans = {(plan.seat, plan.inst): plan for plan in earlier.exits}
    for (number, inst), lots in held.items():
        seat = seats[number]
        seat.held[inst] = lots
        if lots and not seat.strategy.adopt(inst, lots, plans.get((number, inst)), seat.now):
            yield f"{inst}: {lots} lots taken over from {session}, and no strategy minds them"
