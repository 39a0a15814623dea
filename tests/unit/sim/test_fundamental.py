"""The path of the assets' values: the same whoever asks, in one piece, and as volatile as it says."""

from __future__ import annotations

import numpy as np
import pytest

from desk.sim.fundamental import ANCHOR, ASSETS, DAY_MINUTES, STEPS, Fundamentals

NOW = 1_763_000_000 // 60
DAY = NOW // DAY_MINUTES


def path(seed: int = 7, days: int = 300) -> np.ndarray:
    """(4, days · 1440) log levels up to NOW's day."""
    world = Fundamentals(seed, NOW)
    return np.hstack([world.day(DAY - days + k).levels[:, :-1] for k in range(days)])


def test_any_moment_is_the_same_in_whatever_order_it_is_asked_for() -> None:
    """A market opened late, or restarted, would otherwise continue another path than it began."""
    one, two = Fundamentals(7, NOW), Fundamentals(7, NOW - 5_000)
    later = one.minute(NOW + 900)
    one.day(DAY - 200)
    assert np.array_equal(two.minute(NOW), one.minute(NOW))
    assert np.array_equal(two.minute(NOW + 900), later)
    assert not np.array_equal(Fundamentals(8, NOW).minute(NOW), one.minute(NOW))


def test_the_path_does_not_depend_on_when_the_market_was_started() -> None:
    """Yesterday must look tomorrow as it looks today; chains begun 2000 days apart have met long before."""
    old, new = Fundamentals(7, NOW), Fundamentals(7, NOW + 2_000 * DAY_MINUTES)
    minute = NOW + 900 * DAY_MINUTES
    assert old._first != new._first
    assert old.regime(minute) == new.regime(minute)
    assert np.allclose(old.minute(minute), new.minute(minute), rtol=0, atol=1e-6)


def test_days_minutes_and_half_seconds_join_without_a_jump() -> None:
    """A jump at a seam would be a free signal at every full minute, session or day."""
    world = Fundamentals(7, NOW)
    assert world.minute(NOW).shape == (len(ASSETS), STEPS + 1)
    for minute in range(DAY * DAY_MINUTES + 230, DAY * DAY_MINUTES + 250):
        assert np.allclose(world.minute(minute)[:, -1], world.minute(minute + 1)[:, 0], rtol=0, atol=1e-12)
    assert np.allclose(world.day(DAY).levels[:, -1], world.day(DAY + 1).levels[:, 0], rtol=0, atol=1e-12)


def test_volatility_correlation_and_peg_are_those_of_the_real_assets() -> None:
    """Stops, targets and costs are judged against a quarter of an hour of 20-30 bps."""
    levels = path()
    quarter = np.diff(levels[:, ::15], axis=1) * 1e4
    spread = quarter.std(axis=1)
    assert 20 < spread[0] < 30
    assert spread[0] < spread[1] < spread[2] < 60
    correlation = np.corrcoef(quarter[:3])
    assert 0.7 < correlation[0, 1] < 0.9
    assert 0.5 < correlation[0, 2] < 0.8
    assert np.abs(levels[3]).max() < 40e-4
    assert np.abs(levels[3]).mean() < 6e-4
    for asset, anchor in enumerate(ANCHOR[:3]):
        assert 0.4 * anchor < np.exp(levels[asset]).min() < np.exp(levels[asset]).max() < 2.5 * anchor


def test_volatility_clusters_and_returns_have_no_memory() -> None:
    """Without clusters the volatility percentile of a report means nothing; with memory everybody could trade on it."""
    minute = np.diff(path(days=120)[0])
    size = np.abs(minute)
    assert np.corrcoef(size[:-30], size[30:])[0, 1] > 0.1
    assert abs(np.corrcoef(minute[:-1], minute[1:])[0, 1]) < 0.02
    assert np.mean(((minute - minute.mean()) / minute.std()) ** 4) > 5  # a normal distribution has 3


def test_all_three_regimes_occur_and_each_moves_as_its_name_says() -> None:
    """A market of one regime lets a strategy look good that knows only that one."""
    world = Fundamentals(7, NOW)
    found: dict[str, list[tuple[float, float]]] = {}
    for day in range(DAY - 300, DAY):
        levels, sigma, _ = world.day(day)
        for part in range(6):
            first = part * 240
            moved = abs(levels[0, first + 240] - levels[0, first]) / np.sqrt(np.sum(sigma[first : first + 240] ** 2))
            found.setdefault(world.regime(day * DAY_MINUTES + first), []).append((moved, float(sigma[first])))
    reach = {name: np.mean([m for m, _ in rows]) for name, rows in found.items()}
    assert set(found) == {"trend", "range", "volatile"}
    assert min(len(rows) for rows in found.values()) > 100
    assert reach["trend"] > reach["volatile"] > 1.5 * reach["range"]


def test_a_negative_seed_is_refused() -> None:
    """One clear line instead of a message about entropy."""
    with pytest.raises(ValueError, match="seed -1: must be 0 or more"):
        Fundamentals(-1, NOW)
