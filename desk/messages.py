"""What a venue's frame says, once decoded: market data and the words of the connection. Frozen facts, exact integers.

Prices are ticks, quantities lots (see desk.instrument); `inst` is an instrument key ("BTC/USD@kraken"); `ts_exch` is
the venue's own time in ns since 1970 UTC, 0 when it does not say.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec

from desk.instrument import Instrument


class Side(IntEnum):
    """Which way; sign arithmetic instead of branches. For a trade: the aggressor."""

    BUY = 1
    SELL = -1


class Subscription(msgspec.Struct, frozen=True, gc=False):
    """One channel for one symbol; `depth` for books, `interval` (minutes) for candles, 0 where it does not apply."""

    channel: str
    symbol: str
    depth: int = 0
    interval: int = 0


class LinkSpec(msgspec.Struct, frozen=True, gc=False):
    """One connection and all it subscribes to."""

    name: str
    wanted: tuple[Subscription, ...]


class BookUpdate(msgspec.Struct, frozen=True, gc=False):
    """Levels of an L2 book as (price, quantity), in wire order; a quantity of 0 removes the level.

    Where a book is proven by its numbering instead of a checksum: `first` and `last` are the first and last update it
    holds, `previous` the `last` of the update before (-1 where the venue does not say it).
    """

    inst: str
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    snapshot: bool
    checksum: int | None = None
    ts_exch: int = 0
    first: int = 0
    last: int = 0
    previous: int = -1


class OrderEvent(msgspec.Struct, frozen=True, gc=False):
    """One resting order of an L3 book that appeared, changed or left. `kind`: "add" | "modify" | "delete"."""

    kind: str
    order_id: str
    px: int
    qty: int
    ts_exch: int = 0


class OrdersUpdate(msgspec.Struct, frozen=True, gc=False):
    """Order events of an L3 book, in wire order; a snapshot holds adds only, best level first, queue order inside."""

    inst: str
    bids: tuple[OrderEvent, ...]
    asks: tuple[OrderEvent, ...]
    snapshot: bool
    checksum: int | None = None
    ts_exch: int = 0


class Trade(msgspec.Struct, frozen=True, gc=False):
    """A print on the tape. `side` is the aggressor; `trade_id` rises by 1 per trade and instrument, 0 when unknown."""

    inst: str
    px: int
    qty: int
    side: Side
    trade_id: int = 0
    ts_exch: int = 0


class Trades(msgspec.Struct, frozen=True, gc=False):
    """Trades of one frame. A snapshot repeats prints from before the subscription."""

    trades: tuple[Trade, ...]
    snapshot: bool = False


class Ticker(msgspec.Struct, frozen=True, gc=False):
    """Best bid and ask beside the book channel: contradicting evidence when the book has gone stale.

    `last` is the last trade's price, 0 where the venue does not say it here.
    """

    inst: str
    bid: int
    ask: int
    last: int
    ts_exch: int = 0


class Candle(msgspec.Struct, frozen=True, gc=False):
    """One bar: open time and length in ns, prices in ticks, volume in lots.

    `vwap` is Σ px·qty / Σ qty cut, not rounded, to whole ticks, as Kraken publishes it; 0 without a trade, and for bars
    that are not built from trades of ours.
    `gap`: it was closed although prints of its time were missing; its numbers are those of the prints we had.
    """

    inst: str
    begin: int
    interval: int  # ns
    open: int
    high: int
    low: int
    close: int
    volume: int
    count: int
    vwap: int = 0
    gap: bool = False


class Candles(msgspec.Struct, frozen=True, gc=False):
    """Bars of one frame; the last of a snapshot, and every one of an update, is still running."""

    candles: tuple[Candle, ...]
    snapshot: bool = False


class Depth(msgspec.Struct, frozen=True, gc=False):
    """A book as REST tells it: (price, quantity) best first. Quantities are exact only to `step` lots."""

    inst: str
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    step: int


class Instruments(msgspec.Struct, frozen=True, gc=False):
    """Precisions and statuses, whole (snapshot) or changed (update)."""

    instruments: tuple[Instrument, ...]
    snapshot: bool = False


class VenueStatus(msgspec.Struct, frozen=True, gc=False):
    """The engine of the venue: "online" | "maintenance" | "cancel_only" | "post_only"."""

    system: str


class Ack(msgspec.Struct, frozen=True, gc=False):
    """The venue's answer to one subscribe or unsubscribe of one symbol."""

    method: str
    channel: str
    symbol: str
    success: bool
    error: str = ""
    depth: int = 0
    req_id: int = 0


class Pong(msgspec.Struct, frozen=True, gc=False):
    """Answer to a ping: its number, and when it came and left by the venue's clock (ns, 0 where it does not say)."""

    req_id: int = 0
    time_in: int = 0
    time_out: int = 0


class Heartbeat(msgspec.Struct, frozen=True, gc=False):
    """Nothing happened, and the line lives."""


class Numbered(msgspec.Struct, frozen=True, gc=False):
    """The number of this frame among all frames of its connection, whatever they hold; before its other messages."""

    number: int


Message = (
    BookUpdate
    | OrdersUpdate
    | Trades
    | Ticker
    | Candles
    | Depth
    | Instruments
    | VenueStatus
    | Ack
    | Pong
    | Heartbeat
    | Numbered
)
