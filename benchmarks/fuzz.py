"""`python -m benchmarks.fuzz [--frames N] [--seed S]`: damaged frames, read in memory that ends in a trap.

A million frames by default: two fifths to the book kernel, two fifths to the level3 kernel, one fifth to the whole desk
(decoder, books, engine). Each is a frame of the embedded market damaged in one to three places. For every frame:

    - the answer is FALLBACK and the book is as it was, byte for byte, or READ and the book is the readable one's;
    - nothing in front of a buffer was written, and nothing behind it touched: buffers end at a page that may not be
      read (benchmarks.guarded), each target runs in a process of its own, and a process that dies names its frame;
    - the call took at most 50 ms of CPU;
    - from the desk: no exception.

Exit 1 when anything of that does not hold.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import mmap
import random
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.guarded import Room
from benchmarks.stream import frames
from benchmarks.whole import Desk
from desk.kernels import l2_scan
from desk.kernels import l3_words as at
from desk.kernels.crc import TABLES
from desk.market.l2 import L2Book
from desk.market.l3 import L3Book
from desk.market.order_block import EVENTS, FRAME
from desk.market.raw_l2 import FALLBACK, RawL2Book
from desk.market.raw_l3 import RawL3Book
from desk.messages import BookUpdate, Instruments, OrdersUpdate, Side
from desk.wire.kraken import KrakenCodec

ROOT = Path(__file__).resolve().parent.parent
STALL_NS = 50_000_000
SLOT = 1 << 20  # bytes for the frame being tried, in a file its parent can read
SHARES = {"book": 0.4, "level3": 0.4, "desk": 0.2}
TABLES_AT = int(TABLES.ctypes.data)
TOKENS = (
    b'"', b"\\", b"\0", b"{", b"}", b"[", b"]", b",", b":", b" ", b"\n", b"0", b"00", b"9", b"-", b"+", b".", b"e",
    b"1e5", b"null", b"\xff", b"\xc3\xa9", b"Z", b"T", b"9" * 20, b'"price":1.0', b'"qty":', b'"bids":[],',
    b'"asks":[]', b'{"price":1.0,"qty":0.00000000},', b'"event":"add",', b'"event":"delete",', b'"event":"modify",',
    b'"checksum":1,',
    b'"symbol":"BTC/USD",', b',"timestamp":""', b'"timestamp":"2026-01-01T00:00:00Z",', b"update", b"snapshot",
    b"\\u0041", b"[" * 600, b'{"a":' * 600,
)  # fmt: skip


def damaged(frame: bytes, other: bytes, dice: random.Random) -> bytes:
    """A frame changed in one to three places: a byte, a piece cut out, doubled, foreign, a token, a digit, a cut."""
    text = bytearray(frame)
    for _ in range(dice.choice((1, 1, 2, 3))):
        size = len(text)
        i = dice.randrange(size + 1)
        j = min(size, i + dice.choice((1, 1, 2, 8, 40, 160)))
        kind = dice.randrange(9)
        if kind == 0:
            text[i : i + 1] = bytes([dice.randrange(256)])
        elif kind == 1:
            del text[i:j]
        elif kind == 2:
            text[i:i] = text[i:j]
        elif kind == 3:
            text[i:i] = dice.choice(TOKENS)
        elif kind == 4:
            text[i:j] = dice.choice(TOKENS)
        elif kind == 5:
            del text[i:]
        elif kind == 6:
            text[i:] = other[i:]
        else:  # another digit where one was, twice as often: still a frame, with another meaning
            places = [k for k in range(i, min(size, i + 60)) if 48 <= text[k] <= 57]
            if places:
                text[dice.choice(places)] = 48 + dice.randrange(10)
    return bytes(text)


class Target(ABC):
    """What damaged frames are given to; `tried` compares one and says whether it was read."""

    every = 500  # frames after which the target is opened again

    def __init__(self, channels: tuple[str, ...]) -> None:
        self.stream = frames(channels, 10, 3000)
        self.worst_ns = 0

    @abstractmethod
    def again(self) -> None:
        """Back to a state in which frames mean something."""

    @abstractmethod
    def tried(self, frame: bytes) -> bool:
        """Whether this frame was read."""

    def timed(self, call: Callable[..., int], *args: Any) -> int:
        began = time.thread_time_ns()
        code = call(*args)
        self.worst_ns = max(self.worst_ns, time.thread_time_ns() - began)
        return code


class BookTarget(Target):
    """RawL2Book's kernel on guarded memory, beside L2Book."""

    def __init__(self) -> None:
        super().__init__(("book",))
        self.codec = KrakenCodec()
        described, self.first = self.codec.decode(self.stream[0])
        assert isinstance(described, Instruments)
        assert isinstance(self.first, BookUpdate)
        inst = described.instruments[0]
        self.raw, self.typed = RawL2Book(10), L2Book(10)
        self.raw.describe(inst.px_decimals, inst.qty_decimals, inst.symbol)
        self.held = Room(self.raw._book.nbytes)
        self.work = Room(l2_scan.WORK_BYTES)
        self.head = bytes(self.raw._work.cast("B")[: l2_scan.BIDS_AT])

    def again(self) -> None:
        self.typed.apply(self.first)
        self.raw.apply(self.first)
        block = self.raw._book
        self.raw._book_at = self.held.put(block.cast("B"))
        self.raw._book = self.held.bytes[-block.nbytes :].view(np.int64).data
        self.known = self.raw._book.tobytes()

    def tried(self, frame: bytes) -> bool:
        if len(frame) > l2_scan.FRAME_BYTES:
            return False  # RawL2Book.feed does not let it in
        raw, pad = self.raw, l2_scan.WORK_BYTES - l2_scan.FRAME_AT - l2_scan.FRAME_BYTES
        self.work.put(frame, pad)
        work = self.work.put(self.head, l2_scan.FRAME_AT - l2_scan.BIDS_AT + len(frame) + pad)
        code = self.timed(raw._read, raw._book_at, work, TABLES_AT, len(frame))
        assert self.work.untouched(work), "written in front of the workspace"
        assert self.held.untouched(raw._book_at), "written in front of the book"
        if code == FALLBACK:
            assert raw._book.tobytes() == self.known, "a FALLBACK changed the book"
            return False
        (update,) = self.codec.decode(frame)  # raises where the kernel read what the decoder refuses
        assert isinstance(update, BookUpdate)
        assert (raw.claimed, raw.ts_exch) == (-1 if update.checksum is None else update.checksum, update.ts_exch)
        self.typed.apply(update)
        assert raw.computed == self.typed.checksum
        assert all(raw.levels(side, 10) == self.typed.levels(side, 10) for side in Side)
        self.known = raw._book.tobytes()
        return True


class GuardedL3(RawL3Book):
    """An L3 book whose block ends at a forbidden page."""

    def _allocate(self, count: int) -> NDArray[np.int64]:
        self.held = Room(8 * count)
        self.held.put(bytes(8 * count))
        return self.held.words(count)


class OrdersTarget(Target):
    """RawL3Book's kernel on guarded memory, beside L3Book."""

    def __init__(self) -> None:
        super().__init__(("level3",))
        self.codec = KrakenCodec()
        described, self.first = self.codec.decode(self.stream[0])
        assert isinstance(described, Instruments)
        assert isinstance(self.first, OrdersUpdate)
        inst = described.instruments[0]
        self.raw, self.typed = GuardedL3(10), L3Book(10)
        self.raw.describe(inst.px_decimals, inst.qty_decimals, inst.symbol)
        self.source, self.buffer, self.rows = Room(SLOT), Room(FRAME + at.PAD), Room(EVENTS * at.ROW)
        self.rows_at = self.rows.put(bytes(EVENTS * at.ROW))

    def again(self) -> None:
        self.typed.apply(self.first)
        self.raw.apply(self.first)
        self.raw._put(at.ROWS, self.rows_at)
        self.known = self._state()

    def _state(self) -> tuple[bytes, ...]:
        """Orders, levels, slots and rows as they lie in memory, and what the header says of them."""
        raw = self.raw
        block = raw._words[(raw._get(at.FIRST_ORDER) - raw._header + at.ROW) // 8 :]
        told = (at.SUM, at.UNKNOWN, at.CLAIMED, at.COMPUTED, at.TS, at.ASKS_REGISTER, at.FREE_ORDER, at.FREE_LEVEL)
        sides = [each + side for each in (at.WORST, at.BEST, at.ORDERS) for side in (0, 8)]
        return block.tobytes(), repr([raw._get(each) for each in (*told, *sides)]).encode()

    def tried(self, frame: bytes) -> bool:
        raw = self.raw
        fits = len(frame) <= FRAME
        buffer = self.buffer.put(frame, at.PAD) if fits else self.buffer.end - FRAME - at.PAD
        raw._put(at.BUFFER, buffer)
        code = self.timed(raw._read, raw._header, self.source.put(frame), len(frame))
        assert not fits or self.buffer.untouched(buffer), "written in front of the frame's copy"
        assert self.rows.untouched(self.rows_at), "written in front of the rows"
        assert raw.held.untouched(raw._header - at.ROW), "written in front of the book"
        if code == at.FULL:  # as RawL3Book.feed does
            raw._grow(sum(raw.size()) + 2 * EVENTS, 2 * EVENTS)
            raw._put(at.ROWS, self.rows_at)
            return self.tried(frame)
        if code == FALLBACK:
            assert self._state() == self.known, "a FALLBACK changed the book"
            return False
        raw._top = None
        (update,) = self.codec.decode(frame)
        assert isinstance(update, OrdersUpdate)
        assert (raw.claimed, raw.ts_exch) == (update.checksum, update.ts_exch)
        self.typed.apply(update)
        assert (raw.computed, raw.size(), raw.unknown) == (self.typed.checksum, self.typed.size(), self.typed.unknown)
        assert all(raw.levels(side, 10) == self.typed.levels(side, 10) for side in Side)
        self.known = self._state()
        return True


class DeskTarget(Target):
    """Engine, books and decoder as a run has them; every channel of a symbol. Read is what was not called bad."""

    every = 50  # a doubted book takes nothing more before its snapshot

    def __init__(self) -> None:
        super().__init__(("book", "level3", "trade", "ohlc", "ticker"))
        self.desk = Desk(self.stream)

    def again(self) -> None:
        self.desk.open()

    def tried(self, frame: bytes) -> bool:
        watch = self.desk.engine.watch
        bad = watch.bad_frames
        self.timed(self.desk.frame, frame)
        return watch.bad_frames == bad


TARGETS: dict[str, type[BookTarget] | type[OrdersTarget] | type[DeskTarget]] = {
    "book": BookTarget, "level3": OrdersTarget, "desk": DeskTarget,
}  # fmt: skip


def attack(name: str, count: int, seed: int, slot: Path) -> dict[str, Any]:
    """`count` damaged frames to one target, in this process."""
    dice, target = random.Random(seed), TARGETS[name]()
    read = 0
    with slot.open("r+b") as file, mmap.mmap(file.fileno(), SLOT) as last:
        for number in range(count):
            if number % target.every == 0:
                target.again()
                if number == target.every:
                    target.worst_ns = 0  # the first calls fill caches and load code
            frame = damaged(dice.choice(target.stream[1:]), dice.choice(target.stream), dice)
            last[:8] = len(frame).to_bytes(8, "little")
            last[8 : 8 + len(frame)] = frame
            read += target.tried(frame)
    return {"frames": count, "read": read, "worst_ms": round(target.worst_ns / 1e6, 3)}


def overread() -> None:
    """One byte too far, as a kernel would: what the trap is for."""
    room = Room(100)
    ctypes.string_at(room.put(b"x" * 100), 101)


def launch(name: str, count: int, seed: int) -> dict[str, Any]:
    """One target in a process of its own: what it counted, or how and at which frame it died."""
    with tempfile.NamedTemporaryFile() as slot:
        slot.truncate(SLOT)
        command = [sys.executable, "-m", "benchmarks.fuzz", "--target", name, "--frames", str(count)]
        run = subprocess.run(
            [*command, "--seed", str(seed), "--slot", slot.name], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if run.returncode == 0:
            return {"target": name, **json.loads(run.stdout)}
        tried = Path(slot.name).read_bytes()
        frame = tried[8 : 8 + int.from_bytes(tried[:8], "little")]
        how = f"killed by signal {-run.returncode}" if run.returncode < 0 else "\n".join(run.stderr.splitlines()[-3:])
        return {"target": name, "died": how, "frame": repr(frame)}


def main(argv: list[str]) -> int:
    p = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__.splitlines()[0])
    p.add_argument("--frames", type=int, default=1_000_000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--json", action="store_true")
    p.add_argument("--target", choices=(*TARGETS, "overread"), help=argparse.SUPPRESS)
    p.add_argument("--slot", type=Path, help=argparse.SUPPRESS)
    options = p.parse_args(argv)
    if options.target == "overread":
        overread()
        return 0
    if options.target:
        print(json.dumps(attack(options.target, options.frames, options.seed, options.slot)))
        return 0
    results = [launch(name, int(options.frames * share), options.seed) for name, share in SHARES.items()]
    good = all("died" not in each and each["worst_ms"] * 1e6 <= STALL_NS for each in results)
    if options.json:
        print(json.dumps(results, indent=1))
        return 0 if good else 1
    for each in results:
        if "died" in each:
            print(f"{each['target']:8} DIED: {each['died']}\n  at {each['frame']}")
        else:
            what = "understood" if each["target"] == "desk" else "read, each equal to the readable path"
            print(
                f"{each['target']:8}{each['frames']:>9,} damaged frames: 0 errors, 0 out of bounds, "
                f"{each['read']:,} {what}; longest call {each['worst_ms']:.3f} ms CPU"
            )
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
