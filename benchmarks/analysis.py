"""`python -m benchmarks.analysis [--rows N] [--json]`: the analyzer's arithmetic beside its peers, and whole analyses.

    indicators   EMA 20, RSI 14, Bollinger 20, ATR 14, MACD 12/26/9 and VWAP over a seeded walk: our one pass, TA-Lib
                 (where it is installed: pip install TA-Lib==0.8.2), pandas-ta-classic with talib=False
    profile      volume in 200 price bins: our histogram, np.histogram with weights
    analyses     3 and 100 symbols of six timeframes each, from candles in memory to scores and levels; no report

CPU time of this process, the smallest of the repetitions, taken in turn so that a busy moment meets all. A peer whose
last hundred values differ from ours by more than 1e-6 is not compared.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
import pandas_ta_classic as ta

from desk.analysis.resample import ladder
from desk.analysis.shape import DAY, FRAMES, MINUTE, Beside, Frame, frame
from desk.kernels import indicators
from desk.kernels.profile import price_histogram
from ultimate_crypto_analyzer import analyse

BEGIN = 1_704_067_200_000_000_000  # 2024-01-01
BINS = 200
MUST = {"TA-Lib": 1.0, "pandas-ta-classic": 40.0, "np.histogram": 2.0}
MUST_S = {"3 symbols": 10.0, "100 symbols": 20.0}


def walk(rows: int, interval: int, seed: int) -> Frame:
    """A seeded random walk (SIMULATED)."""
    dice = np.random.Generator(np.random.PCG64(seed))
    close = 100.0 * np.exp(np.cumsum(dice.normal(0.0, 0.001, rows)))
    begin = np.concatenate(([100.0], close[:-1]))
    high, low = np.maximum(begin, close) * 1.0005, np.minimum(begin, close) * 0.9995
    ts = BEGIN + np.arange(rows, dtype=np.int64) * interval
    columns = {
        "ts": ts,
        "open": begin,
        "high": high,
        "low": low,
        "close": close,
        "volume": dice.exponential(10.0, rows),
    }
    return frame("walk", interval, columns)


def by_talib(f: Frame) -> Callable[[], list[Any]]:
    import talib

    def run() -> list[Any]:
        value = np.cumsum((f.high + f.low + f.close) / 3.0 * f.volume)
        upper, middle, lower = talib.BBANDS(f.close, 20)
        averages = [talib.EMA(f.close, 20), talib.RSI(f.close, 14), middle, upper, lower]
        ranges = talib.ATR(f.high, f.low, f.close, 14)
        return [*averages, ranges, *talib.MACD(f.close, 12, 26, 9), value / np.cumsum(f.volume)]

    return run


def by_pandas_ta(f: Frame) -> Callable[[], list[Any]]:
    index = pd.to_datetime(f.ts)
    high, low, close, volume = (pd.Series(x, index) for x in (f.high, f.low, f.close, f.volume))

    def run() -> list[Any]:
        bands = ta.bbands(close, length=20, std=2.0, talib=False)
        lines = ta.macd(close, 12, 26, 9, talib=False)
        first = [ta.ema(close, length=20, talib=False), ta.rsi(close, length=14, talib=False)]
        middle, upper, lower = (bands.filter(like=name).iloc[:, 0] for name in ("BBM_", "BBU_", "BBL_"))
        macd, histogram, signal = (lines.iloc[:, i] for i in range(3))
        ranges = ta.atr(high, low, close, length=14, talib=False)
        vwap = ta.vwap(high, low, close, volume, anchor="D")
        return [*first, middle, upper, lower, ranges, macd, signal, histogram, vwap]

    return run


def in_turn(contenders: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """CPU seconds of each, the least of `repeats`, after one call that is not counted."""
    least = dict.fromkeys(contenders, float("inf"))
    for call in contenders.values():
        call()
    for _ in range(repeats):
        for name, call in contenders.items():
            begin = time.process_time()
            call()
            least[name] = min(least[name], time.process_time() - begin)
    return least


def agree(ours: Any, theirs: list[Any], but: tuple[int, ...] = ()) -> bool:
    """Whether the last hundred values of every row but some are the same to 1e-6."""
    pairs = [(a, np.asarray(b, float)) for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if i not in but]
    return all(np.allclose(a[-100:], b[-100:], rtol=0, atol=1e-6) for a, b in pairs)


def indicator_rows(rows: int, repeats: int) -> list[dict[str, Any]]:
    """ns a bar of each, with the ratio to ours; VWAP is compared with the peer of the same session."""
    f = walk(rows, MINUTE, 1)

    def ours(period: int = 0) -> Any:
        return indicators.six(f.ts, f.high, f.low, f.close, f.volume, period)

    contenders: dict[str, Callable[[], Any]] = {"ours": ours, "pandas-ta-classic": by_pandas_ta(f)}
    same = {"pandas-ta-classic": agree(ours(DAY), contenders["pandas-ta-classic"]())}
    if find_spec("talib"):
        contenders["TA-Lib"] = by_talib(f)
        same["TA-Lib"] = agree(ours(), contenders["TA-Lib"]())
    return judged(in_turn(contenders, repeats), rows, same)


def profile_rows(rows: int, repeats: int) -> list[dict[str, Any]]:
    """ns a price of each."""
    f = walk(rows, MINUTE, 2)
    low, high = float(f.close.min()), float(f.close.max())

    def ours() -> Any:
        return price_histogram(f.close, f.volume, low, (high - low) / BINS, BINS)

    def theirs() -> Any:
        return np.histogram(f.close, BINS, (low, high), weights=f.volume)[0]

    took = in_turn({"ours": ours, "np.histogram": theirs}, repeats)
    return judged(took, rows, {"np.histogram": bool(np.allclose(ours().sum(), theirs().sum()))})


def judged(took: dict[str, float], rows: int, same: dict[str, bool]) -> list[dict[str, Any]]:
    """One row a contender: ns, ratio to ours, the bar, and whether it is kept (None where nothing is compared)."""
    out: list[dict[str, Any]] = []
    for name, seconds in took.items():
        compared = same.get(name, False)
        ratio = seconds / took["ours"] if compared else None
        must = MUST.get(name)
        kept = ratio >= must if ratio is not None and must is not None else None
        out.append({"name": name, "ns": 1e9 * seconds / rows, "ratio": ratio, "must": must, "kept": kept})
    return out


def analyses() -> list[dict[str, Any]]:
    """CPU seconds of whole analyses."""
    frames = [ladder(walk(90 * 288, FRAMES["5m"], seed)) for seed in range(3)]
    analyse("X/Y", frames[0], frames[0]["5m"].end)  # the library is imported, the kernels are loaded
    out = []
    for name, count in (("3 symbols", 3), ("100 symbols", 100)):
        begin = time.process_time()
        for i in range(count):
            made = frames[i % len(frames)]
            analyse(f"S{i}/USDT", made, made["5m"].end, beside=Beside("BTC/USDT", frames[0]))
        seconds = time.process_time() - begin
        out.append({"name": name, "s": seconds, "must": MUST_S[name], "kept": seconds <= MUST_S[name]})
    return out


def main() -> int:
    p = argparse.ArgumentParser(prog="python -m benchmarks.analysis", description=__doc__.partition("\n")[0])
    p.add_argument("--rows", type=int, default=1_000_000, help="bars of the walk (default 1000000)")
    p.add_argument("--repeats", type=int, default=5)
    p.add_argument("--json", action="store_true")
    options = p.parse_args()
    if options.rows < 1000 or options.repeats < 1:
        p.error("at least 1000 rows and 1 repetition are needed")
    result = {
        "rows": options.rows,
        "indicators": indicator_rows(options.rows, options.repeats),
        "profile": profile_rows(options.rows, options.repeats),
        "analyses": analyses(),
    }
    if options.json:
        print(json.dumps(result))
    else:
        show(result)
    rows = [row for key in ("indicators", "profile", "analyses") for row in result[key]]  # type: ignore[attr-defined]
    return 1 if any(row["kept"] is False for row in rows) else 0


def show(result: dict[str, Any]) -> None:
    """The table."""
    for key, unit in (("indicators", "ns a bar, six indicators"), ("profile", f"ns a price, {BINS} bins")):
        print(f"{unit}, {result['rows']:,} rows")
        for row in result[key]:
            ratio = "" if row["ratio"] is None else f"   ours is {row['ratio']:.1f} x as fast, must {row['must']:g}"
            print(f"  {row['name']:<20}{row['ns']:>9.1f}{ratio}")
    print("whole analyses, six timeframes, CPU seconds")
    for row in result["analyses"]:
        print(f"  {row['name']:<20}{row['s']:>9.2f}   must {row['must']:g}")


if __name__ == "__main__":
    sys.exit(main())
