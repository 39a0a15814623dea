"""The verbs that ask a recorded session something: `why`, `explain`; one that runs answers too."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from desk.io import latch
from desk.run import explain as origins
from desk.run import why as reasons


def why(argv: list[str]) -> int:
    """Why there is no trade: every gate of a symbol with its numbers, from the journal of the last session."""
    p = argparse.ArgumentParser(prog="./run why", description=why.__doc__)
    p.add_argument("symbol", metavar="SYMBOL")
    p.add_argument("--at", default="", metavar="TIME", help="HH:MM[:SS] or RFC 3339, UTC; default: now, or the end")
    options = _about_session(p, argv)
    found = reasons.why(latch.folder_of(options.config), options.session, options.symbol, options.at)
    _say(found, reasons.describe, options.json)
    return 0


def explain(argv: list[str]) -> int:
    """Where an order came from: verdict, intent, signal, event, from the journal of the last session."""
    p = argparse.ArgumentParser(prog="./run explain", description=explain.__doc__)
    p.add_argument("order", metavar="ORDER", help="an order or a signal as the screen names it: o5, s3")
    options = _about_session(p, argv)
    found = origins.explain(latch.folder_of(options.config), options.session, options.order)
    _say(found, origins.describe, options.json)
    return 0


def _about_session(p: argparse.ArgumentParser, argv: list[str]) -> argparse.Namespace:
    p.add_argument(
        "--session", default="", metavar="S", help="a folder or a name; default: the last one, running or not"
    )
    p.add_argument("--config", type=Path, default=Path("trading_config.json"))
    p.add_argument("--json", action="store_true")
    return p.parse_args(argv)


def _say(found: dict[str, Any], describe: Callable[[dict[str, Any]], str], as_json: bool) -> None:
    text = msgspec.json.format(msgspec.json.encode(found)).decode() if as_json else describe(found)
    print(text)  # noqa: T201 - the command line's
