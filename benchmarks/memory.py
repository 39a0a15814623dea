"""`python -m benchmarks.memory`: what a symbol takes, by depth, and what two hundred of them add to a process.

A footprint is the books' own memory, filled from the embedded market's snapshot and the updates of some minutes. The
resident memory is that of this process with a whole desk of two hundred symbols, less that with one, a symbol: books,
bars, tape, flow, spreads and all that Python needs for them.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.soak import resident
from benchmarks.stream import frames
from benchmarks.whole import Desk
from desk.market.order_block import workspace
from desk.market.raw_l2 import READ, RawL2Book
from desk.market.raw_l3 import RawL3Book
from desk.messages import BookUpdate, Instruments, OrdersUpdate
from desk.wire.kraken import KrakenCodec

ROOT = Path(__file__).resolve().parent.parent
DEPTHS = (10, 25, 100)
UPDATES = 5_000
SYMBOLS = 200
MOST_KIB = 100


def footprint(depth: int) -> dict[str, Any]:
    """Both books of one symbol after a snapshot and its updates; `orders` and `levels` are the most of both sides."""
    made: dict[str, Any] = {"depth": depth}
    for channel in ("book", "level3"):
        codec = KrakenCodec()
        stream = frames((channel,), depth, UPDATES)
        described, first = codec.decode(stream[0])
        assert isinstance(described, Instruments)
        assert isinstance(first, (BookUpdate, OrdersUpdate))
        [inst] = described.instruments
        book: RawL2Book | RawL3Book = RawL2Book(depth) if channel == "book" else RawL3Book(depth)
        book.describe(inst.px_decimals, inst.qty_decimals, inst.symbol)
        book.apply(first)  # type: ignore[arg-type]
        most = sum(book.size())
        for frame in stream[1:]:
            assert book.feed(frame) == READ
            most = max(most, sum(book.size()))
        made["levels" if channel == "book" else "orders"] = most
        made[f"{channel}_kib"] = round(book.footprint / 1024, 1)
    made["both_kib"] = round(made["book_kib"] + made["level3_kib"], 1)
    return made


def names(count: int) -> tuple[str, ...]:
    """BTC/USD, and as many more as are asked for, all with its stream under their own name."""
    return ("BTC/USD", *(f"C{n:03d}/USD" for n in range(count - 1)))


def desk_of(count: int, depth: int) -> int:
    """Bytes resident with `count` symbols, each with both books, 100 messages after its snapshots."""
    symbols = names(count)
    desk = Desk(symbols=symbols, depth=depth)
    desk.open()
    stream = frames(("book", "level3", "trade"), depth, 100)
    for symbol in symbols:
        for frame in stream:
            desk.frame(frame.replace(b'"BTC/USD"', b'"%s"' % symbol.encode()))
    believed = sum(
        t.crc_ok > 1 and not t.crc_bad for m in desk.engine.watch.markets.values() for t in m.tracks.values()
    )
    assert believed == 2 * count, f"{believed} of {2 * count} books are proven"
    gc.collect()
    return resident()


def spawned(count: int, depth: int) -> int:
    """The same in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", "--desk", str(count), "--depth", str(depth)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(run.stdout)


def main(argv: list[str]) -> int:
    p = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__.splitlines()[0])
    p.add_argument("--json", action="store_true")
    p.add_argument("--desk", type=int, help=argparse.SUPPRESS)
    p.add_argument("--depth", type=int, default=100, help=argparse.SUPPRESS)
    options = p.parse_args(argv)
    if options.desk:
        print(desk_of(options.desk, options.depth))
        return 0
    rows = [footprint(depth) for depth in DEPTHS]
    shared = round(workspace().nbytes / 1024, 1)
    symbols = []
    for depth in DEPTHS:
        one, many = spawned(1, depth), spawned(SYMBOLS, depth)
        symbols.append({"depth": depth, "kib_a_symbol": round((many - one) / (SYMBOLS - 1) / 1024, 1),
                        "one_mib": one >> 20, "many_mib": many >> 20})  # fmt: skip
    if options.json:
        print(json.dumps({"books": rows, "workspace_kib": shared, "symbols": SYMBOLS, "resident": symbols}))
    else:
        print(f"{'depth':>5} {'levels':>7} {'orders':>7} {'book KiB':>9} {'level3 KiB':>11} {'both KiB':>9}")
        for r in rows:
            print(
                f"{r['depth']:>5} {r['levels']:>7} {r['orders']:>7} {r['book_kib']:>9} {r['level3_kib']:>11} "
                f"{r['both_kib']:>9}"
            )
        print(f"and {shared} KiB once for all level3 books")
        for r in symbols:
            print(
                f"depth {r['depth']}: {r['one_mib']} MiB resident with 1 symbol, {r['many_mib']} MiB with {SYMBOLS}: "
                f"{r['kib_a_symbol']} KiB a symbol"
            )
    return 0 if all(row["both_kib"] <= MOST_KIB for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
