"""The false-breakout filter: what a break is, who votes on it, and what its own record says of it."""

from __future__ import annotations

import pytest
from hand_view import BTC, MINUTE, SECOND
from hypothesis import given
from hypothesis import strategies as st

from desk.messages import Candle, Side
from desk.run.breakouts import measured, said
from desk.signals.breakout import HORIZON, NEEDED, YOUNG, Break, BreakoutRecord, BreakoutWatch, Evidence

BUY, SELL = Side.BUY, Side.SELL
FOR = Evidence(pressure=10.0, flow_z=0.5, tape=0.2, spread_bps=1.0, spread_ref_bps=0.5)


def watching(reach: float | None = 10.0) -> BreakoutWatch:
    """Twenty quiet minutes between 900 and 1000."""
    watch = BreakoutWatch()
    watch.follow([Candle(BTC.key, i * MINUTE, MINUTE, 950, 1000, 900, 950, 5, 1) for i in range(20)], reach)
    watch.trade(0, 950)
    return watch


def test_a_break_is_a_print_beyond_twenty_closed_minutes_that_comes_from_inside() -> None:
    """The level itself is inside, a first print far out broke nothing, and nineteen bars are no range."""
    watch = watching()
    watch.trade(1 * SECOND, 1000)
    assert watch.young(BUY, SECOND) is None
    watch.trade(2 * SECOND, 1001)
    found = watch.young(BUY, 2 * SECOND)
    assert found is not None
    assert (found.side, found.level, found.at) == (BUY, 1000, 2 * SECOND)
    assert watch.young(SELL, 2 * SECOND) is None
    watch.trade(3 * SECOND, 899)
    assert watch.young(SELL, 3 * SECOND) == Break(SELL, 900, 3 * SECOND, 10.0)
    assert watch.young(BUY, 2 * SECOND + YOUNG) is None
    cold = BreakoutWatch()
    cold.trade(0, 1)
    cold.follow([Candle(BTC.key, 0, MINUTE, 5, 5, 5, 5, 5, 1)] * 19, 1.0)
    cold.trade(SECOND, 100)
    assert cold.young(BUY, SECOND) is None


def test_the_same_level_breaks_once() -> None:
    """A price that saws through a level must not be counted, or halved, again and again."""
    watch = watching()
    for second in range(100):
        watch.trade((1 + second) * SECOND, 1001 if second % 2 else 999)
    assert watch.young(BUY, 2 * SECOND) is not None
    assert watch.young(BUY, 60 * SECOND) is None


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({}, None),
        ({"pressure": 9.9}, "pressure"),
        ({"pressure": None}, "pressure"),
        ({"flow_z": 0.49}, "flow"),
        ({"flow_z": None}, "flow"),
        ({"tape": 0.19}, "tape"),
        ({"tape": None}, "tape"),
        ({"spread_bps": 1.01}, "calm"),
    ],
)
@pytest.mark.parametrize("side", [BUY, SELL])
def test_every_vote_has_its_threshold_and_what_is_not_known_votes_no(
    side: Side, change: dict[str, float | None], lost: str | None
) -> None:
    """At the threshold it counts, in the direction of the break."""
    seen = FOR._replace(**change)  # type: ignore[arg-type]
    turned = [None if v is None else side * v for v in (seen.pressure, seen.flow_z, seen.tape)]
    seen = Evidence(turned[0], turned[1], turned[2], seen.spread_bps, seen.spread_ref_bps)
    votes = Break(side, 1000, 0).votes(2 * SECOND, seen)
    assert [name for name, given in votes.items() if not given] == ([lost] if lost else [])


def test_a_break_settles_for_two_seconds_and_a_print_back_inside_in_them_is_a_re_entry() -> None:
    """Before they are over, calm cannot be known; later, coming back is an ordinary pull-back."""
    watch = watching()
    watch.trade(10 * SECOND, 1001)
    found = watch.young(BUY, 10 * SECOND)
    assert found is not None
    assert not found.votes(12 * SECOND - 1, FOR)["calm"]
    assert found.votes(12 * SECOND, FOR)["calm"]
    watch.trade(12 * SECOND + 1, 999)
    assert found.votes(13 * SECOND, FOR)["calm"]
    early = watching()
    early.trade(10 * SECOND, 1001)
    early.trade(12 * SECOND, 1000)
    again = early.young(BUY, 12 * SECOND)
    assert again is not None
    assert not again.votes(13 * SECOND, FOR)["calm"]


def judged(believed: bool, then: int, after: int = 60 * SECOND) -> BreakoutRecord:
    """The record of one break up at 1000, believed or not after 2 s, and the print that follows."""
    watch = watching()
    watch.trade(SECOND, 1001)
    assert watch.settled(3 * SECOND - 1) == []
    for one in watch.settled(3 * SECOND):
        one.believed = believed
    watch.trade(after, then)
    return watch.record


def test_a_break_is_real_one_range_on_and_false_one_range_back() -> None:
    assert judged(True, 1010) == BreakoutRecord(believed_real=1)
    assert judged(True, 990) == BreakoutRecord(believed_false=1)
    assert judged(False, 1010) == BreakoutRecord(doubted_real=1)
    assert judged(False, 990) == BreakoutRecord(doubted_false=1)
    assert judged(True, 1009) == BreakoutRecord()
    assert judged(True, 1010, after=SECOND + HORIZON + 1) == BreakoutRecord(undecided=1)
    unseen = watching()
    unseen.trade(SECOND, 1001)
    assert unseen.settled(SECOND + YOUNG) == []
    sudden = watching()
    sudden.trade(SECOND, 1001)
    sudden.trade(2 * SECOND, 1050)
    assert sudden.record == BreakoutRecord(unjudged=1)


@given(*[st.integers(0, 50)] * 4)
def test_precision_recall_and_lift_are_what_counting_says(a: int, b: int, c: int, d: int) -> None:
    """Against a list of single breaks, counted by hand."""
    record = BreakoutRecord(a, b, c, d)
    breaks = [(True, True)] * a + [(True, False)] * b + [(False, True)] * c + [(False, False)] * d
    believed, real = [r for said_so, r in breaks if said_so], [said_so for said_so, r in breaks if r]
    assert record.precision == (sum(believed) / len(believed) if believed else None)
    assert record.recall == (sum(real) / len(real) if real else None)
    assert record.base_rate == (len(real) / len(breaks) if breaks else None)
    if believed and real:
        assert record.lift == pytest.approx(sum(believed) / len(believed) * len(breaks) / len(real))
    told = said(measured(record))
    assert ("NOT MEASURED" in told) == (not breaks)
    assert NEEDED == 3


def test_few_breaks_are_insufficient_data_with_their_interval() -> None:
    assert said(measured(BreakoutRecord(6, 2, 2, 6))) == (
        "breaks of the 20-minute range: INSUFFICIENT DATA (n 16 of 194): precision 75 % [41, 93], "
        "recall 75 % [41, 93], base rate 50 % [28, 72], lift 1.50"
    )
