"""Kraken WebSocket v2, the client's side: requests as bytes, frames as messages.

    {"channel":"book","type":"snapshot"|"update","data":[{"symbol":"BTC/USD","bids":[{"price":64525.0,"qty":0.53807066}],
     "asks":[…],"checksum":2175437505,"timestamp":"2026-07-19T17:54:39.753424Z"}]}
    {"channel":"level3",…"data":[{"symbol":…,"checksum":…,"bids":[{"event":"add","order_id":"O…","limit_price":44939.4,
     "order_qty":0.88968699,"timestamp":"…ns Z"}],"asks":[…]}]}
    {"channel":"trade",…"data":[{"symbol":…,"side":"buy","price":…,"qty":…,"ord_type":"market","trade_id":1,"timestamp":…}]}
    {"channel":"ticker"|"ohlc"|"instrument"|"status"|"heartbeat",…}
    {"method":"subscribe","result":{"channel":"book","depth":10,"symbol":"BTC/USD"},"success":true,…}     one per symbol

Numbers are kept as wire text until they are integers: a price of 64525.0 with 1 decimal is 645250 ticks. The decimals
come from the `instrument` channel, or, where it was not recorded, from the text itself: Kraken writes every number of a
pair with all its decimals. `tick_size` is never used: some pairs are quoted finer than it says.
Source: Kraken API documentation, and the captures listed in tests/wire.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from msgspec import Raw

from desk.errors import DecodeError
from desk.instrument import Instrument
from desk.messages import (
    Ack,
    BookUpdate,
    Candle,
    Candles,
    Heartbeat,
    Instruments,
    Message,
    OrderEvent,
    OrdersUpdate,
    Pong,
    Side,
    Subscription,
    Ticker,
    Trade,
    Trades,
    VenueStatus,
)
from desk.wire.kraken_answers import read_answer
from desk.wire.kraken_shapes import (
    FRAMES,
    BookFrame,
    CandleFrame,
    Head,
    InstrumentFrame,
    OrdersFrame,
    RawOrder,
    RawPair,
    TickerFrame,
    TradeFrame,
    decode_head,
)
from desk.wire.stamps import parse_ns

MAX_DIGITS = 40  # longer numbers are an attack or a bug, never a price
POINT = ord(".")
MINUTE = 60_000_000_000
_NUMBER = re.compile(rb"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)


HEARTBEAT = b'{"channel":"heartbeat"}'
_CHANNEL = b'{"channel":"'


class KrakenCodec:
    """One connection's worth of Kraken v2. `venue` names the instruments ("BTC/USD@kraken")."""

    proof = "checksum"
    quiet = b'{"channel"'

    def __init__(self, venue: str = "kraken") -> None:
        self.venue = venue
        self.instruments: dict[str, Instrument] = {}  # by symbol
        self._decode: dict[str, Callable[[Any], list[Message]]] = {
            "book": self._book,
            "level3": self._orders,
            "trade": self._trades,
            "ticker": self._ticker,
            "ohlc": self._candles,
            "instrument": self._pairs,
            "status": lambda frame: [VenueStatus(status.system) for status in frame.data],
        }

    # --- requests

    def subscribe(self, wanted: list[Subscription], token: str = "", req_id: int = 0) -> list[bytes]:
        """One request per channel and depth, naming every symbol; the venue acknowledges each symbol by itself."""
        return self._requests("subscribe", wanted, token, req_id)

    def unsubscribe(self, wanted: list[Subscription], token: str = "", req_id: int = 0) -> list[bytes]:
        return self._requests("unsubscribe", wanted, token, req_id)

    def ping(self, req_id: int) -> bytes:
        return msgspec.json.encode({"method": "ping", "req_id": req_id})

    @staticmethod
    def _requests(method: str, wanted: list[Subscription], token: str, req_id: int) -> list[bytes]:
        groups: dict[tuple[str, int, int], list[str]] = {}
        for each in wanted:
            groups.setdefault((each.channel, each.depth, each.interval), []).append(each.symbol)
        requests = []
        for (channel, depth, interval), symbols in groups.items():
            params: dict[str, Any] = {"channel": channel}
            if channel != "instrument":
                params["symbol"] = symbols
            if depth:
                params["depth"] = depth
            if interval:
                params["interval"] = interval
            if method == "subscribe":
                params["snapshot"] = True
            if channel == "level3":
                params["token"] = token
            requests.append(msgspec.json.encode({"method": method, "params": params, "req_id": req_id}))
        return requests

    # --- frames

    def control(self, raw: bytes) -> Ack | None:
        """The acknowledgement in this frame, or None: data frames are not looked at."""
        if raw.startswith(_CHANNEL):
            return None
        for message in self.decode(raw):
            if isinstance(message, Ack):
                return message
        return None

    def decode(self, raw: bytes) -> list[Message]:
        """Every message of one frame; unknown channels and methods give none; raises DecodeError with the reason."""
        if raw == HEARTBEAT:
            return [Heartbeat()]
        try:
            channel = raw[12 : raw.index(b'"', 12)].decode() if raw.startswith(_CHANNEL) else ""
            if channel not in FRAMES:
                head = decode_head(raw)
                channel = head.channel
                if not channel or channel == "heartbeat":
                    return self._answer(head)
                if channel not in FRAMES:
                    return []
            return self._decode[channel](FRAMES[channel].decode(raw))
        except (msgspec.DecodeError, ValueError, IndexError, RecursionError) as err:
            raise DecodeError(str(err), raw) from err

    def answer(self, call: str, symbol: str, raw: bytes) -> list[Message]:
        """The messages of a REST answer, see desk.wire.kraken_answers; raises DecodeError."""
        inst = self.instruments.get(symbol)
        if inst is None:
            raise DecodeError(f"{call} of {symbol} cannot be read: the symbol's decimals are unknown")
        return read_answer(call, inst, raw)

    @staticmethod
    def _answer(head: Head) -> list[Message]:
        if head.channel == "heartbeat":
            return [Heartbeat()]
        if head.method == "pong":
            return [Pong(head.req_id or 0, parse_ns(head.time_in), parse_ns(head.time_out))]
        if head.method in ("subscribe", "unsubscribe"):
            symbol = head.result.symbol or head.symbol
            return [
                Ack(
                    head.method,
                    head.result.channel,
                    symbol,
                    (head.success and not head.error) or "Already subscribed" in head.error,
                    head.error,
                    head.result.depth,
                    head.req_id or 0,
                )
            ]
        if head.Error or head.error:
            return [Ack(head.method, "", head.symbol, success=False, error=head.Error or head.error)]
        return []

    def _instrument(self, symbol: str, pxs: Iterable[Raw], qtys: Iterable[Raw], made: list[Message]) -> Instrument:
        """The instrument of a symbol; a first sight without the instrument channel takes its decimals from the text."""
        known = self.instruments.get(symbol)
        if known is None:
            px_decimals = max((_decimals(px) for px in pxs), default=-1)
            qty_decimals = max((_decimals(qty) for qty in qtys), default=-1)
            if px_decimals < 0 or qty_decimals < 0:
                raise ValueError(f"{symbol}: no instrument and no numbers to take its decimals from")
            known = Instrument(symbol, self.venue, px_decimals, qty_decimals)
            self.instruments[symbol] = known
            made.append(Instruments((known,)))
        return known

    def _book(self, frame: BookFrame) -> list[Message]:
        made: list[Message] = []
        snapshot = _is_snapshot(frame.type)
        for book in frame.data:
            levels = (*book.bids, *book.asks)
            if not levels and book.symbol not in self.instruments:
                continue  # an empty book of a pair nobody described: there is nothing to learn
            inst = self._instrument(book.symbol, (lv.price for lv in levels), (lv.qty for lv in levels), made)
            pd, qd = inst.px_decimals, inst.qty_decimals
            made.append(
                BookUpdate(
                    inst.key,
                    tuple([(scaled(lv.price, pd), scaled(lv.qty, qd)) for lv in book.bids]),
                    tuple([(scaled(lv.price, pd), scaled(lv.qty, qd)) for lv in book.asks]),
                    snapshot,
                    book.checksum,
                    parse_ns(book.timestamp),
                )
            )
        return made

    def _orders(self, frame: OrdersFrame) -> list[Message]:
        made: list[Message] = []
        snapshot = _is_snapshot(frame.type)
        for book in frame.data:
            orders = (*book.bids, *book.asks)
            if not orders and book.symbol not in self.instruments:
                continue
            inst = self._instrument(book.symbol, (o.limit_price for o in orders), (o.order_qty for o in orders), made)
            made.append(
                OrdersUpdate(
                    inst.key,
                    self._order_events(book.bids, inst),
                    self._order_events(book.asks, inst),
                    snapshot,
                    book.checksum,
                    parse_ns(book.timestamp),
                )
            )
        return made

    @staticmethod
    def _order_events(orders: tuple[RawOrder, ...], inst: Instrument) -> tuple[OrderEvent, ...]:
        pd, qd = inst.px_decimals, inst.qty_decimals
        for order in orders:
            if order.event not in ("add", "modify", "delete"):
                raise ValueError(f"unknown order event {order.event!r}")
        return tuple(
            [
                OrderEvent(
                    o.event, o.order_id, scaled(o.limit_price, pd), scaled(o.order_qty, qd), parse_ns(o.timestamp)
                )
                for o in orders
            ]
        )

    def _trades(self, frame: TradeFrame) -> list[Message]:
        made: list[Message] = []
        trades = []
        for t in frame.data:
            inst = self._instrument(t.symbol, (t.price,), (t.qty,), made)
            px, qty = scaled(t.price, inst.px_decimals), scaled(t.qty, inst.qty_decimals)
            if t.side not in ("buy", "sell") or not px or not qty:
                raise ValueError(f"{t.symbol}: a trade of side {t.side!r}, price {px}, quantity {qty}")
            side = Side.BUY if t.side == "buy" else Side.SELL
            trades.append(Trade(inst.key, px, qty, side, t.trade_id, parse_ns(t.timestamp)))
        made.append(Trades(tuple(trades), _is_snapshot(frame.type)))
        return made

    def _ticker(self, frame: TickerFrame) -> list[Message]:
        made: list[Message] = []
        for t in frame.data:
            inst = self.instruments.get(t.symbol)
            if inst is None:
                continue  # a ticker's volume and vwap do not show a pair's decimals: wait for its book
            pd = inst.px_decimals
            made.append(
                Ticker(inst.key, scaled(t.bid, pd), scaled(t.ask, pd), scaled(t.last, pd), parse_ns(t.timestamp))
            )
        return made

    def _candles(self, frame: CandleFrame) -> list[Message]:
        made: list[Message] = []
        candles = []
        for c in frame.data:
            inst = self._instrument(c.symbol, (c.open, c.high, c.low, c.close), (c.volume,), made)
            pd = inst.px_decimals
            candles.append(
                Candle(
                    inst.key,
                    parse_ns(c.interval_begin),
                    c.interval * MINUTE,
                    scaled(c.open, pd),
                    scaled(c.high, pd),
                    scaled(c.low, pd),
                    scaled(c.close, pd),
                    scaled(c.volume, inst.qty_decimals),
                    c.trades,
                )
            )
        made.append(Candles(tuple(candles), _is_snapshot(frame.type)))
        return made

    def _pairs(self, frame: InstrumentFrame) -> list[Message]:
        pairs = tuple([self._pair(pair) for pair in frame.data.pairs])
        self.instruments.update({inst.symbol: inst for inst in pairs})
        return [Instruments(pairs, _is_snapshot(frame.type))]

    def _pair(self, pair: RawPair) -> Instrument:
        pd, qd = pair.price_precision, pair.qty_precision
        if not (0 <= pd <= 18 and 0 <= qd <= 18):
            raise ValueError(f"{pair.symbol}: precisions {pd} and {qd} are outside 0..18")
        return Instrument(
            pair.symbol,
            self.venue,
            pd,
            qd,
            tick=max(1, scaled(pair.price_increment, pd)),
            lot=max(1, scaled(pair.qty_increment, qd)),
            qty_min=max(1, scaled(pair.qty_min, qd)),
            cost_min=Decimal(bytes(pair.cost_min).decode()),
            status=pair.status,
        )


def scaled(number: Raw, decimals: int) -> int:
    """A number's wire text as an integer of 10**-decimals; exact, or ValueError.

    >>> scaled(Raw(b"64525.0"), 1), scaled(Raw(b"0.00005100"), 8), scaled(Raw(b"5e-05"), 8), scaled(Raw(b"3"), 2)
    (645250, 5100, 5000, 300)
    """
    text = bytes(number)
    point = len(text) - decimals - 1
    if decimals and 0 < point < MAX_DIGITS and text[point] == POINT:  # as the venue always writes it
        digits = text[:point] + text[point + 1 :]
        if digits.isdigit():
            return int(digits)
    if len(text) > MAX_DIGITS or not _NUMBER.fullmatch(text):
        raise ValueError(f"not a price or quantity: {text[:MAX_DIGITS]!r}")
    try:
        value = Decimal(text.decode()).scaleb(decimals)
        exact = value == value.to_integral_value()
    except InvalidOperation as err:
        raise ValueError(f"not a price or quantity: {text!r}") from err
    if not exact or value.adjusted() > 36:
        raise ValueError(f"{text.decode()} does not fit {decimals} decimals")
    return int(value)


def _decimals(number: Raw) -> int:
    """Digits after the point, -1 for a text that does not show them (an exponent)."""
    text = bytes(number)
    if b"e" in text or b"E" in text:
        return -1
    return len(text.partition(b".")[2])


def _is_snapshot(kind: str) -> bool:
    if kind not in ("snapshot", "update"):
        raise ValueError(f"unknown frame type {kind!r}")
    return kind == "snapshot"
