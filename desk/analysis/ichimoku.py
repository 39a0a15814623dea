"""Ichimoku Kinko Hyo without its look ahead.

The spans drawn over a bar were computed 26 bars before it; the lagging line, drawn 26 bars back on charts, is told as
what it compares: this close with the one 26 bars before. pandas-ta-classic puts the later close into the earlier row
(`lookahead=True`, its default), which no backtest may read; with `lookahead=False` its four lines equal these.
Charting sites that count the current bar displace by 25.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from desk.analysis.findings import Ichimoku
from desk.analysis.shape import Floats, Frame

FAST, SLOW, LONG = 9, 26, 52
DISPLACED = 26


def middle(high: Floats, low: Floats, n: int) -> Floats:
    """(highest high + lowest low) / 2 of the last n bars: (T,), NaN before there are n.

    >>> middle(np.array([2.0, 4.0, 3.0]), np.array([1.0, 2.0, 2.0]), 2).tolist()
    [nan, 2.5, 3.0]
    """
    out = np.full(len(high), np.nan)
    if len(high) >= n:
        out[n - 1 :] = (sliding_window_view(high, n).max(axis=1) + sliding_window_view(low, n).min(axis=1)) / 2.0
    return out


def lines(high: Floats, low: Floats, close: Floats) -> Floats:
    """Conversion, base, span A and span B over the bar, lagging difference: (5, T), NaN until defined."""
    conversion, base = middle(high, low, FAST), middle(high, low, SLOW)
    out = np.full((5, len(close)), np.nan)
    out[0], out[1] = conversion, base
    if len(close) > DISPLACED:
        out[2, DISPLACED:] = ((conversion + base) / 2.0)[:-DISPLACED]
        out[3, DISPLACED:] = middle(high, low, LONG)[:-DISPLACED]
        out[4, DISPLACED:] = close[DISPLACED:] - close[:-DISPLACED]
    return out


def ichimoku(frame: Frame) -> Ichimoku | None:
    """The five numbers of the last bar; None below 78 bars."""
    if len(frame) < LONG + DISPLACED:
        return None
    conversion, base, a, b, lagging = (float(x) for x in lines(frame.high, frame.low, frame.close)[:, -1])
    close, top, bottom = float(frame.close[-1]), max(a, b), min(a, b)
    word = "above the cloud" if close > top else "below the cloud" if close < bottom else "in the cloud"
    return Ichimoku(conversion, base, a, b, lagging, word)
