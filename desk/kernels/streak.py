"""Prints as nearly all of them come, one call each: the next number, not older than the last, of one minute and day.

desk.market.streak reads these words and tells tape and bars; any other print is refused and goes to them one by one.
One block of memory in words of 8 bytes; the offsets below are bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from desk.kernels.jit import kernel
from desk.kernels.memory import entry, load64, store64

ROOM = 512  # prints until somebody has to look
SUM = 1 << 60  # lots, and ticks times lots, that may be added up here: larger ones are for Python's integers
LARGEST = float(SUM)

(
    UNTIL,  # ns, the end of the minute; 0: there is no streak
    LAST_ID,
    NEWEST,  # ns
    BUYS,  # prints
    SELLS,
    BOUGHT,  # lots
    SOLD,
    VALUE,  # Σ px·qty
    HIGH,
    LOW,
    CLOSE,
) = range(0, 11 * 8, 8)
BUY_TIMES, BUY_LOTS, SELL_TIMES, SELL_LOTS = (11 * 8 + part * ROOM * 8 for part in range(4))
WORDS = SELL_LOTS // 8 + ROOM


@kernel
def take(block: int, px: int, qty: int, side: int, number: int, ts: int) -> int:
    """1 when the print is taken in, 0 when it is not of the streak: nothing has changed then."""
    if number != load64(block + LAST_ID) + 1 or ts < load64(block + NEWEST) or ts >= load64(block + UNTIL):
        return 0
    count = BUYS if side > 0 else SELLS
    lots = BOUGHT if side > 0 else SOLD
    index, before, value = load64(block + count), load64(block + lots), load64(block + VALUE)
    if index >= ROOM or px <= 0 or qty <= 0 or qty >= SUM or before >= SUM or value >= SUM:
        return 0
    if float(px) * float(qty) >= LARGEST:
        return 0
    row = (BUY_TIMES if side > 0 else SELL_TIMES) + index * 8
    store64(block + row, ts)
    store64(block + row + ROOM * 8, qty)
    store64(block + count, index + 1)
    store64(block + lots, before + qty)
    store64(block + VALUE, value + px * qty)
    store64(block + LAST_ID, number)
    store64(block + NEWEST, ts)
    store64(block + HIGH, max(load64(block + HIGH), px))
    store64(block + LOW, min(load64(block + LOW), px))
    store64(block + CLOSE, px)
    return 1


@cache
def streak_entry() -> Callable[..., int]:
    """`take` as a bare entry point, compiled on first use."""
    return entry(take, 6)
