"""Prints as nearly all come, one call each: the next number, not older than the last, of this minute or the next.

desk.market.streak reads these words and tells tape and bars; any other print is refused and goes to them one by one.
Two blocks of memory in words of 8 bytes, the sums of a streak and the rows of desk.market.recent; the offsets below are
bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from desk.kernels.jit import kernel
from desk.kernels.memory import entry, load64, store64

SUM = 1 << 60  # lots, and ticks times lots, that may be added up here: larger ones are for Python's integers
LARGEST = float(SUM)

(
    UNTIL,  # ns, the end of the minute; 0: there is no streak
    LIMIT,  # ns, before which a print may be of the next minute instead
    LAST_ID,
    NEWEST,  # ns
    COUNT,
    DELTA,  # lots bought minus lots sold
    VOLUME,
    VALUE,  # Σ px·qty
    HIGH,
    LOW,
    CLOSE,
    OPEN,  # of the next minute alone
    ROWS_AT,  # the address of the rows
) = range(0, 13 * 8, 8)
NEXT = 9 * 8  # bytes from COUNT … OPEN to the same words of the next minute
WORDS = 13 + 8

ROOM = 128  # rows: prints between two beats, four a second; more are sorted out early
NOTED = 0  # how many there are
TIMES = 8  # ns
LOTS = TIMES + ROOM * 8  # bought; sold where negative
ROW_WORDS = 1 + 2 * ROOM


@kernel
def note(rows: int, ts: int, lots: int) -> int:
    """1 when the row is written, 0 when there is no room."""
    count = load64(rows + NOTED)
    if count >= ROOM:
        return 0
    store64(rows + TIMES + count * 8, ts)
    store64(rows + LOTS + count * 8, lots)
    store64(rows + NOTED, count + 1)
    return 1


@kernel
def take(block: int, px: int, qty: int, side: int, number: int, ts: int) -> int:
    """1 when the print is taken in, 0 when it is not of the streak: nothing has changed then."""
    if number != load64(block + LAST_ID) + 1 or ts < load64(block + NEWEST):
        return 0
    at = block
    if ts >= load64(block + UNTIL):
        if ts >= load64(block + LIMIT):
            return 0
        at = block + NEXT
    volume, value = load64(at + VOLUME), load64(at + VALUE)
    if px <= 0 or qty <= 0 or qty >= SUM or volume >= SUM or value >= SUM or float(px) * float(qty) >= LARGEST:
        return 0
    lots = qty if side > 0 else -qty
    if note(load64(block + ROWS_AT), ts, lots) == 0:
        return 0
    store64(block + LAST_ID, number)
    store64(block + NEWEST, ts)
    count = load64(at + COUNT)
    begins = at != block and count == 0
    store64(at + COUNT, count + 1)
    store64(at + DELTA, load64(at + DELTA) + lots)
    store64(at + VOLUME, volume + qty)
    store64(at + VALUE, value + px * qty)
    store64(at + HIGH, px if begins else max(load64(at + HIGH), px))
    store64(at + LOW, px if begins else min(load64(at + LOW), px))
    store64(at + OPEN, px if begins else load64(at + OPEN))
    store64(at + CLOSE, px)
    return 1


@cache
def streak_entries() -> tuple[Callable[..., int], Callable[..., int]]:
    """`take` and `note` as bare entry points, compiled on first use."""
    return entry(take, 6), entry(note, 3)
