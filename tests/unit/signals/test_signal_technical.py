"""The technical score: a sum of its terms, odd in the market's direction, warm as soon as the history is."""

from __future__ import annotations

from functools import reduce
from operator import add

import pytest
from hand_view import BTC, MINUTE, climbing

from desk.messages import Candle
from desk.signals.technical import NEEDS, PRINTS, SHARES, TICKS, LightweightIndicators


def fed(bars: list[Candle]) -> LightweightIndicators:
    indicators = LightweightIndicators()
    indicators.follow(bars)
    return indicators


def mirrored(bars: list[Candle], around: int = 2_000_000) -> list[Candle]:
    turned = [(b, around - b.open, around - b.low, around - b.high, around - b.close) for b in bars]
    return [Candle(b.inst, b.begin, b.interval, o, h, lo, c, b.volume, 1) for b, o, h, lo, c in turned]


def test_it_is_warm_with_the_last_bar_it_needs_and_not_before() -> None:
    """A history at the start means no waiting; without one the reason is named."""
    cold, warm = fed(climbing(NEEDS - 1)), fed(climbing(NEEDS))
    assert (cold.technical, cold.why) == (None, "WARM_UP")
    assert warm.technical is not None
    assert warm.why == ""


def test_the_contributions_add_up_exactly() -> None:
    """People add the bars of the waterfall; the sum is the score, to the bit."""
    indicators = fed(climbing(200))
    assert indicators.technical == reduce(add, indicators.contributions.values())
    assert list(indicators.contributions) == list(SHARES)
    assert sum(SHARES.values()) == pytest.approx(1.0)
    for name, value in indicators.contributions.items():
        assert abs(value) <= 100 * SHARES[name] + 1e-9


def test_a_climb_is_positive_and_its_mirror_the_same_with_the_other_sign() -> None:
    up, down = fed(climbing(120)), fed(mirrored(climbing(120)))
    assert up.technical is not None
    assert up.technical > 25
    assert down.technical == pytest.approx(-up.technical, abs=1e-6)


def test_following_bar_by_bar_equals_following_the_whole_and_repeats_change_nothing() -> None:
    """The view shows its whole history at every call; at most 500 bars of it."""
    bars, step = climbing(700), LightweightIndicators()
    for n in range(1, 701):
        step.follow(bars[max(0, n - 500) : n])
        if n % 50 == 0:
            step.follow(bars[max(0, n - 500) : n])
    assert step.technical == fed(bars).technical
    assert len(step.bars) == 500


def test_a_history_that_arrives_late_or_corrected_is_taken_from_its_beginning() -> None:
    """The tape's own bars come first when the venue's answer is slow, and a reconnect replaces the hole it left."""
    bars = climbing(100)
    late = fed(bars[95:])
    assert late.technical is None
    late.follow(bars)
    assert late.technical == fed(bars).technical
    wrong = list(bars)
    wrong[50] = Candle(BTC.key, 50 * MINUTE, MINUTE, 1, 1, 1, 1, 0, 0)
    corrected = fed(wrong)
    corrected.follow([*bars, climbing(101)[-1]])
    assert corrected.technical == fed(climbing(101)).technical


def test_an_emptied_history_makes_it_cold_again() -> None:
    """After a hole of a day the old averages say nothing about now."""
    indicators = fed(climbing(100))
    indicators.follow([])
    assert indicators.technical is None


def test_trades_a_bar_already_holds_are_not_counted_twice() -> None:
    """VWAP: history by bars, then the tape from the first print on."""
    bars, indicators = climbing(60), fed(climbing(60))
    before = indicators.vwap.value
    indicators.trade(60 * MINUTE - 1, 2_000_000, 10**12)
    assert indicators.vwap.value == before
    indicators.trade(60 * MINUTE + 5, 2_000_000, 10**9)
    after = indicators.vwap.value
    assert before is not None
    assert after is not None
    assert after > before
    indicators.follow([*bars, climbing(61)[-1]])  # the minute those trades belong to
    assert indicators.vwap.value == after


def test_the_tape_moves_the_score_between_bars() -> None:
    indicators = fed(climbing(60))
    before = indicators.technical
    indicators.trade(60 * MINUTE + 5, int(indicators.last) - 8000, 1000)
    assert indicators.technical is not None
    assert before is not None
    assert indicators.technical < before
    assert indicators.technical == reduce(add, indicators.contributions.values())


def test_bars_of_twenty_prints_join_the_score_once_they_are_warm() -> None:
    """The same indicators on ticks: nothing before their 39th bar, then up to 15 points of the sum."""
    indicators = fed(climbing(60))
    for i in range(NEEDS * PRINTS):
        assert "ticks" not in indicators.contributions
        indicators.trade(60 * MINUTE + 5 + i, 1_000_000 + 3 * i, 1000)
    ticks = indicators.contributions["ticks"]
    assert 5.0 < ticks <= 100.0 * TICKS
    assert indicators.technical == reduce(add, indicators.contributions.values())
    for name, value in indicators.contributions.items():
        assert abs(value) <= 100 * (1 - TICKS) * SHARES.get(name, TICKS / (1 - TICKS)) + 1e-9
    for i in range(40 * PRINTS):
        indicators.trade(61 * MINUTE + i, 1_000_000 - 3 * i, 1000)
    assert indicators.contributions["ticks"] < -5.0


def test_the_vwap_and_its_bands_are_of_the_trades_and_of_the_utc_day() -> None:
    """By hand: 30 lots at 100 and 10 at 104; a bar counts by its own average; midnight begins anew."""
    indicators = LightweightIndicators()
    indicators.follow([Candle(BTC.key, 0, MINUTE, 90, 120, 80, 110, 20, 2, vwap=100)])
    indicators.trade(MINUTE, 100, 10)
    indicators.trade(MINUTE + 1, 104, 10)
    vwap = indicators.vwap
    assert vwap.value == pytest.approx(101.0)
    assert vwap.sigma == pytest.approx(3**0.5)
    assert [vwap.band(k) for k in (-2, 1, 3)] == pytest.approx([101 - 2 * 3**0.5, 101 + 3**0.5, 101 + 3 * 3**0.5])
    indicators.trade(24 * 60 * MINUTE, 50, 1)
    assert (indicators.vwap.value, indicators.vwap.sigma) == (50.0, 0.0)


def test_a_market_that_never_moved_has_a_score_of_zero() -> None:
    """No NaN from a range, a width or a deviation of nothing."""
    flat = [Candle(BTC.key, i * MINUTE, MINUTE, 100, 100, 100, 100, 5, 1) for i in range(60)]
    assert fed(flat).technical == 0.0


def test_a_print_of_an_impossible_time_is_left_out_and_impossible_numbers_end_nothing() -> None:
    """A venue may claim any time and any price; none of them may end the run."""
    indicators = LightweightIndicators()
    absurd = 1 << 80
    assert indicators.trade(absurd, 100, 1) is None
    assert indicators.last == 0.0
    assert indicators.follow([Candle("X/Y@v", absurd, MINUTE, 100, absurd, 99, 100, 1, 100, 1)])
    indicators.trade(1, 100, 1)
    assert indicators.last == 100.0
    indicators.trade(2, absurd, absurd)
