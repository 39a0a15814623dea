"""Lots bought and sold over the last minute: prints are noted in machine words and sorted out when somebody looks."""

from __future__ import annotations

import numpy as np

from desk.kernels import streak as at
from desk.kernels.streak import streak_entries
from desk.market.rolling import RollingSum


class Recent:
    """Two rolling sums, of aggressors that bought and that sold, in lots over any window up to `span` ns.

    `address` is where a kernel may note prints too (desk.kernels.streak); the rows are taken in as if each had been
    added when it came.

    >>> recent = Recent(span=10)
    >>> for ts, lots in ((1, 5), (4, -2), (3, 7)):
    ...     recent.add(ts, lots)
    >>> recent.volumes(10, now=9), recent.volumes(6, now=9)
    ((12, 2), (0, 2))
    """

    __slots__ = ("_block", "_bought", "_note", "_sold", "_words", "address")

    def __init__(self, span: int) -> None:
        self._bought, self._sold = RollingSum(span), RollingSum(span)
        self._note = streak_entries()[1]
        self._block = np.zeros(at.ROW_WORDS, np.int64)
        self._words: memoryview[int] = self._block.data
        self.address = int(self._block.ctypes.data)

    def add(self, ts: int, lots: int) -> None:
        """Note a print: lots bought, negative where sold, not 0; one that comes late is put in its place at once."""
        noted = self._words[at.NOTED]
        newest = self._words[(at.TIMES >> 3) + noted - 1] if noted else max(self._bought.latest, self._sold.latest)
        if newest <= ts < at.SUM * 4 and abs(lots) < at.SUM and self._note(self.address, ts, lots):
            return
        self.settle()
        if lots > 0:
            self._bought.add(ts, lots)
        else:
            self._sold.add(ts, -lots)

    def settle(self) -> None:
        """Sort out what was noted."""
        noted = self._words[at.NOTED]
        if not noted:
            return
        self._words[at.NOTED] = 0
        times, lots = (self._block[rows >> 3 :][:noted] for rows in (at.TIMES, at.LOTS))
        bought = lots > 0
        self._bought.extend(times[bought].tolist(), lots[bought].tolist())
        self._sold.extend(times[~bought].tolist(), (-lots[~bought]).tolist())

    def volumes(self, window: int, now: int) -> tuple[int, int] | None:
        """(bought, sold) over (now − window, now]; None when values of that window were let go."""
        self.settle()
        bought, sold = self._bought.sum(window, now), self._sold.sum(window, now)
        return None if bought is None or sold is None else (bought, sold)
