"""Swings, breaks and divergences: their definitions by hand and by a naive twin, and that nothing is known early."""

from __future__ import annotations

import numpy as np
import pytest
from candles import START, walk
from hypothesis import given
from hypothesis import strategies as st

from desk.analysis.divergence import divergences
from desk.analysis.shape import FRAMES, Frame
from desk.analysis.structure import breaks, peaks, structure, swings

HOUR = FRAMES["1h"]


def of(close: list[float]) -> Frame:
    """Hourly candles of 1 from low to high that close in their middle."""
    c = np.array(close, dtype=float)
    ts = START + np.arange(len(c), dtype=np.int64) * HOUR
    return Frame(ts, c, c + 0.5, c - 0.5, c, np.ones(len(c)), HOUR, np.zeros(len(c), bool))


@given(st.lists(st.integers(0, 6), max_size=40), st.integers(1, 4))
def test_peaks_equal_their_definition(values: list[int], side: int) -> None:
    """Higher than each of its neighbours on both sides; ties and the ends are none."""
    want = [
        i
        for i in range(side, len(values) - side)
        if all(values[i] > values[j] for j in range(i - side, i + side + 1) if j != i)
    ]
    assert peaks(np.array(values, dtype=float), side).tolist() == want


UP = [10, 11, 12, 13, 12, 11, 10, 11, 12, 13, 14, 15, 14, 13, 12, 13, 14, 15, 16, 17]


def test_a_rising_market_has_higher_highs_higher_lows_and_breaks_that_continue() -> None:
    """13 and 15 are highs, 10 and 12 lows; the closes at 14 and 16 break the highs."""
    got = structure(of(UP), "1h")
    assert [(s.price, s.label) for s in got.swings] == [(13.5, ""), (9.5, ""), (15.5, "HH"), (11.5, "HL")]
    assert got.word == "up"
    assert [(b.level, b.up, b.kind) for b in got.breaks] == [(13.5, True, "continuation"), (15.5, True, "continuation")]
    assert [(b.ts - START) // HOUR for b in got.breaks] == [11, 19]
    assert (got.above, got.below) == (None, 11.5)
    mirrored = structure(of([30 - x for x in UP]), "1h")
    assert mirrored.word == "down"
    assert [(b.up, b.kind) for b in mirrored.breaks] == [(False, "continuation")] * 2


def test_a_close_through_the_last_low_after_breaks_upwards_is_a_reversal() -> None:
    got = structure(of([*UP, 16, 15, 14, 13, 12, 11, 10]), "1h")
    assert (got.breaks[-1].up, got.breaks[-1].kind, got.breaks[-1].level) == (False, "reversal", 11.5)


def test_a_swing_is_known_with_the_close_of_its_third_bar_after() -> None:
    """One bar earlier it does not exist; nobody may break what nobody can see."""
    frame = of(UP)
    first = swings(frame)[0]
    assert first.known == int(frame.ts[3 + 3]) + HOUR
    assert swings(frame.upto(first.known - 1)) == []
    assert swings(frame.upto(first.known)) == [first]


@pytest.mark.parametrize("seed", range(5))
def test_what_was_known_of_structure_never_changes(seed: int) -> None:
    """200 cuts: swings, breaks and divergences of the whole walk that were known by then are those of the prefix."""
    frame = walk(400, "1h", seed=seed)
    slow = np.convolve(frame.close, np.ones(9) / 9)[: len(frame)]
    oscillator = np.where(np.arange(len(frame)) < 9, np.nan, frame.close - slow)
    all_swings, all_told = swings(frame), divergences(frame, oscillator, "gap")
    all_breaks = breaks(frame, all_swings)[0]
    assert len(all_swings) > 40
    assert len(all_breaks) > 10
    assert len(all_told) > 5
    for n in np.random.Generator(np.random.PCG64(seed)).integers(1, 400, 40).tolist():
        part = frame.rows(0, n)
        found = swings(part)
        assert found == [s for s in all_swings if s.known <= part.end]
        assert breaks(part, found)[0] == [b for b in all_breaks if b.ts <= part.end]
        assert divergences(part, oscillator[:n], "gap") == [d for d in all_told if d.known <= part.end]


@pytest.mark.parametrize(
    ("second", "reading", "said"),
    [(9.0, 2.0, (True, False)), (11.0, 0.5, (True, True)), (9.0, 0.5, None), (11.0, 2.0, None)],
)
def test_two_lows_diverge_when_price_and_oscillator_disagree(second: float, reading: float, said: object) -> None:
    """(bullish, hidden); the same upside down is bearish."""
    close = [13.0, 12, 11, 10, 11, 12, 13, 14, 13, 12, second, 12, 13, 14]
    oscillator = np.full(14, 5.0)
    oscillator[3], oscillator[10] = 1.0, reading
    for way in (1.0, -1.0):
        frame = of([30 + way * x for x in close])
        found = [d for d in divergences(frame, way * oscillator, "x") if d.bullish == (way > 0)]
        assert [(d.bullish == (way > 0), d.hidden) for d in found] == ([said] if said else [])
        assert all(d.known == int(frame.ts[13]) + HOUR for d in found)
