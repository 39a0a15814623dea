"""`python -m benchmarks.burst`: 72 messages in one millisecond, and how long the desk takes to absorb them.

The bursts are frames of both books of the embedded market, arriving in one millisecond of event time at a desk that is
warm: loop, engine, paper venue, journal and its writes. Measured is the time from the first arrival to the last answer,
burst by burst; the exit code judges CPU time, because wall time is other programs' too.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from typing import Any

from benchmarks.stream import frames
from benchmarks.whole import Desk

BURST = 72
MILLISECOND = 1_000_000
WARM = 40  # bursts
MOST_MS = 2.0


def bursts(count: int) -> dict[str, Any]:
    """Milliseconds of `count` bursts: median, 99th percentile, worst; and of CPU."""
    stream = frames(("book", "level3"), 10, 2 + BURST * (count + WARM))
    desk = Desk(stream[:2])
    desk.open()
    gc.collect()
    gc.freeze()  # as a run does
    gc.set_threshold(50_000, 20, 100)
    walls, cpus = [], []
    for n in range(count + WARM):
        some = stream[2 + n * BURST : 2 + (n + 1) * BURST]
        at = desk.now + 100 * MILLISECOND
        cpu, wall = time.thread_time_ns(), time.perf_counter_ns()
        for i, frame in enumerate(some):
            desk.frame(frame, at + i * MILLISECOND // BURST)
        walls.append(time.perf_counter_ns() - wall)
        cpus.append(time.thread_time_ns() - cpu)
    tracks = [t for m in desk.engine.watch.markets.values() for t in m.tracks.values()]
    proven = sum(track.crc_ok for track in tracks)
    assert proven == len(stream), f"{proven} of {len(stream)} frames proven"
    walls, cpus = sorted(walls[WARM:]), sorted(cpus[WARM:])
    return {
        "messages": BURST,
        "bursts": count,
        "median_ms": round(walls[count // 2] / 1e6, 3),
        "p99_ms": round(walls[count * 99 // 100] / 1e6, 3),
        "worst_ms": round(walls[-1] / 1e6, 3),
        "cpu_median_ms": round(cpus[count // 2] / 1e6, 3),
        "cpu_p99_ms": round(cpus[count * 99 // 100] / 1e6, 3),
        "absorbed_pct": round(100 * sum(w < MOST_MS * 1e6 for w in walls) / count, 2),
    }


def main(argv: list[str]) -> int:
    p = argparse.ArgumentParser(prog="python -m benchmarks.burst", description=__doc__.splitlines()[0])
    p.add_argument("--bursts", type=int, default=1000)
    p.add_argument("--json", action="store_true")
    options = p.parse_args(argv)
    r = bursts(options.bursts)
    if options.json:
        print(json.dumps(r))
    else:
        print(
            f"{r['messages']} messages in 1 ms, {r['bursts']:,} times: absorbed in {r['median_ms']} ms (median), "
            f"{r['p99_ms']} ms (p99), {r['worst_ms']} ms (worst), under {MOST_MS:g} ms in {r['absorbed_pct']} %; "
            f"of CPU {r['cpu_median_ms']} ms (median), {r['cpu_p99_ms']} ms (p99)"
        )
    return 0 if r["cpu_p99_ms"] < MOST_MS else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
