"""Binance's frames as they are on the wire: typed shapes under readable names, numbers still text."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, field

Count = Annotated[int, Meta(ge=0)]
Levels = tuple[tuple[str, str], ...]


class Outer(msgspec.Struct, gc=False):
    """What tells a wrapped frame from a bare one and from an answer."""

    stream: str = ""
    data: Raw = Raw(b"")
    e: str = ""
    result: Raw = Raw(b"")
    error: Raw = Raw(b"")
    id: int | str | None = None
    code: int | None = None
    msg: str = ""
    u: Any = None
    B: Any = None


class Inner(msgspec.Struct, gc=False):
    e: str = ""


class Complaint(msgspec.Struct, gc=False):
    msg: str = ""
    code: int = 0


class Depth(msgspec.Struct, gc=False):
    symbol: str = field(name="s")
    first: Count = field(name="U")
    last: Count = field(name="u")
    bids: Levels = field(name="b")
    asks: Levels = field(name="a")
    sent: Count = field(name="E", default=0)
    previous: Count | None = field(name="pu", default=None)


class Best(msgspec.Struct, gc=False):
    symbol: str = field(name="s")
    bid: str = field(name="b")
    bid_qty: str = field(name="B")
    ask: str = field(name="a")
    ask_qty: str = field(name="A")
    sent: Count = field(name="E", default=0)


class Print(msgspec.Struct, gc=False):
    symbol: str = field(name="s")
    price: str = field(name="p")
    qty: str = field(name="q")
    buyer_rested: bool = field(name="m")
    traded: Count = field(name="T", default=0)
    aggregate: Count = field(name="a", default=0)
    number: Count = field(name="t", default=0)


class Bar(msgspec.Struct, gc=False):
    begin: Count = field(name="t")
    end: Count = field(name="T")
    open: str = field(name="o")
    high: str = field(name="h")
    low: str = field(name="l")
    close: str = field(name="c")
    volume: str = field(name="v")
    count: Count = field(name="n", default=0)


class Kline(msgspec.Struct, gc=False):
    symbol: str = field(name="s")
    bar: Bar = field(name="k")


class Snapshot(msgspec.Struct, gc=False):
    """The REST depth, or the refusal that came in its place."""

    last: Count | None = field(name="lastUpdateId", default=None)
    bids: Levels = ()
    asks: Levels = ()
    sent: Count = field(name="E", default=0)
    code: int = 0
    msg: str = ""


decode_outer = msgspec.json.Decoder(Outer).decode
decode_inner = msgspec.json.Decoder(Inner).decode
decode_complaint = msgspec.json.Decoder(Complaint).decode
decode_depth = msgspec.json.Decoder(Depth).decode
decode_best = msgspec.json.Decoder(Best).decode
decode_print = msgspec.json.Decoder(Print).decode
decode_kline = msgspec.json.Decoder(Kline).decode
decode_snapshot = msgspec.json.Decoder(Snapshot).decode
