"""desk/research/daily_ic.py: placebos beside the IC of a daily value, and how that IC fades."""

from __future__ import annotations

import numpy as np
import pytest

from desk.analysis.evidence import Control, Interval, Skill
from desk.analysis.past import Past
from desk.analysis.shape import DAY, Floats
from desk.research.daily_ic import AFTER, EACH, controls, fade, loud
from desk.research.metrics import spearman
from desk.research.skill import days_of

START = 19_000 * DAY


def market(value: Floats, returns: Floats) -> Past:
    """A past in which `returns[i]` follows `value[i]`."""
    close = 100.0 * np.exp(np.concatenate(([0.0], np.cumsum(returns[:-1]))))
    ts = START + np.arange(1, len(value) + 1, dtype=np.int64) * DAY
    return Past(ts, close, {"score": value})


def planted(seed: int, share: float, days: int = 500) -> Past:
    """A value with a memory of ten days that knows `share` of the next day's return."""
    dice = np.random.Generator(np.random.PCG64(seed))
    shocks, value = dice.normal(0, 1, days), np.zeros(days)
    for i in range(1, days):
        value[i] = 0.9 * value[i - 1] + shocks[i]
    return market(20 * value, 0.01 * (share * value / value.std() + dice.normal(0, 1, days)))


def beside(then: Past, horizon: int = 1) -> tuple[float, tuple[Control, ...]]:
    """(IC, its controls) over all days whose outcome is known."""
    days = days_of(then, horizon)
    tested = np.isfinite(days.ahead)
    value = spearman(then.values["score"][tested], days.ahead[tested])
    assert value is not None
    return value, controls(then.values["score"], tested, days, Interval(value, value, value, 1), 3)


def test_what_knows_stands_out_of_its_placebos_and_what_does_not_does_not() -> None:
    """A value with real knowledge is rarely matched; noise is matched as often as chance has it."""
    for seed in range(10):
        value, found = beside(planted(seed, 0.4))
        assert [c.kind for c in found] == ["sign-shuffled", "shifted"]
        assert all(c.n == EACH and c.low < 0 < c.high < value and c.as_far < 0.05 for c in found), (seed, value, found)
    ranks = [c.as_far for seed in range(40) for c in beside(planted(seed, 0.0))[1]]
    assert 0.35 < float(np.mean(ranks)) < 0.65
    assert sum(rank < 0.05 for rank in ranks) <= 10


def test_controls_are_the_same_twice_and_absent_without_an_ic() -> None:
    then = planted(1, 0.2)
    assert beside(then) == beside(then)
    days = days_of(then, 1)
    assert controls(then.values["score"], np.isfinite(days.ahead), days, None, 3) == ()
    flat = np.full(500, 7.0)
    assert controls(flat, np.isfinite(days.ahead), days, Interval(0.0, 0.0, 0.0, 1), 3) == ()


def test_a_ruler_that_is_loud_at_one_horizon_is_named_there_only() -> None:
    """Signs shuffled 80 % quiet at five days, 95 % at one."""
    skills = [
        Skill("score", "Score", h, 40, controls=(Control("sign-shuffled", 200, -0.1, 0.1, 0.5, quiet),))
        for h, quiet in ((1, 0.95), (5, 0.80))
    ]
    assert loud(skills) == (5,)
    assert loud([Skill("hft", "Order book", 1, 0)]) == ()


def test_an_ic_that_fades_has_a_half_life_in_days() -> None:
    """What is known of tomorrow only is diluted by later days: IC(h) ∝ 1/√h, which halves from 1 to 4 days."""
    dice = np.random.Generator(np.random.PCG64(8))
    value = dice.normal(0, 1, 4000)
    then = market(value, 0.01 * (value + dice.normal(0, 1, 4000)))
    tested = np.ones(4000, np.bool_)
    found = fade("score", "Score", then, tested, 1, 60)
    assert [x.days for x in found.after] == list(AFTER)
    ics = {x.days: x.ic.value for x in found.after if x.ic is not None}
    assert ics[1] == pytest.approx(0.69, abs=0.03)  # Spearman of normals with a correlation of 1/√2
    assert ics[2] / ics[1] == pytest.approx(0.71, abs=0.06)
    assert found.half_life is not None
    assert found.low is not None
    assert found.peak == 1
    assert 3.0 < found.half_life < 20.0
    assert found.low <= found.half_life
    assert found.word == "INSUFFICIENT DATA"  # 4000 days are 190 returns of three weeks
    none = fade("score", "Score", then, tested & (np.arange(4000) < 40), 1, 60)
    assert (none.half_life, none.word) == (None, "NOT MEASURED")
    assert none.why
    assert [x.ic is not None for x in none.after] == [True] + [False] * 6


def test_a_missing_day_is_no_return() -> None:
    """Two hundred days, a hole of a hundred, two hundred more: nothing spans the hole, and no value moves across it."""
    then = planted(5, 0.5, 500)
    keep = np.r_[0:200, 300:500]
    holed = Past(
        then.ts[keep], then.close[keep] * np.where(keep < 250, 1.0, 9.0), {"score": then.values["score"][keep]}
    )
    found = fade("score", "Score", holed, np.ones(400, np.bool_), 1, 20)
    assert [x.ic.n for x in found.after if x.ic is not None] == [400 - 2 * h for h in AFTER if 400 - 2 * h >= 30 * h]
