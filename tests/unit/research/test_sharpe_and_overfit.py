"""desk/research/sharpe.py, overfit.py: the published numbers, and what luck and skill look like."""

from __future__ import annotations

import numpy as np
import pytest

from desk.research.overfit import overfitting
from desk.research.sharpe import (
    deflated_sharpe,
    least_record,
    luckiest_sharpe,
    probabilistic_sharpe,
    shape,
    sharpe,
    variance_of,
)

DAILY = 2.5 / 250**0.5


@pytest.mark.parametrize(
    ("trials", "skew", "kurtosis", "expected"),
    [(100, -3.0, 10.0, 0.9004), (46, -3.0, 10.0, 0.9505), (88, 0.0, 3.0, 0.9505)],
)
def test_the_deflated_sharpe_reproduces_the_published_example(
    trials: int, skew: float, kurtosis: float, expected: float
) -> None:
    """Bailey & López de Prado (2014): SR 2.5 a year, 1,250 days, variance of the trials 0.5 a year."""
    got = deflated_sharpe(DAILY, 1250, 0.5 / 250, trials, skew, kurtosis)
    assert got == pytest.approx(expected, abs=5e-5)
    assert luckiest_sharpe(0.5 / 250, 100) == pytest.approx(0.11317, abs=5e-6)


def test_one_trial_is_not_deflated_and_more_trials_are_deflated_more() -> None:
    values = [deflated_sharpe(DAILY, 1250, 0.5 / 250, n, -3.0, 10.0) for n in (1, 2, 10, 100, 1000)]
    assert values[0] == probabilistic_sharpe(DAILY, 0.0, 1250, -3.0, 10.0)
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(("annual", "days"), [(2.0, 171), (1.0, 679)])
def test_the_least_record_is_where_the_probability_reaches_95_percent(annual: float, days: int) -> None:
    daily = annual / 250**0.5
    needed = least_record(daily)
    assert needed is not None
    assert round(needed) == days
    assert probabilistic_sharpe(daily, 0.0, days + 1) > 0.95 > probabilistic_sharpe(daily, 0.0, days - 1)
    assert least_record(0.0) is None


def test_what_does_not_vary_has_no_sharpe_ratio() -> None:
    assert sharpe(np.full(50, 3.0)) is None
    assert sharpe(np.array([1.0, 2.0])) is None
    assert shape(np.full(5, 2.0)) == (0.0, 3.0)
    assert variance_of([0.3]) == 0.0
    with pytest.raises(ValueError, match="at least 2"):
        probabilistic_sharpe(1.0, 0.0, 1)
    with pytest.raises(ValueError, match="0 trials"):
        luckiest_sharpe(1.0, 0)


def test_the_best_of_lucky_variants_is_overfitted_half_of_the_time_and_a_skilled_one_never() -> None:
    """Breaks: PBO says nothing. One draw of luck scatters widely; the mean of 40 is near one half."""
    dice = np.random.Generator(np.random.PCG64(5))
    luck = [overfitting(dice.normal(0, 1, (320, 9)), blocks=8) for _ in range(40)]
    assert 0.4 < float(np.mean([p for p in luck if p is not None])) < 0.62
    skilled = dice.normal(0, 1, (320, 9)) + np.where(np.arange(9) == 4, 0.5, 0.0)
    assert overfitting(skilled) == 0.0


def test_a_variant_that_wins_only_where_it_was_chosen_is_overfitted_for_certain() -> None:
    """Two runs, two variants that swap places: the best of one is the worst of the other."""
    up, down = np.tile([3.0, 1.0], 10), np.tile([-3.0, -1.0], 10)
    assert overfitting(np.stack([np.r_[up, down], np.r_[down, up]], axis=1), blocks=2) == 1.0


def test_too_little_to_split_gives_no_probability() -> None:
    dice = np.random.Generator(np.random.PCG64(5))
    assert overfitting(dice.normal(0, 1, (159, 4))) is None
    assert overfitting(np.stack([dice.normal(0, 1, 400), np.zeros(400)], axis=1)) is None
    with pytest.raises(ValueError, match="even number of blocks"):
        overfitting(np.ones((100, 2)), blocks=3)
