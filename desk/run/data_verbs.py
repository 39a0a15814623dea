"""The verbs of the candle store: `download`, `import`, `candles` and `scan`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from desk.analysis.shape import FRAMES, MINUTE
from desk.errors import ConfigError, DeskError, FeedError
from desk.io.candle_store import CandleStore, Series
from desk.io.ccxt_candles import CcxtCandles, ccxt_client
from desk.io.history import RestHistory
from desk.run import arguments
from desk.run.clock import now_ns
from desk.run.download import KrakenPages, Outcome, Pages, download
from desk.run.importing import Imported, parts_of, put
from desk.run.modes import configure
from desk.run.scan import Row, scan
from desk.run.series_bars import SeriesBars
from desk.run.stored import STORE, only_venue
from desk.wire.stamps import format_ns

OK, FAILED = 0, 1
SYMBOLS_HELP = "BASE/QUOTE, several with commas or spaces"


def data_verb(name: str, argv: list[str], analyse: Callable[[], Callable[..., Any]]) -> int:
    """Run one of them; returns the exit code: 1 when something asked for is not there in the end."""
    verbs = {"download": _download, "import": _import, "candles": _candles}
    return _scan(argv, analyse()) if name == "scan" else verbs[name](argv)


def _parser(verb: str, what: str) -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog=f"./run {verb}", description=what)
    p.add_argument("--store", type=Path, default=STORE, metavar="FILE", help=f"default: {STORE}")
    p.add_argument("--json", action="store_true", help="one JSON answer on stdout")
    return p


# --- download


def _download(argv: list[str]) -> int:
    p = _parser("download", "Closed candles of a venue into the store; stop it at any time, it goes on where it was.")
    p.add_argument("symbols", nargs="+", type=arguments.symbols, metavar="A/B", help=SYMBOLS_HELP)
    p.add_argument("--venue", default="kraken", help="kraken, any exchange of ccxt, or http://… that speaks as Kraken")
    p.add_argument(
        "--from", dest="begin", type=arguments.date, metavar="DATE", help="UTC, like 2024-01-31; default: 721 candles"
    )
    p.add_argument(
        "--intervals", type=arguments.intervals, default=tuple(FRAMES), metavar="5m,1h", help="default: all six"
    )
    p.add_argument("--config", type=Path, default=Path("trading_config.json"))
    options = p.parse_args(argv)
    symbols = _flat(options.symbols)
    if options.begin is not None and options.begin >= now_ns():
        raise ConfigError([f"--from {format_ns(options.begin, 0)}: is not over yet; name a date of the past"])
    outcomes = asyncio.run(_filled(options, symbols))
    with CandleStore(options.store) as store:
        missing = {(s.symbol, s.interval_ns): s.gaps for s in store.contents()}
    lines = []
    for o in (o for o in outcomes if not o.error):
        gaps = missing.get((o.symbol, FRAMES[o.interval]), 0)
        known = f"{o.added.duplicates:,} known, " if o.added.duplicates else ""
        lines.append(f"{o.symbol} {o.interval}: {o.added.new:,} new, {known}{gaps:,} missing at the venue")
        lines += [f"  {o.note}"] if o.note else []
    failed = list(dict.fromkeys(o.error for o in outcomes if o.error))
    _answer(options, outcomes, [*lines, f"stored in {options.store}"], failed)
    return FAILED if failed else OK


async def _filled(options: argparse.Namespace, symbols: tuple[str, ...]) -> list[Outcome]:
    pages = pages_of(options.venue, lambda: configure(options.config, None).venue.rest_url)
    bars = SeriesBars(len(symbols) * len(options.intervals), quiet=options.json)
    try:
        with CandleStore(options.store, write=True) as store, bars:
            return await download(store, pages, symbols, options.intervals, options.begin, now_ns(), bars.tell)
    finally:
        await pages.close()


def pages_of(venue: str, kraken_url: Callable[[], str]) -> Pages:
    """Who gives a venue's candles: Kraken and its like by their own REST, every other through ccxt."""
    if venue == "kraken" or venue.startswith(("http://", "https://")):
        return KrakenPages(RestHistory(kraken_url() if venue == "kraken" else venue))
    return CcxtCandles(ccxt_client(venue.removeprefix("ccxt:")))


# --- import


def _import(argv: list[str]) -> int:
    p = _parser("import", "Candles from CSV, Parquet or a recording into the store.")
    p.add_argument(
        "path",
        type=Path,
        help="files named after their market (btcusdt_5m.csv: ts in ms, open, high, low, "
        "close, volume), a folder of them, or recordings/VENUE",
    )
    p.add_argument("--symbol", type=arguments.symbols, metavar="A/B", help="where the file's name does not tell")
    p.add_argument("--venue", help="whose candles they are (default: file; a recording knows)")
    options = p.parse_args(argv)
    if not options.path.exists():
        raise FeedError(f"{options.path}: no such file or folder; give candles as .csv or .parquet, or a recording")
    done: list[Imported] = []
    failed: list[str] = []
    with CandleStore(options.store, write=True) as store:
        for part in parts_of(options.path, options.venue, options.symbol):
            try:
                done += put(store, part, now_ns())
            except DeskError as err:
                failed.append(str(err))
    lines = []
    for i in done:
        running = f", {i.added.running} not closed yet" if i.added.running else ""
        lines.append(
            f"{i.place}: {i.symbol} {_name(i.interval_ns)} at {i.venue}: {i.added.new:,} new, {i.twice:,} there twice, "
            f"{i.missing:,} missing{running}"
        )
        if i.added.conflicts:
            lines.append(f"  {i.added.conflicts:,} differ from what is stored, which stays: {i.added.conflict}")
    _answer(options, done, [*lines, f"stored in {options.store}"], failed)
    return FAILED if failed or not done else OK


# --- candles, scan


class Gap(msgspec.Struct, frozen=True):
    """A run of missing candles: `begin` is when the first missing one opened, `end` when the next one there did, ns."""

    venue: str
    symbol: str
    interval_ns: int
    begin: int
    end: int
    missing: int


def _candles(argv: list[str]) -> int:
    p = _parser("candles", "What the store holds, and what is missing in it.")
    p.add_argument("symbols", nargs="*", type=arguments.symbols, metavar="A/B", help="default: all")
    p.add_argument(
        "--gaps", type=arguments.count, nargs="?", const=20, metavar="N", help="where the N longest gaps are (20)"
    )
    options = p.parse_args(argv)
    asked = _flat(options.symbols)
    with CandleStore(options.store) as store:
        contents = [s for s in store.contents() if not asked or s.symbol in asked]
        gaps = _gaps(store, contents)[: options.gaps] if options.gaps else []
    if asked and not contents:
        raise FeedError(f"{options.store}: no candles of {', '.join(asked)}; ./run candles shows what it holds")
    table = Table("venue", "symbol", "interval", "candles", "from", "to (UTC)", "missing", "longest gap", box=None)
    for s in contents:
        span = (format_ns(s.begin, 0), format_ns(s.end, 0))
        longest = f"{s.longest:,}" if s.gaps else "–"
        table.add_row(s.venue, s.symbol, _name(s.interval_ns), f"{s.count:,}", *span, f"{s.gaps:,}", longest)
    if not options.gaps:
        _show(options, contents, table)
        return OK
    table = Table("venue", "symbol", "interval", "missing from", "until (UTC)", "candles", box=None)
    for g in gaps:
        span = (format_ns(g.begin, 0), format_ns(g.end, 0))
        table.add_row(g.venue, g.symbol, _name(g.interval_ns), *span, f"{g.missing:,}")
    _show(options, gaps, table)
    return OK


def _gaps(store: CandleStore, contents: list[Series]) -> list[Gap]:
    """Every run of missing candles, the longest in time first."""
    found = [
        Gap(s.venue, s.symbol, s.interval_ns, begin, end, (end - begin) // s.interval_ns)
        for s in contents
        for begin, end in store.gaps(s.venue, s.symbol, s.interval_ns)
    ]
    return sorted(found, key=lambda g: (g.begin - g.end, g.venue, g.symbol, g.interval_ns, g.begin))


def _scan(argv: list[str], analyse: Callable[..., Any]) -> int:
    p = _parser("scan", "Score and nearest levels of many symbols from the store; no report, no network.")
    p.add_argument("symbols", nargs="*", type=arguments.symbols, metavar="A/B", help="default: all of the venue")
    p.add_argument("--venue", help="whose candles; not needed where the store has those of one")
    p.add_argument("--top", type=arguments.count, metavar="N", help="the N strongest scores")
    options = p.parse_args(argv)
    with CandleStore(options.store) as store:
        asked = _flat(options.symbols) or tuple(dict.fromkeys(s.symbol for s in store.contents()))
    venue = options.venue or only_venue(options.store, asked)
    with CandleStore(options.store) as store:
        symbols = _flat(options.symbols) or tuple(store.symbols(venue))
    if not symbols:
        raise FeedError(f"{options.store}: no candles of {venue}; ./run candles shows what it holds")
    rows, failed = scan(options.store, venue, symbols, analyse, now_ns())
    table = Table("symbol", "score", "coverage", "last", "below", "above", "as of (UTC)", "", box=None)
    for row in rows[: options.top]:
        table.add_row(*_cells(row))
    _show(options, rows[: options.top], table, failed)
    return FAILED if failed or not rows else OK


def _cells(row: Row) -> tuple[str, ...]:
    below, above = (f"{x.price:.8g} {x.kind} {x.distance_pct:+.2f} %" if x else "–" for x in (row.below, row.above))
    score = "–" if row.score is None else f"{row.score:+.1f}"
    return row.symbol, score, f"{row.coverage:.0%}", f"{row.last:.8g}", below, above, format_ns(row.ts, 0), row.label


# --- small things


def _answer(options: argparse.Namespace, what: Any, lines: list[str], failed: list[str]) -> None:
    if options.json:
        _json({"done": what, "failed": failed})
    else:
        sys.stdout.write("\n".join(lines) + "\n")
    sys.stderr.writelines(f"error: {text}\n" for text in failed)


def _show(options: argparse.Namespace, what: Any, table: Table, failed: list[str] | None = None) -> None:
    if options.json:
        _json({"rows": what, "failed": failed or []})
    else:
        console = Console()
        Console(width=180 if not console.is_terminal else None).print(table)
    sys.stderr.writelines(f"error: {text}\n" for text in failed or [])


def _json(what: Any) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(what)).decode() + "\n")


def _name(interval_ns: int) -> str:
    names = {interval: name for name, interval in FRAMES.items()}
    return names.get(interval_ns, f"{interval_ns // MINUTE}m")


def _flat(groups: list[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(symbol for group in groups for symbol in group))
