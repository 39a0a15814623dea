"""`python -m benchmarks.level3 [recording…]`: a level3 frame from bytes to a proven book, by codec and by kernel.

Streams: what the embedded exchange publishes, and the recordings named (one symbol each, depth 10). CPU time a frame,
the best of five passes over the whole stream; both books begin at the same snapshot and must be equal at the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from desk.instrument import Instrument
from desk.io.frames import read_frames
from desk.market.l3 import L3Book
from desk.market.raw_l3 import READ, RawL3Book
from desk.messages import Instruments, OrdersUpdate, Side
from desk.sim.market import SimMarket
from desk.sim.publish import Publisher
from desk.wire.kraken import KrakenCodec
from desk.wire.kraken_venue import Topic

START = 1_763_000_000_000_000_000
ROOT = Path(__file__).resolve().parent.parent
PASSES = 5
COMPILE = (
    "import time; from desk.kernels import l3; t = time.perf_counter(); l3.l3_entries(); print(time.perf_counter() - t)"
)


class Stream:
    """A snapshot and the updates after it."""

    def __init__(self, frames: list[bytes], depth: int) -> None:
        self.depth, self.updates = depth, frames[1:]
        told = KrakenCodec().decode(frames[0])
        [self.inst] = next(m.instruments for m in told if isinstance(m, Instruments))
        self.first = next(m for m in told if isinstance(m, OrdersUpdate))

    def by_codec(self) -> tuple[L3Book, float]:
        codec, book = KrakenCodec(), L3Book(self.depth)
        codec.instruments[self.inst.symbol] = self.inst
        book.apply(self.first)
        wrong = 0
        started = time.process_time()
        for frame in self.updates:
            for message in codec.decode(frame):
                if isinstance(message, OrdersUpdate):
                    book.apply(message)
                    wrong += book.checksum != message.checksum
        spent = time.process_time() - started
        assert not wrong
        return book, spent

    def by_kernel(self) -> tuple[RawL3Book, float]:
        book = RawL3Book(self.depth)
        describe(book, self.inst)
        book.apply(self.first)
        wrong = 0
        feed = book.feed
        started = time.process_time()
        for frame in self.updates:
            wrong += feed(frame) != READ or book.computed != book.claimed
        spent = time.process_time() - started
        assert not wrong
        return book, spent

    def kernel_alone(self) -> tuple[RawL3Book, float]:
        """The call and nothing else."""
        book = RawL3Book(self.depth)
        describe(book, self.inst)
        book.apply(self.first)
        feed = book.feed
        started = time.process_time()
        for frame in self.updates:
            feed(frame)
        return book, time.process_time() - started


def describe(book: RawL3Book, inst: Instrument) -> None:
    book.describe(inst.px_decimals, inst.qty_decimals, inst.symbol)


def published(depth: int, count: int) -> list[bytes]:
    """The first `count` level3 frames of the embedded exchange, a snapshot first."""
    market = SimMarket(5, START, symbols=("BTC/USD",))
    source = Publisher(market, {"BTC/USD": market.instruments["BTC/USD"]})
    frames = [source.open(Topic("level3", "BTC/USD", depth), START)]
    while len(frames) < count:
        frames += [frame for _, frame in source.advance(market.next_at)]
    return frames


def recorded(path: Path) -> list[bytes]:
    return [f.data for f in read_frames(path) if f.data.startswith(b'{"channel":"level3"')]


def best(run: Callable[[], tuple[L3Book | RawL3Book, float]], frames: int) -> tuple[L3Book | RawL3Book, float]:
    """(the book, µs a frame) of the fastest pass."""
    passes = [run() for _ in range(PASSES)]
    return passes[0][0], min(spent for _, spent in passes) / frames * 1e6


def compile_seconds() -> tuple[float, float]:
    """(with an empty cache, from the cache), each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = []
        for _ in range(2):
            run = subprocess.run(
                [sys.executable, "-c", COMPILE],
                cwd=ROOT,
                env={**os.environ, "NUMBA_CACHE_DIR": folder},
                capture_output=True,
                text=True,
                check=True,
            )
            seconds.append(float(run.stdout))
    return seconds[0], seconds[1]


def main(paths: list[str]) -> None:
    streams = [("embedded exchange, depth 10", published(10, 5000), 10)]
    streams.append(("embedded exchange, depth 100", published(100, 2000), 100))
    streams += [(Path(path).name, recorded(Path(path)), 10) for path in paths]
    print(f"{'µs a frame':44}{'frames':>8}{'bytes':>7}{'codec + book':>14}{'kernel':>8}{'call':>7}{'ratio':>7}")
    for name, frames, depth in streams:
        stream = Stream(frames, depth)
        count = len(stream.updates)
        plain, slow = best(stream.by_codec, count)
        raw, fast = best(stream.by_kernel, count)
        _, alone = best(stream.kernel_alone, count)
        assert all(plain.levels(side, depth) == raw.levels(side, depth) for side in Side)
        size = sum(map(len, stream.updates)) // count
        print(f"{name:44.44}{count:8}{size:7}{slow:14.2f}{fast:8.2f}{alone:7.2f}{slow / fast:6.0f}x")
    cold, cached = compile_seconds()
    print(
        f"compile {cold:.1f} s, from the cache {cached:.2f} s; a new book takes {RawL3Book(10).footprint // 1024} KiB"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
