"""The probability of backtest overfitting: does the variant that was best on some days stay good on the others?

Source: Bailey, Borwein, López de Prado & Zhu (2017), "The probability of backtest overfitting" (CSCV).
"""

from __future__ import annotations

import numpy as np

from desk.research.metrics import Array

BLOCKS = 16  # 12,870 ways to take half of them
FEWEST = 10  # observations in a block


def overfitting(returns: Array, blocks: int = BLOCKS) -> float | None:
    """PBO, 0..1: in how many of the splits the best variant of one half is at or below the middle in the other.

    returns: (T, N) float64, one column per variant, rows in time order. Days are cut into `blocks` runs (even number);
    each half of them is a training set once, its complement the test set; best and rank are by Sharpe ratio. The rank
    ω = r / (N+1), ties sharing theirs, overfit when the logit ln(ω/(1−ω)) ≤ 0. None below two variants that trade or
    ten days a block. Raises ValueError for values that are not numbers or an odd number of blocks.

    >>> dice = np.random.Generator(np.random.PCG64(1))
    >>> luck = dice.normal(0.0, 1.0, (800, 10))
    >>> skill = luck + np.array([0.3] + [0.0] * 9)
    >>> overfitting(skill) < 0.01 < overfitting(luck)
    True
    """
    if blocks % 2 or blocks < 2 or not np.isfinite(returns).all():
        raise ValueError(f"{blocks} blocks of {returns.shape} returns: an even number of blocks, and numbers only")
    size = len(returns) // blocks
    if size < FEWEST:
        return None
    varied = returns[:, returns.std(axis=0) > 1e-15]
    if varied.shape[1] < 2:
        return None
    kept = varied[len(varied) - size * blocks :].reshape(blocks, size, -1)  # the oldest rest is left out
    sums, squares = kept.sum(axis=1), (kept**2).sum(axis=1)
    choices = (np.arange(2**blocks)[:, None] >> np.arange(blocks)) & 1
    taken = choices[choices.sum(axis=1) == blocks // 2].astype(np.float64)
    days = size * blocks // 2
    train, test = _ratios(taken @ sums, taken @ squares, days), _ratios((1 - taken) @ sums, (1 - taken) @ squares, days)
    best = train.argmax(axis=1)
    chosen = np.take_along_axis(test, best[:, None], axis=1)
    rank = (test < chosen).sum(axis=1) + ((test == chosen).sum(axis=1) + 1) / 2.0
    return float((rank / (varied.shape[1] + 1) <= 0.5).mean())


def _ratios(sums: Array, squares: Array, days: int) -> Array:
    """Sharpe ratios from sums over days; one that does not vary has none and counts as 0."""
    mean = sums / days
    variance = squares / days - mean**2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(variance > 1e-30, mean / np.sqrt(variance), 0.0)
