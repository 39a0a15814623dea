"""The shared score: the table it was specified by, its properties, and its life in time."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import dataclass
from functools import reduce
from math import exp, inf, nan
from operator import add
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hft_signals as hft
from desk.config import HalfLife, HftSignals, Thresholds, Weights
from desk.errors import ConfigError
from desk.signals.shape import Features, Score

SECOND = 1_000_000_000
INST = "BTC/USD@kraken"


def features(
    rho: float, nb: int | None, na: int | None, s: float, ref: float, tier: str = "L3", ts: int = 0
) -> Features:
    return Features(ts, INST, rho, nb, na, s, ref, tier)


@dataclass
class Row:
    """One line of the specification's table, to three decimals."""

    rho: float
    nb: int | None
    na: int | None
    s: float
    ref: float
    imbalance: float
    count: float | None
    quality: float
    direction: float
    spread: float
    total: float
    label: str
    agreement: float


ROWS = [
    Row(0.61, 19, 116, 0.4, 0.5, 61, -74.966, 9.691, 10.013, 9.691, 9.948, "NEUTRAL", 0.151),
    Row(-0.61, 116, 19, 0.4, 0.5, -61, 74.966, 9.691, -10.013, -9.691, -9.948, "NEUTRAL", 0.151),
    Row(-0.61, 19, 116, 0.4, 0.5, -61, -74.966, 9.691, -66.237, -9.691, -54.928, "MODERATE_SELL", 1),
    Row(-0.61, 19, 116, 0.05, 0.5, -61, -74.966, 100, -66.237, -100, -72.990, "STRONG_SELL", 1),
    Row(0, 50, 50, 0.05, 0.5, 0, 0, 100, 0, 0, 0, "NEUTRAL", 0),
    Row(1, 100, 0, 0.05, 0.5, 100, 100, 100, 100, 100, 100, "STRONG_BUY", 1),
    Row(1, 100, 0, 5, 0.5, 100, 100, -100, 100, -100, 60, "STRONG_BUY", 1),
    Row(0.5, 40, 20, 0.5, 0.5, 50, 28.083, 0, 41.781, 0, 33.425, "MODERATE_BUY", 1),
    Row(0.5, 40, 20, 2, 0.5, 50, 28.083, -60.206, 41.781, -25.155, 28.394, "MODERATE_BUY", 1),
    Row(0.61, None, None, 0.4, 0.5, 61, None, 9.691, 61, 9.691, 50.738, "MODERATE_BUY", 1),
    Row(0.2, None, None, 0.5, 0.5, 20, None, 0, 20, 0, 16, "NEUTRAL", 1),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r.rho:+} {r.nb}/{r.na} {r.s}")
def test_every_row_of_the_specification_is_reproduced_to_three_decimals(row: Row) -> None:
    """A changed constant or formula shows here first."""
    s = hft.score(features(row.rho, row.nb, row.na, row.s, row.ref, "L3" if row.nb is not None else "L2"))
    got = (s.imbalance, s.spread_quality, s.direction, s.spread, s.total, s.agreement)
    want = (row.imbalance, row.quality, row.direction, row.spread, row.total, row.agreement)
    assert [round(x, 3) for x in got] == pytest.approx(list(want), abs=5.1e-4)
    assert s.label == row.label
    if row.count is None:
        assert s.order_count is None
    else:
        assert s.order_count == pytest.approx(row.count, abs=5e-4)


def test_the_required_vector_is_plus_ten_neutral_and_the_printed_minus_73_has_its_own_input() -> None:
    """C1 of the settled contradictions: the total is the literal weighted sum."""
    required = hft.score(features(0.61, 19, 116, 0.4, 0.5))
    assert (hft.displayed(required.imbalance), hft.displayed(required.order_count), hft.displayed(required.spread)) == (
        61,
        -75,
        10,
    )
    assert (hft.displayed(required.total), required.label) == (10, "NEUTRAL")
    assert hft.strength(required.agreement, required.total, 1.0, required.quality, True) == pytest.approx(1.5, abs=0.01)
    other = hft.score(features(-0.61, 19, 116, 0.05, 0.5))
    assert (hft.displayed(other.total), other.label) == (-73, "STRONG_SELL")


def test_running_the_file_prints_the_worked_example() -> None:
    """`python hft_signals.py` is the first thing a reader tries."""
    program = Path(hft.__file__)
    out = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=True, cwd=program.parent)
    for piece in ("+61.000", "-74.966", "+9.691", "+10 NEUTRAL", "-73 STRONG_SELL"):
        assert piece in out.stdout


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(
    ("size", "buy", "sell"),
    [
        (100.0, "STRONG_BUY", "STRONG_SELL"),
        (60.0, "STRONG_BUY", "STRONG_SELL"),
        (59.999, "MODERATE_BUY", "MODERATE_SELL"),
        (20.0, "MODERATE_BUY", "MODERATE_SELL"),
        (19.999, "NEUTRAL", "NEUTRAL"),
        (0.0, "NEUTRAL", "NEUTRAL"),
    ],
)
def test_class_boundaries_belong_to_the_outer_class_on_both_sides(
    sign: float, size: float, buy: str, sell: str
) -> None:
    """C2 and C3: ±60 and ±20, half-open and symmetric."""
    assert hft.classify(sign * size) == (buy if sign > 0 else sell)


def test_thresholds_are_configurable() -> None:
    assert hft.classify(55.0, Thresholds(strong=50.0, moderate=10.0)) == "STRONG_BUY"


RHO = st.integers(-1000, 1000).map(lambda k: k / 1000)
COUNT = st.integers(0, 2000)
SPREAD = st.floats(0.01, 100.0)
BOOKS = st.tuples(RHO, COUNT, COUNT, SPREAD, SPREAD, st.sampled_from(["L3", "L2C", "L2", "L1"]))
Book = tuple[float, int, int, float, float, str]


@given(BOOKS)
def test_swapping_the_sides_turns_the_sign_and_nothing_else(book: Book) -> None:
    """A bias towards one side would be a bug in the sign of money."""
    rho, nb, na, s, ref, tier = book
    assert (
        hft.score(features(-rho, na, nb, s, ref, tier)).total == -hft.score(features(rho, nb, na, s, ref, tier)).total
    )


@given(BOOKS)
def test_the_total_stays_within_100_and_has_the_sign_of_the_direction(book: Book) -> None:
    """A spread that could turn the sign would sell on buying pressure."""
    score = hft.score(features(*book))
    assert abs(score.total) <= 100.0
    assert (score.total > 0) == (score.direction > 0)
    assert (score.total < 0) == (score.direction < 0)


@given(BOOKS, st.floats(0.0, 0.2))
def test_more_bids_never_lower_the_total_and_never_by_more_than_the_lipschitz_bound(book: Book, more: float) -> None:
    """Monotone, and at most 3 points per point of imbalance: no cliff for noise to fall from."""
    rho, *rest = book
    higher = min(1.0, rho + more)
    low, high = hft.score(features(rho, *rest)), hft.score(features(higher, *rest))
    assert high.total >= low.total - 1e-9
    assert high.total - low.total <= 3.0 * (high.imbalance - low.imbalance) + 1e-9


@given(BOOKS, st.floats(1.0, 10.0))
def test_a_tighter_spread_never_weakens_the_total(book: Book, tighter: float) -> None:
    rho, nb, na, s, ref, tier = book
    wide, tight = (
        hft.score(features(rho, nb, na, s, ref, tier)),
        hft.score(features(rho, nb, na, s / tighter, ref, tier)),
    )
    assert abs(tight.total) >= abs(wide.total) - 1e-9


@given(COUNT, SPREAD, SPREAD, st.sampled_from(["L3", "L2"]))
def test_a_balanced_book_scores_exactly_zero(n: int, s: float, ref: float, tier: str) -> None:
    """C4: a tight spread alone is no reason to buy. Zero without a minus sign."""
    score = hft.score(features(0.0, n, n, s, ref, tier))
    assert str(score.total) == "0.0"
    assert str(score.spread) == "0.0"


@given(BOOKS)
def test_the_total_is_the_literal_weighted_sum_of_the_components_shown(book: Book) -> None:
    """What people add up on the screen is what the score is."""
    s = hft.score(features(*book))
    by_hand = (
        0.8 * s.imbalance + 0.2 * s.spread
        if s.order_count is None
        else 0.5 * s.imbalance + 0.3 * s.order_count + 0.2 * s.spread
    )
    assert s.total == pytest.approx(by_hand, abs=1e-9)
    assert reduce(add, hft.contributions(s).values()) == s.total


def test_counts_are_never_imputed_below_the_tiers_that_know_them() -> None:
    assert hft.score(features(0.5, 9, 1, 0.5, 0.5, "L2")) == hft.score(features(0.5, 9, 1, 0.5, 0.5, "L2"))
    assert hft.score(features(0.5, 9, 1, 0.5, 0.5, "L2")).order_count is None
    with pytest.raises(ValueError, match="tier L3 without order counts"):
        hft.score(features(0.5, None, None, 0.5, 0.5, "L3"))


@pytest.mark.parametrize(
    ("tier", "attested", "want"), [("L3", True, 1), ("L3", False, 0.9), ("L2", True, 0.7), ("L1", True, 0.5)]
)
def test_quality_follows_the_tier_and_what_vouches_for_it(tier: str, attested: bool, want: float) -> None:
    assert hft.score(Features(0, INST, 0.1, 1, 1, 0.5, 0.5, tier, attested)).quality == want


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: hft.imbalance_component(nan), "nan"),
        (lambda: hft.imbalance_component(1.01), "1.01"),
        (lambda: hft.count_component(-1, 3), "-1"),
        (lambda: hft.spread_quality(0.0, 0.5), "0.0"),
        (lambda: hft.spread_quality(0.4, nan), "nan"),
        (lambda: hft.spread_quality(inf, 0.5), "inf"),
        (lambda: hft.decay(-1.0), "-1.0"),
        (lambda: hft.score(features(0.1, 1, 1, 0.5, 0.5, "L9")), "L9"),
    ],
)
def test_a_broken_precondition_is_an_error_with_its_numbers_not_a_zero(call: object, said: str) -> None:
    """A 0 would read as "balanced"."""
    with pytest.raises(ValueError, match=said):
        call()  # type: ignore[operator]


def test_weights_that_let_the_spread_lead_are_refused_with_their_path() -> None:
    """The spread has no direction: at half the weight it could turn the sign."""
    with pytest.raises(ConfigError, match=r"\$\.hft_signals\.weights\.spread"):
        hft.OrderBookAnalyzer(HftSignals(weights=Weights(imbalance=0.2, order_count=0.2, spread=0.6)))
    with pytest.raises(ConfigError, match="add up to 1"):
        hft.OrderBookAnalyzer(HftSignals(weights=Weights(imbalance=0.5, order_count=0.5, spread=0.2)))


def test_the_analyzer_is_the_score_with_its_configuration() -> None:
    analyzer = hft.OrderBookAnalyzer(HftSignals(thresholds=Thresholds(strong=50.0)))
    f = features(-0.61, 19, 116, 0.4, 0.5)
    assert analyzer(f) == analyzer.score(f)
    assert analyzer(f).label == "STRONG_SELL"
    assert hft.OrderBookAnalyzer()(f) == hft.score(f)


def at(seconds: float, rho: float, s: float = 0.5) -> Score:
    return hft.score(features(rho, None, None, s, 0.5, "L2", ts=int(seconds * SECOND)))


def test_the_average_forgets_by_elapsed_time_not_by_number_of_updates() -> None:
    """α = 1 − exp(−Δt/τ), τ = 5 s, against the closed form; the example's 6.1 under 6.4 is fading."""
    integrator = hft.HFTIntegrator()
    integrator.update(at(0, 0.64))
    reading = integrator.update(at(2, 0.61))
    assert reading.ema == pytest.approx(64.0 + (1 - exp(-2 / 5)) * (61.0 - 64.0))
    assert reading.trend == "fading"
    assert integrator.update(at(2.5, 0.9)).trend == "rising"


def test_the_trend_is_about_pressure_so_a_stronger_sell_is_rising() -> None:
    integrator = hft.HFTIntegrator()
    integrator.update(at(0, -0.5))
    assert integrator.update(at(1, -0.8)).trend == "rising"
    assert integrator.update(at(2, -0.1)).trend == "fading"
    assert integrator.update(at(3, 0.4)).trend == "fading"


@pytest.mark.parametrize("sign", [1, -1])
def test_the_stable_class_is_left_only_five_points_beyond_its_boundary(sign: int) -> None:
    """Flicker around a boundary must not flicker on the screen; both sides alike."""
    integrator = hft.HFTIntegrator()
    buy = {1: "BUY", -1: "SELL"}[sign]
    seen = []
    for second, total in enumerate((0, 21, 24.9, 25, 16, 15, 14.9, 64, 66, 56, 54, 0)):
        seen.append(integrator.update(at(second, sign * total / 80)).label)  # L2 at its usual spread: S = 0.8·c
        assert abs(abs(integrator.update(at(second, sign * total / 80)).score.total) - total) < 1e-9
    assert seen == [
        "NEUTRAL",
        "NEUTRAL",
        "NEUTRAL",
        f"MODERATE_{buy}",
        f"MODERATE_{buy}",
        f"MODERATE_{buy}",
        "NEUTRAL",
        f"STRONG_{buy}",
        f"STRONG_{buy}",
        f"STRONG_{buy}",
        f"MODERATE_{buy}",
        "NEUTRAL",
    ]


def test_a_score_decays_while_heartbeats_keep_its_book_fresh_and_is_gone_when_they_stop() -> None:
    """Evidence 5 s live, 10 s greyed, then nothing; weight linear to 0 at 30 s."""
    integrator = hft.HFTIntegrator()
    assert integrator.at(0) is None
    first = integrator.update(at(0, 0.5))
    assert (first.freshness, first.weight, first.effective) == ("FRESH", 1.0, first.score.total)
    for second, state in ((5, "FRESH"), (5.001, "GREYED"), (10, "GREYED")):
        reading = integrator.at(int(second * SECOND))
        assert reading is not None
        assert reading.freshness == state
    assert integrator.at(int(10.001 * SECOND)) is None
    integrator.proven(15 * SECOND)
    reading = integrator.at(15 * SECOND)
    assert reading is not None
    assert (reading.freshness, reading.weight, reading.age_s) == ("FRESH", 0.5, 15.0)
    assert reading.effective == pytest.approx(0.5 * first.score.total)
    assert reading.strength == pytest.approx(0.5 * first.strength)


def test_a_measured_half_life_replaces_the_assumed_decay() -> None:
    """Half after one, a quarter after two, nothing below 5 %; without one the line of 30 s."""
    measured = HftSignals(half_life=HalfLife(seconds=2.0, low=1.5, high=2.5, days=7))
    assert hft.fading(measured) == "half in 2 s, measured"
    assert (hft.lifetime_s(HftSignals()), round(hft.lifetime_s(measured), 2)) == (30.0, 8.64)
    integrator = hft.HFTIntegrator(measured)
    integrator.update(at(0, 0.5))
    weights = []
    for second in (2, 4, 8.6, 8.7):
        integrator.proven(int(second * SECOND))
        reading = integrator.at(int(second * SECOND))
        assert reading is not None
        weights.append(reading.weight)
    assert weights == pytest.approx([0.5, 0.25, 2**-4.3, 0.0])


def test_strength_drops_to_four_fifths_when_the_average_disagrees() -> None:
    integrator = hft.HFTIntegrator()
    integrator.update(at(0, -0.8))
    reading = integrator.update(at(0.1, 0.5))
    assert reading.ema < 0
    assert reading.strength == pytest.approx(0.8 * abs(reading.score.total) * 0.7)


def test_an_integrator_pickles_with_its_state_and_a_clock_that_steps_back_adds_nothing() -> None:
    """Replay from a checkpoint, and a corrected clock, must not change what follows."""
    integrator = hft.HFTIntegrator()
    for second in range(20):
        integrator.update(at(second, (second % 7) / 10))
    copy = pickle.loads(pickle.dumps(integrator))
    assert copy.update(at(21, 0.3)) == integrator.update(at(21, 0.3))
    before = integrator.at(21 * SECOND)
    after = integrator.update(at(20, 0.9))
    assert before is not None
    assert after.ema == before.ema
