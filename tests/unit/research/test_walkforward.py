"""desk/research/walkforward.py: nothing that is known only later is ever trained on."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.research.walkforward import splits


@given(
    days=st.lists(st.integers(0, 900), min_size=1, max_size=300, unique=True).map(sorted),
    horizon=st.integers(1, 20),
    first=st.integers(1, 200),
    step=st.integers(1, 90),
)
def test_no_outcome_of_training_reaches_into_the_test(days: list[int], horizon: int, first: int, step: int) -> None:
    """Every training row's outcome and the embargo end before the test; each row is tested once at most, in order."""
    numbers, embargo = np.array(days, np.int64), ceil(0.01 * first)
    tested: list[int] = []
    for s in splits(numbers, horizon, first, step):
        assert numbers[s.train].max() + horizon + embargo <= numbers[s.test].min()
        assert numbers[s.test].max() - numbers[s.test].min() < step
        tested += s.test.tolist()
    assert tested == sorted(set(tested))
    assert all(numbers[row] >= days[0] + first for row in tested)


def test_steps_already_taken_stay_as_they_were_when_days_are_added() -> None:
    """Breaks: the record repaints; a threshold chosen in March changes in May."""
    days = np.arange(700)
    for n in (241, 300, 421, 699):
        short, whole = list(splits(days[:n], 5)), list(splits(days, 5))
        for a, b in zip(short, whole, strict=False):
            assert a.train.tolist() == b.train.tolist()
            assert a.test.tolist() == b.test[: len(a.test)].tolist()


def test_days_must_rise() -> None:
    with pytest.raises(ValueError, match="must rise"):
        list(splits(np.array([3, 2], np.int64), 1))
    assert list(splits(np.empty(0, np.int64), 1)) == []
