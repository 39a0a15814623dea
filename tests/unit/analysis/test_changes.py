"""desk/analysis/changes.py: what a reader of yesterday's report must hear today."""

from __future__ import annotations

import msgspec
import pytest
from candles import frames_of, walk
from msgspec.structs import replace

from desk.analysis.changes import bias_side, changes
from desk.analysis.findings import Regime
from desk.analysis.plan import Listed, Moved, Reworded
from desk.analysis.shape import DAY, Analysis, Level
from ultimate_crypto_analyzer import analyse

FRAMES = frames_of(walk(90 * 288, start=60_000.0))
NOW = analyse("BTC/USDT", FRAMES, FRAMES["5m"].end)
THEN = analyse("BTC/USDT", FRAMES, FRAMES["5m"].end - DAY)
ATR = NOW.daily_atr or 0.0


def at(price: float, kind: str = "POC") -> Level:
    return Level(price, kind, 0.0, None, 0)


def test_every_number_of_both_reports_stands_beside_the_other() -> None:
    """Score, the four terms and the three scenarios, in the report's order, as the reports have them."""
    found = changes(THEN, NOW).numbers
    terms = zip(THEN.terms, NOW.terms, strict=True)
    odds = zip(THEN.scenarios, NOW.scenarios, strict=True)
    assert found == (
        Moved("score", "Score", THEN.score, NOW.score),
        *(Moved("term", b.name, a.value, b.value) for a, b in terms),
        *(Moved("scenario", b.kind, a.probability_pct, b.probability_pct) for a, b in odds),
    )
    assert len(found) == 8
    assert any(m.before != m.now for m in found)


def test_words_that_changed_and_those_one_report_lacks() -> None:
    """A verdict that appears overnight is the most important line; an interval that is new has no word before."""
    was = replace(THEN, score=30.0, label="UPWARD", regimes=(Regime("4h", "range", "calm", 9.0, 0.1, 9.0, None),))
    now = replace(
        NOW,
        score=-19.9,
        label="NEUTRAL",
        verdict=replace(NOW.verdict, word="weak", side="short"),
        regimes=(Regime("1d", "trend up", "normal", 9.0, 0.1, 50.0, None),),
    )
    assert changes(was, now).words == (
        Reworded("verdict", "Verdict", "no evidence · neutral", "weak · short"),
        Reworded("description", "Description", "UPWARD", "NEUTRAL"),
        Reworded("bias", "Bias", "long", "no side"),
        Reworded("regime", "4h", "range, calm", ""),
        Reworded("regime", "1d", "", "trend up, normal"),
    )
    assert [bias_side(replace(NOW, score=x)) for x in (20.0, -20.0, 0.0, None)] == ["long", "short", "no side", ""]


def test_a_level_is_the_same_within_the_width_in_which_a_report_merges_levels() -> None:
    """0.15 daily ATR: a VWAP drifts by that in an hour, and a list of "new" levels that are not new is not read."""
    was = replace(THEN, last=100.0, levels=(at(100.0), at(100.0 + 5 * ATR, "VAH"), at(90.0, "gone")))
    now = replace(NOW, last=100.0 + 6 * ATR, levels=(at(100.0 + 0.149 * ATR), at(100.0 + 5.16 * ATR, "new")))
    found = changes(was, now)
    assert found.appeared == (Listed(100.0 + 5.16 * ATR, "new"),)
    assert found.went == (Listed(100.0 + 5 * ATR, "VAH"), Listed(90.0, "gone"))
    assert found.passed == (Listed(100.0 + 5 * ATR, "VAH"),)
    assert found.move_pct == pytest.approx(6 * ATR)
    without = [replace(a, timeframes=()) for a in (was, now)]
    assert len(changes(*without).appeared) == 2  # no ATR: only equal prices are the same level


def test_nothing_changed_is_said_as_nothing_and_bare_reports_can_be_compared() -> None:
    """A report of a new listing has no score, no level and no scenario, and may be followed by one that has."""
    same = changes(NOW, NOW)
    assert (same.move_pct, same.appeared, same.went, same.passed) == (0.0, (), (), ())
    assert all(m.before == m.now for m in same.numbers)
    bare: Analysis = replace(NOW, score=None, terms=(), scenarios=(), levels=(), regimes=(), timeframes=(), last=0.0)
    first, back = changes(bare, NOW), changes(NOW, bare)
    assert first.move_pct is None
    assert [m.before for m in first.numbers] == [None] * 8
    assert [m.now for m in back.numbers] == [None] * 8
    assert len(first.appeared) == len(back.went) == len(NOW.levels)
    assert msgspec.convert(msgspec.to_builtins(first), type(first)) == first
