"""Plans made from real candles: the future never enters one, and tomorrow grades today's."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import msgspec
import numpy as np
import pytest
from mornings import cut, morning
from shared import shared

from desk.analysis.resample import ladder
from desk.analysis.shape import DAY, FRAMES, MINUTE, Analysis, Frame, frame
from ultimate_crypto_analyzer import analyse

HOUR = 60 * MINUTE


def candles(name: str, interval: str) -> dict[str, Frame]:
    """Binance's own candles and every longer interval made from them."""
    path = shared(f"market/candles/binance_mtf_2024/{name}_{interval}_20240101_20240430.parquet")
    columns = duckdb.sql(f"SELECT ts * 1000000 AS ts, open, high, low, close, volume FROM '{path}' ORDER BY ts")
    return ladder(frame(interval, FRAMES[interval], columns.fetchnumpy()))


def test_cutting_the_future_changes_no_level_scenario_or_zone() -> None:
    """200 random moments: every record, level, scenario and zone is equal with the future present and absent."""
    frames = candles("btcusdt", "1h")
    begin = int(frames["1h"].ts[0])
    dice = np.random.Generator(np.random.PCG64(20240502))
    moments: list[int] = []
    measured = 0
    early, late = ((31, 55), 180), ((80, 120), 20)  # most of them with a short past, which is quicker to measure
    for (first, last), count in (early, late):
        moments += [int(at) for at in dice.integers(begin + first * DAY, begin + last * DAY, count)]
    for now in moments:
        with_future = analyse("BTC/USDT", frames, now)
        assert with_future == analyse("BTC/USDT", ladder(cut(frames["1h"], now)), now)
        assert with_future.levels
        assert len({r.kind for r in with_future.reactions}) > 10
        measured += bool(with_future.scenarios) and with_future.scenarios[0].n > 0
    assert measured == 20


def test_the_second_day_grades_the_first_and_the_same_inputs_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two mornings at 09:00 from the same candles, twice; then the grade is checked against the candles by hand."""
    frames = candles("btcusdt", "5m")
    first = int(frames["5m"].ts[0]) + 100 * DAY + 9 * HOUR
    runs = []
    for run in ("a", "b"):
        (tmp_path / run).mkdir()
        monkeypatch.chdir(tmp_path / run)  # the folder's name is part of the configuration, and so of its hash
        runs.append([morning("out", frames, first + k * DAY).resolve() for k in (0, 1)])
    for suffix in (".json", ".md", ".html"):
        for one, two in zip(*runs, strict=True):
            assert one.with_suffix(suffix).read_bytes() == two.with_suffix(suffix).read_bytes()
    day1, day2 = (msgspec.convert(json.loads(path.read_text())["analysis"], Analysis) for path in runs[0])
    assert day1.grade is None
    assert any("no report of this symbol" in line for line in day1.unknown)
    graded = day2.grade
    assert graded is not None
    assert (graded.ts, graded.until, graded.candles, graded.why) == (first, first + DAY, "5m", "")
    names = [line.name for line in graded.lines]
    assert names == [
        *(lv.kind for lv in day1.levels),
        *(s.kind for s in day1.scenarios),
        *(f"{z.side} at {z.kind}" for z in day1.entries),
        day1.label,
    ]
    bull, bear, _ = day1.scenarios
    f = frames["5m"]
    happened = "range"
    for i in np.flatnonzero((f.ts >= first) & (f.ts < first + DAY)):
        if f.high[i] >= bull.trigger or f.low[i] <= bear.trigger:  # type: ignore[operator]
            happened = "bull" if f.high[i] >= bull.trigger else "bear"  # type: ignore[operator]
            break
    assert graded.happened == happened
    close = float(f.close[np.flatnonzero(f.ts == first + 12 * HOUR - 5 * MINUTE)[0]])
    assert graded.move_bps == round(1e4 * (close / day1.last - 1), 1)
    assert day2.scoreboard is not None
    assert (day2.scoreboard.plans, day2.scoreboard.rows[0][:2]) == (1, (first, happened))
