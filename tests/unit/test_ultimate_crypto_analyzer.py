"""ultimate_crypto_analyzer.py: no look-ahead, defined output for poor data, exact sums, an honest verdict."""

from __future__ import annotations

import duckdb
import msgspec
import numpy as np
import pytest
from candles import flat, frames_of, walk, without
from mornings import cut
from shared import shared

from desk.analysis.resample import ladder
from desk.analysis.shape import FRAMES, MINUTE, Beside, Frame, HftAverage, frame
from desk.errors import FeedError
from ultimate_crypto_analyzer import analyse, bias

KINDS = {  # of levels, without the book's clusters, which need a recording
    *("POC", "VAH", "VAL", "naked POC", "HVN", "LVN", "round", "swing high", "swing low"),
    *(f"prior {period} {end}" for period in ("day", "week", "month") for end in ("high", "low")),
    *(f"{period} VWAP{band}" for period in ("week", "month") for band in ("", " +1σ", " −1σ")),
}


def test_cutting_the_future_changes_nothing_before_the_cut() -> None:
    """200 random moments of real candles: with the future present or absent, the analysis is equal in every field."""
    path = shared("market/candles/binance_mtf_2024/btcusdt_5m_20240101_20240430.parquet")
    columns = duckdb.sql(f"SELECT ts * 1000000 AS ts, open, high, low, close, volume FROM '{path}' ORDER BY ts")
    fine = frame("5m", FRAMES["5m"], columns.fetchnumpy())
    frames = ladder(fine)
    beside = Beside("BTC/USDT", frames)
    dice = np.random.Generator(np.random.PCG64(20240501))
    kinds: set[str] = set()
    for at in dice.integers(int(fine.ts[0]) + 75 * FRAMES["1d"], fine.end, 200):
        now = int(at)
        with_future = analyse("BTC/USDT", frames, now, beside=beside, measure=False)
        assert with_future.score is not None
        known = ladder(cut(fine, now))  # longer candles made from what there was, not cut from what came
        assert with_future == analyse("BTC/USDT", known, now, beside=Beside("BTC/USDT", known), measure=False)
        assert with_future.last_ts <= now
        assert all(b.ts + FRAMES["4h"] <= now for b in with_future.bars)
        assert with_future.intraday is not None
        assert with_future.intraday.end <= now
        kinds |= {kind for lv in with_future.levels for kind in lv.kinds}
    assert kinds == KINDS  # every kind was among what could have looked ahead


def test_the_bias_carries_the_score_its_contributions_and_its_end() -> None:
    """The fast system multiplies sizes by this; a wrong expiry would filter for days."""
    frames = frames_of(walk(90 * 288))
    now = frames["5m"].end
    a = analyse("BTC/USDT", frames, now, HftAverage("BTC/USDT", -80.0, now - 15 * MINUTE, now, 900, "L3"))
    b = bias(a, now, 12.0)
    assert a.coverage == b.coverage == 1.0
    assert sum(b.because.values()) == b.score == a.score
    assert list(b.because) == ["mtf", "profile", "technical", "hft"]
    assert b.because["hft"] == pytest.approx(-4.0)
    assert b.expires - b.ts == 12 * 60 * MINUTE
    assert b.label == a.label


def test_without_an_order_book_the_coverage_is_95_percent_and_the_term_says_why() -> None:
    """A missing term must not silently count as 0."""
    frames = frames_of(walk(90 * 288))
    a = analyse("BTC/USDT", frames, frames["5m"].end)
    assert a.coverage == 0.95
    assert a.terms[3].value is None
    assert "average" in a.terms[3].name
    assert any("Order-book term missing" in line for line in a.unknown)


def test_the_verdict_claims_no_evidence_that_was_not_measured() -> None:
    """A strong score is still no evidence: there is no walk-forward record yet."""
    frames = frames_of(walk(90 * 288, drift=0.02))
    a = analyse("BTC/USDT", frames, frames["5m"].end)
    assert a.score is not None
    assert a.score > 20
    assert (a.verdict.word, a.verdict.side) == ("no evidence", "neutral")
    assert a.verdict.reason == "not measured: needs walk-forward record"


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (frames_of(flat(90 * 288)), "the price has not moved"),
        (frames_of(walk(100)), "too few 4h candles"),
        ({"1h": walk(70, "1h")}, "No closed 4h candles."),
        ({"15m": walk(1, "15m")}, "no profile"),
    ],
)
def test_poor_data_gives_insufficient_data_with_reasons_and_a_bias_that_filters_nothing(
    frames: dict[str, Frame], words: str
) -> None:
    """Flat, short and single-frame data must neither crash nor look like a neutral market."""
    now = max(f.end for f in frames.values())
    a = analyse("BTC/USDT", frames, now)
    assert (a.score, a.label) == (None, "INSUFFICIENT DATA")
    assert any(words in line for line in a.unknown), a.unknown
    b = bias(a, now, 12.0)
    assert (b.score, b.label, b.because) == (0.0, "INSUFFICIENT DATA", {})
    assert b"NaN" not in msgspec.json.encode(a)


def test_gaps_are_reported_and_survived() -> None:
    """Half of the candles missing: still an answer, and the report says what is missing."""
    fine = walk(90 * 288)
    dice = np.random.Generator(np.random.PCG64(1))
    holes = [int(i) for i in dice.choice(len(fine) - 2, len(fine) // 2, replace=False) + 1]
    frames = frames_of(without(fine, holes))
    a = analyse("BTC/USDT", frames, fine.end)
    assert any("candles are missing" in line and line.startswith("5m") for line in a.unknown)
    assert {d.name: d.gaps for d in a.data}["5m"] > 0


def test_a_long_hole_shortly_before_the_end_is_named_with_what_rests_on_it() -> None:
    """Half a year without candles makes one jump, and the ATR of the days after it twice what the market does."""
    fine = walk(150 * 288)
    frames = frames_of(without(fine, list(range(100 * 288, 140 * 288))))
    a = analyse("BTC/USDT", frames, fine.end)
    said = [line for line in a.unknown if "bridge it" in line]
    assert said == [
        "1d: a hole of 40 candles ends 10 candles before the last one: trend, ATR and what rests on them (levels, "
        "scenarios, stops) still bridge it.",
    ]  # the 60 candles of 4h since then have forgotten it
    assert not any("bridge it" in line for line in analyse("BTC/USDT", frames_of(fine), fine.end).unknown)


def test_old_candles_and_no_candles_are_said() -> None:
    """A report made from yesterday's data must say so; one made from nothing must not exist."""
    frames = frames_of(walk(90 * 288))
    a = analyse("BTC/USDT", frames, frames["5m"].end + 60 * MINUTE)
    assert any("60 minutes ago" in line for line in a.unknown)
    with pytest.raises(FeedError, match="BTC/USDT: no closed candle"):
        analyse("BTC/USDT", frames, int(frames["5m"].ts[0]))


def test_the_same_arguments_give_the_same_bytes() -> None:
    """A report that cannot be reproduced cannot be graded."""
    frames = frames_of(walk(90 * 288))
    once, again = (msgspec.json.encode(analyse("BTC/USDT", frames, frames["5m"].end)) for _ in range(2))
    assert once == again
