"""desk/risk/valuation.py: what a price does to the account, and what the same price again does not."""

from __future__ import annotations

from decimal import Decimal

from desk.config import Risk
from desk.events import Fill
from desk.instrument import Instrument
from desk.messages import Side
from desk.portfolio.portfolio import Portfolio
from desk.risk.account import DAY_NS, Account
from desk.risk.rules import limits
from desk.risk.valuation import Valuation

A = Instrument("AAA/USDT", "kraken", 0, 0)
NOW = 5 * DAY_NS


def valuation() -> Valuation:
    """100 lots bought at 100, of 100 000 USDT."""
    portfolio, account = Portfolio(Decimal(100_000), {A.key: A}), Account({A.key: A})
    made = Valuation(portfolio, account, limits(Risk()), ("USDT",))
    made.day(NOW)
    fill = Fill(NOW, "f1", "o1", A.key, Side.BUY, 100, 100, Decimal(0), False)
    portfolio.apply(fill)
    account.filled(fill)
    return made


def test_a_price_reaches_the_account_and_its_breakers_once() -> None:
    """Half a tick counts; the same price again asks nobody."""
    made = valuation()
    purse = made.account.purses["USDT"]
    assert made.mark(A.key, 102.5, NOW, 7) == []
    assert (purse.equity, purse.peak) == (100_250.0, 100_250.0)
    purse.equity = 0.0
    assert made.mark(A.key, 102.5, NOW, 8) == []
    assert purse.equity == 0.0
    (told,) = made.mark(A.key, 79.0, NOW, 9)
    assert (told.code, told.cause, purse.equity) == ("DAILY_LOSS", 9, 97_900.0)


def test_what_was_flat_in_between_is_valued_anew_at_the_same_price() -> None:
    """The mark of an earlier position must not stand in for the first of the next."""
    made = valuation()
    made.mark(A.key, 102.0, NOW, 1)
    for number, (side, px) in enumerate(((Side.SELL, 102), (Side.BUY, 90)), 2):
        fill = Fill(NOW, f"f{number}", "o2", A.key, side, px, 100, Decimal(0), False)
        made.portfolio.apply(fill)
        made.account.filled(fill)
        made.anew(A.key, NOW, number)
    assert made.account.purses["USDT"].equity == 100_200.0
    made.mark(A.key, 102.0, NOW, 4)
    assert made.account.purses["USDT"].equity == 101_400.0


def test_a_day_begins_once_and_counts_its_losses_from_then() -> None:
    made = valuation()
    made.mark(A.key, 110.0, NOW, 1)
    made.day(NOW + DAY_NS - 1)
    assert made.account.purses["USDT"].day_start == 100_000.0
    made.day(NOW + DAY_NS)
    assert made.account.purses["USDT"].day_start == 101_000.0
