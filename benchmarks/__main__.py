"""`./run bench`: ours beside its peers, in one run, on one stream. Prints a table and writes benchmarks/latest.json.

Every contender runs in a process of its own, pinned to one core where the system allows it; the figure is CPU time a
frame (user and system), so that another program's work does not count. Ratios within one run are what matters: absolute
times move with the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import contenders
from benchmarks.stream import frames, record

HERE = Path(__file__).resolve().parent


def main() -> int:
    p = argparse.ArgumentParser(prog="./run bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--frames", type=int, default=20_000, help="frames per row (default 20000)")
    p.add_argument("--json", action="store_true", help="print the JSON instead of the table")
    p.add_argument("--one", nargs=2, metavar=("CONTENDER", "INPUT"), help=argparse.SUPPRESS)
    options = p.parse_args()
    if options.one:
        print(json.dumps(contenders.run(options.one[0], json.loads(options.one[1]))))
        return 0
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for group in contenders.GROUPS for row in measure(group, options.frames, Path(folder))]
    result = {
        "at": started,
        "machine": {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()},
        "frames": options.frames,
        "rows": rows,
    }
    (HERE / "latest.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1) if options.json else table(rows))
    return 0


def measure(group: contenders.Group, count: int, folder: Path) -> list[dict[str, object]]:
    """One row per contender of a group, ours first, with the ratio to ours."""
    made = frames(group.channels, group.depth, count)
    recorded = record(made, folder / f"{group.name.replace(' ', '-')}.frames.gz")
    rows: list[dict[str, object]] = []
    for name in group.contenders:
        given = json.dumps({"path": str(recorded), "depth": group.depth, "count": len(made)})
        command = [sys.executable, "-m", "benchmarks", "--one", name, given]
        run = subprocess.run(command, capture_output=True, text=True, cwd=HERE.parent, timeout=300, check=False)
        if run.returncode:
            why = run.stderr.strip().splitlines()[-1] if run.stderr.strip() else "no reason given"
            rows.append({"group": group.name, "contender": name, "missing": why})
            continue
        rows.append({"group": group.name, "contender": name, **json.loads(run.stdout)})
    ours = next((row["us"] for row in rows if "us" in row), None)
    for row in rows:
        if ours and "us" in row:
            row["times_ours"] = round(float(str(row["us"])) / float(str(ours)), 2)
    return rows


def table(rows: list[dict[str, object]]) -> str:
    """The rows for a person."""
    lines = []
    for group in dict.fromkeys(str(row["group"]) for row in rows):
        lines.append(f"\n{group}")
        for row in rows:
            if row["group"] != group:
                continue
            if "missing" in row:
                lines.append(f"  {row['contender']!s:<44} not measured: {row['missing']}")
                continue
            rest = "  ".join(f"{k} {v}" for k, v in row.items() if k not in ("group", "contender", "us", "times_ours"))
            lines.append(f"  {row['contender']!s:<44} {row['us']!s:>9} µs/frame  {row['times_ours']!s:>7}x  {rest}")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
