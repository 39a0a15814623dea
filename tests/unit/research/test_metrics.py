"""Intervals and sample sizes against published vectors and other implementations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from desk.research.metrics import (
    expectancy,
    information_coefficient,
    observations_needed,
    ranks,
    spearman,
    stationary_blocks,
    trades_needed,
    wilson,
    word,
)


def rng(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (55, 100, 0.4524, 0.6439),
        (75, 100, 0.6570, 0.8245),
        (15, 20, 0.5313, 0.8881),
        (0, 10, 0.0, 0.2775),
        (550, 1000, 0.5190, 0.5806),
    ],
)
def test_wilson_intervals_of_signals_section_nine(hits: int, n: int, low: float, high: float) -> None:
    """The interval beside every win rate on the screen."""
    interval = wilson(hits, n)
    assert interval is not None
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)
    assert (interval.value, interval.n) == (hits / n, n)


def test_wilson_at_the_ends() -> None:
    """Exactly 0 and 1, never 1e-17 beyond; nothing measured is None."""
    none, all_ = wilson(0, 7), wilson(7, 7)
    assert none is not None
    assert all_ is not None
    assert (none.low, all_.high) == (0.0, 1.0)
    assert none.high == pytest.approx(1 - all_.low)
    assert wilson(0, 0) is None
    with pytest.raises(ValueError, match="8 hits of 7"):
        wilson(8, 7)


@pytest.mark.parametrize(("p", "n"), [(0.51, 19_621), (0.52, 4_904), (0.55, 783), (0.60, 194), (0.75, 29)])
def test_trades_needed_to_tell_a_win_rate_from_a_coin(p: float, n: int) -> None:
    """Vectors of signals.md section 9."""
    assert trades_needed(p) == n


def test_trades_needed_to_rule_out_a_claim_and_pairs_needed_for_an_ic() -> None:
    """45 trades tell 75 % from 55 %; ICs of .02, .05, .10 reach t = 3 with these many pairs."""
    assert trades_needed(0.75, against=0.55) == 45
    assert [observations_needed(ic) for ic in (0.02, 0.05, 0.10, -0.10)] == [22_500, 3_600, 900, 900]


@pytest.mark.parametrize(("p", "against"), [(0.5, 0.5), (1.0, 0.5), (0.6, 0.0)])
def test_sample_sizes_of_nothing_to_tell_apart_are_refused(p: float, against: float) -> None:
    """A division by zero must not become a sample size."""
    with pytest.raises(ValueError, match="two different shares"):
        trades_needed(p, against)


@pytest.mark.parametrize(
    ("n", "said"), [(0, "NOT MEASURED"), (1, "INSUFFICIENT DATA"), (782, "INSUFFICIENT DATA"), (783, "MEASURED")]
)
def test_the_word_beside_a_number(n: int, said: str) -> None:
    """The closed vocabulary of the console."""
    assert word(n, 783) == said


def test_ranks_and_spearman_agree_with_pandas_ties_included() -> None:
    """An independent implementation on data full of ties."""
    frame = pd.DataFrame(rng(3).integers(0, 12, (400, 2)).astype(float), columns=["x", "y"])
    frame["y"] += frame["x"]
    x, y = frame["x"].to_numpy(), frame["y"].to_numpy()
    np.testing.assert_allclose(ranks(x), frame["x"].rank().to_numpy())
    assert spearman(x, y) == pytest.approx(frame["x"].rank().corr(frame["y"].rank()), abs=1e-12)


def test_spearman_of_a_constant_or_of_two_pairs_is_undefined() -> None:
    """None with no number, rather than NaN."""
    assert spearman(np.ones(5), np.arange(5.0)) is None
    assert spearman(np.arange(2.0), np.arange(2.0)) is None
    with pytest.raises(ValueError, match="not a number"):
        spearman(np.array([1.0, np.nan, 2.0]), np.arange(3.0))
    with pytest.raises(ValueError, match="pairs are needed"):
        spearman(np.arange(3.0), np.arange(4.0))


def test_the_ic_interval_is_seeded_and_covers_about_as_often_as_it_says() -> None:
    """Independent pairs of known rank correlation, 60 samples of 300: 95 % coverage, give or take four deviations."""
    rho = 0.3
    true = 6 / np.pi * np.arcsin(rho / 2)  # Spearman of a bivariate normal (Pearson 1907)
    covered = 0
    for seed in range(60):
        z = rng(seed).standard_normal((2, 300))
        interval = information_coefficient(z[0], rho * z[0] + np.sqrt(1 - rho**2) * z[1], 2.0, seed, resamples=300)
        assert interval is not None
        covered += interval.low <= true <= interval.high
    assert 50 <= covered <= 60
    x, y = rng(1).standard_normal((2, 100))
    assert information_coefficient(x, y, 5.0, 7) == information_coefficient(x, y, 5.0, 7)
    assert information_coefficient(x, y, 5.0, 7) != information_coefficient(x, y, 5.0, 8)


def test_overlapping_returns_widen_the_interval_of_long_blocks() -> None:
    """Blocks of one observation pretend that overlapping returns are independent: the interval would be too narrow."""
    noise = rng(5).standard_normal(2_050)
    slow_signal = np.convolve(rng(6).standard_normal(2_050), np.ones(50), "valid")[:2_000]
    overlapping = np.convolve(noise, np.ones(50), "valid")[:2_000]
    short = information_coefficient(slow_signal, overlapping, 1.0, 1, resamples=300)
    long = information_coefficient(slow_signal, overlapping, 100.0, 1, resamples=300)
    assert short is not None
    assert long is not None
    assert long.high - long.low > 3 * (short.high - short.low)


def test_stationary_blocks_have_the_mean_length_asked_for_and_wrap_around() -> None:
    """Geometric blocks: a share 1/block of steps starts anew (a step to the next index may also be chance, 1/n)."""
    drawn = stationary_blocks(1_000, 20.0, 1, 50)
    jumps = [np.mean((np.diff(i) % 1_000) != 1) for i in drawn]
    assert np.mean(jumps) == pytest.approx(1 / 20, rel=0.05)
    assert all(((i >= 0) & (i < 1_000)).all() for i in drawn)
    counts = np.bincount(np.concatenate(drawn), minlength=1_000)
    assert counts[-10:].mean() == pytest.approx(counts.mean(), rel=0.3)  # wrapping treats the end like the middle
    with pytest.raises(ValueError, match="at least 1"):
        stationary_blocks(10, 0.5, 1, 1)


def test_expectancy_shows_rate_payoff_n_and_interval_together() -> None:
    """Never a win rate alone: 3 wins of 2 and 1 loss of 4 is half a unit a trade."""
    got = expectancy(np.array([2.0, 2.0, 2.0, -4.0]), seed=1)
    assert got is not None
    assert (got.net.value, got.win_rate.value, got.payoff, got.n) == (0.5, 0.75, 0.5, 4)
    assert got.net.low < 0 < got.net.high
    assert got.word == "INSUFFICIENT DATA"
    assert expectancy(np.array([]), seed=1) is None


def test_the_interval_of_an_expectancy_agrees_with_the_normal_one() -> None:
    """Mean ± 1.96 s/√n for 2000 results, which are enough for the normal to hold."""
    net = rng(9).normal(0.1, 1.0, 2_000)
    got = expectancy(net, seed=2)
    assert got is not None
    half = 1.96 * net.std() / np.sqrt(2_000)
    assert (got.net.low, got.net.high) == pytest.approx((net.mean() - half, net.mean() + half), abs=0.006)
    assert got.word == "MEASURED"


def test_expectancy_of_only_wins_has_no_payoff_ratio_and_nan_is_refused() -> None:
    """Infinity is not a ratio."""
    got = expectancy(np.array([1.0, 2.0]), seed=1)
    assert got is not None
    assert got.payoff is None
    with pytest.raises(ValueError, match="not a number"):
        expectancy(np.array([1.0, np.nan]), seed=1)
