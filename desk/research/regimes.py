"""Where a score's knowledge comes from: its one-second IC by spread, by recent volatility and by hour of the day (UTC).

A part of the sample has fewer seconds than the whole, and is INSUFFICIENT DATA accordingly.
"""

from __future__ import annotations

from math import nan

import numpy as np
from numpy.typing import NDArray

from desk.research import ic
from desk.research.ic import HorizonIC
from desk.research.metrics import Array

OVER_S = 1.0
QUARTERS = ("lowest quarter", "second", "third", "highest quarter")
VOLATILITY_S = 60
HOUR_NS = 3_600_000_000_000


def regimes(
    score: Array, log_px: Array, spread_bps: Array, step_s: float, begin: int, step_ns: int
) -> dict[str, HorizonIC]:
    """The score's IC within each regime that occurred; arrays (T,) on one grid from `begin` (ns) on.

    Volatility is the size of the last minute's return, known when the score was.
    """
    hours = (begin + np.arange(len(score)) * step_ns) // HOUR_NS % 24
    parts = {
        **_quarters("spread", spread_bps),
        **_quarters("volatility", _trailing(log_px, round(VOLATILITY_S / step_s))),
        **{f"hour {hour:02d} UTC": hours == hour for hour in sorted(set(hours.tolist()))},
    }
    return {name: ic.quick(np.where(part, score, nan), log_px, step_s, OVER_S) for name, part in parts.items()}


def _trailing(log_px: Array, back: int) -> Array:
    """|return| over the last `back` samples; NaN where one end is not known."""
    made = np.full(len(log_px), nan)
    made[back:] = np.abs(log_px[back:] - log_px[: max(len(log_px) - back, 0)])
    return made


def _quarters(name: str, x: Array) -> dict[str, NDArray[np.bool_]]:
    """The four parts between the quartiles of what is known of x; none when nothing is."""
    known = x[np.isfinite(x)]
    if not len(known):
        return {}
    which = np.searchsorted(np.quantile(known, (0.25, 0.5, 0.75)), x, side="right")
    return {f"{name} {quarter}": (which == i) & np.isfinite(x) for i, quarter in enumerate(QUARTERS)}
