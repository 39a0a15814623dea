"""The deeper readings of an analysis: structure, studies, days of volume, regimes, correlation, recordings."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from desk.analysis.anchored_vwap import anchored_vwaps
from desk.analysis.correlation import correlation
from desk.analysis.findings import Cluster, Correlation, Recorded
from desk.analysis.intraday import intraday
from desk.analysis.regime import regime
from desk.analysis.shape import FRAMES, MINUTE, Analysis, Beside, Frame
from desk.analysis.structure import structure, swings
from desk.analysis.studies import studies

ANCHOR_FRAME = "1h"
LONG_TAIL_FRAME = "4h"
REGIME_FRAMES = ("1d", "4h")
CORRELATION_FRAMES = ("1h", "1d")
CLUSTERS_FRESH_NS = 60 * MINUTE
BITCOIN = ("BTC", "XBT")
NO_BOOK = "The spread and depth of the book, and so the slippage of any size, are not part of this report."


def with_readings(analysis: Analysis, frames: Mapping[str, Frame], beside: Beside) -> Analysis:
    """The analysis with everything that its candles say besides the score; nothing after its `ts` is looked at.

    `frames` are all there is of its symbol. A recording counts when it ended by then; that it does not is among what
    is unknown.
    """
    now = analysis.ts
    cut = {name: frames[name].upto(now) for name in reversed(FRAMES) if name in frames}
    known = {name: f for name, f in cut.items() if len(f)}
    hours = known.get(ANCHOR_FRAME)
    rows = correlations(known, beside, now)
    recorded = ended(beside.recorded, now) if beside.recorded is not None else Recorded("")
    return replace(
        analysis,
        structure=tuple(structure(f, name) for name, f in known.items()),
        studies=studies(known, LONG_TAIL_FRAME),
        anchored=anchored_vwaps(hours, swings(hours)) if hours is not None else (),
        regimes=tuple(r for name in REGIME_FRAMES if name in known and (r := regime(known[name], name)) is not None),
        correlations=rows,
        intraday=intraday(hours, recorded.book),
        checks=recorded.checks,
        microstructure=recorded.book,
        order_flow=recorded.tape,
        recording=recorded.source if recorded.book or recorded.tape or recorded.checks else "",
        unknown=(
            *(line for line in analysis.unknown if line != NO_BOOK or recorded.book is None),
            *uncorrelated(analysis.symbol, beside, rows),
            *([f"What the recording {recorded.source} says: {recorded.why}."] if recorded.why else []),
        ),
    )


def correlations(known: Mapping[str, Frame], beside: Beside, now_ns: int) -> tuple[Correlation, ...]:
    """With the reference symbol's closed candles, over the hours and days that both have (at most 720 of each)."""
    rows = (
        correlation(known[name], beside.frames[name].upto(now_ns), beside.reference, name)
        for name in CORRELATION_FRAMES
        if name in known and name in beside.frames
    )
    return tuple(row for row in rows if row is not None)


def uncorrelated(symbol: str, beside: Beside, rows: tuple[Correlation, ...]) -> tuple[str, ...]:
    """Why there is no correlation with bitcoin, where there is none; bitcoin itself needs none."""
    if rows or symbol.partition("/")[0] in BITCOIN:
        return ()
    if beside.reference:
        return (f"Correlation with {beside.reference}: too few candles that both have.",)
    return ("Correlation with bitcoin: none of its pairs is among the symbols analysed; add one.",)


def clusters_of(recorded: Recorded, now_ns: int) -> tuple[Cluster, ...]:
    """Where large orders stood, if that was within the last hour: resting orders are not kept for days."""
    book = recorded.book
    return book.clusters if book is not None and now_ns - book.end <= CLUSTERS_FRESH_NS else ()


def ended(recorded: Recorded, now_ns: int) -> Recorded:
    """The parts of a recording that end by now; a later one knows what nobody could have known."""
    book = recorded.book if recorded.book is not None and recorded.book.end <= now_ns else None
    tape = recorded.tape if recorded.tape is not None and recorded.tape.end <= now_ns else None
    checks = recorded.checks if recorded.checks is not None and recorded.checks.end <= now_ns else None
    late = (book, tape, checks) != (recorded.book, recorded.tape, recorded.checks)
    return Recorded(recorded.source, book, tape, "it goes on after this analysis" if late else recorded.why, checks)
