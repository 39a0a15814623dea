"""Many symbols at a glance: score and nearest levels from stored candles, strongest first; no report, no network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from desk.analysis.shape import Analysis, Level
from desk.errors import FeedError
from desk.io.candle_store import CandleStore
from desk.run.pool import each, workers_for
from desk.run.stored import frames_of

SYMBOLS_A_WORKER = 200  # 70 ms each: fewer are done sooner than a second process starts


class Row(msgspec.Struct, frozen=True):
    """One symbol: its score (None below 75 % coverage), last price and the nearest level on each side, as of `ts`."""

    symbol: str
    score: float | None
    label: str
    coverage: float
    last: float
    below: Level | None
    above: Level | None
    ts: int


class _Job(msgspec.Struct, frozen=True):
    store: Path
    venue: str
    symbol: str
    analyse: Callable[..., Any]
    now: int


def scan(
    store: Path, venue: str, symbols: Sequence[str], analyse: Callable[..., Any], now: int, workers: int | None = None
) -> tuple[list[Row], list[str]]:
    """(rows, failures): rows by the strength of the score, those without one last; a failure is one line of text.

    Each symbol is judged at the end of its own candles, at `now` (ns) at the latest.
    """
    jobs = [_Job(store, venue, symbol, analyse, now) for symbol in symbols]
    rows: list[Row] = []
    failed: list[str] = []
    for job, found in each(_row, jobs, workers or workers_for(len(jobs), SYMBOLS_A_WORKER)):
        if isinstance(found, Exception):
            failed.append(
                str(found) if isinstance(found, FeedError) else f"{job.symbol}: {type(found).__name__}: {found}"
            )
        else:
            rows.append(found)
    return sorted(rows, key=lambda r: (r.score is None, -abs(r.score or 0.0), r.symbol)), failed


def _row(job: _Job) -> Row:
    with CandleStore(job.store) as store:
        frames = frames_of(store, job.venue, job.symbol)
    if not frames:
        raise FeedError(f"{job.symbol}: no candles of {job.venue} in {job.store}; ./run download {job.symbol}")
    a: Analysis = job.analyse(job.symbol, frames, min(job.now, max(f.end for f in frames.values())))
    below = max((x for x in a.levels if x.price < a.last), key=lambda x: x.price, default=None)
    above = min((x for x in a.levels if x.price > a.last), key=lambda x: x.price, default=None)
    return Row(a.symbol, a.score, a.label, a.coverage, a.last, below, above, a.ts)
