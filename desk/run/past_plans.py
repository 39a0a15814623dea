"""Yesterday's report graded, the last thirty of them, and what changed since the one before: added to an analysis."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from msgspec import structs

from desk.analysis.changes import changes
from desk.analysis.shape import MINUTE, Analysis, Frame
from desk.io.past_reports import past_reports
from desk.io.reports import slug
from desk.research.grading import MOST_PLANS, grade, scoreboard

log = logging.getLogger(__name__)
APART_NS = 20 * 60 * MINUTE  # one plan a day, however often the analysis ran; a day's start may wander by hours
SECOND_NS = 10**9  # what a file's name tells apart: a report of the same second is not one before


def with_past(
    analysis: Analysis, frames: Mapping[str, Frame], folder: Path, venue: str, simulated: bool, bias_hours: float
) -> Analysis:
    """The analysis with the end of its bias, the grade of the last plan at least 20 hours old, and the scoreboard.

    Without such a report both are None, and a line under "unknown" says so; so does each file that cannot be read.
    """
    now = analysis.ts
    analysis = structs.replace(analysis, bias_expires=now + round(bias_hours * 60 * MINUTE))
    symbol = analysis.symbol
    plans, faults = past_reports(folder, slug(symbol), symbol, venue, simulated, now, APART_NS, MOST_PLANS)
    notes = _told(faults)
    if not plans:
        notes.append("How yesterday's plan did: there is no report of this symbol at least 20 hours old.")
        return structs.replace(analysis, unknown=(*analysis.unknown, *notes))
    grades = []
    for past in plans:
        try:
            grades.append(grade(past, frames, now))
        except (ArithmeticError, LookupError, ValueError) as e:  # a file somebody changed must not cost today's report
            notes.append(f"An earlier plan, at {past.ts} ns, could not be graded ({type(e).__name__}: {e}).")
    if not grades:
        return structs.replace(analysis, unknown=(*analysis.unknown, *notes))
    if grades[0].why:
        notes.append(f"All of yesterday's grade: {grades[0].why}.")
    return structs.replace(
        analysis, grade=grades[0], scoreboard=scoreboard(grades), unknown=(*analysis.unknown, *notes)
    )


def with_changes(analysis: Analysis, folder: Path, venue: str, simulated: bool) -> Analysis:
    """The analysis with what changed since the newest report before it, however old; None, and why, without one."""
    symbol = analysis.symbol
    found, faults = past_reports(folder, slug(symbol), symbol, venue, simulated, analysis.ts, SECOND_NS, 1)
    notes = [note for note in _told(faults) if note not in analysis.unknown]
    if not found:
        notes.append("What changed since the last report: there is none of this symbol and venue before this one.")
    since = changes(found[0], analysis) if found else None
    return structs.replace(analysis, changes=since, unknown=(*analysis.unknown, *notes))


def _told(faults: list[str]) -> list[str]:
    """Reports that could not be read, in the log and as lines of the report."""
    for fault in faults:
        log.warning("past report not read", extra={"why": fault})
    return [f"An earlier plan: {fault}." for fault in faults]
