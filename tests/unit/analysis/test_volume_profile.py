"""desk/analysis/profile.py: the value area's published vector, the two-bin rule, acceptance."""

from __future__ import annotations

import csv
import json
from decimal import ROUND_CEILING, Decimal

import numpy as np
import pytest
from candles import flat, walk
from hypothesis import given
from hypothesis import strategies as st
from shared import shared

from desk.analysis.profile import acceptance, nice_step, profile, profile_score, value_area, value_place
from desk.analysis.shape import Profile
from desk.kernels.profile import price_histogram

SHAPE = Profile("1h", 100, 0, 1, 90.0, 1.0, (1.0,) * 20, 100.0, 96.0, 104.0, 0.7)


def test_the_value_area_of_the_published_vector() -> None:
    """signals.md 7: POC 5, VAL 3, VAH 7, 80.0 %."""
    assert value_area(np.array([1.0, 2, 4, 8, 12, 20, 15, 9, 5, 3, 1])) == (5, 3, 7, 0.8)


def test_ties() -> None:
    """Equal peaks: the one nearest the middle, then the lower; equal neighbours: up first."""
    assert value_area(np.array([9.0, 1, 9, 1, 1]))[0] == 2
    assert value_area(np.array([1.0, 9, 1, 9, 1]))[0] == 1
    assert value_area(np.array([1.0, 1, 4, 1, 1]), 0.6)[1:3] == (2, 4)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40).filter(any))
def test_the_value_area_holds_its_share_and_its_peak(volumes: list[int]) -> None:
    """An area below 70 %, or without its own POC, is not a value area."""
    v = np.array(volumes, float)
    poc, low, high, share = value_area(v)
    assert 0 <= low <= poc <= high < len(v)
    assert v[poc] == v.max()
    assert share == pytest.approx(v[low : high + 1].sum() / v.sum())
    assert share >= 0.70 - 1e-9


def test_poc_and_value_area_equal_py_market_profile() -> None:
    """Rows of 0.05 at the close rounded up, as that library books; its area grows one traded row at a time where ours
    takes two (CME's rule): the only difference of definition. With two rows this day's area ends elsewhere."""
    folder = shared("market/reference/market_profile")
    expected = json.loads((folder / "expected.json").read_text())
    with (folder / "google_30m.csv").open() as file:
        bars = [(Decimal(line["Close"]) / Decimal("0.05"), float(line["Volume"])) for line in csv.DictReader(file)]
    rows = np.array([float(close.to_integral_value(ROUND_CEILING)) for close, _ in bars])
    bottom = float(rows.min())
    booked = price_histogram(rows, np.array([v for _, v in bars]), bottom, 1.0, int(rows.max() - bottom) + 1)
    traded = np.flatnonzero(booked)
    poc, low, high, share = value_area(booked[traded], rows=1)
    price = (traded + bottom) * 0.05
    assert price[poc] == pytest.approx(expected["poc"])
    assert [price[low], price[high]] == pytest.approx(expected["value_area_low_high"])
    assert share >= 0.70
    assert value_area(booked[traded])[1:3] != (low, high)


def test_a_profile_holds_all_volume_within_its_bins() -> None:
    """Volume lost at the edges would shift the value area."""
    f = walk(720, "1h")
    shape = profile(f, "1h")
    assert shape is not None
    assert sum(shape.volumes) == pytest.approx(float(f.volume.sum()))
    assert shape.bottom <= float(f.low.min())
    assert shape.bottom + shape.width * len(shape.volumes) > float(f.high.max())
    assert shape.val < shape.poc < shape.vah
    assert len(shape.volumes) <= 120


def test_no_profile_without_movement_volume_or_bars() -> None:
    """Each of these would divide by zero."""
    assert profile(flat(100, "1h"), "1h") is None
    assert profile(walk(47, "1h"), "1h") is None
    f = walk(100, "1h")
    assert profile(type(f)(f.ts, f.open, f.high, f.low, f.close, f.volume * 0, f.interval_ns, f.thin), "1h") is None


@pytest.mark.parametrize(
    ("closes", "high", "low", "a", "word"),
    [
        ([100.0, 105.0, 106.0], 106.0, 100.0, 1.0, "accepted"),
        ([100.0, 95.0, 94.0], 101.0, 94.0, 1.0, "accepted"),
        ([100.0, 103.0, 106.0], 106.0, 100.0, 0.3, "testing"),
        ([100.0, 102.0, 103.0], 105.0, 100.0, -0.5, "rejected"),
        ([100.0, 98.0, 97.0], 101.0, 95.0, -0.5, "rejected"),
        ([100.0, 98.0, 97.0], 105.0, 97.0, 0.3, "inside"),  # poked above, but is below the POC now
        ([100.0, 101.0, 102.0], 103.0, 100.0, 0.3, "inside"),
    ],
)
def test_acceptance(closes: list[float], high: float, low: float, a: float, word: str) -> None:
    """signals.md 6.5: 1 after two closes outside, −0.5 after a poke and return, 0.3 inside."""
    c = np.array(closes)
    assert acceptance(c, np.full(3, high), np.full(3, low), SHAPE) == (a, word)


def test_the_score_is_clipped_and_odd() -> None:
    """A price far outside value must not exceed ±100."""
    f = walk(3, "1h")
    for price, want in ((200.0, 100.0), (50.0, -100.0)):
        far = type(f)(f.ts, *(np.full(3, price) for _ in range(4)), f.volume, f.interval_ns, f.thin)
        assert profile_score(far, SHAPE) == (want, "accepted")
    assert [value_place(p, SHAPE) for p in (95.0, 99.0, 100.0, 104.5)] == [
        "below value",
        "lower value",
        "upper value",
        "above value",
    ]


@given(st.floats(1e-9, 1e9), st.integers(1, 500))
def test_nice_steps_cut_into_at_most_that_many_parts(span: float, most: int) -> None:
    """More bins than asked for would overrun the drawing."""
    step = nice_step(span, most)
    assert span / step <= most * (1 + 1e-9)
    assert f"{step:e}"[0] in "125"
