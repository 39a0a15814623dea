"""VWAP from candles since an event: a swing, the start of the week or the month, the heaviest bar.

Candles give (high + low + close)/3 for the price of a bar's volume, so this is coarser than the VWAP of trades.
"""

from __future__ import annotations

import numpy as np

from desk.analysis.findings import Anchored, Swing
from desk.analysis.resample import MONDAY
from desk.analysis.shape import DAY, Floats, Frame

FLAT = 1e-12  # relative: a deviation below this is rounding


def anchored(frame: Frame, start: int) -> tuple[Floats, Floats]:
    """(VWAP, σ) from bar `start` on, each (T − start,); NaN before there is volume.

    VWAP = Σpv/Σv with p = (high + low + close)/3, as Stock.Indicators has it; σ = √(Σv(p−VWAP)²/Σv), in price.
    """
    first = float(frame.close[start])  # measured from here: squares of whole prices would cancel
    price = (frame.high[start:] + frame.low[start:] + frame.close[start:]) / 3.0 - first
    volume = frame.volume[start:]
    traded = np.cumsum(volume)
    weight = np.where(traded > 0.0, traded, np.nan)
    mean = np.cumsum(price * volume) / weight
    spread = np.maximum(np.cumsum(price * price * volume) / weight - mean * mean, 0.0)
    return first + mean, np.sqrt(spread)


def anchors(frame: Frame, swings: list[Swing]) -> list[tuple[str, int]]:
    """(name, bar): the last confirmed swing high and low, the running week and month, the bar with most volume.

    A week or month counts only when its first moment lies within the data.
    """
    out = []
    for high, name in ((True, "last swing high"), (False, "last swing low")):
        found = [s.ts for s in swings if s.high is high]
        if found:
            out.append((name, int(np.searchsorted(frame.ts, found[-1]))))
    last = int(frame.ts[-1])
    week = last - (last - MONDAY) % (7 * DAY)
    month = int(np.datetime64(last, "ns").astype("datetime64[M]").astype("datetime64[ns]").astype(np.int64))
    out += [
        (name, int(np.searchsorted(frame.ts, at)))
        for name, at in (("week", week), ("month", month))
        if at >= int(frame.ts[0])
    ]
    out.append(("heaviest bar", int(np.argmax(frame.volume))))
    return out


def anchored_vwaps(frame: Frame, swings: list[Swing]) -> tuple[Anchored, ...]:
    """One row for each anchor that has volume since."""
    out = []
    close = float(frame.close[-1])
    for name, bar in anchors(frame, swings):
        vwap, sigma = (float(x[-1]) for x in anchored(frame, bar))
        if np.isfinite(vwap):
            z = (close - vwap) / sigma if sigma > FLAT * close else None
            out.append(Anchored(name, int(frame.ts[bar]), vwap, sigma, z))
    return tuple(out)
