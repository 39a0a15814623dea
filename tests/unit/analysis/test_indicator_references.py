"""Indicators against numbers that others worked out: Stock.Indicators' sheets, StockCharts' school, streaming twins."""

from __future__ import annotations

import math

import duckdb
import numpy as np
import pandas as pd
import pandas_ta_classic as ta
import pytest
from candles import START, walk
from shared import shared

from desk.analysis import ichimoku, library
from desk.analysis.anchored_vwap import anchored
from desk.analysis.shape import DAY, Floats, Frame
from desk.indicators.bands import Bollinger
from desk.indicators.momentum import Rsi
from desk.indicators.volatility import Atr
from desk.kernels import indicators as kernels
from desk.kernels.averages import true_range, wilder


def candles(columns: dict[str, Floats]) -> Frame:
    """A frame of days; what a sheet does not say is its close, or 1 for the volume."""
    close = columns["close"]
    n = len(close)
    prices = [columns.get(name, close) for name in ("open", "high", "low")]
    ts = START + np.arange(n, dtype=np.int64) * DAY
    return Frame(ts, *prices, close, columns.get("volume", np.ones(n)), DAY, np.zeros(n, bool))


def skender() -> Frame:
    path = shared("market/reference/skender/quotes_default.csv")
    return candles(duckdb.sql(f"SELECT open, high, low, close, volume::DOUBLE AS volume FROM '{path}'").fetchnumpy())


def six(row: int):
    return lambda f: kernels.six(f.ts, f.high, f.low, f.close, f.volume, 0)[row]


def directional(row: int):
    return lambda f: kernels.directional(f.high, f.low, f.close, 14)[row]


SKENDER = [
    ("sma", "sma", six(kernels.MIDDLE)),
    ("ema", "ema", six(kernels.EMA)),
    ("rsi", "rsi", six(kernels.RSI)),
    ("bb", "upperBand", six(kernels.UPPER)),
    ("bb", "lowerBand", six(kernels.LOWER)),
    ("atr", "atr", six(kernels.ATR)),
    ("macd", "macd", six(kernels.MACD)),
    ("macd", "signal", six(kernels.SIGNAL)),
    ("macd", "histogram", six(kernels.HISTOGRAM)),
    ("vwap", "vwap", six(kernels.VWAP)),
    ("vwap", "vwap", lambda f: anchored(f, 0)[0]),
    ("adx", "pdi", directional(0)),
    ("adx", "mdi", directional(1)),
    ("adx", "adx", directional(2)),
    ("supertrend", "superTrend", lambda f: kernels.supertrend(f.high, f.low, f.close, 10, 3.0)[0]),
    ("stoch", "oscillator", lambda f: library.series(f, "stochastic %K 14/3")),
    ("stoch", "signal", lambda f: library.series(f, "stochastic %D 3")),
    ("mfi", "mfi", lambda f: library.series(f, "MFI 14")),
    ("cmf", "cmf", lambda f: library.series(f, "CMF 20")),
]


@pytest.mark.parametrize(("sheet", "column", "made"), SKENDER, ids=lambda x: x if isinstance(x, str) else "")
def test_every_value_equals_the_stock_indicators_sheet(sheet: str, column: str, made) -> None:
    """502 days of SPY, each value to 1e-8, and defined from the same day on (MFI begins one day earlier here)."""
    path = shared(f"market/reference/skender/{sheet}.parquet")
    want = duckdb.sql(f"SELECT \"{column}\"::DOUBLE AS x FROM '{path}'").df()["x"].to_numpy()
    got = np.asarray(made(skender()))
    known = np.isfinite(want)
    assert 468 < known.sum() <= len(want) == len(got) == 502
    assert np.isfinite(got[known]).all()
    assert np.abs(got - want)[known].max() <= 1e-8
    assert np.isfinite(got).sum() - known.sum() == (1 if sheet == "mfi" else 0)


STOCKCHARTS = [  # sheet, our name, the sheet's column, values in it
    ("cci", "CCI 20", "CCI", 11),
    ("roc", "ROC 12", "ROC", 8),
    ("percentr", "Williams %R 14", "Williams_%R", 17),
    ("mfi", "MFI 14", "MFI", 16),
    ("kama", "KAMA 10", "KAMA", 40),
    ("vortex", "+VI 14", "+VI14", 16),
    ("vortex", "−VI 14", "-VI14", 16),
    ("ultosc", "ultimate oscillator", "Ult_Osc", 2),
]


def stockcharts(sheet: str, column: str) -> tuple[Frame, list[tuple[int, float, int]]]:
    """(the sheet's candles, its values as (row, number, printed decimals))."""
    path = shared(f"market/reference/stockcharts/cs-{sheet}.csv")
    rows = duckdb.sql(f"SELECT * FROM read_csv('{path}', header = true, all_varchar = true)").df()
    rows.columns = [str(c).strip() for c in rows.columns]
    named = {str(c).lower(): c for c in rows.columns if str(c).lower() in ("open", "high", "low", "close", "volume")}
    columns = {key: rows[c].astype(float).ffill().bfill().to_numpy(float) for key, c in named.items()}
    said = [(i, str(text).strip()) for i, text in enumerate(rows[column]) if isinstance(text, str) and text.strip()]
    return candles(columns), [(i, float(text), len(text.partition(".")[2])) for i, text in said]


@pytest.mark.parametrize(("sheet", "name", "column", "count"), STOCKCHARTS, ids=lambda x: str(x))
def test_the_long_tail_equals_the_stockcharts_sheet_as_printed(sheet: str, name: str, column: str, count: int) -> None:
    """To the last digit that the sheet prints."""
    frame, want = stockcharts(sheet, column)
    got = library.series(frame, name)
    assert len(want) == count
    for row, value, decimals in want:
        assert abs(got[row] - value) <= 0.5000001 * 10.0**-decimals, (row, got[row], value)


def test_the_stockcharts_range_counts_the_first_bar_and_that_is_the_only_difference() -> None:
    """Their ATR begins with the first day's high − low, ours, as Stock.Indicators', with the second day's range."""
    frame, want = stockcharts("atr", "ATR")
    printed = {row: value for row, value, _ in want if value}
    ranges = np.concatenate((frame.high[:1] - frame.low[:1], true_range(frame.high, frame.low, frame.close)))
    theirs = wilder(ranges, 14)
    assert len(printed) == 17
    assert [theirs[row - 13] for row in printed] == pytest.approx(list(printed.values()), abs=1e-8)
    assert math.isnan(six(kernels.ATR)(frame)[13])


def test_batch_and_streaming_are_the_same_numbers() -> None:
    """The report and the desk must not disagree about one RSI. 3000 bars: a moving variance would have drifted."""
    f = walk(3000, "1h", seed=11, start=64_000.0)
    rsi, atr, bands = Rsi(14), Atr(14), Bollinger(20)
    rows = []
    for h, lo, c in zip(f.high.tolist(), f.low.tolist(), f.close.tolist(), strict=True):
        rows.append((rsi.update(c), atr.update(h, lo, c), bands.update(c), bands.upper))
    want = np.array(rows, dtype=float).T
    got = kernels.six(f.ts, f.high, f.low, f.close, f.volume, 0)
    for row, values in zip((kernels.RSI, kernels.ATR, kernels.MIDDLE, kernels.UPPER), want, strict=True):
        np.testing.assert_allclose(got[row], values, rtol=1e-10)


def test_the_session_vwap_begins_anew_each_day_and_is_silent_before_volume() -> None:
    """A VWAP that carries yesterday's volume is yesterday's."""
    f = walk(300, "15m", seed=4)
    volume = f.volume.copy()
    volume[96:99] = 0.0
    got = kernels.six(f.ts, f.high, f.low, f.close, volume, DAY)[kernels.VWAP]
    typical = (f.high + f.low + f.close) / 3
    assert np.isnan(got[96:99]).all()
    assert got[99] == pytest.approx(typical[99])
    assert got[95] == pytest.approx((typical * volume)[:96].sum() / volume[:96].sum())
    assert got[191] == pytest.approx((typical * volume)[96:192].sum() / volume[96:192].sum())


def test_a_price_that_stands_still_has_no_band_and_no_direction() -> None:
    """After real movement the window must come to rest at exactly nothing, not at what rounding left."""
    x = np.concatenate((walk(300, seed=3).close, np.full(600, 101.7)))
    out = kernels.six(np.arange(900), x, x, x, np.ones(900), 0)
    assert out[kernels.UPPER, -1] == out[kernels.LOWER, -1] == pytest.approx(101.7)
    still = np.full(60, 5.0)
    assert kernels.six(np.arange(60), still, still, still, still, 0)[kernels.RSI, -1] == 50.0
    assert kernels.directional(still, still, still, 14)[:, -1].tolist() == [0.0, 0.0, 0.0]


def test_ichimoku_is_the_librarys_without_its_look_ahead() -> None:
    """The library's default puts a close 26 bars into the past; its guarded form equals ours."""
    f = walk(400, "4h", seed=9)
    high, low, close = (pd.Series(x) for x in (f.high, f.low, f.close))
    guarded = ta.ichimoku(high, low, close, lookahead=False, as_dataframe=True)
    ours = ichimoku.lines(f.high, f.low, f.close)
    for column, row in zip(("ITS_9", "IKS_26", "ISA_9", "ISB_26"), range(4), strict=True):
        np.testing.assert_allclose(ours[row], guarded[column].to_numpy(float), rtol=1e-12)
    assert not any(str(name).startswith("ICS") for name in guarded.columns)
    peeking = ta.ichimoku(high, low, close, as_dataframe=True)["ICS_26"].to_numpy(float)
    assert peeking[100] == f.close[126]
    assert ours[4, 126] == f.close[126] - f.close[100]
