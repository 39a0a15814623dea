"""Facts: everything the engine can be told. Written to the journal as they are, read back as they were.

`ts` is ns since 1970 UTC, when we received the fact: it is the engine's clock, and nobody in the core asks another.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from desk.handover import Handover
from desk.messages import LinkSpec, Side


class Start(msgspec.Struct, frozen=True, gc=False, tag="start"):
    """The run's manifest, always the first entry: what is needed to reproduce everything after it.

    `session` begins the ids of its orders, so that no id comes twice over restarts; "" in a market that has a time of
    its own and the same session again. `handover` is what was taken over from an earlier session, `taken` its name.
    """

    ts: int
    mode: str
    feed: str
    venue: str
    symbols: tuple[str, ...]
    config: str  # canonical JSON of the configuration in force
    config_hash: str
    seed: int
    version: str
    links: tuple[LinkSpec, ...]  # by link number
    session: str = ""
    handover: Handover | None = None
    taken: str = ""


class Frame(msgspec.Struct, frozen=True, gc=False, tag="frame"):
    """One WebSocket message exactly as it came; `link` is the number of the connection."""

    ts: int
    link: int
    data: bytes


class Answer(msgspec.Struct, frozen=True, gc=False, tag="answer"):
    """One REST answer exactly as it came. `call`: "OHLC" (one-minute candles), "Trades", "Depth" or "depth"."""

    ts: int
    call: str
    symbol: str
    data: bytes


class Unanswered(msgspec.Struct, frozen=True, gc=False, tag="unanswered"):
    """A REST question (desk.intents.Fetch) that could not be asked, or found nobody at the other end."""

    ts: int
    call: str
    symbol: str
    why: str


class LinkUp(msgspec.Struct, frozen=True, gc=False, tag="up"):
    """A connection is open; nothing is known on it yet."""

    ts: int
    link: int


class LinkDown(msgspec.Struct, frozen=True, gc=False, tag="down"):
    """A connection is gone; every book it fed is unknown from here."""

    ts: int
    link: int
    why: str


class Timer(msgspec.Struct, frozen=True, gc=False, tag="timer"):
    """A moment somebody asked for. Key "beat" comes from the loop a few times a second, "seat/key" from a Wake."""

    ts: int
    key: str


class Sent(msgspec.Struct, frozen=True, gc=False, tag="sent"):
    """The order has left for the venue; what becomes of it is not known yet."""

    ts: int
    order_id: str


class Accepted(msgspec.Struct, frozen=True, gc=False, tag="accepted"):
    """The venue has the order in its book (or is about to match it)."""

    ts: int
    order_id: str


class Fill(msgspec.Struct, frozen=True, gc=False, tag="fill"):
    """Part of an order traded. `fee` in the quote currency, positive = paid; `fill_id` is unique per venue."""

    ts: int
    fill_id: str
    order_id: str
    inst: str
    side: Side
    px: int
    qty: int
    fee: Decimal
    maker: bool


class Ended(msgspec.Struct, frozen=True, gc=False, tag="ended"):
    """The venue will do nothing more for this order: "filled", "cancelled", "expired" or "rejected: …"."""

    ts: int
    order_id: str
    why: str


class Unknown(msgspec.Struct, frozen=True, gc=False, tag="unknown"):
    """A request ended without an answer of the venue (timeout, reset, 5xx, unreadable): the order may live or not."""

    ts: int
    order_id: str
    why: str


class Evidence(msgspec.Struct, frozen=True, gc=False, tag="evidence"):
    """The venue was asked for one order and answered. `where`: "open" | "closed" | "trades", each asked on its own."""

    ts: int
    order_id: str
    where: str
    found: bool


class TrendBias(msgspec.Struct, frozen=True, gc=False, tag="bias"):
    """The slow system's view of one symbol: filters fast signals until `expires`."""

    ts: int
    symbol: str
    score: float  # −100..+100
    expires: int  # ns
    label: str
    coverage: float  # 0..1: share of the score's weights that had data
    because: dict[str, float] = {}


class ClockJump(msgspec.Struct, frozen=True, gc=False, tag="jump"):
    """The machine's clock moved by `by_ns` against its uninterrupted time: it was set, or the machine slept."""

    ts: int
    by_ns: int


class Command(msgspec.Struct, frozen=True, gc=False, tag="command"):
    """A person's word: "pause", "resume", "kill", "flatten", "stop"; or the desk's own: "halt", a
    breaker's word from before a restart; "broken" and "mended", the journal's; "note", something to write down.
    """

    ts: int
    what: str
    why: str = ""


Event = (
    Start
    | Frame
    | Answer
    | Unanswered
    | LinkUp
    | LinkDown
    | Timer
    | Sent
    | Accepted
    | Fill
    | Ended
    | Unknown
    | Evidence
    | TrendBias
    | ClockJump
    | Command
)
