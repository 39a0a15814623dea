"""One symbol's report: analysed, weighed by its record, compared with the one before, written; in any process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from desk.analysis.shape import Analysis, Beside, Frame, HftAverage, Weights
from desk.config import Config
from desk.errors import DeskError
from desk.io.reports import Origin, Written, render, slug, write
from desk.io.trial_ledger import TrialLedger
from desk.portfolio.fees import in_force
from desk.research.evidence import answer, supported
from desk.run.past_plans import with_changes, with_past

log = logging.getLogger(__name__)


class Analyse(Protocol):
    """The formula that is handed in."""

    def __call__(
        self, symbol: str, frames: Mapping[str, Frame], now_ns: int, hft: HftAverage | None, *, beside: Beside | None
    ) -> Analysis: ...


class Job(msgspec.Struct, frozen=True):
    """One symbol's analysis, with everything it takes: any process can do it."""

    symbol: str
    frames: dict[str, Frame]
    now: int
    average: HftAverage | None
    beside: Beside
    analyse: Analyse
    origin: Origin
    config: Config


def make(job: Job, progress: Callable[[str], None] = lambda stage: None) -> tuple[Analysis, Written]:
    """The analysis and its report's files; raises a DeskError that says what to do."""
    progress("analysis")
    said = job.config.ultimate_analyzer
    folder = Path(said.report_dir)
    analysis = job.analyse(job.symbol, job.frames, job.now, job.average, beside=job.beside)
    analysis = with_past(analysis, job.frames, folder, job.origin.venue, job.origin.simulated, said.bias_hours)
    progress("evidence")
    analysis = with_changes(weighed(analysis, job), folder, job.origin.venue, job.origin.simulated)
    progress("report")
    report = render(analysis, job.origin, job.config)
    for section in report.failed:
        log.error("report section failed", extra={"symbol": job.symbol, "section": section})
    return analysis, write(report, job.symbol, job.now, folder)


def weighed(analysis: Analysis, job: Job) -> Analysis:
    """The analysis with the record of its score; every variant tried is in the ledger first."""
    settings = job.config.ultimate_analyzer
    costs = in_force(job.config.fees, analysis.ts)
    ledger = TrialLedger(Path(settings.report_dir), slug(job.origin.venue))
    try:
        found = answer(analysis, job.frames, Weights(), 2.0 * costs.taker_bps, ledger.read(), len(settings.symbols))
        ledger.append(found.trials)
    except DeskError as e:  # the score can still be read; without a ledger it may not be believed
        log.exception("no evidence", extra={"symbol": analysis.symbol})
        return msgspec.structs.replace(analysis, unknown=(*analysis.unknown, f"Evidence missing: {e}."))
    return supported(analysis, found, job.origin.simulated)
