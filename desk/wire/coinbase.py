"""Coinbase, the client's side: requests as bytes, frames as messages. Advanced Trade, and the Exchange feed before it.

Advanced Trade numbers every frame of a connection, answers and heartbeats too, from 0:
    {"channel":"l2_data","timestamp":"…Z","sequence_num":0,"events":[{"type":"snapshot"|"update","product_id":"BTC-USD",
     "updates":[{"side":"bid"|"offer","event_time":"…","price_level":"21921.74","new_quantity":"0.06"}]}]}
    {"channel":"market_trades",…"events":[{"type":…,"trades":[{"product_id":…,"trade_id":"1","price":…,"size":…,
     "time":…,"side":"BUY"}]}]}                                   newest first; `side` is the resting order's
    {"channel":"ticker",…"events":[{"type":…,"tickers":[{"product_id":…,"price":…,"best_bid":…,"best_ask":…}]}]}
    {"channel":"subscriptions",…"events":[{"subscriptions":{"level2":["BTC-USD"],"heartbeats":["heartbeats"]}}]}
    {"channel":"heartbeats",…"events":[{"current_time":…,"heartbeat_counter":139651}]}
    {"type":"error","message":"…"}                                without a number
Exchange (no number that covers the book):
    {"type":"snapshot","product_id":…,"bids":[[price, size],…],"asks":[…]}
    {"type":"l2update","product_id":…,"changes":[["buy"|"sell", price, size]],"time":…}
    {"type":"match"|"last_match","trade_id":1,"side":…,"size":…,"price":…}   `side` is the resting order's
    {"type":"ticker","price":…,"best_bid":…,"best_ask":…}         {"type":"heartbeat"|"subscriptions"|"error",…}

Quantities are absolute, 0 removes. A number shows only the decimals it needs, so a snapshot decides them for its book.
Source: Coinbase Advanced Trade and Exchange WebSocket documentation, and the recordings named in the tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from desk.errors import DecodeError
from desk.messages import (
    Ack,
    BookUpdate,
    Heartbeat,
    Message,
    Numbered,
    Side,
    Subscription,
    Ticker,
    Trade,
    Trades,
)
from desk.wire.coinbase_shapes import (
    LEGACY,
    BookEvent,
    Head,
    LegacyDiff,
    LegacySnapshot,
    LegacySubscribed,
    LegacyTicker,
    LegacyTrade,
    RawTicker,
    decode_books,
    decode_head,
    decode_subscribed,
    decode_tickers,
    decode_trades,
)
from desk.wire.decimals import Pairs, channel_name, number_of
from desk.wire.stamps import parse_ns

CHANNELS = {"book": "level2", "trade": "market_trades", "ticker": "ticker", "heartbeats": "heartbeats"}
OURS = {"level2": "book", "market_trades": "trade", "ticker": "ticker", "heartbeats": "heartbeats", "matches": "trade"}
AGGRESSOR = {"buy": Side.SELL, "sell": Side.BUY}  # by the resting order's side
_ANSWERS = (b'"subscriptions"', b'"error"')
_HEARTBEATS = Subscription("heartbeats", "")

Change = tuple[str, str, str]  # side, price, quantity


class CoinbaseCodec:
    """One connection's worth of Coinbase. `symbols` are the desk's names ("BTC/USD") of what may arrive.

    A name that was neither given nor subscribed to stays as the venue writes it ("BTC-USD"). `least`: decimals of a
    price and of a quantity that every instrument has, so that a finer number later on changes none.
    """

    proof = "frames"
    quiet = b'{"channel":"l2_data"'

    def __init__(self, venue: str = "coinbase", symbols: Iterable[str] = (), least: tuple[int, int] = (0, 0)) -> None:
        self.venue = venue
        self.pairs = Pairs(venue, _native, symbols, least)
        self.instruments = self.pairs.instruments
        self._told: set[tuple[str, str]] = set()  # (channel, symbol) already acknowledged by `control`

    # --- requests

    def subscribe(self, wanted: list[Subscription], token: str = "", req_id: int = 0) -> list[bytes]:
        """One request per channel and symbol, for each is answered; first the heartbeats, which keep the rest open.

        `token`: a JWT, needed for no market data. The first must be sent within 5 s of connecting.
        """
        self.pairs.announce(wanted)
        self._told.difference_update((each.channel, each.symbol) for each in wanted)
        asked = wanted if _HEARTBEATS in wanted else [_HEARTBEATS, *wanted]
        return [self._request("subscribe", each, token) for each in asked]

    def unsubscribe(self, wanted: list[Subscription], token: str = "", req_id: int = 0) -> list[bytes]:
        self._told.difference_update((each.channel, each.symbol) for each in wanted)
        return [self._request("unsubscribe", each, token) for each in wanted]

    def ping(self, req_id: int) -> bytes:
        """Asks for the heartbeats once more, which the venue answers: it has no ping of its own."""
        return self._request("subscribe", _HEARTBEATS, "")

    def _request(self, method: str, sub: Subscription, token: str) -> bytes:
        request: dict[str, Any] = {"type": method, "channel": channel_name(self.venue, CHANNELS, sub)}
        if sub.symbol:
            request["product_ids"] = [_native(sub.symbol)]
        if token:
            request["jwt"] = token
        return msgspec.json.encode(request)

    # --- frames

    def control(self, raw: bytes) -> Ack | None:
        """The acknowledgement in this frame that is new, or None: an answer repeats all that stands already."""
        if not any(word in raw[:200] for word in _ANSWERS):
            return None
        for message in self.decode(raw):
            if isinstance(message, Ack) and (message.channel, message.symbol) not in self._told:
                if message.success:
                    self._told.add((message.channel, message.symbol))
                return message
        return None

    def decode(self, raw: bytes) -> list[Message]:
        """Every message of one frame, its number first; unknown channels give the number alone.

        Raises DecodeError with the reason; the number of that frame is then missing, which the next frame shows.
        """
        try:
            head = decode_head(raw)
            if head.type == "error":
                why = ": ".join(word for word in (head.message, head.reason) if word)
                return [Ack("", "", "", success=False, error=why or "refused")]
            if head.channel:
                numbered: list[Message] = [] if head.sequence_num is None else [Numbered(head.sequence_num)]
                return numbered + self._advanced(head)
            if head.type:
                return self._legacy(head.type, raw)
        except (msgspec.MsgspecError, ValueError, IndexError, RecursionError) as err:
            raise DecodeError(str(err), raw) from err
        raise DecodeError("neither a channel nor a type", raw)

    def answer(self, call: str, symbol: str, raw: bytes) -> list[Message]:
        """No call is needed: the stream brings its own snapshots. Always raises DecodeError."""
        raise DecodeError(f"{call} of {symbol} cannot be read: {self.venue} is asked nothing over REST", raw)

    # --- Advanced Trade

    def _advanced(self, head: Head) -> list[Message]:
        if head.channel == "heartbeats":
            return [Heartbeat()]
        ts = parse_ns(head.timestamp)
        made: list[Message] = []
        if head.channel == "l2_data":
            for book in decode_books(head.events):
                self._event(book, ts, made)
        elif head.channel == "market_trades":
            for tape in decode_trades(head.events):
                trades = [
                    self._trade(t.product_id, t.price, t.size, t.side.lower(), number_of(t.trade_id), t.time, made)
                    for t in tape.trades
                ]
                trades.sort(key=lambda trade: trade.trade_id)
                made.append(Trades(tuple(trades), _is_snapshot(tape.type)))
        elif head.channel in ("ticker", "ticker_batch"):
            for event in decode_tickers(head.events):
                for ticker in event.tickers:
                    self._ticker(ticker, ts, made)
        elif head.channel == "subscriptions":
            for answer in decode_subscribed(head.events):
                for channel, names in answer.subscriptions.items():
                    made += self._acks(channel, names)
        return made

    def _event(self, event: BookEvent, ts: int, made: list[Message]) -> None:
        changes = [(u.side, u.price_level, u.new_quantity) for u in event.updates]
        self._book(event.product_id, changes, ("bid", "offer"), ts, made, snapshot=_is_snapshot(event.type))

    def _book(
        self,
        name: str,
        changes: Sequence[Change],
        sides: tuple[str, str],
        ts: int,
        made: list[Message],
        *,
        snapshot: bool,
    ) -> None:
        """A message of the changes; one that has none of a pair nobody described teaches nothing and is left out."""
        if not changes and self.pairs.known(name) is None:
            return
        buy, sell = sides
        for side, _, _ in changes:
            if side not in sides:
                raise ValueError(f"{name}: a level of side {side!r}")
        pxs, qtys = [px for _, px, _ in changes], [qty for _, _, qty in changes]
        # Updates from before a snapshot reach no book, so their decimals bind nobody.
        inst = self.pairs.describe(name, pxs, qtys, made, book=snapshot, anew=snapshot)
        bids = self.pairs.levels(inst, [(px, qty) for side, px, qty in changes if side == buy])
        asks = self.pairs.levels(inst, [(px, qty) for side, px, qty in changes if side == sell])
        made.append(BookUpdate(inst.key, bids, asks, snapshot, ts_exch=ts))

    def _trade(
        self, name: str, price: str, size: str, resting: str, number: int, time: str, made: list[Message]
    ) -> Trade:
        inst = self.pairs.describe(name, (price,), (size,), made, book=False)
        ((px, qty),) = self.pairs.levels(inst, ((price, size),))
        if resting not in AGGRESSOR or not qty:
            raise ValueError(f"{name}: a trade of side {resting!r}, quantity {size}")
        return Trade(inst.key, px, qty, AGGRESSOR[resting], number, parse_ns(time))

    def _ticker(self, t: RawTicker | LegacyTicker, ts: int, made: list[Message]) -> None:
        inst = self.pairs.known(t.product_id)
        if inst is None:
            return  # a ticker's quantities do not show a pair's decimals: wait for its book or its tape
        pxs = (t.best_bid, t.best_ask, t.price)
        (bid, _), (ask, _), (last, _) = self.pairs.exact(inst, [(px or "0", "0") for px in pxs])
        made.append(Ticker(inst.key, bid, ask, last, ts))

    def _acks(self, channel: str, names: Iterable[str]) -> list[Message]:
        """`heartbeats` is a channel of the connection and of no symbol."""
        ours = OURS.get(channel, channel)
        return [
            Ack("subscribe", ours, "" if ours == "heartbeats" else self.pairs.symbol(name), success=True)
            for name in names
        ]

    # --- the Exchange feed

    def _legacy(self, kind: str, raw: bytes) -> list[Message]:
        if kind == "heartbeat":
            return [Heartbeat()]
        decoder = LEGACY.get(kind)
        if decoder is None:
            return []
        said = decoder.decode(raw)
        made: list[Message] = []
        if isinstance(said, LegacyDiff):
            self._book(said.product_id, said.changes, ("buy", "sell"), parse_ns(said.time), made, snapshot=False)
        elif isinstance(said, LegacySnapshot):
            changes = [("buy", *level) for level in said.bids] + [("sell", *level) for level in said.asks]
            self._book(said.product_id, changes, ("buy", "sell"), parse_ns(said.time), made, snapshot=True)
        elif isinstance(said, LegacyTrade):
            trade = self._trade(said.product_id, said.price, said.size, said.side, said.trade_id, said.time, made)
            made.append(Trades((trade,), snapshot=kind == "last_match"))
        elif isinstance(said, LegacyTicker):
            self._ticker(said, parse_ns(said.time), made)
        elif isinstance(said, LegacySubscribed):
            for channel in said.channels:
                made += self._acks(channel.name, channel.product_ids)
        return made


def _native(symbol: str) -> str:
    return symbol.replace("/", "-").upper()


def _is_snapshot(kind: str) -> bool:
    if kind not in ("snapshot", "update"):
        raise ValueError(f"unknown event type {kind!r}")
    return kind == "snapshot"
