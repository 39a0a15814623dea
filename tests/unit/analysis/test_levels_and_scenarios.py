"""Merged levels, touches, turns, the corridor and its odds, entry zones: desk/analysis and their records."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from candles import START, frames_of, walk
from hypothesis import given
from hypothesis import strategies as st

from desk.analysis.candidates import Candidate, anchored_vwap, month_start, prior_period
from desk.analysis.entries import entries
from desk.analysis.levels import levels, merge, touches
from desk.analysis.scenarios import ALIKE, MODEL, Odds, corridor, driftless, model_odds, scenarios
from desk.analysis.shape import DAY, FRAMES, Frame, Level, Timeframe, frame
from desk.analysis.turns import WORDS, turns
from desk.research.outlook import daily_ways, odds
from desk.research.reactions import ANY, Seen, Start, count, past_days, reactions
from ultimate_crypto_analyzer import analyse

HOUR = FRAMES["1h"]


def hours(*closes: float, spread: float = 0.0) -> Frame:
    """Hourly candles from close to close, opening where the one before closed."""
    c = np.array(closes)
    o = np.concatenate(([c[0]], c[:-1]))
    columns = {"open": o, "high": np.maximum(o, c) + spread, "low": np.minimum(o, c) - spread, "close": c}
    ts = START + np.arange(len(c), dtype=np.int64) * HOUR
    return frame("hours", HOUR, columns | {"ts": ts, "volume": np.ones(len(c))})


def level(price: float, last: float = 100.0, kind: str = "test") -> Level:
    return Level(price, kind, 100.0 * (price / last - 1.0), price - last, 0, price, price, (kind,))


# --- levels


@given(st.lists(st.floats(1.0, 1e6), max_size=40), st.floats(0.0, 1e5))
def test_merging_loses_nothing_and_never_chains(prices: list[float], width: float) -> None:
    """Chained merging would swallow a whole ladder of swings into one level half a day wide."""
    groups = merge([Candidate(p, "x") for p in prices], width)
    assert [c.price for g in groups for c in g] == sorted(prices)
    assert all(g[-1].price - g[0].price <= width for g in groups)
    assert all(b[0].price - a[0].price > width for a, b in pairwise(groups))


def test_agreeing_candidates_are_one_level_that_names_them_all() -> None:
    """The reader must see that three kinds meet there, and look the price up on a chart."""
    found = [Candidate(105.0, "round"), Candidate(105.1, "POC"), Candidate(105.12, "POC"), Candidate(90.0, "round")]
    got = levels(100.0, 2.0, found)
    assert [(lv.price, lv.kind, lv.confluence, lv.near) for lv in got] == [
        (105.1, "round · POC", 2, 2),
        (90.0, "round", 1, 0),
    ]
    assert (got[0].low, got[0].high) == (105.0, 105.12)


def test_a_touch_counts_again_only_after_the_price_went_away() -> None:
    """A price that sits on a level for ten hours has touched it once."""
    bars = hours(100, 105, 105, 104.9, 104, 103, 102, 105, 100)  # ATR 4: near is 0.2, away is 1.0
    assert touches(bars, 105.0, 4.0) == (2, int(bars.ts[7]))
    assert touches(bars, 200.0, 4.0) == (0, None)


def test_months_and_anchored_vwap_need_every_day_and_their_anchor() -> None:
    """A month high from 20 of 31 days, or a VWAP that began after its anchor, is another number under the same name."""
    frames = frames_of(walk(24 * 70, "1h"))
    daily, hourly = frames["1d"], frames["1h"]
    february = month_start(START + 40 * DAY)
    assert february == START + 31 * DAY
    assert [c.price for c in prior_period(daily, START, february, "prior month")] == [
        float(daily.high[:31].max()),
        float(daily.low[:31].min()),
    ]
    assert prior_period(daily, START - DAY, february, "prior month") == []
    mean, above, below = (c.price for c in anchored_vwap(hourly, february, "month VWAP"))
    since = slice(31 * 24, None)
    rows = list(zip(*(x[since] for x in (hourly.high, hourly.low, hourly.close, hourly.volume)), strict=True))
    total = math.fsum(v for *_, v in rows)
    want = math.fsum((h + lo + c) / 3 * v for h, lo, c, v in rows) / total
    sigma = math.sqrt(math.fsum(((h + lo + c) / 3 - want) ** 2 * v for h, lo, c, v in rows) / total)
    assert (mean, above, below) == pytest.approx((want, want + sigma, want - sigma), rel=1e-6)
    assert anchored_vwap(hourly, START - HOUR, "x") == []


# --- turns and their record


@pytest.mark.parametrize(
    ("closes", "word"),
    [
        ((100, 104, 101), "held"),  # touched at 104, then 2 back before 2 beyond (ATR 4)
        ((100, 104, 106.5, 101), "broken"),
        ((100, 107, 100), "broken"),  # through it inside the touching candle
        ((100, 103, 100), "untouched"),
        ((100, 104, 103, 105), "open"),
        ((100, 104, *[103] * 72, 101), "open"),  # three days are over
        ((100, 104, *[103] * 70, 101), "held"),
    ],
)
def test_a_level_turns_the_price_or_not(closes: tuple[float, ...], word: str) -> None:
    """The one definition behind every reaction rate and every grade; the mirror image must read the same."""
    one = np.array([0])
    for sign in (1, -1):
        bars = hours(*(100 + sign * (c - 100) for c in closes))
        result = turns(bars, one, one + len(closes), np.array([100.0]), np.array([100.0 + sign * 4]), np.array([4.0]))
        assert WORDS[result.code[0]] == word


def test_a_price_still_being_decided_is_not_touched_again() -> None:
    """A price that hovers at 104 for two days and then falls turned once there, not once a day."""
    bars = hours(*[100.0] * 24, *[103.9, *[103.5] * 23] * 2, *[101.0] * 24)
    days = [Start(START + k * DAY, 24 * k, float(bars.close[24 * k - 1]), 4.0) for k in (1, 2, 3)]
    zeros = np.zeros(3, np.int64)
    assert count(bars, days, Seen(zeros, np.array([0, 1, 2]), np.full(3, 104.0)), 1) == [(1, 1)]
    assert count(bars, days, Seen(np.arange(3), np.array([0, 1, 2]), np.full(3, 104.0)), 3) == [(1, 1), (1, 1), (0, 0)]


def test_levels_of_a_random_walk_are_no_better_than_random_ones() -> None:
    """Ten walks of 120 days know no level; some kind of them all may stand out in one walk of twenty."""
    loud = []
    for seed in range(10):
        records = reactions(frames_of(walk(120 * 24, "1h", seed=seed)))
        assert records[0].kind == ANY
        assert records[0].n > 100
        loud += [(seed, r.kind) for r in records if r.says.startswith("turned")]
    assert len({seed for seed, _ in loud}) <= 2, loud


def test_a_market_that_turns_at_round_numbers_is_found() -> None:
    """A walk reflected at 50 and 55 turns at both each time; a test that cannot see that sees nothing."""
    steps = np.random.Generator(np.random.PCG64(5)).normal(0, 0.2, 160 * 24)
    place = np.cumsum(steps) % 10.0
    closes = 50.0 + np.where(place > 5.0, 10.0 - place, place)
    (found,) = [r for r in reactions(frames_of(hours(*closes.tolist()))) if r.kind == "round"]
    assert found.says == "turned more often than random levels"
    assert found.rate is not None
    assert found.rate > 0.95
    assert found.difference_low is not None
    assert found.difference_low > 0.1


# --- scenarios


def test_the_walk_without_drift_agrees_with_the_reflection_principle_and_gamblers_ruin() -> None:
    """Two closed forms that the series does not use: one barrier far away, and unlimited time."""
    sigma = 1.0 / math.sqrt(8.0 / math.pi)
    for up in (0.3, 0.75, 1.5):
        alone = 2.0 * (1.0 - NormalDist().cdf(up / sigma))
        assert driftless(up, 40.0)[0] == pytest.approx(alone, abs=1e-6)
        assert driftless(40.0, up)[1] == pytest.approx(alone, abs=1e-6)
        above, below, neither = driftless(up, 1.0, 1e4)
        assert (above, below, neither) == pytest.approx((1.0 / (1.0 + up), up / (1.0 + up), 0.0), abs=1e-9)
    with pytest.raises(ValueError, match="above 0"):
        driftless(0.0, 1.0)


@given(st.floats(0.05, 5.0), st.floats(0.05, 5.0), st.sampled_from([0.0, 0.5, 1.0]))
def test_three_scenarios_always_add_up_to_a_hundred(up: float, down: float, factor: float) -> None:
    """The reader adds them up."""
    c = corridor(100.0, 2.0, [level(100.0 + 2 * up), level(100.0 - 2 * down)])
    for chances in (model_odds(c), Odds((1 / 3, 1 / 3, 1 / 3), ALIKE, 90)):
        got = scenarios(c, chances, START, factor, 1.0)
        assert sum(s.probability_pct for s in got) == 100
        assert all(0 <= s.probability_pct <= 100 for s in got)
        bull, bear, middle = got
        assert bear.trigger < 100.0 < bull.trigger  # type: ignore[operator]
        assert bear.target < bear.trigger < bear.invalidation[0]  # type: ignore[operator]
        assert bull.target > bull.trigger > bull.invalidation[0]  # type: ignore[operator]
        assert middle.invalidation == (bear.trigger, bull.trigger)
        assert {s.expires for s in got} == {START + DAY}
        assert (bull.size_factor, bear.size_factor, middle.size_factor) == (factor, 1.0, min(factor, 1.0))


def test_measured_odds_are_the_counts_of_past_days() -> None:
    """Recounted here day by day in plain Python."""
    frames = frames_of(walk(150 * 24, "1h", seed=3))
    bars, daily = frames["1h"], frames["1d"]
    c = corridor(100.0, 2.0, [])
    got = odds(frames, c)
    counts = {1: 0, -1: 0, 0: 0}
    ways = daily_ways(daily)
    days = past_days(bars, daily)
    alike = [d for d in days if ways[int((d.ts - START) // DAY) - 1] == ways[-1]]
    for d in alike if got.basis == ALIKE else days:
        up, down = d.last + 0.75 * d.atr, d.last - 0.75 * d.atr
        for i in range(d.bar, d.bar + 24):
            hit = (bars.high[i] >= up) - int(bars.low[i] <= down)
            if hit:
                counts[int(hit)] += 1
                break
        else:
            counts[0] += 1
    assert sum(counts.values()) == got.n >= 60
    assert got.shares == pytest.approx(tuple((counts[s] + 1) / (got.n + 3) for s in (1, -1, 0)))
    for share, (low, high) in zip(got.shares, got.spans, strict=True):
        assert low < share < high
    short = {name: f.upto(START + 40 * DAY) for name, f in frames.items()}
    assert odds(short, c) == model_odds(c)
    assert odds(short, c).basis == MODEL


# --- entries


@pytest.mark.parametrize(("book", "words"), [(None, {"no book: no timing"}), (70.0, {"JOIN", "ABORT"})])
def test_entry_zones_have_a_stop_a_target_and_the_books_advice(book: float | None, words: set[str]) -> None:
    """Without a book nothing is said about the moment; with one, what helps a long hurts a short."""
    row = Timeframe("4h", 0.3, 0.0, "flat", 0.0, 1.0, 1.0, 50.0, "")
    found = [level(p) for p in (97.0, 98.9, 99.95, 101.2, 104.0)]
    got = entries(100.0, 2.0, found, [row], book)
    assert [(z.side, z.entry) for z in got] == [("long", 98.9), ("long", 97.0), ("short", 101.2), ("short", 104.0)]
    for z in got:
        way = 1 if z.side == "long" else -1
        assert z.stop == pytest.approx(z.entry - way * 1.5)
        assert way * (z.target - z.entry) >= 1.5 - 1e-9
        assert z.reward == pytest.approx(abs(z.target - z.entry) / 1.5)
        assert z.low < z.entry < z.high
    assert {z.timing for z in got} == words
    assert entries(100.0, None, found, [row], book) == ()


def test_an_analysis_carries_the_plan_and_says_what_it_could_not_measure() -> None:
    """Levels with records, scenarios from past days, zones; a young listing gets the model, labelled so."""
    frames = frames_of(walk(150 * 24, "1h"))
    a = analyse("BTC/USDT", frames, frames["1h"].end)
    assert any(lv.reaction is not None and lv.reaction.kind in lv.kinds for lv in a.levels)
    assert a.scenarios[0].basis != MODEL
    assert a.scenarios[0].n >= 60
    assert a.entries
    young = frames_of(walk(70 * 24, "1h"))
    b = analyse("NEW/USD", young, young["1h"].end)
    assert all(s.basis == MODEL and s.low_pct is None for s in b.scenarios)
    assert sum(s.probability_pct for s in b.scenarios) == 100
    assert any("walk without drift" in line for line in b.unknown)
    newborn = frames_of(walk(20 * 24, "1h"))
    c = analyse("NEW/USD", newborn, newborn["1h"].end)
    assert (c.scenarios, c.entries, c.reactions) == ((), (), ())
    assert any("without a daily ATR" in line for line in c.unknown)
    assert any("too short" in line for line in c.unknown)
