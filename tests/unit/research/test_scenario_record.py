"""desk/research/scenario_record.py: odds are made of earlier days only, and judged by what came."""

from __future__ import annotations

import pytest
from candles import frames_of, walk

from desk.research.evidence import PAST_BARS
from desk.research.scenario_record import KINDS, scenario_records
from ultimate_crypto_analyzer import analyse

FRAMES = frames_of(walk(240 * 24, "1h", seed=4))
NOW = FRAMES["1h"].end
SAID = analyse("BTC/USDT", FRAMES, NOW)
ATR = next(row.atr for row in SAID.timeframes if row.name == "1d")


def test_each_kind_has_a_record_whose_shares_and_outcomes_add_up() -> None:
    """Three kinds share every day: odds and outcomes of the three add up to one, and all have the same days."""
    known = {name: f.upto(NOW, PAST_BARS) for name, f in FRAMES.items()}
    rows = scenario_records(known, SAID.scenarios, SAID.last, ATR)
    assert [row.kind for row in rows] == list(KINDS)
    assert len({row.happened.n for row in rows}) == 1
    assert rows[0].happened.n >= 100
    assert sum(row.said for row in rows) == pytest.approx(1.0)
    assert sum(row.happened.value for row in rows) == pytest.approx(1.0)
    for row in rows:  # a walk without memory: what was said is what came, and no odds beat the model by much
        assert row.happened.low - 0.1 < row.said < row.happened.high + 0.1
        assert abs(row.brier - row.model_brier) < 0.05


def test_too_short_a_past_or_no_scenarios_have_no_record() -> None:
    short = frames_of(walk(70 * 24, "1h", seed=4))
    assert scenario_records(short, SAID.scenarios, SAID.last, ATR) == ()
    assert scenario_records(FRAMES, (), SAID.last, ATR) == ()
    assert scenario_records(FRAMES, SAID.scenarios, SAID.last, None) == ()
