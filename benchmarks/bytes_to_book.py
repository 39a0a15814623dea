"""Bytes to a proven L2 book: the typed decoder and L2Book beside the kernel's RawL2Book, frame by frame from Python.

    python -m benchmarks.bytes_to_book [--recording some.frames.gz] [--json out.json]

Streams: the embedded market at depth 10 and 100, and a recording where one is named. Every figure is the median CPU
time of interleaved repetitions in one process. Also: how long the kernels take to compile and to load again, and what
a book weighs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.stream import frames
from desk.io.frames import read_frames
from desk.market.l2 import L2Book
from desk.market.raw_l2 import READ, RawL2Book
from desk.messages import BookUpdate, Instruments
from desk.wire.kraken import KrakenCodec

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 7
COMPILE = (
    "import time; t = time.perf_counter(); import desk.kernels.l2 as l2; u = time.perf_counter(); l2.l2_entries(); "
    "print(u - t, time.perf_counter() - u)"
)


def opened(snapshot: bytes, depth: int) -> tuple[KrakenCodec, L2Book, RawL2Book]:
    """Both books at the snapshot."""
    codec = KrakenCodec()
    described, first = codec.decode(snapshot)
    assert isinstance(described, Instruments)
    assert isinstance(first, BookUpdate)
    inst = described.instruments[0]
    typed, raw = L2Book(depth), RawL2Book(depth)
    raw.describe(inst.px_decimals, inst.qty_decimals, inst.symbol)
    typed.apply(first)
    raw.apply(first)
    return codec, typed, raw


def typed_path(made: list[bytes], depth: int) -> int:
    """Decode, apply, compare the checksum; returns how many were proven."""
    codec, book, _ = opened(made[0], depth)
    proven = 0
    for data in made[1:]:
        (update,) = codec.decode(data)
        assert isinstance(update, BookUpdate)
        book.apply(update)
        proven += update.checksum == book.checksum
    return proven


def raw_path(made: list[bytes], depth: int) -> int:
    """Feed, compare the checksum; returns how many were proven."""
    _, _, book = opened(made[0], depth)
    feed, proven = book.feed, 0
    for data in made[1:]:
        if feed(data) == READ:
            proven += book.claimed == book.computed
    return proven


def feed_only(made: list[bytes], depth: int) -> int:
    """Feed alone: the kernel has computed and kept the checksum, nobody looks."""
    _, _, book = opened(made[0], depth)
    feed, read = book.feed, 0
    for data in made[1:]:
        read += feed(data)
    return read


PATHS: dict[str, Callable[[list[bytes], int], int]] = {
    "codec + L2Book": typed_path,
    "RawL2Book, checksum compared": raw_path,
    "RawL2Book, feed alone": feed_only,
}


def measure(made: list[bytes], depth: int) -> dict[str, float]:
    """µs of CPU a frame by path; interleaved, so that a busy machine slows all of them."""
    taken: dict[str, list[float]] = {name: [] for name in PATHS}
    for name, path in PATHS.items():
        if path(made, depth) != len(made) - 1:
            raise SystemExit(f"{name}: not every frame was read and proven; nothing to measure")
    for _ in range(REPEATS):
        for name, path in PATHS.items():
            before = time.process_time_ns()
            path(made, depth)
            taken[name].append((time.process_time_ns() - before) / 1000 / (len(made) - 1))
    return {name: round(statistics.median(each), 3) for name, each in taken.items()}


def recorded(path: Path) -> tuple[list[bytes], int]:
    """Snapshot and updates of a recording's one book, and its depth."""
    made = [f.data for f in read_frames(path) if f.data.startswith(b'{"channel":"book"')]
    last = max((i for i, data in enumerate(made) if b'"type":"snapshot"' in data[:60]), default=-1)
    if last < 0:
        raise SystemExit(f"{path}: no book snapshot in it; name a recording of the book channel")
    (update,) = [m for m in KrakenCodec().decode(made[last]) if isinstance(m, BookUpdate)]
    return made[last:], max(len(update.bids), len(update.asks))


def compiled() -> dict[str, float]:
    """Seconds to import and to prepare the kernels, with an empty cache and with a full one."""
    with tempfile.TemporaryDirectory() as cache:
        said = [
            subprocess.run(  # our own interpreter on our own line
                [sys.executable, "-c", COMPILE],
                cwd=ROOT,
                env=os.environ | {"NUMBA_CACHE_DIR": cache},
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
            for _ in range(2)
        ]
    return {
        "import numba and tables, s": round(float(said[1][0]), 2),
        "compile, s": round(float(said[0][1]), 2),
        "load from cache, s": round(float(said[1][1]), 2),
    }


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--recording", type=Path, help="a .frames.gz of one Kraken book")
    p.add_argument("--frames", type=int, default=20_000, help="frames of each generated stream (default 20000)")
    p.add_argument("--json", type=Path, help="where to write the figures")
    options = p.parse_args()
    streams = {f"embedded, depth {d}": (frames(("book",), d, options.frames), d) for d in (10, 100)}
    if options.recording:
        streams[options.recording.name] = recorded(options.recording)
    result: dict[str, Any] = {"µs CPU a frame": {}, "kernels": compiled()}
    for name, (made, depth) in streams.items():
        row = measure(made, depth)
        row["times faster"] = round(row["codec + L2Book"] / row["RawL2Book, checksum compared"], 1)
        row["bytes a frame"] = round(sum(map(len, made[1:])) / (len(made) - 1))
        result["µs CPU a frame"][name] = row
    result["bytes a book"] = {f"depth {d}": RawL2Book(d).footprint for d in (10, 100, 1000)}
    for title, part in result.items():
        print(title)
        for name, value in part.items():
            shown = "  ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
            print(f"  {name:<28} {shown}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
