"""desk/research/skill.py: what following a value would have brought, against hand counts, noise and planted drift."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from candles import frames_of, walk

from desk.analysis.past import Past, past
from desk.analysis.shape import DAY, Floats, Weights
from desk.research.evidence import PRIMARY, record_now
from desk.research.skill import (
    after_costs,
    apart,
    daily_net,
    days_of,
    edge,
    newey_west,
    side_of,
    variants,
)
from desk.research.skill import (
    walk as walk_forward,
)
from desk.research.verdict import verdict

START = 19_000 * DAY


def market(close: Floats, score: Floats) -> Past:
    """A past with this score on consecutive days."""
    ts = START + np.arange(1, len(close) + 1, dtype=np.int64) * DAY
    return Past(ts, close, dict.fromkeys(("score", "mtf", "profile", "technical"), score))


def looked_at(seed: int, days: int, drift: float = 0.0, cost_bps: float = 0.0) -> tuple[str, str, float | None, bool]:
    """(word, side, mean, does the interval hold the truth) for a seeded hourly walk with a drift in % an hour."""
    frames = frames_of(walk(days * 24, "1h", seed=seed, drift=drift))
    then = past(frames, frames["1h"].end, Weights())
    values, ahead = then.values["score"], days_of(then, PRIMARY)
    traded = walk_forward(values, ahead, variants(values, ahead, cost_bps))
    record = record_now(values, float(values[-1]), traded, ahead, cost_bps, resamples=200)
    hours = 24 * PRIMARY
    truth = record.side * 1e4 * (np.exp(hours * (drift / 100 + 0.002**2 / 2)) - 1) - cost_bps
    said, net = verdict(record), record.net_bps
    return said.word, said.side, net and net.value, net is not None and net.low <= truth <= net.high


def test_of_200_series_of_noise_at_most_one_in_twenty_is_called_evidence() -> None:
    """A market without fees, where luck is easiest to mistake: hourly walks, whole path from candles to the word."""
    words = Counter(looked_at(seed, 400)[0] for seed in range(200))
    assert words["no evidence"] >= 190, words


def test_a_planted_drift_is_found_with_an_interval_that_holds_it() -> None:
    """0.02 % an hour is 240 bps in five days: most of 40 series must see it, and the intervals must contain it."""
    seen = [looked_at(seed, 500, drift=0.02, cost_bps=20.0) for seed in range(40)]
    assert sum((word, side) != ("no evidence", "neutral") for word, side, _, _ in seen) >= 28, seen
    assert not any(side == "short" for _, side, _, _ in seen)
    measured = [held for _, _, mean, held in seen if mean is not None]
    assert sum(measured) >= 0.85 * len(measured) > 25


def test_a_fee_above_the_drift_leaves_no_evidence() -> None:
    """The same drift at 300 bps a round trip: what is left after costs is what counts."""
    seen = [looked_at(seed, 500, drift=0.02, cost_bps=300.0) for seed in range(10)]
    assert {word for word, _, _, _ in seen} == {"no evidence"}


def test_a_daily_result_by_hand() -> None:
    """Two-day trades entered on days 0 and 1, half the capital each; costs on the day of entry."""
    close = np.array([100.0, 110.0, 99.0, 99.0, 99.0])
    days = days_of(market(close, np.zeros(5)), 2)
    np.testing.assert_allclose(days.next[:4], [1000, -1000, 0, 0], atol=1e-9)
    np.testing.assert_allclose(days.ahead[:3], [-100, -1000, 0], atol=1e-9)
    assert np.isnan(days.ahead[3:]).all()
    net = daily_net(np.array([1.0, -1.0, 0.0, 0.0, 1.0]), days, 10.0)
    np.testing.assert_allclose(net, [500 - 5, 0 - 5, 0, 0, 0], atol=1e-9)


def test_a_missing_day_ends_no_trade_at_a_made_up_price() -> None:
    """Half a year without candles is not a five-day return."""
    close = np.full(10, 100.0)
    then = market(close, np.zeros(10))
    ts = then.ts.copy()
    ts[6:] += 180 * DAY
    days = days_of(Past(ts, close * np.where(np.arange(10) < 6, 1.0, 2.0), then.values), 3)
    assert np.isfinite(days.ahead).tolist() == [True] * 3 + [False] * 3 + [True] + [False] * 3
    assert np.nanmax(np.abs(daily_net(np.ones(10), days, 0.0))) == 0.0


def test_days_without_a_score_are_no_training() -> None:
    """A year of prices and a month of scores is a month of evidence: nothing may be called tested."""
    score = np.full(500, np.nan)
    score[200:] = 50.0
    for length, tested in ((379, 0), (420, 35)):
        values = score[:length]
        days = days_of(market(np.linspace(100.0, 200.0, length), values), 5)
        assert walk_forward(values, days, variants(values, days, 0.0)).tested.sum() == tested


def test_trades_that_do_not_overlap_are_a_horizon_apart() -> None:
    days = days_of(market(np.full(12, 1.0), np.zeros(12)), 5)
    assert apart(np.ones(12, bool), days).tolist() == [0, 5, 10]
    assert side_of(np.array([0.0, -0.1, np.nan]), 0.0).tolist() == [0.0, -1.0, 0.0]


def test_newey_west_of_independent_and_of_repeated_observations() -> None:
    """Independent: σ/√n. Each value twice in a row: half the information, with lag 1 the error grows by √(1 + 1/2)."""
    x = np.random.Generator(np.random.PCG64(1)).normal(0, 1, 4000)
    x -= x.mean()
    assert newey_west(x, 0) == pytest.approx(1 / 4000**0.5, rel=0.03)
    assert newey_west(np.repeat(x, 2), 1) == pytest.approx(newey_west(np.repeat(x, 2), 0) * 1.5**0.5, rel=0.02)


def test_too_few_days_have_no_interval() -> None:
    """Below three blocks of 20 days even an interval would be a guess."""
    active = np.arange(300) < 59
    assert edge(np.ones(300), active, 5, 1, 50) is None
    found = edge(np.ones(300), np.arange(300) < 60, 5, 1, 50)
    assert found is not None
    net, t = after_costs(*found, 10.0)
    assert (net.value, net.low, net.high, net.n, t) == (-9.0, -9.0, -9.0, 60, None)
