"""Kraken WebSocket v2 as it is on the wire: typed shapes for one pass of decoding, numbers still raw text."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw


class RawLevel(msgspec.Struct, gc=False):
    price: Raw
    qty: Raw


class RawBook(msgspec.Struct, gc=False):
    symbol: str
    bids: tuple[RawLevel, ...] = ()
    asks: tuple[RawLevel, ...] = ()
    checksum: int | None = None
    timestamp: str = ""


class RawOrder(msgspec.Struct, gc=False):
    order_id: str
    limit_price: Raw
    order_qty: Raw
    event: str = "add"
    timestamp: str = ""


class RawOrders(msgspec.Struct, gc=False):
    symbol: str
    bids: tuple[RawOrder, ...] = ()
    asks: tuple[RawOrder, ...] = ()
    checksum: int | None = None
    timestamp: str = ""


class RawTrade(msgspec.Struct, gc=False):
    symbol: str
    side: str
    price: Raw
    qty: Raw
    trade_id: int = 0
    timestamp: str = ""


class RawTicker(msgspec.Struct, gc=False):
    symbol: str
    bid: Raw
    ask: Raw
    last: Raw
    timestamp: str = ""


class RawCandle(msgspec.Struct, gc=False):
    symbol: str
    open: Raw
    high: Raw
    low: Raw
    close: Raw
    volume: Raw
    interval_begin: str
    interval: int
    trades: int = 0


class RawPair(msgspec.Struct, gc=False):
    symbol: str
    price_precision: int
    qty_precision: int
    price_increment: Raw
    qty_increment: Raw
    qty_min: Raw
    status: str = "online"
    cost_min: Raw = Raw(b"0")


class RawPairs(msgspec.Struct, gc=False):
    pairs: tuple[RawPair, ...] = ()


class RawStatus(msgspec.Struct, gc=False):
    system: str


class BookFrame(msgspec.Struct, gc=False):
    type: str
    data: tuple[RawBook, ...]


class OrdersFrame(msgspec.Struct, gc=False):
    type: str
    data: tuple[RawOrders, ...]


class TradeFrame(msgspec.Struct, gc=False):
    type: str
    data: tuple[RawTrade, ...]


class TickerFrame(msgspec.Struct, gc=False):
    type: str
    data: tuple[RawTicker, ...]


class CandleFrame(msgspec.Struct, gc=False):
    type: str
    data: tuple[RawCandle, ...]


class InstrumentFrame(msgspec.Struct, gc=False):
    type: str
    data: RawPairs


class StatusFrame(msgspec.Struct, gc=False):
    data: tuple[RawStatus, ...]


class Result(msgspec.Struct, frozen=True, gc=False):
    channel: str = ""
    symbol: str = ""
    depth: int = 0


class Head(msgspec.Struct, gc=False):
    """What tells one kind of frame from another, and all of an answer."""

    channel: str = ""
    method: str = ""
    result: Result = Result()
    success: bool = True
    error: str = ""
    symbol: str = ""
    req_id: int | None = None
    time_in: str = ""
    time_out: str = ""
    Error: str = ""  # the socket's own complaint, capital E: {"Error":"Exceeded msg rate"}


Row = tuple[int, str, str, str, str, str, str, int]  # OHLC: time s, open, high, low, close, vwap, volume, count
decode_head = msgspec.json.Decoder(Head).decode
FRAMES: dict[str, msgspec.json.Decoder[Any]] = {
    "book": msgspec.json.Decoder(BookFrame),
    "level3": msgspec.json.Decoder(OrdersFrame),
    "trade": msgspec.json.Decoder(TradeFrame),
    "ticker": msgspec.json.Decoder(TickerFrame),
    "ohlc": msgspec.json.Decoder(CandleFrame),
    "instrument": msgspec.json.Decoder(InstrumentFrame),
    "status": msgspec.json.Decoder(StatusFrame),
}
