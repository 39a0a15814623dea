"""Two clients that nobody here wrote, unchanged but for their addresses, against the embedded exchange.

python-kraken-sdk recomputes every checksum itself and resubscribes on a mismatch: a strict judge. ccxt.pro checks none,
so its book is compared with the market's own while the market stands still.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

import pytest
import pytest_asyncio
from aiohttp import ClientSession, WSMsgType, web

from desk.messages import Side
from desk.run.exchange import Address, EmbeddedExchange

pytestmark = pytest.mark.e2e
SYMBOLS = ("BTC/USD", "ETH/USD")
DEPTH = 25
Running = tuple[EmbeddedExchange, Address]
T = TypeVar("T")


class OwnThread:
    """A loop on a thread of its own, for the exchange: python-kraken-sdk makes blocking calls in its callbacks."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def __enter__(self) -> OwnThread:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest_asyncio.fixture
async def exchange() -> AsyncIterator[Running]:
    running = EmbeddedExchange(seed=11, symbols=SYMBOLS)
    with OwnThread() as thread:
        address = await thread.run(running.start())
        yield running, address
        await thread.run(running.stop())


def market_levels(running: EmbeddedExchange, symbol: str, depth: int) -> dict[str, list[tuple[str, str]]]:
    """The market's own best levels as wire text."""
    inst, book = running.venue.instruments[symbol], running.market.books[symbol]
    return {
        name: [(inst.px_text(px), inst.qty_text(qty)) for px, qty, _ in book.levels(side, depth)]
        for name, side in (("bid", Side.BUY), ("ask", Side.SELL))
    }


# --- python-kraken-sdk


def kraken_client(rest: str, ws: str, seen: list[dict[str, Any]]) -> Any:
    """Its order book client at our addresses; `seen` collects what it was told, errors of its own included."""
    spot = pytest.importorskip("kraken.spot", reason="python-kraken-sdk is not installed: it is the judge of this test")

    class Client(spot.SpotOrderBookClient):  # type: ignore[misc, name-defined]
        WS_URL = ws
        URL = rest

        async def on_book_update(self, pair: str, message: dict[str, Any]) -> None:
            seen.append({"pair": pair, **message})

    client = Client(depth=DEPTH)
    client._SpotOrderBookClient__market.URL = rest  # it has no argument for this address
    return client


async def judged(
    rest: str, ws: str, enough: Callable[[list[dict[str, Any]]], bool]
) -> tuple[Any, list[dict[str, Any]]]:
    """Run the client until it has seen enough; the caller closes it."""
    seen: list[dict[str, Any]] = []
    client = kraken_client(rest, ws, seen)
    await client.start()
    await client.add_book(pairs=list(SYMBOLS))
    for _ in range(150):
        await asyncio.sleep(0.1)
        if enough(seen):
            break
    return client, seen


async def test_python_kraken_sdk_agrees_with_every_checksum(exchange: Running) -> None:
    """Breaks our claim to speak Kraken's protocol: this client would resubscribe at the first wrong digit."""
    running, address = exchange
    client, seen = await judged(address.rest, f"ws://{address.host}:{address.port}", lambda seen: len(seen) > 300)
    running.frozen = True
    await asyncio.sleep(1.0)
    try:
        assert not [message for message in seen if "error" in message]
        snapshots = [message for message in seen if message["type"] == "snapshot"]
        assert sorted(message["pair"] for message in snapshots) == sorted(SYMBOLS), "it resubscribed"
        assert len(seen) > 100, "too quiet to prove anything"
        for symbol in SYMBOLS:
            held = client.get(pair=symbol)
            assert held["valid"]
            for name, levels in market_levels(running, symbol, DEPTH).items():
                assert [(price, qty) for price, (qty, _) in held[name].items()] == levels
        assert not client.exception_occur
    finally:
        await client.close()


async def test_python_kraken_sdk_notices_a_dropped_message(exchange: Running) -> None:
    """Breaks the test above: a judge that never objects is none. Between it and us a line loses messages."""
    _, address = exchange
    async with LossyLine(address, drop=40) as ws:
        client, seen = await judged(address.rest, ws, lambda seen: any("error" in message for message in seen))
        try:
            errors = [message["error"] for message in seen if "error" in message]
            assert errors
            assert "Checksum mismatch" in errors[0]
        finally:
            await client.close()


class LossyLine:
    """A relay to the exchange that loses five book updates of BTC/USD in a row, from the `drop`th on."""

    def __init__(self, address: Address, drop: int) -> None:
        self.address, self.drop = address, drop
        app = web.Application()
        app.add_routes([web.get("/v2", self.relay)])
        self.runner = web.AppRunner(app, shutdown_timeout=0.5)

    async def __aenter__(self) -> str:
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        return f"ws://127.0.0.1:{self.runner.addresses[0][1]}"

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()

    async def relay(self, request: web.Request) -> web.WebSocketResponse:
        client = web.WebSocketResponse()
        await client.prepare(request)
        updates = 0
        async with ClientSession() as session, session.ws_connect(self.address.ws) as venue:

            async def upwards() -> None:
                async for message in client:
                    await venue.send_str(message.data)

            task = asyncio.create_task(upwards())
            async for message in venue:
                if message.type is not WSMsgType.TEXT or client.closed:
                    break
                frame = json.loads(message.data)
                if frame.get("channel") == "book" and frame["data"][0]["symbol"] == "BTC/USD":
                    updates += 1
                    if self.drop <= updates < self.drop + 5:
                        continue
                await client.send_str(message.data)
            task.cancel()
        return client


async def test_python_kraken_sdk_signs_in_and_follows_orders(exchange: Running) -> None:
    """Breaks the token call for a client that signs by itself, and the private channel for a foreign client."""
    running, address = exchange
    spot = pytest.importorskip("kraken.spot", reason="python-kraken-sdk is not installed: it is the judge of this test")
    told: list[dict[str, Any]] = []

    async def on_message(message: dict[str, Any]) -> None:
        told.append(message)

    ws = f"ws://{address.host}:{address.port}"
    client = spot.SpotWSClient(
        key=running.credentials.key,
        secret=running.credentials.secret,
        callback=on_message,
        no_public=True,
        rest_url=address.rest,
        auth_ws_url=ws,
    )
    try:
        await client.start()
        await client.subscribe(params={"channel": "level3", "symbol": ["BTC/USD"], "depth": 10})
        for _ in range(100):
            await asyncio.sleep(0.1)
            if sum(message.get("channel") == "level3" for message in told) > 5:
                break
        level3 = [message for message in told if message.get("channel") == "level3"]
        assert level3[0]["type"] == "snapshot"
        assert any(message["type"] == "update" for message in level3)
    finally:
        await client.close()


# --- ccxt.pro


async def test_ccxt_pro_has_the_market_s_own_book_at_the_same_moment(exchange: Running) -> None:
    """Breaks the library through which most people would look at us: markets, books and trades must fit."""
    running, address = exchange
    ccxt = pytest.importorskip("ccxt.pro", reason="ccxt is not installed")
    logging.getLogger("ccxt").setLevel(logging.ERROR)
    client = ccxt.kraken()
    ws = f"ws://{address.host}:{address.port}"
    client.urls["api"]["ws"].update(publicV2=f"{ws}/v2", privateV2=f"{ws}/v2", public=ws, private=ws)
    client.urls["api"]["public"] = client.urls["api"]["private"] = address.rest
    updates = dict.fromkeys(SYMBOLS, 0)

    async def watch(symbol: str) -> None:
        while True:
            await client.watch_order_book(symbol, DEPTH)
            updates[symbol] += 1

    watchers: list[asyncio.Task[None]] = []
    try:
        markets = await client.load_markets()
        assert set(markets) == set(SYMBOLS)
        assert markets["BTC/USD"]["precision"]["price"] == pytest.approx(
            10 ** -running.venue.instruments["BTC/USD"].px_decimals
        )
        watchers = [asyncio.create_task(watch(symbol)) for symbol in SYMBOLS]
        trades = await asyncio.wait_for(client.watch_trades("BTC/USD"), 20)
        assert trades[-1]["side"] in ("buy", "sell")
        await asyncio.sleep(3)
        running.frozen = True
        await asyncio.sleep(0.7)
        assert min(updates.values()) > 10, "too quiet to prove anything"
        for symbol in SYMBOLS:
            for name, levels in market_levels(running, symbol, DEPTH).items():
                held = client.orderbooks[symbol][f"{name}s"]
                assert [tuple(level[:2]) for level in held] == [(float(px), float(qty)) for px, qty in levels]
        candles = await client.fetch_ohlcv("BTC/USD", "1m")
        assert candles
        assert [row[0] for row in candles] == sorted({row[0] for row in candles})
        assert all(row[3] <= min(row[1], row[4]) <= max(row[1], row[4]) <= row[2] for row in candles)
        book = await client.fetch_order_book("ETH/USD", 10)
        assert book["bids"][0][0] == float(market_levels(running, "ETH/USD", 1)["bid"][0][0])
    finally:
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        await client.close()
