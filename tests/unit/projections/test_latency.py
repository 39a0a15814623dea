"""Streaming percentiles against numpy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.projections.latency import Percentiles

RESOLUTION = 0.004  # half a bucket: 1/256


def counted(values: list[int]) -> Percentiles:
    made = Percentiles()
    for ns in values:
        made.add(ns)
    return made


@pytest.mark.parametrize("q", [0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_percentiles_agree_with_numpy_within_the_resolution(q: float, seed: int) -> None:
    """Log-normal durations over five powers of ten, as latencies are."""
    rng = np.random.Generator(np.random.PCG64(seed))
    values = np.exp(rng.normal(np.log(20_000), 1.5, 20_000)).astype(np.int64)
    exact = np.quantile(values, q, method="inverted_cdf") / 1e3
    assert counted([int(v) for v in values]).at(q) == pytest.approx(exact, rel=RESOLUTION)


@given(st.lists(st.integers(0, 2**43 - 1), min_size=1, max_size=50), st.floats(0, 1))
def test_any_durations_and_any_share(values: list[int], q: float) -> None:
    """Bucket edges are where histograms go wrong."""
    exact = float(np.quantile(np.array(values), q, method="inverted_cdf")) / 1e3
    assert counted(values).at(q) == pytest.approx(exact, rel=RESOLUTION, abs=1e-9)


def test_before_the_first_duration_there_is_none() -> None:
    """Not measured is not zero."""
    assert Percentiles().at(0.5) is None
    assert Percentiles().count == 0
    assert Percentiles().result() == dict.fromkeys(("p50", "p90", "p99", "p99.9", "max"))


def test_impossible_durations_are_counted_at_the_ends() -> None:
    """A clock that steps back or sleeps for a day must not raise on the tick path."""
    made = counted([-5, 10**18])
    assert (made.count, made.at(0.0)) == (2, 0.0)
    assert made.at(1.0) == pytest.approx((2**43 - 1) / 1e3)


def test_a_percentage_is_not_a_share() -> None:
    """at(99) answered silently would show the longest as the 99th percentile."""
    with pytest.raises(ValueError, match="the 99th percentile is"):
        Percentiles().at(99)


def test_merged_histograms_are_the_histogram_of_all() -> None:
    """Links are measured apart and shown together."""
    one, two = counted([1_000, 2_000]), counted([5_000_000])
    one.merge(two)
    assert one.result() == counted([1_000, 2_000, 5_000_000]).result()
    assert one.count == 3
