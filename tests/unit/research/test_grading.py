"""desk/research/grading.py: every word of a grade from hand-made candles, and the scoreboard."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from candles import START, frames_of, walk
from msgspec import structs

from desk.analysis.plan import EntryZone, Grade
from desk.analysis.scenarios import MODEL, Odds, corridor, scenarios
from desk.analysis.shape import DAY, FRAMES, MINUTE, Analysis, Frame, Level, frame
from desk.research.grading import brier, grade, scoreboard
from ultimate_crypto_analyzer import analyse

QUARTER = FRAMES["15m"]
NOW = START + 70 * DAY


def plan(**other: Any) -> Analysis:
    """A plan at 100 with a daily ATR of 4: triggers at 103 and 97, targets 105 and 95, bias up for 12 hours."""
    frames = frames_of(walk(70 * 96, "15m"))
    a = analyse("BTC/USDT", frames, NOW)
    rows = tuple(structs.replace(r, atr=4.0) if r.name == "1d" else r for r in a.timeframes)
    near = tuple(Level(p, f"at {p:g}", p - 100.0, (p - 100.0) / 4.0, 0) for p in (103.0, 97.0, 105.0, 95.0))
    c = corridor(100.0, 4.0, near)
    outlook = scenarios(c, Odds((0.5, 0.2, 0.3), MODEL), NOW, 1.0, 1.0)
    zone = EntryZone("long", 96.9, 97.1, 97.0, "at 97", 96.0, 1.0, 99.0, 2.0, "x", 2.0, "4h", "", "")
    short = EntryZone("short", 102.9, 103.1, 103.0, "at 103", 104.0, 1.0, 101.0, 2.0, "x", 2.0, "4h", "", "")
    fixed = structs.replace(a, last=100.0, score=40.0, label="BULLISH", timeframes=rows, levels=near, scenarios=outlook)
    return structs.replace(fixed, entries=(zone, short), bias_expires=NOW + DAY // 2, **other)


def after(*closes: float, until: int = 96) -> dict[str, Frame]:
    """Quarter-hour candles from 4 hours before the plan; `closes` from the plan on, the last one repeated."""
    c = np.array([100.0] * 16 + [*closes] + [closes[-1]] * (until - len(closes)))
    o = np.concatenate(([c[0]], c[:-1]))
    ts = NOW - 16 * QUARTER + np.arange(len(c), dtype=np.int64) * QUARTER
    columns = {"ts": ts, "open": o, "high": np.maximum(o, c), "low": np.minimum(o, c), "close": c}
    return {"15m": frame("after", QUARTER, columns | {"volume": np.ones(len(c))})}


def words(g: Grade) -> dict[str, str]:
    return {line.name: line.outcome for line in g.lines}


@pytest.mark.parametrize(
    ("closes", "said", "happened"),
    [
        ((101, 102, 101), {"bull": "not triggered", "bear": "not triggered", "range": "held"}, "range"),
        ((103.2, 105.5), {"bull": "target", "bear": "not triggered", "range": "left"}, "bull"),
        ((103.2, 102, 100.5, 108), {"bull": "invalidated", "range": "left"}, "bull"),
        ((103.2, 103.5), {"bull": "expired", "bear": "not triggered"}, "bull"),
        ((96.8, 94.9, 108), {"bear": "target", "bull": "not triggered"}, "bear"),
        ((102, 106, 96), {"bull": "target"}, "bull"),  # trigger and target inside one candle
        ((96.5, 104), {"bear": "invalidated", "bull": "not triggered"}, "bear"),
        ((96.0, 97.9), {"long at at 97": "stopped", "bear": "expired"}, "bear"),
        ((96.9, 96.5, 99.2), {"long at at 97": "target", "short at at 103": "not reached"}, "bear"),
        ((103.2, 101, 100), {"short at at 103": "target", "at 103": "held", "at 105": "untouched"}, "bull"),
        ((102.9, 105.1, 107.1), {"at 103": "broken", "at 105": "broken", "short at at 103": "stopped"}, "bull"),
    ],
)
def test_each_line_gets_its_word(closes: tuple[float, ...], said: dict[str, str], happened: str) -> None:
    """Graded by hand here; a grader that flatters is worse than none."""
    g = grade(plan(), after(*closes), NOW + DAY)
    assert said.items() <= words(g).items(), words(g)
    assert g.happened == happened
    assert g.brier == pytest.approx(brier((0.5, 0.2, 0.3), happened))
    assert g.candles == "15m"
    assert g.why == ""
    assert grade(plan(), after(*closes), NOW + DAY) == g


def test_a_candle_with_both_edges_is_undecided_and_costs_no_brier() -> None:
    """Their order inside the candle is unknown; guessing it would be a grade made up."""
    frames = after(100, 100)
    f = frames["15m"]
    high, low = f.high.copy(), f.low.copy()
    high[17], low[17] = 103.5, 96.5
    g = grade(plan(), {"15m": structs.replace(f, high=high, low=low)}, NOW + DAY)
    assert (words(g)["bull"], words(g)["bear"], g.happened, g.brier) == ("undecided", "undecided", "", None)


def test_what_is_not_over_is_open() -> None:
    """A plan graded at noon must not read as held."""
    g = grade(plan(), after(101, until=40), NOW + 10 * 60 * MINUTE)
    assert set(words(g).values()) == {"open"}
    assert (g.happened, g.brier, g.bias_right) == ("", None, None)
    later = grade(plan(), after(101, until=60), NOW + 15 * 60 * MINUTE)
    assert (words(later)["BULLISH"], words(later)["range"]) == ("right", "open")


@pytest.mark.parametrize(
    ("score", "close", "outcome", "right"),
    [
        (40.0, 101.0, "right", True),
        (-40.0, 101.0, "wrong", False),
        (40.0, 100.0, "wrong", False),
        (10.0, 101.0, "no side", None),
    ],
)
def test_the_bias_is_right_or_wrong_by_the_close_at_its_expiry(
    score: float, close: float, outcome: str, right: bool | None
) -> None:
    """What follows the 12 hours does not count."""
    g = grade(plan(score=score), after(*[close] * 48, 90.0), NOW + DAY)
    assert g.lines[-1].outcome == outcome
    assert g.bias_right is right
    assert g.move_bps == pytest.approx((close - 100.0) * 100)


def test_missing_candles_are_said() -> None:
    """A grade from half a day of candles is not a grade of the day."""
    f = after(101)["15m"]
    keep = np.ones(len(f), bool)
    keep[30:42] = False
    holes = Frame(*(x[keep] for x in (f.ts, f.open, f.high, f.low, f.close, f.volume)), QUARTER, f.thin[keep])
    assert grade(plan(), {"15m": holes}, NOW + DAY).why == "12 15m candles are missing"
    late = f.upto(NOW + DAY, 40)
    assert grade(plan(), {"15m": late}, NOW + DAY).why == "no candles from the time of the plan are known"


def test_a_plan_of_another_market_is_not_graded() -> None:
    """Yesterday's seed of the simulated market, or another venue's file: the grade would be a dice roll."""
    told = grade(plan(), after(101), NOW + DAY)
    assert told.why == ""
    other = after(101)["15m"]
    other = structs.replace(other, **{k: getattr(other, k) * 1.02 for k in ("open", "high", "low", "close")})
    g = grade(plan(), {"15m": other}, NOW + DAY)
    assert g.why == "it was made of another market: its last close was 100, in these 15m candles 102"
    assert (g.lines, g.brier, g.touched, g.random_touched, g.bias_right) == ((), None, 0, 0, None)


def test_the_scoreboard_counts_what_the_grades_say() -> None:
    """Brier against the base rate of the same plans; the newest thirty only."""
    bull = grade(plan(), after(103.2, 105.5), NOW + DAY)
    still = grade(plan(), after(101), NOW + DAY)
    board = scoreboard([bull, still, still, bull])
    assert (board.plans, board.graded) == (4, 4)
    assert board.brier == pytest.approx((brier((0.5, 0.2, 0.3), "bull") + brier((0.5, 0.2, 0.3), "range")) / 2)
    assert board.base_brier == pytest.approx(0.5)
    assert board.skill == pytest.approx(1 - board.brier / 0.5)
    assert (board.likeliest.hits, board.likeliest.n) == (2, 4)
    assert board.levels.n == 2 * bull.touched + 2 * still.touched
    assert board.word == "INSUFFICIENT DATA"
    assert scoreboard([still] * 40).plans == 30
    assert scoreboard([]).brier is None


def test_random_levels_of_a_grade_depend_on_nothing_but_the_plan() -> None:
    """Drawn with the plan's time as seed: asked twice, or from more candles, they are the same levels."""
    frames = frames_of(walk(90 * 96, "15m"))
    a = analyse("BTC/USDT", frames, NOW)
    first, again = (grade(a, frames, NOW + k * DAY) for k in (5, 6))
    assert first.random_touched == again.random_touched > 0
    assert first.random_held == again.random_held
