"""`python -m benchmarks.wakeup`: how long a frame waits for the loop to wake, sleeping and with --spin, on loopback.

A server in a process of its own sends a small frame every few ms with the time of its sending; the desk's own feed
(picows) notes when its callback began. Both clocks are the machine's monotonic one. The spinning loop needs a core that
nobody else wants: on a busy machine it is preempted, and its tail is worse than the sleeping loop's.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable

import picows
import uvloop

from desk.events import Event, Frame
from desk.io.websocket import Feed
from desk.messages import Subscription
from desk.run.clock import now_ns
from desk.run.spin import Spin
from desk.wire.kraken import KrakenCodec
from desk.wire.session import Policy, Session

GAP_S = 0.003
SETTLE = 50  # frames before the ones that count


class Sender(picows.WSListener):
    """Sends its frames after the client's first message."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count
        self.task: asyncio.Task[None] | None = None

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        self.task = self.task or asyncio.create_task(self.send(transport))

    async def send(self, transport: picows.WSTransport) -> None:
        for _ in range(self.count):
            await asyncio.sleep(GAP_S)
            transport.send(picows.WSMsgType.TEXT, b'{"channel":"x","sent":%d}' % time.perf_counter_ns())


async def serve(count: int) -> None:
    """Until killed."""
    server = await picows.ws_create_server(lambda request: Sender(count), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def measure(run: Callable[..., str], spinning: bool, count: int) -> str:
    """One line of the table."""
    command = [sys.executable, "-m", "benchmarks.wakeup", "--serve", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        try:
            return run(listen(int(server.stdout.readline()), spinning, count))
        finally:
            server.kill()


async def listen(port: int, spinning: bool, count: int) -> str:
    waits: list[int] = []
    done = asyncio.Event()

    def post(event: Event, received: int) -> None:
        if type(event) is Frame:
            waits.append(received - int(event.data[event.data.rindex(b":") + 1 : -1]))
            if len(waits) == count:
                done.set()

    session = Session(KrakenCodec(), [Subscription("trade", "A/B")], Policy(), lambda most: 0)
    feed, spin = Feed(0, session, f"ws://127.0.0.1:{port}/v2", post, now_ns), Spin()
    if spinning:
        spin.start()
    began, used = time.perf_counter(), time.process_time()
    task = asyncio.create_task(feed.run())
    await done.wait()
    share = (time.process_time() - used) / (time.perf_counter() - began)
    spin.stop()
    feed.stop()
    await task
    waits = sorted(waits[SETTLE:])
    points = "  ".join(f"p{100 * q:g} {waits[int(q * len(waits))] / 1000:8.1f}" for q in (0.5, 0.9, 0.99, 0.999))
    return f"{'--spin' if spinning else 'sleep':<7} {points} µs   core {100 * share:3.0f} % busy"


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--frames", type=int, default=2000)
    p.add_argument("--rounds", type=int, default=2)
    p.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = p.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve))
        return
    print(f"{options.frames} frames, one every {GAP_S * 1e3:g} ms; load of the machine {os.getloadavg()[0]:.1f}")
    for _ in range(options.rounds):
        for name, run in (("asyncio", asyncio.run), ("uvloop", uvloop.run)):
            for spinning in (False, True):
                print(f"{name:<8} {measure(run, spinning, options.frames)}", flush=True)


if __name__ == "__main__":
    main()
