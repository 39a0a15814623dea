"""The long tail of indicators, from pandas-ta-classic: those that equal an independent reference, and none that looks
ahead.

Always `talib=False`: with TA-Lib installed the library would switch by itself and the numbers would depend on the
machine. Left out because a value at a bar reads later bars: `dpo` (its default is centred), `ichimoku` with its default
`lookahead=True` (ours is desk.analysis.ichimoku) and `tos_stdevall`. Left out because it differs from its reference:
`psar` (another first side).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pandas_ta_classic as ta

from desk.analysis.shape import Floats, Frame

Columns = dict[str, "pd.Series[float]"]
_CALLS: dict[tuple[str, ...], Callable[[Columns], Any]] = {  # what a call gives, by its first columns
    ("stochastic %K 14/3", "stochastic %D 3"): lambda c: ta.stoch(
        c["high"], c["low"], c["close"], 14, 3, 3, talib=False
    ),
    ("CCI 20",): lambda c: ta.cci(c["high"], c["low"], c["close"], length=20, talib=False),
    ("ROC 12",): lambda c: ta.roc(c["close"], length=12, talib=False),
    ("Williams %R 14",): lambda c: ta.willr(c["high"], c["low"], c["close"], length=14, talib=False),
    ("MFI 14",): lambda c: ta.mfi(c["high"], c["low"], c["close"], c["volume"], length=14, talib=False),
    ("CMF 20",): lambda c: ta.cmf(c["high"], c["low"], c["close"], c["volume"], length=20, talib=False),
    ("KAMA 10",): lambda c: ta.kama(c["close"], length=10, fast=2, slow=30),
    ("+VI 14", "−VI 14"): lambda c: ta.vortex(c["high"], c["low"], c["close"], length=14),
    ("ultimate oscillator",): lambda c: ta.uo(c["high"], c["low"], c["close"], talib=False),
}
NAMES = tuple(name for names in _CALLS for name in names)


def series(frame: Frame, name: str) -> Floats:
    """One of NAMES over a whole frame: (T,), NaN where it is not defined. Raises KeyError for another name."""
    names = next((names for names in _CALLS if name in names), None)
    if names is None:
        raise KeyError(f"{name!r} is none of {', '.join(NAMES)}")
    return _made(names, frame, _columns(frame))[names.index(name)]


def latest(frame: Frame) -> dict[str, float]:
    """Each of NAMES at the last bar; those without a finite value there are left out."""
    columns = _columns(frame)
    rows = {name: row for names in _CALLS for name, row in zip(names, _made(names, frame, columns), strict=True)}
    return {name: float(row[-1]) for name, row in rows.items() if np.isfinite(row[-1])}


def _columns(frame: Frame) -> Columns:
    return {key: pd.Series(getattr(frame, key)) for key in ("high", "low", "close", "volume")}


def _made(names: tuple[str, ...], frame: Frame, columns: Columns) -> list[Floats]:
    """The rows of one call, each (T,)."""
    made = _CALLS[names](columns)
    if made is None:  # the library's word for too few bars
        return [np.full(len(frame), np.nan) for _ in names]
    index = columns["close"].index
    rows = [made] if made.ndim == 1 else [made.iloc[:, i] for i in range(len(names))]
    return [np.asarray(row.reindex(index), dtype=np.float64) for row in rows]
