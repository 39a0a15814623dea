"""The embedded exchange from outside: a plain WebSocket client, plain HTTP, and books rebuilt from wire text alone."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator
from typing import Any
from zlib import crc32

import aiohttp
import pytest
import pytest_asyncio
from venue_client import ask, until
from websockets.asyncio.client import ClientConnection, connect

from desk.messages import Side
from desk.run.exchange import Address, EmbeddedExchange

pytestmark = pytest.mark.e2e
SYMBOLS = ("BTC/USD", "ETH/USD")


# --- an independent reader: dictionaries of wire text, nothing of ours


class TextBook:
    """A book kept as the text of the wire. `orders` tells level3 from book."""

    def __init__(self, depth: int, orders: bool) -> None:
        self.depth, self.orders = depth, orders
        self.sides: dict[str, dict[str, Any]] = {"bids": {}, "asks": {}}

    def apply(self, kind: str, entry: dict[str, Any]) -> None:
        for name in ("bids", "asks"):
            held = {} if kind == "snapshot" else self.sides[name]
            rows = entry[name]
            if self.orders:
                adds = iter(sorted((r for r in rows if r.get("event") == "add"), key=lambda r: r["timestamp"]))
                for row in [next(adds) if r.get("event") == "add" else r for r in rows]:
                    level = held.setdefault(row["limit_price"], {})
                    if row.get("event") == "delete":
                        del level[row["order_id"]]
                    else:
                        level[row["order_id"]] = row["order_qty"]
                held = {price: level for price, level in held.items() if level}
            else:
                for row in rows:
                    held[row["price"]] = row["qty"]
                    if float(row["qty"]) == 0:
                        del held[row["price"]]
            best = sorted(held.items(), key=lambda level: float(level[0]), reverse=name == "bids")
            self.sides[name] = dict(best[: self.depth])

    def crc(self) -> int:
        text = ""
        for name in ("asks", "bids"):
            for price, level in list(self.sides[name].items())[:10]:
                for qty in level.values() if self.orders else [level]:
                    text += price.replace(".", "").lstrip("0") + qty.replace(".", "").lstrip("0")
        return crc32(text.encode())


def loads(raw: str | bytes) -> dict[str, Any]:
    return json.loads(raw, parse_float=str, parse_int=str)  # type: ignore[no-any-return]


# --- the exchange and what tests ask of it


@pytest_asyncio.fixture
async def exchange() -> AsyncIterator[tuple[EmbeddedExchange, Address]]:
    running = EmbeddedExchange(seed=7, symbols=SYMBOLS)
    address = await running.start()
    yield running, address
    await running.stop()


Running = tuple[EmbeddedExchange, Address]


async def drained(client: ClientConnection, quiet: float = 0.3) -> list[dict[str, Any]]:
    """Everything that still comes before `quiet` seconds without anything but heartbeats."""
    frames = []
    deadline = asyncio.get_running_loop().time() + quiet
    while (left := deadline - asyncio.get_running_loop().time()) > 0:
        try:
            frame = loads(await asyncio.wait_for(client.recv(), left))
        except TimeoutError:
            break
        if frame.get("channel") != "heartbeat":
            frames.append(frame)
            deadline = asyncio.get_running_loop().time() + quiet
    return frames


async def call(address: Address, path: str, **query: str) -> Any:
    async with aiohttp.ClientSession() as web, web.get(f"{address.rest}/0/public/{path}", params=query) as answer:
        assert answer.status == 200
        return await answer.json()


async def private(
    address: Address,
    key: str,
    secret: str,
    nonce: int,
    path: str = "/0/private/GetWebSocketsToken",
    sign: str | None = None,
) -> Any:
    """A signed request, the way Kraken documents it."""
    body = f"nonce={nonce}".encode()
    digest = hashlib.sha256(str(nonce).encode() + body).digest()
    mac = hmac.new(base64.b64decode(secret), path.encode() + digest, hashlib.sha512)
    headers = {"API-Key": key, "API-Sign": sign or base64.b64encode(mac.digest()).decode()}
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    async with aiohttp.ClientSession() as web, web.post(f"{address.rest}{path}", data=body, headers=headers) as answer:
        return await answer.json()


async def token(running: EmbeddedExchange, address: Address, nonce: int = 1) -> str:
    answer = await private(address, running.credentials.key, running.credentials.secret, nonce)
    assert answer["error"] == []
    assert answer["result"]["expires"] == 900
    return str(answer["result"]["token"])


async def follow(
    address: Address, channel: str, depth: int, stop: asyncio.Event, **params: Any
) -> tuple[dict[str, TextBook], int]:
    """Rebuild the books of every symbol until told to stop and the line is quiet; every checksum must be right."""
    books = {symbol: TextBook(depth, channel == "level3") for symbol in SYMBOLS}
    compression = params.pop("compression", None)
    checked = beats = 0
    async with connect(address.ws, compression=compression, max_size=None) as client:
        if compression:
            assert client.protocol.extensions
        await ask(client, "subscribe", channel=channel, symbol=list(SYMBOLS), depth=depth, **params)
        while True:
            try:
                frame = loads(await asyncio.wait_for(client.recv(), 0.3 if stop.is_set() else 5))
            except TimeoutError:
                assert stop.is_set(), "the exchange fell silent"
                return books, checked
            if stop.is_set() and frame == {"channel": "heartbeat"}:
                beats += 1
                if beats == 2:  # a second after the market stood still, and queued behind all it had said
                    return books, checked
            if frame.get("channel") == channel:
                for entry in frame["data"]:
                    book = books[entry["symbol"]]
                    book.apply(frame["type"], entry)
                    assert book.crc() == int(entry["checksum"]), f"{channel} {depth}: message {checked}"
                    checked += 1


# --- the market's books, over the wire


async def test_every_book_rebuilt_from_wire_text_has_every_checksum_and_ends_as_the_market_is(
    exchange: Running,
) -> None:
    """Breaks when a level or order is lost, out of order, or written with another digit, at any depth."""
    running, address = exchange
    stop = asyncio.Event()
    auth = {"token": await token(running, address)}
    followers = [
        asyncio.create_task(follow(address, "book", 10, stop)),
        asyncio.create_task(follow(address, "book", 25, stop, compression="deflate")),
        asyncio.create_task(follow(address, "book", 100, stop)),
        asyncio.create_task(follow(address, "level3", 10, stop, **auth)),
    ]
    await asyncio.sleep(4)
    running.frozen = True
    stop.set()
    for books, checked in await asyncio.gather(*followers):
        assert checked > 20, "too quiet to prove anything"
        for symbol, book in books.items():
            assert_equals_market(running, symbol, book)


def assert_equals_market(running: EmbeddedExchange, symbol: str, book: TextBook) -> None:
    inst, market = running.venue.instruments[symbol], running.market.books[symbol]
    for name, side in (("bids", Side.BUY), ("asks", Side.SELL)):
        held = book.sides[name]
        if book.orders:
            rows = [(price, order_id, qty) for price, level in held.items() for order_id, qty in level.items()]
            assert rows == [
                (inst.px_text(px), order_id, inst.qty_text(qty))
                for px, order_id, qty, _ in market.orders(side, book.depth)
            ]
        else:
            assert list(held.items()) == [
                (inst.px_text(px), inst.qty_text(qty)) for px, qty, _ in market.levels(side, book.depth)
            ]


async def test_a_dropped_message_is_noticed_by_the_reader(exchange: Running) -> None:
    """Breaks the proof above: a reader that never fails proves nothing."""
    _, address = exchange
    book, wrong, seen = TextBook(10, orders=False), 0, 0
    async with connect(address.ws) as client:
        await ask(client, "subscribe", channel="book", symbol=["BTC/USD"])
        while seen < 60:
            frame = loads(await asyncio.wait_for(client.recv(), 5))
            if frame.get("channel") == "book":
                seen += 1
                if seen != 12:
                    book.apply(frame["type"], frame["data"][0])
                    wrong += book.crc() != int(frame["data"][0]["checksum"])
    assert wrong > 0


# --- the words of the connection


async def test_status_comes_first_and_a_ping_is_answered_with_its_own_id(exchange: Running) -> None:
    """Breaks clients that wait for either."""
    async with connect(exchange[1].ws) as client:
        first = json.loads(await client.recv())
        assert first["channel"] == "status"
        assert first["data"][0]["system"] == "online"
        await client.send('{"method":"ping","req_id":101}')
        pong = json.loads(await client.recv())
        assert (pong["method"], pong["req_id"]) == ("pong", 101)
        assert pong["time_in"] <= pong["time_out"]
        await client.send('{"method":"ping"}')
        assert "req_id" not in json.loads(await client.recv())


async def test_an_idle_line_is_silent_and_a_subscribed_one_has_a_heartbeat_every_second(exchange: Running) -> None:
    """Breaks the liveness rule of every client: a silent line must mean a dead one, but only after a subscription."""
    async with connect(exchange[1].ws) as client:
        await until(client, channel="status")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.recv(), 1.3)
        await ask(client, "subscribe", channel="instrument")
        begun = asyncio.get_running_loop().time()
        for _ in range(2):
            await until(client, channel="heartbeat")
        assert 1.8 < asyncio.get_running_loop().time() - begun < 2.6


async def test_each_symbol_is_acknowledged_before_its_snapshot(exchange: Running) -> None:
    """Breaks clients that throw their book away on an acknowledgement."""
    async with connect(exchange[1].ws) as client:
        await ask(client, "subscribe", 7, channel="book", symbol=list(SYMBOLS))
        acknowledged = set()
        snapshots = set()
        while len(snapshots) < 2:
            frame = json.loads(await asyncio.wait_for(client.recv(), 5))
            if frame.get("method") == "subscribe":
                assert frame["req_id"] == 7
                assert frame["success"] is True
                assert frame["result"] == {
                    "channel": "book",
                    "depth": 10,
                    "snapshot": True,
                    "symbol": frame["result"]["symbol"],
                }
                acknowledged.add(frame["result"]["symbol"])
            elif frame.get("channel") == "book":
                assert frame["data"][0]["symbol"] in acknowledged
                if frame["type"] == "snapshot":
                    snapshots.add(frame["data"][0]["symbol"])
                assert frame["data"][0]["symbol"] in snapshots


UNFOLLOWED = (
    ({"channel": "book", "symbol": ["FOO/BAR"]}, "Currency pair not supported FOO/BAR"),
    ({"channel": "book", "symbol": ["BTC/USD"], "depth": 11}, "Subscription depth not supported"),
    ({"channel": "level3", "symbol": ["BTC/USD"]}, "ESession:Invalid session"),
    ({"channel": "level3", "symbol": ["BTC/USD"], "token": "stale"}, "ESession:Invalid session"),
    ({"channel": "candles", "symbol": ["BTC/USD"]}, "Channel not supported candles"),
)


async def test_what_cannot_be_followed_is_refused_and_the_line_stays_open(exchange: Running) -> None:
    """Breaks clients that would wait for ever, or lose their other subscriptions."""
    for params, error in UNFOLLOWED:
        async with connect(exchange[1].ws) as client:
            await ask(client, "subscribe", 3, **params)
            refused = await until(client, method="subscribe", req_id=3)
            assert (refused["success"], refused["error"]) == (False, error)
            await client.send('{"method":"ping","req_id":4}')
            await until(client, method="pong", req_id=4)


async def test_one_bad_symbol_does_not_hurt_the_others(exchange: Running) -> None:
    """Breaks a list of symbols in which one was delisted."""
    async with connect(exchange[1].ws) as client:
        await ask(client, "subscribe", channel="book", symbol=["FOO/BAR", "BTC/USD"])
        assert (await until(client, method="subscribe"))["symbol"] == "FOO/BAR"
        assert (await until(client, method="subscribe"))["success"] is True


async def test_rubbish_is_answered_not_fatal(exchange: Running) -> None:
    """Breaks the server for everybody when one client is broken."""
    for rubbish in ("", "[", "{}", "null", '{"method":5}', "\x00", '{"method":"subscribe","params":7}'):
        async with connect(exchange[1].ws) as client:
            await client.send(rubbish)
            assert (await until(client, success=False))["error"] == "Malformed request", rubbish
            await client.send(b"\xff\xfe\xfd")
            assert (await until(client, success=False))["error"] == "Malformed request"
            await client.send('{"method":"ping"}')
            await until(client, method="pong")


async def test_nothing_follows_an_unsubscribe_and_a_new_subscription_starts_with_a_snapshot(exchange: Running) -> None:
    """Breaks resynchronisation: an update between the acknowledgement and the new snapshot would fit neither book."""
    async with connect(exchange[1].ws) as client:
        await ask(client, "subscribe", channel="book", symbol=["BTC/USD"])
        await until(client, channel="book", type="update")
        await ask(client, "subscribe", 2, channel="book", symbol=["BTC/USD"])
        assert (await until(client, req_id=2))["error"] == "Already subscribed"
        await ask(client, "unsubscribe", 3, channel="book", symbol=["BTC/USD"], depth=10)
        assert (await until(client, req_id=3))["result"] == {"channel": "book", "depth": 10, "symbol": "BTC/USD"}
        assert await drained(client, 1.2) == []
        await ask(client, "unsubscribe", 4, channel="book", symbol=["BTC/USD"])
        assert (await until(client, req_id=4))["success"] is False
        await ask(client, "subscribe", 5, channel="book", symbol=["BTC/USD"], depth=25)
        frames = [json.loads(await client.recv()) for _ in range(3)]
        frames = [frame for frame in frames if frame.get("channel") != "heartbeat"]
        assert frames[0]["result"]["depth"] == 25
        assert frames[1]["type"] == "snapshot"


async def test_trades_ticker_candles_and_instruments_are_told_in_kraken_shape(exchange: Running) -> None:
    """Breaks every reader of the tape; ids of trades must rise by one, candles must hold the trades of their minute."""
    running, address = exchange
    async with connect(address.ws, max_size=None) as client:
        for number, channel in enumerate(("trade", "ticker", "ohlc", "instrument")):
            params = {} if channel == "instrument" else {"symbol": ["BTC/USD"], "snapshot": True}
            await ask(client, "subscribe", number, channel=channel, **params)
        frames: dict[str, list[dict[str, Any]]] = {}
        deadline = asyncio.get_running_loop().time() + 20
        while len(frames.get("trade", [])) < 4 and asyncio.get_running_loop().time() < deadline:
            frame = json.loads(await asyncio.wait_for(client.recv(), 5))
            frames.setdefault(frame.get("channel", ""), []).append(frame)
        running.frozen = True
        for raw in await drained(client):
            frames.setdefault(raw.get("channel", ""), []).append(json.loads(json.dumps(raw)))
    trades = [row for frame in frames["trade"] for row in frame["data"]]
    assert frames["trade"][0]["type"] == "snapshot"
    assert len(frames["trade"]) >= 4, "too quiet to prove anything"
    ids = [int(row["trade_id"]) for row in trades]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert {row["side"] for row in trades} <= {"buy", "sell"}
    assert frames["ticker"][0]["type"] == "snapshot"
    assert float(frames["ticker"][-1]["data"][0]["last"]) == float(trades[-1]["price"])
    assert frames["ohlc"][0]["type"] == "snapshot"
    candle, begin = frames["ohlc"][-1]["data"][-1], frames["ohlc"][-1]["data"][-1]["interval_begin"]
    assert float(candle["close"]) == float(trades[-1]["price"])
    assert begin[:16] == trades[-1]["timestamp"][:16]
    assert float(candle["low"]) <= float(candle["vwap"]) <= float(candle["high"])
    pairs = {pair["symbol"]: pair for pair in frames["instrument"][0]["data"]["pairs"]}
    assert set(pairs) == set(SYMBOLS)
    assert pairs["BTC/USD"]["price_precision"] == running.venue.instruments["BTC/USD"].px_decimals


async def test_a_client_that_does_not_read_is_cut_off_and_the_others_notice_nothing(exchange: Running) -> None:
    """Breaks everybody's feed, or the machine's memory, because of one stuck client."""
    running, address = exchange
    stop = asyncio.Event()
    healthy = asyncio.create_task(follow(address, "book", 10, stop))
    _, writer = await stuck_client(address)
    one = b'{"method":"%s","params":{"channel":"book","symbol":["BTC/USD"],"depth":1000}}'
    for _ in range(4000):
        try:
            for method in (b"subscribe", b"unsubscribe"):
                writer.write(masked(one % method))
            await writer.drain()
        except ConnectionError:
            break
        if writer.transport.is_closing():
            break
        await asyncio.sleep(0)
    await asyncio.sleep(1.2)
    assert len(running.socket.lines) == 1, "the stuck client is still connected"
    stop.set()
    running.frozen = True
    _, checked = await healthy
    assert checked > 20
    writer.close()


async def stuck_client(address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A WebSocket opened by hand, over a socket with a small buffer, that will never read again."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, (address.host, address.port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=1024)
    writer.write(
        b"GET /v2 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def masked(text: bytes) -> bytes:
    """A client's text frame of 126 bytes or fewer, masked with zeros: the payload stays as it is."""
    assert len(text) < 126
    return bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text


# --- REST


async def test_rest_answers_in_kraken_shape(exchange: Running) -> None:
    """Breaks libraries that load markets, history and books over REST."""
    running, address = exchange
    await asyncio.sleep(1)
    running.frozen = True
    assert (await call(address, "SystemStatus"))["result"]["status"] == "online"
    assert (await call(address, "Time"))["result"]["unixtime"] > 1_700_000_000
    assert (await call(address, "Assets"))["result"]["XXBT"]["altname"] == "XBT"
    every = (await call(address, "AssetPairs"))["result"]
    assert set(every) == {"XXBTZUSD", "XETHZUSD"}
    assert list((await call(address, "AssetPairs", pair="BTC/USD"))["result"]) == ["BTC/USD"]
    assert (await call(address, "AssetPairs", pair="BTC/USD"))["result"]["BTC/USD"]["wsname"] == "XBT/USD"
    assert (await call(address, "AssetPairs", pair="FOOBAR"))["error"] == ["EQuery:Unknown asset pair"]
    depth = (await call(address, "Depth", pair="BTC/USD", count="5"))["result"]["BTC/USD"]
    best = running.market.books["BTC/USD"].levels(Side.BUY, 5)
    inst = running.venue.instruments["BTC/USD"]
    assert [float(row[0]) for row in depth["bids"]] == [inst.price(px) for px, _, _ in best]
    rows = (await call(address, "OHLC", pair="BTC/USD", interval="1"))["result"]
    times = [row[0] for row in rows["BTC/USD"]]
    assert times == list(range(times[0], times[0] + 60 * len(times), 60))
    assert rows["last"] == times[-2]
    assert (await call(address, "OHLC", pair="BTC/USD", interval="7"))["error"] == ["EGeneral:Invalid arguments"]
    assert (await call(address, "OHLC", pair="BTC/USD", since=str(times[-3])))["result"]["BTC/USD"][0][0] == times[-2]
    trades = (await call(address, "Trades", pair="BTC/USD", count="5"))["result"]["BTC/USD"]
    assert 1 <= len(trades) <= 5
    assert [row[6] for row in trades] == list(range(trades[0][6], trades[0][6] + len(trades)))
    ticker = (await call(address, "Ticker", pair="BTC/USD"))["result"]["BTC/USD"]
    assert float(ticker["b"][0]) == inst.price(best[0][0])
    assert (await call(address, "Nothing"))["error"] == ["EGeneral:Unknown method"]


async def test_a_token_needs_key_signature_and_a_rising_nonce(exchange: Running) -> None:
    """Breaks the gate of the order-by-order feed, or a client whose errors would look different at the real venue."""
    running, address = exchange
    key, secret = running.credentials.key, running.credentials.secret
    assert (await private(address, "nobody", secret, 1))["error"] == ["EAPI:Invalid key"]
    wrong = base64.b64encode(b"x" * 64).decode()
    assert (await private(address, key, wrong, 1))["error"] == ["EAPI:Invalid signature"]
    assert (await private(address, key, secret, 1, sign="%%%"))["error"] == ["EAPI:Invalid signature"]
    assert (await private(address, "schl\u00fcssel", secret, 1))["error"] == ["EAPI:Invalid key"]
    assert (await private(address, key, secret, 1, sign="\u00fc"))["error"] == ["EAPI:Invalid signature"]
    assert (await private(address, key, secret, 5))["error"] == []
    assert (await private(address, key, secret, 5))["error"] == ["EAPI:Invalid nonce"]
    assert (await private(address, key, secret, 4))["error"] == ["EAPI:Invalid nonce"]
    assert (await private(address, key, secret, 6, path="/0/private/Balance"))["error"] == ["EGeneral:Unknown method"]
