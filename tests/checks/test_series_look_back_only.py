"""Every series of the analyzer, cut at 200 random bars: the future present or absent, what came before is the same."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd
import pandas_ta_classic as ta
import pytest
from shared import shared

from desk.analysis import ichimoku, library
from desk.analysis.anchored_vwap import anchored
from desk.analysis.profiles import sessions
from desk.analysis.shape import DAY, FRAMES, Floats, Frame, frame
from desk.analysis.technical import squeeze
from desk.kernels import indicators

SERIES: dict[str, Callable[[Frame], Floats]] = {
    "six": lambda f: indicators.six(f.ts, f.high, f.low, f.close, f.volume, DAY),
    "directional": lambda f: indicators.directional(f.high, f.low, f.close, 14),
    "supertrend": lambda f: indicators.supertrend(f.high, f.low, f.close, 10, 3.0),
    "ichimoku": lambda f: ichimoku.lines(f.high, f.low, f.close),
    "anchored VWAP": lambda f: np.stack(anchored(f, 0)),
    "squeeze": lambda f: squeeze(f)[1],
    **{name: (lambda f, name=name: library.series(f, name)) for name in library.NAMES},
}


def real() -> Frame:
    """BTC/USDT, 1200 hours of Binance."""
    path = shared("market/candles/binance_mtf_2024/btcusdt_1h_20240101_20240430.parquet")
    columns = duckdb.sql(f"SELECT ts * 1000000 AS ts, open, high, low, close, volume FROM '{path}' ORDER BY ts")
    return frame("1h", FRAMES["1h"], columns.fetchnumpy()).rows(0, 1200)


def prices(f: Frame) -> list[pd.Series[float]]:
    return [pd.Series(x) for x in (f.high, f.low, f.close)]


def cuts(least: int, most: int) -> list[int]:
    return np.random.Generator(np.random.PCG64(200)).integers(least, most, 200).tolist()


def looks_ahead(series: Callable[[Frame], Floats], f: Frame) -> bool:
    """Whether any of 200 cuts changes a bit before it."""
    whole = series(f)
    parts = (series(f.rows(0, n)) for n in cuts(100, len(f)))
    return not all(np.array_equal(part, whole[..., : part.shape[-1]], equal_nan=True) for part in parts)


@pytest.mark.parametrize("name", SERIES)
def test_cutting_the_future_changes_no_value_before_the_cut(name: str) -> None:
    assert not looks_ahead(SERIES[name], real())


def test_the_check_finds_the_indicators_that_do_look_ahead() -> None:
    """pandas-ta-classic's own defaults, which the analyzer does without."""
    f = real()
    assert looks_ahead(lambda f: ta.dpo(pd.Series(f.close), talib=False).to_numpy(float), f)
    peeking = {"lookahead": True, "as_dataframe": True}
    assert looks_ahead(lambda f: ta.ichimoku(*prices(f), **peeking)["ICS_26"].to_numpy(float), f)


def test_a_day_that_is_over_keeps_its_profile() -> None:
    """Only whether its POC was traded again may change; 200 cuts."""
    f = real()
    whole = {a.begin: (a.poc, a.val, a.vah, a.volume) for a in sessions(f, "1h", f.end)[0]}
    for n in cuts(30, len(f)):
        part = f.rows(0, n)
        assert all((a.poc, a.val, a.vah, a.volume) == whole[a.begin] for a in sessions(part, "1h", part.end)[0])
