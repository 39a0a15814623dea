"""What was wished, refused, sent and traded: a fold over journal entries, live or years later."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from desk.events import Ended, Event, Fill, Start
from desk.instrument import Instrument
from desk.intents import CancelOrder, Decline, Effect, Noted, Refuse, Signal, Submit
from desk.portfolio.portfolio import Portfolio
from desk.portfolio.position import ClosedTrade

TRADES_KEPT = 10_000


class Blotter(msgspec.Struct, frozen=True):
    """The sums. Money in the quote currency of each instrument, exact, since the account began (an account that was
    taken over goes on); counts since the fold began.

    `refusals`: by code, most frequent first; rules of the gate as "RISK_…". `ended`: orders by their end, "rejected"
    without its reason. `net`: realised less fees by instrument, whole trades and parts. `trades`: the last 10 000.
    """

    orders: int
    cancels: int
    fills: int
    maker_fills: int
    signals: int
    closed: int
    wins: int
    ended: dict[str, int]
    refusals: dict[str, int]
    net: dict[str, Decimal]
    fees: dict[str, Decimal]
    trades: tuple[ClosedTrade, ...]


class BlotterFold:
    """`apply` every entry in order, ask `result` at any time."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._portfolio = Portfolio(Decimal(0), instruments)
        self._reasons: dict[str, str] = {}
        self._ended: dict[str, int] = {}
        self._refusals: dict[str, int] = {}
        self._trades: deque[ClosedTrade] = deque(maxlen=TRADES_KEPT)
        self._earlier = (0, 0)  # fills and trades of the sessions before
        self._orders = self._cancels = self._maker_fills = self._signals = self._wins = 0

    def apply(self, event: Event, effects: Iterable[Effect]) -> ClosedTrade | None:
        """Take one entry in; the trade it closed, if it did."""
        closed = None
        if isinstance(event, Start) and event.handover is not None:
            self._portfolio.restore(event.handover)
            self._earlier = (self._portfolio.fills, self._portfolio.trades)
        elif isinstance(event, Fill):
            closed = self._filled(event)
        elif isinstance(event, Ended):
            why = event.why.partition(":")[0]
            _count(self._ended, why)
            if why == "denied":
                _count(self._refusals, "LAST_GATE")
            self._reasons.pop(event.order_id, None)
        for effect in effects:
            self._answered(effect)
        return closed

    def result(self) -> Blotter:
        positions = self._portfolio.positions()
        return Blotter(
            orders=self._orders,
            cancels=self._cancels,
            fills=self._portfolio.fills - self._earlier[0],
            maker_fills=self._maker_fills,
            signals=self._signals,
            closed=self._portfolio.trades - self._earlier[1],
            wins=self._wins,
            ended=dict(self._ended),
            refusals=dict(sorted(self._refusals.items(), key=lambda item: (-item[1], item[0]))),
            net={p.inst: p.realised - p.fees for p in positions},
            fees={p.inst: p.fees for p in positions},
            trades=tuple(self._trades),
        )

    def _filled(self, fill: Fill) -> ClosedTrade | None:
        before = self._portfolio.fills
        closed = self._portfolio.apply(fill, self._reasons.get(fill.order_id, ""))
        if self._portfolio.fills > before:  # a repeated fill is not counted
            self._maker_fills += fill.maker
        if closed is not None:
            self._trades.append(closed)
            self._wins += closed.net > 0
        return closed

    def _answered(self, effect: Effect) -> None:
        if isinstance(effect, Submit):
            self._orders += 1
            self._reasons[effect.order_id] = effect.place.reason
        elif isinstance(effect, Refuse):
            _count(self._refusals, f"RISK_{effect.rule.upper()}")
        elif isinstance(effect, Noted):
            if isinstance(effect.what, Signal):
                self._signals += 1
            elif isinstance(effect.what, Decline):
                _count(self._refusals, effect.what.code)
        elif isinstance(effect, CancelOrder):
            self._cancels += 1


def _count(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1
