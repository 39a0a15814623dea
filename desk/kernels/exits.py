"""First passages: which of two prices a series of candles reaches first, for many questions at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from desk.kernels.jit import kernel

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

UP, DOWN, NEITHER, BOTH = 1, -1, 0, 2


@kernel
def first_exits(
    high: Floats, low: Floats, begin: Counts, end: Counts, down: Floats, up: Floats
) -> tuple[Counts, Counts]:
    """(side, bar), each (N,) int64: the first bar in [begin, end) with low ≤ down or high ≥ up.

    side: 1 up, −1 down, 2 both inside one bar (their order is unknown), 0 neither; then `bar` is `end`. high, low:
    (T,) float64; begin, end: (N,) int64 within 0..T; down, up: (N,), −inf or inf for a side that does not count.

    >>> high, low = np.array([2.0, 3.0, 9.0]), np.array([1.0, 2.0, 0.5])
    >>> where = np.array([0, 0, 2]), np.array([3, 2, 3])
    >>> side, bar = first_exits(high, low, *where, np.array([0.0, 0.0, 1.0]), np.array([3.0, 8.0, 8.0]))
    >>> [int(x) for x in side], [int(x) for x in bar]
    ([1, 0, 2], [1, 2, 2])
    """
    count = len(begin)
    side = np.zeros(count, np.int64)
    bar = end.copy()
    for k in range(count):
        for i in range(begin[k], end[k]):
            above = high[i] >= up[k]
            below = low[i] <= down[k]
            if above or below:
                side[k] = 2 if above and below else 1 if above else -1
                bar[k] = i
                break
    return side, bar
