"""Recorded sessions as questions need them: found by name or as the newest, and streamed, also while they run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path

from desk.errors import JournalError
from desk.journal import Entry, telling

JOURNAL, SUMMARY = "journal.bin", "session.json"
LIVELY_S = 5.0  # a journal written to within this long belongs to a session that runs: it beats four times a second
PATIENCE_S = 1.0  # a reading that lasts longer than this says how far it is


def find(base: Path, name: str = "") -> Path:
    """The folder of a session: by its path or its name below `base`, the one written to last when none is named.

    Raises JournalError when there is none.
    """
    if name:
        for folder in (Path(name), base / name):
            if (folder / JOURNAL).is_file():
                return folder
        raise JournalError(f"{name}: no session of that name; {base}/ holds {_names(base)}")
    found = [path for path in base.glob(f"*/{JOURNAL}") if path.stat().st_size]
    if not found:
        raise JournalError(f"{base}/: holds no session yet; ./run --mode hybrid records one")
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path.parent.name)).parent


def state(folder: Path) -> str:
    """ "ended", "running", or "broken off" for one that stopped without a last word."""
    if (folder / SUMMARY).exists():
        return "ended"
    return "running" if time.time() - (folder / JOURNAL).stat().st_mtime < LIVELY_S else "broken off"


def stream(folder: Path, everything: bool = False) -> Iterator[Entry]:
    """The entries of a session that say something (desk.journal.telling), as far as it is written.

    A reading of more than a second says on a terminal how far it is. Raises JournalError when it cannot be read.
    """
    path = folder / JOURNAL
    try:
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            yield from telling(data, str(path), everything, _progress())
    except (OSError, ValueError) as err:  # an empty file cannot be mapped: ValueError
        raise JournalError(f"{path}: cannot be read ({err})") from err


def _progress() -> Callable[[float], None]:
    began = time.monotonic()

    def say(share: float) -> None:
        if time.monotonic() - began > PATIENCE_S and sys.stderr.isatty():
            end = "\r" if share < 0.99 else "\n"
            print(f"reading the journal: {share:4.0%}", end=end, file=sys.stderr, flush=True)  # noqa: T201

    return say


def _names(base: Path) -> str:
    names = sorted(path.parent.name for path in base.glob(f"*/{JOURNAL}"))[-3:]
    return ", ".join(names) if names else "none"
