"""From an uncalibrated strength to a probability: a monotone map, fitted on the past and judged on what came after."""

from __future__ import annotations

import msgspec
import numpy as np

from desk.research.metrics import Array, Interval, wilson, word

NEED = 200  # resolved calls that do not overlap, before a probability is named
FITTED = 0.6  # share of the calls, the earliest, that the map is fitted on
BINS = 5


class Bin(msgspec.Struct, frozen=True):
    """Calls of similar stated probability: the mean of what was stated, and the share that came true."""

    stated: float
    came: Interval


class Calibration(msgspec.Struct, frozen=True):
    """How well stated probabilities came true, out of sample.

    `skill`: 1 − Brier / Brier of the base rate (of the fitted part), above 0 when the map knows more than the rate;
    `error`: expected calibration error, Σ n_bin/n · |stated − came|. All None below 200 resolved calls.
    """

    n: int
    need: int
    word: str
    skill: float | None = None
    error: float | None = None
    bins: tuple[Bin, ...] = ()


def isotonic(x: Array, y: Array) -> tuple[Array, Array]:
    """The non-decreasing step function of x nearest to y in squares: (x of each sample ascending, fitted value).

    Pool adjacent violators; samples of equal x share a value. Source: Ayer, Brunk, Ewing, Reid & Silverman (1955).

    >>> isotonic(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 1.0, 0.0, 1.0]))[1].tolist()
    [0.0, 0.5, 0.5, 1.0]
    """
    at, where, counts = np.unique(x, return_inverse=True, return_counts=True)
    sums = np.bincount(where, weights=y)
    pooled: list[tuple[float, int, int]] = []  # (sum, samples, distinct x)
    for total, count in zip(sums.tolist(), counts.tolist(), strict=True):
        pooled.append((total, count, 1))
        while len(pooled) > 1 and pooled[-2][0] * pooled[-1][1] >= pooled[-1][0] * pooled[-2][1]:
            last = pooled.pop()
            pooled[-1] = (pooled[-1][0] + last[0], pooled[-1][1] + last[1], pooled[-1][2] + last[2])
    return at, np.repeat([total / n for total, n, _ in pooled], [k for _, _, k in pooled])


def stated(at: Array, fitted: Array, x: Array) -> Array:
    """The map's value at new x: that of the nearest fitted x below, of the lowest one under it."""
    out: Array = fitted[np.clip(np.searchsorted(at, x, side="right") - 1, 0, len(at) - 1)]
    return out


def calibrate(strength: Array, right: Array) -> Calibration:
    """Fit on the earliest 60 % of the calls, judge on the rest.

    strength: (n,) float64 in time order; right: (n,) 1.0 where the direction was right, else 0.0.
    """
    n = len(strength)
    if n < NEED:
        return Calibration(n, NEED, word(n, NEED))
    cut = int(n * FITTED)
    p = stated(*isotonic(strength[:cut], right[:cut]), strength[cut:])
    came, base = right[cut:], float(right[:cut].mean())
    reference = float(np.mean((base - came) ** 2))
    skill = 1.0 - float(np.mean((p - came) ** 2)) / reference if reference > 0 else None
    bins, error = [], 0.0
    for part in np.array_split(np.argsort(p, kind="stable"), BINS):
        share = wilson(int(came[part].sum()), len(part))
        if share is not None:
            bins.append(Bin(float(p[part].mean()), share))
            error += len(part) / len(p) * abs(bins[-1].stated - share.value)
    return Calibration(n, NEED, word(n, NEED), skill, error, tuple(bins))
