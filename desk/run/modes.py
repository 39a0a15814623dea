"""What each mode runs: the configuration in force, the source, the processes beside the engine, and the last words."""

from __future__ import annotations

import argparse
import asyncio
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from desk.config import Config
from desk.errors import ConfigError, DeskError
from desk.events import Start
from desk.io.ccxt_candles import ccxt_client
from desk.io.config_file import canonical, config_hash, load
from desk.io.journal import JournalWriter
from desk.portfolio.fees import tariff
from desk.run import source as sources
from desk.run import venue_sources
from desk.run.children import Child
from desk.run.clock import now_ns
from desk.run.evidence_rows import evidence_lines
from desk.run.extras import wanted
from desk.run.live import Plan, execute
from desk.run.parts import Parts
from desk.run.record import open_recorder
from desk.run.recovery import describe, keep, recover
from desk.run.report import show_made
from desk.run.source import Source
from desk.run.spin import cores, refusal
from desk.run.stages import Stages
from desk.run.stop import start, stop_signal
from desk.run.stored import StoredHistory, stored_at
from desk.run.version import version
from desk.sim.band import band_line
from desk.sim.listing import LISTINGS
from desk.wire.stamps import format_ns

BUG = 70
AnalysisFunctions = tuple[Callable[..., Any], Callable[..., Any]]
NO_CANDLES = "no analysis and no bias: this feed has no candles; add --candles PATH"
NAMED_FREE = "SIMULATED MARKET, fee-free tier"


def configure(path: Path, symbols: tuple[str, ...] | None) -> Config:
    """The configuration in force: the file (written with safe defaults when missing) and the command line's symbols."""
    config = load(path, lambda warning: print(f"warning: {warning}", file=sys.stderr))  # noqa: T201 - the command line's
    return with_symbols(config, symbols) if symbols else config


def with_symbols(config: Config, symbols: tuple[str, ...]) -> Config:
    """The same configuration for other symbols, both systems."""
    change = msgspec.structs.replace
    return change(
        config,
        ultimate_analyzer=change(config.ultimate_analyzer, symbols=symbols),
        scalping_engine=change(config.scalping_engine, symbols=symbols),
    )


def fee_tier(config: Config, venue: str) -> str:
    """What the user's trades cost, in words."""
    if venue == "embedded" and config.fees.embedded == "free":
        return NAMED_FREE
    return tariff(config.fees, embedded=False).at(now_ns()).describe()


def new_session(config: Config, mode: str) -> Path:
    """A folder name that no other session has."""
    stamp = format_ns(now_ns(), 0).replace("-", "").replace(":", "")
    base = Path(config.journal.dir)
    names = [f"{stamp}-{mode}", *(f"{stamp}-{mode}-{n}" for n in range(2, 100))]
    return next(base / name for name in names if not (base / name).exists())


def trade(options: argparse.Namespace, config: Config, build: Callable[[Start], Parts]) -> int:
    """`--mode scalping|hybrid`: the fast system, and in hybrid mode the slow one beside it."""
    if options.spin and (why := refusal(cores())):
        raise ConfigError([why])
    wanted(options)  # refuses extras where there are no reports
    journal = JournalWriter(new_session(config, options.mode))  # first: what cannot be recorded does not start
    try:
        summary = start(_trade(options, config, build, journal))
    except DeskError:
        if journal.seq == 0:
            journal.discard()
        raise
    except Exception as err:  # noqa: BLE001 - the last line of defence: a person gets a sentence, we get the trace
        report = journal.folder / "crash.txt"
        report.write_text(traceback.format_exc())
        print(f"error: our own bug: {type(err).__name__}: {err}; the details are in {report}", file=sys.stderr)  # noqa: T201
        return BUG
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(summary)).decode())  # noqa: T201
    else:
        print(last_words(summary))  # noqa: T201
    return 4 if summary["problems"] else 0


async def _trade(
    options: argparse.Namespace, config: Config, build: Callable[[Start], Parts], journal: JournalWriter
) -> dict[str, Any]:
    source = await _source(options, config, journal.folder / "source.log")
    try:
        if source.stamped and not options.symbols:
            config = with_symbols(config, source.symbols)
        analyst = None
        if options.mode == "hybrid" and config.ultimate_analyzer.enabled:
            analyst = analyst_args(options, config, source)
            if analyst is None:
                source = msgspec.structs.replace(source, notes=(*source.notes, NO_CANDLES))
        plan = Plan(
            mode=options.mode,
            config_json=canonical(config),
            config_hash=config_hash(config),
            version=version(),
            seed=options.seed,
            duration_s=options.duration,
            fee_tier=fee_tier(config, source.venue),
            console=None if options.json else ["console"],
            analyst=analyst,
            spin=options.spin,
        )
        recovery = None
        if not options.fresh and not source.stamped:  # a market with a time of its own begins anew
            recovery = recover(journal.folder.parent, source.venue, source.symbols, lambda start: build(start).engine)
        if recovery is not None:
            keep(recovery, journal.folder)
            print(*describe(recovery), sep="\n", file=sys.stderr)  # noqa: T201
        recorder, deleted = open_recorder(config, source) if options.record else (None, "")
        if deleted:
            print(deleted, file=sys.stderr)  # noqa: T201
            source = msgspec.structs.replace(source, notes=(*source.notes, deleted))
        return await execute(plan, source, build, journal, recorder, recovery)
    finally:
        await source.close()


async def _source(options: argparse.Namespace, config: Config, log: Path) -> Source:
    """The feed the person named."""
    log.parent.mkdir(parents=True, exist_ok=True)
    feed: str = options.feed
    fast, slow = config.scalping_engine.symbols, config.ultimate_analyzer.symbols
    wanted = {"scalping": fast, "ultimate": slow}.get(options.mode, tuple(dict.fromkeys((*fast, *slow))))
    if feed == "embedded" and options.speed is not None:
        return sources.rehearsal(config, wanted, options.seed, options.speed)
    if feed == "embedded":
        return await sources.embedded(config, wanted, options.seed, log)
    if feed == "kraken":
        return await sources.kraken(config, wanted)
    if feed == "binance":
        return await venue_sources.binance(config, wanted)
    if feed == "coinbase":
        return await venue_sources.coinbase(config, wanted)
    kind, _, rest = feed.partition(":")
    if kind == "replay" and rest:
        return await sources.recording(
            Path(rest), 1.0 if options.speed is None else options.speed, options.symbols or (), log
        )
    if kind == "ccxt" and rest:
        return await venue_sources.ccxt(rest, wanted)
    raise ConfigError([f"--feed {feed}: must be embedded, kraken, binance, coinbase, ccxt:EXCHANGE or replay:PATH"])


def analyst_args(options: argparse.Namespace, config: Config, source: Source) -> list[str] | None:
    """The command line of the analyst's process, None when there are no candles for it."""
    exchange = ccxt_of(source.feed)
    if not options.candles and not source.rest_url and not exchange:
        return None
    where = ["--rest", source.rest_url, "--ccxt", exchange]
    if options.candles:
        where = ["--candles", str(options.candles)]
    simulated = ["--simulated", "--seed", str(options.seed)] if source.simulated and not options.candles else []
    venue = "file" if options.candles else source.venue
    extras = ["--extras", ",".join(wanted(options))]
    return ["analyst", "--venue", venue, *where, *simulated, *extras, "--config-json", canonical(config)]


def analyst_process(argv: list[str], functions: AnalysisFunctions) -> int:
    """The verb `analyst`: the slow system as a child of a run. Only here is pandas loaded: 0.5 s no engine needs."""
    from desk.run.analyst import candle_source, run_analyst

    p = argparse.ArgumentParser(prog="analyst")
    p.add_argument("--venue", required=True)
    p.add_argument("--rest", default="")
    p.add_argument("--candles", type=Path)
    p.add_argument("--ccxt", default="")
    p.add_argument("--simulated", action="store_true")
    p.add_argument("--extras", default="")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--config-json", required=True)
    options = p.parse_args(argv)
    extras = tuple(kind for kind in options.extras.split(",") if kind)
    config = msgspec.json.decode(options.config_json, type=Config)
    candles = candle_source(options.rest, options.candles, config.ultimate_analyzer.symbols, options.ccxt)
    if not isinstance(candles, StoredHistory):
        where = (options.venue, options.simulated)
        return run_analyst(config, candles, *functions, *where, extras=extras, seed=options.seed)
    try:
        return run_analyst(config, candles, *functions, candles.venue, candles.simulated, extras=extras)
    finally:
        candles.close()


def ultimate(options: argparse.Namespace, config: Config, functions: AnalysisFunctions) -> int:
    """`--mode ultimate`: reports now (`--once`), or now and at the daily times until Ctrl-C or `--duration`."""
    if options.spin:
        raise ConfigError(["--spin is for the engine that reads frames; --mode ultimate runs none: leave it out"])
    summary = start(_ultimate(options, config, functions))
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(summary)).decode())  # noqa: T201
    else:
        simulated = " (SIMULATED MARKET)" if summary["simulated"] else ""
        written = sum(path.endswith(".html") for path in summary["reports"])
        if options.once and sys.stdout.isatty():
            show_made(summary["reports"], Console(highlight=False))
        print(f"ultimate on {summary['feed']}{simulated}: {summary['duration_s']:.0f} s, {written} reports")  # noqa: T201
    return 0 if summary["reports"] else 1


def listed(options: argparse.Namespace, config: Config) -> Config:
    """For the embedded exchange, the symbols that it lists: one it has not is its own analysis's failure, no more."""
    known = tuple(symbol for symbol in config.ultimate_analyzer.symbols if symbol in LISTINGS)
    return with_symbols(config, known) if options.feed == "embedded" and known else config


def bias_line(bias: dict[str, Any]) -> str:
    """The bias in a line; too little data gives no score to show.

    >>> bias_line({"symbol": "BTC/USDT", "label": "UPWARD", "score": 21.04, "because": {"mtf": 21.04}})
    'BTC/USDT: UPWARD +21.0'
    >>> bias_line({"symbol": "BTC/USDT", "label": "INSUFFICIENT DATA", "score": 0.0, "because": {}})
    'BTC/USDT: INSUFFICIENT DATA'
    """
    score = f" {bias['score']:+.1f}" if bias["because"] else ""
    return f"{bias['symbol']}: {bias['label']}{score}"


def ccxt_of(feed: str) -> str:
    """The exchange whose candles come through ccxt, "" where the feed's own REST has them.

    >>> ccxt_of("binance"), ccxt_of("ccxt:okx"), ccxt_of("kraken")
    ('binance', 'okx', '')
    """
    kind, _, rest = feed.partition(":")
    return feed if feed in ("binance", "coinbase") else rest if kind == "ccxt" else ""


async def _ultimate(options: argparse.Namespace, config: Config, functions: AnalysisFunctions) -> dict[str, Any]:
    began = now_ns()
    log = Path(config.journal.dir) / "ultimate.log"
    candles, source, exchange = options.candles, None, ccxt_of(options.feed)
    held = stored_at(candles, config.ultimate_analyzer.symbols) if candles else None  # refuses an unknown store
    if held:
        held.close()
    if candles is None and exchange:
        ccxt_client(exchange)  # refuses a name that it does not know
    elif candles is None:
        source = await _source(options, listed(options, config), log)
        if not source.rest_url:
            raise DeskError(f"--feed {options.feed} has no candles: add --candles PATH with a CSV or Parquet file")
    market = source or held
    log.parent.mkdir(parents=True, exist_ok=True)
    venue = source.venue if source else "file" if candles else exchange
    reports: list[str] = []
    problems: list[str] = []
    args = ["analyst", "--venue", venue, "--extras", ",".join(wanted(options)), "--config-json", canonical(config)]
    args += (
        ["--candles", str(candles)] if candles else ["--rest", source.rest_url if source else "", "--ccxt", exchange]
    )
    args += ["--simulated", "--seed", str(options.seed)] if source and source.simulated else []
    analyst = await Child.start("analyst", args, log)
    ended = stop_signal()
    try:
        async with asyncio.timeout(options.duration):
            reader = asyncio.ensure_future(_read_analyst(analyst, options, reports, problems))
            await asyncio.wait((reader, asyncio.ensure_future(ended.wait())), return_when=asyncio.FIRST_COMPLETED)
            if reader.done():
                reader.result()
    except TimeoutError:
        pass  # --duration is over
    finally:
        await analyst.stop()
        if source:
            await source.close()
    return {
        "mode": "ultimate",
        "feed": options.feed if candles is None else f"candles:{candles}",
        "simulated": market is not None and market.simulated,
        "duration_s": round((now_ns() - began) / 1e9, 3),
        "frames": 0,
        "books": [],
        "signals": 0,
        "refusals": {},
        "orders": 0,
        "fills": 0,
        "pnl_quote": 0.0,
        "latency_us": {"tick_to_signal": {"p50": None, "p99": None, "p99_9": None}},
        "reports": reports,
        "session": None,
        "effect_hash": None,
        "problems": problems,
    }


async def _read_analyst(analyst: Child, options: argparse.Namespace, reports: list[str], problems: list[str]) -> None:
    """Pass on what the analyst says; returns after the first analysis with `--once`, else when it ends."""
    stages = Stages(quiet=options.json)
    try:
        async for said in analyst.lines():
            if "stage" in said:
                stages.tell(said)
            elif "bias" in said:
                stages.say(bias_line(said["bias"]))
            elif "report" in said:
                reports += [said["report"][kind] for kind in ("html", "md", "json")]
                stages.say(f"{said['report']['symbol']}: {said['report']['html']}")
            elif "extra" in said:
                reports.append(said["extra"])
                stages.say(said["extra"])
            elif "warning" in said:
                problems.append(said["warning"])
                print(f"warning: {said['warning']}", file=sys.stderr)  # noqa: T201
            elif "error" in said:
                problems.append(said["error"]["text"])
                stages.fail(said["error"]["symbol"])
                print(f"error: {said['error']['text']}", file=sys.stderr)  # noqa: T201
            elif "scheduled" in said:
                stages.end()
                if options.once:
                    return
                stages.say(said["scheduled"])
    finally:
        stages.end()
    problems.append(f"the analyst ended: {analyst.last_words()}")


def vouched(book: dict[str, Any]) -> str:
    """What vouches for a book of the summary."""
    if book["proof"] == "checksum":
        return f"checksums {book['crc_ok']:,} right, {book['crc_bad']} wrong"
    if book["proof"]:
        return f"sequence {book['seq_ok']:,} right, {book['gaps']} gaps"
    return "no checksum at this venue: unverified"


def last_words(summary: dict[str, Any]) -> str:
    """A run in a few lines."""
    latency = summary["latency_us"]["tick_to_signal"]
    lines = [
        f"{summary['mode']} on {summary['feed']}{' (SIMULATED MARKET)' if summary['simulated'] else ''}: "
        f"{summary['duration_s']:.0f} s, {summary['frames']:,} frames",
        *(
            f"  {book['symbol']:<10} {book['tier']}  {book['state']:<13} {vouched(book)}, {book['resyncs']} resyncs"
            for book in summary["books"]
        ),
        f"  signals {summary['signals']}, orders {summary['orders']}, fills {summary['fills']} (paper), "
        f"PnL {summary['pnl_quote']:+.2f} net of fees ({summary['fee_tier']})",
        *([f"  {band_line(summary['paper'])}"] if summary["orders"] else []),
    ]
    if summary["taken_over"]:
        lines.append(f"  account taken over from {summary['taken_over']}: PnL since it began")
    if summary["refusals"]:
        most = ", ".join(f"{code} {n:,}" for code, n in list(summary["refusals"].items())[:6])
        lines.append(f"  why not: {most}")
    lines += evidence_lines(summary)
    if latency["p50"] is not None:
        lines.append(
            "  tick to signal: "
            + ", ".join(f"{name.replace('_', '.')} {latency[name]:.0f} µs" for name in ("p50", "p99", "p99_9"))
        )
    clock = summary["clock"]
    if clock["offset_ms"] is not None:
        width = f"± {clock['uncertainty_ms']:.1f}, from {clock['source']}"
        lines.append(f"  the venue's clock: {clock['offset_ms']:+.1f} ms against ours ({width})")
    lines += [f"  report {path}" for path in summary["reports"] if path.endswith(".html")]
    lines += [f"  recorded {path}" for path in summary["recordings"]]
    lines.append(f"  session {summary['session']} (effect hash {summary['effect_hash']})")
    lines += [f"  PROBLEM {problem}" for problem in summary["problems"]]
    return "\n".join(lines)
