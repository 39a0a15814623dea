"""Who is measured at what. A contender takes its input, warms up, works, and says its CPU time a frame."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from desk.io.frames import read_frames

ROOT = Path(__file__).resolve().parent.parent
Result = dict[str, Any]


class Group(NamedTuple):
    """A question, the stream it is asked on, and who answers; ours comes first."""

    name: str
    channels: tuple[str, ...]
    depth: int
    contenders: tuple[str, ...]


L2 = ("ours", "ours, typed decoder", "ours, with features and score", "python-kraken-sdk")
L3 = ("ours L3", "ours L3, typed decoder", "ours L3, with features and score")
GROUPS = (
    Group("bytes to verified L2 book, depth 10", ("book",), 10, L2),
    Group("bytes to verified L2 book, depth 100", ("book",), 100, L2),
    Group("bytes to verified L3 book, depth 10", ("level3",), 10, L3),
    Group("tick to decision, book 10 and trades", ("book", "trade"), 10, ("ours, whole engine",)),
    Group(
        "socket to L2 book, depth 10", ("book",), 10, ("ours, socket", "ccxt.pro, socket", "python-kraken-sdk, socket")
    ),
    Group("journal of raw frames", ("book",), 10, ("ours, journal",)),
)


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def pin(core: int) -> None:
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})


def run(name: str, given: dict[str, Any]) -> Result:
    """Measure one contender in this process."""
    pin(0)
    return CONTENDERS[name](given)


def load(given: dict[str, Any]) -> list[bytes]:
    return [frame.data for frame in read_frames(Path(given["path"]))]


def spent(work: Callable[[], None], count: int) -> Result:
    gc.collect()
    gc.freeze()
    before, wall = cpu(), time.perf_counter()
    work()
    return {
        "us": round((cpu() - before) / count * 1e6, 3),
        "wall_us": round((time.perf_counter() - wall) / count * 1e6, 3),
    }


# --- in process: bytes in, proven book out


def _typed(given: dict[str, Any], channel: str) -> Result:
    from desk.market.state import Track
    from desk.messages import BookUpdate, OrdersUpdate
    from desk.wire.kraken import KrakenCodec

    data, codec = load(given), KrakenCodec()
    track = Track("BTC/USD@kraken", channel, 0, given["depth"])

    def work() -> None:
        for i, raw in enumerate(data):
            for message in codec.decode(raw):
                if isinstance(message, (BookUpdate, OrdersUpdate)):
                    track.apply(message, i)

    result = spent(work, len(data))
    return {**result, "crc_ok": track.crc_ok, "crc_bad": track.crc_bad}


def _bytes(given: dict[str, Any], channel: str) -> Result:
    """The desk's hot path: the frame's bytes into the book, its checksum proven; the snapshot through the decoder."""
    from desk.market.state import Track
    from desk.messages import BookUpdate, OrdersUpdate
    from desk.wire.kraken import KrakenCodec

    data, codec = load(given), KrakenCodec()
    track = Track("BTC/USD@kraken", channel, 0, given["depth"])
    fallbacks = 0

    def work() -> None:
        nonlocal fallbacks
        for i, raw in enumerate(data):
            if track.read(raw, i)[0]:
                continue
            fallbacks += 1
            for message in codec.decode(raw):
                if isinstance(message, (BookUpdate, OrdersUpdate)):
                    track.describe(codec.instruments["BTC/USD"])
                    track.apply(message, i)

    result = spent(work, len(data))
    return {**result, "crc_ok": track.crc_ok, "crc_bad": track.crc_bad, "decoded": fallbacks}


def _watched(given: dict[str, Any], channel: str) -> Result:
    """The same through `Watch`, with features and score after every frame."""
    from desk.events import Frame
    from desk.messages import LinkSpec, Subscription
    from desk.signals.watch import Watch
    from desk.wire.kraken import KrakenCodec
    from hft_signals import OrderBookAnalyzer

    data = load(given)
    links = (LinkSpec("bench", (Subscription(channel, "BTC/USD", given["depth"]),)),)
    watch = Watch("kraken", links, KrakenCodec(), OrderBookAnalyzer().score, {"*": 0.5})
    events = [Frame(i, 0, raw) for i, raw in enumerate(data)]
    watch.frame(events[0])

    def work() -> None:
        for event in events[1:]:
            watch.frame(event)

    result = spent(work, len(data))
    track = watch.markets["BTC/USD@kraken"].tracks[channel]
    return {**result, "crc_ok": track.crc_ok, "crc_bad": track.crc_bad}


def kraken_sdk(given: dict[str, Any]) -> Result:
    from kraken.spot import SpotOrderBookClient

    data = load(given)
    seen: list[int] = []

    class Client(SpotOrderBookClient):  # type: ignore[misc]
        async def on_book_update(self, pair: str, message: dict[str, Any]) -> None:
            seen.append(1)

    async def go() -> Result:
        client = Client(depth=given["depth"])
        _give_decimals(client)
        ack = {"method": "subscribe", "result": {"channel": "book", "symbol": "BTC/USD"}, "success": True}
        await client.on_message(ack)
        before = cpu()
        for raw in data:
            await client.on_message(json.loads(raw))
        return {"us": round((cpu() - before) / len(data) * 1e6, 3), "messages": len(seen)}

    return asyncio.run(go())


def _give_decimals(client: Any) -> None:
    """It asks REST for the pair's decimals on the first snapshot: answer from here."""
    market = client._SpotOrderBookClient__market

    def pairs(pair: Any = None) -> dict[str, Any]:
        return {"BTC/USD": {"pair_decimals": 1, "lot_decimals": 8}}

    market.get_asset_pairs = pairs


# --- the engine


def engine(given: dict[str, Any]) -> Result:
    from deploy_trading_systems import build
    from desk.config import Config
    from desk.events import Frame, LinkUp, Start
    from desk.io.config_file import canonical
    from desk.messages import LinkSpec, Subscription
    from desk.projections.latency import Percentiles
    from desk.run.modes import with_symbols

    data = load(given)
    wanted = (Subscription("book", "BTC/USD", given["depth"]), Subscription("trade", "BTC/USD"))
    config = canonical(with_symbols(Config(), ("BTC/USD",)))
    start = Start(1, "scalping", "bench", "kraken", ("BTC/USD",), config, "", 1, "bench", (LinkSpec("public", wanted),))
    desk = build(start).engine
    desk.step(start)
    desk.step(LinkUp(1, 0))
    events = [Frame(1_000_000 * i, 0, raw) for i, raw in enumerate(data, 1)]
    took = Percentiles()
    clock = time.perf_counter_ns
    result: Result = {}

    def work() -> None:
        for event in events:
            began = clock()
            desk.step(event)
            took.add(clock() - began)

    result = spent(work, len(data))
    return {**result, **{f"p{q}": took.at(q / 100) for q in (50, 99, 99.9)}}


# --- sockets


class Served:
    """The recording, served as fast as a client reads it, by a process on the other core."""

    def __init__(self, path: str) -> None:
        program = [sys.executable, str(ROOT / "deploy_trading_systems.py"), "exchange", "--port", "0", "--child"]
        command = [*program, "--frames", path, "--speed", "max"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.address = json.loads(self.process.stdout.readline())
        if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(self.process.pid, {1})

    def __enter__(self) -> dict[str, Any]:
        return dict(self.address)

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


def our_socket(given: dict[str, Any]) -> Result:
    import uvloop

    from desk.events import Event, Frame
    from desk.io.websocket import Feed
    from desk.messages import LinkSpec, Subscription
    from desk.run.clock import now_ns
    from desk.signals.watch import Watch
    from desk.wire.kraken import KrakenCodec
    from desk.wire.session import Policy, Session
    from hft_signals import OrderBookAnalyzer

    wanted = (Subscription("book", "BTC/USD", given["depth"]),)
    watch = Watch("kraken", (LinkSpec("bench", wanted),), KrakenCodec(), OrderBookAnalyzer().score, {"*": 0.5})
    counts = {"n": 0, "first": 0.0, "last": 0.0}

    def post(event: Event, received: int) -> None:
        if type(event) is Frame:
            if not counts["n"]:
                counts["first"] = cpu()
            watch.frame(event)
            counts["n"] += 1
            counts["last"] = cpu() if counts["n"] >= given["count"] else counts["last"]

    async def go(address: dict[str, Any]) -> None:
        session = Session(KrakenCodec(), list(wanted), Policy(), lambda n: 0)
        feed = Feed(0, session, address["ws"], post, now_ns)
        task = asyncio.create_task(feed.run())
        while counts["n"] < given["count"]:
            await asyncio.sleep(0.05)
        feed.stop()
        await task

    with Served(given["path"]) as address:
        uvloop.run(go(address))
    track = watch.markets["BTC/USD@kraken"].tracks["book"]
    took = (counts["last"] - counts["first"]) / counts["n"] * 1e6
    return {"us": round(took, 3), "crc_ok": track.crc_ok, "with": "checksum, features, score"}


def ccxt_socket(given: dict[str, Any]) -> Result:
    import ccxt.pro

    async def go(address: dict[str, Any]) -> Result:
        ex = ccxt.pro.kraken({"newUpdates": True})
        ex.urls["api"]["public"] = ex.urls["api"]["private"] = address["rest"]
        for name in ("public", "private", "publicV2", "privateV2"):
            ex.urls["api"]["ws"][name] = address["ws"]
        handled, first, last = 0, 0.0, 0.0
        original = ex.handle_order_book

        def count(client: Any, message: Any, *rest: Any) -> Any:
            nonlocal handled, first, last
            first = first or cpu()
            handled += 1
            answer = original(client, message, *rest)
            if handled >= given["count"] - 1:
                last = cpu()
            return answer

        ex.handle_order_book = count
        try:
            while handled < given["count"] - 1:
                await asyncio.wait_for(ex.watch_order_book("BTC/USD", given["depth"]), 20)
        except (TimeoutError, ccxt.BaseError):
            last = last or cpu()
        finally:
            await ex.close()
        return {"us": round((last - first) / handled * 1e6, 3), "messages": handled, "with": "no checksum"}

    with Served(given["path"]) as address:
        return asyncio.run(go(address))


def sdk_socket(given: dict[str, Any]) -> Result:
    from kraken.spot import SpotOrderBookClient

    async def go(address: dict[str, Any]) -> Result:
        state = {"n": 0, "first": 0.0, "last": 0.0}

        class Client(SpotOrderBookClient):  # type: ignore[misc]
            WS_URL = address["ws"].removesuffix("/v2")
            URL = address["rest"]

            async def on_book_update(self, pair: str, message: dict[str, Any]) -> None:
                state["first"] = state["first"] or cpu()
                state["n"] += 1
                state["last"] = cpu() if state["n"] % 64 == 0 or state["n"] >= given["count"] - 2 else state["last"]

        client = Client(depth=given["depth"])
        _give_decimals(client)
        await client.start()
        await client.add_book(pairs=["BTC/USD"])
        deadline = time.monotonic() + 60
        while state["n"] < given["count"] - 2 and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        took = (state["last"] - state["first"]) / state["n"] * 1e6
        os.write(1, json.dumps({"us": round(took, 3), "messages": state["n"], "with": "checksum"}).encode())
        os._exit(0)  # its own shutdown waits for timers that do not matter here

    with Served(given["path"]) as address:
        return asyncio.run(go(address))


# --- storage


def journal(given: dict[str, Any]) -> Result:
    import tempfile

    from desk.events import Frame
    from desk.io.journal import JournalWriter

    data = load(given)
    with tempfile.TemporaryDirectory() as folder:
        writer = JournalWriter(Path(folder) / "s")
        events = [Frame(i, 0, raw) for i, raw in enumerate(data)]

        def work() -> None:
            for i, event in enumerate(events):
                writer.append(i, event, [])
                if i % 256 == 255:
                    writer.flush()
            writer.flush()

        return spent(work, len(data))


CONTENDERS: dict[str, Callable[[dict[str, Any]], Result]] = {
    "ours": lambda given: _bytes(given, "book"),
    "ours, with features and score": lambda given: _watched(given, "book"),
    "ours, typed decoder": lambda given: _typed(given, "book"),
    "ours L3": lambda given: _bytes(given, "level3"),
    "ours L3, with features and score": lambda given: _watched(given, "level3"),
    "ours L3, typed decoder": lambda given: _typed(given, "level3"),
    "python-kraken-sdk": kraken_sdk,
    "ours, whole engine": engine,
    "ours, socket": our_socket,
    "ccxt.pro, socket": ccxt_socket,
    "python-kraken-sdk, socket": sdk_socket,
    "ours, journal": journal,
}
