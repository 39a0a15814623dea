"""The recordings folder of a run: its recorder, and old days deleted first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from desk.config import Config
from desk.io.recorder import Recorder
from desk.run.clock import now_ns
from desk.run.source import Source
from desk.run.version import version
from desk.wholefile import DRAFT
from desk.wire.recording import FRAMES, MANIFEST
from desk.wire.stamps import NS, format_ns

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_OURS = (FRAMES, MANIFEST, DRAFT)


def open_recorder(config: Config, source: Source) -> tuple[Recorder | None, str]:
    """The recorder of this run's links, and what was deleted to make room ("" for nothing).

    None for a recording served again: its frames are on disk already. Raises JournalError for a folder that cannot be
    written.
    """
    if source.stamped:
        return None, ""
    folder, now = Path(config.journal.recordings), now_ns()
    note = delete_older(folder, config.journal.keep_days, now)
    return Recorder(folder, source.venue, source.links, version(), now), note


def delete_older(folder: Path, keep_days: int, now: int) -> str:
    """Delete the recordings of days more than `keep_days` before the day of `now` (ns); what was done, in a sentence.

    Only files that a recorder writes, in folders that are named as a day; a folder goes when it is empty.
    """
    oldest = format_ns(now - keep_days * 86_400 * NS, 0)[:10]
    days = [day for day in _days(folder) if day.name < oldest]
    files = size = 0
    kept = ""
    for day in days:
        try:
            for path in sorted(day.iterdir()):
                if path.name.endswith(_OURS) and path.is_file() and not path.is_symlink():
                    size += path.stat().st_size
                    files += 1
                    path.unlink()
            if not any(day.iterdir()):
                day.rmdir()
        except OSError as err:
            kept = f"; {err.filename or day} cannot be deleted: {err.strerror}"
    if not files and not kept:
        return ""
    return (
        f"recordings older than {keep_days} days deleted (before {oldest}, journal.keep_days): "
        f"{files} files, {size / 1e6:.1f} MB{kept}"
    )


def _days(folder: Path) -> Iterator[Path]:
    """Every <venue>/<day> that is a folder itself."""
    for venue in sorted(folder.iterdir()) if folder.is_dir() else ():
        if venue.is_dir() and not venue.is_symlink():
            for day in sorted(venue.iterdir()):
                if _DAY.fullmatch(day.name) and day.is_dir() and not day.is_symlink():
                    yield day
