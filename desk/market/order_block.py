"""The memory of order-by-order books: a block for each, sized to what it holds, and one workspace for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from desk.kernels import l3_words as at
from desk.kernels.crc import TABLES
from desk.kernels.l3_read import SHELF
from desk.kernels.l3_words import ROW

EVENTS = 512  # of one frame; a frame with more goes through the codec
FRAME = 192 * EVENTS  # bytes
ROWS_AT, SHELF_AT = FRAME + at.PAD, FRAME + at.PAD + EVENTS * ROW  # of the workspace


@cache
def workspace() -> NDArray[np.int64]:
    """Where every book's frame is copied and scanned, 122 KB: frames are handled one at a time, by the one writer."""
    return np.zeros((SHELF_AT + SHELF * 24) // 8, np.int64)


def words(capacity: int, width: int) -> int:
    """The size of a block for `capacity` orders whose rows of levels have `width` places."""
    return sum(_sizes(capacity, width)) // 8


def _sizes(capacity: int, width: int) -> tuple[int, ...]:
    """Bytes of the header, the orders, the levels, the slots, and both rows of levels."""
    levels = 2 * (width - 2) * at.LEVEL_SIZE
    return ROW + at.HEADER + at.SYMBOL_ROOM, capacity * at.ORDER, levels, _slots(capacity) * 8, width * 16, width * 16


def _slots(capacity: int) -> int:
    """A power of two of which `capacity` is at most two thirds."""
    return 1 << (capacity * 3 // 2 - 1).bit_length()


def lay_out(block: memoryview[int], address: int, work: int, capacity: int, width: int) -> None:
    """Write where everything stands into a new block at `address`, its workspace at `work`; it is not emptied yet."""
    places = [address]
    for size in _sizes(capacity, width):
        places.append(places[-1] + size)
    header = address + ROW
    told = {
        at.CAPACITY: capacity,
        at.TABLES: int(TABLES.ctypes.data),
        at.SYMBOL: header + at.HEADER,
        at.BUFFER: work,
        at.BUFFER_SIZE: FRAME,
        at.ROWS: work + ROWS_AT,
        at.ROWS_MOST: EVENTS,
        at.FIRST_ORDER: places[1],
        at.FIRST_LEVEL: places[2],
        at.TABLE: places[3],
        at.MASK: _slots(capacity) - 1,
        at.WIDTH: width,
        at.SORTED: places[4],
        at.SORTED + 8: places[5],
    }
    for offset, value in told.items():
        block[(ROW + offset) >> 3] = value


class OrderBlock:
    """One book's block, read and written from Python: what `desk.kernels.l3` works on, word by word.

    Both sides hold a row of levels sorted by price, each level the queue of its orders; a side is named by the offset
    of its words, 0 for bids and 8 for asks. What may stand in a block, and moving it, is `desk.market.raw_l3`'s.
    """

    __slots__ = ("_block", "_header", "_words", "_work", "_work_at")

    def __init__(self) -> None:
        self._work = workspace()
        self._work_at = int(self._work.ctypes.data)

    def _claim(self, capacity: int, width: int) -> None:
        """A new block for `capacity` orders in rows of `width` levels; the kernel has to empty it."""
        self._block = self._allocate(words(capacity, width))
        self._words = self._block.data
        self._header = int(self._block.ctypes.data) + ROW
        lay_out(self._words, self._header - ROW, self._work_at, capacity, width)

    def _allocate(self, count: int) -> NDArray[np.int64]:
        """Memory for a block of `count` words."""
        return np.zeros(count, np.int64)

    def _put(self, offset: int, *values: int) -> None:
        for word, value in enumerate(values, (ROW + offset) >> 3):
            self._words[word] = value

    def _get(self, offset: int) -> int:
        return self._words[(ROW + offset) >> 3]

    def _word(self, address: int) -> int:
        """The word at an address inside the block."""
        return self._words[(address - self._header + ROW) >> 3]

    def _levels(self, side: int, count: int | None = None) -> Iterable[int]:
        """Addresses of the best levels, best first."""
        row = self._get(at.SORTED + side)
        worst, best = self._get(at.WORST + side), self._get(at.BEST + side)
        if count is not None:
            worst = max(worst, best - count)
        return [self._word(row + i * 16 + 8) for i in range(best - 1, worst - 1, -1)]

    def _queue(self, level: int) -> list[tuple[int, int, int]]:
        """The orders of a level, first in line first: (id, id, quantity)."""
        found = []
        order = self._word(level + at.HEAD)
        while order:
            found.append((self._word(order + at.A) & ~128, self._word(order + at.B), self._word(order + at.QTY)))
            order = self._word(order + at.NEXT)
        return found

    def _orders(self, side: int) -> Iterable[tuple[int, int, int, int, int]]:
        """Every order of a side as the row that adds it, best level first, queue order inside."""
        for level in self._levels(side):
            px = abs(self._word(level + at.KEY))
            for a, b, qty in self._queue(level):
                yield at.ADD, a, b, px, qty

    def _held(self, side: int) -> int:
        """Levels of a side."""
        return self._get(at.BEST + side) - self._get(at.WORST + side)

    def _free(self, offset: int) -> int:
        """Places on a free list."""
        count, record = 0, self._get(offset)
        while record:
            count, record = count + 1, self._word(record + at.NEXT)
        return count

    def _check_block(self) -> None:
        """Raise AssertionError unless sides are sorted, sums right, queues linked, each order found, no place lost."""
        orders = levels = 0
        for side in (0, 8):
            rows = list(self._levels(side))
            keys = [self._word(level + at.KEY) for level in rows]
            assert keys == sorted(set(keys)), "levels out of order"
            assert len(keys) <= self._get(at.DEPTH), "deeper than subscribed"
            for level in rows:
                queue = self._queue(level)
                assert queue, "a level without orders"
                assert self._word(level + at.TOTAL) == sum(qty for _, _, qty in queue), "a wrong level total"
                assert self._word(level + at.COUNT) == len(queue), "a wrong order count"
                orders += len(queue)
            levels += len(rows)
        assert orders == self._get(at.ORDERS) + self._get(at.ORDERS + 8), "orders outside of their levels"
        slots = self._get(at.TABLE)
        taken = [self._word(slots + 8 * i) for i in range(self._get(at.MASK) + 1)]
        assert len({order for order in taken if order}) == orders, "orders and their table differ"
        assert orders + self._free(at.FREE_ORDER) == self._get(at.CAPACITY), "an order's place was lost"
        assert levels + self._free(at.FREE_LEVEL) == 2 * (self._get(at.WIDTH) - 2), "a level's place was lost"
