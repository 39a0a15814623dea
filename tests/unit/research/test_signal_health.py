"""The health of a score on made-up markets: calls, costs, calibration and the bug alarm."""

from __future__ import annotations

import numpy as np
import pytest

from desk.intents import Signal
from desk.messages import Side
from desk.projections.markouts import Moment
from desk.projections.signal_health import COLUMNS, Issued, Samples
from desk.research.calibration import calibrate, isotonic, stated
from desk.research.metrics import Array, Interval, wilson
from desk.research.signal_health import columns, health, outcomes, rate_alarm, resolved


def rng(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def market(score: Array, log_px: Array, spread_bps: float = 1.0) -> Samples:
    """Samples of a score (also its direction and imbalance) and a price on the half-second grid."""
    samples = Samples("BTC/USD@kraken", "L3", 0, None)
    for slot, (s, px) in enumerate(zip(score.tolist(), log_px.tolist(), strict=True)):
        values = dict.fromkeys(COLUMNS, s) | {"mid": np.exp(px), "mirror": -s, "spread_bps": spread_bps}
        samples.add(slot, tuple(values[name] for name in COLUMNS))
    return samples


def test_calls_do_not_overlap_and_are_only_what_the_score_called() -> None:
    """|score| ≥ 20 on whole seconds; the next call begins when the last is resolved."""
    score = np.array([25.0, 0, 19, 0, -30, 0, 50, 0, 60, 0, 0, 0])
    seen = columns(market(score, 1e-4 * np.arange(12.0)))
    at, moves = resolved(seen, 1.0)
    assert at.tolist() == [0, 4, 6, 8]
    np.testing.assert_allclose(moves, 2.0)
    assert resolved(seen, 2.0)[0].tolist() == [0, 4]  # the one at 6 began before 8; that at 8 has no end


def test_gross_break_even_and_net_of_a_call_by_hand() -> None:
    """Every call is right by 4 bps in 5 s: it breaks even at 2 bps a side and loses 77 taking at 40 bps a side."""
    score = np.full(700, 40.0)
    calls = health(market(score, 0.4e-4 * np.arange(700.0)), 1.0, 40.0, resamples=10).calls
    (five,) = (one for one in calls if one.horizon_s == 5.0)
    assert (five.n, five.word, five.covers) == (69, "INSUFFICIENT DATA", None)
    assert five.gross_bps == Interval(pytest.approx(4.0), pytest.approx(4.0), pytest.approx(4.0), 69)
    assert (five.break_even_bps, five.net_taker_bps, five.net_maker_bps) == pytest.approx((2.0, -77.0, 2.0))
    assert five.hits == wilson(69, 69)
    assert five.payoff is None
    dear = health(market(score, 0.4e-4 * np.arange(700.0)), 25.0, 40.0, resamples=10)
    assert [one.covers for one in dear.calls] == [False] * 5


def test_a_score_that_sees_the_future_raises_the_bug_alarm() -> None:
    """An IC above .3 at 10 s, or right more than 75 % of over 200 times, is a bug until disproved."""
    px = np.cumsum(1e-5 * rng(2).standard_normal(20_000))
    future = np.concatenate([px[20:] - px[:-20], np.zeros(20)])
    found = health(market(1e6 * future, px), 1.0, 1.0, resamples=10)
    assert any("IC of score at 10 s" in alarm for alarm in found.alarms)
    assert any("calls over 10 s were right" in alarm for alarm in found.alarms)
    assert rate_alarm("trades", wilson(152, 201)) != ""
    assert rate_alarm("trades", wilson(150, 200)) == rate_alarm("trades", wilson(120, 201)) == ""


def test_a_score_that_knows_nothing_says_so() -> None:
    """No evidence, no alarm, a mirrored book to the last digit."""
    score = 40.0 * np.repeat(rng(3).standard_normal(400), 10)
    found = health(market(score, np.cumsum(1e-5 * rng(4).standard_normal(4_000))), 1.0, 1.0, resamples=50)
    assert (found.says, found.alarms, found.placebos.mirrored, found.placebos.red) == ("no evidence", (), 0.0, False)
    assert found.half_life is None


def test_isotonic_fit_is_the_nearest_monotone_one() -> None:
    """Against all block partitions of a small sample: none that does not fall is nearer."""
    x, y = np.arange(9.0), np.array([0.0, 1, 0, 0, 1, 1, 0, 1, 1])
    at, fitted = isotonic(x, y)
    assert (np.diff(fitted) >= 0).all()
    best = min(
        float(np.sum((y - means) ** 2))
        for cuts in range(2**8)
        if (
            np.diff(
                means := np.concatenate(
                    [
                        np.full(len(block), block.mean())
                        for block in np.split(y, [i + 1 for i in range(8) if cuts >> i & 1])
                    ]
                )
            )
            >= 0
        ).all()
    )
    assert float(np.sum((y - fitted) ** 2)) == pytest.approx(best)
    assert stated(at, fitted, np.array([-5.0, 3.5, 99.0])).tolist() == [fitted[0], fitted[3], fitted[8]]


def test_a_probability_is_named_only_after_200_calls_and_judged_on_later_ones() -> None:
    """Strength that truly is the probability: skill above 0 and a small error out of sample; noise has no skill."""
    p = rng(5).uniform(0.3, 0.9, 4_000)
    right = (rng(6).random(4_000) < p).astype(float)
    assert calibrate(p[:199], right[:199]).bins == ()
    assert calibrate(p[:199], right[:199]).word == "INSUFFICIENT DATA"
    good = calibrate(p, right)
    assert good.skill is not None
    assert good.error is not None
    assert good.skill > 0.05
    assert good.error < 0.05
    assert sum(one.came.n for one in good.bins) == 1_600
    noise = calibrate(rng(7).random(4_000), right)
    assert noise.skill is not None
    assert noise.skill < 0.01


def test_what_followed_a_signal_counts_in_its_own_direction() -> None:
    """A short that was right by 10 bps, a long that was wrong by 20; one whose minute never came."""

    def issued(side: Side, after: list[int | None]) -> Issued:
        signal = Signal(
            "s1", "A", side, 1000, 990, 1020, 1, 1, 2, 3, 40.0, None, "L2", "NO_HFT", 1.0, 50.0, 80.0, 120.0, 0.5
        )
        return Issued(signal, 20_000, Moment("A", 1, after))

    one, *_, last = outcomes([issued(Side.SELL, [19_980, *[None] * 4]), issued(Side.BUY, [19_960, *[None] * 4])])
    assert one.hits == wilson(1, 2)
    assert one.gross_bps is not None
    assert one.gross_bps.value == pytest.approx(-5.0, abs=0.02)
    assert one.payoff == pytest.approx(0.5, abs=0.001)
    assert (last.n, last.word, last.gross_bps) == (0, "NOT MEASURED", None)
