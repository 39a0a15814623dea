"""IC by horizon: what its t value and its verdict are worth, on series whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from desk.research import ic
from desk.research.metrics import Array, ranks
from desk.research.placebo import judge, placebo_ts
from desk.research.regimes import regimes

STEP = 0.5


def rng(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def walk(seed: int, seconds: int, edge: float) -> tuple[Array, Array]:
    """A signal on the half-second grid, and a log price whose next 10 s lean with it by `edge` standard deviations."""
    dice = rng(seed)
    signal = np.repeat(dice.standard_normal(2 * seconds // 20 + 1), 20)[: 2 * seconds]
    steps = 1e-5 * (dice.standard_normal(2 * seconds) + edge * signal)
    return signal, np.concatenate([[0.0], np.cumsum(steps)[:-1]])


def test_newey_west_without_memory_is_whites_standard_error() -> None:
    """HC0 of the regression of standardised ranks, written out."""
    x, y = rng(1).standard_normal((2, 500))
    y += 0.2 * x
    a, b = ((ranks(v) - 250.5) / ranks(v).std() for v in (x, y))
    slope = np.linalg.lstsq(a[:, None], b, rcond=None)[0][0]
    se = np.sqrt(np.sum((a * (b - slope * a)) ** 2)) / 500
    assert ic.newey_west(x, y, 0) == pytest.approx((slope, se))


def test_t_values_of_overlapping_returns_are_honest() -> None:
    """A slow signal and 10 s returns that know nothing of each other: |t| ≥ 2 about as often as it should be."""
    ts = []
    for seed in range(150):
        signal, px = walk(seed, 1200, 0.0)
        x, y, _ = ic.pairs(signal, px, STEP, 10.0)
        found = ic.newey_west(x, y, ic.lag_of(10.0))
        assert found is not None
        ts.append(found[0] / found[1])
    assert np.mean(np.abs(ts) >= 2.0) < 0.11  # 5 % in large samples, some more at 120 returns that do not overlap
    naive = [t for t in ts if abs(t) >= ic.T_EVIDENCE]
    assert len(naive) <= 3


def test_a_pair_is_a_value_and_the_return_after_it_with_holes_left_out() -> None:
    """A return that began before its value, or bridged a hole, would be a look into the future or an invention."""
    values = np.array([1.0, 9.0, 2.0, 9.0, np.nan, 9.0, 4.0, 9.0, 5.0])
    px = np.array([0.0, 1.0, 10.0, np.nan, 100.0, 101.0, 1000.0, 1001.0, 1010.0])
    x, y, at = ic.pairs(values, px, STEP, 1.0)
    assert (x.tolist(), y.tolist(), at.tolist()) == ([1.0, 2.0, 4.0], [10.0, 90.0, 10.0], [0, 2, 6])
    x, y, _ = ic.pairs(values, px, STEP, 0.5, 0.5)
    assert (x.tolist(), y.tolist()) == ([1.0, 4.0], [9.0, 9.0])


def test_an_edge_is_found_and_a_truncated_past_says_the_same() -> None:
    """The samples of the first half alone give the pairs that the whole gives for them."""
    signal, px = walk(3, 2000, 0.15)
    found = ic.measured(signal, px, STEP, 1.0, seed=1)
    assert (found.word, found.says) == ("MEASURED", ic.EVIDENCE)
    assert found.ic is not None
    assert found.ic.low > 0.05
    assert ic.measured(-signal, px, STEP, 1.0, seed=1).says == ic.REVERSED
    half = ic.pairs(signal[:2000], px[:2000], STEP, 10.0)
    whole = ic.pairs(signal, px, STEP, 10.0)
    for part, all_ in zip(half, whole, strict=True):
        np.testing.assert_array_equal(part, all_[: len(part)])


def test_below_the_sample_size_nothing_is_evidence() -> None:
    """An IC of almost 1 over 60 returns that do not overlap is INSUFFICIENT DATA; below 30 not even an interval."""
    signal, px = walk(3, 600, 5.0)
    found = ic.quick(signal, px, STEP, 10.0)
    assert found.ic is not None
    assert found.ic.value > 0.6
    assert (found.word, found.says, found.need) == ("INSUFFICIENT DATA", ic.NO_EVIDENCE, 900)
    assert ic.quick(signal, px, STEP, 30.0).ic is None
    assert ic.quick(signal[:0], px[:0], STEP, 1.0).word == "NOT MEASURED"


def test_what_the_next_half_second_takes_back_is_no_evidence() -> None:
    """A mid that only catches up with stale quotes: the IC is there, and nobody could have acted on it."""
    dice = rng(5)
    signal = dice.standard_normal(4000)
    steps = 1e-5 * dice.standard_normal(4000)
    steps += 3e-6 * signal  # at once, and no more
    px = np.concatenate([[0.0], np.cumsum(steps)[:-1]])
    found = ic.quick(signal, px, STEP, 1.0)
    assert found.ic is not None
    assert found.ic.low > 0.1
    assert found.says == ic.NO_EVIDENCE


def test_the_half_life_of_a_known_decay_is_found() -> None:
    """Interval around the truth: ICs that are exp(−h / 10 s) by construction halve every 6.9 s."""
    h = np.array([1.0, 2.0, 5.0, 10.0])
    assert ic._halving(h, 0.3 * np.exp(-h / 10)) == pytest.approx(10 * np.log(2))
    signal, px = walk(3, 6000, 0.5)
    ics = [ic.measured(signal, px, STEP, s, seed=1, resamples=100) for s in ic.HORIZONS_S]
    found = ic.half_life(signal, px, STEP, ics, seed=1, resamples=50)
    assert found is not None
    assert found.low_s <= found.value_s
    assert found.word == "INSUFFICIENT DATA"  # 60 s need more than 6000 s
    noise, _ = walk(8, 6000, 0.0)
    assert ic.half_life(noise, px, STEP, [ic.quick(noise, px, STEP, s) for s in ic.HORIZONS_S], seed=1) is None


def test_placebos_of_a_real_edge_stay_quiet_and_a_lopsided_score_turns_red() -> None:
    """Nine of ten placebos and more know nothing; a mirrored book whose score is not the negative one is a bug."""
    signal, px = walk(3, 2000, 0.15)
    x, y, _ = ic.pairs(signal, px, STEP, 1.0)
    ts = placebo_ts(x, y, 1.0, seed=1)
    good = judge(ts, signal, -signal)
    assert good.quiet is not None
    assert (good.red, good.mirrored) == (False, 0.0)
    assert good.quiet.value > 0.88
    assert judge(ts, signal, -signal + 1e-6).red
    assert judge([2.5] * 20 + [0.0] * 80, signal, -signal).red


def test_an_edge_that_lives_in_tight_spreads_is_found_there_and_nowhere_else() -> None:
    """The regimes' masks must fall on the right seconds; a part with too few of them is INSUFFICIENT DATA."""
    signal, _ = walk(3, 8_000, 0.0)
    dice = rng(9)
    tight = np.repeat(dice.random(160) < 0.25, 100)
    steps = 1e-5 * (dice.standard_normal(16_000) + 0.4 * signal * tight)
    px = np.concatenate([[0.0], np.cumsum(steps)[:-1]])
    spread = np.where(tight, 1.0, 2.0) + 0.1 * dice.random(16_000)
    found = regimes(signal, px, spread, STEP, 3_600_000_000_000 - 2_000_000_000_000, 500_000_000)
    assert found["spread lowest quarter"].says == ic.EVIDENCE
    assert found["spread highest quarter"].says == ic.NO_EVIDENCE
    assert [name for name in found if name.startswith("hour")] == ["hour 00 UTC", "hour 01 UTC", "hour 02 UTC"]
    assert [found[f"hour {h:02d} UTC"].independent for h in range(3)] == [2_000, 3_600, 2_399]
    assert found["volatility lowest quarter"].word == "MEASURED"
