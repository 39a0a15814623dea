"""`./run bench`: ours beside its peers, in one run, on one stream. Prints a table and writes benchmarks/latest.json.

Every contender runs in a process of its own, pinned to one core where the system allows it, and is asked for one
repetition at a time, in turn with the others: a busy moment of the machine meets all of them. Shown is the median. The
figure is CPU time a frame (user and system), so that another program's work does not count; where it is a latency, the
table says so. Ratios within one run are what matters: absolute times move with the machine. A contender that ends with
another book than ours is not compared.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import candles
from benchmarks.processes import Contending, Served, versions
from benchmarks.rows import GROUPS, Group
from benchmarks.stream import LIVE, frames, record, shape
from benchmarks.table import judged, table

HERE = Path(__file__).resolve().parent


def main() -> int:
    p = argparse.ArgumentParser(prog="./run bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--quick", action="store_true", help="fewer frames, repetitions and depths: under half a minute")
    p.add_argument("--frames", type=int, help="frames of each stream (default 20000, quick 4000)")
    p.add_argument("--repeats", type=int, help="repetitions of which the median is shown (default 5, quick 3)")
    p.add_argument("--only", metavar="WORDS", help='rows whose name holds these words, e.g. --only "socket → L2"')
    p.add_argument("--json", action="store_true", help="print the JSON instead of the table")
    options = p.parse_args()
    count = options.frames or (4_000 if options.quick else 20_000)
    repeats = options.repeats or (3 if options.quick else 5)
    if count < 100 or repeats < 1:
        p.error("at least 100 frames and 1 repetition are needed")
    chosen = [
        number
        for number, group in enumerate(GROUPS)
        if (options.only in group.name if options.only else group.quick or not options.quick)
    ]
    if not chosen:
        p.error(f"no row holds {options.only!r}; there are: {'; '.join(group.name for group in GROUPS)}")
    result: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "conditions": {
            **versions(),
            "load before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        },
        "frames": count,
        "repetitions": repeats,
        "live stream": LIVE,
        "streams": {},
        "candles": 0,
        "rows": [],
        "bars": [],
    }
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for number in chosen:
            group = GROUPS[number]
            print(f"bench: {group.name}…", file=sys.stderr, flush=True)
            if group.channels:
                made = frames(group.channels, group.depth, max(100, int(count * group.share)))
                stream = f"{' and '.join(group.channels)}, depth {group.depth}"
                result["streams"][stream] = shape(made, group.channels[0])
                path, size = record(made, Path(folder) / f"{number}.frames.gz"), len(made)
            else:
                path, size = candles.save(candles.walk(candles.ROWS), Path(folder) / "candles.npz"), candles.ROWS
                result["candles"] = size
            rows = measured(number, group, path, size, repeats)
            result["rows"] += rows
            result["bars"] += judged(group, rows)
    result["took_s"] = round(time.monotonic() - began, 1)
    (HERE / "latest.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(result, indent=1, ensure_ascii=False) if options.json else table(result))
    return 0


def measured(number: int, group: Group, path: Path, count: int, repeats: int) -> list[dict[str, Any]]:
    """One row per contender: the medians of its repetitions, the first of which only warms up."""
    given = {"path": str(path), "depth": group.depth, "count": count, "python": sys.executable}
    answers = [path.with_name(f"{number}-{i}.npz") for i in range(len(group.entries))]
    served = Served(path) if group.serve else None
    try:
        given |= served.address if served else {}
        running = [
            Contending(number, i, entry, given | {"answer": str(answers[i])}) for i, entry in enumerate(group.entries)
        ]
        for _ in range(repeats + 1):
            for contending in running:
                contending.repeat()
        rows = [{"group": group.name, "contender": each.entry.name, **summed(each.close())} for each in running]
    finally:
        if served:
            served.close()
    final = next((row["final"] for row in rows if "final" in row), None)
    for row in rows:
        if row.get("final", final) != final and "us" in row:
            row["missing"] = f"ended with another book: checksum {row['final']}, ours {final}"
    if answers[0].exists():
        compare(rows, answers)
    ours = next((row["us"] for row in rows if "missing" not in row), None)
    for row in rows:
        if ours and "missing" not in row:
            row["times_ours"] = round(row["us"] / ours, 2)
    return rows


def compare(rows: list[dict[str, Any]], answers: list[Path]) -> None:
    """Holds each answer about candles against the first one, which is ours; who has another one is not compared."""
    for row, answer in zip(rows[1:], answers[1:], strict=True):
        if "missing" in row:
            continue
        count, wrong = candles.difference(answers[0], answer)
        if wrong:
            row["missing"] = f"another answer: {wrong}"
        elif count:
            row["equal"] = "1 array" if count == 1 else f"{count} arrays"


def summed(repetitions: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians of what was measured, the last word of what was said."""
    last = repetitions[-1] if repetitions else {"missing": "no answer"}
    if "missing" in last:
        return last
    timed = repetitions[1:] if len(repetitions) > 1 else repetitions
    return {
        key: float(f"{median(each[key] for each in timed):.5g}") if isinstance(value, float) else value
        for key, value in last.items()
    }


if __name__ == "__main__":
    raise SystemExit(main())
