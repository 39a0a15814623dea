"""Socket to book: everybody's own client against one server that serves the same recording as fast as it is read.

Measured is the CPU of the client's whole process, all threads, from its first frame to its last.
"""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.contenders import Contender, Given, Result, Work
from benchmarks.contenders.measure import cpu, text_crc
from benchmarks.contenders.peers import know_decimals, sdk_crc

PATIENCE_S = 15.0


class Meter:
    """CPU from the first of `count` frames to the last."""

    def __init__(self, count: int) -> None:
        self.count, self.seen = count, 0
        self.first = self.last = 0.0
        self.done = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def begin(self) -> None:
        """Before a frame is handled."""
        if not self.seen:
            self.first = cpu()

    def end(self) -> None:
        """After it."""
        self.seen += 1
        if self.seen == self.count:
            self.last = cpu()
            self._loop.call_soon_threadsafe(self.done.set)  # nautilus calls from a thread of its own

    async def wait(self) -> None:
        try:
            await asyncio.wait_for(self.done.wait(), PATIENCE_S)
        except TimeoutError:
            raise TimeoutError(f"{self.seen} of {self.count} frames came within {PATIENCE_S:.0f} s") from None

    @property
    def us(self) -> float:
        return (self.last - self.first) / self.count * 1e6


def ours(channel: str) -> Contender:
    """The desk's own feed (picows on uvloop): checksum, features and score after every frame."""

    def prepare(given: Given) -> Work:
        from benchmarks.contenders.our_socket import work  # the peers' environment has nothing of what it needs

        return work(channel, given)

    return prepare


def ccxt(given: Given) -> Work:
    """ccxt.pro's `watch_order_book`, which checks no checksum."""
    import ccxt.pro

    async def go() -> Result:
        meter = Meter(given["count"])
        ex = ccxt.pro.kraken({"newUpdates": True})
        ex.urls["api"]["public"] = ex.urls["api"]["private"] = given["rest"]
        for name in ("public", "private", "publicV2", "privateV2"):
            ex.urls["api"]["ws"][name] = given["ws"]
        original = ex.handle_order_book

        def handle(client: Any, message: Any, *rest: Any) -> Any:
            meter.begin()
            answer = original(client, message, *rest)
            meter.end()
            return answer

        ex.handle_order_book = handle

        async def watch() -> None:
            while True:
                await ex.watch_order_book("BTC/USD", given["depth"])

        watching = asyncio.create_task(watch())
        try:
            await asyncio.wait({watching, asyncio.create_task(meter.wait())}, return_when=asyncio.FIRST_COMPLETED)
            if not meter.done.is_set():
                watching.result()
            held = ex.orderbooks["BTC/USD"]
            asks, bids = ([(f"{px:.1f}", f"{qty:.8f}") for px, qty in held[side][:10]] for side in ("asks", "bids"))
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await ex.close()
        return {"us": meter.us, "does less": "no checksum", "final": text_crc(asks, bids)}

    return lambda: asyncio.run(go())


def kraken_sdk(given: Given) -> Work:
    """python-kraken-sdk's `SpotOrderBookClient`."""
    from kraken.spot import SpotOrderBookClient

    async def go() -> Result:
        meter = Meter(given["count"])

        class Client(SpotOrderBookClient):  # type: ignore[misc]
            WS_URL = given["ws"].removesuffix("/v2")
            URL = given["rest"]

            async def on_message(self, message: Any) -> None:
                mine = isinstance(message, dict) and message.get("channel") == "book"
                if mine:
                    meter.begin()
                await super().on_message(message)
                if mine:
                    meter.end()

        client = Client(depth=given["depth"])
        know_decimals(client)
        await client.start()
        await client.add_book(pairs=["BTC/USD"])
        await meter.wait()
        final = sdk_crc(client)
        await client.close()
        return {"us": meter.us, "with": "checksum", "final": final}

    return lambda: asyncio.run(go())
