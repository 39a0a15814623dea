"""Every indicator against numbers made elsewhere: the Skender reference results, Wilder's RSI sheet, pandas."""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest
from shared import shared

from desk.indicators.averages import Ema, Sma
from desk.indicators.bands import Bollinger, Squeeze
from desk.indicators.momentum import Rsi
from desk.indicators.volatility import Atr, EwStd, EwVar
from desk.indicators.volume import DAY, Vwap

SKENDER = "market/reference/skender"
Bar = dict[str, float]


@cache
def bars() -> tuple[Bar, ...]:
    with shared(f"{SKENDER}/quotes_default.csv").open() as file:
        return tuple({k: float(v) for k, v in row.items() if k != "date"} for row in csv.DictReader(file))


def reference(name: str, column: str) -> list[float | None]:
    duckdb = pytest.importorskip("duckdb")
    rows = duckdb.sql(f"select {column} from '{shared(f'{SKENDER}/{name}.parquet')}'").fetchall()
    return [None if v is None or v != v else float(v) for (v,) in rows]


def agree(got: list[float | None], want: list[float | None], tolerance: float = 1e-8) -> None:
    assert len(got) == len(want) == 502
    assert [i for i, v in enumerate(got) if v is None] == [i for i, v in enumerate(want) if v is None]
    pairs = [(a, b) for a, b in zip(got, want, strict=True) if a is not None and b is not None]
    assert max(abs(a - b) for a, b in pairs) < tolerance


@pytest.mark.parametrize(
    ("name", "column", "indicator"),
    [("sma", "sma", lambda: Sma(20)), ("ema", "ema", lambda: Ema(20)), ("rsi", "rsi", lambda: Rsi(14))],
)
def test_averages_and_rsi_equal_the_reference_on_every_row(
    name: str, column: str, indicator: Callable[[], Sma]
) -> None:
    """Same seeds, same warm-up: SMA 20, EMA 20 (seeded by the SMA), RSI 14 (Wilder)."""
    one = indicator()
    agree([one.update(bar["close"]) for bar in bars()], reference(name, column))


def test_macd_of_two_averages_equals_the_reference() -> None:
    fast, slow, signal = Ema(12), Ema(26), Ema(9)
    macd, smooth = [], []
    for bar in bars():
        a, b = fast.update(bar["close"]), slow.update(bar["close"])
        macd.append(None if a is None or b is None else a - b)
        smooth.append(None if macd[-1] is None else signal.update(macd[-1]))
    agree(macd, reference("macd", "macd"))
    agree(smooth, reference("macd", "signal"))


def test_bollinger_bands_equal_the_reference() -> None:
    """20 closes, 2 population deviations."""
    bb = Bollinger(20, 2.0)
    rows = [(bb.update(bar["close"]), bb.upper, bb.lower, bb.percent_b) for bar in bars()]
    for i, column in enumerate(("sma", "upperBand", "lowerBand", "percentB")):
        agree([row[i] for row in rows], reference("bb", column))


def test_average_true_range_equals_the_reference() -> None:
    """Wilder, 14; the first bar has no previous close and does not count."""
    atr = Atr(14)
    agree([atr.update(bar["high"], bar["low"], bar["close"]) for bar in bars()], reference("atr", "atr"))


def test_keltner_from_our_average_and_range_equals_the_reference() -> None:
    """EMA 20 ± 2·ATR 10 (the reference's Keltner); our squeeze uses SMA 20 ± 1.5·ATR 20, a different definition."""
    ema, atr, upper = Ema(20), Atr(10), []
    for bar in bars():
        middle, width = ema.update(bar["close"]), atr.update(bar["high"], bar["low"], bar["close"])
        upper.append(None if middle is None or width is None else middle + 2.0 * width)
    agree(upper, reference("keltner", "upperBand"))


def test_vwap_equals_the_reference_when_its_session_never_ends() -> None:
    """The reference is anchored at its first bar and uses typical prices; ours is fed the same."""
    vwap = Vwap(period=0)
    got = [
        vwap.update(i * DAY, (bar["high"] + bar["low"] + bar["close"]) / 3, bar["volume"])
        for i, bar in enumerate(bars())
    ]
    agree(got, reference("vwap", "vwap"))


def test_rsi_equals_wilders_sheet() -> None:
    """The vector of signals.md section 7 (StockCharts' worked example with its rounding undone)."""
    closes = (
        "44.34 44.09 44.15 43.61 44.33 44.83 45.10 45.42 45.84 46.08 45.89 46.03 45.61 46.28 46.28 46.00 46.03 46.41 "
        "46.22 45.64"
    )
    rsi = Rsi(14)
    got = [rsi.update(float(c)) for c in closes.split()]
    assert got[:14] == [None] * 14
    assert [round(v, 4) for v in got[14:] if v is not None] == [70.4641, 66.2496, 66.4809, 69.3469, 66.2947, 57.9150]


def walk(n: int = 400) -> np.ndarray:
    return 100.0 + np.random.Generator(np.random.PCG64(7)).normal(0, 1, n).cumsum()


def test_weighted_variance_equals_pandas() -> None:
    """ewm(span, adjust=False), biased; the first 19 values are ours to withhold."""
    x = walk()
    want = pd.Series(x).ewm(span=20, adjust=False).var(bias=True).to_numpy()
    var, std = EwVar(20), EwStd(20)
    got = [(var.update(float(v)), std.update(float(v))) for v in x]
    assert got[:19] == [(None, None)] * 19
    assert [v for v, _ in got[19:]] == pytest.approx(list(want[19:]), rel=1e-10)
    assert [s for _, s in got[19:]] == pytest.approx(list(np.sqrt(want[19:])), rel=1e-10)
    assert std.mean == pytest.approx(pd.Series(x).ewm(span=20, adjust=False).mean().iloc[-1])


def test_vwap_bands_equal_the_weighted_moments_of_the_session() -> None:
    """Σpv/Σv and √(Σv(p−VWAP)²/Σv) from numpy; yesterday's trades and late ones of yesterday do not count."""
    px, qty = walk(300), np.random.Generator(np.random.PCG64(8)).uniform(0.1, 5.0, 300)
    vwap = Vwap()
    vwap.update(DAY - 1, 5000.0, 100.0)
    for i in range(300):
        vwap.update(DAY + i, float(px[i]), float(qty[i]))
        vwap.update(DAY - 1, 9000.0, 100.0)
    mean = np.average(px, weights=qty)
    sigma = np.sqrt(np.average((px - mean) ** 2, weights=qty))
    assert vwap.value == pytest.approx(mean, rel=1e-12)
    for k in (-3, -2, -1, 1, 2, 3):
        assert vwap.band(k) == pytest.approx(mean + k * sigma, rel=1e-12)
    assert vwap.z(mean + 2 * sigma) == pytest.approx(2.0)


def test_squeeze_equals_its_definition_computed_whole() -> None:
    """On, fired and momentum against pandas windows and numpy's least squares."""
    n, close = 20, walk() * np.where(np.arange(400) % 90 < 45, 1.0, 1.0005)
    close[150:200] = close[150] + 0.05 * np.sin(np.arange(50))
    high, low = close + 0.6, close - 0.6
    c, h, lo = pd.Series(close), pd.Series(high), pd.Series(low)
    mean, sd = c.rolling(n).mean(), c.rolling(n).std(ddof=0)
    true_range = np.maximum(h, c.shift()) - np.minimum(lo, c.shift())
    atr = true_range.iloc[1:].copy()
    seed = atr.iloc[:n].mean()
    wilder = pd.concat([pd.Series([seed]), atr.iloc[n:]]).ewm(alpha=1 / n, adjust=False).mean()
    wilder.index = range(n, 400)
    height = c - ((h.rolling(n).max() + lo.rolling(n).min()) / 2 + mean) / 2
    squeeze, before, ons = Squeeze(n), None, 0
    for i in range(400):
        got = squeeze.update(float(high[i]), float(low[i]), float(close[i]))
        if i >= n:
            on = bool(2.0 * sd[i] < 1.5 * wilder[i])
            assert squeeze.on is on
            assert squeeze.fired is (before is True and not on)
            before, ons = on, ons + on
        if i >= 2 * n - 2:
            slope, base = np.polyfit(np.arange(n), height[i - n + 1 : i + 1].to_numpy(), 1)
            assert got == pytest.approx(base + slope * (n - 1), abs=1e-8)
        else:
            assert got is None
    assert 0 < ons < 380  # the series visits both states


def test_flat_markets_leave_no_number_that_divides_by_nothing() -> None:
    """A market that does not move: RSI in the middle, no %B, no z."""
    rsi, bb, vwap = Rsi(14), Bollinger(20), Vwap()
    for i in range(40):
        rsi.update(101.3)
        bb.update(101.3)
        vwap.update(i, 101.3, 2.0)
    assert (rsi.value, bb.sigma, bb.percent_b, vwap.sigma, vwap.z(101.3)) == (50.0, 0.0, None, 0.0, None)


@pytest.mark.parametrize("make", [lambda: Sma(0), lambda: Ema(0), lambda: Bollinger(1), lambda: EwVar(1)])
def test_a_window_too_small_to_mean_anything_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="at least"):
        make()
