"""desk/research/neighbours.py: the days alike are alike, spaced, and were over at the time."""

from __future__ import annotations

import numpy as np
from candles import frames_of, walk

from desk.analysis.past import Past, past
from desk.analysis.shape import DAY, Weights
from desk.research.neighbours import APART, COUNT, FEATURES, features, nearest

THEN = past(frames_of(walk(300 * 24, "1h", seed=5)), 2**62, Weights())


def cut(then: Past, rows: int) -> Past:
    """The past as it was at the end of that row."""
    return Past(then.ts[:rows], then.close[:rows], {key: values[:rows] for key, values in then.values.items()})


def test_the_features_of_a_day_are_the_same_whatever_came_after() -> None:
    """Breaks: a likeness found with numbers nobody had."""
    whole = features(THEN)
    for rows in (1, 20, 21, 22, 120, 299):
        np.testing.assert_array_equal(features(cut(THEN, rows)), whole[:rows])
    assert whole.shape == (300, len(FEATURES))


def test_the_nearest_days_are_spaced_known_and_sorted() -> None:
    found = nearest(THEN, (1, 5), seed=1)
    assert found is not None
    assert len(found.days) == COUNT
    distances = [day.distance for day in found.days]
    assert distances == sorted(distances)
    ends = sorted(day.ts for day in found.days)
    assert min(np.diff(ends)) >= APART * DAY
    assert ends[-1] + 5 * DAY <= THEN.ts[-1]
    close = dict(zip(THEN.ts.tolist(), THEN.close.tolist(), strict=True))
    for day in found.days:
        assert abs(day.after_bps["5"] - 1e4 * (close[day.ts + 5 * DAY] / close[day.ts] - 1)) < 1e-6
    assert found.up["1"].n == found.mean_bps["5"].n == COUNT
    assert 0.0 <= found.usual <= 1.0


def test_a_day_that_came_before_exactly_is_its_own_nearest_day() -> None:
    """A copy of a past day's terms and moves must come first, at distance 0."""
    rows = 80
    closes = np.concatenate((THEN.close, THEN.close[-1] * THEN.close[:rows] / THEN.close[0]))[: 300 + rows]
    values = {key: np.concatenate((v, v[:rows])) for key, v in THEN.values.items()}
    again = Past(THEN.ts[0] + np.arange(300 + rows, dtype=np.int64) * DAY, closes, values)
    found = nearest(again, (1, 5), seed=1)
    assert found is not None
    assert found.days[0].ts == int(again.ts[rows - 1])


def test_too_short_a_past_has_no_likeness() -> None:
    assert nearest(cut(THEN, 60), (1, 5), seed=1) is None
    assert nearest(cut(THEN, 0), (1, 5), seed=1) is None
