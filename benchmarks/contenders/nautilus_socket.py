"""Socket to book by nautilus_trader: its own Kraken client in Rust, or, in releases without one, the parts of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from benchmarks.contenders import Contender, Given, Result, Work
from benchmarks.contenders.measure import cpu, text_crc
from benchmarks.contenders.peers import LESS, NautilusBook
from benchmarks.contenders.sockets import Meter


def nautilus(channel: str) -> Contender:
    """Its Kraken client where it has one (releases for Python 3.12 and newer), else its WebSocket client."""

    def prepare(given: Given) -> Work:
        from nautilus_trader.core import nautilus_pyo3

        return (
            _kraken(channel, given) if hasattr(nautilus_pyo3, "KrakenSpotWebSocketClient") else _parts(channel, given)
        )

    return prepare


def _kraken(channel: str, given: Given) -> Work:
    """`KrakenSpotWebSocketClient`, as its adapter uses it: a capsule of deltas a frame, `OrderBook.apply_deltas`.

    On level3 it checks the checksum of every frame, its default; on book it has no such check.
    """
    import uvloop
    from nautilus_trader.core import nautilus_pyo3 as rust
    from nautilus_trader.model.book import OrderBook
    from nautilus_trader.model.data import capsule_to_data
    from nautilus_trader.model.enums import BookType
    from nautilus_trader.model.identifiers import InstrumentId

    level3 = channel == "level3"

    async def go() -> Result:
        meter = Meter(given["count"])
        listed = await rust.KrakenSpotHttpClient(base_url=given["rest"]).request_instruments()
        pair = next(each for each in listed if each.id.value == "BTC/USD.KRAKEN")
        book = OrderBook(InstrumentId.from_str(pair.id.value), BookType.L3_MBO if level3 else BookType.L2_MBP)
        final = None

        def take(message: Any) -> None:
            nonlocal final
            if not rust.is_pycapsule(message) or meter.seen == meter.count:
                return  # after the recording's end it connects again
            book.apply_deltas(capsule_to_data(message))
            meter.end()
            if meter.seen == meter.count:
                final = book_crc(book)

        keys = {"api_key": given["key"], "api_secret": given["secret"]} if level3 else {}
        client = rust.KrakenSpotWebSocketClient(base_url=given["ws"], base_url_http=given["rest"], l3=level3, **keys)
        await client.connect(asyncio.get_running_loop(), [pair], take)
        await client.wait_until_active(10.0)
        if level3:
            await client.authenticate()
        meter.first = cpu()  # from the request on: its threads read ahead of the first call
        if level3:
            await client.subscribe_l3_book("BTC/USD", given["depth"])
        else:
            await client.subscribe_book(pair.id, given["depth"])
        await meter.wait()
        await client.close()
        said = {"with": "checksum"} if level3 else {"does less": "no checksum"}
        return {"us": meter.us, **said, "final": final}

    return lambda: uvloop.run(go())


def book_crc(book: Any) -> int:
    """The checksum of the book it holds: Kraken's, of the orders on the ten best levels in their queues."""
    asks, bids = (
        [(str(order.price), str(order.size)) for level in side[:10] for order in level.orders()]
        for side in (book.asks(), book.bids())
    )
    return text_crc(asks, bids)


def _parts(channel: str, given: Given) -> Work:
    """As its adapters in Python: frame to a callback, msgspec's typed decoder, deltas, `OrderBook.apply_deltas`."""
    import uvloop
    from nautilus_trader.core.nautilus_pyo3 import WebSocketClient, WebSocketConfig

    request = {"method": "subscribe", "params": {"channel": channel, "symbol": ["BTC/USD"], "depth": given["depth"]}}
    if channel == "level3":
        request["params"]["token"] = "bench"  # type: ignore[index]

    async def go() -> Result:
        meter = Meter(given["count"])
        apply = NautilusBook(channel).apply
        head = f'{{"channel":"{channel}"'.encode()
        failed: list[BaseException] = []

        def handle(raw: bytes) -> None:
            if raw.startswith(head):
                meter.begin()
                try:
                    apply(raw)
                except Exception as err:  # noqa: BLE001  # it would swallow it
                    failed.append(err)
                meter.end()

        config = WebSocketConfig(url=given["ws"], handler=handle, headers=[])
        client = await WebSocketClient.connect(config=config)
        await client.send_text(json.dumps(request).encode())
        await meter.wait()
        await client.disconnect()
        if failed:
            raise failed[0]
        return {"us": meter.us, "does less": LESS}

    return lambda: uvloop.run(go())
