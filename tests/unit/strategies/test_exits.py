"""Exits: prices at which a position could really leave, precedence, and a stop that only ever comes nearer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.messages import Side
from desk.strategies.exits import Bracket, bracket_prices, exit_limit, exit_reason

BUY, SELL = Side.BUY, Side.SELL


@pytest.mark.parametrize(
    ("side", "bid", "ask", "now", "why"),
    [
        (BUY, 91, 130, 0, None),  # the ask beyond the target is not a price a long can leave at
        (BUY, 90, 91, 0, "stop"),
        (BUY, 120, 121, 0, "take_profit"),
        (BUY, 100, 101, 1000, "time_stop"),
        (BUY, 90, 91, 1000, "stop"),
        (BUY, 120, 121, 1000, "take_profit"),
        (SELL, 70, 109, 0, None),
        (SELL, 109, 110, 0, "stop"),
        (SELL, 79, 80, 0, "take_profit"),
        (SELL, 100, 101, 1000, "time_stop"),
    ],
)
def test_why_to_leave(side: Side, bid: int, ask: int, now: int, why: str | None) -> None:
    """Stop before target before time; compared with the side of the book the exit would hit."""
    stop, target = (90, 120) if side is BUY else (110, 80)
    assert exit_reason(side, stop, target, 1000, bid, ask, now) == why


@given(st.sampled_from([BUY, SELL]), st.floats(0.01, 5000), st.floats(2, 10), st.sampled_from([1, 5, 25]))
def test_the_target_is_never_nearer_than_promised(side: Side, risk: float, ratio: float, tick: int) -> None:
    """2:1 after rounding to what the venue accepts."""
    entry = 1_000_000
    prices = bracket_prices(side, entry, risk, ratio, tick)
    assert prices is not None
    stop, target = prices
    assert side * (entry - stop) >= risk
    assert side * (target - entry) >= ratio * side * (entry - stop)
    assert (entry - stop) % tick == (target - entry) % tick == 0


def test_a_price_of_a_few_ticks_has_no_bracket() -> None:
    assert bracket_prices(SELL, 10, 6.0, 2.0) is None


def test_an_exit_gives_up_at_most_its_collar() -> None:
    assert (exit_limit(BUY, 100, 102, 3), exit_limit(SELL, 100, 102, 3), exit_limit(BUY, 2, 3, 5)) == (97, 105, 1)


def test_a_leaning_book_halves_the_way_to_the_stop_once() -> None:
    """A score that stays negative must not pull the stop into the price step by step."""
    bracket = Bracket(SELL, 1000, 1020, 960, 10**9)
    assert bracket.check(998, 1000, 0, x=-30.0) is None
    assert bracket.stop == 1010
    assert bracket.check(998, 1000, 1, x=-40.0) is None
    assert bracket.stop == 1010


def test_a_book_strongly_against_ends_it_and_a_book_strongly_for_does_not_defer_the_stop() -> None:
    """The size was computed for this stop: HOLD is not taken up."""
    bracket = Bracket(BUY, 1000, 980, 1040, 10**9)
    assert bracket.check(999, 1000, 0, x=-51.0) == "book_turned"
    assert bracket.check(980, 981, 0, x=90.0) == "stop"
    assert bracket.check(999, 1000, 0, x=None) is None


def test_prices_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValueError, match="do not bracket a BUY"):
        Bracket(BUY, 1000, 1010, 1040, 10**9)
