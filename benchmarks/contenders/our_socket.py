"""Socket to book by the desk's own feed: a watch without strategies behind it, many frames of a read in one call."""

from __future__ import annotations

import asyncio
import gc

import uvloop

from benchmarks.contenders import Given, Result, Work
from benchmarks.contenders.measure import cpu
from benchmarks.contenders.sockets import Meter
from desk.events import Event, Frame
from desk.io.websocket import Feed
from desk.messages import LinkSpec, Subscription
from desk.run.clock import now_ns
from desk.signals.watch import Watch
from desk.wire.kraken import KrakenCodec
from desk.wire.session import Policy, Session
from hft_signals import OrderBookAnalyzer


class Books:
    """What the feed feeds, and the CPU of it."""

    def __init__(self, watch: Watch, head: bytes, meter: Meter) -> None:
        self.watch, self.head, self.meter, self.left = watch, head, meter, meter.count

    def post(self, event: Event, received: int) -> None:
        if type(event) is Frame and event.data.startswith(self.head):
            if not self.meter.first:
                self.meter.first = cpu()
            self.watch.frame(event)
            self._count(1)

    def burst(self, ts: int, link: int, frames: list[bytes], received: int) -> None:
        if not self.meter.first:  # the snapshot, and what came with it
            for data in frames:
                self.post(Frame(ts, link, data), received)
            return
        at, watch = 0, self.watch
        while (at := at + watch.rush(frames, at, link, ts, alone=False)) < len(frames):
            if watch.rushed.left is None:
                watch.frame(Frame(ts, link, frames[at]))
            at += 1
        self._count(len(frames))

    def _count(self, frames: int) -> None:
        self.left -= frames
        if not self.left:
            self.meter.last = cpu()
            self.meter.done.set()


def work(channel: str, given: Given) -> Work:
    """One repetition: connect, subscribe, every frame of the recording."""
    wanted = (Subscription(channel, "BTC/USD", given["depth"]),)

    async def go() -> Result:
        gc.set_threshold(50_000, 20, 100)  # as a run has it
        watch = Watch("kraken", (LinkSpec("bench", wanted),), KrakenCodec(), OrderBookAnalyzer().score, {"*": 0.5})
        meter = Meter(given["count"])
        books = Books(watch, b'{"channel":"' + channel.encode(), meter)
        token = _no_token if channel == "level3" else None
        session = Session(KrakenCodec(), list(wanted), Policy(), lambda n: 0)
        feed = Feed(0, session, given["ws"], books.post, now_ns, token, books.burst)
        task = asyncio.create_task(feed.run())
        await meter.wait()
        feed.stop()
        await task
        track = watch.markets["BTC/USD@kraken"].tracks[channel]
        return {
            "us": meter.us,
            "proven": track.crc_ok,
            "wrong": track.crc_bad,
            "with": "checksum, features, score",
            "final": track.book.checksum,
        }

    return lambda: uvloop.run(go())


async def _no_token() -> str:
    return "bench"
