"""What strategies may wish for, what the engine answers, and what a venue must do. Plain data.

A wish carries the numbers that led to it (`because`); an answer carries the sequence number of its cause.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from desk.handover import Handover
from desk.messages import Side


class Place(msgspec.Struct, frozen=True, gc=False, tag="place"):
    """A wish for an order. `tif`: "ioc" | "gtc"; a post-only order never takes; `px` is always a limit.

    `stop` is the price (ticks) at which the trade is given up, for the gate to know its risk; 0 when it has none.
    With a `trigger` (ticks, 0: none) it is a stop order: it waits at the venue until a trade prints there or beyond,
    and is then an IOC order whose `px` is the collar, the worst price at which it may trade.
    """

    inst: str
    side: Side
    qty: int
    px: int
    tif: str = "ioc"
    post_only: bool = False
    reason: str = "entry"
    because: dict[str, float] = {}
    stop: int = 0
    trigger: int = 0


class Withdraw(msgspec.Struct, frozen=True, gc=False, tag="withdraw"):
    """A wish to cancel one of the seat's own orders."""

    order_id: str
    reason: str = ""


class Wake(msgspec.Struct, frozen=True, gc=False, tag="wake"):
    """Send me Timer(key) at this time (ns)."""

    at: int
    key: str


class Signal(msgspec.Struct, frozen=True, gc=False, tag="signal"):
    """A scalp worth taking, whole: prices in ticks, quantity in lots, times in ns.

    `contributions` add up to `technical`; `hft` is the order-book score at that moment, None without a book: the sum of
    the points in `components`. `stop` may be deferred once for at most 2 s, `hard_stop` never: the size is for it.
    """

    signal_id: str
    inst: str
    side: Side
    entry: int
    stop: int
    target: int
    qty: int
    ts: int
    expires: int
    horizon: int
    technical: float
    hft: float | None
    tier: str
    alignment: str
    size_factor: float
    strength: float
    cost_bps: float
    net_target_bps: float
    break_even: float
    contributions: dict[str, float] = {}
    reasons: tuple[str, ...] = ()
    hard_stop: int = 0
    components: dict[str, float] = {}


class Decline(msgspec.Struct, frozen=True, gc=False, tag="decline"):
    """Why not: a stable code from a gate, with the numbers. `looks`: how often the strategy has looked at `inst`
    so far, this time included; 0: a strategy that does not count. `counts`: the looks since its last Decline by code.
    """

    inst: str
    code: str
    because: dict[str, float] = {}
    looks: int = 0
    counts: dict[str, int] = {}


Intent = Place | Withdraw | Wake | Signal | Decline


class Submit(msgspec.Struct, frozen=True, gc=False, tag="submit"):
    """An approved order of one seat on its way to the venue."""

    order_id: str
    place: Place
    cause: int
    seat: int = 0


class CancelOrder(msgspec.Struct, frozen=True, gc=False, tag="cancel"):
    """A cancel on its way to the venue."""

    order_id: str
    cause: int


class Enquire(msgspec.Struct, frozen=True, gc=False, tag="enquire"):
    """Ask the venue what it knows of one order: its answers are Evidence, or what it always says of orders."""

    order_id: str
    cause: int


class Refuse(msgspec.Struct, frozen=True, gc=False, tag="refuse"):
    """Risk said no: the rule, our number and its limit."""

    place: Place
    rule: str
    value: float
    limit: float
    cause: int


class Resync(msgspec.Struct, frozen=True, gc=False, tag="resync"):
    """One symbol's book on one link can no longer be trusted: subscribe to it again."""

    link: int
    channel: str
    symbol: str
    why: str
    cause: int


class Fetch(msgspec.Struct, frozen=True, gc=False, tag="fetch"):
    """A question for the venue's REST; an Answer or an Unanswered of the same call and symbol comes back.

    "Trades": prints after `since` (ns, the venue's time), oldest first. "Depth": the best `count` levels a side.
    "depth": the whole book, as the snapshot that its stream continues.
    """

    call: str
    symbol: str
    cause: int
    since: int = 0
    count: int = 0


class Tell(msgspec.Struct, frozen=True, gc=False, tag="tell"):
    """Something a person should know. `level`: "info" | "warn" | "alarm"."""

    level: str
    code: str
    text: str
    cause: int


class Noted(msgspec.Struct, frozen=True, gc=False, tag="noted"):
    """A strategy's signal or non-signal, passed on to the journal with its cause."""

    what: Signal | Decline
    cause: int


class Checkpoint(msgspec.Struct, frozen=True, gc=False, tag="checkpoint"):
    """The state at this entry: a replay must come to the same hash, and a new session can go on from the handover.

    `state` is blake2b over the handover, the latches and every book's touch (desk.risk.checkpoint).
    """

    state: str
    handover: Handover
    cause: int


Effect = Submit | CancelOrder | Enquire | Refuse | Wake | Resync | Fetch | Tell | Noted | Checkpoint


class Venue(Protocol):
    """Where orders go. Never blocks, never raises for anything an exchange says: answers come back as events."""

    def perform(self, effect: Submit | CancelOrder | Enquire, now: int) -> None: ...
