"""The life of our own orders: what is proven of each, and nothing more.

    INTENT ──▶ SENT ──▶ OPEN ──▶ PARTIAL ──▶ FILLED | CANCELED | EXPIRED | REJECTED
       │         └───────┴─────────┴──▶ UNKNOWN ──▶ any of those, or back to OPEN | PARTIAL
       └──▶ DENIED                       (never sent: the last gate or the journal said no)

The four at the end and DENIED are terminal and absorbing. A venue may skip steps (a fill before its acknowledgement).
Money follows fills, never states: a late fill of an ended order moves the position, its label stays.

UNKNOWN is an order that was sent and whose fate is unproven. It reserves its money and is never sent again. It is dead
only by evidence:
    the venue said so (Ended for its id), or
    DEADLINE + GRACE have passed since it was sent, and the venue, asked for its open orders, its closed orders and its
    trades, answered each of the three twice, at least APART apart, and the order was in none of them.
A timeout, a reset, an error or an unreadable answer is no evidence.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum

import msgspec

from desk.events import Evidence, Fill
from desk.handover import Working
from desk.intents import Place

SECOND = 1_000_000_000
DEADLINE = 5 * SECOND  # a venue answers a request within this
GRACE = 1 * SECOND  # and its answer is here within this
APART = 2 * SECOND  # between two looks that count as two
PLACES = ("open", "closed", "trades")  # where a venue may know an order
OVER_KEPT = 4_096  # ended orders whose late fills still find their seat; for ever would be a leak


class State(StrEnum):
    """What is proven of an order."""

    INTENT = "INTENT"
    SENT = "SENT"
    OPEN = "OPEN"
    PARTIAL = "PARTIAL"
    UNKNOWN = "UNKNOWN"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    DENIED = "DENIED"


TERMINAL = frozenset({State.FILLED, State.CANCELED, State.EXPIRED, State.REJECTED, State.DENIED})
ENDS = {
    "filled": State.FILLED,
    "cancelled": State.CANCELED,
    "expired": State.EXPIRED,
    "rejected": State.REJECTED,
    "denied": State.DENIED,
}
"""The first word of an Ended and the state it means."""


class Order(msgspec.Struct):
    """One order: as it was placed, and what is proven of it. `filled` lots; `since`: ns, when it left."""

    order_id: str
    place: Place
    seat: int
    state: State = State.INTENT
    filled: int = 0
    since: int = 0
    why: str = ""
    asked: int = 0  # ns, the last enquiry
    absent: dict[str, list[int]] = {}  # by place: when the venue said that it was not there

    @property
    def over(self) -> bool:
        return self.state in TERMINAL

    @property
    def left(self) -> int:
        """Lots that may still trade."""
        return 0 if self.over else max(0, self.place.qty - self.filled)


class Orders:
    """All orders of a desk: the live ones, and the last that ended. `prefix` begins every id."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.sent_out = 0
        self._live: dict[str, Order] = {}
        self._over: dict[str, Order] = {}
        self._forget: deque[str] = deque()

    # --- ours

    def new(self, place: Place, seat: int, now: int) -> Order:
        """An approved wish: it has an id that never comes again, and is not sent yet."""
        self.sent_out += 1
        name = f"{self.prefix}-o{self.sent_out}" if self.prefix else f"o{self.sent_out}"
        order = self._live[name] = Order(name, place, seat, since=now)
        return order

    def take_over(self, working: Working, now: int) -> Order:
        """An order of an earlier session: whatever was proven of it then, its fate is unproven now."""
        w = working
        place = Place(w.inst, w.side, w.qty, w.px, w.tif, w.post_only, w.reason, trigger=w.trigger)
        why = f"{w.state} when an earlier session ended"
        order = Order(w.order_id, place, w.seat, State.UNKNOWN, w.filled, now, why)
        self._live[w.order_id] = order
        return order

    # --- what is known of one

    def get(self, order_id: str) -> Order | None:
        return self._live.get(order_id) or self._over.get(order_id)

    @property
    def live(self) -> list[Order]:
        """Orders whose end is not proven, oldest first."""
        return list(self._live.values())

    @property
    def unknown(self) -> int:
        """How many are in doubt."""
        return sum(order.state is State.UNKNOWN for order in self._live.values())

    # --- what the venue says

    def sent(self, order_id: str, now: int) -> None:
        """It has left. An answer may have been faster: then nothing changes but the time."""
        if (order := self._live.get(order_id)) is not None:
            order.since = now
            if order.state is State.INTENT:
                order.state = State.SENT

    def accepted(self, order_id: str) -> bool:
        """The venue has it; True when that was in doubt."""
        order = self._live.get(order_id)
        if order is None:
            return False
        doubted = order.state is State.UNKNOWN
        if doubted or order.state in (State.INTENT, State.SENT):
            order.state = State.PARTIAL if order.filled else State.OPEN
            order.absent.clear()
        return doubted

    def filled(self, fill: Fill) -> Order | None:
        """Count a fill that came for the first time; the order, or None when it is none of ours.

        The state of an ended order stays: `order.over` says that the fill came late.
        """
        order = self.get(fill.order_id)
        if order is None:
            return None
        order.filled += fill.qty
        if not order.over:
            order.state = State.PARTIAL
            order.absent.clear()
        return order

    def ended(self, order_id: str, why: str) -> Order | None:
        """The venue will do nothing more for it; None when that was known, or the order is none of ours."""
        order = self._live.pop(order_id, None)
        if order is None:
            return None
        order.state, order.why = ENDS.get(why.partition(":")[0], State.REJECTED), why
        self._over[order_id] = order
        self._forget.append(order_id)
        if len(self._forget) > OVER_KEPT:
            del self._over[self._forget.popleft()]
        return order

    # --- doubt

    def doubt(self, order_id: str, why: str) -> Order | None:
        """Its fate is unproven from here; None when it is over, or in doubt already."""
        order = self._live.get(order_id)
        if order is None or order.state is State.UNKNOWN:
            return None
        order.state, order.why = State.UNKNOWN, why
        order.absent.clear()
        return order

    def overdue(self, now: int) -> list[Order]:
        """Sent, and no word of it for DEADLINE + GRACE."""
        return [o for o in self._live.values() if o.state is State.SENT and now - o.since >= DEADLINE + GRACE]

    def to_ask(self, now: int) -> list[Order]:
        """In doubt, and not asked for since APART; they count as asked from now on."""
        due = [o for o in self._live.values() if o.state is State.UNKNOWN and now - o.asked >= APART]
        for order in due:
            order.asked = now
        return due

    def heard(self, evidence: Evidence) -> str:
        """Weigh an answer to an enquiry: "" while nothing follows, "open", or the reason why the order is dead."""
        order = self._live.get(evidence.order_id)
        if order is None or order.state is not State.UNKNOWN:
            return ""
        if evidence.found:
            order.absent.clear()
            return "open" if evidence.where == "open" else ""  # its end or its fills come as such
        looks = order.absent.setdefault(evidence.where, [])
        if evidence.ts - order.since >= DEADLINE + GRACE and (not looks or evidence.ts - looks[-1] >= APART):
            looks.append(evidence.ts)
        if all(len(order.absent.get(place, ())) >= 2 for place in PLACES):
            return f"never arrived, or gone: absent from {', '.join(PLACES)}, asked twice"
        return ""


def working(order: Order) -> Working:
    """An order as it is carried over a restart."""
    p = order.place
    return Working(
        order_id=order.order_id,
        seat=order.seat,
        inst=p.inst,
        side=p.side,
        qty=p.qty,
        px=p.px,
        tif=p.tif,
        post_only=p.post_only,
        reason=p.reason,
        filled=order.filled,
        state=order.state,
        trigger=p.trigger,
    )
