"""Kraken WebSocket v2, the venue's side: requests read, frames written, in Kraken's key order and number text. Pure.

    > {"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":10,"snapshot":true},"req_id":1}
    < {"method":"subscribe","req_id":1,"result":{"channel":"book","depth":10,"snapshot":true,"symbol":"BTC/USD"},
       "success":true,"time_in":"…Z","time_out":"…Z"}                                              one per symbol
    < {"error":"Currency pair not supported FOO/BAR","method":"subscribe","req_id":1,"success":false,
       "symbol":"FOO/BAR","time_in":"…Z","time_out":"…Z"}
    > {"method":"ping","req_id":101}
    < {"method":"pong","req_id":101,"time_in":"…Z","time_out":"…Z"}

Every number is fixed-point text with all decimals of its pair: clients compute checksums from these digits. The shapes
are those of the recordings and of the Kraken API documentation; texts of rarer refusals are ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

import msgspec

from desk.instrument import Instrument, fixed
from desk.messages import BookUpdate, OrderEvent, OrdersUpdate, Side
from desk.wire.stamps import format_ns

HEARTBEAT = b'{"channel":"heartbeat"}'
BOOK_DEPTHS = (10, 25, 100, 500, 1000)
LEVEL3_DEPTHS = (10, 100, 1000)
INTERVALS = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)  # minutes
CHANNELS = ("book", "level3", "trade", "ticker", "ohlc", "instrument")
MINUTE = 60_000_000_000
MAX_SYMBOLS = 500  # in one request
MALFORMED = "Malformed request"


class Topic(NamedTuple):
    """One stream that a client may follow: what is asked, acknowledged, published and cancelled.

    `detail` is the depth of a book, the minutes of a candle, 1 for a ticker that follows the best bid and offer.
    """

    channel: str
    symbol: str = ""
    detail: int = 0


class Print(msgspec.Struct, frozen=True, gc=False):
    """One trade as the tape shows it: ticks, lots, the aggressor's side and order type, ns."""

    px: int
    qty: int
    side: Side
    trade_id: int
    ord_type: str  # "market" | "limit"
    ts: int


class CandleRow(msgspec.Struct, frozen=True, gc=False):
    """One candle with what Kraken adds to it: `vwap` in ticks, cut, not rounded; 0 without trades."""

    begin: int  # ns
    open: int
    high: int
    low: int
    close: int
    volume: int
    count: int
    vwap: int


class TickerRow(msgspec.Struct, frozen=True, gc=False):
    """The last 24 hours and the best bid and offer; prices in ticks, quantities in lots."""

    bid: int
    bid_qty: int
    ask: int
    ask_qty: int
    last: int
    last_qty: int
    open: int
    high: int
    low: int
    vwap: int
    volume: int
    trades: int
    ts: int


# --- requests


class Subscribe(msgspec.Struct, frozen=True):
    """A subscribe or unsubscribe request; one topic per symbol. `depth` and `interval` are 0 where not given."""

    method: str
    channel: str
    symbols: tuple[str, ...]
    depth: int
    interval: int
    trigger: str
    snapshot: bool | None
    token: str
    req_id: int | None


class Ping(msgspec.Struct, frozen=True):
    """A client asks whether we live."""

    req_id: int | None


class Malformed(msgspec.Struct, frozen=True):
    """A request that cannot be carried out, with the words of the refusal."""

    error: str
    method: str
    req_id: int | None


Request = Subscribe | Ping | Malformed


class _Head(msgspec.Struct):
    method: str = ""
    req_id: int | None = None


class _Params(msgspec.Struct):
    channel: str
    symbol: tuple[str, ...] = ()
    depth: int = 0
    interval: int = 0
    event_trigger: str = "trades"
    snapshot: bool | None = None
    token: str = ""


class _Whole(msgspec.Struct):
    params: _Params


_decode_head = msgspec.json.Decoder(_Head).decode
_decode_whole = msgspec.json.Decoder(_Whole).decode


def read_request(raw: bytes) -> Request:
    """What a client asks; never raises: bytes that are no request become `Malformed`.

    >>> read_request(b'{"method":"ping","req_id":101}')
    Ping(req_id=101)
    >>> read_request(b'[1')
    Malformed(error='Malformed request', method='', req_id=None)
    """
    try:
        head = _decode_head(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Malformed(MALFORMED, "", None)
    if head.method == "ping":
        return Ping(head.req_id)
    if head.method not in ("subscribe", "unsubscribe"):
        error = f"Method not supported {head.method[:40]}" if head.method else MALFORMED
        return Malformed(error, head.method[:40], head.req_id)
    try:
        params = _decode_whole(raw).params
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Malformed(MALFORMED, head.method, head.req_id)
    if params.channel not in CHANNELS:
        return Malformed(f"Channel not supported {params.channel[:40]}", head.method, head.req_id)
    if len(params.symbol) > MAX_SYMBOLS:
        return Malformed(f"Too many symbols, {MAX_SYMBOLS} at most", head.method, head.req_id)
    if params.channel != "instrument" and not params.symbol:
        return Malformed("Symbol(s) not found", head.method, head.req_id)
    return Subscribe(
        head.method,
        params.channel,
        params.symbol,
        params.depth,
        params.interval,
        params.event_trigger,
        params.snapshot,
        params.token,
        head.req_id,
    )


def topic_of(request: Subscribe, symbol: str, symbols: Iterable[str]) -> Topic | str:
    """The topic of one symbol of a request, with Kraken's defaults filled in; or the words of its refusal."""
    channel = request.channel
    if channel == "instrument":
        return Topic(channel)
    if symbol not in symbols:
        return f"Currency pair not supported {symbol[:40]}"
    if channel in ("book", "level3"):
        depth = request.depth or 10
        if depth not in (BOOK_DEPTHS if channel == "book" else LEVEL3_DEPTHS):
            return "Subscription depth not supported"
        return Topic(channel, symbol, depth)
    if channel == "ohlc":
        interval = request.interval or 1
        return Topic(channel, symbol, interval) if interval in INTERVALS else "Subscription ohlc interval not supported"
    if channel == "ticker":
        if request.trigger not in ("trades", "bbo"):
            return "Subscription event_trigger not supported"
        return Topic(channel, symbol, int(request.trigger == "bbo"))
    return Topic(channel, symbol)


# --- answers


def ack(method: str, topic: Topic, snapshot: bool, req_id: int | None, time_in: int, time_out: int) -> bytes:
    """The acknowledgement of one topic. `result` holds legal parameters only: a client may send it back as its next
    request (the one warning that Kraken adds to candles is what such clients expect to strip)."""
    fields = [f'"channel":"{topic.channel}"']
    if topic.channel in ("book", "level3"):
        fields.append(f'"depth":{topic.detail}')
    if topic.channel == "ticker":
        fields.append(f'"event_trigger":"{"bbo" if topic.detail else "trades"}"')
    if topic.channel == "ohlc":
        fields.append(f'"interval":{topic.detail}')
    if method == "subscribe":
        fields.append(f'"snapshot":{_flag(snapshot)}')
    if topic.symbol:
        fields.append(f'"symbol":{_text(topic.symbol)}')
    if topic.channel == "ohlc" and method == "subscribe":
        fields.append('"warnings":["timestamp is deprecated, use interval_begin"]')
    return (
        f'{{"method":"{method}",{_req_id(req_id)}"result":{{{",".join(fields)}}},"success":true,'
        f"{_times(time_in, time_out)}"
    ).encode()


def refusal(error: str, method: str, symbol: str, req_id: int | None, time_in: int, time_out: int) -> bytes:
    """The answer to what cannot be done; the socket stays open."""
    named = f'"method":{_text(method)},' if method else ""
    where = f'"symbol":{_text(symbol)},' if symbol else ""
    return (
        f'{{"error":{_text(error)},{named}{_req_id(req_id)}"success":false,{where}{_times(time_in, time_out)}'
    ).encode()


def pong(req_id: int | None, time_in: int, time_out: int) -> bytes:
    """The answer to a ping, with its own `req_id`.

    >>> pong(101, 0, 1000)
    b'{"method":"pong","req_id":101,"time_in":"1970-01-01T00:00:00.000000Z","time_out":"1970-01-01T00:00:00.000001Z"}'
    """
    return f'{{"method":"pong",{_req_id(req_id)}{_times(time_in, time_out)}'.encode()


def status(connection_id: int, system: str = "online") -> bytes:
    """The greeting of every connection."""
    return (
        '{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"' + system + '","api_version":"v2",'
        f'"connection_id":{connection_id}}}]}}'
    ).encode()


# --- data


def book(inst: Instrument, update: BookUpdate) -> bytes:
    """Levels of an L2 book, absolute quantities, 0 removes."""
    pd, qd = inst.px_decimals, inst.qty_decimals
    sides = [
        ",".join([f'{{"price":{fixed(px, pd)},"qty":{fixed(qty, qd)}}}' for px, qty in levels])
        for levels in (update.bids, update.asks)
    ]
    return (
        f'{{"channel":"book","type":"{_kind(update.snapshot)}","data":[{{"symbol":"{inst.symbol}","bids":[{sides[0]}],'
        f'"asks":[{sides[1]}],"checksum":{update.checksum},"timestamp":"{format_ns(update.ts_exch)}"}}]}}'
    ).encode()


def orders(inst: Instrument, update: OrdersUpdate) -> bytes:
    """Orders of an L3 book: whole in a snapshot, `add`, `modify` and `delete` in an update; times in ns."""
    bids, asks = (
        ",".join([_order(inst, event, update.snapshot) for event in events]) for events in (update.bids, update.asks)
    )
    moment = f'"timestamp":"{format_ns(update.ts_exch, 9)}"'
    if update.snapshot:
        entry = f'"symbol":"{inst.symbol}","checksum":{update.checksum},"bids":[{bids}],"asks":[{asks}],{moment}'
    else:
        entry = f'"checksum":{update.checksum},"symbol":"{inst.symbol}",{moment},"bids":[{bids}],"asks":[{asks}]'
    return f'{{"channel":"level3","type":"{_kind(update.snapshot)}","data":[{{{entry}}}]}}'.encode()


def _order(inst: Instrument, event: OrderEvent, snapshot: bool) -> str:
    kind = "" if snapshot else f'"event":"{event.kind}",'
    return (
        f'{{{kind}"order_id":"{event.order_id}","limit_price":{inst.px_text(event.px)},'
        f'"order_qty":{inst.qty_text(event.qty)},"timestamp":"{format_ns(event.ts_exch, 9)}"}}'
    )


def trades(inst: Instrument, prints: Iterable[Print], snapshot: bool = False) -> bytes:
    """Prints of one moment, oldest first."""
    rows = ",".join(
        [
            f'{{"symbol":"{inst.symbol}","side":"{"buy" if p.side > 0 else "sell"}","price":{inst.px_text(p.px)},'
            f'"qty":{inst.qty_text(p.qty)},"ord_type":"{p.ord_type}","trade_id":{p.trade_id},'
            f'"timestamp":"{format_ns(p.ts)}"}}'
            for p in prints
        ]
    )
    return f'{{"channel":"trade","type":"{_kind(snapshot)}","data":[{rows}]}}'.encode()


def ticker(inst: Instrument, row: TickerRow, snapshot: bool) -> bytes:
    """The last 24 hours; `change` is against the price then, `change_pct` in percent with 2 decimals."""
    px, qty = inst.px_text, inst.qty_text
    change = row.last - row.open
    percent = round(Decimal(100 * change) / row.open, 2) if row.open else Decimal("0.00")
    return (
        f'{{"channel":"ticker","type":"{_kind(snapshot)}","data":[{{"symbol":"{inst.symbol}","bid":{px(row.bid)},'
        f'"bid_qty":{qty(row.bid_qty)},"ask":{px(row.ask)},"ask_qty":{qty(row.ask_qty)},"last":{px(row.last)},'
        f'"volume":{qty(row.volume)},"vwap":{px(row.vwap)},"low":{px(row.low)},"high":{px(row.high)},'
        f'"change":{px(change)},"change_pct":{percent:.2f},"trades":{row.trades},"timestamp":"{format_ns(row.ts)}"}}]}}'
    ).encode()


def candles(inst: Instrument, rows: Iterable[CandleRow], interval: int, now: int, snapshot: bool) -> bytes:
    """Candles of `interval` minutes, oldest first; an update is the running one. `timestamp` is the candle's end."""
    px, length = inst.px_text, interval * MINUTE
    body = ",".join(
        [
            f'{{"symbol":"{inst.symbol}","open":{px(c.open)},"high":{px(c.high)},"low":{px(c.low)},'
            f'"close":{px(c.close)},"trades":{c.count},"volume":{inst.qty_text(c.volume)},"vwap":{px(c.vwap)},'
            f'"interval_begin":"{format_ns(c.begin, 9)}","interval":{interval},'
            f'"timestamp":"{format_ns(c.begin + length)}"}}'
            for c in rows
        ]
    )
    return (
        f'{{"channel":"ohlc","type":"{_kind(snapshot)}","timestamp":"{format_ns(now, 9)}","data":[{body}]}}'
    ).encode()


def instruments(pairs: Iterable[Instrument]) -> bytes:
    """The instrument snapshot: precisions and increments of every pair, and the assets they are made of."""
    pairs = list(pairs)
    names = dict.fromkeys(name for inst in pairs for name in (inst.base, inst.quote))
    assets = ",".join(
        f'{{"id":{_text(name)},"status":"enabled","precision":{10 if name in ("BTC", "ETH") else 8},'
        '"precision_display":5,"borrowable":false,"collateral_value":1.00}'
        for name in names
    )
    rows = ",".join([_pair(inst) for inst in pairs])
    return (f'{{"channel":"instrument","type":"snapshot","data":{{"assets":[{assets}],"pairs":[{rows}]}}}}').encode()


def _pair(inst: Instrument) -> str:
    tick = inst.px_text(inst.tick)
    return (
        f'{{"symbol":"{inst.symbol}","base":"{inst.base}","quote":"{inst.quote}","status":"{inst.status}",'
        f'"qty_precision":{inst.qty_decimals},"qty_increment":{inst.qty_text(inst.lot)},'
        f'"price_precision":{inst.px_decimals},"cost_precision":5,"marginable":false,"has_index":false,'
        f'"cost_min":{inst.cost_min:f},"tick_size":{tick},"price_increment":{tick},"qty_min":{inst.qty_text(inst.qty_min)}}}'
    )


# --- pieces


def _kind(snapshot: bool) -> str:
    return "snapshot" if snapshot else "update"


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _text(value: str) -> str:
    return msgspec.json.encode(value).decode()


def _req_id(req_id: int | None) -> str:
    return "" if req_id is None else f'"req_id":{req_id},'


def _times(time_in: int, time_out: int) -> str:
    return f'"time_in":"{format_ns(time_in)}","time_out":"{format_ns(time_out)}"}}'
