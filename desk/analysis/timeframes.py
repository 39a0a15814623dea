"""Trend, momentum and volatility of each interval, and how far they agree (signals.md 6.5, MTF).

T = 100·tanh((EMA12 − EMA26) / ATR14 / 2) on closed candles: ±100 is a trend far beyond the usual range of a bar.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from desk.analysis.profile import profile, value_place
from desk.analysis.shape import FRAMES, Coverage, Floats, Frame, Timeframe
from desk.kernels.averages import ema, true_range, wilder

WEIGHTS = {"15m": 0.15, "1h": 0.25, "4h": 0.30, "1d": 0.30}
MIN_BARS = 60  # EMA26 is seeded with a mean; after 34 more bars the seed weighs 7 %
MOMENTUM_BARS = 10
RANK_BARS = 250  # volatility is compared with at most this many bars


def atr(frame: Frame, n: int = 14) -> Floats:
    """Wilder's average true range: (T−n,), the last one for the last bar; empty below n + 1 bars."""
    return wilder(true_range(frame.high, frame.low, frame.close), n)


def timeframe(name: str, frame: Frame | None) -> Timeframe:
    """The row of one interval; every number that its bars do not define is None, with the reason in `why`."""
    weight = WEIGHTS.get(name, 0.0)
    bars = len(frame) if frame is not None else 0
    if frame is None or bars < MIN_BARS:
        why = "no candles" if not bars else f"{bars} closed candles, needs {MIN_BARS}"
        return Timeframe(name, weight, None, "unknown", None, None, None, None, "", why)
    ranges = atr(frame)
    last, width = float(frame.close[-1]), float(ranges[-1])
    shape = profile(frame.upto(frame.end, RANK_BARS), name)
    place = value_place(last, shape) if shape is not None else ""
    if width <= 0.0:
        return Timeframe(name, weight, None, "unknown", None, None, None, None, place, "the price has not moved")
    trend = 100.0 * math.tanh(float(ema(frame.close, 12)[-1] - ema(frame.close, 26)[-1]) / width / 2.0)
    relative = ranges / frame.close[-len(ranges) :]
    return Timeframe(
        name,
        weight,
        trend,
        trend_word(trend),
        (last - float(frame.close[-1 - MOMENTUM_BARS])) / width,
        width,
        100.0 * float(relative[-1]),
        rank(relative[-RANK_BARS:]),
        place,
    )


def timeframes(frames: Mapping[str, Frame]) -> tuple[Timeframe, ...]:
    """One row per known interval, longest first, whether or not it has data."""
    return tuple(timeframe(name, frames.get(name)) for name in reversed(FRAMES))


def rank(values: Floats) -> float:
    """The share of values at or below the last one, ties counted half, in percent 0..100.

    >>> rank(np.array([1.0, 2.0, 3.0, 2.0]))
    50.0
    """
    below, equal = int((values < values[-1]).sum()), int((values == values[-1]).sum())
    return 100.0 * (below + equal / 2.0) / len(values)


def trend_word(trend: float) -> str:
    """The word for a trend, sign-symmetric, boundaries at ±20 and ±60.

    >>> [trend_word(x) for x in (60.0, 20.0, 19.9, -20.0, -60.0)]
    ['strong up', 'up', 'flat', 'down', 'strong down']
    """
    if abs(trend) < 20.0:
        return "flat"
    way = "up" if trend > 0 else "down"
    return f"strong {way}" if abs(trend) >= 60.0 else way


def trend_score(rows: tuple[Timeframe, ...]) -> tuple[float | None, float | None, str]:
    """(X, confluence, note): Σ w·T / Σ w over the weighted intervals, and |Σ w·sgn T| / Σ w, 0..1.

    Below half of the weight both are None and the note says what is missing.
    """
    known = [(r.weight, r.trend) for r in rows if r.weight and r.trend is not None]
    absent = [f"{r.name} ({r.why})" for r in rows if r.weight and r.trend is None]
    total = math.fsum(w for w, _ in known)
    lost = "without " + ", ".join(absent) if absent else ""
    if total < 0.5:
        return None, None, lost or "no timeframe"
    score = math.fsum(w * t for w, t in known) / total
    agreement = abs(math.fsum(w * float(np.sign(t)) for w, t in known)) / total
    return score, agreement, lost


def coverage(frames: Mapping[str, Frame]) -> tuple[Coverage, ...]:
    """What data there was per interval, longest first."""
    rows = []
    for name in reversed(FRAMES):
        f = frames.get(name)
        if f is None or not len(f):
            rows.append(Coverage(name, 0, 0, 0, 0, 0, "no closed candles"))
        else:
            rows.append(Coverage(name, len(f), int(f.ts[0]), f.end, f.gaps, int(f.thin.sum())))
    return tuple(rows)
