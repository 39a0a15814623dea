"""The memory of order-by-order books: a block for each, sized to what it holds, and one workspace for all of them."""

from __future__ import annotations

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
