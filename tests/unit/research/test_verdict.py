"""desk/research/verdict.py: what may be said. A side needs an interval above no edge, whatever the numbers are."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.analysis.evidence import Interval
from desk.research.verdict import Record, verdict

ANY = st.floats(allow_nan=True, allow_infinity=True)
MAYBE = st.none() | ANY
NEAR = st.lists(st.floats(-300, 300), min_size=3, max_size=3).map(sorted)
FOUND = Record(1, 5, 80.0, Interval(200.0, 40.0, 360.0, 220), 2.5, 60, 20, 1, 2, dsr=0.6, pbo=0.3)


@given(
    side=st.sampled_from((-1, 0, 1)),
    cost_bps=st.floats(-10, 400),
    net_bps=st.none()
    | st.builds(Interval, ANY, ANY, ANY, st.integers(0, 999))
    | NEAR.map(lambda x: Interval(x[1], x[0], x[2], 100)),
    t=st.floats(0, 5) | MAYBE,
    trades=st.integers(0, 99),
    need=st.integers(0, 40),
    begin=st.none() | st.integers(0, 9),
    dsr=MAYBE,
    pbo=MAYBE,
    why=st.sampled_from(("", "too little data for a score")),
)
def test_no_side_is_ever_named_when_the_interval_includes_no_edge(**given_: Any) -> None:
    """The words long, short, bullish and bearish, and any word but "no evidence", need low > 0 after costs."""
    record = Record(horizon_days=5, end=9, **given_)
    v = verdict(record)
    assert v.word in ("no evidence", "weak", "moderate", "strong")
    assert v.side in ("long", "short", "neutral")
    named = any(word in f"{v.side} {v.reason}".lower() for word in ("long", "short", "bullish", "bearish"))
    assert named == (v.word != "no evidence") == (v.side != "neutral")
    if named:
        assert record.net_bps is not None
        assert record.net_bps.low > 0.0
        assert record.trades >= record.need
        assert (v.side == "long") == (record.side > 0)
    assert v.reason


@pytest.mark.parametrize(
    ("changes", "word", "side"),
    [
        ({}, "weak", "long"),
        ({"side": -1}, "weak", "short"),
        ({"dsr": 0.96}, "moderate", "long"),
        ({"dsr": 0.96, "t": 3.1, "pbo": 0.05}, "strong", "long"),
        ({"dsr": 0.94, "t": 3.1, "pbo": 0.05}, "weak", "long"),
        ({"dsr": 0.96, "t": 3.1, "pbo": None}, "moderate", "long"),
        ({"t": 1.9}, "no evidence", "neutral"),
        ({"trades": 19}, "no evidence", "neutral"),
        ({"side": 0, "why": "the score +5 is within ±20"}, "no evidence", "neutral"),
    ],
)
def test_each_stronger_word_needs_more(changes: dict[str, Any], word: str, side: str) -> None:
    v = verdict(msgspec.structs.replace(FOUND, **changes))
    assert (v.word, v.side) == (word, side)


def test_an_interval_that_includes_no_edge_says_so_with_its_numbers() -> None:
    v = verdict(msgspec.structs.replace(FOUND, net_bps=Interval(60.0, -40.0, 160.0, 220)))
    assert v.reason == "the interval includes no edge: +60 bps [−40, +160] a trade after 80 bps of costs"
    assert (v.net_bps, v.horizon_days, v.trades, v.begin, v.end) == (Interval(60.0, -40.0, 160.0, 220), 5, 60, 1, 2)
    assert (v.cost_bps, v.break_even_bps) == (80.0, 140.0)
    loss = verdict(msgspec.structs.replace(FOUND, net_bps=Interval(-90.0, -140.0, -10.0, 220)))
    assert "is no edge but a loss" in loss.reason


def test_an_edge_that_every_day_had_is_called_the_markets() -> None:
    """In a rising market whatever is long was right: who reads the verdict must see what being long always brought."""
    rising, falling = (verdict(msgspec.structs.replace(FOUND, hold_bps=x)).reason for x in (170.0, -50.0))
    assert (
        "the same on every day: +90 bps, not below the interval: it may be the market's edge, not the score's" in rising
    )
    assert "the same on every day: −130 bps; better than" in falling


def test_what_was_not_measured_says_why() -> None:
    assert verdict(Record(0, 5, 80.0, why="40 past days")).reason == "not measured: 40 past days"
    few = verdict(msgspec.structs.replace(FOUND, trades=7))
    assert few.reason.startswith("insufficient data: 7 trades like this one that do not overlap, needs 20")
