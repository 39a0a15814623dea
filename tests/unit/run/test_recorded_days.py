"""A recording that goes on while a report is made of it, in a folder of a month of days."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from desk.analysis.readings import ended
from desk.errors import FeedError
from desk.events import Frame
from desk.run.beside import Company
from desk.run.recorded import recorded
from desk.run.recorded_days import frames_until
from desk.sim.rehearsal import BEGIN, Rehearsal
from desk.wire.recording import lines

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
FRAMES = [event for event in Rehearsal(3, ("BTC/USD",)).events(20) if isinstance(event, Frame)]


def write(path: Path, until: int = BEGIN + DAY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(lines([f for f in FRAMES if f.ts <= until]), 1))
    return path


def test_a_recording_says_at_any_moment_what_it_said_then(tmp_path: Path) -> None:
    """Ended at the moment, or still going on: the same to the last number, and so it is not turned away."""
    now = BEGIN + 10 * SECOND + 1
    whole, then = write(tmp_path / "whole.frames.gz"), write(tmp_path / "then.frames.gz", now)
    got = recorded(whole, until=now)["BTC/USD"]
    want = recorded(then)["BTC/USD"]
    assert (got.book, got.tape, got.checks) == (want.book, want.tape, want.checks)
    assert ended(got, now).book == got.book
    assert ended(recorded(whole)["BTC/USD"], now).book is None


def test_of_a_recorders_folder_only_this_day_and_the_one_before_are_read(tmp_path: Path) -> None:
    """Thirty days are kept; reading them all for every report would take hours."""
    for day in ("2025-12-20", "2026-01-04", "2026-01-05", "2026-01-06"):  # the rehearsal begins on the 5th at 9
        write(tmp_path / day / "090000-a.frames.gz")
    (tmp_path / "2025-12-20" / "090000-a.frames.gz").write_bytes(b"damaged, and never opened")
    assert len(list(frames_until(tmp_path, BEGIN + DAY // 2))) == 2 * len(FRAMES)
    assert len(list(frames_until(tmp_path / "2026-01-05", BEGIN))) == len([f for f in FRAMES if f.ts <= BEGIN])
    with pytest.raises(FeedError, match="no day from 2026-02-03 to 2026-02-04; the newest is 2026-01-06"):
        frames_until(tmp_path, BEGIN + 30 * DAY)


def test_every_run_reads_what_was_recorded_since(tmp_path: Path) -> None:
    """The evening's report must not tell of the morning's book; the symbols of one run share one reading."""
    path = write(tmp_path / "r.frames.gz", BEGIN + 8 * SECOND)
    company = Company(lambda symbol: {}, ("BTC/USD",), str(path))
    samples = []
    for run, until in enumerate((8, 8, 16)):
        if run != 1:
            company.begin()
        found = company.of("BTC/USD", BEGIN + until * SECOND).recorded
        assert found is not None
        assert found.book is not None
        samples.append(found.book.samples)
        write(path)
    assert samples[0] == samples[1] < samples[2]
