"""Binance diff depth, the client's side: requests as bytes, frames as messages. Spot, and the futures' same streams.

    {"e":"depthUpdate","E":ms,"s":"NKNUSDT","U":first,"u":last,"b":[["0.35130000","6195.00000000"]],"a":[…]}
     futures add "T":ms and "pu", the `u` of the update before
    {"u":…,"s":"NKNUSDT","b":bid,"B":quantity,"a":ask,"A":quantity}                bookTicker; futures add "e","E","T"
    {"e":"aggTrade"|"trade","E":ms,"s":…,"a"|"t":id,"p":price,"q":quantity,"T":ms,"m":the buyer was resting}
    {"e":"kline","s":…,"k":{"t":ms,"T":ms,"o":…,"h":…,"l":…,"c":…,"v":…,"n":trades,"x":closed}}
    {"stream":"nknusdt@depth@100ms","data":{…}}      any of them, where the connection is a combined one
    {"result":null,"id":"sbook1xNKNUSDT"}            an answer names only the id, so the id names the request
    {"error":{"code":2,"msg":"…"},"id":…}            or {"code":2,"msg":"…"}
    GET /api/v3/depth?symbol=…: {"lastUpdateId":L,"bids":[[price, quantity],…],"asks":[…]}

A book is the REST snapshot with the stream's updates joined to it by their numbers: see desk.market.sequence. The
stream has no heartbeat: the answer to `ping` shows that the line lives.
Source: Binance WebSocket Streams and diff-depth documentation, and the recordings named in the tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import msgspec
from msgspec import Raw

from desk.errors import DecodeError
from desk.messages import (
    Ack,
    BookUpdate,
    Candle,
    Candles,
    Message,
    Pong,
    Side,
    Subscription,
    Ticker,
    Trade,
    Trades,
)
from desk.wire.binance_shapes import (
    Complaint,
    Levels,
    Outer,
    Snapshot,
    decode_best,
    decode_complaint,
    decode_depth,
    decode_inner,
    decode_kline,
    decode_outer,
    decode_print,
    decode_snapshot,
)
from desk.wire.decimals import Pairs, channel_name

MS = 1_000_000
CHANNELS = {"book": "@depth@100ms", "trade": "@aggTrade", "ticker": "@bookTicker", "ohlc": "@kline_"}
INTERVALS = {1: "1m", 3: "3m", 5: "5m", 15: "15m", 30: "30m", 60: "1h", 240: "4h", 1440: "1d"}
_REQUEST = re.compile(r"([su])(book|trade|ticker|ohlc)(\d{1,9})x([A-Z0-9_]{1,20})", re.ASCII)
_METHODS = {"s": "subscribe", "u": "unsubscribe"}


class BinanceCodec:
    """One connection's worth of Binance. `symbols` are the desk's names ("BTC/USDT") of what may arrive.

    A name that was neither given nor subscribed to stays as the venue writes it ("BTCUSDT").
    """

    proof = "updates"
    quiet = b'{"stream"'

    def __init__(self, venue: str = "binance", symbols: Iterable[str] = ()) -> None:
        self.venue = venue
        self.pairs = Pairs(venue, _native, symbols)
        self.instruments = self.pairs.instruments
        self._decode: dict[str, Callable[[bytes | Raw], list[Message]]] = {
            "depthUpdate": self._book,
            "bookTicker": self._ticker,
            "aggTrade": self._trade,
            "trade": self._trade,
            "kline": self._candle,
        }

    # --- requests

    def subscribe(self, wanted: list[Subscription], token: str = "", req_id: int = 0) -> list[bytes]:
        """One request per stream: an answer acknowledges a request, not a symbol. The venue takes 5 a second."""
        self.pairs.announce(wanted)
        return [self._request("subscribe", each, req_id) for each in wanted]

    def unsubscribe(self, wanted: list[Subscription], token: str = "", req_id: int = 0) -> list[bytes]:
        return [self._request("unsubscribe", each, req_id) for each in wanted]

    def ping(self, req_id: int) -> bytes:
        """Asks for the list of subscriptions: the stream has no ping of its own."""
        return msgspec.json.encode({"method": "LIST_SUBSCRIPTIONS", "id": req_id})

    def _request(self, method: str, sub: Subscription, req_id: int) -> bytes:
        name = _native(sub.symbol)
        stream = name.lower() + channel_name(self.venue, CHANNELS, sub)
        if sub.channel == "ohlc":
            stream += INTERVALS.get(sub.interval, "1m")
        number = f"{method[0]}{sub.channel}{req_id}x{name}"
        return msgspec.json.encode({"method": method.upper(), "params": [stream], "id": number})

    # --- frames

    def control(self, raw: bytes) -> Ack | None:
        """The acknowledgement in this frame, or None: data frames are not looked at."""
        if raw.startswith((b'{"stream"', b'{"e"', b'{"u"')):
            return None
        return next((message for message in self.decode(raw) if isinstance(message, Ack)), None)

    def decode(self, raw: bytes) -> list[Message]:
        """Every message of one frame; unknown streams give none; raises DecodeError with the reason."""
        try:
            outer = decode_outer(raw)
            data, kind = (outer.data, decode_inner(outer.data).e) if outer.data else (raw, outer.e)
            if not kind and (outer.stream.endswith("@bookTicker") or (outer.u is not None and outer.B is not None)):
                kind = "bookTicker"  # spot does not say so
            if kind or outer.stream:
                decode = self._decode.get(kind)
                return decode(data) if decode else []
            return self._answered(outer)
        except (msgspec.MsgspecError, ValueError, RecursionError) as err:
            raise DecodeError(str(err), raw) from err

    def answer(self, call: str, symbol: str, raw: bytes) -> list[Message]:
        """The book of `GET /api/v3/depth` (futures: /fapi/v1/depth) as a snapshot whose `last` is its lastUpdateId.

        Raises DecodeError for anything else, with the venue's words where it gave some.
        """
        if call != "depth":
            raise DecodeError(f"{call} of {symbol} cannot be read: {self.venue} answers depth")
        self.pairs.announce([Subscription("book", symbol)])
        made: list[Message] = []
        try:
            said = decode_snapshot(raw)
            last = _asked(said)
            update = self._levels(_native(symbol), said.bids, said.asks, made, last, last, -1, said.sent)
        except (msgspec.MsgspecError, ValueError, RecursionError) as err:
            raise DecodeError(f"{call} {symbol}: {err}", raw) from err
        return [*made, update]

    def _answered(self, said: Outer) -> list[Message]:
        request = _REQUEST.fullmatch(said.id) if isinstance(said.id, str) else None
        method, channel, number, name = request.groups() if request else ("", "", "0", "")
        symbol = self.pairs.symbol(name) if name else ""
        if said.error or said.code is not None:
            why = decode_complaint(said.error) if said.error else Complaint(said.msg, said.code or 0)
            error = f"{why.msg or 'refused'} (code {why.code})"
            return [Ack(_METHODS.get(method, ""), channel, symbol, success=False, error=error, req_id=int(number))]
        if not said.result:
            raise ValueError("neither a stream's frame nor an answer")
        if request:
            return [Ack(_METHODS[method], channel, symbol, success=bytes(said.result) == b"null", req_id=int(number))]
        return [Pong(said.id if isinstance(said.id, int) else 0)]

    # --- streams

    def _levels(
        self,
        name: str,
        bids: Levels,
        asks: Levels,
        made: list[Message],
        first: int,
        last: int,
        previous: int,
        sent: int,
        *,
        snapshot: bool = True,
    ) -> BookUpdate:
        inst = self.pairs.held(name)
        if inst is None:
            pxs, qtys = zip(*bids, *asks, strict=True) if bids or asks else ((), ())
            inst = self.pairs.describe(name, pxs, qtys, made, book=True)
        levels = self.pairs.levels
        return BookUpdate(
            inst.key,
            levels(inst, bids),
            levels(inst, asks),
            snapshot,
            ts_exch=sent * MS,
            first=first,
            last=last,
            previous=previous,
        )

    def _book(self, raw: bytes | Raw) -> list[Message]:
        d = decode_depth(raw)
        previous = -1 if d.previous is None else d.previous
        if d.first > d.last or previous > d.last:
            raise ValueError(f"{d.symbol}: update {d.first} to {d.last} after {previous}")
        made: list[Message] = []
        update = self._levels(d.symbol, d.bids, d.asks, made, d.first, d.last, previous, d.sent, snapshot=False)
        return [*made, update]

    def _ticker(self, raw: bytes | Raw) -> list[Message]:
        t = decode_best(raw)
        made: list[Message] = []
        inst = self.pairs.describe(t.symbol, (t.bid, t.ask), (t.bid_qty, t.ask_qty), made, book=False)
        (bid, _), (ask, _) = self.pairs.exact(inst, ((t.bid, t.bid_qty), (t.ask, t.ask_qty)))
        return [*made, Ticker(inst.key, bid, ask, last=0, ts_exch=t.sent * MS)]

    def _trade(self, raw: bytes | Raw) -> list[Message]:
        t = decode_print(raw)
        made: list[Message] = []
        inst = self.pairs.describe(t.symbol, (t.price,), (t.qty,), made, book=False)
        side = Side.SELL if t.buyer_rested else Side.BUY
        ((px, qty),) = self.pairs.exact(inst, ((t.price, t.qty),))
        if not px and not qty:
            return made  # the futures' tape numbers fills beside the book (insurance fund, ADL) so: no print
        if not px or not qty:
            raise ValueError(f"{t.symbol}: a trade at price {t.price}, quantity {t.qty}")
        return [*made, Trades((Trade(inst.key, px, qty, side, t.aggregate or t.number, t.traded * MS),))]

    def _candle(self, raw: bytes | Raw) -> list[Message]:
        k = decode_kline(raw)
        bar = k.bar
        if bar.end <= bar.begin:
            raise ValueError(f"{k.symbol}: a candle from {bar.begin} to {bar.end}")
        made: list[Message] = []
        pxs = (bar.open, bar.high, bar.low, bar.close)
        inst = self.pairs.describe(k.symbol, pxs, (bar.volume,), made, book=False)
        (op, vol), (hi, _), (lo, _), (cl, _) = self.pairs.levels(inst, [(px, bar.volume) for px in pxs])
        length = (bar.end + 1 - bar.begin) * MS
        return [*made, Candles((Candle(inst.key, bar.begin * MS, length, op, hi, lo, cl, vol, bar.count),))]


def depth_path(symbol: str, limit: int) -> str:
    """The REST call whose answer `BinanceCodec.answer` reads.

    >>> depth_path("BTC/USDT", 1000)
    '/api/v3/depth?symbol=BTCUSDT&limit=1000'
    """
    return f"/api/v3/depth?symbol={_native(symbol)}&limit={limit}"


def _asked(said: Snapshot) -> int:
    if said.last is None:
        raise ValueError(f"{said.msg or 'no lastUpdateId'} (code {said.code})")
    return said.last


def _native(symbol: str) -> str:
    return symbol.replace("/", "").upper()
