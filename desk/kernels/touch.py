"""Each change of a book's touch, where it happens: its order flow and its spread go into rings with running totals.

desk.market.touches owns this memory and reads it: a block for the newest touch and two rings, of values at their
moments (flow) and of values that stand until the next (spread). A row's total is of all rows before it, exact in 16
bytes, so a sum over any window is the difference of two. Words of 8 bytes; the offsets below are bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from desk.kernels.jit import kernel
from desk.kernels.memory import add_product, entry, load64, store64

# The block.
(
    KNOWN,  # 1: the touch below is the one before the next
    NOW,  # ns, the newest event
    BID,
    BID_QTY,
    ASK,
    ASK_QTY,
    FLOWS,  # addresses of the two rings
    SPREADS,
) = range(0, 8 * 8, 8)
BLOCK_WORDS = 8

# A ring; rows are counted from its first one on, for good, and row i stands in place i & MASK.
(
    ROWS,  # the address of the rows
    MASK,  # places less one: places are a power of two
    ROOM,  # rows that may be kept, at most as many as there are places
    SPAN,  # ns of which rows are needed
    STANDING,  # 1: a value counts for every ns until the next one; 0: once
    FIRST,  # the oldest row kept
    END,  # the row after the newest
) = range(0, 7 * 8, 8)
RING_WORDS = 7

TIME, VALUE, TOTAL = 0, 8, 16  # of a row; TOTAL has two words, the lower one first
ROW = 32


@kernel
def row_at(ring: int, i: int) -> int:
    """The address of row i."""
    return load64(ring + ROWS) + (i & load64(ring + MASK)) * ROW


@kernel
def append(ring: int, ts: int, value: int) -> int:
    """One row more, not older than the newest; up to two that no window needs are let go. 1 when the ring is full: it
    has to be given room before the next.
    """
    first, end = load64(ring + FIRST), load64(ring + END)
    row = row_at(ring, end)
    if end > first:
        last = row_at(ring, end - 1)
        counts = ts - load64(last + TIME) if load64(ring + STANDING) else 1
        add_product(row + TOTAL, last + TOTAL, load64(last + VALUE), counts)
    else:
        store64(row + TOTAL, 0)
        store64(row + TOTAL + 8, 0)
    store64(row + TIME, ts)
    store64(row + VALUE, value)
    edge = ts - load64(ring + SPAN)
    for _ in range(2):
        if first < end and load64(row_at(ring, first + 1) + TIME) <= edge:  # the first that is kept began before
            first += 1
    store64(ring + FIRST, first)
    store64(ring + END, end + 1)
    return 1 if end + 1 - first >= load64(ring + ROOM) else 0


@kernel
def find(ring: int, ts: int) -> int:
    """The first row later than `ts`."""
    low, high = load64(ring + FIRST), load64(ring + END)
    while low < high:
        middle = (low + high) >> 1
        if load64(row_at(ring, middle) + TIME) <= ts:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def widest(ring: int, i: int) -> int:
    """The largest value of the rows from i on, of which there is one."""
    most = load64(row_at(ring, i) + VALUE)
    for later in range(i + 1, load64(ring + END)):
        most = max(most, load64(row_at(ring, later) + VALUE))
    return most


@kernel
def flow(block: int, bid: int, bid_qty: int, ask: int, ask_qty: int) -> int:
    """The order flow from the touch before to this one, lots: `bid_flow` and `ask_flow` of desk.market.flow."""
    was_bid, was_bid_qty = load64(block + BID), load64(block + BID_QTY)
    was_ask, was_ask_qty = load64(block + ASK), load64(block + ASK_QTY)
    bought = bid_qty - was_bid_qty if bid == was_bid else bid_qty if bid > was_bid else -was_bid_qty
    sold = was_ask_qty - ask_qty if ask == was_ask else was_ask_qty if ask > was_ask else -ask_qty
    return bought + sold


@kernel
def touch(block: int, now: int, bid: int, bid_qty: int, ask: int, ask_qty: int) -> int:
    """The touch at `now`, ns: a time before the newest counts as the newest. 0, or how many rings are full."""
    ts, full = now, 0
    if load64(block + KNOWN):
        ts = max(now, load64(block + NOW))
        e = flow(block, bid, bid_qty, ask, ask_qty)
        if e != 0:
            full += append(load64(block + FLOWS), ts, e)
    store64(block + KNOWN, 1)
    store64(block + NOW, ts)
    store64(block + BID, bid)
    store64(block + BID_QTY, bid_qty)
    store64(block + ASK, ask)
    store64(block + ASK_QTY, ask_qty)
    spreads, spread = load64(block + SPREADS), ask - bid
    end = load64(spreads + END)
    if end == load64(spreads + FIRST):
        return full + append(spreads, now, spread)
    last = row_at(spreads, end - 1)
    if load64(last + VALUE) != spread:
        full += append(spreads, max(now, load64(last + TIME)), spread)
    return full


@cache
def touch_entries() -> tuple[Callable[..., int], ...]:
    """(touch, find, widest) as bare entry points, compiled on first use."""
    return entry(touch, 6), entry(find, 2), entry(widest, 2)
