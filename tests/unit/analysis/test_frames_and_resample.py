"""desk/analysis/shape.py, resample.py: checked candles, no look-ahead, longer candles equal to the venue's own."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest
from candles import START, flat, walk, without
from hypothesis import given
from hypothesis import strategies as st
from shared import shared

from desk.analysis.resample import ladder, resample
from desk.analysis.shape import FRAMES, Frame, frame
from desk.errors import FeedError

BAD = [
    ("open", 0.0, "not above 0"),
    ("close", float("nan"), "missing or infinite"),
    ("high", 1.0, "high is below"),
    ("low", 1e9, "low is above"),
    ("volume", -1.0, "negative"),
    ("ts", START, "not after the row before"),
]


def read(path, interval: str) -> Frame:
    """A Parquet file of the shared recordings."""
    columns = duckdb.sql(f"SELECT ts * 1000000 AS ts, open, high, low, close, volume FROM '{path}' ORDER BY ts")
    return frame(interval, FRAMES[interval], columns.fetchnumpy())


def same(a: Frame, b: Frame) -> bool:
    prices = all(np.array_equal(getattr(a, c), getattr(b, c)) for c in ("ts", "open", "high", "low", "close"))
    return prices and np.allclose(a.volume, b.volume, rtol=1e-9)


@pytest.mark.parametrize(("column", "value", "words"), BAD)
def test_a_bad_row_is_refused_with_place_row_and_fix(column: str, value: float, words: str) -> None:
    """One bad candle that passes unnoticed is a false level or a NaN in a report."""
    f = flat(5)
    columns = {c: getattr(f, c).copy() for c in ("ts", "open", "high", "low", "close", "volume")}
    columns[column][3] = value
    with pytest.raises(FeedError, match=rf"here: row 4: .*{words}.*correct or remove"):
        frame("here", f.interval_ns, columns)


def test_upto_never_shows_a_bar_that_had_not_closed() -> None:
    """A bar seen one second before its close is the future."""
    f = walk(10)
    assert len(f.upto(f.end - 1)) == 9
    assert len(f.upto(f.end)) == 10
    assert len(f.upto(START)) == 0
    assert list(f.upto(f.end, 3).close) == list(f.close[-3:])


def test_gaps_are_counted() -> None:
    """A hole that nobody counts looks like calm."""
    assert without(walk(20), [4, 5, 11]).gaps == 3
    assert walk(20).gaps == 0


def test_resampled_candles_equal_the_venues_own() -> None:
    """5m into 15m, 1h, 4h and 1d of three pairs, against Binance's own candles: 0 differences."""
    folder = shared("market/candles/binance_mtf_2024")
    for pair in ("btcusdt", "ethusdt", "xrpusdt"):
        made = ladder(read(folder / f"{pair}_5m_20240101_20240430.parquet", "5m"))
        for name in ("15m", "1h", "4h", "1d"):
            assert same(made[name], read(folder / f"{pair}_{name}_20240101_20240430.parquet", name)), (pair, name)


def test_buckets_with_missing_bars_equal_the_venues_own_and_are_marked_thin() -> None:
    """Two years of hourly candles with 46 hours missing, against the venue's own 4-hour candles."""
    folder = shared("market/candles/binance_long")
    made = resample(read(folder / "btcusdt_1h_20190101_20201231.parquet", "1h"), FRAMES["4h"])
    own = read(folder / "btcusdt_4h_20190101_20201231.parquet", "4h")
    assert same(made, own)
    assert made.gaps == own.gaps == 5
    assert int(made.thin.sum()) == 17


@given(st.integers(0, 400), st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 500)), max_size=4))
def test_a_ladder_is_what_each_resample_makes_of_the_data_itself(skip: int, holes: list[tuple[int, int]]) -> None:
    """Breaks: candles made of candles lose a bucket at a hole or at the edge, or its thin mark."""
    kept = np.ones(3000, bool)
    kept[:skip] = False
    for begin, count in holes:
        kept[begin : begin + count] = False
    f = without(walk(3000), np.flatnonzero(~kept).tolist())
    made = ladder(f)
    for name, interval in FRAMES.items():
        direct = resample(f, interval) if interval > f.interval_ns else f
        assert (name in made) == bool(len(direct))
        if len(direct):
            assert same(made[name], direct)
            assert np.array_equal(made[name].thin, direct.thin)


@given(st.integers(1, 400), st.integers(0, 300))
def test_only_whole_buckets_are_made(n: int, skip: int) -> None:
    """A bucket whose beginning or end lies outside the data would repaint when more arrives."""
    f = walk(700)
    part = Frame(
        *(c[skip : skip + n] for c in (f.ts, f.open, f.high, f.low, f.close, f.volume)),
        f.interval_ns,
        f.thin[skip : skip + n],
    )
    hours = resample(part, FRAMES["1h"])
    whole = [t for t in range(START, f.end, FRAMES["1h"]) if t >= part.ts[0] and t + FRAMES["1h"] <= part.end]
    assert list(hours.ts) == whole
    assert not hours.thin.any()


def test_weeks_begin_on_monday_and_an_interval_that_does_not_divide_is_refused() -> None:
    """Weeks counted from 1970-01-01 would begin on a Thursday."""
    weeks = resample(walk(24 * 21, "1h"), FRAMES["1w"])
    assert list(weeks.ts) == [START, START + FRAMES["1w"], START + 2 * FRAMES["1w"]]
    with pytest.raises(ValueError, match="does not divide"):
        resample(walk(10, "15m"), FRAMES["5m"])
