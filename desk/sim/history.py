"""The past of the simulated market: 400 days of candles that follow from the same fundamentals as its present.

Minutes are made first, day by day: opens and closes on the path (a half spread to either side), highs and lows from the
law of a Brownian bridge's extremes, volumes with the path's own pace. Every longer bar is the exact sum of its minutes.
Nothing is computed before it is asked for; hours are kept for good (0.6 MB a symbol), minutes for the days last used.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from desk.messages import Candle
from desk.sim.dice import stream
from desk.sim.fundamental import ASSETS, DAY_MINUTES, LOAD, MINUTE, RATIO, SHIFT, Floats, Fundamentals
from desk.sim.listing import LISTINGS, Listing
from desk.sim.tape import INTERVALS, Bar

DAYS = 400
KEPT_DAYS = 16  # of minutes, per symbol: the days that 720 half-hours need


class Columns(NamedTuple):
    """Bars by column: `ints` (6, n) int64 open, high, low, close, volume, count; `turnover` (n,)."""

    ints: NDArray[np.int64]
    turnover: Floats

    def of(self, first: int, last: int) -> Columns:
        return Columns(self.ints[:, first:last], self.turnover[first:last])


class History:
    """Candles of the `DAYS` days before `start_ns`, for every listed symbol.

    >>> past = History(seed=7, start_ns=1_763_000_000_000_000_000)
    >>> hour = past.candles("BTC/USDT", 60, past.start_ns, count=1)[0]
    >>> minutes = past.candles("BTC/USDT", 1, hour.begin + hour.interval, count=60)
    >>> hour.volume == sum(m.volume for m in minutes), hour.high == max(m.high for m in minutes)
    (True, True)
    """

    def __init__(self, seed: int, start_ns: int, fundamentals: Fundamentals | None = None) -> None:
        self.start_ns = start_ns
        self.start = start_ns // MINUTE  # the first minute that is not past
        self.first = (self.start // DAY_MINUTES - DAYS) * DAY_MINUTES
        self.seed = seed
        self.fundamentals = fundamentals or Fundamentals(seed, self.start)
        self._minutes: dict[str, dict[int, Columns]] = {}
        self._hours: dict[str, dict[int, Columns]] = {}

    def candles(self, symbol: str, interval: int, until_ns: int, count: int = 720) -> list[Candle]:
        """The last `count` bars of `interval` minutes that had closed at `until_ns` and at the start, oldest first.

        Fewer where the past ends. Raises KeyError for a symbol that is not listed, ValueError for another interval.
        """
        until = min(until_ns // MINUTE, self.start)
        inst = LISTINGS[symbol].inst.key
        return [bar.candle(inst, interval) for bar in self.rows(symbol, interval, until - until % interval, count)]

    def rows(self, symbol: str, interval: int, until: int, count: int = 720) -> list[Bar]:
        """The last `count` bars before minute `until`, oldest first; the last is cut there if it is not over."""
        if interval not in INTERVALS:
            raise ValueError(f"interval {interval} min is not one of {', '.join(map(str, INTERVALS))}")
        listing = LISTINGS[symbol]
        whole = -(-self.first // interval) * interval  # a bucket whose beginning we do not have is not offered
        last = -(-until // interval) * interval
        first = max(whole, last - count * interval)
        if first >= until or count < 1:
            return []
        if interval < 60:
            begins, parts = np.arange(first, until), self._span(listing, first, until)
        else:
            hour = until - until % 60
            parts = _joined([*self._full_hours(listing, first // 60, hour // 60), self._span(listing, hour, until)])
            begins = np.concatenate([np.arange(first, hour, 60), np.arange(hour, until)])
        bars = _summed(parts, np.flatnonzero(np.diff(begins // interval, prepend=-1)))
        columns = (*bars.ints.tolist(), bars.turnover.tolist())
        return [Bar(first + k * interval, *row) for k, row in enumerate(zip(*columns, strict=True))]

    def fundamental(self, asset: str) -> float:
        """USD price of an asset where the past ends: what the present starts from."""
        if asset == "USD":
            return 1.0
        levels = self.fundamentals.day(self.start // DAY_MINUTES).levels
        return float(np.exp(levels[ASSETS.index(asset), self.start % DAY_MINUTES]))

    # --- inside

    def _span(self, listing: Listing, first: int, last: int) -> Columns:
        """Minutes `first` up to, not including, `last`."""
        days = range(first // DAY_MINUTES, -(-last // DAY_MINUTES))
        if not days:
            return Columns(np.empty((6, 0), np.int64), np.empty(0))
        parts = _joined([self._day(listing, day) for day in days])
        return parts.of(first - days[0] * DAY_MINUTES, last - days[0] * DAY_MINUTES)

    def _day(self, listing: Listing, day: int) -> Columns:
        kept = self._minutes.setdefault(listing.symbol, {})
        found = kept.get(day)
        if found is None:
            found = kept[day] = minutes_of(listing, self.fundamentals, day)
            if len(kept) > KEPT_DAYS:
                del kept[next(iter(kept))]
        return found

    def _full_hours(self, listing: Listing, first: int, last: int) -> list[Columns]:
        kept = self._hours.setdefault(listing.symbol, {})
        parts = []
        for day in range(first // 24, -(-last // 24)):
            found = kept.get(day)
            if found is None:
                minutes = self._minutes.get(listing.symbol, {}).get(day)
                minutes = minutes or minutes_of(listing, self.fundamentals, day)
                found = kept[day] = _summed(minutes, np.arange(0, DAY_MINUTES, 60))
            parts.append(found.of(max(0, first - day * 24), min(24, last - day * 24)))
        return parts


def minutes_of(listing: Listing, fundamentals: Fundamentals, day: int) -> Columns:
    """The 1440 one-minute bars of one UTC day (number since 1970): a function of seed, symbol and day."""
    inst = listing.inst
    path = fundamentals.day(day)
    dice = stream(fundamentals.seed, "candles", listing.symbol, day + SHIFT)
    level = log_level(path.levels, inst.base) - log_level(path.levels, inst.quote)
    variance = (path.sigma * relative_sigma(inst.base, inst.quote)) ** 2
    begin, end = level[:-1], level[1:]
    # The extremes of a bridge: P(max > m) = exp(−2 (m−begin)(m−end) / variance), solved for m.
    up, down = -2.0 * np.log(1.0 - dice.random((2, DAY_MINUTES))) * variance
    reach = (end - begin) ** 2
    unit = 10.0**inst.px_decimals
    price = np.exp(begin) * unit
    half = np.maximum(listing.half_bps * 1e-4 * price, 0.5)
    sides = dice.integers(0, 2, (2, DAY_MINUTES)) * 2 - 1
    opened = np.rint(price + half * sides[0])
    closed = np.rint(np.exp(end) * unit + half * sides[1])
    high = np.rint(np.exp((begin + end + np.sqrt(reach + up)) / 2) * unit + 0.8 * half)
    low = np.rint(np.exp((begin + end - np.sqrt(reach + down)) / 2) * unit - 0.8 * half)
    high, low = np.maximum(high, np.maximum(opened, closed)), np.minimum(low, np.minimum(opened, closed))
    low = np.maximum(low, 1.0)
    size = np.exp(0.5 * dice.standard_normal(DAY_MINUTES))
    count = np.maximum(dice.poisson(listing.minute_trades * path.pace), 1)
    volume = np.rint(listing.minute_volume * path.pace * size * 10.0**inst.qty_decimals)
    volume = np.maximum(volume, count * inst.qty_min)
    ints = np.array([opened, high, low, closed, volume, count]).astype(np.int64)
    return Columns(ints, (opened + high + low + closed) / 4 * volume)


def log_level(levels: Floats, asset: str) -> Floats:
    """The row of an asset in (4, n) log USD prices; zeros for USD itself."""
    return np.zeros(levels.shape[1]) if asset == "USD" else levels[ASSETS.index(asset)]


def relative_sigma(base: str, quote: str) -> float:
    """Volatility of base against quote in units of BTC's against USD.

    >>> round(relative_sigma("ETH", "USD"), 2), round(relative_sigma("ETH", "BTC"), 2)
    (1.25, 0.75)
    """
    ratio, load = RATIO[ASSETS.index(base)], LOAD[ASSETS.index(base)]
    return float(np.sqrt(ratio**2 + 1.0 - 2.0 * load * ratio) if quote == "BTC" else ratio)


def _joined(parts: list[Columns]) -> Columns:
    if len(parts) == 1:
        return parts[0]
    return Columns(np.concatenate([p.ints for p in parts], axis=1), np.concatenate([p.turnover for p in parts]))


def _summed(parts: Columns, at: NDArray[np.intp] | NDArray[np.int64]) -> Columns:
    """Bars of the rows from each position in `at` up to the next."""
    ints = np.empty((6, len(at)), np.int64)
    ints[0] = parts.ints[0, at]
    ints[1] = np.maximum.reduceat(parts.ints[1], at)
    ints[2] = np.minimum.reduceat(parts.ints[2], at)
    ints[3] = parts.ints[3, np.append(at[1:], parts.ints.shape[1]) - 1]
    ints[4:] = np.add.reduceat(parts.ints[4:], at, axis=1)
    return Columns(ints, np.add.reduceat(parts.turnover, at))
