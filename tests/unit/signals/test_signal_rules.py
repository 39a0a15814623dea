"""Alignment, bias, timing, stops and cost: the tables of the specification, their boundaries and invariants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.events import TrendBias
from desk.messages import Side
from desk.signals import alignment as al
from desk.signals.cost import break_even_win_rate, net_per_trade, round_trip_bps, smallest_paying_target
from desk.signals.timing import Prior, entry_advice, stop_advice, tightened
from desk.signals.trend import bias_effect


@pytest.mark.parametrize(
    ("x", "label", "factor"),
    [
        (100.0, al.STRONG_ALIGNMENT, 1.5),
        (60.0, al.STRONG_ALIGNMENT, 1.5),
        (59.9, al.MODERATE_ALIGNMENT, 1.0),
        (20.0, al.MODERATE_ALIGNMENT, 1.0),
        (19.9, al.NEUTRAL, 1.0),
        (0.0, al.NEUTRAL, 1.0),
        (-19.9, al.NEUTRAL, 1.0),
        (-20.0, al.MODERATE_CONFLICT, 0.7),
        (-59.9, al.MODERATE_CONFLICT, 0.7),
        (-60.0, al.STRONG_CONFLICT, 0.5),
        (None, al.NO_HFT, 1.0),
    ],
)
def test_alignment_labels_and_factors(x: float | None, label: str, factor: float) -> None:
    """Four required modifiers, a neutral fifth, and no bonus without a book."""
    assert al.alignment(x) == (label, factor)


@given(st.floats(-100, 100), st.floats(-100, 100))
def test_more_agreement_never_means_a_smaller_size(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert al.alignment(low).factor <= al.alignment(high).factor


@pytest.mark.parametrize(
    ("score", "factor", "blocks", "strong"),
    [
        (60.0, 1.0, False, False),
        (0.0, 1.0, False, False),
        (-19.9, 1.0, False, False),
        (-20.0, 0.5, False, True),
        (-59.9, 0.5, False, True),
        (-60.0, 0.0, True, False),
    ],
)
@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_the_bias_blocks_halves_or_passes(side: Side, score: float, factor: float, blocks: bool, strong: bool) -> None:
    """−60 and −20 against the side, mirrored for sells."""
    effect = bias_effect(side, TrendBias(0, "BTC/USD", side * score, 100, "X", 1.0), 50)
    assert effect[:3] == (factor, blocks, strong)


def test_an_expired_bias_has_no_effect_and_says_so() -> None:
    """A morning view must not steer the evening silently."""
    effect = bias_effect(Side.BUY, TrendBias(0, "BTC/USD", -90.0, 100, "BEARISH", 1.0), 100)
    assert effect[:3] == (1.0, False, False)
    assert "expired" in effect.why
    assert bias_effect(Side.BUY, None, 0).factor == 1.0


KRAKEN = {"maker_bps": 25.0, "taker_bps": 40.0}


@pytest.mark.parametrize(
    ("x", "spread", "ticks", "fees", "action"),
    [
        (-60.0, 0.4, 5, KRAKEN, "ABORT"),
        (-59.0, 0.4, 5, KRAKEN, "WAIT"),
        (-20.0, 0.4, 5, KRAKEN, "WAIT"),
        (0.0, 0.4, 5, KRAKEN, "JOIN"),
        (0.0, 1.1, 5, KRAKEN, "WAIT"),
        (None, 0.4, 5, KRAKEN, "JOIN"),
        (20.0, 1.1, 5, KRAKEN, "JOIN"),
        (60.0, 1.1, 5, KRAKEN, "IMPROVE"),
        (60.0, 1.1, 1, KRAKEN, "JOIN"),
        (30.0, 0.4, 5, {"maker_bps": 0.0, "taker_bps": 0.0}, "TAKE"),
        (-30.0, 0.4, 5, {"maker_bps": 0.0, "taker_bps": 0.0}, "WAIT"),
    ],
)
def test_entry_advice(x: float | None, spread: float, ticks: int, fees: dict[str, float], action: str) -> None:
    """Post-only where taking costs 15 bps more, take where it is free, stand back where the book objects."""
    assert entry_advice(x, spread, 0.5, ticks, **fees, range_bps=5.0).action == action


def test_taking_is_advised_exactly_when_the_inequality_says_so() -> None:
    """s + (f_T − f_M) < (1−P)·δ + AS with the numbers returned beside the advice."""
    prior = Prior(fill_probability=0.2, drift_share=0.5, adverse_share=0.25)
    advice = entry_advice(0.0, 2.0, 2.0, 9, 1.0, 2.0, 8.0, prior)
    assert (advice.take_bps, advice.rest_bps) == (2.0 + 2.0 - 1.0, pytest.approx(0.8 * 4.0 + 0.5))
    assert advice.action == "TAKE"
    assert entry_advice(0.0, 2.0, 2.0, 9, 1.0, 3.0, 8.0, prior).action == "JOIN"


def test_stop_guidance_has_no_gap() -> None:
    """C6: 20…50 and −50…−20 are defined; nothing to believe means the stop is honoured by price."""
    table = {50.1: "HOLD", 50.0: "HONOUR_STOP", 20.0: "HONOUR_STOP", -19.9: "HONOUR_STOP", -20.0: "TIGHTEN"}
    table |= {-50.0: "TIGHTEN", -50.1: "EXIT_NOW", -100.0: "EXIT_NOW"}
    assert {x: stop_advice(x) for x in table} == table
    assert stop_advice(None) == "HONOUR_STOP"


@given(st.sampled_from([1, -1]), st.integers(1, 10**6), st.lists(st.integers(1, 10**6), max_size=8))
def test_a_stop_never_moves_away_from_the_price(side: int, stop: int, prices: list[int]) -> None:
    """Whatever prices come, tightening only ever moves towards the trade's own side, and never past the price."""
    for price in prices:
        moved = tightened(side, stop, price)
        assert side * moved >= side * stop
        assert side * moved <= max(side * price, side * stop)
        stop = moved


TIERS = [  # maker %, taker %, then (cost %, p* %) for T/T, M/T, M/M and the net % per trade at 75 % wins
    (0.25, 0.40, (0.804, 301), (0.652, 251), (0.500, 200), (-0.679, -0.527, -0.375)),
    (0.20, 0.35, (0.704, 268), (0.552, 217), (0.400, 167), (-0.579, -0.427, -0.275)),
    (0.14, 0.24, (0.484, 195), (0.382, 161), (0.280, 127), (-0.359, -0.257, -0.155)),
    (0.12, 0.22, (0.444, 181), (0.342, 147), (0.240, 113), (-0.319, -0.217, -0.115)),
    (0.08, 0.18, (0.364, 155), (0.262, 121), (0.160, 87), (-0.239, -0.137, -0.035)),
    (0.00, 0.10, (0.204, 101), (0.102, 67), (0.000, 33), (-0.079, 0.023, 0.125)),
]


@pytest.mark.parametrize("tier", TIERS, ids=lambda t: f"{t[0]}/{t[1]}")
def test_break_even_win_rates_of_every_fee_tier(tier: tuple) -> None:
    """Target 0.20 %, stop 0.10 %, spread 0.4 bps: the table that says when not to trade."""
    maker, taker, *kinds, nets = tier
    makers = ((False, False), (True, False), (True, True))
    for (cost, percent), (entry, leave), net in zip(kinds, makers, nets, strict=True):
        got = round_trip_bps(100 * maker, 100 * taker, 0.4, entry, leave)
        assert got == pytest.approx(100 * cost)
        assert 100 * break_even_win_rate(20.0, 10.0, got) == pytest.approx(percent, abs=0.51)
        assert net_per_trade(0.75, 0.20, 0.10, cost) == pytest.approx(net, abs=5.1e-4)


@pytest.mark.parametrize(
    ("cost", "percent"), [(0.804, 2.47), (0.652, 2.01), (0.500, 1.54), (0.204, 0.63), (0.102, 0.31), (0.0, 0.0)]
)
def test_smallest_target_that_pays_at_55_percent(cost: float, percent: float) -> None:
    assert smallest_paying_target(0.55, 2.0, cost) == pytest.approx(percent, abs=0.006)


def test_a_break_even_without_a_bracket_is_refused() -> None:
    with pytest.raises(ValueError, match="not both 0"):
        break_even_win_rate(0.0, 0.0, 1.0)
