"""Longer candles from shorter ones in one pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from desk.kernels.jit import kernel

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Flags = NDArray[np.bool_]


@kernel
def gather(
    ts: Times,
    open_: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    volume: Floats,
    thin: Flags,
    interval: int,
    phase: int,
    full: int,
    begin: int,
    end: int,
    times: Times,
    rows: Floats,
    thinned: Flags,
) -> int:
    """Candles of `interval` ns, counted from `phase`, that lie within begin ≤ open time and close time ≤ end.

    ts: (T,) open times in ns, ascending. Written are times (N,), rows (5, N): open, high, low, close, volume, and
    thinned (N,): fewer than `full` bars in it, or a thin one. Returns how many; N = T is always enough.

    >>> x = np.array([1.0, 3.0, 2.0])
    >>> times, rows, thinned = np.empty(3, np.int64), np.empty((5, 3)), np.empty(3, np.bool_)
    >>> where = np.array([0, 1, 3]), x, x, x, x, x, np.zeros(3, np.bool_)
    >>> made = gather(*where, 2, 0, 2, 0, 4, times, rows, thinned)
    >>> times[:made], rows[:, 0], thinned[:made]
    (array([0, 2]), array([1., 3., 1., 3., 4.]), array([False,  True]))
    """
    made, i, count = 0, 0, len(ts)
    while i < count:
        start = (ts[i] - phase) // interval * interval + phase
        stop = start + interval
        first, top, bottom, total, worn = i, high[i], low[i], volume[i], thin[i]
        i += 1
        while i < count and ts[i] < stop:
            top, bottom = max(top, high[i]), min(bottom, low[i])
            total += volume[i]
            worn |= thin[i]
            i += 1
        if start >= begin and stop <= end:
            times[made] = start
            rows[0, made], rows[1, made], rows[2, made] = open_[first], top, bottom
            rows[3, made], rows[4, made] = close[i - 1], total
            thinned[made] = worn or i - first < full
            made += 1
    return made
