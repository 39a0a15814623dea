"""What printed: the latest trades of one instrument, and its bars of every length, the running one included.

A trade belongs to floor(ts / 60 s). A minute without a trade is flat at the close before it, with volume 0, as in
Kraken's REST candles; in a longer bar such a minute changes nothing, so that every length says what its trades say.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice

import msgspec

from desk.messages import Candle
from desk.sim.fundamental import MINUTE
from desk.sim.matching import Printed

INTERVALS = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)  # minutes, as Kraken offers
KEPT = 5_000  # trades


class Bar(msgspec.Struct, gc=False):
    """One bar in ticks and lots; `begin` in minutes since 1970, `turnover` the sum of price · quantity.

    Turnover is exact (int) for bars of trades, rounded (float) where the invented past is in it.
    """

    begin: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    count: int
    turnover: float

    @property
    def vwap(self) -> int:
        """Volume-weighted average price in ticks, cut, not rounded; 0 without trades."""
        if not self.volume:
            return 0
        turnover = self.turnover
        return turnover // self.volume if isinstance(turnover, int) else int(turnover / self.volume)

    def copy(self) -> Bar:
        return Bar(self.begin, self.open, self.high, self.low, self.close, self.volume, self.count, self.turnover)

    def take(self, later: Bar) -> None:
        """Become the bar of both; `later` begins after this one, and is flat at this one's close if without trades."""
        if not self.count:
            self.open = self.high = self.low = later.open
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.count += later.count
        self.turnover += later.turnover

    def candle(self, inst: str, interval: int) -> Candle:
        """As a venue reports it; `interval` in minutes."""
        return Candle(
            inst,
            self.begin * MINUTE,
            interval * MINUTE,
            self.open,
            self.high,
            self.low,
            self.close,
            self.volume,
            self.count,
        )


def fold(rows: list[Bar], minutes: Iterable[Bar], interval: int) -> None:
    """Add minutes, oldest first, to the bars of `interval` minutes in `rows`. Buckets count from 1970, UTC."""
    for bar in minutes:
        begin = bar.begin - bar.begin % interval
        if rows and rows[-1].begin == begin:
            rows[-1].take(bar)
        else:
            first = bar.copy()
            first.begin = begin
            rows.append(first)


class Tape:
    """The trades of one instrument since minute `born`; `last` is the price before its first trade."""

    __slots__ = ("_closed", "_last", "born", "minutes", "prints")

    def __init__(self, born: int, last: int) -> None:
        self.born, self._last = born, last
        self.prints: deque[Printed] = deque(maxlen=KEPT)
        self.minutes: list[Bar] = []  # from `born` on, none missing; the last is running
        self._closed: dict[int, tuple[int, list[Bar]]] = {}  # by interval: minutes folded, and into what

    def add(self, trade: Printed) -> None:
        """A print; never older than the one before it."""
        self.prints.append(trade)
        self.roll(trade.ts // MINUTE)
        px, qty = trade.px, trade.qty
        bar = self.minutes[-1]
        if bar.count:
            bar.high = max(bar.high, px)
            bar.low = min(bar.low, px)
        else:
            bar.open = bar.high = bar.low = px
        bar.close = self._last = px
        bar.volume += qty
        bar.count += 1
        bar.turnover += px * qty

    def roll(self, minute: int) -> None:
        """Let time pass up to `minute`: minutes without a trade become flat bars."""
        for begin in range(self.next, minute + 1):
            last = self._last
            self.minutes.append(Bar(begin, last, last, last, last, 0, 0, 0))

    def leap(self, bars: Iterable[Bar]) -> None:
        """Take whole minutes that nobody traded through here as they are; the first one is `next`."""
        for bar in bars:
            if bar.begin != self.next:
                raise ValueError(f"bar of minute {bar.begin} does not continue at {self.next}")
            self.minutes.append(bar)
            self._last = bar.close

    @property
    def next(self) -> int:
        """The first minute of which there is no bar yet."""
        return self.born + len(self.minutes)

    def rows(self, interval: int) -> list[Bar]:
        """All bars of `interval` minutes since `born`, oldest first; the last is running. Read only."""
        if interval == 1:
            return self.minutes
        folded, closed = self._closed.get(interval, (0, []))
        ready = len(self.minutes) - 1
        if ready > folded:
            fold(closed, islice(self.minutes, folded, ready), interval)
            self._closed[interval] = (ready, closed)
        if not self.minutes:
            return []
        running = [closed[-1].copy()] if closed else []
        fold(running, self.minutes[-1:], interval)
        return [*closed[:-1], *running]

    def recent(self, since_id: int = 0, since_ns: int = 0, count: int | None = None) -> list[Printed]:
        """Trades with an id above `since_id` and a time above `since_ns`, oldest first; the latest `count` of them."""
        found: list[Printed] = []
        for trade in reversed(self.prints):
            if trade.trade_id <= since_id or trade.ts <= since_ns or (count is not None and len(found) >= count):
                break
            found.append(trade)
        found.reverse()
        return found
