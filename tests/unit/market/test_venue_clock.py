"""desk/market/clock.py: the true offset lies inside what is said, and jumps are seen."""

from __future__ import annotations

from statistics import median_low

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.market.clock import DISPERSION_PPM, PATH, WINDOW, WINDOWS, VenueClock

MS, SECOND = 1_000_000, 1_000_000_000
BASE = 1_700_000_000 * SECOND


def run(clock, rng, begin, seconds, offset, fastest=8 * MS, drift_ppm=0.0, rate=5):
    """Messages with exponential latency over a true offset; the truth at the end, and whether a jump was said."""
    jumped = False
    for n in range(seconds * rate):
        sent = begin + n * SECOND // rate
        ahead = offset + int(drift_ppm * (sent - begin) / 1e6)
        jumped |= clock.heard(sent + ahead, sent + fastest + int(rng.exponential(30 * MS)))
    return offset + int(drift_ppm * seconds * SECOND / 1e6), jumped


@pytest.mark.parametrize("offset", [-3_600 * SECOND, -250 * MS, 0, 73 * MS, 1_270 * MS])
def test_the_true_offset_lies_within_the_uncertainty(offset):
    """From messages alone, and with pings: without this no age and no freshness of a venue's stamp means anything."""
    rng = np.random.Generator(np.random.PCG64(3))
    clock = VenueClock()
    assert (clock.offset_ns, clock.uncertainty_ns, clock.drift_ppm, clock.read(BASE)) == (None, None, None, None)
    run(clock, rng, BASE, 120, offset)
    reading = clock.read(BASE + 120 * SECOND)
    assert reading.source == "stream"
    assert abs(reading.offset_ns - offset) <= reading.uncertainty_ns == PATH // 2
    for n in range(8):
        sent = BASE + (120 + n) * SECOND
        there, back = (10 * MS + int(rng.exponential(20 * MS)) for _ in range(2))
        arrived = sent + there + offset
        assert not clock.ponged(sent, arrived, arrived + MS, sent + there + MS + back)
    reading = clock.read(BASE + 128 * SECOND)
    assert reading.source in ("ping", "ping+stream")
    assert abs(reading.offset_ns - offset) <= reading.uncertainty_ns < 30 * MS
    assert (clock.offset_ns, clock.jumps) == (pytest.approx(reading.offset_ns, abs=MS), 0)


pairs = st.lists(st.tuples(st.integers(0, 12 * SECOND), st.integers(-200 * MS, 200 * MS)), min_size=1, max_size=60)


@given(pairs)
def test_the_streamed_bound_equals_the_median_of_window_maxima(steps):
    """The whole list cut into 10 s windows, the largest lead of each, the median of the last 12 that are over."""
    clock, ts, windows = VenueClock(), BASE, {}
    for step, ahead in steps:
        ts += step
        assert not clock.heard(ts + ahead, ts)
        windows.setdefault(ts // WINDOW, []).append(ahead)
        highest = [max(each) for each in windows.values()]
        low = median_low(highest[:-1][-WINDOWS:]) if len(highest) > 1 else highest[0]
        assert clock.read(ts).offset_ns == low + PATH // 2
        assert len(clock._lows) <= WINDOWS


@given(pairs, pairs)
def test_a_reading_does_not_depend_on_what_comes_later_or_on_reading(past, future):
    """Reads are pure: a clock that was read at every step equals one that never was."""
    read, silent, ts = VenueClock(), VenueClock(), BASE
    for step, ahead in [*past, *future]:
        ts += step
        read.heard(ts + ahead, ts)
        silent.heard(ts + ahead, ts)
        read.read(ts + 10**15)
        assert read.drift_ppm is None or np.isfinite(read.drift_ppm)
    assert read.read(ts) == silent.read(ts)
    assert read.drift_ppm == silent.drift_ppm


def test_one_wrong_stamp_moves_the_offset_by_nothing():
    """A message from the future by a minute: one window is doubted, the belief stays, and no jump is said."""
    rng = np.random.Generator(np.random.PCG64(5))
    clock = VenueClock()
    run(clock, rng, BASE, 60, 0)
    before = clock.offset_ns
    assert not clock.heard(BASE + 120 * SECOND, BASE + 60 * SECOND)
    _, jumped = run(clock, rng, BASE + 61 * SECOND, 60, 0)
    assert not jumped
    assert clock.jumps == 0
    assert clock.offset_ns == pytest.approx(before, abs=10 * MS)


@pytest.mark.parametrize("step", [-40 * SECOND, -600 * MS, 600 * MS, 40 * SECOND])
def test_a_jump_of_more_than_half_a_second_is_said_and_believed(step):
    """A stepped clock: two windows that agree with each other and not with the belief replace it."""
    rng = np.random.Generator(np.random.PCG64(9))
    clock = VenueClock()
    run(clock, rng, BASE, 60, 0)
    _, jumped = run(clock, rng, BASE + 60 * SECOND, 40, step)
    assert jumped
    assert clock.jumps == 1
    assert abs(clock.offset_ns - step) <= clock.uncertainty_ns


@pytest.mark.parametrize("step", [-400 * MS, 400 * MS])
def test_a_smaller_step_is_followed_without_alarm(step):
    """NTP slews clocks by less than this; an alarm here would cry every day."""
    rng = np.random.Generator(np.random.PCG64(9))
    clock = VenueClock()
    run(clock, rng, BASE, 60, 0)
    _, jumped = run(clock, rng, BASE + 60 * SECOND, 130, step)
    assert not jumped
    assert abs(clock.offset_ns - step) <= clock.uncertainty_ns


def test_our_own_clock_set_back_makes_all_evidence_worthless():
    """Otherwise the running window would not end until our clock caught up with itself."""
    clock = VenueClock()
    clock.heard(BASE, BASE)
    assert clock.heard(BASE + SECOND, BASE - 3_600 * SECOND)
    assert clock.jumps == 1
    assert clock.offset_ns == 3_601 * SECOND + PATH // 2


def test_a_ping_that_contradicts_the_last_one_is_a_jump_at_once():
    """Two inequalities that exclude each other by more than half a second cannot both be of one clock."""
    clock = VenueClock()
    clock.ponged(BASE, BASE + 5 * MS, BASE + 5 * MS, BASE + 10 * MS)
    assert clock.offset_ns == 0
    later = BASE + SECOND
    assert clock.ponged(later, later + 2_005 * MS, later + 2_005 * MS, later + 10 * MS)
    assert (clock.offset_ns, clock.uncertainty_ns) == (2_000 * MS, 5 * MS)


def test_the_shortest_round_trip_wins_until_its_age_makes_it_wider():
    """NTP's clock filter: a slow ping is no news; a very old one is worth less than a fresh one."""
    clock = VenueClock()
    clock.ponged(BASE, BASE + 5 * MS, BASE + 5 * MS, BASE + 10 * MS)
    slow = BASE + SECOND
    clock.ponged(slow, slow + 90 * MS, slow + 90 * MS, slow + 100 * MS)
    assert abs(clock.offset_ns) < MS
    grown = clock.read(BASE + 300 * SECOND).uncertainty_ns
    assert grown == pytest.approx(5 * MS + 300 * SECOND * DISPERSION_PPM / 1e6, rel=0.01)


def test_drift_is_measured_in_millionths():
    """50 ppm over two minutes of messages: found within 15, a clock without drift within the same of 0."""
    for ppm in (0.0, 50.0):
        rng = np.random.Generator(np.random.PCG64(11))
        clock = VenueClock()
        truth, _ = run(clock, rng, BASE, 130, 10 * MS, drift_ppm=ppm, rate=50)
        assert clock.drift_ppm == pytest.approx(ppm, abs=15)
        assert abs(clock.offset_ns - truth) <= clock.uncertainty_ns


def test_impossible_stamps_are_counted_and_not_used():
    """Out before in, answered before sent, longer at the venue than away; a message without a stamp."""
    clock = VenueClock()
    for bad in ((10, 9, 8, 20), (10, 5, 5, 9), (10, 5, 50, 20)):
        assert not clock.ponged(*bad)
    assert not clock.heard(0, 30)
    assert (clock.bad_pings, clock.unstamped, clock.offset_ns) == (3, 1, None)
