"""What trading brought, trade by trade: gross, fees, net, slippage and what the price did after each fill.

A fold over journal entries with the touch of the books beside them. Money is exact. With a side's sign and p a fill's
price, m the mid and t the opposite touch when its order was sent, m(h) the mid h seconds after the fill:

    slippage  = side · (p − m) · quantity      what was paid against the mid that was decided on; below 0 is a gain
    beyond    = side · (p − t) · quantity      of it, what a taker paid worse than the touch that was decided on
    markout   = side · (m(h) − p) · quantity   what the fill was worth h later; below 0: the other side knew more
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from desk.events import Ended, Event, Fill
from desk.instrument import Instrument
from desk.intents import Effect, Place, Submit
from desk.portfolio.fees import EXACT, money
from desk.portfolio.portfolio import Portfolio
from desk.portfolio.position import ClosedTrade
from desk.projections.hourly import Tally
from desk.projections.markouts import Markouts, Moment, Touch, TouchOf
from desk.projections.order_times import OrderTimes

TRADES_KEPT = 10_000
LATE_FILLS = 4_096  # orders that are remembered beyond their end: a fill may be reported late
MARKOUT_S = (1, 5, 30)
HALF = Decimal(5)  # tenths: money in half ticks has one digit more


class FillRecord(msgspec.Struct, frozen=True):
    """One fill, or the part of it that belongs to one trade. `decided`: the touch when its order was sent."""

    fill: Fill
    qty: int
    reason: str
    decided: Touch | None
    moment: Moment
    decimals: int

    @property
    def value(self) -> Decimal:
        """Price times quantity, quote currency."""
        return money(self.fill.px * self.qty, self.decimals)

    @property
    def slippage(self) -> Decimal | None:
        """Against the mid; None where no book could be believed when the order was sent."""
        return None if self.decided is None else self._from_twice(self.decided[0] + self.decided[1], -1)

    @property
    def beyond(self) -> Decimal | None:
        """Against the touch, of a fill that took liquidity."""
        if self.decided is None or self.fill.maker:
            return None
        touch = self.decided[1] if self.fill.side > 0 else self.decided[0]
        return money(self.fill.side * (self.fill.px - touch) * self.qty, self.decimals)

    def markout(self, i: int) -> Decimal | None:
        """After the i-th of `MARKOUT_S`; None where no book could be believed then, or the session had ended."""
        twice = self.moment.after[i]
        return None if twice is None else self._from_twice(twice, 1)

    def _from_twice(self, twice_mid: int, sign: int) -> Decimal:
        units = sign * self.fill.side * (twice_mid - 2 * self.fill.px) * self.qty
        return EXACT.multiply(money(units, self.decimals + 1), HALF)


class TradeRecord(msgspec.Struct, frozen=True):
    """A closed trade with the fills that made it, first to last."""

    trade: ClosedTrade
    fills: tuple[FillRecord, ...]

    @property
    def slippage(self) -> Decimal | None:
        """Of all its fills; None when one of them is not known."""
        total = Decimal(0)
        for record in self.fills:
            if (slippage := record.slippage) is None:
                return None
            total = EXACT.add(total, slippage)
        return total


class Performance(msgspec.Struct, frozen=True):
    """`trades`: the last ones kept. `open_fills`: of positions that are not closed. `totals`: exact, of every closed
    trade since the fold began, by quote currency. `times`: the stages of orders, µs."""

    trades: tuple[TradeRecord, ...]
    open_fills: tuple[FillRecord, ...]
    totals: dict[str, Tally]
    times: dict[str, dict[str, float | None]]


class _Sent(msgspec.Struct, frozen=True):
    place: Place
    decided: Touch | None


class PerformanceFold:
    """`look` before an event later than `due`, `apply` after it, `result` at any time.

    `kept`: closed trades remembered one by one; None for all.
    """

    def __init__(self, instruments: Mapping[str, Instrument], kept: int | None = TRADES_KEPT) -> None:
        self.markouts = Markouts(tuple(s * 1_000_000_000 for s in MARKOUT_S))
        self.times = OrderTimes()
        self.totals: dict[str, Tally] = {}
        self._portfolio = Portfolio(Decimal(0), instruments)
        self._sent: dict[str, _Sent] = {}
        self._over: deque[str] = deque()
        self._open: dict[str, list[FillRecord]] = {}
        self._trades: deque[TradeRecord] = deque(maxlen=kept)

    def apply(self, event: Event, effects: Iterable[Effect], touch: TouchOf) -> TradeRecord | None:
        """Take one entry in; the trade it closed, if it did. `touch` is of the books after the event."""
        closed = self._filled(event) if isinstance(event, Fill) else None
        if isinstance(event, Ended):
            self._over.append(event.order_id)
            if len(self._over) > LATE_FILLS:
                self._sent.pop(self._over.popleft(), None)
        for effect in effects:
            if isinstance(effect, Submit):
                self._sent[effect.order_id] = _Sent(effect.place, touch(effect.place.inst))
        self.times.apply(event, effects)
        return closed

    def result(self) -> Performance:
        still_open = tuple(record for records in self._open.values() for record in records)
        return Performance(tuple(self._trades), still_open, dict(self.totals), self.times.result())

    def _filled(self, fill: Fill) -> TradeRecord | None:
        before, held = self._portfolio.fills, self._portfolio.position(fill.inst).qty
        sent = self._sent.get(fill.order_id)
        reason = sent.place.reason if sent else ""
        closed = self._portfolio.apply(fill, reason)
        if self._portfolio.fills == before:
            return None  # reported again
        moment = self.markouts.note(fill.inst, fill.ts)
        position = self._portfolio.position(fill.inst)
        closing = min(abs(held), fill.qty) if held * fill.side < 0 else 0
        decided = sent.decided if sent else None
        parts = self._open.setdefault(fill.inst, [])
        if closing:
            parts.append(FillRecord(fill, closing, reason, decided, moment, position.decimals))
        record = None
        if closed is not None:
            record = TradeRecord(closed, tuple(parts))
            parts.clear()
            self._trades.append(record)
            self.totals.setdefault(closed.quote, Tally()).add(closed, record.slippage)
        if fill.qty > closing:
            parts.append(FillRecord(fill, fill.qty - closing, reason, decided, moment, position.decimals))
        return record
