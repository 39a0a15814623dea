"""What every contender needs: its input, its CPU time, and the checksum of a book that is only known as text."""

from __future__ import annotations

import gc
import os
import resource
import time
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.contenders import Given, Result
from desk.io.frames import read_frames

ROOT = Path(__file__).resolve().parents[2]


def cpu() -> float:
    """Seconds of CPU this process has used, all its threads, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def pin(core: int) -> None:
    """Stay on one core, where the system allows it and has two: contenders on 0, who serves them on 1."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})


def load(given: Given) -> list[bytes]:
    """The frames of the stream, a snapshot first."""
    return [frame.data for frame in read_frames(Path(given["path"]))]


def spent(work: Callable[[], object], count: int) -> Result:
    """CPU and wall time of one repetition, µs a frame."""
    gc.collect()
    wall, before = time.perf_counter(), cpu()
    work()
    used = cpu() - before
    return {"us": used / count * 1e6, "wall_us": (time.perf_counter() - wall) / count * 1e6}


def text_crc(asks: Iterable[tuple[str, str]], bids: Iterable[tuple[str, str]]) -> int:
    """Kraken's checksum of (price, quantity) in wire text, the 10 best levels a side, best first.

    >>> from desk.market.checksum import book_crc
    >>> text_crc([("45285.2", "0.00100000")], [("45283.5", "0.10000000")]) == book_crc(
    ...     [(452852, 100000)], [(452835, 10000000)]
    ... )
    True
    """
    text = "".join(number.replace(".", "").lstrip("0") for side in (asks, bids) for level in side for number in level)
    return zlib.crc32(text.encode())
