"""Samples of scores and mids: a grid without holes, bounded, one record for each tier."""

from __future__ import annotations

import numpy as np

from desk.projections.signal_health import NOTHING, SCORE, STEP, WIDTH, SampleFold, Samples


def row(mid: float, score: float) -> tuple[float, ...]:
    return (mid, score, *NOTHING[SCORE + 1 :])


def table(samples: Samples) -> np.ndarray:
    return np.frombuffer(samples.rows).reshape(-1, WIDTH)


def test_slots_left_out_are_unknown_and_the_grid_begins_on_a_whole_second() -> None:
    """A gap closed up would pair a score with the price of another time."""
    fold = SampleFold()
    for slot in (7, 8, 11, 11, 9):  # one repeated, one from before
        fold.sample("A", "L3", slot * STEP, row(100.0 + slot, float(slot)))
    (samples,) = fold.samples.values()
    assert samples.first == 6
    np.testing.assert_array_equal(table(samples)[:, SCORE], [np.nan, 7, 8, np.nan, np.nan, 11])


def test_a_tier_keeps_hearing_the_mid_while_another_scores() -> None:
    """A score of the last second on L3 is judged by the mids that come when only L2 is left."""
    fold = SampleFold()
    fold.sample("A", "L3", 0, row(100.0, 5.0))
    fold.sample("A", "L2", STEP, row(101.0, 6.0))
    fold.sample("A", "", 2 * STEP, row(102.0, np.nan))
    fold.sample("B", "L3", 2 * STEP, row(50.0, 1.0))
    np.testing.assert_array_equal(table(fold.samples["A", "L3"])[:, :2], [[100, 5], [101, np.nan], [102, np.nan]])
    np.testing.assert_array_equal(table(fold.samples["A", "L2"])[:, :2], [[np.nan] * 2, [101, 6], [102, np.nan]])


def test_memory_is_bounded_and_the_grid_stays_true() -> None:
    """Days of samples: at most a quarter more than what is kept, and the newest is where its slot says."""
    samples = Samples("A", "L3", 0, kept=40)
    for slot in range(1_001):
        samples.add(slot, row(float(slot), 0.0))
        assert len(samples) <= 50
    assert samples.first % 2 == 0
    assert table(samples)[1_000 - samples.first, 0] == 1_000.0
    samples.add(5_001, row(7.0, 0.0))  # a hole longer than the memory
    assert (samples.first, len(samples)) == (5_000, 2)
    assert table(samples)[1, 0] == 7.0
