"""`python -m benchmarks.fuzz [--frames N] [--seed S]`: damaged frames, read in memory that ends in a trap.

A million frames by default: three tenths to the book kernel, as many to the level3 kernel, a tenth to the kernel of
trades, a tenth to the kernel that takes frames of one read, a fifth to the whole desk (decoder, books, engine; by
themselves and in reads). Each is a frame of the embedded market damaged in one to three places. For every frame:

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
from pathlib import Path
from typing import Any

from benchmarks.fuzz_targets import SLOT, TARGETS
from benchmarks.guarded import Room

ROOT = Path(__file__).resolve().parent.parent
STALL_NS = 50_000_000
SHARES = {"book": 0.3, "level3": 0.3, "trades": 0.1, "rush": 0.1, "desk": 0.2}
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
