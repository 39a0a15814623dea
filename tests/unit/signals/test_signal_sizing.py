"""Sizes: exact, inside the risk limit whatever the modifiers, and a reason for every zero."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.instrument import Instrument
from desk.signals.sizing import scalp_size

BTC = Instrument("BTC/USD", "kraken", 1, 8, qty_min=10_000, cost_min=Decimal("0.5"))
EQUITY = Decimal(10_000)


def test_the_size_by_hand() -> None:
    """0.5 % of 10,000 is 50; a stop 100 away plus 10 bps of 100,000 risks 200 a coin; 0.25 BTC, two thirds of it."""
    assert scalp_size(BTC, EQUITY, 0.005, 1_000_000, 999_000, 10.0, 1.5).lots == 25_000_000
    assert scalp_size(BTC, EQUITY, 0.005, 1_000_000, 999_000, 10.0, 1.0).lots == 16_666_666
    assert scalp_size(BTC, EQUITY, 0.005, 1_000_000, 1_001_000, 10.0, 1.0, 0.5).lots == 8_333_333
    assert scalp_size(BTC, EQUITY, 0.005, 1_000_000, 999_000, 10.0, 1.5, max_notional=Decimal(2_000)).lots == 2_000_000


@given(
    equity=st.decimals(1, 10**7, places=2),
    risk=st.sampled_from([0.001, 0.002, 0.0035, 0.005]),
    entry=st.integers(1000, 10**7),
    away=st.integers(1, 900),
    side=st.sampled_from([1, -1]),
    cost=st.floats(0, 100),
    factor=st.sampled_from([0.5, 0.7, 1.0, 1.5]),
    bias=st.sampled_from([0.5, 1.0]),
    lot=st.sampled_from([1, 1000]),
    most=st.none() | st.decimals(1, 10**6, places=2),
)
def test_no_factor_breaks_the_risk_limit(
    equity: Decimal,
    risk: float,
    entry: int,
    away: int,
    side: int,
    cost: float,
    factor: float,
    bias: float,
    lot: int,
    most: Decimal | None,
) -> None:
    """1.5× is a share of the limit, not more than the limit; recomputed here from the lots."""
    inst = Instrument("BTC/USD", "kraken", 1, 8, lot=lot)
    size = scalp_size(inst, equity, risk, entry, entry - side * away, cost, factor, bias, most)
    loss = inst.notional(away, size.lots) + inst.notional(entry, size.lots) * Decimal(repr(cost)) / 10_000
    assert loss <= equity * Decimal(repr(risk))
    assert most is None or inst.notional(entry, size.lots) <= most
    assert size.lots % lot == 0
    assert (size.lots == 0) == bool(size.why)


def test_alignment_orders_the_sizes() -> None:
    """Even where the notional limit binds, better agreement trades more."""
    most = Decimal(2_000)
    sizes = [scalp_size(BTC, EQUITY, 0.005, 1_000_000, 999_000, 0.0, f, 1.0, most).lots for f in (0.5, 0.7, 1.0, 1.5)]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize(
    ("equity", "factor", "most", "inst", "why"),
    [
        (Decimal(0), 1.0, None, BTC, "NO_EQUITY"),
        (EQUITY, 0.0, None, BTC, "VETOED"),
        (EQUITY, 1.0, Decimal(1), BTC, "BELOW_MIN_QTY"),
        (EQUITY, 1.0, Decimal(100), Instrument("BTC/USD", "kraken", 1, 8, cost_min=Decimal(90)), "BELOW_MIN_NOTIONAL"),
    ],
)
def test_every_zero_has_its_reason(
    equity: Decimal, factor: float, most: Decimal | None, inst: Instrument, why: str
) -> None:
    """Dust is refused here, not by the venue."""
    size = scalp_size(inst, equity, 0.005, 1_000_000, 999_000, 0.0, factor, 1.0, most)
    assert (size.lots, size.why) == (0, why)


@pytest.mark.parametrize("risk", [0.0009, 0.0051, 1.0])
def test_a_risk_outside_a_scalps_bounds_is_refused(risk: float) -> None:
    with pytest.raises(ValueError, match="outside"):
        scalp_size(BTC, EQUITY, risk, 1_000_000, 999_000, 0.0, 1.0)


def test_a_stop_at_the_entry_is_refused() -> None:
    with pytest.raises(ValueError, match="no risk"):
        scalp_size(BTC, EQUITY, 0.005, 1_000_000, 1_000_000, 0.0, 1.0)
