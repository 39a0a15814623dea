"""The touch of the believed book through time: one kernel call takes a change in, and flow and spread are read of it.

`address` is where a kernel that moves the book may do the same by itself (desk.kernels.calm).
"""

from __future__ import annotations

import numpy as np

from desk.kernels import touch as at
from desk.kernels.touch import touch_entries
from desk.market.flow import WINDOWS, TouchFlow
from desk.market.ring import Ring
from desk.market.rolling import KEEP
from desk.market.spread import WINDOW, SpreadClock

KNOWN = at.KNOWN // 8


class Touches:
    """Order flow over `span` ns and spread over `window` ns; of each at most `keep` changes are kept.

    Prices in ticks, sizes in lots, int64 as the books hold them.

    >>> touches = Touches()
    >>> for ts, touch in enumerate(((100, 5, 101, 7), (100, 8, 101, 7), (101, 2, 103, 4))):
    ...     touches.apply(ts, *touch)
    >>> touches.flow.sum(10, now=2), touches.spread.max(now=2)
    (12, 2)
    """

    __slots__ = ("_block", "_touch", "_words", "address", "flow", "spread")

    def __init__(self, span: int = WINDOWS[-1], window: int = WINDOW, keep: int = KEEP) -> None:
        self._touch = touch_entries()[0]
        self._block = np.zeros(at.BLOCK_WORDS, np.int64)
        self._words: memoryview[int] = self._block.data
        self.address = int(self._block.ctypes.data)
        flows, spreads = Ring(span, standing=False, keep=keep), Ring(window, standing=True, keep=keep)
        self._words[at.FLOWS // 8], self._words[at.SPREADS // 8] = flows.address, spreads.address
        self.flow, self.spread = TouchFlow(self._words, flows), SpreadClock(spreads)

    def apply(self, ts: int, bid: int, bid_qty: int, ask: int, ask_qty: int) -> None:
        """The touch after an event; a time before the newest counts as the newest."""
        if not self._words[KNOWN]:
            self.flow.begin(ts)
        if self._touch(self.address, ts, bid, bid_qty, ask, ask_qty):
            self.make_room()

    def make_room(self) -> None:
        """A kernel said that there is none left, or it is time to see to it before that."""
        self.flow.ring.make_room()
        self.spread.ring.make_room()

    def restart(self) -> None:
        """The book was lost: no flow is known across the hole, and sums begin again. The z-score's past stays."""
        self._words[KNOWN] = 0
        self.flow.ring.clear()
        self.spread.ring.clear()
