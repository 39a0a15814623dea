"""A frame sent by one process, and when another one has it: 2000 a second, each awaited alone.

From just before the sender's `send` to the moment the receiver is done. For the desk, that is after checksum, features
and score; for the peers, when their loop hands the bytes out and nothing is done with them. Waking an idle core is most
of it.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
from collections.abc import Callable, Coroutine
from importlib import import_module
from time import perf_counter_ns

from benchmarks.contenders import Contender, Given, Result, Work
from benchmarks.contenders.measure import ROOT, cpu

RATE = 2000
Receive = Callable[[int, int], list[int]]  # port, frames → when each was had


class Sender:
    """benchmarks.sender on the other core."""

    def __init__(self, given: Given) -> None:
        command = [given["python"], "-m", "benchmarks.sender", given["path"], str(RATE)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def sent(self) -> list[int]:
        assert self.process.stdout is not None
        times: list[int] = json.loads(self.process.stdout.readline())
        self.process.communicate()
        return times


def measured(receive: Receive) -> Contender:
    """Latency in µs of every frame after the snapshot."""

    def prepare(given: Given) -> Work:
        def work() -> Result:
            sender = Sender(given)
            used = cpu()
            had = receive(sender.port, given["count"])
            used = cpu() - used
            late = sorted(h - s for h, s in zip(had[1:], sender.sent()[1:], strict=True))
            at = {f"p{q}": late[int(q / 100 * (len(late) - 1))] / 1000 for q in (50, 99)}
            return {"us": at["p50"], "p99": at["p99"], "CPU": used / given["count"] * 1e6}

        return work

    return prepare


def desk(*, spin: bool) -> Receive:
    """The desk's feed to its score."""

    def receive(port: int, count: int) -> list[int]:
        import uvloop

        from desk.events import Event, Frame
        from desk.io.websocket import Feed
        from desk.messages import LinkSpec, Subscription
        from desk.run.clock import now_ns
        from desk.signals.watch import Watch
        from desk.wire.kraken import KrakenCodec
        from desk.wire.session import Policy, Session
        from hft_signals import OrderBookAnalyzer

        wanted = (Subscription("book", "BTC/USD", 10),)
        watch = Watch("kraken", (LinkSpec("bench", wanted),), KrakenCodec(), OrderBookAnalyzer().score, {"*": 0.5})
        had: list[int] = []

        def post(event: Event, received: int) -> None:
            if type(event) is Frame:
                watch.frame(event)
                had.append(perf_counter_ns())

        async def go() -> None:
            if spin:
                import_module("desk.run.spin").Spin().start()
            session = Session(KrakenCodec(), list(wanted), Policy(), lambda n: 0)
            feed = Feed(0, session, f"ws://127.0.0.1:{port}", post, now_ns)
            task = asyncio.create_task(feed.run())
            while len(had) < count:
                await asyncio.sleep(0.05)
            feed.stop()
            await task

        uvloop.run(go())
        return had[:count]

    return receive


def _collect(read: Callable[[int, int, list[int]], Coroutine[None, None, None]]) -> Receive:
    def receive(port: int, count: int) -> list[int]:
        had: list[int] = []
        asyncio.run(read(port, count, had))
        return had

    return receive


async def _websockets(port: int, count: int, had: list[int]) -> None:
    import websockets

    async with websockets.connect(f"ws://127.0.0.1:{port}", compression=None, ping_interval=None) as socket:
        await socket.send("{}")
        while len(had) < count:
            await socket.recv(decode=False)
            had.append(perf_counter_ns())
        socket.transport.abort()


async def _aiohttp(port: int, count: int, had: list[int]) -> None:
    import aiohttp

    async with aiohttp.ClientSession() as session, session.ws_connect(f"ws://127.0.0.1:{port}") as socket:
        await socket.send_str("{}")
        while len(had) < count:
            await socket.receive()
            had.append(perf_counter_ns())
        socket._response.close()


def raw_spin(port: int, count: int) -> list[int]:
    """The floor: a bare socket asked without a pause, frames counted by their length bytes."""
    had: list[int] = []
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        held = b""
        while b"\r\n\r\n" not in held:
            held += client.recv(4096)
        held = held.partition(b"\r\n\r\n")[2]
        client.sendall(b"{}")
        client.setblocking(False)
        while len(had) < count:
            try:
                held += client.recv(65536)
            except BlockingIOError:
                continue
            while len(held) >= 4:
                head, size = (2, held[1]) if held[1] < 126 else (4, int.from_bytes(held[2:4], "big"))
                if len(held) < head + size:
                    break
                held = held[head + size :]
                had.append(perf_counter_ns())
    return had


ours = measured(desk(spin=False))
ours_spinning = measured(desk(spin=True))
websockets = measured(_collect(_websockets))
aiohttp = measured(_collect(_aiohttp))
floor = measured(raw_spin)
