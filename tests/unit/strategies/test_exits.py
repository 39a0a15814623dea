"""Exits: prices at which a position could really leave, precedence, and a stop that only ever comes nearer."""

from __future__ import annotations

from math import copysign

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.messages import Side
from desk.strategies.exits import CYCLE_HOLD, SCALP_HOLD, Bracket, bracket_prices, exit_limit, exit_reason, hold_ns

BUY, SELL = Side.BUY, Side.SELL
SECOND = 1_000_000_000


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


@pytest.mark.parametrize(("kind", "least", "most"), [(SCALP_HOLD, 60.0, 900.0), (CYCLE_HOLD, 30.0, 300.0)])
def test_a_hold_is_within_what_its_kind_may_be(kind: tuple[float, float], least: float, most: float) -> None:
    """Scalps live 1 to 15 minutes, cycled positions 30 seconds to 5 minutes."""
    assert hold_ns(least, kind) == round(least * 1e9)
    for hold in (least - 0.1, most + 0.1, float("nan")):
        with pytest.raises(ValueError, match="is outside of"):
            hold_ns(hold, kind)


def test_a_bracket_that_was_taken_over_is_the_one_that_was_left() -> None:
    """Also one whose stop has moved beyond the entry."""
    bracket = Bracket(BUY, 1000, 990, 1040, 10**9, hard=985, defer=5)
    assert bracket.check(1030, 1031, 0, x=-30.0) is None
    assert bracket.stop > 1000
    assert Bracket.carried(bracket.plan("I")).plan("I") == bracket.plan("I")


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


def test_a_book_strongly_against_ends_it() -> None:
    bracket = Bracket(BUY, 1000, 980, 1040, 10**9)
    assert bracket.check(999, 1000, 0, x=None) is None
    assert bracket.check(999, 1000, 0, x=-50.0) is None
    assert bracket.check(999, 1000, 0, x=-51.0) == "book_turned"


def test_a_stop_is_deferred_once_while_the_book_holds_and_never_beyond_the_hard_stop() -> None:
    """HOLD: two seconds from the first touch, fewer when the book lets go; the size was for the hard stop."""

    def bracket() -> Bracket:
        return Bracket(BUY, 1000, 980, 1040, 10**12, hard=975, defer=2 * SECOND)

    held = bracket()
    assert held.check(980, 981, 10 * SECOND, x=51.0) is None
    assert held.check(990, 991, 11 * SECOND, x=51.0) is None
    assert held.check(978, 979, 12 * SECOND - 1, x=51.0) is None
    assert held.check(980, 981, 12 * SECOND, x=51.0) == "stop"
    assert bracket().check(975, 976, 0, x=100.0) == "stop"
    assert bracket().check(980, 981, 0, x=50.0) == "stop"
    assert bracket().check(980, 981, 0, x=None) == "stop"
    let_go = bracket()
    assert let_go.check(980, 981, 5, x=51.0) is None
    assert let_go.check(980, 981, 6, x=49.0) == "stop"
    late = Bracket(BUY, 1000, 980, 1040, 5, hard=975, defer=2 * SECOND)
    assert late.check(980, 981, 5, x=51.0) == "time_stop"
    assert Bracket(BUY, 1000, 980, 1040, 10**12).check(980, 981, 5, x=100.0) == "stop"


def test_a_trade_entered_against_the_book_hears_it_only_after_it_has_let_go() -> None:
    """Its size was cut for what was known; leaving at once for the same reason would only pay the fees."""
    bracket = Bracket(SELL, 1000, 1020, 960, 10**9, heeds=False)
    assert [bracket.check(998, 1000, now, x=x) for now, x in enumerate((-40.0, -70.0, None, -51.0))] == [None] * 4
    assert bracket.stop == 1020
    assert bracket.check(998, 1000, 5, x=-19.0) is None
    assert bracket.check(998, 1000, 6, x=-51.0) == "book_turned"


@given(
    st.sampled_from([BUY, SELL]),
    st.lists(st.tuples(st.integers(900, 1100), st.none() | st.floats(-100, 100), st.integers(0, 3)), max_size=30),
)
def test_neither_stop_ever_moves_away_and_no_loss_passes_the_hard_one_undecided(
    side: Side, steps: list[tuple[int, float | None, int]]
) -> None:
    """Whatever the book says: at or beyond the hard stop, or two seconds at the stop, the answer is to leave."""
    bracket, now, touched = (
        Bracket(side, 1000, 1000 - 20 * side, 1000 + 40 * side, 10**12, 1000 - 25 * side, 2),
        0,
        None,
    )
    for px, x, later in steps:
        now += later
        before, bid, ask = bracket.stop, px, px
        reason = bracket.check(bid, ask, now, x)
        assert side * bracket.stop >= side * before
        if side * px <= side * before:
            touched = now if touched is None else touched
            if side * px <= side * bracket.hard or now >= touched + 2:
                assert reason == "stop"
        if reason is not None:
            break


def test_prices_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValueError, match="do not bracket a BUY"):
        Bracket(BUY, 1000, 1010, 1040, 10**9)


@settings(max_examples=600)
@given(
    side=st.sampled_from([BUY, SELL]),
    heeds=st.booleans(),
    defer=st.sampled_from([0, 500]),
    book=st.lists(
        st.tuples(
            st.sampled_from([-13, -12, -11, -10, -9, 0, 17, 18, 19, 20, 21]),
            st.integers(1, 3),
            st.none() | st.floats(-100, 100) | st.sampled_from([-20.0, -50.0]),
        ),
        max_size=12,
    ),
)
def test_within_its_guard_a_bracket_says_nothing_and_stays_as_it_is(side, heeds, defer, book) -> None:
    """Where the trend has the total's sign the score is believed, else there is none, as the scalper has it."""
    bracket = Bracket(side, 1000, 1000 - 10 * side, 1000 + 20 * side, 10_000, 1000 - 12 * side, defer, heeds)
    for now, (away, spread, x) in enumerate(book):
        bid, before = 1000 + side * away, bracket.plan("X/Y@v")
        for agrees in (1, -1) if x else ():
            if bracket.guard.holds(bid, bid + spread, side * x, agrees * copysign(1.0, side * x)):
                assert bracket.check(bid, bid + spread, now, x if agrees > 0 else None) is None
                assert bracket.plan("X/Y@v") == before
        if bracket.check(bid, bid + spread, now, x) is not None:
            return
