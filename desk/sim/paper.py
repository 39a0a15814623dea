"""The paper venue: fills of our orders against the live book and tape. SIMULATED, every number that comes out of it.

What it assumes (`report` says it, with the band between a pessimistic and an optimistic view of the queues):
    latency   an order or a cancel reaches the venue one entry latency after it was sent, never before one sent earlier,
              and meets the book as it is then; its answer is received one response latency later (desk.sim.latency).
    fills     as desk.sim.fills and the queue model of desk.sim.queue say.
    stop      a stop order waits for a trade at its trigger or beyond it, then is an IOC order with its price as collar:
              it never trades beyond it, and what the collar does not let through expires.
    book      while it is not ready nothing fills: a resting order waits, an IOC expires; a new resting order and a
              triggered stop meet the book when it is ready again.
    account   no check of funds, no margin, no borrowing cost.

Time is what the caller says. Call `due(ts)` before the engine is told of an event at `ts`, so that an order that
arrived earlier meets the book of its own moment; then `on_book` or `on_trade` after the event has been applied.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any, Protocol

from desk.errors import DeskError
from desk.events import Accepted, Ended, Event, Evidence, Fill
from desk.intents import CancelOrder, Enquire, Submit
from desk.messages import Trade
from desk.portfolio.fees import FeeSchedule
from desk.portfolio.orders import PLACES
from desk.sim.band import OPTIMISTIC, PESSIMISTIC, Shadow, Tally
from desk.sim.fills import BookAccess, FillModel, Resting
from desk.sim.glance import Glance
from desk.sim.latency import Latency
from desk.sim.order_check import fault


class Fees(Protocol):
    """The tier in force at a time, ns."""

    def at(self, ts: int) -> FeeSchedule: ...


class PaperVenue:
    """Satisfies `desk.intents.Venue`. Each answer is delivered once: to `emit` if given, else in what `due` returns."""

    def __init__(
        self,
        fees: Fees,
        latency: Latency,
        books: BookAccess,
        emit: Callable[[Event], None] | None = None,
        queue_model: str = PESSIMISTIC,
    ) -> None:
        self._fees, self._latency, self._emit = fees, latency, emit
        self._books = look = Glance(books)
        self.queue_model = queue_model
        self._model = FillModel(queue_model, look, self)
        self._tally = Tally(self._tier, look)
        self._low = Shadow(PESSIMISTIC, False, self._tier, look)
        self._high = Shadow(OPTIMISTIC, True, self._tier, look)
        # The shadows look first: an order that ends here ends there at once, and not before they saw the same event.
        self._models = (self._low.model, self._high.model, self._model)
        self._arriving: list[tuple[int, int, Submit | CancelOrder | Enquire]] = []
        self._answers: list[tuple[int, int, Event]] = []
        self._met: set[str] = set()  # instruments that an order of ours has met
        self._waiting: dict[str, Submit] = {}  # at the venue, for a book that is ready
        self._stops: dict[str, dict[str, Submit]] = {}  # by instrument, not yet triggered
        self._told: set[str] = set()  # stops, and what waits for a book: accepted once, not again when met
        self._last: dict[str, int] = {}  # by instrument, the last trade's price
        self._live: dict[str, str] = {}  # order id → instrument, from sent to ended
        self._clock = self._n = self._sent_at = self._received_at = 0

    # --- the venue

    def perform(self, effect: Submit | CancelOrder | Enquire, now: int) -> None:
        """Send an order, a cancel or a question; it arrives one entry latency later. DeskError for an id in use."""
        if isinstance(effect, Submit):
            if effect.order_id in self._live:
                raise DeskError(f"{effect.order_id}: an order of this id is still at the paper venue")
            self._live[effect.order_id] = effect.place.inst
        self._n += 1
        self._sent_at = max(now + self._latency.entry, self._sent_at)
        heapq.heappush(self._arriving, (self._sent_at, self._n, effect))

    def due(self, now: int) -> list[Event]:
        """Everything received by `now`, in order of time and cause. Empty when `emit` was given: it has them."""
        self._books.again()
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

    @property
    def minding(self) -> set[str]:
        """Instruments whose book matters here at every step: where an order of ours is, or displayed quantity is used
        up by one. Of the others it is enough to be told once a moment.
        """
        return set(self._live.values()).union(*(model.used for model in self._models))

    # --- the market

    def on_book(self, inst: str, now: int) -> None:
        """The book of `inst` changed, at `now`."""
        self._books.again()
        if self._latency.measured:
            self._latency.heard(self._books.stamp(inst), now)
        self._advance(now)
        if inst in self._met:
            for model in self._models:
                model.on_book(inst)

    def on_trade(self, trade: Trade, now: int) -> None:
        """A trade printed, at `now`: it may reach our resting orders, and trigger stops."""
        self._books.again()
        self._advance(now)
        self._last[trade.inst] = trade.px
        if trade.inst in self._met:
            for model in self._models:
                model.on_trade(trade)
        if stops := self._stops.get(trade.inst):
            for order_id in [id_ for id_, stop in stops.items() if self._triggered(stop)]:
                self._meet(stops.pop(order_id))

    def report(self) -> dict[str, Any]:
        """The assumptions behind the fills and how far they carry: every result built on them says SIMULATED."""
        self._books.again()
        rested = self._model.rested
        return {
            "assumptions": self.assumptions(),
            "queue_model": self.queue_model,
            "queues": ", ".join(f"{tier} {count}" for tier, count in rested.items() if count) or "none",
            "band": {
                "pessimistic": self._low.tally.result(self._low.describe()),
                "chosen": self._tally.result(self.queue_model),
                "optimistic": self._high.tally.result(self._high.describe()),
            },
        }

    def assumptions(self) -> dict[str, str]:
        """The model behind the fills, in words."""
        return {
            "fills": "SIMULATED on live or replayed market data",
            "entry latency": self._latency.describe(0),
            "response latency": self._latency.describe(1),
            "taking": "walks visible levels, each displayed quantity once; no market impact",
            "queue": f"exact where the book shows orders (L3); on L2 behind all displayed, model {self.queue_model}",
            "fills through our price": "whole, when a trade or the other side of the book comes through it",
            "stops": "triggered by the last trade, then IOC with the order's price as collar",
            "book not ready": "no fills; IOC expires, other orders wait",
            "account": "no margin, no borrowing cost, short sales allowed; own orders do not meet (cancel newest)",
            "fees": self._tier().describe(),
        }

    # --- desk.sim.fills.Sink

    def accepted(self, order_id: str) -> None:
        if order_id not in self._told:
            self._answer(Accepted(self._received, order_id))

    def filled(self, order: Resting, px: int, lots: int, maker: bool) -> None:
        fee = self._tally.fill(order, px, lots, maker)
        fill_id = f"p{self._tally.fills}"
        self._answer(Fill(self._received, fill_id, order.order_id, order.inst, order.side, px, lots, fee, maker))

    def ended(self, order_id: str, why: str) -> None:
        inst = self._live.pop(order_id)
        self._told.discard(order_id)
        for shadow in (self._low, self._high):
            shadow.model.cancel(inst, order_id)
        self._answer(Ended(self._received, order_id, why))

    # --- inside

    def _advance(self, now: int) -> None:
        """Bring the venue to `now`: what was sent arrives, what waited for a book is placed if it can be."""
        while self._arriving and self._arriving[0][0] <= now:
            at, _, effect = heapq.heappop(self._arriving)
            self._clock = max(self._clock, at)
            if isinstance(effect, Submit):
                self._arrive(effect)
            elif isinstance(effect, CancelOrder):
                self._cancel(effect.order_id)
            else:
                self._say(effect.order_id)
        self._clock = max(self._clock, now)
        if self._waiting:
            for order_id, submit in list(self._waiting.items()):
                if self._books.ready(submit.place.inst):
                    del self._waiting[order_id]
                    self._match(submit)

    def _arrive(self, submit: Submit) -> None:
        order_id, place = submit.order_id, submit.place
        if order_id not in self._live:
            return  # its cancel was sent first
        why = fault(place, self._books.instrument(place.inst))
        if why:
            self.ended(order_id, f"rejected: {why}")
        elif place.trigger:
            self._hold(order_id)
            if self._triggered(submit):
                self._meet(submit)
            else:
                self._stops.setdefault(place.inst, {})[order_id] = submit
        elif place.tif == "ioc" and not self._books.ready(place.inst):
            self.ended(order_id, "expired: book not ready")
        else:
            self._meet(submit)

    def _triggered(self, submit: Submit) -> bool:
        place, last = submit.place, self._last.get(submit.place.inst)
        return last is not None and (last - place.trigger) * place.side >= 0

    def _meet(self, submit: Submit) -> None:
        """Meet the book, now or when it can be believed."""
        if self._books.ready(submit.place.inst):
            self._match(submit)
        else:
            self._hold(submit.order_id)
            self._waiting[submit.order_id] = submit

    def _hold(self, order_id: str) -> None:
        """The venue has it, and it does not meet the book yet: its fate is not in doubt."""
        self.accepted(order_id)
        self._told.add(order_id)

    def _match(self, submit: Submit) -> None:
        self._met.add(submit.place.inst)
        for shadow in (self._low, self._high):
            shadow.arrive(submit.order_id, submit.place)
        self._model.arrive(submit.order_id, submit.place, submit.place.qty)

    def _cancel(self, order_id: str) -> None:
        """The cancel is here: nothing to do for an order that has ended; its end is already on the way."""
        inst = self._live.get(order_id)
        if inst is None:
            return
        self._waiting.pop(order_id, None)
        self._stops.get(inst, {}).pop(order_id, None)
        self._model.cancel(inst, order_id)
        self.ended(order_id, "cancelled")

    def _say(self, order_id: str) -> None:
        """What is known here of one order: it works, or it is nowhere (the ends were told as they came)."""
        for place in PLACES:
            self._answer(Evidence(self._received, order_id, place, place == "open" and order_id in self._live))

    def _tier(self) -> FeeSchedule:
        return self._fees.at(self._clock)

    @property
    def _received(self) -> int:
        """When the desk learns of what happens at the venue now: answers do not overtake each other."""
        self._received_at = max(self._clock + self._latency.response, self._received_at)
        return self._received_at

    def _answer(self, event: Event) -> None:
        self._n += 1
        heapq.heappush(self._answers, (event.ts, self._n, event))
