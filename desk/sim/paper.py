"""The paper venue: fills of our orders against the live book and tape. SIMULATED, every number that comes out of it.

What it assumes (`assumptions` says it to a report):
    latency   an order or a cancel reaches the venue `entry_latency_ns` after it was sent and meets the book as it is
              then; its answer is received `response_latency_ns` later. Fixed, not sampled.
    taking    an order that crosses walks the visible levels up to its limit, level by level, each fill at the level's
              price. Quantity on a level is used once until that level shows another quantity. We move no price.
    resting   behind everything displayed at its price on arrival. Opposite trades at that price shorten the queue,
              then fill us; a trade through our price fills us whole; so does, up to the quantity visible beyond our
              price, a book whose opposite side is better than our limit. Cancels ahead are not credited.
    book      while it is not ready nothing fills: a resting order waits, an IOC expires, a new resting order is placed
              when the book is ready again.
    account   no check of funds, no margin, no borrowing cost; our own orders never trade with each other.

Time is what the caller says. Call `due(ts)` before the engine is told of an event at `ts`, so that an order that
arrived earlier meets the book of its own moment; then `on_book` or `on_trade` after the event has been applied.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from desk.errors import DeskError
from desk.events import Accepted, Ended, Event, Fill
from desk.instrument import Instrument
from desk.intents import CancelOrder, Place, Submit
from desk.messages import Side, Trade
from desk.portfolio.fees import money
from desk.risk.rules import takes_orders
from desk.sim.queue import Levels, Resting, Taken, ahead_at

WALK = 1000  # levels asked for when an order walks the book: as deep as any venue shows


class BookAccess(Protocol):
    """What the venue sees of the market: the engine's own books, read only."""

    def levels(self, inst: str, side: Side, depth: int) -> Levels:
        """The best `depth` levels as (price, quantity, orders), best first; side BUY is the bids."""
        ...

    def ready(self, inst: str) -> bool:
        """The book can be believed now."""
        ...

    def instrument(self, inst: str) -> Instrument | None: ...


class PaperVenue:
    """Satisfies `desk.intents.Venue`. Each answer is delivered once: to `emit` if given, else in what `due` returns."""

    def __init__(
        self,
        fees: Callable[[Decimal, bool], Decimal],
        entry_latency_ns: int,
        response_latency_ns: int,
        books: BookAccess,
        emit: Callable[[Event], None] | None = None,
    ) -> None:
        self.entry_latency_ns, self.response_latency_ns = entry_latency_ns, response_latency_ns
        self._fees, self._books, self._emit = fees, books, emit
        self._arriving: list[tuple[int, int, Submit | CancelOrder]] = []
        self._answers: list[tuple[int, int, Event]] = []
        self._waiting: dict[str, Submit] = {}  # at the venue, for a book that is ready
        self._resting: dict[str, dict[str, Resting]] = {}  # by instrument, in order of arrival
        self._taken: dict[str, dict[Side, Taken]] = {}
        self._live: dict[str, str] = {}  # order id → instrument, from sent to ended
        self._clock = self._n = self.fills = 0

    # --- the venue

    def perform(self, effect: Submit | CancelOrder, now: int) -> None:
        """Send an order or a cancel; it arrives one entry latency later. Raises DeskError for an id still in use."""
        if isinstance(effect, Submit):
            if effect.order_id in self._live:
                raise DeskError(f"{effect.order_id}: an order of this id is still at the paper venue")
            self._live[effect.order_id] = effect.place.inst
        self._n += 1
        heapq.heappush(self._arriving, (now + self.entry_latency_ns, self._n, effect))

    def due(self, now: int) -> list[Event]:
        """Everything received by `now`, in order of time and cause. Empty when `emit` was given: it has them."""
        self._advance(now)
        out: list[Event] = []
        deliver = self._emit or out.append
        while self._answers and self._answers[0][0] <= now:
            deliver(heapq.heappop(self._answers)[2])
        return out

    @property
    def next_at(self) -> int | None:
        """When `due` will have something to do; None when only the market can bring it."""
        times = [heap[0][0] for heap in (self._arriving, self._answers) if heap]
        return min(times) if times else None

    @property
    def working(self) -> int:
        """Orders sent and not ended."""
        return len(self._live)

    # --- the market

    def on_book(self, inst: str, now: int) -> None:
        """The book of `inst` changed, at `now`."""
        self._advance(now)
        taken, resting = self._taken.get(inst), self._resting.get(inst)
        if not taken and not resting:
            return
        if taken:
            for side, used in taken.items():
                if used.depth:
                    used.changed(self._books.levels(inst, side, used.depth))
        if resting and self._books.ready(inst):
            for order in list(resting.values()):
                self._crossed(order)

    def on_trade(self, trade: Trade, now: int) -> None:
        """A trade printed, at `now`: it may reach our resting orders on the side its aggressor hit."""
        self._advance(now)
        resting = self._resting.get(trade.inst)
        if not resting or not self._books.ready(trade.inst):
            return
        volume = dict.fromkeys((o.px for o in resting.values()), trade.qty)
        for order in list(resting.values()):
            if order.side == trade.side:
                continue
            lots = order.traded(trade.px, volume[order.px])
            if lots:
                volume[order.px] -= lots  # what one of our orders got, the next at its price cannot get
                self._fill(order, order.px, lots, maker=True)
                self._finish(order)

    def assumptions(self) -> dict[str, str]:
        """The model behind the fills, for a report: every result built on them says SIMULATED."""
        return {
            "fills": "SIMULATED on live market data",
            "entry latency": f"{self.entry_latency_ns / 1e6:g} ms, fixed",
            "response latency": f"{self.response_latency_ns / 1e6:g} ms, fixed",
            "taking": "walks visible levels, each displayed quantity once; no market impact",
            "queue": "behind all displayed at arrival; trades advance it, cancels ahead are not credited (risk-averse)",
            "fills through our price": "a trade through: whole; a book through: what is visible beyond our price",
            "book not ready": "no fills; IOC expires, other orders wait",
            "account": "no margin, no borrowing cost, short sales allowed; own orders do not meet",
            "fees": "notional × bps of the tier in force, rounded up to 1e-8",
        }

    # --- inside

    def _advance(self, now: int) -> None:
        """Bring the venue to `now`: what was sent arrives, what waited for a book is placed if it can be."""
        while self._arriving and self._arriving[0][0] <= now:
            at, _, effect = heapq.heappop(self._arriving)
            self._clock = max(self._clock, at)
            if isinstance(effect, Submit):
                self._arrive(effect)
            else:
                self._cancel(effect.order_id)
        self._clock = max(self._clock, now)
        if self._waiting:
            for order_id, submit in list(self._waiting.items()):
                if self._books.ready(submit.place.inst):
                    del self._waiting[order_id]
                    self._match(submit)

    def _arrive(self, submit: Submit) -> None:
        place = submit.place
        fault = self._fault(place)
        if submit.order_id not in self._live:
            return  # its cancel was sent first
        if fault:
            self._end(submit.order_id, f"rejected: {fault}")
        elif self._books.ready(place.inst):
            self._match(submit)
        elif place.tif == "ioc":
            self._end(submit.order_id, "expired: book not ready")
        else:
            self._waiting[submit.order_id] = submit

    def _fault(self, place: Place) -> str:
        """What the venue has against the order whatever the book says; "" when nothing."""
        instrument = self._books.instrument(place.inst)
        if instrument is None:
            return f"unknown instrument {place.inst}"
        if place.tif not in ("ioc", "gtc"):
            return f'time in force "{place.tif}" is neither "ioc" nor "gtc"'
        if place.post_only and place.tif == "ioc":
            return "an IOC order cannot be post-only"
        if place.px <= 0 or place.px % instrument.tick:
            return f"price {instrument.px_text(place.px)} is not a multiple of {instrument.px_text(instrument.tick)}"
        if place.qty <= 0 or place.qty % instrument.lot:
            return (
                f"quantity {instrument.qty_text(place.qty)} is not a multiple of {instrument.qty_text(instrument.lot)}"
            )
        if place.qty < instrument.qty_min:
            return f"quantity {instrument.qty_text(place.qty)} is below {instrument.qty_text(instrument.qty_min)}"
        cost = instrument.notional(place.px, place.qty)
        if cost < instrument.cost_min:
            return f"cost {cost.normalize():f} is below {instrument.cost_min}"
        if not takes_orders(instrument.status, place.post_only):
            return f"{instrument.symbol} is {instrument.status}"
        return ""

    def _match(self, submit: Submit) -> None:
        """Meet the book: take what crosses, rest or expire with what is left."""
        place = submit.place
        order = Resting(submit.order_id, place.inst, place.side, place.px, place.qty, None)
        if place.post_only and self._would_take(place):
            self._end(order.order_id, "rejected: post-only would take")
            return
        self._answer(Accepted(self._received, order.order_id))
        for px, lots in self._beyond(order, inclusive=True):
            self._fill(order, px, lots, maker=False)
        if order.left and place.tif == "gtc":
            order.ahead = ahead_at(order.px, order.side, self._books.levels(order.inst, order.side, WALK))
            self._resting.setdefault(order.inst, {})[order.order_id] = order
        else:
            self._end(order.order_id, "expired" if order.left else "filled")

    def _would_take(self, place: Place) -> bool:
        best = self._books.levels(place.inst, Side(-place.side), 1)
        return bool(best) and (place.px - best[0][0]) * place.side >= 0

    def _beyond(self, order: Resting, inclusive: bool) -> list[tuple[int, int]]:
        """(price, lots) to be had on the other side at better than our limit, or at it; uses them up."""
        other = Side(-order.side)
        taken = self._taken.setdefault(order.inst, {}).setdefault(other, Taken())
        found, left = [], order.left
        for level, (px, shown, _) in enumerate(self._books.levels(order.inst, other, WALK)):
            if not left or (order.px - px) * order.side < (0 if inclusive else 1):
                break
            lots = min(left, taken.left(px, shown))
            if lots:
                taken.take(px, shown, lots, level)
                found.append((px, lots))
                left -= lots
        return found

    def _crossed(self, order: Resting) -> None:
        """Fill a resting order the book has gone through, at its own price; look again for a queue out of sight."""
        best = self._books.levels(order.inst, Side(-order.side), 1)
        if best and (order.px - best[0][0]) * order.side > 0:
            lots = sum(lots for _, lots in self._beyond(order, inclusive=False))
            if lots:
                self._fill(order, order.px, lots, maker=True)
                self._finish(order)
        elif order.ahead is None:
            order.ahead = ahead_at(order.px, order.side, self._books.levels(order.inst, order.side, WALK))

    def _fill(self, order: Resting, px: int, lots: int, maker: bool) -> None:
        order.left -= lots
        self.fills += 1
        instrument = self._books.instrument(order.inst)
        if instrument is None:  # it was known when the order arrived
            raise DeskError(f"{order.inst}: the instrument vanished while {order.order_id} was working")
        fee = self._fees(money(px * lots, instrument.px_decimals + instrument.qty_decimals), maker)
        fill_id = f"p{self.fills}"
        self._answer(Fill(self._received, fill_id, order.order_id, order.inst, order.side, px, lots, fee, maker))

    def _finish(self, order: Resting) -> None:
        if not order.left:
            del self._resting[order.inst][order.order_id]
            self._end(order.order_id, "filled")

    def _cancel(self, order_id: str) -> None:
        """The cancel is here: nothing to do for an order that has ended; its end is already on the way."""
        inst = self._live.get(order_id)
        if inst is None:
            return
        self._waiting.pop(order_id, None)
        self._resting.get(inst, {}).pop(order_id, None)
        self._end(order_id, "cancelled")

    def _end(self, order_id: str, why: str) -> None:
        self._live.pop(order_id, None)
        self._answer(Ended(self._received, order_id, why))

    @property
    def _received(self) -> int:
        """When the desk learns of what happens at the venue now."""
        return self._clock + self.response_latency_ns

    def _answer(self, event: Event) -> None:
        self._n += 1
        heapq.heappush(self._answers, (self._received, self._n, event))
