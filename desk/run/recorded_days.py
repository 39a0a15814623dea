"""The part of a recording that an analysis may know and needs: nothing after its moment, and no days long gone.

A recorder keeps a month of days in one folder, `recordings/VENUE/YYYY-MM-DD/…`, and goes on writing while a report is
made of it. A report tells of the day it is made on and of the one before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, takewhile
from pathlib import Path

from desk.errors import FeedError
from desk.io.frames import RecordedFrame
from desk.run.captures import frames_of
from desk.wire.stamps import DAY_S, NS, format_ns

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def frames_until(path: Path, until: int | None) -> Iterator[RecordedFrame]:
    """The frames received up to `until` (ns; None: all of them), in order; those without a time are all given.

    Of a recorder's folder only the UTC day of `until` and the one before. Raises FeedError as `frames_of` does, and
    where the folder has no such day.
    """
    if until is None:
        return frames_of(path)
    frames = chain.from_iterable(map(frames_of, _days(path, until)))
    return takewhile(lambda frame: frame.ts is None or frame.ts <= until, frames)


def _days(path: Path, until: int) -> list[Path]:
    """The folders of days that matter; the path itself where it holds none."""
    found = sorted(p for p in path.iterdir() if p.is_dir() and DAY.fullmatch(p.name)) if path.is_dir() else []
    if not found:
        return [path]
    wanted = {format_ns(max(0, at), 0)[:10] for at in (until - DAY_S * NS, until)}
    days = [p for p in found if p.name in wanted and any(p.rglob("*.frames.gz"))]
    if not days:
        raise FeedError(
            f"{path}: no day from {min(wanted)} to {max(wanted)}; the newest is {found[-1].name}: record anew"
        )
    return days
