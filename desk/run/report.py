"""The verb `report`: the first page of a report on disk, on the terminal; and what a run shows of the ones it made."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from rich.console import Console

from desk.analysis.shape import DAY
from desk.config import Config
from desk.errors import DeskError
from desk.io.config_file import read
from desk.io.past_reports import Found, PastReport, read_report, reports_in
from desk.io.reports import slug
from desk.run import arguments
from desk.run.first_page import first_page, glance
from desk.wire.stamps import format_ns

MAKES = "./run --mode ultimate --once"
DATE_ONLY = len("2026-11-20")


def report(argv: list[str]) -> int:
    """The first page of the newest report, or of a chosen one: verdict, score, levels, scenarios, what changed."""
    p = argparse.ArgumentParser(prog="./run report", description=report.__doc__)
    p.add_argument("symbol", nargs="?", default="", metavar="SYMBOL", help="default: that of the newest report")
    p.add_argument(
        "--date", default="", metavar="DATE", help="the last one of a day, 2026-11-20, or up to a moment, …T09:00 (UTC)"
    )
    p.add_argument("--config", type=Path, default=Path("trading_config.json"), help="names the reports' folder")
    p.add_argument("--json", action="store_true", help="the report's JSON, as it was written")
    options = p.parse_args(argv)
    folder = _folder(options.config)
    found = _of_symbol(reports_in(folder), options.symbol, folder)
    chosen = _of_date(found, options.date)
    told = read_report(chosen.path)
    if options.json:
        sys.stdout.write(chosen.path.read_text(encoding="utf-8"))
    else:
        show(told, chosen.path, Console(highlight=False))
    return 0


def show(told: PastReport, path: Path, console: Console) -> None:
    """The page: coloured on a terminal, plain text elsewhere. Raises DeskError for values no report has."""
    try:
        page = first_page(told, path.with_suffix(".html"), console.width)
    except (ArithmeticError, LookupError, ValueError, OSError) as e:
        raise DeskError(f"{path}: holds values no report has ({type(e).__name__}: {e}); make it anew") from e
    console.print(page)


def show_made(paths: Sequence[str], console: Console) -> None:
    """After a run, for a person: the page of its one report, or a line each and how to see the pages."""
    jsons = [Path(path) for path in paths if path.endswith(".json")]
    if len(jsons) == 1:
        show(read_report(jsons[0]), jsons[0], console)
    elif jsons:
        told = [read_report(path) for path in jsons]
        console.print("", glance(told), f"\nA page of one: ./run report {told[0].analysis.symbol}", markup=False)


def _folder(config: Path) -> Path:
    """Where the reports are; nothing is written, a missing configuration has the defaults."""
    try:
        said = read(config)
    except FileNotFoundError:
        said = Config()
    return Path(said.ultimate_analyzer.report_dir)


def _of_symbol(found: list[Found], symbol: str, folder: Path) -> list[Found]:
    """Those of `symbol`, newest first; without one, of the symbol of the newest report."""
    makes = f"{MAKES} --symbols {symbol.upper()}" if "/" in symbol else MAKES
    if not found:
        raise DeskError(f"{folder}/: no report yet; {makes} makes one")
    wanted = slug(symbol) if symbol else found[0].stem
    stems = list(dict.fromkeys(f.stem for f in found))
    joined = {stem.replace("-", ""): stem for stem in stems}
    stem = wanted if wanted in stems else joined.get(wanted.replace("-", ""), "")
    if stem:
        return [f for f in found if f.stem == stem]
    near = get_close_matches(wanted, stems, n=1, cutoff=0.8) or [stem for stem in stems if stem.startswith(wanted)]
    there = f"there are reports of {', '.join(_spelt(stem) for stem in sorted(stems)[:12])};"
    hint = f"did you mean {_spelt(near[0])}?" if near else there
    raise DeskError(f"{symbol}: no report of this symbol in {folder}/; {hint} {makes} makes one")


def _of_date(found: list[Found], date: str) -> Found:
    """The newest, or the newest of a day or up to a moment."""
    if not date:
        return found[0]
    try:
        at = arguments.date(date)
    except argparse.ArgumentTypeError as e:
        raise DeskError(f"--date {e}") from None
    begin, end = (at, at + DAY - 1) if len(date) == DATE_ONLY else (0, at)
    fitting = [f for f in found if begin <= f.made <= end]
    if fitting:
        return fitting[0]
    first, last = (format_ns(f.made, 0) for f in (found[-1], found[0]))
    there = f"there are {len(found)}, from {first} to {last}" if len(found) > 1 else f"there is one, of {last}"
    raise DeskError(f"--date {date}: no report of {_spelt(found[0].stem)} then; {there}")


def _spelt(stem: str) -> str:
    """A symbol from a file's name: BTC/USDT from btc-usdt."""
    return stem.upper().replace("-", "/", 1)
