"""When the market trades: volume by hour of the UTC day from closed hourly candles, and the spread recorded then.

An hour's volume is the median of its days, so that one day's rush does not make an hour busy.
"""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from desk.analysis.findings import HourOfDay, Intraday, Microstructure
from desk.analysis.shape import MINUTE, Frame

HOUR = 60 * MINUTE
FEWEST_DAYS = 5  # of each hour


def intraday(hourly: Frame | None, book: Microstructure | None) -> Intraday | None:
    """The 24 hours of the day; None unless each has five candles and something was traded.

    hourly: candles of one hour, none later than the moment spoken of; at most 720 are looked at (30 days). Volumes in
    base units. The spread and depth stand at the hours that `book` was recorded in.
    """
    if hourly is None or hourly.interval_ns != HOUR:
        return None
    bars = hourly.rows(max(0, len(hourly) - 720), len(hourly))
    of_day = bars.ts // HOUR % 24
    total = float(bars.volume.sum())
    if total <= 0.0 or np.bincount(of_day, minlength=24).min() < FEWEST_DAYS:
        return None
    hours = []
    for hour in range(24):
        volume = bars.volume[of_day == hour]
        low, middle, high = (float(x) for x in np.quantile(volume, (0.25, 0.5, 0.75)))
        hours.append(HourOfDay(hour, len(volume), middle, low, high, float(volume.sum()) / total))
    for seen in book.hours if book is not None else ():
        found = replace(hours[seen.hour], spread_bps=seen.spread_bps, depth=seen.depth, samples=seen.samples)
        hours[seen.hour] = found
    return Intraday(int(bars.ts[0]), bars.end, tuple(hours), len(book.hours) if book is not None else 0)
