"""Recursive averages over whole series: arrays in, arrays out, no NaN.

Both return one value per input from the n-th on: result[i] belongs to values[i + n − 1]. Fewer than n inputs give an
empty result.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from desk.kernels.jit import kernel

Floats = NDArray[np.float64]


@kernel
def ema(values: Floats, n: int) -> Floats:
    """Exponential average, α = 2/(n+1), seeded with the mean of the first n.

    values: (T,) float64, oldest first; result (T−n+1,). Source: the EMA of TA-Lib and of StockCharts.

    >>> [float(x) for x in ema(np.array([1.0, 2.0, 3.0, 8.0]), 3)]
    [2.0, 5.0]
    """
    count = len(values) - n + 1
    if count < 1:
        return np.empty(0)
    out = np.empty(count)
    level = 0.0
    for i in range(n):
        level += values[i]
    level /= n
    out[0] = level
    alpha = 2.0 / (n + 1)
    for i in range(1, count):
        level += alpha * (values[i + n - 1] - level)
        out[i] = level
    return out


@kernel
def wilder(values: Floats, n: int) -> Floats:
    """Wilder's average, α = 1/n, seeded with the mean of the first n: the smoothing inside ATR and RSI.

    values: (T,) float64, oldest first; result (T−n+1,).

    >>> [float(x) for x in wilder(np.array([1.0, 2.0, 3.0, 8.0]), 3)]
    [2.0, 4.0]
    """
    count = len(values) - n + 1
    if count < 1:
        return np.empty(0)
    out = np.empty(count)
    level = 0.0
    for i in range(n):
        level += values[i]
    level /= n
    out[0] = level
    for i in range(1, count):
        level += (values[i + n - 1] - level) / n
        out[i] = level
    return out


@kernel
def true_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """max(high, previous close) − min(low, previous close), from the second bar on: (T−1,).

    >>> [float(x) for x in true_range(np.array([5.0, 6.0]), np.array([4.0, 5.5]), np.array([4.5, 5.6]))]
    [1.5]
    """
    count = len(close) - 1
    if count < 1:
        return np.empty(0)
    out = np.empty(count)
    for i in range(count):
        out[i] = max(high[i + 1], close[i]) - min(low[i + 1], close[i])
    return out
