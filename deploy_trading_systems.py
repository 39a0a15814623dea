"""The command line: which system runs, on what market, and everything that is not a run.

    python deploy_trading_systems.py --mode ultimate|scalping|hybrid|hft [--feed FEED] …
    python deploy_trading_systems.py doctor | exchange | replay | verify-book | download | scan | …

`build` is the only function that knows every class: a mode is a source and a venue, and the engine is the same in all.
Imports are inside the functions, so that --help answers at once.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desk.run import arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from desk.events import Start
    from desk.run.parts import Parts

ROOT = Path(__file__).resolve().parent
OK, FAILED, USAGE, UNREACHABLE, RECORD, NOT_ENABLED, NOT_YET, BUG = 0, 1, 2, 3, 4, 5, 6, 70
EXIT_CODES = """exit codes:
  0  done (Ctrl-C included)         4  a recording or journal cannot be read or written
  1  a check failed                 5  scalping is not enabled for a real venue
  2  wrong usage or configuration   6  not available yet
  3  the venue cannot be reached   70  our own bug: a report is in the session's folder
                                   69  ./run itself: no Python, or the installation failed"""
VERBS = """verbs (each with its own --help):
  doctor       what is wrong on this machine, and how to fix it
  exchange     serve the embedded exchange (SIMULATED), or a recording, on a port
  report       the first page of the newest report, or of a symbol's and a day's, on the terminal
  why          why there is no trade in a symbol: every gate with its numbers, now (in a running session too) or --at
  explain      where an order came from: verdict, intent, signal, event
  replay       run a recorded session again and compare every answer; --to SEQ shows the engine's state there
  verify-book  prove every book in a recording by checksums or sequence numbers, or by its sequence where it has none
  fees         what each fee tier demands of a scalp, and where the trading itself moves the tier
  download     a venue's closed candles into the store; goes on where it was stopped
  import       candles from CSV or Parquet into the store
  candles      what the store holds, and what is missing in it
  scan         score and nearest levels of many symbols from the store
  schema       the JSON Schema of trading_config.json
  kill         stop all new risk at once, in the running session and in every later one; --flatten: and leave positions
  rearm        lift the kill, or a breaker's halt; needs --why
  performance  what the trades of a recorded session brought, with slippage, markouts and intervals
  health       what the order-book score knew in a recorded session, or whether it is too early to say
  knowledge    what the closed trades of recorded sessions taught, by kind of trade: facts with their numbers"""

NO_ENGINE = {"why": "ask", "explain": "ask", "kill": "switch", "rearm": "switch", "report": "report"}  # in desk/run
MEASURED = {"performance": "review", "health": "review", "knowledge": "knowledge"}  # likewise


def parser() -> argparse.ArgumentParser:
    """The options of a run."""
    p = argparse.ArgumentParser(
        prog="./run",
        description="A crypto analyzer and a scalping engine that share one order-book score. Paper trading.",
        epilog=f"{VERBS}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--mode", choices=("ultimate", "scalping", "hybrid", "hft"), required=True, help="what runs")
    p.add_argument(
        "--feed", default="embedded", help="embedded (SIMULATED), kraken, binance, coinbase, ccxt:EXCHANGE, replay:PATH"
    )
    p.add_argument("--symbols", type=arguments.symbols, metavar="A/B,C/D", help="instead of the configured ones")
    p.add_argument("--config", type=Path, default=Path("trading_config.json"), help="default: trading_config.json")
    p.add_argument("--duration", type=arguments.positive, metavar="S", help="end after S seconds")
    p.add_argument(
        "--speed",
        type=arguments.speed,
        metavar="X",
        help="replay X times faster, or rehearse the embedded market in its own time (same seed, same\n"
        "session, at any speed); max: as fast as it goes",
    )
    p.add_argument("--seed", type=int, default=1, metavar="N", help="of the embedded exchange")
    p.add_argument("--fresh", action="store_true", help="begin a new account; do not take over what a crash left")
    p.add_argument("--once", action="store_true", help="ultimate: analyse now, write the reports, exit")
    p.add_argument("--png", action="store_true", help="each report's page as a picture too, by this machine's Chromium")
    p.add_argument("--pdf", action="store_true", help="the same on A4; without a browser: a warning, and exit 0")
    p.add_argument("--candles", type=Path, metavar="PATH", help="analyse candles from a CSV or Parquet file or folder")
    p.add_argument(
        "--record", action=argparse.BooleanOptionalAction, default=True, help="every frame to recordings/ (default: on)"
    )
    p.add_argument("--spin", action="store_true", help="frames in half the time, for one core of two or more")
    p.add_argument("--json", action="store_true", help="no console; one JSON summary on stdout at the end")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    from desk.errors import ConfigError, DeskError, FeedError, JournalError

    args = list(sys.argv[1:] if argv is None else argv)
    verbs: dict[str, Callable[[list[str]], int]] = {
        "doctor": doctor,
        "exchange": exchange,
        "replay": replay,
        "verify-book": verify_book,
        "fees": fees,
        "schema": schema,
        "console": console,
        "analyst": analyst,
        **{verb: partial(measured, verb) for verb in MEASURED},
        **{verb: partial(data, verb) for verb in ("download", "import", "candles", "scan")},
    }
    try:
        if args and args[0] in verbs:
            return verbs[args[0]](args[1:])
        if args and args[0] in NO_ENGINE:
            return int(getattr(import_module(f"desk.run.{NO_ENGINE[args[0]]}"), args[0])(args[1:]))
        return run(parser().parse_args(args))
    except ConfigError as err:
        _complain(*err.faults)
        return USAGE
    except FeedError as err:
        _complain(str(err))
        recorded = args[0] == "verify-book" or any("replay:" in arg or arg == "--frames" for arg in args)
        return RECORD if recorded else UNREACHABLE
    except JournalError as err:
        _complain(str(err))
        return RECORD
    except DeskError as err:
        _complain(str(err))
        return FAILED
    except KeyboardInterrupt:
        return OK
    except BrokenPipeError:
        return OK  # whoever read our output has enough
    except OSError as err:
        _complain(f"{err.filename or 'a file'}: {err.strerror or err}; make it writable or free the disk")
        return RECORD


def run(options: argparse.Namespace) -> int:
    """`--mode …`."""
    from desk.run import modes

    if options.mode == "hft":
        _complain("--mode hft is not available yet; --mode hybrid runs the analyzer and the scalping engine")
        return NOT_YET
    config = modes.configure(options.config, options.symbols)
    real = options.feed != "embedded" and not options.feed.startswith("replay:")
    if real and options.mode != "ultimate" and not config.scalping_engine.enabled:
        _complain(
            f'scalping on a real venue is off: set "scalping_engine": {{"enabled": true}} in {options.config} '
            "to allow it (orders stay on paper), or try it first with --feed embedded"
        )
        return NOT_ENABLED
    if options.mode == "ultimate":
        return modes.ultimate(options, config, analysis_functions())
    return modes.trade(options, config, build)


def build(start: Start) -> Parts:
    """Every class of a run, from its manifest alone: a replay builds the same engine as the run it repeats."""
    from decimal import Decimal

    import msgspec

    from desk.config import Config
    from desk.engine import Engine
    from desk.portfolio.fees import tariff
    from desk.portfolio.portfolio import Portfolio
    from desk.risk.account import Account
    from desk.risk.last_gate import LastGate
    from desk.risk.rules import limits
    from desk.run.parts import Parts
    from desk.signals.watch import Watch
    from desk.sim.books import WatchedBooks
    from desk.sim.latency import Latency
    from desk.sim.paper import PaperVenue
    from desk.wire.venues import wire_of
    from hft_signals import OrderBookAnalyzer, decay
    from scalping_engine import ScalpingEngine

    config = msgspec.json.decode(start.config, type=Config)
    hft = config.hft_signals
    analyzer = OrderBookAnalyzer(hft)
    codec = wire_of(start.venue).codec(start.symbols)
    watch = Watch(start.venue, start.links, codec, analyzer.score, hft.spread_ref_bps)
    fees = tariff(config.fees, embedded=start.venue == "embedded")
    tier = fees.at(start.ts)
    portfolio = Portfolio(
        Decimal(str(config.risk.equity_quote)), watch.instruments, max(tier.maker_bps, tier.taker_bps)
    )
    scalper = ScalpingEngine(
        [f"{symbol}@{start.venue}" for symbol in config.scalping_engine.symbols if symbol in start.symbols],
        config.scalping_engine,
        config.hybrid_mode,
        hft,
        config.risk,
        float(tier.maker_bps),
        float(tier.taker_bps),
        is_hybrid=start.mode == "hybrid",
    )
    engine = Engine(
        watch,
        [scalper],
        portfolio,
        Account(watch.instruments),
        limits(config.risk, hft.stale_s),
        int(hft.stale_s * 1e9),
    )
    latency = Latency(
        int(config.paper.entry_latency_ms * 1e6),
        int(config.paper.response_latency_ms * 1e6),
        config.paper.latency == "measured",
    )
    venue = PaperVenue(fees, latency, WatchedBooks(watch), queue_model=config.paper.queue_model)
    return Parts(engine, venue, LastGate(config.last_gate), lambda age_s: decay(age_s, hft.decay_s))


def analysis_functions() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The slow system's two functions: the analysis and the bias it gives."""
    import ultimate_crypto_analyzer

    return ultimate_crypto_analyzer.analyse, ultimate_crypto_analyzer.bias


# --- verbs


def doctor(argv: list[str]) -> int:
    """What is wrong on this machine, and how to fix it."""
    p = argparse.ArgumentParser(prog="./run doctor", description=doctor.__doc__)
    p.add_argument("--config", type=Path, default=Path("trading_config.json"))
    p.add_argument("--json", action="store_true")
    options = p.parse_args(argv)
    from desk.io import doctor as examination
    from desk.io.config_file import read

    findings = examination.examine(options.config, read)
    if options.json:
        _print_json([{"name": f.name, "state": f.state, "text": f.text, "fix": f.fix} for f in findings])
    else:
        print(examination.render(findings, color=sys.stdout.isatty()))
    return examination.exit_code(findings)


def exchange(argv: list[str]) -> int:
    """Serve the embedded exchange (SIMULATED), or a recording, in Kraken's protocol on a loopback port."""
    p = argparse.ArgumentParser(prog="./run exchange", description=exchange.__doc__)
    p.add_argument("--port", type=int, default=8787, help="0: any free one (default 8787)")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--symbols", type=arguments.symbols, metavar="A/B,C/D", help="default: all eight")
    p.add_argument("--frames", type=Path, help="serve this recording instead of the simulated market")
    p.add_argument("--speed", type=arguments.speed, default=1.0, metavar="X", help="with --frames: X times faster; max")
    p.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = p.parse_args(argv)
    from desk.run.exchange import run_exchange

    return run_exchange(options.port, options.seed, options.symbols, options.child, options.frames, options.speed)


def replay(argv: list[str]) -> int:
    """Run a recorded session again; with --verify exit 1 unless every answer is the recorded one, byte for byte."""
    p = argparse.ArgumentParser(prog="./run replay", description=replay.__doc__)
    p.add_argument("session", metavar="SESSION", help="a session's folder, or its name below sessions/")
    p.add_argument("--verify", action="store_true")
    p.add_argument("--to", type=int, metavar="SEQ", help="stop after this entry and show the engine's state")
    p.add_argument("--pdb", action="store_true", help="with --to: stop in the debugger where that entry is handled")
    p.add_argument("--json", action="store_true")
    options = p.parse_args(argv)
    from desk.run import replay as again

    folder = Path(options.session)
    if not folder.exists() and (Path("sessions") / options.session).exists():
        folder = Path("sessions") / options.session
    if options.to is not None:
        from desk.run import stand

        state = stand.stand(folder, options.to, lambda start: build(start).engine, options.pdb)
        _print_json(state) if options.json else print(stand.describe(state))
        return OK if state["equal"] else FAILED
    result = again.replay(folder, lambda start: build(start).engine)
    if options.json:
        _print_json(result)
    else:
        print(again.describe(result))
    return FAILED if options.verify and not result["equal"] else OK


def verify_book(argv: list[str]) -> int:
    """Rebuild every book of a recording, or of all below a folder, by the fast path and by the readable one.

    Exit 1 when a checksum (Kraken), a sequence (Binance, Coinbase) or a final state is wrong, or the two paths differ.
    """
    p = argparse.ArgumentParser(prog="./run verify-book", description=verify_book.__doc__)
    p.add_argument("frames", type=Path, metavar="FILE|FOLDER")
    p.add_argument("--depth", type=int, choices=(10, 25, 100, 500, 1000), help="where the recording holds no ack")
    p.add_argument("--fast", action="store_true", help="a Kraken v2 recording, by the fast path alone: 1 us a frame")
    p.add_argument("--json", action="store_true")
    options = p.parse_args(argv)
    from desk.run import verify_book as proof
    from desk.run import verify_folder, verify_orders, verify_stream

    if options.frames.is_dir() and not options.fast and not verify_folder.is_session(options.frames):
        folder = verify_folder.verify_folder(options.frames, options.depth)
        _print_json(folder) if options.json else print(verify_folder.describe(folder))
        return OK if folder["ok"] else FAILED
    if verify_orders.is_order_log(options.frames):
        orders = verify_orders.verify_orders(options.frames)
        _print_json(orders) if options.json else print(verify_orders.describe(orders))
        return FAILED if orders["paths"]["differences"] or not all(m["between"] for m in orders["misses"]) else OK
    prove = verify_stream.verify_stream if options.fast else proof.verify_book
    result = prove(options.frames, options.depth)
    if options.json:
        _print_json(result)
    else:
        print(proof.describe(result))
    if result["problem"]:
        _complain(result["problem"])
        return RECORD
    return FAILED if result.get("crc_bad") or result.get("gaps") or (result["paths"] or {}).get("differences") else OK


def fees(argv: list[str]) -> int:
    """What each fee tier demands of a scalp, and where the trading itself moves the tier."""
    from desk.run.fee_table import command

    print(command(argv))
    return OK


def schema(argv: list[str]) -> int:
    """The JSON Schema of trading_config.json, for editors."""
    argparse.ArgumentParser(prog="./run schema", description=schema.__doc__).parse_args(argv)
    from desk.io.config_file import schema as made

    _print_json(made())
    return OK


def measured(verb: str, argv: list[str]) -> int:
    """The verbs that measure recorded sessions again."""
    return int(getattr(import_module(f"desk.run.{MEASURED[verb]}"), verb)(argv, build))


def console(argv: list[str]) -> int:
    """The live screen, fed with pictures on standard input: started by a run."""
    p = argparse.ArgumentParser(prog="console")
    p.add_argument("--keys", type=int, help="descriptor on which the keys are said")
    options = p.parse_args(argv)
    from desk.io.console import run_console

    return run_console(keys_out=options.keys)


def data(verb: str, argv: list[str]) -> int:
    """The verbs of the candle store."""
    from desk.run.data_verbs import data_verb

    return data_verb(verb, argv, lambda: analysis_functions()[0])


def analyst(argv: list[str]) -> int:
    """The slow system's process: started by a run."""
    from desk.run.modes import analyst_process

    return analyst_process(argv, analysis_functions())


# --- small things


def _complain(*lines: str) -> None:
    for line in lines:
        print(f"error: {line}", file=sys.stderr)


def _print_json(what: object) -> None:
    import msgspec

    print(msgspec.json.format(msgspec.json.encode(what)).decode())


if __name__ == "__main__":
    raise SystemExit(main())
