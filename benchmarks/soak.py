"""`python -m benchmarks.soak [--hours 12]`: a long stream through the whole desk at speed, its memory sampled.

A process of its own publishes the embedded market (instrument, trades, candles, both books); here it goes through the
loop, engine, paper venue, journal, blotter and screen of a run, by event time and as fast as it can. Resident memory is
read every ten minutes of the stream. Growth is that from the end of the warm-up (a sixth of the stream, an hour at
most) to the end; exit 1 when it is 1 % or more.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from benchmarks.stream import START
from benchmarks.whole import CHANNELS, Desk
from desk.sim.market import SimMarket
from desk.sim.publish import Publisher
from desk.wire.kraken_venue import Topic

ROOT = Path(__file__).resolve().parent.parent
MINUTE = 60_000_000_000
EVERY = 10 * MINUTE
HEAD = struct.Struct("<qq")  # event time, bytes of the frame; 0 bytes: the publisher's own memory instead of a time
MOST_PCT = 1.0


def resident() -> int:
    """Bytes of memory this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def market_frames(symbols: tuple[str, ...], minutes: int, seed: int, depth: int) -> Iterator[tuple[int, bytes]]:
    """(ns, frame) of `minutes` of the embedded market, snapshots first; after every tenth minute one empty frame."""
    market = SimMarket(seed, START, symbols=symbols)
    publisher = Publisher(market, {symbol: market.instruments[symbol] for symbol in symbols})
    detail = {"book": depth, "level3": depth, "ohlc": 1}
    yield START, publisher.open(Topic("instrument"), START)
    for symbol in symbols:
        for channel in CHANNELS[1:]:
            yield START, publisher.open(Topic(channel, symbol, detail.get(channel, 0)), START)
    for minute in range(1, minutes + 1):
        until = START + minute * MINUTE
        while (ts := market.next_at) <= until:
            for _, frame in publisher.advance(ts):
                yield ts, frame
        if minute % 10 == 0:
            yield until, b""


def publish(symbols: tuple[str, ...], minutes: int, seed: int, depth: int, out: BinaryIO) -> None:
    """The same to a pipe, as (HEAD, frame); with an empty frame goes the publisher's own memory."""
    made = market_frames(symbols, minutes, seed, depth)
    out.writelines(HEAD.pack(ts if frame else resident(), len(frame)) + frame for ts, frame in made)


def arriving(source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    while len(head := source.read(HEAD.size)) == HEAD.size:
        at, size = HEAD.unpack(head)
        yield at, source.read(size)


def soak(symbols: tuple[str, ...], minutes: int, seed: int, depth: int = 10) -> dict[str, Any]:
    """What the memory did, as plain data; `samples` are (minute of the stream, KiB)."""
    command = [sys.executable, "-m", "benchmarks.soak", "--publish", "--minutes", str(minutes), "--seed", str(seed)]
    child = subprocess.Popen(
        [*command, "--symbols", ",".join(symbols), "--depth", str(depth)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    desk = Desk(symbols=symbols, depth=depth)
    desk.open()
    gc.collect()
    gc.freeze()  # as a run does
    gc.set_threshold(50_000, 20, 100)
    samples: list[tuple[float, int]] = []
    publisher = [0]
    frames, due, began = 0, START + EVERY, time.process_time()
    for at, frame in arriving(child.stdout):
        if not frame:
            publisher.append(at >> 10)
            continue
        if at >= due:
            desk.picture.screen(desk.loop, at)
            samples.append(((at - START) / MINUTE, resident() >> 10))
            due += EVERY
        desk.frame(frame, at)
        frames += 1
    if child.wait():
        raise SystemExit("the publisher died; nothing was measured")
    samples.append((minutes, resident() >> 10))
    warm = min(minutes / 6, 60)
    kept = [(minute, kib) for minute, kib in samples if minute >= warm]
    at, kib = np.array(kept, dtype=float).T
    counts = desk.loop.blotter.result()
    return {
        "minutes": minutes,
        "frames": frames,
        "cpu_s": round(time.process_time() - began, 1),
        "checksums_wrong": sum(t.crc_bad for m in desk.engine.watch.markets.values() for t in m.tracks.values()),
        "orders": counts.orders,
        "fills": counts.fills,
        "warm_up_minutes": warm,
        "first_kib": kept[0][1],
        "last_kib": kept[-1][1],
        "most_kib": max(value for _, value in kept),
        "growth_pct": round(100 * (kept[-1][1] / kept[0][1] - 1), 3),
        "slope_kib_per_hour": round(float(np.polyfit(at, kib, 1)[0]) * 60, 2),
        "publisher_kib": [publisher[min(6, len(publisher) - 1)], publisher[-1]],
        "samples": [(round(minute, 1), value) for minute, value in samples],
    }


def main(argv: list[str]) -> int:
    p = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.splitlines()[0])
    p.add_argument("--hours", type=float, default=12.0, help="of the stream (default 12)")
    p.add_argument("--symbols", default="BTC/USD", metavar="A/B,C/D")
    p.add_argument("--depth", type=int, default=10)
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--json", action="store_true")
    p.add_argument("--publish", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("--minutes", type=int, help=argparse.SUPPRESS)
    options = p.parse_args(argv)
    symbols = tuple(options.symbols.split(","))
    minutes = options.minutes or int(options.hours * 60)
    if options.publish:
        publish(symbols, minutes, options.seed, options.depth, sys.stdout.buffer)
        return 0
    result = soak(symbols, minutes, options.seed, options.depth)
    if options.json:
        print(json.dumps(result))
    else:
        for minute, kib in result["samples"]:
            print(f"  {minute:7.1f} min {kib:>9,} KiB")
        print(
            f"{minutes / 60:.1f} h, {result['frames']:,} frames, {result['orders']:,} orders, {result['fills']:,} "
            f"fills, {result['checksums_wrong']} wrong checksums, {result['cpu_s']} s of CPU\n"
            f"resident after {result['warm_up_minutes']:.0f} min {result['first_kib']:,} KiB, at the end "
            f"{result['last_kib']:,} KiB: {result['growth_pct']:+.2f} %, slope {result['slope_kib_per_hour']:+.1f} "
            f"KiB an hour, most {result['most_kib']:,} KiB; the publisher's own {result['publisher_kib'][0]:,} → "
            f"{result['publisher_kib'][1]:,} KiB"
        )
    return 0 if result["growth_pct"] < MOST_PCT else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
