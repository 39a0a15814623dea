"""What the false-breakout filter was worth in a session: precision, recall and lift against trading every break."""

from __future__ import annotations

from typing import Any

from desk.engine import Engine
from desk.research.metrics import Interval, trades_needed, wilson, word
from desk.signals.breakout import BreakoutRecord

NEED = trades_needed(0.6)
"""Breaks that tell a precision of 60 % from a coin's."""


def breakouts_of(engine: Engine) -> dict[str, dict[str, Any]]:
    """The record of each instrument whose strategy filters breaks, after a run or a replay of one."""
    found = {}
    for seat in engine.seats:
        for inst in engine.watch.markets:
            if (record := seat.strategy.breakouts(inst)) is not None:
                found[inst] = measured(record)
    return found


def measured(record: BreakoutRecord) -> dict[str, Any]:
    """The numbers with Wilson's 95 % intervals, None where nothing can be divided; `word` as in research.metrics.

    >>> found = measured(BreakoutRecord(believed_real=6, believed_false=2, doubted_real=2, doubted_false=6))
    >>> found["precision"]["value"], found["recall"]["value"], found["base_rate"]["value"], found["lift"], found["word"]
    (0.75, 0.75, 0.5, 1.5, 'INSUFFICIENT DATA')
    """
    real, believed = record.believed_real + record.doubted_real, record.believed_real + record.believed_false
    return {
        "n": record.decided,
        "need": NEED,
        "word": word(record.decided, NEED),
        "precision": _plain(wilson(record.believed_real, believed)),
        "recall": _plain(wilson(record.believed_real, real)),
        "base_rate": _plain(wilson(real, record.decided)),
        "lift": record.lift,
        "undecided": record.undecided,
        "unjudged": record.unjudged,
    }


def said(found: dict[str, Any]) -> str:
    """One line for a person."""
    n, need = found["n"], found["need"]
    if not n:
        return "breaks of the 20-minute range: none came to an end; the filter is NOT MEASURED"
    shares = ", ".join(
        f"{name.replace('_', ' ')} {_share(found[name])}" for name in ("precision", "recall", "base_rate")
    )
    lift = "–" if found["lift"] is None else f"{found['lift']:.2f}"
    return f"breaks of the 20-minute range: {found['word']} (n {n} of {need}): {shares}, lift {lift}"


def _share(interval: dict[str, float] | None) -> str:
    if interval is None:
        return "–"
    return f"{100 * interval['value']:.0f} % [{100 * interval['low']:.0f}, {100 * interval['high']:.0f}]"


def _plain(interval: Interval | None) -> dict[str, float] | None:
    return {"value": interval.value, "low": interval.low, "high": interval.high, "n": interval.n} if interval else None
