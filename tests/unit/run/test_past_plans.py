"""desk/run/past_plans.py: which earlier reports are graded, and that the grade is part of today's report."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest
from candles import START, frames_of, walk
from mornings import cut, morning

from desk.analysis.shape import DAY, FRAMES, Analysis
from ultimate_crypto_analyzer import analyse

HOUR = FRAMES["1h"]
FRAMES_OF_WALK = frames_of(walk(110 * 24, "1h", seed=11))
NOW = START + 100 * DAY


def read(path: Path) -> Analysis:
    return msgspec.convert(json.loads(path.read_text())["analysis"], Analysis)


def test_only_reports_of_this_market_at_least_twenty_hours_old_are_graded(tmp_path: Path) -> None:
    """A simulated plan graded on real candles, or this morning's own report, would poison the scoreboard."""
    for age, venue in ((3 * HOUR, "binance"), (30 * HOUR, "kraken"), (44 * HOUR, "binance"), (45 * HOUR, "binance")):
        morning(tmp_path, FRAMES_OF_WALK, NOW - age, venue)
    (tmp_path / "btc-usdt-20240101T000000Z.json").write_text("{")
    (tmp_path / "btc-usdt-other.json").write_text("{")
    today = read(morning(tmp_path, FRAMES_OF_WALK, NOW))
    assert today.scoreboard is not None
    assert [row[0] for row in today.scoreboard.rows] == [NOW - 44 * HOUR]
    assert any("btc-usdt-20240101T000000Z.json: not read" in line for line in today.unknown)
    assert not any("other" in line for line in today.unknown)


def test_a_report_somebody_changed_costs_its_grade_and_nothing_else(tmp_path: Path) -> None:
    """A price of 0 in last week's file must not take down this morning's report."""
    old = morning(tmp_path, FRAMES_OF_WALK, NOW - 2 * DAY)
    record = json.loads(old.read_text())
    record["analysis"]["last"] = 0.0
    old.write_text(json.dumps(record))
    today = read(morning(tmp_path, FRAMES_OF_WALK, NOW))
    assert today.grade is None
    assert any("could not be graded (ZeroDivisionError" in line for line in today.unknown)


def test_the_second_morning_grades_the_first_in_the_same_bytes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grade that depends on when or where it is made is no grade."""
    runs = []
    for run in ("a", "b"):
        (tmp_path / run).mkdir()
        monkeypatch.chdir(tmp_path / run)  # the folder's name is part of the configuration, and so of its hash
        runs.append([morning("out", FRAMES_OF_WALK, NOW + k * DAY).resolve() for k in (0, 1)])
    for one, two in zip(*runs, strict=True):
        for suffix in (".json", ".md", ".html"):
            assert one.with_suffix(suffix).read_bytes() == two.with_suffix(suffix).read_bytes()
    first, second = map(read, runs[0])
    assert (first.grade, first.scoreboard) == (None, None)
    assert any("no report of this symbol" in line for line in first.unknown)
    assert first.bias_expires == NOW + DAY // 2
    assert second.grade is not None
    assert (second.grade.ts, second.grade.until, second.grade.why) == (NOW, NOW + DAY, "")
    assert len(second.grade.lines) == len(first.levels) + len(first.scenarios) + len(first.entries) + 1


def test_a_plan_does_not_know_what_follows_it() -> None:
    """20 random moments of a walk, with and without its future; the real candles are asked 200 times elsewhere."""
    dice = np.random.Generator(np.random.PCG64(3))
    for now in (START + 31 * DAY + int(x) for x in dice.integers(0, 70 * DAY, 20)):
        past = {name: cut(f, now) for name, f in FRAMES_OF_WALK.items()}
        assert analyse("BTC/USDT", FRAMES_OF_WALK, now) == analyse("BTC/USDT", past, now)


def test_a_report_says_what_changed_since_the_newest_one_before_it(tmp_path: Path) -> None:
    """However old; of the same symbol and venue; not of the same second, which is the same report made again."""
    first = read(morning(tmp_path, FRAMES_OF_WALK, NOW))
    assert first.changes is None
    assert any("since the last report: there is none" in line for line in first.unknown)
    morning(tmp_path, FRAMES_OF_WALK, NOW + HOUR, "kraken")
    second = read(morning(tmp_path, FRAMES_OF_WALK, NOW + 2 * HOUR))
    assert (second.grade, second.scoreboard) == (None, None)  # too soon to be graded, not too soon to be compared
    assert second.changes is not None
    assert (second.changes.ts, second.changes.last) == (NOW, first.last)
    again = read(morning(tmp_path, FRAMES_OF_WALK, NOW + 2 * HOUR))
    assert again == second
    page = max(tmp_path.glob("*.html")).read_text()
    assert f"The report of {day(NOW)} UTC beside this one" in page


def test_a_damaged_report_before_is_named_once_and_the_one_before_it_is_compared(tmp_path: Path) -> None:
    """One line for the reader, not one for each who wanted the file."""
    morning(tmp_path, FRAMES_OF_WALK, NOW - DAY)
    morning(tmp_path, FRAMES_OF_WALK, NOW).write_text("{")
    today = read(morning(tmp_path, FRAMES_OF_WALK, NOW + DAY))
    assert today.changes is not None
    assert today.changes.ts == NOW - DAY
    assert sum("not read" in line for line in today.unknown) == 1


def day(ns: int) -> str:
    return datetime.fromtimestamp(ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M")
