"""The verbs of the kill switch. Imports nothing of engines, reports or screens."""

from __future__ import annotations

import argparse
from pathlib import Path

from desk.io import latch
from desk.run.clock import now_ns


def kill(argv: list[str]) -> int:
    """Cancel all orders and allow no entry until `rearm`, also after a restart."""
    p = argparse.ArgumentParser(prog="./run kill", description=kill.__doc__)
    p.add_argument("--why", default="", metavar="TEXT", help="kept with the latch and in the journal")
    p.add_argument("--flatten", action="store_true", help="leave every position too, by collared IOC orders")
    p.add_argument("--config", type=Path, default=Path("trading_config.json"))
    options = p.parse_args(argv)
    folder = latch.folder_of(options.config)
    held = latch.kill(folder, options.why, now_ns(), flatten=options.flatten)
    flat = ", positions flattened" if held.flatten else ""
    print(  # noqa: T201 - the command line's
        f"killed: {held.killed}. Orders cancelled{flat}, no entries, after a restart too, until ./run rearm --why …"
    )
    return 0


def rearm(argv: list[str]) -> int:
    """Lift the kill or a breaker's halt. A third time within a day takes effect at the next start only."""
    p = argparse.ArgumentParser(prog="./run rearm", description=rearm.__doc__)
    p.add_argument("--why", required=True, metavar="TEXT", help="what was wrong, and why it is right now")
    p.add_argument("--config", type=Path, default=Path("trading_config.json"))
    options = p.parse_args(argv)
    folder = latch.folder_of(options.config)
    before = latch.read(folder)
    latch.rearm(folder, options.why, now_ns())
    was = (
        f"killed: {before.killed}" if before.killed else f"halted: {before.halted}" if before.halted else "not latched"
    )
    print(f"re-armed; it was {was}")  # noqa: T201 - the command line's
    return 0
