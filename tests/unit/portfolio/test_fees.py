"""Fees to the last digit, and the win rates they demand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from desk.config import FeeListing, Fees, FeeTier
from desk.portfolio.fees import FeeSchedule, break_even, money, tariff
from desk.wire.stamps import parse_ns

KRAKEN = FeeSchedule(Decimal(25), Decimal(40))


@pytest.mark.parametrize(
    ("notional", "maker", "fee"),
    [
        ("1000", False, "4"),
        ("1000", True, "2.5"),
        ("32262.5", False, "129.05"),
        ("0.00001", False, "0.00000004"),
        ("0.000000001", True, "0.00000001"),
        ("0", True, "0"),
    ],
)
def test_a_fee_is_the_notional_times_the_rate_rounded_up(notional: str, maker: bool, fee: str) -> None:
    """Hand-computed; a fee rounded down would be a gift nobody gives."""
    assert KRAKEN(Decimal(notional), maker) == Decimal(fee)


def test_a_rebate_is_not_rounded_in_our_favour() -> None:
    """−1 bps of 0.00015 is −1.5e-8: we get 1e-8."""
    assert FeeSchedule(Decimal(-1), Decimal(5))(Decimal("0.00015"), True) == Decimal("-1e-8")


def test_the_configuration_decides_what_the_embedded_exchange_charges() -> None:
    """Free by default there; a real venue always costs its tier."""
    assert rates(tariff(Fees(), embedded=True).at(0)) == (0, 0)
    assert rates(tariff(Fees(), embedded=False).at(0)) == (25, 40)
    assert rates(tariff(Fees(embedded="kraken"), embedded=True).at(0)) == (25, 40)
    assert tariff(Fees(maker_bps=0.1), embedded=False).at(0).maker_bps == Decimal("0.1")


@pytest.mark.parametrize(
    ("volume", "maker_taker"),
    [(0.0, (25, 40)), (9_999.0, (25, 40)), (10_000.0, (20, 35)), (499_999.0, (12, 22)), (2e7, (0, 10))],
)
def test_the_tier_is_that_of_the_volume_of_the_last_thirty_days(volume: float, maker_taker: tuple[int, int]) -> None:
    """Kraken Pro's listing of 2026-05-30 (signals.md section 8): a tier begins at its volume."""
    assert rates(tariff(Fees(volume_30d=volume), embedded=False).at(0)) == maker_taker


def test_a_fee_schedule_holds_from_its_day_on() -> None:
    """A trade pays what was in force when it was made, also when the listings stand in another order."""
    now, then = (
        FeeListing(since=since, name="V", tiers=(FeeTier(maker_bps=maker, taker_bps=9.0),))
        for since, maker in (("2026-08-01", 2.0), ("2026-05-30", 7.0))
    )
    paid = tariff(Fees(volume_30d=1.0, listings=(now, then)), embedded=False)
    change = parse_ns("2026-08-01T00:00:00Z")
    assert [rates(paid.at(ts)) for ts in (0, change - 1, change)] == [(7, 9), (7, 9), (2, 9)]
    assert paid.at(change).name == "V from 0 in 30 days (listing of 2026-08-01)"


def rates(tier: FeeSchedule) -> tuple[Decimal, Decimal]:
    return tier.maker_bps, tier.taker_bps


@pytest.mark.parametrize(
    ("maker_bps", "taker_bps", "rates"),
    [
        (25, 40, (3.01, 2.51, 2.00)),
        (20, 35, (2.68, 2.17, 1.67)),
        (14, 24, (1.95, 1.61, 1.27)),
        (12, 22, (1.81, 1.47, 1.13)),
        (8, 18, (1.55, 1.21, 0.87)),
        (0, 10, (1.01, 0.67, 0.33)),
    ],
)
def test_the_break_even_table_of_the_venues_tiers(maker_bps: int, taker_bps: int, rates: tuple[float, ...]) -> None:
    """signals.md section 8: target 20 bps, stop 10 bps; spread 0.4 bps taker-taker, 0.2 bps mixed."""
    tier = FeeSchedule(Decimal(maker_bps), Decimal(taker_bps))
    costs = (
        tier.round_trip_bps(False, False) + 0.4,
        tier.round_trip_bps(True, False) + 0.2,
        tier.round_trip_bps(True, True),
    )
    assert [round(break_even(20.0, 10.0, c) or 0.0, 2) for c in costs] == pytest.approx(rates, abs=0.0051)


def test_break_even_of_nothing_to_win_or_lose_is_undefined() -> None:
    """A division by zero must not reach a screen."""
    assert break_even(0.0, 0.0, 1.0) is None


def test_money_is_exact_for_any_size() -> None:
    """The default context of 28 digits would round this."""
    assert money(10**40 + 1, 20) == Decimal("100000000000000000000.00000000000000000001")
