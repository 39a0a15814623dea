"""Days, windows and nodes of the volume; regimes; correlation; anchored VWAP: against definitions written out here."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from candles import START, flat, frames_of, walk, without
from hypothesis import given
from hypothesis import strategies as st

from desk.analysis.anchored_vwap import anchored, anchored_vwaps
from desk.analysis.correlation import correlation
from desk.analysis.profile import profile
from desk.analysis.profiles import nodes, profiles, prominences, sessions
from desk.analysis.regime import efficiency, regime, variance_ratio
from desk.analysis.shape import DAY, Frame, Profile
from desk.analysis.structure import swings


def test_sessions_are_whole_days_and_the_running_one_stands_apart() -> None:
    """Yesterday's profile is that of yesterday's bars alone, and stays so."""
    frame = walk(5 * 96 + 40, "15m", seed=2)
    done, running = sessions(frame, "15m", frame.end)
    assert [a.name for a in done] == ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"]
    assert running is not None
    assert (running.name, running.bars, running.naked, running.end) == ("2024-01-06", 40, None, frame.end)
    third = profile(frame.rows(192, 288), "15m", 12, 60)
    assert third is not None
    assert (done[2].poc, done[2].val, done[2].vah) == (third.poc, third.val, third.vah)
    assert done[2].volume == pytest.approx(frame.volume[192:288].sum())
    earlier, _ = sessions(frame.rows(0, 4 * 96), "15m", START + 4 * DAY)
    strip = [(a.begin, a.poc, a.val, a.vah, a.volume) for a in done[:4]]
    assert [(a.begin, a.poc, a.val, a.vah, a.volume) for a in earlier] == strip


def test_a_poc_is_naked_until_a_later_bar_trades_at_it() -> None:
    """Against every later bar, one by one."""
    frame = walk(30 * 96, "15m", seed=5)
    done, _ = sessions(frame, "15m", frame.end)
    for a in done:
        later = [i for i in range(len(frame)) if frame.ts[i] >= a.end]
        assert a.naked is not any(frame.low[i] <= a.poc <= frame.high[i] for i in later)
    assert {a.naked for a in done} == {True, False}


def test_windows_only_where_the_data_reach() -> None:
    """A '7 d' profile of five days would be another thing under the same name."""
    frames = frames_of(walk(5 * 96, "15m", seed=3))
    got = profiles(frames, frames["15m"].end, None)
    assert got is not None
    assert [(w.name, w.bars) for w in got.rolling] == [("24 h", 96)]
    assert profiles({}, START, None) is None


@given(st.lists(st.integers(0, 8), min_size=3, max_size=25))
def test_prominence_is_how_far_one_must_go_down_to_get_higher(values: list[int]) -> None:
    """By its definition: the best of all ways to higher ground (or, for a highest peak, off the better end)."""
    for i, height in prominences(values):
        ways = []
        for path in (values[: i + 1][::-1], values[i:]):
            higher = next((k for k, v in enumerate(path) if v > values[i]), len(path))
            ways.append(min(path[:higher]))
        assert height == values[i] - max(ways)
        assert height > 0
    runs = [(k, len(list(g))) for k, g in itertools.groupby(values)]
    tops = sum(a[0] < b[0] > c[0] for a, b, c in zip(runs, runs[1:], runs[2:], strict=False))
    assert len(prominences(values)) == tops


def test_nodes_name_the_fullest_and_the_emptiest_prices() -> None:
    """Two hills and the valley between; a ripple below 10 % of the peak is none."""
    shape = Profile("1h", 100, 0, 1, 100.0, 1.0, (1.0, 20.0, 3.0, 10.0, 9.5, 9.9, 2.0), 101.5, 100, 104, 0.7)
    assert [(n.kind, n.price) for n in nodes(shape)] == [("HVN", 101.5), ("LVN", 102.5), ("HVN", 103.5)]
    assert nodes(shape)[0].prominence == 1.0
    assert nodes(shape)[1].volume == pytest.approx(0.15)


def test_anchored_vwap_and_its_deviation_equal_their_formulas() -> None:
    """Σpv/Σv and √(Σv(p−VWAP)²/Σv), summed plainly, at a price where squares would cancel."""
    f = walk(200, "1h", seed=6, start=90_000.0)
    vwap, sigma = anchored(f, 50)
    p, v = ((f.high + f.low + f.close) / 3)[50:], f.volume[50:]
    mean = (p * v).sum() / v.sum()
    assert vwap[-1] == pytest.approx(mean, rel=1e-12)
    assert sigma[-1] == pytest.approx(np.sqrt((v * (p - mean) ** 2).sum() / v.sum()), rel=1e-9)
    assert len(vwap) == 150
    rows = {a.anchor: a for a in anchored_vwaps(f, swings(f))}
    assert set(rows) == {"last swing high", "last swing low", "week", "month", "heaviest bar"}
    assert rows["week"].ts == START + 7 * DAY  # the second Monday
    assert rows["month"].ts == START
    still = anchored_vwaps(flat(50, "1h"), [])
    assert [(a.sigma, a.z) for a in still] == [(0.0, None)] * len(still)


def test_regimes_are_told_apart() -> None:
    """A drift is a trend, a zigzag a range; a mean-reverting walk has a variance ratio below 1, a walk about 1."""
    up, down = regime(walk(300, "4h", drift=0.25), "4h"), regime(walk(300, "4h", drift=-0.25), "4h")
    assert up is not None
    assert down is not None
    assert (up.word, down.word) == ("trend up", "trend down")
    dice = np.random.Generator(np.random.PCG64(1))
    noise = dice.normal(0, 1, 20_000)
    assert variance_ratio(np.exp(np.cumsum(noise) / 1e3)) == pytest.approx(1.0, abs=0.05)
    assert (variance_ratio(np.exp(noise / 1e3)) or 1.0) < 0.3
    persistent = np.convolve(noise, np.ones(5) / 5)[: len(noise)]
    assert (variance_ratio(np.exp(np.cumsum(persistent) / 1e3)) or 0.0) > 2.0
    zigzag = walk(300, "4h", seed=3)
    swing = 100.0 + (np.arange(300) % 2)
    ranging = regime(
        Frame(zigzag.ts, swing, swing + 0.5, swing - 0.5, swing, zigzag.volume, zigzag.interval_ns, zigzag.thin), "4h"
    )
    assert ranging is not None
    assert ranging.word == "range"
    assert ranging.efficiency == efficiency(swing) == 0.0
    assert regime(flat(300, "4h"), "4h") is None
    assert variance_ratio(np.full(300, 7.0)) is None


def test_correlation_equals_numpys_and_steps_over_what_is_missing() -> None:
    """Beta and ρ of log returns; a bar missing on one side removes the two returns that touch it, on both."""
    a, noise = walk(500, "1h", seed=1), walk(500, "1h", seed=2)
    mixed = noise.close * a.close**2
    b = Frame(a.ts, mixed, mixed, mixed, mixed, a.volume, a.interval_ns, a.thin)
    got = correlation(a, b, "B", "1h")
    x, y = np.diff(np.log(a.close)), np.diff(np.log(b.close))
    assert got is not None
    assert got.n == 499
    assert got.value == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert got.beta == pytest.approx(np.cov(x, y)[0, 1] / y.var(ddof=1))
    assert got.low < got.value < got.high
    assert np.arctanh(got.high) - np.arctanh(got.low) == pytest.approx(2 * 1.959963984540054 / np.sqrt(496))
    holed = correlation(without(a, [10, 200]), b, "B", "1h")
    assert holed is not None
    assert holed.n == 499 - 4
    keep = np.ones(499, bool)
    keep[[9, 10, 199, 200]] = False
    assert holed.value == pytest.approx(np.corrcoef(x[keep], y[keep])[0, 1])
    itself: Any = correlation(a, a, "A", "1h")
    assert (itself.value, itself.beta) == (pytest.approx(1.0), pytest.approx(1.0))
    assert correlation(a, flat(500, "1h"), "F", "1h") is None
    assert correlation(a.rows(0, 60), b, "B", "1h") is None
    with pytest.raises(ValueError, match="intervals differ"):
        correlation(a, walk(500, "15m"), "B", "1h")
