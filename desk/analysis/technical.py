"""Oscillators of one interval and the technical term: mean of 2(RSI − 50), 200(%B − 0.5) and the squeeze momentum rank.

RSI, Bollinger bands and ADX come from the kernels, MFI from pandas-ta-classic: all equal their reference sheets. The
squeeze is our own: its library version has another definition of momentum.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from desk.analysis import library
from desk.analysis.shape import Floats, Frame, Technical
from desk.kernels import indicators
from desk.kernels.averages import true_range, wilder

N = 20
MIN_BARS = 60
RANK_BARS = 100
EPS = 1e-12  # relative: a band narrower than this is no band


def technical(frame: Frame, name: str) -> Technical | None:
    """The indicators of the last closed bar, None below 60 bars.

    A part without a definition (a price that does not move has no RSI and no %B) is left out, with a reason.
    """
    if len(frame) < MIN_BARS:
        return None
    six = indicators.six(frame.ts, frame.high, frame.low, frame.close, frame.volume, 0)[:, -1]
    flat = float(frame.close.max() - frame.close.min()) <= EPS * float(frame.close[-1])
    rsi = None if flat else float(six[indicators.RSI])
    percent_b = _percent_b(float(frame.close[-1]), float(six[indicators.LOWER]), float(six[indicators.UPPER]))
    state, momentum = squeeze(frame)
    parts: dict[str, float] = {}
    why = []
    if rsi is None:
        why.append("RSI: the price has not moved")
    else:
        parts["RSI"] = 2.0 * (rsi - 50.0)
    if percent_b is None:
        why.append("%B: the band has no width")
    else:
        parts["%B"] = max(-100.0, min(100.0, 200.0 * (percent_b - 0.5)))
    strength = momentum_rank(momentum)
    if strength is None:
        why.append("squeeze: no momentum")
    else:
        parts["squeeze"] = strength
    adx = None if flat else float(indicators.directional(frame.high, frame.low, frame.close, 14)[2, -1])
    mfi = None if flat else _finite(float(library.series(frame, "MFI 14")[-1]))
    last = float(momentum[-1]) if len(momentum) else None
    return Technical(name, rsi, percent_b, state, last, adx, mfi, parts, tuple(why))


def technical_score(t: Technical) -> float | None:
    """The mean of the parts that are defined, −100..+100; None without any."""
    return math.fsum(t.parts.values()) / len(t.parts) if t.parts else None


def squeeze(frame: Frame, n: int = N) -> tuple[str, Floats]:
    """("on" | "fired" | "off", momentum (M,)): Bollinger(20, 2σ) inside Keltner(20, 1.5·ATR20), both around the SMA.

    "fired" is the first bar outside. Momentum is the end of the least-squares line through close − mean(mean(highest
    high, lowest low), SMA) over n bars. Source: Carter, "Mastering the Trade"; Bollinger with population σ.
    """
    windows = sliding_window_view(frame.close, n)
    sigma = windows.std(axis=1)
    width = wilder(true_range(frame.high, frame.low, frame.close), n)  # first value: bar n
    inside = 2.0 * sigma[1:] < 1.5 * width  # around the same middle, "inside" is "narrower"
    state = "on" if inside[-1] else "fired" if len(inside) > 1 and inside[-2] else "off"
    top = sliding_window_view(frame.high, n).max(axis=1)
    bottom = sliding_window_view(frame.low, n).min(axis=1)
    delta = frame.close[n - 1 :] - ((top + bottom) / 2.0 + windows.mean(axis=1)) / 2.0
    return state, sliding_window_view(delta, n) @ line_end(n)


def line_end(n: int) -> Floats:
    """Weights (n,) whose dot product with n values is the end of the least-squares line through them.

    >>> bool(abs(line_end(5) @ np.array([1.0, 2.0, 3.0, 4.0, 5.0]) - 5.0) < 1e-12)
    True
    """
    x = np.arange(n, dtype=np.float64) - (n - 1) / 2.0
    return np.asarray(1.0 / n + x[-1] * x / (x @ x), dtype=np.float64)


def momentum_rank(momentum: Floats) -> float | None:
    """100·sign(m)·(share of the last 100 |m| at or below |m|), −100..+100; None when all are 0.

    >>> momentum_rank(np.array([1.0, -4.0, -2.0, -3.0]))
    -75.0
    """
    recent = np.abs(momentum[-RANK_BARS:])
    if not len(recent) or float(recent.max()) <= 0.0:
        return None
    return 100.0 * float(np.sign(momentum[-1])) * float((recent <= recent[-1]).sum()) / len(recent)


def _percent_b(close: float, low: float, high: float) -> float | None:
    return (close - low) / (high - low) if high - low > EPS * close else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
