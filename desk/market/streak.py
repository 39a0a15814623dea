"""Prints in their usual order, summed by a kernel; the tape and the bars hear of them when somebody looks.

A streak begins after a print that was taken in one by one and goes on while each is the next in number, not older than
the last, of the running minute or the next, and of the tape's session. Whatever reads tape or bars asks for what waits
first (`told`), whatever changes them ends it (`end`), so nobody can tell it from prints taken in one by one: the sums
are the same. Prints of the next minute are summed apart: they end the running bar when desk.market.gaps says so.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from desk.kernels import streak as at
from desk.kernels.streak import streak_entries
from desk.messages import Trade

UNTIL, LIMIT, LAST_ID, NEWEST, COUNT, HIGH, LOW, CLOSE, OPEN, ROWS_AT, NEXT = (
    word >> 3
    for word in (
        at.UNTIL, at.LIMIT, at.LAST_ID, at.NEWEST, at.COUNT, at.HIGH, at.LOW, at.CLOSE, at.OPEN, at.ROWS_AT, at.NEXT
    )
)  # fmt: skip
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
    open: int = 0  # where they begin a bar

    def and_then(self, more: Prints) -> Prints:
        """These, and more of the same minute behind them."""
        return Prints(
            more.last_id,
            more.newest,
            self.number + more.number,
            self.delta + more.delta,
            self.volume + more.volume,
            self.value + more.value,
            max(self.high, more.high),
            min(self.low, more.low),
            more.close,
            self.open,
        )


class Streak:
    """The prints since somebody looked; each is also noted in the rows at address `rows` (desk.market.recent).

    A kernel may take prints in too, whole frames of them, at `address` (desk.kernels.trade_frame).

    >>> from desk.market.recent import Recent
    >>> from desk.messages import Side
    >>> recent = Recent(1_000)
    >>> streak = Streak(recent.address)
    >>> streak.begin(last_id=7, newest=100, until=200, limit=300, px=50)
    >>> rows = ((8, 120), (9, 119), (10, 130), (9, 200), (10, 300))
    >>> [streak.take(Trade("X/Y@v", 51, 2, Side.SELL, number, ts)) for number, ts in rows]
    [True, False, False, True, False]
    >>> running, following = streak.end()
    >>> running.last_id, running.delta, running.value, (running.low, running.high), following.open, following.number
    (9, -2, 102, (50, 51), 51, 1)
    >>> streak.end(), recent.volumes(150, 200)
    ((None, None), (0, 4))
    """

    __slots__ = ("_block", "_take", "_words", "address")

    def __init__(self, rows: int) -> None:
        self._take = streak_entries()[0]
        self._block = np.zeros(at.WORDS, np.int64)
        self.address = int(self._block.ctypes.data)
        self._words: memoryview[int] = self._block.data
        self._words[ROWS_AT] = rows

    def begin(self, last_id: int, newest: int, until: int, limit: int, px: int) -> None:
        """From now on: the last number, the newest time, where the minute (or the session) and the next one end, a
        price of the running bar.
        """
        words = self._words
        if min(newest, until) < 0 or max(last_id, newest, until, limit, px) >= at.SUM * 4:
            return  # a venue may claim any time and number
        words[UNTIL], words[LIMIT], words[LAST_ID], words[NEWEST] = until, limit, last_id, newest
        words[HIGH] = words[LOW] = words[CLOSE] = px

    def take(self, trade: Trade) -> bool:
        """Whether this print goes on with the streak; it is taken in then."""
        try:
            return self._take(self.address, trade.px, trade.qty, trade.side, trade.trade_id, trade.ts_exch) != 0
        except OverflowError:  # a venue may write any number
            return False

    @property
    def ahead(self) -> bool:
        """Whether prints of the next minute wait."""
        return self._words[NEXT + COUNT] > 0

    def end(self) -> tuple[Prints | None, Prints | None]:
        """It is over; what it held of the running minute and of the next, None for nothing."""
        self._words[UNTIL] = self._words[LIMIT] = 0
        return self.told()

    def told(self) -> tuple[Prints | None, Prints | None]:
        """What it held until now; it goes on."""
        words = self._words
        made: list[Prints | None] = []
        for base in (COUNT, NEXT + COUNT):
            sums = words[base : base + OPEN - COUNT + 1].tolist() if words[base] else None
            made.append(Prints(words[LAST_ID], words[NEWEST], *sums) if sums is not None else None)
            words[base : base + HIGH - COUNT] = EMPTY
        return made[0], made[1]
