"""One analysis of every symbol in this process, with its files: the analyst without its pipes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from desk.analysis.shape import Analysis
from desk.config import Config
from desk.errors import DeskError
from desk.io.reports import Written
from desk.run.analyst import Analyse, Analyst, CandleSource, Progress


def analyse_once(
    config: Config,
    source: CandleSource,
    analyse: Analyse,
    venue_name: str,
    simulated: bool,
    progress: Progress = lambda stage, symbol, done, of: None,
    failed: Callable[[str, str], None] = lambda symbol, text: None,
    clock: Callable[[], int] = time.time_ns,
) -> list[Path]:
    """The reports of one analysis of every configured symbol, in this process: HTML, Markdown, CSV, JSON per symbol.

    A symbol that fails is told to `failed`; when none succeeds the first failure is raised as a DeskError.
    """
    paths: list[Path] = []
    errors: list[str] = []

    def fail(symbol: str, text: str) -> None:
        errors.append(text)
        failed(symbol, text)

    def finish(analysis: Analysis, written: Written) -> None:
        paths.extend((written.html, written.markdown, written.csv, written.json))

    Analyst(config, source, analyse, venue_name, simulated, clock).run(progress, finish, fail)
    if not paths and errors:
        raise DeskError(errors[0])
    return paths
