"""Prints in their usual order, summed by a kernel; the tape and the bars hear of them when somebody looks.

A streak begins after a print that was taken in one by one and goes on while each is the next in number, not older than
the last, of the running minute and the tape's session. Whatever reads or changes tape or bars ends it first
(`settle`), so nobody can tell it from prints taken in one by one: the sums are the same integers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from desk.kernels import streak as at
from desk.kernels.streak import streak_entry
from desk.messages import Trade

UNTIL, LAST_ID, NEWEST, BUYS, SELLS, VALUE, HIGH, LOW, CLOSE = (
    word >> 3 for word in (at.UNTIL, at.LAST_ID, at.NEWEST, at.BUYS, at.SELLS, at.VALUE, at.HIGH, at.LOW, at.CLOSE)
)
EMPTY = np.zeros(5, np.int64).data  # BUYS to VALUE


class Prints(NamedTuple):
    """What a streak adds up to: prices in ticks, `value` Σ px·qty, times and lots of either side's prints."""

    last_id: int
    newest: int
    value: int
    high: int
    low: int
    close: int
    bought_at: list[int]
    bought: list[int]
    sold_at: list[int]
    sold: list[int]

    @property
    def number(self) -> int:
        """How many prints."""
        return len(self.bought) + len(self.sold)

    @property
    def volume(self) -> int:
        return sum(self.bought) + sum(self.sold)

    @property
    def delta(self) -> int:
        return sum(self.bought) - sum(self.sold)


class Streak:
    """The prints since somebody looked.

    >>> from desk.messages import Side
    >>> streak = Streak()
    >>> streak.begin(last_id=7, newest=100, until=200, px=50)
    >>> [streak.take(Trade("X/Y@v", 51, 2, Side.SELL, number, ts)) for number, ts in ((8, 120), (9, 119), (10, 130))]
    [True, False, False]
    >>> prints = streak.end()
    >>> prints.last_id, prints.delta, prints.value, (prints.low, prints.high), streak.end()
    (8, -2, 102, (50, 51), None)
    """

    __slots__ = ("_at", "_block", "_take", "_words")

    def __init__(self) -> None:
        self._take = streak_entry()
        self._block = np.zeros(at.WORDS, np.int64)
        self._at = int(self._block.ctypes.data)
        self._words: memoryview[int] = self._block.data

    def begin(self, last_id: int, newest: int, until: int, px: int) -> None:
        """From this print on: its number, the newest time known, where minute and session end, its price."""
        words = self._words
        if max(last_id, newest, until, px) >= at.SUM * 4:
            return
        words[UNTIL], words[LAST_ID], words[NEWEST] = until, last_id, newest
        words[HIGH] = words[LOW] = words[CLOSE] = px

    def take(self, trade: Trade) -> bool:
        """Whether this print goes on with the streak; it is taken in then."""
        try:
            return self._take(self._at, trade.px, trade.qty, trade.side, trade.trade_id, trade.ts_exch) != 0
        except OverflowError:  # a venue may write any number
            return False

    def end(self) -> Prints | None:
        """It is over; what it held, None for nothing."""
        words = self._words
        words[UNTIL] = 0
        buys, sells = words[BUYS], words[SELLS]
        if not buys and not sells:
            return None
        last_id, newest, _, _, _, _, value, high, low, close = words[LAST_ID : CLOSE + 1].tolist()
        bought, sold = _rows(words, at.BUY_TIMES, buys), _rows(words, at.SELL_TIMES, sells)
        words[BUYS:HIGH] = EMPTY
        return Prints(last_id, newest, value, high, low, close, *bought, *sold)


def _rows(words: memoryview[int], times: int, count: int) -> tuple[list[int], list[int]]:
    first = times >> 3
    return words[first : first + count].tolist(), words[first + at.ROOM : first + at.ROOM + count].tolist()
