"""How the market moves at the moment: trending or not, calm or stormy.

    trend        ADX 14 at least 25 and an efficiency of at least 0.3; its side is the larger DI's
    range        ADX 14 below 20
    transition   anything between
    stormy       ATR14 / close in the top fifth of its last 250; calm in the bottom fifth

The boundaries are conventions (Wilder's 20 and 25), not results.
"""

from __future__ import annotations

import numpy as np

from desk.analysis.findings import Regime
from desk.analysis.shape import Floats, Frame
from desk.analysis.timeframes import MIN_BARS, RANK_BARS, atr, rank
from desk.kernels.indicators import directional

TREND, RANGE = 25.0, 20.0
EFFICIENT = 0.3
EFFICIENCY_BARS, VARIANCE_BARS, VARIANCE_LEAST = 20, 5, 100


def efficiency(close: Floats, n: int = EFFICIENCY_BARS) -> float:
    """|c_T − c_{T−n}| / Σ|Δc| of the last n bars, 0..1 (Kaufman); 0 when nothing moved.

    >>> efficiency(np.array([1.0, 2.0, 1.0, 2.0]), 3), efficiency(np.array([1.0, 2.0, 3.0, 4.0]), 3)
    (0.3333333333333333, 1.0)
    """
    recent = close[-n - 1 :]
    path = float(np.abs(np.diff(recent)).sum())
    return abs(float(recent[-1] - recent[0])) / path if path > 0.0 else 0.0


def variance_ratio(close: Floats, q: int = VARIANCE_BARS) -> float | None:
    """Var(q-bar log returns) / (q · Var(1-bar)), both unbiased for overlapping windows; None below 100 bars or flat.

    1 for a random walk, above 1 when moves go on, below when they turn back. Source: Lo and MacKinlay (1988), VR(q).
    """
    logs = np.log(close)
    n = len(logs) - 1
    if n < VARIANCE_LEAST:
        return None
    drift = float(logs[-1] - logs[0]) / n
    one = float(np.sum((np.diff(logs) - drift) ** 2)) / (n - 1)
    if one <= 0.0:
        return None
    many = float(np.sum((logs[q:] - logs[:-q] - q * drift) ** 2)) / (q * (n - q + 1) * (1.0 - q / n))
    return many / one


def regime(frame: Frame, name: str) -> Regime | None:
    """The regime of one interval; None below 60 bars or when the price has not moved."""
    if len(frame) < MIN_BARS:
        return None
    ranges = atr(frame)
    if ranges[-1] <= 0.0:
        return None
    ahead, behind, adx = (float(x) for x in directional(frame.high, frame.low, frame.close, 14)[:, -1])
    straight = efficiency(frame.close)
    relative = (ranges / frame.close[-len(ranges) :])[-RANK_BARS:]
    share = rank(relative)
    if adx >= TREND and straight >= EFFICIENT:
        word = "trend up" if ahead > behind else "trend down"
    else:
        word = "range" if adx < RANGE else "transition"
    mood = "stormy" if share >= 80.0 else "calm" if share <= 20.0 else "normal"
    return Regime(name, word, mood, adx, straight, share, variance_ratio(frame.close[-RANK_BARS:]))
