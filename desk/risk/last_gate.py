"""The last gate: a second opinion on every order, next to the venue, that shares no code with the first.

It keeps its own count of orders, positions and prices from what passes through it, knows four numbers and two flags,
and fails closed: every test is written `if not (value <= limit)`, so a NaN, a missing instrument or a number of the
wrong type is a refusal. It is a stop for our own bugs (a loop that sends orders, a position that is wrong twice), not a
rule a trader meets: its limits are wide. What only reduces a position passes the limits on value, in every state; the
limits on rate and number hold for everything, because a bug may also loop in its exits.
"""

from __future__ import annotations

from collections import deque

from desk.config import LastGate as Limits
from desk.events import Command, Ended, Event, Fill, Start
from desk.handover import Handover
from desk.instrument import Instrument
from desk.intents import Place, Submit

SECOND = 1_000_000_000


class LastGate:
    """One per run. `judge` before an order leaves, `see` for everything that comes back."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.killed = False
        self.reduce_only = False
        self.denied = 0
        self._orders: dict[str, Place] = {}  # at the venue, quantities still open
        self._held: dict[str, int] = {}  # lots, from fills
        self._prices: dict[str, int] = {}  # ticks, the last of our own orders or fills
        self._instruments: dict[str, Instrument] = {}
        self._scales: dict[str, int] = {}  # decimals of what was taken over, until its instrument is seen
        self._sent: deque[int] = deque()
        self._fills: dict[str, None] = {}

    def judge(self, effect: Submit, instrument: Instrument | None, now: int) -> str:
        """ "" to let it pass (it is counted from then on), else why not, with the numbers."""
        why = self._why_not(effect, instrument, now)
        if why:
            self.denied += 1
            return why
        place = effect.place
        self._orders[effect.order_id] = place
        self._prices[place.inst] = place.px
        self._sent.append(now)
        return ""

    def _why_not(self, effect: Submit, instrument: Instrument | None, now: int) -> str:
        place, limits = effect.place, self.limits
        if instrument is None or instrument.key != place.inst:
            return f"{place.inst} is not described"
        if not (type(place.qty) is int and type(place.px) is int and place.qty > 0 and place.px > 0):
            return f"{place.qty} lots at {place.px} ticks is not an order"
        if effect.order_id in self._orders:
            return f"order {effect.order_id} is already at the venue"
        while self._sent and not (now - self._sent[0] < SECOND):
            self._sent.popleft()
        if not (len(self._sent) + 1 <= limits.orders_per_s):
            return f"order rate {len(self._sent) + 1} > {limits.orders_per_s} per second"
        if not (len(self._orders) + 1 <= limits.max_open_orders):
            return f"open orders {len(self._orders) + 1} > {limits.max_open_orders}"
        self._instruments[place.inst] = instrument
        if self.reduces(place):
            return ""
        if self.killed:
            return "killed: only exits pass"
        if self.reduce_only:
            return "reduce-only: only exits pass"
        value = float(instrument.notional(place.px, place.qty))
        if not (value <= limits.max_order_quote):
            return f"order value {value:.2f} > {limits.max_order_quote:g} {instrument.quote}"
        gross = self._gross(place, instrument.quote)
        if not (gross <= limits.max_gross_quote):
            return f"gross exposure {gross:.2f} > {limits.max_gross_quote:g} {instrument.quote}"
        return ""

    def reduces(self, place: Place) -> bool:
        """Whether an order, with what is leaving already, only makes a position smaller."""
        held = self._held.get(place.inst, 0)
        leaving = sum(p.qty for p in self._orders.values() if p.inst == place.inst and p.side == place.side)
        return held * place.side < 0 and leaving + place.qty <= abs(held)

    def _gross(self, extra: Place, quote: str) -> float:
        """Σ over the instruments of one quote currency: the larger of all buys filled and all sells filled."""
        total = 0.0
        for inst, decimals in self._scales.items():
            if inst not in self._instruments and inst.rpartition("@")[0].endswith(f"/{quote}"):
                total += abs(self._held.get(inst, 0)) * self._prices[inst] / 10.0**decimals
        for inst, instrument in self._instruments.items():
            if instrument.quote != quote:
                continue
            held, price = self._held.get(inst, 0), self._prices.get(inst, 0)
            up = down = 0
            for place in (*self._orders.values(), extra):
                if place.inst == inst:
                    up, down = up + place.qty * (place.side > 0), down + place.qty * (place.side < 0)
                    price = max(price, place.px)
            total += float(instrument.notional(price, max(abs(held + up), abs(held - down))))
        return total

    def see(self, event: Event) -> None:
        """Fills move the position (each id once), ends free the order, a person's kill and re-arming set the flag."""
        if isinstance(event, Fill) and event.fill_id not in self._fills:
            self._fills[event.fill_id] = None
            if len(self._fills) > 100_000:
                del self._fills[next(iter(self._fills))]
            self._held[event.inst] = self._held.get(event.inst, 0) + event.side * event.qty
            self._prices[event.inst] = event.px
            if (place := self._orders.get(event.order_id)) is not None:
                left = place.qty - event.qty
                if left > 0:
                    self._orders[event.order_id] = Place(place.inst, place.side, left, place.px)
                else:
                    del self._orders[event.order_id]
        elif isinstance(event, Ended):
            self._orders.pop(event.order_id, None)
        elif isinstance(event, Start) and event.handover is not None:
            self._take_over(event.handover)
        elif isinstance(event, Command):
            if event.what == "kill":
                self.killed = True
            elif event.what in ("pause", "halt"):
                self.reduce_only = True
            elif event.what == "resume":
                self.reduce_only = self.reduce_only and not event.why.strip()
                self.killed = self.killed and not event.why.strip()

    def _take_over(self, earlier: Handover) -> None:
        """What an earlier session held is held, and what it had at the venue may be there still."""
        self._held.update(earlier.held)
        self._prices.update(earlier.last)
        self._scales.update({p.inst: p.decimals for p in earlier.positions})
        for order in earlier.orders:
            if order.qty > order.filled:
                self._orders[order.order_id] = Place(order.inst, order.side, order.qty - order.filled, order.px)
