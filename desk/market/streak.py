"""Prints in their usual order, summed by a kernel; the tape and the bars hear of them when somebody looks.

A streak begins after a print that was taken in one by one and goes on while each is the next in number, not older than
the last, of the running minute and the tape's session. Whatever reads tape or bars asks for what waits first (`told`),
whatever changes them ends it (`end`), so nobody can tell it from prints taken in one by one: the sums are the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from desk.kernels import streak as at
from desk.kernels.streak import streak_entries
from desk.messages import Trade

UNTIL, LAST_ID, NEWEST, COUNT, HIGH, LOW, CLOSE, ROWS_AT = (
    word >> 3 for word in (at.UNTIL, at.LAST_ID, at.NEWEST, at.COUNT, at.HIGH, at.LOW, at.CLOSE, at.ROWS_AT)
)
EMPTY = np.zeros(4, np.int64).data  # COUNT, DELTA, VOLUME, VALUE


class Prints(NamedTuple):
    """What a streak adds up to: prices in ticks, `delta` and `volume` in lots, `value` Σ px·qty, the newest in ns."""

    last_id: int
    newest: int
    number: int
    delta: int
    volume: int
    value: int
    high: int
    low: int
    close: int


class Streak:
    """The prints since somebody looked; each is also noted in the rows at address `rows` (desk.market.recent).

    A kernel may take prints in too, whole frames of them, at `address` (desk.kernels.trade_frame).

    >>> from desk.market.recent import Recent
    >>> from desk.messages import Side
    >>> recent = Recent(1_000)
    >>> streak = Streak(recent.address)
    >>> streak.begin(last_id=7, newest=100, until=200, px=50)
    >>> [streak.take(Trade("X/Y@v", 51, 2, Side.SELL, number, ts)) for number, ts in ((8, 120), (9, 119), (10, 130))]
    [True, False, False]
    >>> prints = streak.end()
    >>> prints.last_id, prints.delta, prints.value, (prints.low, prints.high), streak.end(), recent.volumes(50, 130)
    (8, -2, 102, (50, 51), None, (0, 2))
    """

    __slots__ = ("_block", "_take", "_words", "address")

    def __init__(self, rows: int) -> None:
        self._take = streak_entries()[0]
        self._block = np.zeros(at.WORDS, np.int64)
        self.address = int(self._block.ctypes.data)
        self._words: memoryview[int] = self._block.data
        self._words[ROWS_AT] = rows

    def begin(self, last_id: int, newest: int, until: int, px: int) -> None:
        """From now on: the last number, the newest time, where minute or session end, a price of the running bar."""
        words = self._words
        if min(newest, until) < 0 or max(last_id, newest, until, px) >= at.SUM * 4:
            return  # a venue may claim any time and number
        words[UNTIL], words[LAST_ID], words[NEWEST] = until, last_id, newest
        words[HIGH] = words[LOW] = words[CLOSE] = px

    def take(self, trade: Trade) -> bool:
        """Whether this print goes on with the streak; it is taken in then."""
        try:
            return self._take(self.address, trade.px, trade.qty, trade.side, trade.trade_id, trade.ts_exch) != 0
        except OverflowError:  # a venue may write any number
            return False

    def end(self) -> Prints | None:
        """It is over; what it held, None for nothing."""
        self._words[UNTIL] = 0
        return self.told()

    def told(self) -> Prints | None:
        """What it held until now, None for nothing; it goes on."""
        words = self._words
        if not words[COUNT]:
            return None
        prints = Prints(*words[LAST_ID : CLOSE + 1].tolist())
        words[COUNT:HIGH] = EMPTY
        return prints
