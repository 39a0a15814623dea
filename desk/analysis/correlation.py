"""How a symbol moves with another one: Pearson correlation and beta of log returns over the bars both have."""

from __future__ import annotations

import math

import numpy as np

from desk.analysis.findings import Correlation
from desk.analysis.shape import Floats, Frame

LEAST = 60  # returns
Z95 = 1.959963984540054


def returns_of_both(a: Frame, b: Frame) -> tuple[Floats, Floats]:
    """Log returns (N,), (N,) over single steps that both frames have; a step across a missing bar is left out.

    Raises ValueError for frames of different intervals.
    """
    if a.interval_ns != b.interval_ns:
        raise ValueError(f"intervals differ: {a.interval_ns} and {b.interval_ns} ns")
    ts, left, right = np.intersect1d(a.ts, b.ts, assume_unique=True, return_indices=True)
    steps = np.flatnonzero(np.diff(ts) == a.interval_ns)
    first, second = np.log(a.close[left]), np.log(b.close[right])
    return first[steps + 1] - first[steps], second[steps + 1] - second[steps]


def correlation(own: Frame, other: Frame, reference: str, interval: str) -> Correlation | None:
    """ρ, its 95 % interval tanh(atanh ρ ± 1.96/√(n−3)) and β = Cov/Var(reference).

    None below 60 common returns, or where one of the two did not move.
    """
    x, y = returns_of_both(own, other)
    n = len(x)
    if n < LEAST:
        return None
    x, y = x - x.mean(), y - y.mean()
    xx, yy, xy = float(x @ x), float(y @ y), float(x @ y)
    if xx <= 0.0 or yy <= 0.0:
        return None
    value = max(-1.0, min(1.0, xy / math.sqrt(xx * yy)))
    if abs(value) > 1.0 - 1e-12:  # the symbol with itself: atanh has no value there
        return Correlation(reference, interval, n, value, value, value, xy / yy)
    middle, reach = math.atanh(value), Z95 / math.sqrt(n - 3)
    return Correlation(reference, interval, n, value, math.tanh(middle - reach), math.tanh(middle + reach), xy / yy)
