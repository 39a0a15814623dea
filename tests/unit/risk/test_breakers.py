"""The account's memory and the breakers: what trips, what ends, what only a person ends."""

from __future__ import annotations

from decimal import Decimal
from math import nan

import pytest

from desk.config import Risk
from desk.events import Fill
from desk.instrument import Instrument
from desk.intents import Place
from desk.messages import Side
from desk.portfolio.position import ClosedTrade
from desk.risk import breakers
from desk.risk.account import DAY_NS, ORDERS_REMEMBERED, Account
from desk.risk.rules import limits

A = Instrument("AAA/USDT", "kraken", 0, 0)
LIMITS = limits(Risk())
SECOND = 1_000_000_000
NOW = 5 * DAY_NS


def account(equity: float = 10_000.0) -> Account:
    made = Account({A.key: A})
    made.roll_day(NOW, equity)
    return made


def trade(net: str) -> ClosedTrade:
    result, one = Decimal(net), Decimal(1)
    return ClosedTrade("t1", A.key, Side.BUY, 1, one, one, one, one, result, Decimal(0), result, NOW, NOW, "stop")


def watch(held: Account, now: int = NOW) -> str:
    change = breakers.watch(held, LIMITS, now)
    return change.code if change else ""


# --- what trips and what ends


@pytest.mark.parametrize(("equity", "code"), [(9_801, ""), (9_800, ""), (9_799, "DAILY_LOSS")])
def test_the_daily_loss_trips_beyond_its_limit_and_once(equity: float, code: str) -> None:
    """An alarm repeated on every tick is an alarm nobody reads."""
    held = account()
    held.valued(equity)
    assert watch(held) == code
    assert watch(held) == ""
    assert bool(held.halted) == bool(code)


def test_the_daily_loss_also_counts_closed_trades_while_an_open_one_hides_them() -> None:
    """An unrealised gain must not buy more losing trades."""
    held = account()
    held.valued(10_050.0)
    held.closed(trade("-201"), NOW)
    assert watch(held) == "DAILY_LOSS"


def test_the_daily_loss_is_over_with_the_day_and_the_drawdown_is_not() -> None:
    """The peak outlives the night."""
    held = account()
    held.valued(9_700.0)
    assert watch(held) == "DAILY_LOSS"
    assert held.new_day(NOW + DAY_NS - 1) is False
    assert held.new_day(NOW + DAY_NS) is True
    held.roll_day(NOW + DAY_NS, 9_700.0)
    assert held.halted == ""
    held.valued(9_510.0)
    assert watch(held) == ""
    held.valued(9_499.0)
    assert watch(held) == "DAILY_LOSS"  # 2.07 % of 9 700
    held.roll_day(NOW + 2 * DAY_NS, 9_499.0)
    assert watch(held) == "DRAWDOWN"  # 5.01 % of 10 000
    held.roll_day(NOW + 3 * DAY_NS, 9_499.0)
    assert held.halted == "drawdown"


def test_an_unknown_equity_trips() -> None:
    """A missing mark must trip, not pass."""
    held = account()
    held.valued(nan)
    assert watch(held) == "EQUITY_UNKNOWN"
    assert held.state(NOW) == "halted: equity is unknown: no entries until re-armed"


def test_five_losses_in_a_row_cool_down_and_the_count_starts_again() -> None:
    """A cool-down that leaves the streak standing would never end."""
    held = account()
    for _ in range(4):
        held.closed(trade("-1"), NOW)
        assert watch(held) == ""
    held.closed(trade("-1"), NOW)
    assert watch(held) == "LOSING_STREAK"
    assert held.state(NOW) == "cooling 300 s"
    assert watch(held, NOW + 300 * SECOND - 1) == ""
    assert held.streak == 5
    assert watch(held, NOW + 300 * SECOND) == "COOL_DOWN_OVER"
    assert (held.streak, held.state(NOW)) == (0, "armed")


@pytest.mark.parametrize("net", ["0", "0.01"])
def test_a_trade_that_does_not_lose_ends_the_streak(net: str) -> None:
    """In a row means in a row."""
    held = account()
    for result in ("-1", "-1", "-1", "-1", net, "-1"):
        held.closed(trade(result), NOW)
    assert held.streak == 1
    assert held.last_trade == trade("-1")


def test_only_a_person_with_a_reason_re_arms_a_kill() -> None:
    """Neither time nor a better equity nor a bare resume may do it."""
    held = account()
    held.kill("finger on the button")
    watch(held, NOW + 10 * DAY_NS)
    held.roll_day(NOW + DAY_NS, 20_000.0)
    assert held.rearm(" ") == ""
    assert held.state(NOW) == "killed: finger on the button"
    assert held.rearm("checked the orders") == "killed: finger on the button"
    assert held.state(NOW) == "armed"


def test_a_re_armed_loss_counts_from_now() -> None:
    """Otherwise the same loss would trip again with the next tick."""
    held = account()
    held.valued(9_000.0)
    assert watch(held) == "DAILY_LOSS"
    assert held.rearm("") == ""
    held.rearm("accepted")
    assert watch(held) == "DRAWDOWN"  # the other limit that is broken says so too
    held.rearm("accepted")
    assert watch(held) == ""
    held.valued(8_819.0)
    assert watch(held) == "DAILY_LOSS"


def test_a_pause_and_resume_does_not_forget_the_loss_of_the_day() -> None:
    """It would be the way round the limit."""
    held = account()
    held.valued(9_850.0)
    held.halt("paused", "paused by a person")
    assert held.rearm("") == "paused by a person"
    held.valued(9_799.0)
    assert watch(held) == "DAILY_LOSS"


def test_a_breaker_trips_through_a_pause() -> None:
    """A bare resume must not lift a breaker that hid behind the pause."""
    held = account()
    held.halt("paused", "paused by a person")
    held.valued(9_000.0)
    assert watch(held) == "DAILY_LOSS"
    assert held.rearm("") == ""
    assert held.halted == "daily_loss"


# --- the account


def place(qty: int, side: Side = Side.BUY, px: int = 100) -> Place:
    return Place(A.key, side, qty, px)


def fill(fill_id: str, order_id: str, qty: int, side: Side = Side.BUY) -> Fill:
    return Fill(NOW, fill_id, order_id, A.key, side, 100, qty, Decimal(0), False)


def test_a_partial_fill_moves_quantity_from_working_to_held_once() -> None:
    """Counted twice it would halve the limits, not counted it would double them."""
    held = account()
    held.submitted("o1", place(10), NOW)
    held.filled(fill("p1", "o1", 4))
    held.filled(fill("p1", "o1", 4))
    assert (held.positions[A.key], held.open_orders["o1"].qty) == (4, 6)
    assert held.worst(A.key) == 1_000.0
    held.filled(fill("p2", "o1", 6))
    assert (held.positions[A.key], held.open_orders) == (10, {})


def test_a_late_fill_changes_the_position() -> None:
    """Accounting follows fills, never the status of an order."""
    held = account()
    held.submitted("o1", place(10), NOW)
    held.ended("o1")
    held.filled(fill("p1", "o1", 4))
    assert held.positions[A.key] == 4
    held.ended("o1")


def test_a_new_position_is_not_valued_at_the_price_of_the_last_one() -> None:
    """Nothing marks what is not held, so that price may be hours old."""
    held = account()
    held.filled(fill("p1", "o1", 4))
    held.marked(A.key, 1_000.0)
    held.filled(fill("p2", "o2", 4, Side.SELL))
    held.filled(fill("p3", "o3", 4))
    assert held.worst(A.key) == 400.0


def test_the_times_of_orders_are_bounded() -> None:
    """A day of orders must not grow the memory."""
    held = account()
    for n in range(3 * ORDERS_REMEMBERED):
        held.submitted("o", place(1), n)
    assert len(held.order_times) == ORDERS_REMEMBERED
    assert held.orders_since(3 * ORDERS_REMEMBERED - 11) == 10
