"""What is written while we trade, and how fast it is read again."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.contenders import Given, Result, Work
from benchmarks.contenders.measure import cpu, load, spent

DAY = 4_300_000  # book frames of BTC/USD at depth 100 in a day: 49.3 a second, from a live capture
A_DAY = "a day of BTC/USD d100, s"


def recorder(given: Given) -> Work:
    """The recorder of raw frames: `take` on the hot path, then lines, gzip and disk on its thread."""
    from desk.events import Frame
    from desk.io.recorder import Recorder
    from desk.messages import LinkSpec, Subscription

    data = load(given)
    links = (LinkSpec("bench", (Subscription("book", "BTC/USD", given["depth"]),)),)
    now = time.time_ns()
    events = [Frame(now + i, 0, raw) for i, raw in enumerate(data)]

    def work() -> Result:
        with tempfile.TemporaryDirectory() as folder:
            recording = Recorder(Path(folder), "kraken", links, "bench", now)
            recording.start(lambda text: None)
            take = recording.take
            began = cpu()
            hot = time.thread_time()
            for event in events:
                take(event)
            hot = time.thread_time() - hot
            recording.close()
            assert not recording.problem, recording.problem
            total = cpu() - began
            size = sum(f.stat().st_size for f in Path(folder).rglob("*.frames.gz"))
        count = len(data)
        return {"us": total / count * 1e6, "hot_us": hot / count * 1e6, "compressed": sum(map(len, data)) / size}

    return work


def journal(given: Given) -> Work:
    """The session's journal, which the engine's answers are replayed from: an entry a frame, written when idle."""
    from desk.events import Frame
    from desk.io.journal import JournalWriter

    data = load(given)
    events = [Frame(i, 0, raw) for i, raw in enumerate(data)]

    def work() -> Result:
        with tempfile.TemporaryDirectory() as folder:
            writer = JournalWriter(Path(folder) / "s")

            def go() -> None:
                for i, event in enumerate(events):
                    writer.append(i, event, [])
                    if i % 256 == 255:
                        writer.flush()
                writer.flush()

            return spent(go, len(data))

    return work


def verified_recording(given: Given) -> Work:
    """A compressed recording from disk into a book, every checksum compared: `verify-book --fast`."""
    from desk.run.verify_stream import verify_stream

    path = Path(given["path"])

    def work() -> Result:
        proof: dict[str, int] = {}
        result = spent(lambda: proof.update(verify_stream(path, given["depth"])), given["count"])
        return {
            **result,
            A_DAY: result["us"] * DAY / 1e6,
            "proven": proof["crc_ok"],
            "wrong": proof["crc_bad"],
            "final": proof["final"]["BTC/USD"]["crc32"],  # type: ignore[index]
        }

    return work


def replayed_session(given: Given) -> Work:
    """A recorded session through a fresh engine, every answer compared: `replay --verify`."""
    from deploy_trading_systems import build
    from desk.config import Config
    from desk.events import Frame, LinkUp, Start
    from desk.io.config_file import canonical
    from desk.io.journal import JournalWriter
    from desk.messages import LinkSpec, Subscription
    from desk.run.modes import with_symbols
    from desk.run.replay import replay

    data = load(given)
    config = canonical(with_symbols(Config(), ("BTC/USD",)))
    links = (LinkSpec("public", (Subscription("book", "BTC/USD", given["depth"]),)),)
    start = Start(1, "scalping", "bench", "kraken", ("BTC/USD",), config, "", 1, "bench", links)
    session = Path(given["path"] + ".session")  # goes with the stream
    writer, engine = JournalWriter(session), build(start).engine
    for event in (start, LinkUp(1, 0), *(Frame(1_000_000 * i, 0, raw) for i, raw in enumerate(data, 2))):
        writer.append(engine.seq + 1, event, engine.step(event))
    writer.flush()
    writer.close({"effect_hash": writer.effect_hash})

    def work() -> Result:
        told: dict[str, object] = {}
        result = spent(lambda: told.update(replay(session, lambda first: build(first).engine)), len(data))
        return {**result, "answers": "equal" if told["equal"] else "DIFFERENT"}

    return work
