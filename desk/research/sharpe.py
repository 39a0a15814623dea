"""Is a Sharpe ratio more than luck: probabilistic and deflated Sharpe, and the length of record it needs.

Sharpe ratios here are per observation (a day), never annualised: SR = mean / standard deviation.
Sources: Bailey & López de Prado (2012), "The Sharpe ratio efficient frontier"; (2014), "The deflated Sharpe ratio".
"""

from __future__ import annotations

from math import e, sqrt
from statistics import NormalDist

import numpy as np

from desk.research.metrics import Array

EULER = 0.5772156649015329
_NORMAL = NormalDist()


def sharpe(returns: Array) -> float | None:
    """mean / standard deviation (n − 1) per observation; None below 3 observations or when they do not vary."""
    if len(returns) < 3:
        return None
    spread = float(returns.std(ddof=1))
    return float(returns.mean()) / spread if spread > 1e-15 else None


def shape(returns: Array) -> tuple[float, float]:
    """(skewness, kurtosis), population moments; a normal distribution has (0, 3), and so has what does not vary."""
    d = returns - returns.mean()
    variance = float((d**2).mean())
    if variance <= 0.0:
        return 0.0, 3.0
    return float((d**3).mean()) / variance**1.5, float((d**4).mean()) / variance**2


def probabilistic_sharpe(sr: float, against: float, n: int, skew: float = 0.0, kurtosis: float = 3.0) -> float:
    """Probability that the true Sharpe is above `against`, given `sr` measured on n observations, 0..1.

    PSR = Φ((SR − SR*)·√(n−1) / √(1 − γ₃·SR + (γ₄−1)/4·SR²)). Raises ValueError below 2 observations.
    """
    if n < 2:
        raise ValueError(f"a Sharpe ratio of {n} observations: at least 2 are needed")
    return _NORMAL.cdf((sr - against) * sqrt(n - 1) / sqrt(_spread(sr, skew, kurtosis)))


def luckiest_sharpe(variance: float, trials: int) -> float:
    """The Sharpe that the best of `trials` worthless variants reaches on average, per observation; 0 for one.

    SR₀ = √V·((1−γ)·Φ⁻¹(1 − 1/N) + γ·Φ⁻¹(1 − 1/(N·e))), V the variance of the variants' Sharpe ratios, γ Euler's.

    >>> round(luckiest_sharpe(0.5 / 250, 100), 5)
    0.11317
    """
    if trials < 1 or not variance >= 0.0:
        raise ValueError(f"{trials} trials of variance {variance}: at least one trial, variance at least 0")
    if trials == 1:
        return 0.0
    quantile = (1.0 - EULER) * _NORMAL.inv_cdf(1.0 - 1.0 / trials) + EULER * _NORMAL.inv_cdf(1.0 - 1.0 / (trials * e))
    return sqrt(variance) * quantile


def deflated_sharpe(sr: float, n: int, variance: float, trials: int, skew: float = 0.0, kurtosis: float = 3.0) -> float:
    """Probability that the true Sharpe is above what luck gives the best of `trials` variants, 0..1.

    >>> daily = 2.5 / 250**0.5
    >>> [round(deflated_sharpe(daily, 1250, 0.5 / 250, trials, -3.0, 10.0), 4) for trials in (100, 46)]
    [0.9004, 0.9505]
    """
    return probabilistic_sharpe(sr, luckiest_sharpe(variance, trials), n, skew, kurtosis)


def least_record(sr: float, skew: float = 0.0, kurtosis: float = 3.0, confidence: float = 0.95) -> float | None:
    """Observations from which this Sharpe is above 0 with that confidence; None when it is not above 0.

    MinTRL = 1 + (1 − γ₃·SR + (γ₄−1)/4·SR²)·(z/SR)².

    >>> [round(least_record(annual / 250**0.5)) for annual in (2.0, 1.0)]
    [171, 679]
    """
    if sr <= 0.0:
        return None
    return 1.0 + _spread(sr, skew, kurtosis) * (_NORMAL.inv_cdf(confidence) / sr) ** 2


def _spread(sr: float, skew: float, kurtosis: float) -> float:
    """1 − γ₃·SR + (γ₄−1)/4·SR²: at least (1 − γ₃·SR/2)² for real moments, where γ₄ ≥ 1 + γ₃²."""
    return max(1.0 - skew * sr + (kurtosis - 1.0) / 4.0 * sr**2, 1e-12)


def variance_of(ratios: list[float]) -> float:
    """The variance of the variants' Sharpe ratios (n − 1); 0 for fewer than two."""
    return float(np.var(ratios, ddof=1)) if len(ratios) > 1 else 0.0
