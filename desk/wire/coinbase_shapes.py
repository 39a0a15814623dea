"""Coinbase's frames as they are on the wire: typed shapes, numbers still text. Advanced Trade above, Exchange below."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

Count = Annotated[int, Meta(ge=0)]


class Head(msgspec.Struct, gc=False):
    """What tells one kind of frame from another; the events wait for their own decoder."""

    channel: str = ""
    type: str = ""
    sequence_num: Count | None = None
    timestamp: str = ""
    message: str = ""
    reason: str = ""
    events: Raw = Raw(b"[]")


class RawChange(msgspec.Struct, gc=False):
    side: str
    price_level: str
    new_quantity: str


class BookEvent(msgspec.Struct, gc=False):
    type: str
    product_id: str
    updates: tuple[RawChange, ...] = ()


class RawTrade(msgspec.Struct, gc=False):
    product_id: str
    trade_id: str
    price: str
    size: str
    side: str
    time: str = ""


class TradeEvent(msgspec.Struct, gc=False):
    type: str
    trades: tuple[RawTrade, ...] = ()


class RawTicker(msgspec.Struct, gc=False):
    product_id: str
    price: str
    best_bid: str = ""
    best_ask: str = ""


class TickerEvent(msgspec.Struct, gc=False):
    type: str
    tickers: tuple[RawTicker, ...] = ()


class Subscribed(msgspec.Struct, gc=False):
    subscriptions: dict[str, list[str]]


# --- the Exchange feed


class LegacySnapshot(msgspec.Struct, gc=False):
    product_id: str
    bids: tuple[tuple[str, str], ...]
    asks: tuple[tuple[str, str], ...]
    time: str = ""


class LegacyDiff(msgspec.Struct, gc=False):
    product_id: str
    changes: tuple[tuple[str, str, str], ...]
    time: str = ""


class LegacyTrade(msgspec.Struct, gc=False):
    product_id: str
    trade_id: Count
    side: str
    size: str
    price: str
    time: str = ""


class LegacyTicker(msgspec.Struct, gc=False):
    product_id: str
    price: str
    best_bid: str = ""
    best_ask: str = ""
    time: str = ""


class LegacyChannel(msgspec.Struct, gc=False):
    name: str
    product_ids: tuple[str, ...] = ()


class LegacySubscribed(msgspec.Struct, gc=False):
    channels: tuple[LegacyChannel, ...] = ()


decode_head = msgspec.json.Decoder(Head).decode
decode_books = msgspec.json.Decoder(tuple[BookEvent, ...]).decode
decode_trades = msgspec.json.Decoder(tuple[TradeEvent, ...]).decode
decode_tickers = msgspec.json.Decoder(tuple[TickerEvent, ...]).decode
decode_subscribed = msgspec.json.Decoder(tuple[Subscribed, ...]).decode
LEGACY: dict[str, msgspec.json.Decoder[Any]] = {
    "snapshot": msgspec.json.Decoder(LegacySnapshot),
    "l2update": msgspec.json.Decoder(LegacyDiff),
    "match": msgspec.json.Decoder(LegacyTrade),
    "last_match": msgspec.json.Decoder(LegacyTrade),
    "ticker": msgspec.json.Decoder(LegacyTicker),
    "subscriptions": msgspec.json.Decoder(LegacySubscribed),
}
