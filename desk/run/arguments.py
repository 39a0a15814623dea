"""What the command line's words mean: symbols, intervals, dates and numbers; each says what to write instead."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime


def symbols(text: str) -> tuple[str, ...]:
    """BASE/QUOTE, one or several.

    >>> symbols("btc/usdt, ETH/USDT")
    ('BTC/USDT', 'ETH/USDT')
    """
    found = tuple(part.strip().upper() for part in text.split(",") if part.strip())
    if not found or any(symbol.count("/") != 1 for symbol in found):
        raise argparse.ArgumentTypeError(f"{text!r}: write BASE/QUOTE, several with commas: BTC/USDT,ETH/USDT")
    return found


def positive(text: str) -> float:
    """A number of seconds."""
    value = float(text)
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text}: more than 0 seconds")
    return value


def count(text: str) -> int:
    """A whole number from 1 on."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text}: a whole number from 1 on")
    return int(text)


def speed(text: str) -> float:
    """Times real time; 0.0 for "max"."""
    value = 0.0 if text == "max" else float(text)
    if not 0 <= value <= 1e6:
        raise argparse.ArgumentTypeError(f"{text}: a number above 0, or max")
    return value


def intervals(text: str) -> tuple[str, ...]:
    """Names of candle intervals, finest first."""
    from desk.analysis.shape import FRAMES  # here: --help answers at once

    names = tuple(part.strip() for part in text.split(","))
    if unknown := [name for name in names if name not in FRAMES]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: must be of {', '.join(FRAMES)}")
    return tuple(name for name in FRAMES if name in names)


def date(text: str) -> int:
    """A date or a moment, UTC where it does not say; ns since 1970.

    >>> date("1970-01-02")
    86400000000000
    """
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: write a date like 2024-01-31, or with a time 2024-01-31T09:00"
        ) from None
    return int((given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()) * 10**9
