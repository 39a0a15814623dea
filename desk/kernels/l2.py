"""Price-level book in one block of memory: entries applied, cut and proven by kernels, one call per frame, no objects.

A frame is scanned whole (`desk.kernels.l2_scan`) before the book is touched: a FALLBACK leaves no trace and goes
through the typed decoder. Then the entries are applied in order, each side that had any is cut to depth, and the
checksum is folded from the levels' cached pieces.

The book, int64 words: the header below, then the bids' and the asks' records, `capacity` each. A record is (rank,
quantity, piece): rank is the price for bids and minus the price for asks, records rise by rank, so the best is the last
and a change near the touch moves almost nothing. A side floats in its room: cutting forgets the first records.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from desk.kernels.calm import BOOK, READABLE, TABLES, WORK, note
from desk.kernels.crc import START, fold, level_piece
from desk.kernels.jit import kernel
from desk.kernels.l2_scan import (
    ASKS_AT,
    BIDS_AT,
    FRAME_AT,
    FRAME_BYTES,
    NEW_ASKS,
    NEW_BIDS,
    NEW_CLAIMED,
    NEW_TS,
    RECORD,
    scan_frame,
)
from desk.kernels.memory import entry, load64, move, store64
from desk.kernels.score import (
    ASK_LEVELS,
    ASKS,
    BID_LEVELS,
    BIDS,
    COUNT_ASKS,
    COUNT_BIDS,
    TAKEN,
    attest,
    keep,
    level,
    measure,
)

FALLBACK, READ = 0, 1

# The book's header, in words. SCORE: address of the memory of its score (desk.kernels.score), 0 when nobody wants one;
# BIDS_FROM, ASKS_FROM: the best levels of a side, so many of them, are as they were when they were scored;
# BID_REGISTERS, ASK_REGISTERS: the checksum's register after each of the ten best levels.
BID_FIRST, BID_COUNT, BID_BEST, ASK_FIRST, ASK_COUNT, ASK_BEST, DEPTH, CAPACITY, CLAIMED, COMPUTED, TS_EXCH, SCORE = (
    range(12)
)
BIDS_FROM, ASKS_FROM = 12, 13
NEAR = 8  # levels from the best looked at one by one before halving
CHECKED = 10  # levels a side in the checksum
BID_REGISTERS, ASK_REGISTERS = 14, 14 + CHECKED
HEADER = 14 + 2 * CHECKED
ALL = 1 << 62  # levels


@kernel
def put(header: int, base: int, capacity: int, rank: int, qty: int, piece: int) -> int:
    """One entry into one side, whose header is (first, count) and whose records begin at `base`; quantity 0 removes.
    Returns how many levels are better than it: those are as they were.
    """
    first, count = load64(header), load64(header + 8)
    low = base + first * RECORD
    i = count  # becomes the number of records below `rank`
    while i > 0 and count - i < NEAR and load64(low + (i - 1) * RECORD) >= rank:
        i -= 1
    if i > 0 and load64(low + (i - 1) * RECORD) >= rank:
        left = 0
        while left < i:
            middle = (left + i) >> 1
            if load64(low + middle * RECORD) < rank:
                left = middle + 1
            else:
                i = middle
    at = low + i * RECORD
    known = i < count and load64(at) == rank
    better = count - i - 1 if known else count - i
    if qty == 0:
        if known:
            if i < count - 1 - i:
                move(low + RECORD, low, i * RECORD)
                store64(header, first + 1)
            else:
                move(at, at + RECORD, (count - 1 - i) * RECORD)
            store64(header + 8, count - 1)
        return better
    if not known:
        if i < count - i and first > 0:
            move(low - RECORD, low, i * RECORD)
            store64(header, first - 1)
            at -= RECORD
        else:
            if first + count == capacity:
                first = (capacity - count) >> 1
                move(base + first * RECORD, low, count * RECORD)
                store64(header, first)
                at = base + (first + i) * RECORD
            move(at + RECORD, at, (count - i) * RECORD)
        store64(header + 8, count + 1)
        store64(at, rank)
    store64(at + 8, qty)
    store64(at + 16, piece)
    return better


@kernel
def put_all(header: int, base: int, capacity: int, depth: int, entries: int, count: int) -> int:
    """Entries in order, then the cut: a side without entries is left as it is. Returns how many of its best levels are
    as they were.
    """
    same = ALL
    if count == 0:
        return same
    for _ in range(count):
        same = min(same, put(header, base, capacity, load64(entries), load64(entries + 8), load64(entries + 16)))
        entries += RECORD
    held = load64(header + 8)
    if held > depth:
        store64(header, load64(header) + held - depth)
        store64(header + 8, depth)
    return same


@kernel
def fold_side(tables: int, register: int, last: int, count: int, registers: int, same: int) -> int:
    """The register after the pieces of the 10 best levels; `last` is the address behind the best record. The first
    `same` registers are those of the last time.
    """
    checked = min(count, CHECKED)
    begin = min(same, checked)
    if begin > 0:
        register = load64(registers + (begin - 1) * 8)
    for i in range(begin, checked):
        register = fold(tables, register, load64(last - (i + 1) * RECORD + 16))
        store64(registers + i * 8, register)
    return register


@kernel
def prove(book: int, tables: int) -> int:
    """Bring the header's best prices and checksum up to date; returns the checksum."""
    return prove_from(book, tables, 0, 0)


@kernel
def prove_from(book: int, tables: int, bids_same: int, asks_same: int) -> int:
    """`prove`, where so many of the best levels of a side are as they were the last time."""
    capacity = load64(book + CAPACITY * 8)
    bids, asks = load64(book + BID_COUNT * 8), load64(book + ASK_COUNT * 8)
    bids_end = book + HEADER * 8 + (load64(book + BID_FIRST * 8) + bids) * RECORD
    asks_end = book + HEADER * 8 + (capacity + load64(book + ASK_FIRST * 8) + asks) * RECORD
    register = fold_side(tables, START, asks_end, asks, book + ASK_REGISTERS * 8, asks_same)
    kept = bids_same if asks_same == ALL else 0  # the asks come first
    computed = fold_side(tables, register, bids_end, bids, book + BID_REGISTERS * 8, kept) ^ START
    if bids > 0:
        store64(book + BID_BEST * 8, load64(bids_end - RECORD))
    if asks > 0:
        store64(book + ASK_BEST * 8, -load64(asks_end - RECORD))
    store64(book + COMPUTED * 8, computed)
    return computed


@kernel
def merge(book: int, work: int, tables: int) -> int:
    """Second pass: the workspace's entries into the book; FALLBACK, untouched, when the book has no room for them."""
    capacity, depth = load64(book + CAPACITY * 8), load64(book + DEPTH * 8)
    bids, asks = load64(work + NEW_BIDS * 8), load64(work + NEW_ASKS * 8)
    if load64(book + BID_COUNT * 8) + bids > capacity or load64(book + ASK_COUNT * 8) + asks > capacity:
        return FALLBACK
    records = book + HEADER * 8
    bids_same = put_all(book + BID_FIRST * 8, records, capacity, depth, work + BIDS_AT, bids)
    asks_same = put_all(book + ASK_FIRST * 8, records + capacity * RECORD, capacity, depth, work + ASKS_AT, asks)
    store64(book + BIDS_FROM * 8, min(bids_same, load64(book + BIDS_FROM * 8)))
    store64(book + ASKS_FROM * 8, min(asks_same, load64(book + ASKS_FROM * 8)))
    prove_from(book, tables, bids_same, asks_same)
    store64(book + CLAIMED * 8, load64(work + NEW_CLAIMED * 8))
    store64(book + TS_EXCH * 8, load64(work + NEW_TS * 8))
    return READ


@kernel
def read_frame(book: int, work: int, tables: int, size: int) -> int:
    """READ or FALLBACK for the frame of `size` bytes at FRAME_AT of the workspace; an empty book reads nothing."""
    if load64(book + BID_COUNT * 8) == 0 and load64(book + ASK_COUNT * 8) == 0:
        return FALLBACK
    if not scan_frame(work, tables, size) or not merge(book, work, tables):
        return FALLBACK
    memory = load64(book + SCORE * 8)
    if memory and attest(memory, load64(book + CLAIMED * 8), load64(book + COMPUTED * 8), load64(book + TS_EXCH * 8)):
        score(book)
    return READ


@kernel
def take_frame(record: int, frame: int, size: int, now: int) -> int:
    """FALLBACK, or what desk.kernels.calm.note says, for `size` bytes at address `frame` that came at `now`."""
    if load64(record + READABLE) == 0 or size > FRAME_BYTES:
        return FALLBACK
    book, work = load64(record + BOOK), load64(record + WORK)
    move(work + FRAME_AT, frame, size)
    if read_frame(book, work, load64(record + TABLES), size) == FALLBACK:
        return FALLBACK
    two_sided = load64(book + BID_COUNT * 8) > 0 and load64(book + ASK_COUNT * 8) > 0
    sound = two_sided and load64(book + BID_BEST * 8) < load64(book + ASK_BEST * 8)
    return note(
        record,
        load64(book + SCORE * 8),
        now,
        load64(book + CLAIMED * 8),
        load64(book + COMPUTED * 8),
        load64(book + TS_EXCH * 8),
        1 if sound else 0,
    )


@kernel
def take_side(last: int, count: int, sign: int, out: int, same: int) -> int:
    """Copy the best levels, the best one before address `last`, to `out`, but for the first `same`, which are there;
    returns how many of them are news.
    """
    changed = 0
    for i in range(same, min(count, TAKEN)):
        at = last - (i + 1) * RECORD
        changed += level(out, i, sign * load64(at), load64(at + 8), 0)
    return changed


@kernel
def score(book: int) -> int:
    """Measure the book's best levels into the memory of its score; 0 when there is none, else 1."""
    memory = load64(book + SCORE * 8)
    bids_same, asks_same = load64(book + BIDS_FROM * 8), load64(book + ASKS_FROM * 8)
    if memory == 0:
        return 0
    changed = 0
    if bids_same < ALL:
        bids = load64(book + BID_COUNT * 8)
        end = book + HEADER * 8 + (load64(book + BID_FIRST * 8) + bids) * RECORD
        news = keep(memory + COUNT_BIDS, min(bids, TAKEN)) + take_side(end, bids, 1, memory + BID_LEVELS, bids_same)
        changed = BIDS if news > 0 else 0
    if asks_same < ALL:
        asks = load64(book + ASK_COUNT * 8)
        end = book + HEADER * 8 + (load64(book + CAPACITY * 8) + load64(book + ASK_FIRST * 8) + asks) * RECORD
        news = keep(memory + COUNT_ASKS, min(asks, TAKEN)) + take_side(end, asks, -1, memory + ASK_LEVELS, asks_same)
        changed |= ASKS if news > 0 else 0
    store64(book + BIDS_FROM * 8, ALL)
    store64(book + ASKS_FROM * 8, ALL)
    measure(memory, changed)
    return 1


@kernel
def seal(records: int, tables: int, count: int) -> int:
    """Compute the pieces of `count` records from their ranks and quantities; returns `count`."""
    for i in range(count):
        at = records + i * RECORD
        store64(at + 16, level_piece(tables, abs(load64(at)), load64(at + 8)))
    return count


@cache
def l2_entries() -> tuple[Callable[..., int], ...]:
    """(read_frame, merge, prove, seal, score) as bare entries: compiled once, or read from disk."""
    return entry(read_frame, 4), entry(merge, 3), entry(prove, 2), entry(seal, 3), entry(score, 1)
