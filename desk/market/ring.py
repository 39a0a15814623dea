"""Values in the order they came, with their running total, in memory that a kernel writes: read by bisection.

The kernel (desk.kernels.touch) appends and lets go of what no window needs; here is what happens rarely: more room, and
the limit. Reading changes nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from desk.kernels import touch as at
from desk.kernels.touch import touch_entries
from desk.market.rolling import KEEP

FEW = 128  # rows there is room for at first
WORDS = at.ROW // 8
ROWS, MASK, ROOM, SPAN, STANDING, FIRST, END = (
    offset // 8 for offset in (at.ROWS, at.MASK, at.ROOM, at.SPAN, at.STANDING, at.FIRST, at.END)
)
LOW = (1 << 64) - 1


class Row(NamedTuple):
    """A value at `ts` ns; `total` is of all values before it: their sum, or Σ value·ns where they stand."""

    ts: int
    value: int
    total: int


class Ring:
    """Values of the last `span` ns; where they stand, each until the next, the one that stood when the span began too.

    Memory: at most `keep` rows of 32 bytes, made as they are needed. Where more than that come within one span the
    older half is let go, and `horizon` is the ns from which on windows may begin; None while any may. Totals are exact
    at any size of the values. desk.market.touches fills two of them.
    """

    __slots__ = ("_array", "_find", "_header", "_keep", "_rows", "_standing", "_widest", "address", "horizon")

    def __init__(self, span: int, *, standing: bool, keep: int = KEEP) -> None:
        if span <= 0 or keep < 4:
            raise ValueError(f"a window needs a positive span and room for 4 values, got span {span}, keep {keep}")
        _, self._find, self._widest = touch_entries()
        self._keep, self._standing = keep, standing
        header = np.zeros(at.RING_WORDS, np.int64)
        self.address = int(header.ctypes.data)
        self._header: memoryview[int] = header.data
        self._header[SPAN], self._header[STANDING] = span, standing
        self._make(min(FEW, keep))
        self.clear()

    def _make(self, room: int) -> None:
        """New rows, as many as a power of two needs for `room`."""
        places = 1 << (room - 1).bit_length()
        self._array = np.zeros((places, WORDS), np.int64)
        self._rows: memoryview[int] = self._array.reshape(-1).data
        header = self._header
        header[ROWS], header[MASK], header[ROOM] = int(self._array.ctypes.data), places - 1, room

    def clear(self) -> None:
        """Forget every value."""
        self._header[FIRST] = self._header[END] = 0
        self.horizon: int | None = None

    def __len__(self) -> int:
        return self._header[END] - self._header[FIRST]

    @property
    def span(self) -> int:
        """ns."""
        return self._header[SPAN]

    @property
    def newest(self) -> Row:
        """The newest row, of which there is one."""
        return self.row(self._header[END] - 1)

    def row(self, i: int) -> Row:
        """Row i, counted as `find` does."""
        place = (i & self._header[MASK]) * WORDS
        ts, value, low, high = self._rows[place : place + WORDS].tolist()
        return Row(ts, value, (high << 64) + (low & LOW))

    def before(self, ts: int) -> Row | None:
        """The newest row that is not later than `ts`; None where all are."""
        i = self._find(self.address, ts) - 1
        return self.row(i) if i >= self._header[FIRST] else None

    @property
    def first(self) -> Row:
        """The oldest row kept, of which there is one."""
        return self.row(self._header[FIRST])

    def widest(self, ts: int) -> int:
        """The largest value that was there at `ts` or came later, of a ring that has one."""
        i = self._find(self.address, ts) - 1
        return self._widest(self.address, max(i, self._header[FIRST]))

    def make_room(self) -> None:
        """Room for as many rows as there are, and for one at least where the limit does not allow more."""
        header = self._header
        if 2 * len(self) <= header[ROOM]:
            return
        cut = self._find(self.address, self.newest.ts - header[SPAN]) - self._standing
        header[FIRST] = max(header[FIRST], cut)
        held = len(self)
        if held >= self._keep:
            header[FIRST] = header[END] - self._keep // 2
            self.horizon = self.row(header[FIRST] - (not self._standing)).ts
        elif header[ROOM] < self._keep and 2 * held > header[ROOM]:
            self._grow(min(2 * header[ROOM], self._keep))

    def _grow(self, room: int) -> None:
        old, mask = self._array, self._header[MASK]
        self._make(room)
        numbers = np.arange(self._header[FIRST], self._header[END])
        self._array[numbers & self._header[MASK]] = old[numbers & mask]
