"""desk/market/flow.py and spread.py: flow and spread, one event at a time, equal the formula over the whole list."""

from __future__ import annotations

import itertools
from statistics import fmean, pstdev

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from desk.market.flow import QUIET, SECOND, WINDOWS, Z_ENOUGH, Z_SAMPLES, LevelFlow, orders_within
from desk.market.l3 import L3Book
from desk.market.touches import Touches
from desk.messages import OrderEvent, OrdersUpdate, Side

PAPER = [(100, 5, 101, 7), (100, 8, 101, 7), (101, 2, 102, 4), (101, 1, 102, 9), (100, 6, 102, 9)]

touches = st.lists(
    st.tuples(
        st.integers(0, 3 * SECOND), st.integers(95, 105), st.integers(1, 10**9), st.integers(1, 4), st.integers(1, 99)
    ),
    min_size=1,
    max_size=120,
)


def indicator_form(touch, after):
    """Cont, Kukanov, Stoikov (2014), eq. (3), as printed: four indicators."""
    (b, q, a, r), (b2, q2, a2, r2) = touch, after
    return (b2 >= b) * q2 - (b2 <= b) * q - (a2 <= a) * r2 + (a2 >= a) * r


def feed(touches, steps):
    """Each step's time and touch, taken in; what is due is sampled before."""
    ts, rows = 0, []
    for step, bid, bid_qty, spread, ask_qty in steps:
        ts += step
        touch = (bid, bid_qty, bid + spread, ask_qty)
        touches.flow.sample(ts)
        touches.apply(ts, *touch)
        rows.append((ts, touch))
    return rows


def test_the_papers_example_gives_3_9_minus6_minus1():
    """The vector of the design notes: a sign or an inequality wrong anywhere changes one of the four."""
    touches, e = Touches(), []
    for ts, touch in enumerate(PAPER, start=1):
        touches.apply(ts, *touch)
        e.append(touches.flow.sum(1, ts))
    assert e == [0, 3, 9, -6, -1]
    assert touches.flow.sum(WINDOWS[0], 5) == 5


@settings(deadline=None)  # the first use compiles
@given(touches, st.integers(0, 60 * SECOND))
def test_streamed_flow_equals_the_indicator_formula_summed_over_the_list(steps, later):
    """Every rolling sum, exact, at any reading time."""
    made = Touches()
    rows = feed(made, steps)
    events = [(b[0], indicator_form(a[1], b[1])) for a, b in itertools.pairwise(rows)]
    for now in (rows[-1][0], rows[-1][0] + later):
        for window in (1, *WINDOWS):
            assert made.flow.sum(window, now) == sum(e for ts, e in events if now - window < ts <= now)


def sampled(rows):
    """The 10 s sums at whole seconds, straight from the definition."""
    events = [(b[0], indicator_form(a[1], b[1])) for a, b in itertools.pairwise(rows)]
    start, end = rows[0][0], rows[-1][0]
    values = []
    for t in range((start + 10 * SECOND) // SECOND * SECOND + SECOND, end + 1, SECOND):
        before = max(ts for ts, *_ in rows if ts < t)
        if t <= before + QUIET * SECOND:
            values.append(sum(e for ts, e in events if t - 10 * SECOND <= ts < t))
    return values[-Z_SAMPLES:]


@settings(max_examples=25, deadline=None)
@given(touches, st.integers(0, 20 * SECOND))
def test_the_z_score_equals_numpys_over_sums_sampled_each_second(steps, later):
    """Mean and population sd of the sampled sums by numpy; the running squares must not drift or lose a sample."""
    flow = (made := Touches()).flow
    rows = feed(made, steps)
    values, now = sampled(rows), rows[-1][0] + later
    if len(values) < Z_ENOUGH or len(set(values)) == 1:
        assert flow.zscore(now) is None
    else:
        array = np.array(values, dtype=float)
        expected = (flow.sum(10 * SECOND, now) - array.mean()) / array.std()
        assert flow.zscore(now) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_z_score_forgets_what_is_older_than_its_samples():
    """900 seconds of flow: the last 600 sampled sums count, computed here by the statistics module."""
    rng = np.random.Generator(np.random.PCG64(7))
    steps = [(SECOND, 100 + int(rng.integers(3)), int(rng.integers(1, 50)), 1, 5) for _ in range(900)]
    flow = (made := Touches()).flow
    values = sampled(rows := feed(made, steps))
    assert len(values) == Z_SAMPLES
    now = rows[-1][0]
    expected = (flow.sum(10 * SECOND, now) - fmean(values)) / pstdev(values)
    assert flow.zscore(now) == pytest.approx(expected, rel=1e-9)


def test_silence_longer_than_half_a_minute_adds_no_zeros_to_the_z_score():
    """A book that was away an hour must not make every flow after it look extreme."""
    flow = (made := Touches()).flow
    rows = feed(made, [(SECOND // 2, 100, 1 + n % 7, 1, 5) for n in range(200)])
    before = flow.zscore(rows[-1][0])
    flow.sample(rows[-1][0] + 3600 * SECOND)
    assert len(sampled(rows)) >= Z_ENOUGH
    assert before is not None
    assert len(flow._samples) == len(sampled(rows)) + QUIET


def test_no_flow_is_known_across_a_lost_book():
    """The first touch after a resync is a beginning: the jump of the book is nobody's order."""
    made = Touches()
    feed(made, [(1, 100, 5, 1, 5), (1, 100, 9, 1, 5)])
    assert made.flow.sum(SECOND, 2) == 4
    made.restart()
    assert made.flow.sum(SECOND, 3) is None
    made.apply(3, 150, 5, 151, 5)
    assert made.flow.sum(SECOND, 3) == 0


sides = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 10**6)), max_size=6, unique_by=lambda level: level[0])
books = st.lists(st.tuples(st.integers(0, 2 * SECOND), sides, sides), min_size=1, max_size=40)


@given(books, st.integers(1, 5), st.integers(0, 15 * SECOND))
def test_level_flow_equals_the_formula_on_padded_books(rows, levels, later):
    """Books of any depth, levels coming and going: the formula with absent levels infinitely far away and empty."""
    flow, ts, padded = LevelFlow(levels), 1, []
    for step, bids, asks in rows:
        ts += step
        bid_side = sorted(((100 - px, qty, 1) for px, qty in bids), reverse=True)
        ask_side = sorted((101 + px, qty, 1) for px, qty in asks)
        flow.apply(ts, bid_side, ask_side)
        pads = [[*side, *[(px, 0, 0)] * levels][:levels] for side, px in ((bid_side, -np.inf), (ask_side, np.inf))]
        padded.append((ts, pads[0], pads[1]))
    now = ts + later
    sums = [0] * levels
    for (_, b, a), (at, b2, a2) in itertools.pairwise(padded):
        if at > now - 10 * SECOND:
            for m in range(levels):
                sums[m] += indicator_form((*b[m][:2], *a[m][:2]), (*b2[m][:2], *a2[m][:2]))
    assert flow.sums(now) == tuple(sums)
    sizes = [sum(q for _, q, _ in [*b, *a]) for at, b, a in padded if at > now - 10 * SECOND]
    if not sizes or not sum(sizes):
        assert flow.depth(now) is None
        assert flow.normalised(now) is None
    else:
        depth = np.mean(np.array(sizes, dtype=float) / (2 * levels))
        assert flow.depth(now) == pytest.approx(depth)
        assert flow.normalised(now) == pytest.approx([each / depth for each in sums])


spreads = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=5, max_size=60)


@settings(max_examples=200, deadline=None)
@given(spreads, st.integers(1, 100), st.integers(0, 80), st.integers(4, 100))
def test_time_weighted_spread_equals_a_walk_over_every_nanosecond(steps, window, later, keep):
    """The spread of each unit of time written out, then averaged; the widest that stood at any time of the window."""
    made, ts, changes = Touches(window=window, keep=keep), 0, []
    clock = made.spread
    for step, spread in steps:
        ts += step
        made.apply(ts, 100, 1, 100 + spread, 1)
        changes.append((ts, spread))
        assert len(clock.ring) <= keep
        compare(clock, changes, ts, window, keep)
    compare(clock, changes, ts + later, window, keep)


def compare(clock, changes, now, window, keep):
    at = [next(s for t, s in reversed(changes) if t <= unit) for unit in range(changes[0][0], now)]
    inside = at[-window:]
    mean, widest = clock.mean(now), clock.max(now)
    if widest is None:
        assert len(changes) >= keep // 2
        return
    assert mean == (pytest.approx(np.mean(inside)) if inside else None)
    ends = [t for t, _ in changes[1:]] + [now + 1]
    assert widest == max(s for (_, s), end in zip(changes, ends, strict=True) if end > now - window)


def test_orders_within_a_band_count_levels_up_to_the_band_and_no_further():
    """Both signs of the price order; a band that ends on a level includes it."""
    book = L3Book(depth=10)
    bids = [OrderEvent("add", f"b{n}", px, 10, n) for n, px in enumerate((100, 100, 99, 95))]
    asks = [OrderEvent("add", f"a{n}", px, 7, n) for n, px in enumerate((101, 103, 104))]
    book.apply(OrdersUpdate("X@v", tuple(bids), tuple(asks), snapshot=True))
    assert [orders_within(book, Side.BUY, ticks) for ticks in (0, 1, 4, 5)] == [(2, 20), (3, 30), (3, 30), (4, 40)]
    assert [orders_within(book, Side.SELL, ticks) for ticks in (0, 2, 9)] == [(1, 7), (2, 14), (3, 21)]
    assert orders_within(L3Book(depth=10), Side.BUY, 5) == (0, 0)


@given(st.lists(st.integers(1, 200), max_size=120), st.integers(0, 250))
@example(prices=list(range(1, 121)), ticks=70)
def test_orders_in_a_band_equal_a_scan_of_the_whole_side(prices, ticks):
    """Deep books and wide bands: more levels than are listed at first."""
    book = L3Book(depth=1_000)
    orders = [OrderEvent("add", f"o{n}", px, 1 + n, n) for n, px in enumerate(prices)]
    book.apply(OrdersUpdate("X@v", (), tuple(orders), snapshot=True))
    inside = [order.qty for order in orders if order.px <= min(prices) + ticks]
    assert orders_within(book, Side.SELL, ticks) == (len(inside), sum(inside))
