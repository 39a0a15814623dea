"""Six indicators in one pass over the candles, and two that follow a path: arrays in, arrays as long out.

Unlike the averages of this floor these keep the length of their input: a row is NaN until it is defined, and row i is a
function of the bars up to i alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from desk.kernels.jit import kernel

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

EMA, RSI, MIDDLE, UPPER, LOWER, ATR, MACD, SIGNAL, HISTOGRAM, VWAP = range(10)  # rows of `six`
BAND, STRENGTH, FAST, SLOW, SMOOTH = 20, 14, 12, 26, 9  # their lengths in bars
REFRESH = 256  # bars after which the moving variance is taken afresh: it would drift


def six(ts: Times, high: Floats, low: Floats, close: Floats, volume: Floats, period: int) -> Floats:
    """EMA 20, RSI 14, Bollinger 20 ± 2σ, ATR 14, MACD 12/26/9 and VWAP: (10, T), its rows named EMA … VWAP above.

    Averages are seeded with the mean of their first n values, each for itself (TA-Lib seeds MACD's fast average later:
    the two agree after some 300 bars); RSI and ATR are Wilder's; σ is the population's; RSI is 50 where nothing moved.
    The VWAP of (high+low+close)/3 begins anew every `period` ns (of `ts`, ns), with 0 never, and is NaN before volume.

    >>> x = np.arange(1.0, 41.0)
    >>> out = six(np.arange(40), x + 1.0, x - 1.0, x, np.ones(40), 0)
    >>> [round(float(out[row, 39]), 9) for row in (EMA, RSI, MIDDLE, ATR, MACD, SIGNAL, VWAP)]
    [30.5, 100.0, 30.5, 2.0, 7.0, 7.0, 20.5]
    >>> bool(np.isnan(out[SIGNAL, 32])), bool(np.isnan(out[SIGNAL, 33]))
    (True, False)
    """
    out = np.empty((10, len(close)))  # numpy's memory, not the kernel's own: it comes in huge pages, 28 of 46 ns a bar
    out[:, : SLOW + SMOOTH - 2] = np.nan
    _six(ts, high, low, close, volume, period, out)
    return out


@kernel
def _six(ts: Times, high: Floats, low: Floats, close: Floats, volume: Floats, period: int, out: Floats) -> None:  # noqa: C901 (one pass)
    count = len(close)
    mean = spread = level = fast = slow = signal = up = down = width = 0.0
    paid = traded = 0.0
    begun = ts[0] if count else 0
    until = begun - begun % period + period if period > 0 else 0
    for i in range(count):
        x = close[i]
        if period > 0 and ts[i] >= until:
            paid = traded = 0.0
            until = ts[i] - ts[i] % period + period
        paid += (high[i] + low[i] + x) * (1.0 / 3.0) * volume[i]  # a division is 5 cycles of the one divider
        traded += volume[i]
        out[VWAP, i] = paid / traded if traded > 0.0 else np.nan

        if i >= BAND:
            level += (x - level) * (2.0 / (BAND + 1))
            if i % REFRESH:
                left = close[i - BAND]
                before = mean
                mean += (x - left) * (1.0 / BAND)
                spread += (x - left) * (x - mean + left - before)
        if i == BAND - 1 or (i >= BAND and i % REFRESH == 0):
            first = close[i - BAND + 1]  # measured from here, a window that never moved has no spread at all
            mean = 0.0
            for k in range(i - BAND + 1, i + 1):
                mean += close[k] - first
            mean /= BAND
            spread = 0.0
            for k in range(i - BAND + 1, i + 1):
                spread += (close[k] - first - mean) ** 2
            mean += first
            if i < BAND:
                level = mean
        if i >= BAND - 1:
            reach = 2.0 * np.sqrt(max(spread, 0.0) * (1.0 / BAND))
            out[EMA, i] = level
            out[MIDDLE, i], out[UPPER, i], out[LOWER, i] = mean, mean + reach, mean - reach

        if i >= FAST:
            fast += (x - fast) * (2.0 / (FAST + 1))
        else:
            fast += x / FAST
        if i >= SLOW:
            slow += (x - slow) * (2.0 / (SLOW + 1))
        else:
            slow += x / SLOW
        if i >= SLOW - 1:
            gap = fast - slow
            out[MACD, i] = gap
            if i >= SLOW + SMOOTH - 1:
                signal += (gap - signal) * (2.0 / (SMOOTH + 1))
            else:
                signal += gap / SMOOTH
            if i >= SLOW + SMOOTH - 2:
                out[SIGNAL, i], out[HISTOGRAM, i] = signal, gap - signal

        if i:
            change = x - close[i - 1]
            gain, loss = max(change, 0.0), max(-change, 0.0)
            span = max(high[i], close[i - 1]) - min(low[i], close[i - 1])
            if i > STRENGTH:
                up += (gain - up) * (1.0 / STRENGTH)
                down += (loss - down) * (1.0 / STRENGTH)
                width += (span - width) * (1.0 / STRENGTH)
            else:
                up, down, width = up + gain / STRENGTH, down + loss / STRENGTH, width + span / STRENGTH
            if i >= STRENGTH:
                moved = up + down
                out[RSI, i] = 100.0 * up / moved if moved > 0.0 else 50.0
                out[ATR, i] = width


@kernel
def directional(high: Floats, low: Floats, close: Floats, n: int) -> Floats:
    """Wilder's +DI, −DI and ADX, 0..100: (3, T); the DI from bar n, the ADX from bar 2n−1 on.

    +DM = max(high − previous high, 0) where that is the larger move, else 0; −DM likewise; DI = 100·avg(DM)/avg(TR);
    ADX = the average of DX = 100·|+DI − −DI|/(+DI + −DI), taken as 0 where nothing moved. Averages are Wilder's.

    >>> x = np.arange(1.0, 9.0)
    >>> [float(v) for v in directional(x + 1.0, x - 1.0, x, 2)[:, 7]]
    [50.0, 0.0, 100.0]
    """
    count = len(close)
    out = np.full((3, count), np.nan)
    plus = minus = span = adx = 0.0
    for i in range(1, count):
        rise, fall = high[i] - high[i - 1], low[i - 1] - low[i]
        risen = rise if rise > fall and rise > 0.0 else 0.0
        fallen = fall if fall > rise and fall > 0.0 else 0.0
        moved = max(high[i], close[i - 1]) - min(low[i], close[i - 1])
        if i <= n:
            plus, minus, span = plus + risen / n, minus + fallen / n, span + moved / n
        else:
            plus += (risen - plus) / n
            minus += (fallen - minus) / n
            span += (moved - span) / n
        if i < n:
            continue
        ahead, behind = (100.0 * plus / span, 100.0 * minus / span) if span > 0.0 else (0.0, 0.0)
        out[0, i], out[1, i] = ahead, behind
        dx = 100.0 * abs(ahead - behind) / (ahead + behind) if ahead + behind > 0.0 else 0.0
        adx += dx / n if i < 2 * n else (dx - adx) / n
        if i >= 2 * n - 1:
            out[2, i] = adx
    return out


@kernel
def supertrend(high: Floats, low: Floats, close: Floats, n: int, width: float) -> Floats:
    """The line (row 0) and its side (row 1: +1 below the price, −1 above): (2, T), from bar n on.

    Bands lie at (high+low)/2 ± width·ATR(n) and only close in while the price stays within; a close through the band of
    its side turns it. Source: Seban's Supertrend as in Stock.Indicators (the first side is that of the bar's middle).

    >>> x = np.array([5.0, 6.0, 7.0, 8.0, 2.0])
    >>> [[float(v) for v in row[1:]] for row in supertrend(x + 0.5, x - 0.5, x, 1, 1.0)]
    [[4.5, 5.5, 6.5, 8.5], [1.0, 1.0, 1.0, -1.0]]
    """
    count = len(close)
    out = np.full((2, count), np.nan)
    atr = upper = lower = 0.0
    bullish = True
    for i in range(1, count):
        span = max(high[i], close[i - 1]) - min(low[i], close[i - 1])
        atr += span / n if i <= n else (span - atr) / n
        if i < n:
            continue
        middle = (high[i] + low[i]) / 2.0
        above, below = middle + width * atr, middle - width * atr
        if i == n:
            bullish, upper, lower = close[i] >= middle, above, below
        if above < upper or close[i - 1] > upper:
            upper = above
        if below > lower or close[i - 1] < lower:
            lower = below
        bullish = close[i] > (lower if bullish else upper)
        out[0, i], out[1, i] = (lower, 1.0) if bullish else (upper, -1.0)
    return out
