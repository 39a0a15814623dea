"""The desk itself: bytes to a proven book, by frame and in batches, with the score, and through the whole engine."""

from __future__ import annotations

import time

from benchmarks.contenders import Contender, Given, Result, Work
from benchmarks.contenders.measure import load, spent
from benchmarks.stream import START, minutes

INST, SYMBOL = "BTC/USD@kraken", "BTC/USD"


def by_frame(channel: str) -> Contender:
    """The hot path alone: a frame's bytes into the book, one call each, and its checksum compared."""

    def prepare(given: Given) -> Work:
        from desk.market.raw_l2 import RawL2Book
        from desk.market.raw_l3 import READ, RawL3Book
        from desk.messages import BookUpdate, OrdersUpdate
        from desk.wire.kraken import KrakenCodec

        data = load(given)

        def work() -> Result:
            codec = KrakenCodec()
            book = RawL2Book(given["depth"]) if channel == "book" else RawL3Book(given["depth"])
            proven = 0

            def go() -> None:
                nonlocal proven
                for message in codec.decode(data[0]):
                    if isinstance(message, (BookUpdate, OrdersUpdate)):
                        inst = codec.instruments[SYMBOL]
                        book.describe(inst.px_decimals, inst.qty_decimals, inst.symbol)
                        book.apply(message)  # type: ignore[arg-type]
                        proven += book.checksum == message.checksum
                feed = book.feed
                for raw in data[1:]:
                    if feed(raw) == READ:
                        proven += book.claimed == book.computed

            result = spent(go, len(data))
            return {**result, "proven": proven, "wrong": len(data) - proven, "final": book.checksum}

        return work

    return prepare


def by_message(channel: str) -> Contender:
    """The readable path: every frame through the typed decoder, then the same book."""

    def prepare(given: Given) -> Work:
        from desk.market.state import Track
        from desk.messages import BookUpdate, OrdersUpdate
        from desk.wire.kraken import KrakenCodec

        data = load(given)

        def work() -> Result:
            codec, track = KrakenCodec(), Track(INST, channel, 0, given["depth"])

            def go() -> None:
                for i, raw in enumerate(data):
                    for message in codec.decode(raw):
                        if isinstance(message, (BookUpdate, OrdersUpdate)):
                            track.apply(message, i)

            result = spent(go, len(data))
            return {**result, "proven": track.crc_ok, "wrong": track.crc_bad, "final": track.book.checksum}

        return work

    return prepare


def in_batches(given: Given) -> Work:
    """Many frames a call: what `verify-book` does with a recording's text."""
    from desk.market.raw_l2 import Lines, RawL2Book
    from desk.messages import BookUpdate
    from desk.wire.kraken import KrakenCodec

    data = load(given)
    text = b"\n".join(data[1:]) + b"\n"

    def work() -> Result:
        codec = KrakenCodec()
        book = RawL2Book(given["depth"])
        proven = 0

        def go() -> None:
            nonlocal proven
            for message in codec.decode(data[0]):
                if isinstance(message, BookUpdate):
                    inst = codec.instruments[SYMBOL]
                    book.describe(inst.px_decimals, inst.qty_decimals, inst.symbol)
                    book.apply(message)
            proven = book.claimed == book.computed
            lines = Lines(text)
            taken = book.feed_all(lines, 0)
            proven += taken.proven

        result = spent(go, len(data))
        return {**result, "proven": proven, "wrong": len(data) - proven, "final": book.checksum}

    return work


def scored(channel: str) -> Contender:
    """Bytes to a proven book, its features and its score, after every frame."""

    def prepare(given: Given) -> Work:
        from desk.events import Frame
        from desk.messages import LinkSpec, Subscription
        from desk.signals.watch import Watch
        from desk.wire.kraken import KrakenCodec
        from hft_signals import OrderBookAnalyzer

        data = load(given)
        links = (LinkSpec("bench", (Subscription(channel, SYMBOL, given["depth"]),)),)
        events = [Frame(i, 0, raw) for i, raw in enumerate(data)]

        def work() -> Result:
            watch = Watch("kraken", links, KrakenCodec(), OrderBookAnalyzer().score, {"*": 0.5})

            def go() -> None:
                for event in events:
                    watch.frame(event)

            result = spent(go, len(data))
            track = watch.markets[INST].tracks[channel]
            return {**result, "proven": track.crc_ok, "wrong": track.crc_bad, "final": track.book.checksum}

        return work

    return prepare


def whole_engine(given: Given) -> Work:
    """Tick to decision: `Engine.step` with everything the scalping mode runs, a clock around every call (0.1 µs).

    In it: book proven, features, score, flow, tape, bars, indicators warmed up on the 720 minutes before the stream,
    the scalper's gates and declines, risk. Not in it: socket, journal, paper venue, console, the first snapshots. Four
    times a second of the events' time the desk beats, as in a run: between frames, so a figure of its own.
    """
    from deploy_trading_systems import build
    from desk.config import Config
    from desk.events import Answer, Event, Frame, LinkUp, Start, Timer
    from desk.io.config_file import canonical
    from desk.messages import LinkSpec, Subscription
    from desk.run.loop import BEAT
    from desk.run.modes import with_symbols

    data = load(given)
    first = [raw for raw in data[:4] if b'"type":"snapshot"' in raw[:60]]
    channels = [raw.split(b'"', 4)[3].decode() for raw in first]
    wanted = tuple(Subscription(c, SYMBOL, 0 if c == "trade" else given["depth"]) for c in channels)
    config = canonical(with_symbols(Config(), (SYMBOL,)))
    start = Start(1, "scalping", "bench", "kraken", (SYMBOL,), config, "", 1, "bench", (LinkSpec("public", wanted),))
    count = len(data) - len(first)
    events: list[Event] = [Frame(START + 1_000_000 * i, 0, raw) for i, raw in enumerate(data[len(first) :], 1)]
    events += [Timer(ts, "beat") for ts in range(START + BEAT, events[-1].ts, BEAT)]
    events.sort(key=lambda event: (event.ts, type(event) is Frame))  # what is due happens first
    opening = [start, LinkUp(START, 0), *(Frame(START, 0, raw) for raw in first)]
    opening.append(Answer(START, "OHLC", SYMBOL, minutes(SYMBOL)))
    clock = time.perf_counter_ns

    def work() -> Result:
        desk = build(start).engine
        for event in opening:
            desk.step(event)
        took: list[int] = []
        beats: list[int] = []
        decided = 0

        def go() -> None:
            nonlocal decided
            for event in events:
                began = clock()
                decided += len(desk.step(event))
                (took if type(event) is Frame else beats).append(clock() - began)

        result = spent(go, count)
        result["us"] -= sum(beats) / 1000 / count
        took.sort()
        at = {
            name: took[int(q * (len(took) - 1))] / 1000 for name, q in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))
        }
        (track,) = desk.watch.markets[INST].tracks.values()
        at |= {"frames/s": 1e6 / result["us"], "answers": decided, "beat µs": sum(beats) / len(beats) / 1000}
        return {**result, **at, "proven": track.crc_ok, "wrong": track.crc_bad, "final": track.book.checksum}

    return work
