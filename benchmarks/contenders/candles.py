"""The analyzer's arithmetic on a million candles: six indicators, a volume profile, longer candles, whole analyses.

Every contender leaves its answer as named arrays at `given["answer"]`; what two of them name alike must be equal.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.candles import load, save
from benchmarks.contenders import Contender, Given, Result, Work
from benchmarks.contenders.measure import spent

Arrays = dict[str, Any]
BINS = 200
SAMPLE = slice(1000, None, 101)  # rows of the indicators that are compared: after 1000 no seed of an average is left
SIX = ("ema", "rsi", "middle", "upper", "lower", "atr", "macd", "signal", "histogram")  # and a VWAP
RULES = {"5m": "5min", "15m": "15min", "1h": "1h", "4h": "4h", "1d": "1D"}
DAYS_90 = 90 * 1440
COLUMNS = ("open", "high", "low", "close", "volume")


def timed(given: Given, call: Callable[[], Any], named: Callable[[Any], Arrays], **said: str) -> Work:
    """A repetition of `call`; the first one's result is kept, by name."""

    # glibc asks the system for every larger array until one that large was given back once; then it keeps them. A
    # program that has worked a while is there, and np.histogram is twice as fast in it.
    np.ones(1 << 21)

    def work() -> Result:
        made: list[Any] = []
        result = spent(lambda: made.append(call()), given["count"])
        if not Path(given["answer"]).exists():
            save(named(made[0]), Path(given["answer"]))
        return {**result, **said}

    return work


# --- six indicators


def six(given: Given) -> Work:
    """Our one pass; its VWAP of the whole walk, as the peers' without sessions, and for comparison one of each day."""
    from desk.analysis.shape import DAY
    from desk.kernels import indicators

    f = load(Path(given["path"]))
    columns = f["ts"], f["high"], f["low"], f["close"], f["volume"]

    def named(made: Any) -> Arrays:
        daily = indicators.six(*columns, DAY)[indicators.VWAP]
        rows = dict(zip((*SIX, "vwap"), made, strict=True)) | {"vwap of the day": daily}
        return {name: row[SAMPLE] for name, row in rows.items()}

    return timed(given, lambda: indicators.six(*columns, 0), named)


def talib(given: Given) -> Work:
    """TA-Lib's five functions; it has no VWAP, which is three lines of numpy without a needless copy."""
    import talib as ta

    f = load(Path(given["path"]))
    high, low, close, volume = f["high"], f["low"], f["close"], f["volume"]

    def call() -> list[Any]:
        paid = high + low
        paid += close
        paid *= volume
        vwap = np.cumsum(paid, out=paid)
        vwap /= 3.0 * np.cumsum(volume)
        upper, middle, lower = ta.BBANDS(close, 20)
        first = [ta.EMA(close, 20), ta.RSI(close, 14), middle, upper, lower, ta.ATR(high, low, close, 14)]
        return [*first, *ta.MACD(close, 12, 26, 9), vwap]

    return timed(given, call, lambda made: {n: x[SAMPLE] for n, x in zip((*SIX, "vwap"), made, strict=True)})


def pandas_ta(given: Given) -> Work:
    """pandas-ta-classic by itself: `talib=False`, or it would call TA-Lib. Its VWAP begins anew every day."""
    import pandas as pd
    import pandas_ta_classic as ta

    f = load(Path(given["path"]))
    index = pd.to_datetime(f["ts"])
    high, low, close, volume = (pd.Series(f[name], index) for name in ("high", "low", "close", "volume"))

    def call() -> list[Any]:
        bands = ta.bbands(close, length=20, std=2.0, talib=False)
        lines = ta.macd(close, 12, 26, 9, talib=False)
        macd, histogram, signal = (lines.iloc[:, i] for i in range(3))
        lower, middle, upper = (bands.iloc[:, i] for i in range(3))
        first = [ta.ema(close, length=20, talib=False), ta.rsi(close, length=14, talib=False), middle, upper, lower]
        ranges = ta.atr(high, low, close, length=14, talib=False)
        return [*first, ranges, macd, signal, histogram, ta.vwap(high, low, close, volume, anchor="D")]

    def named(made: Any) -> Arrays:
        return {n: x.to_numpy()[SAMPLE] for n, x in zip((*SIX, "vwap of the day"), made, strict=True)}

    return timed(given, call, named)


# --- volume profile


def profile(given: Given) -> Work:
    """Each close's volume into one of 200 bins."""
    from desk.kernels.profile import price_histogram

    f = load(Path(given["path"]))
    low, high = float(f["close"].min()), float(f["close"].max())

    def call() -> Any:
        return price_histogram(f["close"], f["volume"], low, (high - low) / BINS, BINS)

    return timed(given, call, lambda made: {"volumes": made})


def spread_profile(given: Given) -> Work:
    """What the analyzer does: a bar's volume spread over the bins between its low and its high."""
    from desk.kernels.profile import spread_volume

    f = load(Path(given["path"]))
    low, high = float(f["low"].min()), float(f["high"].max())

    def call() -> Any:
        return spread_volume(f["low"], f["high"], f["volume"], low, (high - low) / BINS, BINS)

    return timed(given, call, lambda made: {}, **{"does more": "spreads a bar over its range"})


def numpy_histogram(given: Given) -> Work:
    """`np.histogram` with weights, of the same bins."""
    f = load(Path(given["path"]))
    bounds = float(f["close"].min()), float(f["close"].max())

    def call() -> Any:
        return np.histogram(f["close"], BINS, bounds, weights=f["volume"])[0]

    return timed(given, call, lambda made: {"volumes": made})


# --- longer candles


def minutes(given: Given) -> Any:
    """The walk as the desk's own candles."""
    from desk.analysis.shape import MINUTE, frame

    return frame("the walk", MINUTE, load(Path(given["path"])))


def ladder(given: Given) -> Work:
    """Six longer intervals, each from the one before."""
    from desk.analysis import resample

    fine = minutes(given)

    def named(made: Any) -> Arrays:
        return {f"{name} {column}": getattr(made[name], column) for name in RULES for column in ("ts", *COLUMNS)}

    return timed(given, lambda: resample.ladder(fine), named)


def pandas_resample(*, chained: bool) -> Contender:
    """pandas' `resample` to five intervals: each from the minutes, as one writes it, or each from the one before."""

    def prepare(given: Given) -> Work:
        import pandas as pd

        f = load(Path(given["path"]))
        minutes = pd.DataFrame({name: f[name] for name in COLUMNS}, pd.to_datetime(f["ts"]))
        how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}

        def call() -> dict[str, Any]:
            made: dict[str, Any] = {}
            last = minutes
            for name, rule in RULES.items():
                made[name] = last.resample(rule).agg(how)
                last = made[name] if chained else minutes
            return made

        def named(made: dict[str, Any]) -> Arrays:
            times = {f"{name} ts": each.index.as_unit("ns").asi8 for name, each in made.items()}
            return times | {f"{n} {c}": each[c].to_numpy() for n, each in made.items() for c in COLUMNS}

        return timed(given, call, named)

    return prepare


# --- whole analyses


def analysis(given: Given) -> Work:
    """Candles in memory to scores, levels and scenarios: symbols of 90 days, six timeframes each, no report."""
    from desk.analysis import resample
    from desk.analysis.shape import Beside
    from ultimate_crypto_analyzer import analyse

    whole = minutes(given)
    symbols = [resample.ladder(whole.rows(at, at + DAYS_90)) for at in range(0, len(whole) - DAYS_90 + 1, DAYS_90)]

    def go() -> None:
        for number, frames in enumerate(symbols):
            analyse(f"S{number}/USDT", frames, frames["5m"].end, beside=Beside("BTC/USDT", symbols[0]))

    return lambda: spent(go, len(symbols))
