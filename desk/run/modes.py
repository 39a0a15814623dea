"""What each mode runs: the configuration in force, the source, the processes beside the engine, and the last words."""

from __future__ import annotations

import argparse
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from desk.config import Config
from desk.errors import DeskError
from desk.events import Start
from desk.io.config_file import canonical, config_hash, load
from desk.run import source as sources
from desk.run.clock import now_ns
from desk.run.live import Parts, Plan, execute, start
from desk.run.source import Source
from desk.run.version import version
from desk.wire.stamps import format_ns

BUG = 70
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
    return f"{config.fees.tier}: maker {config.fees.maker_bps:g}, taker {config.fees.taker_bps:g} bps"


def new_session(config: Config, mode: str) -> Path:
    """A folder name that no other session has."""
    stamp = format_ns(now_ns(), 0).replace("-", "").replace(":", "")
    base = Path(config.journal.dir)
    names = [f"{stamp}-{mode}", *(f"{stamp}-{mode}-{n}" for n in range(2, 100))]
    return next(base / name for name in names if not (base / name).exists())


def trade(options: argparse.Namespace, config: Config, build: Callable[[Start], Parts]) -> int:
    """`--mode scalping|hybrid`: the fast system, and in hybrid mode the slow one beside it."""
    session = new_session(config, options.mode)
    log = session.parent / f"{session.name}.source.log"
    try:
        summary = start(_trade(options, config, build, session, log))
    except DeskError:
        raise
    except Exception as err:  # noqa: BLE001 - the last line of defence: a person gets a sentence, we get the trace
        where = session if session.is_dir() else session.parent
        report = where / "crash.txt"
        report.write_text(traceback.format_exc())
        print(f"error: our own bug: {type(err).__name__}: {err}; the details are in {report}", file=sys.stderr)  # noqa: T201
        return BUG
    finally:
        if log.exists() and session.is_dir():
            shutil.move(log, session / "source.log")
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(summary)).decode())  # noqa: T201
    else:
        print(last_words(summary))  # noqa: T201
    return 4 if summary["problems"] else 0


async def _trade(
    options: argparse.Namespace, config: Config, build: Callable[[Start], Parts], session: Path, log: Path
) -> dict[str, Any]:
    source = await _source(options, config, log)
    try:
        if source.stamped and not options.symbols:
            config = with_symbols(config, source.symbols)
        analyst = None
        if options.mode == "hybrid" and config.ultimate_analyzer.enabled:
            analyst = analyst_args(options, config, source)
        plan = Plan(
            mode=options.mode,
            config=config,
            config_json=canonical(config),
            config_hash=config_hash(config),
            version=version(),
            seed=options.seed,
            duration_s=options.duration,
            session=session,
            fee_tier=fee_tier(config, source.venue),
            console=None if options.json else ["console"],
            analyst=analyst,
        )
        return await execute(plan, source, build)
    except BaseException:
        if source.child is not None:
            await source.child.stop()
        raise


async def _source(options: argparse.Namespace, config: Config, log: Path) -> Source:
    """The feed the person named."""
    log.parent.mkdir(parents=True, exist_ok=True)
    feed: str = options.feed
    both = config.scalping_engine.symbols
    if options.mode == "hybrid":
        both = tuple(dict.fromkeys((*both, *config.ultimate_analyzer.symbols)))
    if feed == "embedded":
        return await sources.embedded(config, both, options.seed, log)
    if feed == "kraken":
        return await sources.kraken(config, both)
    kind, _, path = feed.partition(":")
    if kind == "replay" and path:
        return await sources.recording(Path(path), options.speed, options.symbols or (), log)
    raise DeskError(f"--feed {feed}: must be embedded, kraken or replay:PATH")


def analyst_args(options: argparse.Namespace, config: Config, source: Source) -> list[str] | None:
    """The command line of the analyst's process, None when there are no candles for it."""
    where = ["--candles", str(options.candles)] if options.candles else ["--rest", source.rest_url]
    if not options.candles and not source.rest_url:
        return None
    return ["analyst", "--venue", source.venue, *where, "--config-json", canonical(config)]


def last_words(summary: dict[str, Any]) -> str:
    """A run in a few lines."""
    latency = summary["latency_us"]["tick_to_signal"]
    lines = [
        f"{summary['mode']} on {summary['feed']}{' (SIMULATED MARKET)' if summary['simulated'] else ''}: "
        f"{summary['duration_s']:.0f} s, {summary['frames']:,} frames",
        *(
            f"  {book['symbol']:<10} {book['tier']}  {book['state']:<13} checksums {book['crc_ok']:,} right, "
            f"{book['crc_bad']} wrong, {book['resyncs']} resyncs"
            for book in summary["books"]
        ),
        f"  signals {summary['signals']}, orders {summary['orders']}, fills {summary['fills']} (paper), "
        f"PnL {summary['pnl_quote']:+.2f} net of fees ({summary['fee_tier']})",
    ]
    if summary["refusals"]:
        most = ", ".join(f"{code} {n:,}" for code, n in list(summary["refusals"].items())[:6])
        lines.append(f"  why not: {most}")
    if latency["p50"] is not None:
        lines.append(
            f"  tick to signal: p50 {latency['p50']:.0f} µs, p99 {latency['p99']:.0f} µs, p99.9 {latency['p99_9']:.0f} µs"
        )
    lines += [f"  report {path}" for path in summary["reports"] if path.endswith(".html")]
    lines.append(f"  session {summary['session']} (effect hash {summary['effect_hash']})")
    lines += [f"  PROBLEM {problem}" for problem in summary["problems"]]
    return "\n".join(lines)
