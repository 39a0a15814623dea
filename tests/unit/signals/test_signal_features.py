"""From levels to features: the formula by hand, the refusals, the rolling spread."""

from __future__ import annotations

from math import exp
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.signals.features import SECOND, Level, SpreadStats, features
from desk.signals.shape import Features

INST = "BTC/USD@kraken"


def measured(bids: list[Level], asks: list[Level], median_bps: float | None = None, tier: str = "L3") -> Features:
    made = features(0, INST, bids, asks, 0.5, median_bps, tier)
    assert isinstance(made, Features)
    return made


def test_imbalance_weighs_levels_by_their_distance_from_their_own_best_price() -> None:
    """ρ of signals.md 3.1, two levels a side, worked out term by term."""
    mid, length = 1_000_000.5, 1_000_000.5 * 2.0 / 10_000
    got = measured([(1_000_000, 5, 1), (999_900, 8, 2)], [(1_000_001, 4, 1), (1_000_301, 6, 3)])
    bid, ask = 5 + 8 * exp(-100 / length), 4 + 6 * exp(-300 / length)
    assert got.rho == pytest.approx((bid - ask) / (bid + ask), rel=1e-12)
    assert got.spread_bps == pytest.approx(10_000 / mid)


def test_a_wide_market_reaches_deeper() -> None:
    """λ and the counting band follow the median spread once it is above their floor; the reference stands in for it."""
    bids, asks = [(1_000_000, 1, 1), (998_000, 9, 5)], [(1_000_100, 1, 1), (1_002_000, 1, 1)]
    tight, wide = measured(bids, asks, 1.0), measured(bids, asks, 10.0)
    assert wide.rho > tight.rho
    assert (tight.bid_orders, wide.bid_orders) == (1, 6)
    stand_in = features(0, INST, bids, asks, 10.0, None, "L3")
    assert isinstance(stand_in, Features)
    assert stand_in.rho == wide.rho


def test_orders_are_counted_in_ten_basis_points_of_their_own_best_price() -> None:
    """A band, not a number of levels: over ten levels the counts of real books are all alike."""
    bids = [(1_000_000, 1, 3), (999_001, 1, 4), (998_999, 1, 100)]
    asks = [(1_000_010, 1, 5), (1_001_009, 1, 6), (1_001_012, 1, 100)]
    got = measured(bids, asks, 0.1)
    assert (got.bid_orders, got.ask_orders) == (7, 11)
    assert (measured(bids, asks, 0.1, "L2").bid_orders, measured(bids, asks, 0.1, "L2").ask_orders) == (None, None)


def test_the_best_level_alone_speaks_at_tier_l1() -> None:
    got = measured([(100_000, 3, 1), (99_999, 500, 1)], [(100_001, 1, 1)], tier="L1")
    assert got.rho == 0.5


@pytest.mark.parametrize(
    ("bids", "asks", "code"),
    [
        ([], [(2, 1, 1)], "ONE_SIDED_BOOK"),
        ([(1, 1, 1)], [], "ONE_SIDED_BOOK"),
        ([(2, 1, 1)], [(2, 1, 1)], "BOOK_CROSSED"),
        ([(3, 1, 1)], [(2, 1, 1)], "BOOK_CROSSED"),
        ([(2, 0, 1)], [(3, 1, 1)], "ZERO_QUANTITY"),
        ([(2, 1, 1)], [(3, 1, 1), (4, 0, 1)], "ZERO_QUANTITY"),
        ([(0, 1, 1)], [(3, 1, 1)], "ZERO_PRICE"),
    ],
)
def test_a_book_that_cannot_be_measured_gets_a_code(bids: list[Level], asks: list[Level], code: str) -> None:
    assert features(0, INST, bids, asks, 0.5, 0.5, "L3") == code


SIDE = st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 10**10), st.integers(1, 9)), min_size=1, max_size=10)


@given(SIDE, SIDE)
def test_mirroring_the_book_turns_the_sign_of_the_imbalance(above: list[Level], below: list[Level]) -> None:
    """Odd under a swap of sides and never outside −1..1, whatever the sizes."""
    mid = 500_000
    first = sorted(((mid - 1 - away, q, n) for away, q, n in below), reverse=True)
    second = sorted((mid + 1 + away, q, n) for away, q, n in above)
    book = measured(first, second)
    mirror = measured([(2 * mid - p, q, n) for p, q, n in second], [(2 * mid - p, q, n) for p, q, n in first])
    assert -1.0 <= book.rho <= 1.0
    if first[0][0] + second[0][0] == 2 * mid:  # the same mid, so the same reach
        assert mirror.rho == -book.rho
        assert (mirror.bid_orders, mirror.ask_orders) == (book.ask_orders, book.bid_orders)


@given(SIDE, SIDE, st.integers(0, 9), st.integers(1, 10**9), st.integers(2, 1000))
def test_more_on_a_bid_never_lowers_the_imbalance_and_the_unit_of_sizes_is_nothing(
    above: list[Level], below: list[Level], which: int, more: int, unit: int
) -> None:
    """Increasing in every bid size, scale-free, and continuous: one more lot moves it by at most its own share."""
    bids = sorted(((499_999 - away, q, n) for away, q, n in below), reverse=True)
    asks = sorted((500_001 + away, q, n) for away, q, n in above)
    before = measured(bids, asks).rho
    at = which % len(bids)
    px, qty, orders = bids[at]
    after = measured([*bids[:at], (px, qty + more, orders), *bids[at + 1 :]], asks).rho
    assert before - 1e-12 <= after <= before + 2 * more / (qty + more) + 1e-12
    scaled = measured([(p, q * unit, n) for p, q, n in bids], [(p, q * unit, n) for p, q, n in asks])
    assert scaled.rho == pytest.approx(before, rel=1e-9, abs=1e-12)


def test_the_spread_is_sampled_once_a_second_and_its_median_rolls_over_ten_minutes() -> None:
    """Against a plain list and statistics.median, with several updates a second and a pause."""
    rng = np.random.Generator(np.random.PCG64(3))
    stats, kept, seconds = SpreadStats(), dict[int, float](), -1
    for step in range(9000):
        ts = step * 250_000_000 + (400 * SECOND if step > 6000 else 0)
        spread = float(rng.uniform(0.1, 9.0))
        stats.update(ts, spread)
        if ts // SECOND > seconds:
            seconds = ts // SECOND
            kept[seconds] = spread
        if step % 97 == 0:
            window = [s for at, s in kept.items() if at > seconds - 600]
            assert stats.median == pytest.approx(median(window))
            assert stats.samples == len(window) <= 600


def test_the_default_reference_holds_until_300_spreads_are_known() -> None:
    stats = SpreadStats()
    assert (stats.median, stats.ref(0.5)) == (None, 0.5)
    for second in range(300):
        assert stats.ref(0.5) == 0.5
        stats.update(second * SECOND, 2.0)
    assert stats.ref(0.5) == 2.0
    with pytest.raises(ValueError, match="nan"):
        stats.update(1000 * SECOND, float("nan"))
