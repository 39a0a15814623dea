"""How sure a measured number is: intervals, sample sizes, and the word that goes beside it (signals.md, section 9)."""

from __future__ import annotations

from math import ceil, sqrt

import msgspec
import numpy as np
from numpy.typing import NDArray

from desk.analysis.evidence import Interval as Interval

Z95 = 1.959963984540054  # standard normal quantile at 0.975
NEED_TRADES = 783
"""Trades that tell a win rate of 55 % from 50 % (`trades_needed`): below it a record of trades is INSUFFICIENT DATA."""

Array = NDArray[np.float64]


class Expectancy(msgspec.Struct, frozen=True):
    """What one trade brings on average, and what makes it up: never a win rate alone.

    `net` per trade with its bootstrap interval; `win_rate` with Wilson's; `payoff` = mean win / mean loss, None when
    there are no wins or no losses. All in the unit of the results handed in. `word`: see `word`.
    """

    n: int
    net: Interval
    win_rate: Interval
    payoff: float | None
    word: str


def wilson(hits: int, n: int, z: float = Z95) -> Interval | None:
    """Share of hits with its Wilson score interval; None for n = 0. Raises ValueError unless 0 ≤ hits ≤ n.

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference".

    >>> i = wilson(55, 100)
    >>> round(i.low, 4), round(i.high, 4)
    (0.4524, 0.6439)
    """
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} hits of {n}: hits lie between 0 and n")
    if n == 0:
        return None
    p, z2 = hits / n, z * z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    # at 0 and n the bound is exactly 0 and 1; subtraction leaves a rest of 1e-17
    return Interval(p, 0.0 if hits == 0 else centre - half, 1.0 if hits == n else centre + half, n)


def trades_needed(p: float, against: float = 0.5) -> int:
    """Trades that tell a win rate `p` from `against`: two-sided 5 %, power 80 %, normal approximation.

    n = ((1.96·√(q(1−q)) + 0.8416·√(p(1−p))) / (p − q))², q = `against`, rounded up.

    >>> trades_needed(0.55), trades_needed(0.75, against=0.55)
    (783, 45)
    """
    if not (0 < p < 1 and 0 < against < 1) or p == against:
        raise ValueError(f"win rates {p} and {against}: two different shares between 0 and 1 are needed")
    # quantiles as tables print them, as in the vectors of signals.md: exact ones give 19 620, not 19 621, at 51 %
    spread = 1.96 * sqrt(against * (1 - against)) + 0.8416 * sqrt(p * (1 - p))
    return ceil((spread / (p - against)) ** 2)


def observations_needed(ic: float, t: float = 3.0) -> int:
    """Independent observations for a rank correlation `ic` to reach this t: (t / ic)².

    >>> observations_needed(0.05)
    3600
    """
    if ic == 0 or not abs(ic) <= 1:
        raise ValueError(f"an IC of {ic}: a correlation other than 0 is needed")
    return ceil(round((t / ic) ** 2, 6))


def word(n: int, need: int) -> str:
    """What may be said of a number: "MEASURED", "INSUFFICIENT DATA" below `need`, "NOT MEASURED" without any.

    >>> word(800, 783), word(12, 783), word(0, 783)
    ('MEASURED', 'INSUFFICIENT DATA', 'NOT MEASURED')
    """
    if n <= 0:
        return "NOT MEASURED"
    return "MEASURED" if n >= need else "INSUFFICIENT DATA"


def ranks(x: Array) -> Array:
    """Ranks from 1, ties sharing their mean: (n,) float64 → (n,) float64."""
    _, where, counts = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(counts).astype(np.float64)
    mean: Array = (last - (counts - 1) / 2.0)[where]
    return mean


def spearman(x: Array, y: Array) -> float | None:
    """Rank correlation −1..1; None when either is constant or there are fewer than 3 pairs.

    x, y: (n,) float64, same order, no NaN (ValueError).
    """
    _pairs(x, y)
    return _pearson(ranks(x), ranks(y)) if len(x) >= 3 else None


def information_coefficient(
    signal: Array, forward: Array, block: float, seed: int, resamples: int = 1000
) -> Interval | None:
    """Spearman IC of a signal and the return after it, with a stationary-bootstrap 95 % interval.

    signal, forward: (T,) float64 in time order. Blocks are geometric with mean `block` observations (at least twice the
    horizon, in observations, because neighbouring returns overlap) and wrap around. Ranks are taken once and resampled
    in pairs: re-ranking each resample changes the interval by less than its own noise, at many times the cost. `n` is
    the number of pairs, not of independent ones. None as for `spearman`. Same seed, same interval.
    Source: Politis & Romano (1994), "The stationary bootstrap".
    """
    value = spearman(signal, forward)
    if value is None:
        return None
    x, y = ranks(signal), ranks(forward)
    drawn = [
        c for c in (_pearson(x[i], y[i]) for i in stationary_blocks(len(x), block, seed, resamples)) if c is not None
    ]
    low, high = np.quantile(np.array(drawn or [value]), (0.025, 0.975))
    return Interval(value, float(low), float(high), len(x))


def stationary_blocks(n: int, block: float, seed: int, resamples: int) -> list[NDArray[np.int64]]:
    """Index arrays (n,) of stationary-bootstrap resamples: a new random start with chance 1/block, else the next."""
    if not block >= 1:
        raise ValueError(f"a mean block of {block} observations: at least 1 is needed")
    rng = np.random.Generator(np.random.PCG64(seed))
    out = []
    position = np.arange(n)
    for _ in range(resamples):
        fresh = rng.random(n) < 1.0 / block
        fresh[0] = True
        starts = np.flatnonzero(fresh)
        begin = rng.integers(0, n, size=len(starts))
        which = np.cumsum(fresh) - 1
        out.append(((begin - starts)[which] + position) % n)
    return out


def expectancy(net: Array, seed: int, need: int = NEED_TRADES, resamples: int = 2000) -> Expectancy | None:
    """Mean net result of closed trades with its interval, win rate and payoff ratio; None without trades.

    net: (n,) float64, one per trade, after costs, any unit. `need` is the number of trades from which the word is
    MEASURED; by default what tells a win rate of 55 % from a coin.
    """
    if not np.isfinite(net).all():
        raise ValueError("a trade's result is not a number")
    n = len(net)
    wins, losses = net[net > 0], net[net < 0]
    rate = wilson(len(wins), n)
    if rate is None:
        return None
    payoff = float(wins.mean() / -losses.mean()) if len(wins) and len(losses) else None
    return Expectancy(n, mean_interval(net, seed, resamples), rate, payoff, word(n, need))


def mean_interval(x: Array, seed: int, resamples: int = 2000) -> Interval:
    """Mean of independent observations with its bootstrap 95 % interval; x: (n,) float64, n ≥ 1 (ValueError)."""
    if not len(x) or not np.isfinite(x).all():
        raise ValueError(f"a mean of {len(x)} observations: at least one is needed, and all must be numbers")
    n, rng = len(x), np.random.Generator(np.random.PCG64(seed))
    means = np.array([x[rng.integers(0, n, size=n)].mean() for _ in range(resamples)])
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float(x.mean()), float(low), float(high), n)


def _pairs(x: Array, y: Array) -> None:
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"pairs are needed: shapes {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("a pair holds a value that is not a number: drop it first")


def _pearson(x: Array, y: Array) -> float | None:
    a, b = x - x.mean(), y - y.mean()
    scale = sqrt(float(a @ a) * float(b @ b))
    return min(1.0, max(-1.0, float(a @ b) / scale)) if scale > 0 else None
