"""A missing order book degrades the report in words: what is missing, what it does to the score, how to have it."""

from __future__ import annotations

import pytest
from candles import frames_of, walk

from desk.analysis.book_gaps import book_gaps
from desk.analysis.findings import BookGap, Microstructure, Recorded
from desk.analysis.shape import MINUTE, Analysis, Beside, HftAverage
from ultimate_crypto_analyzer import analyse

FRAMES = frames_of(walk(90 * 288))
NOW = FRAMES["5m"].end
BOOK = Recorded("r", Microstructure(NOW - 1, NOW, MINUTE, 1, 0, 1.0, 1.0, (), (), ()))


def made(average: HftAverage | None, recording: Recorded | None) -> Analysis:
    return analyse("BTC/USDT", FRAMES, NOW, average, beside=Beside("", {}, recording), measure=False)


def live(tier: str) -> HftAverage:
    return HftAverage("BTC/USDT", 12.0, NOW - 15 * MINUTE, NOW, 900, tier)


@pytest.mark.parametrize(
    ("average", "recording", "titles"),
    [
        (None, None, ["NO ORDER BOOK"]),
        (None, BOOK, ["NO LIVE ORDER BOOK"]),
        (live("L3"), None, ["NO RECORDED BOOK"]),
        (live("L3"), BOOK, []),
        (live("L2C"), BOOK, []),
        (live("L2"), BOOK, ["NO ORDER COUNTS"]),
        (live("L1"), None, ["NO RECORDED BOOK", "NO ORDER COUNTS"]),
    ],
)
def test_each_part_of_the_book_that_is_missing_is_named(
    average: HftAverage | None, recording: Recorded | None, titles: list[str]
) -> None:
    a = made(average, recording)
    assert [gap.title for gap in a.book_gaps] == titles
    assert all(gap.missing and gap.effect and gap.fix for gap in a.book_gaps)


def test_without_any_book_the_effect_on_the_score_is_said_in_numbers_that_hold() -> None:
    """5 % of the weight is gone: 95 % coverage, and 40/35/20 become 42.1/36.8/21.1 of what is left."""
    a = made(None, None)
    (gap,) = a.book_gaps
    assert a.coverage == 0.95
    said = "the order-book term, 5 % of the score, is absent: coverage 95 %"
    assert gap.effect.startswith(said)
    assert "Timeframes 42.1 %, Volume profile 36.8 %, Technicals 21.1 %" in gap.effect
    known = [t for t in a.terms if t.value]
    assert [round(100 * (t.contribution or 0.0) / (t.value or 1.0), 1) for t in known] == [42.1, 36.8, 21.1]
    assert "no order-book average was given" in gap.missing
    assert "--mode hybrid" in gap.fix
    assert "$.ultimate_analyzer.recording" in gap.fix


def test_a_named_recording_that_gives_nothing_is_said_with_its_reason() -> None:
    """Who named a file and mistyped it must not be told to name one."""
    gap: BookGap = made(live("L3"), Recorded("x.frames.gz", why="no such file")).book_gaps[0]
    assert gap.missing == "a recorded book (x.frames.gz: no such file)"
    assert gap.fix == "correct $.ultimate_analyzer.recording, or record anew"
    assert book_gaps((), None, BOOK) == ()
