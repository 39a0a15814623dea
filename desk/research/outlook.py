"""How past days with the same corridor went: the measured odds of the three scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from desk.analysis.scenarios import ALIKE, DAYS, HORIZON_NS, Corridor, Odds, model_odds
from desk.analysis.shape import DAY, Floats, Frame
from desk.analysis.timeframes import atr, trend_word
from desk.kernels.averages import ema
from desk.kernels.exits import first_exits
from desk.research.metrics import wilson
from desk.research.reactions import Start, history, past_days

LEAST = 60  # days: at 60 a share of one third is known to ±12 points


def odds(frames: Mapping[str, Frame], c: Corridor) -> Odds:
    """Shares of past days on which a corridor as wide (in that day's ATR) was left upwards, downwards or not at all.

    Days start at this time of day and do not overlap. Those whose daily trend pointed the same way as today's are used
    when there are 60, else all when there are 60, else the model. A day that reached both edges inside one candle is
    left out. Shares are (k + 1)/(n + 3): what has not happened yet is not impossible; intervals are Wilson's of k/n.
    """
    bars, daily = history(frames), frames.get("1d")
    days = past_days(bars, daily) if bars is not None else []
    if bars is None or daily is None or len(days) < LEAST:
        return model_odds(c)
    side = left(bars, days, c)
    ways = daily_ways(daily)
    then = np.searchsorted(daily.ts + DAY, np.array([d.ts for d in days]), side="right") - 1
    alike = side[ways[then] == ways[-1]]
    for basis, used in ((ALIKE, alike), (DAYS, side)):
        counts = tuple(int((used == s).sum()) for s in (1, -1, 0))
        n = sum(counts)
        if n >= LEAST:
            shares = tuple((k + 1) / (n + 3) for k in counts)
            spans = tuple((i.low, i.high) for k in counts if (i := wilson(k, n)))
            return Odds((shares[0], shares[1], shares[2]), basis, n, spans)
    return model_odds(c)


def left(bars: Frame, days: Sequence[Start], c: Corridor) -> NDArray[np.int64]:
    """How a corridor as wide as `c` (in that day's ATR) was left in the day after each start, (N,): `first_exits`."""
    begin = np.array([d.bar for d in days], np.int64)
    end = np.searchsorted(bars.ts, np.array([d.ts for d in days], np.int64) + HORIZON_NS)
    last, wide = np.array([d.last for d in days]), np.array([d.atr for d in days])
    up = last + (c.up.trigger - c.last) / c.atr * wide
    down = last - (c.last - c.down.trigger) / c.atr * wide
    return first_exits(bars.high, bars.low, begin, end, down, up)[0]


def daily_ways(daily: Frame) -> Floats:
    """+1 up, −1 down, 0 flat, NaN unknown per daily candle, (T,): the daily trend's word without its strength."""
    out = np.full(len(daily), np.nan)
    ranges, slow = atr(daily), ema(daily.close, 26)
    count = min(len(ranges), len(slow))
    if count:
        fast = ema(daily.close, 12)[-count:]
        width = np.where(ranges[-count:] > 0.0, ranges[-count:], np.inf)
        trend = 100.0 * np.tanh((fast - slow[-count:]) / width / 2.0)
        words = (trend_word(float(t)).rpartition(" ")[2] for t in trend)
        out[-count:] = [{"up": 1.0, "down": -1.0}.get(w, 0.0) for w in words]
    return out
