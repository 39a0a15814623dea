"""Yesterday's report found and graded, and the last thirty of them: what the analyst adds to today's analysis."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from msgspec import structs

from desk.analysis.shape import MINUTE, Analysis, Frame
from desk.io.past_reports import past_reports
from desk.io.reports import slug
from desk.research.grading import MOST_PLANS, grade, scoreboard

log = logging.getLogger(__name__)
APART_NS = 20 * 60 * MINUTE  # one plan a day, however often the analysis ran; a day's start may wander by hours


def with_past(
    analysis: Analysis, frames: Mapping[str, Frame], folder: Path, venue: str, simulated: bool, bias_hours: float
) -> Analysis:
    """The analysis with the end of its bias, the grade of the last plan at least 20 hours old, and the scoreboard.

    Without such a report both are None, and a line under "unknown" says so; so does each file that cannot be read.
    """
    now = analysis.ts
    analysis = structs.replace(analysis, bias_expires=now + round(bias_hours * 60 * MINUTE))
    plans, faults = past_reports(folder, slug(analysis.symbol), venue, simulated, now, APART_NS, MOST_PLANS)
    plans = [p for p in plans if p.symbol == analysis.symbol]
    for fault in faults:
        log.warning("past report not read", extra={"why": fault})
    notes = [f"An earlier plan: {fault}." for fault in faults]
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
