"""Level3 update frames as they are on the wire, into an order-by-order book, its checksum proven, in one call.

    {"channel":"level3","type":"update","data":[{"checksum":…,"symbol":"BTC/USD","timestamp":"…Z","bids":[…],"asks":[
     {"event":"delete","order_id":"OOZP53-FUXQT-BM3262","limit_price":75623.0,"order_qty":0.99200222,"timestamp":"…Z"}]}]}

Two passes. `scan` copies the frame before a row of zeros and turns it into rows; it advances over bytes it has compared
and nothing it accepts is a zero, so it cannot pass the end. Whatever it does not know to the letter (another key, an
exponent, other decimals, a snapshot, an id of another form) is FALLBACK, and the book has not been touched. Only then
are the rows applied.

The book lives in one block of int64 words that the caller allocates (`WORDS` of a capacity, `lay_out` once):
    - an order is 56 bytes: its id in two words, quantity, piece of the checksum, neighbours in the queue, level;
    - a level is 48 bytes: signed price (bids negated), total, count, first and last order;
    - each side has a row of (signed price, level), best last, with room at both ends: what happens near the touch moves
      little;
    - orders are found by id through open addressing with backward-shift deletes, at most two thirds full.
There are as many levels as both rows have places for, less the two that `open_level` moves in.
"""

from __future__ import annotations

from collections.abc import Callable

from desk.kernels.calm import BOOK, READABLE, note
from desk.kernels.crc import START, fold, level_piece
from desk.kernels.jit import kernel
from desk.kernels.l3_orders import apply_rows, close_level, find, forget, release
from desk.kernels.l3_read import score
from desk.kernels.l3_scan import scan
from desk.kernels.l3_words import (
    ADD,
    ASKS_REGISTER,
    BEST,
    CAPACITY,
    CLAIMED,
    COMPUTED,
    DEPTH,
    EVENTS,
    FALLBACK,
    FIRST_LEVEL,
    FIRST_ORDER,
    FIRST_ROW,
    FREE_LEVEL,
    FREE_ORDER,
    FULL,
    HEAD,
    KEY,
    LEVEL_SIZE,
    MASK,
    NEXT,
    ORDER,
    ORDERS,
    PIECE,
    QTY,
    READ,
    ROW,
    ROW_KIND,
    ROW_TS,
    SCANNED_CLAIM,
    SCANNED_TS,
    SCORE,
    SORTED,
    STALE,
    SUM,
    TABLE,
    TABLES,
    TS,
    WIDTH,
    WORST,
    A,
    B,
)
from desk.kernels.memory import entry, load64, move, store64
from desk.kernels.score import BOTH, attest

CHECKED = 10  # levels a side that enter the checksum


@kernel
def cut(s: int, side: int) -> None:
    """Keep the best `depth` levels; the orders of the others go without a delete."""
    row = load64(s + SORTED + side)
    while load64(s + BEST + side) - load64(s + WORST + side) > load64(s + DEPTH):
        worst = load64(s + WORST + side)
        order = load64(load64(row + worst * 16 + 8) + HEAD)
        while order:
            after = load64(order + NEXT)
            forget(s, find(s, load64(order + A), load64(order + B)))
            release(s, side, order)
            order = after
        close_level(s, side, worst)


@kernel
def fold_side(s: int, side: int, register: int) -> int:
    """The CRC register after the orders of the best levels of a side, in queue order."""
    tables = load64(s + TABLES)
    row = load64(s + SORTED + side)
    best = load64(s + BEST + side)
    for i in range(best - 1, max(load64(s + WORST + side), best - CHECKED) - 1, -1):
        level = load64(row + i * 16 + 8)
        order = load64(level + HEAD)
        while order:
            piece = load64(order + PIECE)
            if piece == 0:
                piece = level_piece(tables, abs(load64(level + KEY)), load64(order + QTY))
                store64(order + PIECE, piece)
            register = fold(tables, register, piece)
            order = load64(order + NEXT)
    return register


@kernel
def settle(s: int, bids: int, asks: int) -> int:
    """End of a message: cut the sides that had events (0 or not), compute the checksum and return it."""
    if bids:
        cut(s, 0)
    if asks:
        cut(s, 8)
        store64(s + ASKS_REGISTER, fold_side(s, 8, START))
    computed = fold_side(s, 0, load64(s + ASKS_REGISTER)) ^ START
    store64(s + COMPUTED, computed)
    return computed


@kernel
def arrange(s: int, side: int) -> None:
    """Sort the adds of one side by their own times into the places that adds had; equal times keep their order."""
    first = load64(s + FIRST_ROW + side)
    spare = s - ROW
    last = 0  # the add before, sorted already
    for i in range(load64(s + EVENTS + side)):
        row = first + i * ROW
        if load64(row + ROW_KIND) != ADD:
            continue
        ts = load64(row + ROW_TS)
        if last and load64(last + ROW_TS) > ts:
            move(spare, row, ROW)
            place, before = row, last
            while before >= first and (load64(before + ROW_KIND) != ADD or load64(before + ROW_TS) > ts):
                if load64(before + ROW_KIND) == ADD:
                    move(place, before, ROW)
                    place = before
                before -= ROW
            move(place, spare, ROW)
        last = row
    return


@kernel
def read_frame(s: int, frame: int, size: int) -> int:
    """READ: applied and proven; FALLBACK: not understood; FULL: no room for its events. Untouched unless READ.

    s: the book's block; frame, size: address and length of the bytes.
    """
    code = scan(s, frame, size)
    if code != READ:
        return code
    adds = 0
    most = load64(s + WIDTH) - 2  # levels of one side; an event opens at most one
    for side in (0, 8):
        row = load64(s + FIRST_ROW + side)
        mine = 0
        held = load64(s + BEST + side) - load64(s + WORST + side)
        if held + load64(s + EVENTS + side) > most:
            return FULL
        for _ in range(load64(s + EVENTS + side)):
            mine += load64(row + ROW_KIND) == ADD
            row += ROW
        if mine > 1:
            arrange(s, side)
        adds += mine
    if load64(s + ORDERS) + load64(s + ORDERS + 8) + adds > load64(s + CAPACITY):
        return FULL
    apply_rows(s, 0)
    apply_rows(s, 8)
    computed = settle(s, load64(s + EVENTS), load64(s + EVENTS + 8))
    store64(s + CLAIMED, load64(s + SCANNED_CLAIM))
    store64(s + TS, load64(s + SCANNED_TS))
    if load64(s + SCORE) and attest(load64(s + SCORE), load64(s + SCANNED_CLAIM), computed, load64(s + SCANNED_TS)):
        score(s)
    return READ


@kernel
def take_frame(record: int, frame: int, size: int, now: int) -> int:
    """What desk.kernels.calm.note says of a frame that came at `now`; FALLBACK, or FULL: it has to be decoded."""
    s = load64(record + BOOK)
    if load64(record + READABLE) == 0 or s == 0:
        return FALLBACK
    code = read_frame(s, frame, size)
    if code != READ:
        return code
    bids, asks = load64(s + BEST), load64(s + BEST + 8)
    sound = bids > load64(s + WORST) and asks > load64(s + WORST + 8)
    if sound:
        bid = abs(load64(load64(s + SORTED) + (bids - 1) * 16))
        sound = bid < load64(load64(s + SORTED + 8) + (asks - 1) * 16)
    return note(
        record, load64(s + SCORE), now, load64(s + CLAIMED), load64(s + COMPUTED), load64(s + TS), 1 if sound else 0
    )


@kernel
def empty(s: int) -> int:
    """No orders; everything free. What the header says of the frame and the unknown stays."""
    levels = 2 * (load64(s + WIDTH) - 2)
    for first, free, count, size in (
        (FIRST_ORDER, FREE_ORDER, load64(s + CAPACITY), ORDER),
        (FIRST_LEVEL, FREE_LEVEL, levels, LEVEL_SIZE),
    ):
        record = load64(s + first)
        store64(s + free, record)
        for i in range(count):
            store64(record + NEXT, record + size if i + 1 < count else 0)
            record += size
    table = load64(s + TABLE)
    for i in range(load64(s + MASK) + 1):
        store64(table + i * 8, 0)
    for side in (0, 8):
        store64(s + WORST + side, load64(s + WIDTH) >> 1)
        store64(s + BEST + side, load64(s + WIDTH) >> 1)
        store64(s + ORDERS + side, 0)
    store64(s + SUM, 0)
    store64(s + STALE, BOTH)
    store64(s + ASKS_REGISTER, START)
    store64(s + COMPUTED, 0)
    return 0


def l3_entries() -> tuple[Callable[..., int], ...]:
    """`read_frame`, `apply_rows`, `settle`, `empty` as bare calls; compiled once, or taken from disk."""
    return entry(read_frame, 3), entry(apply_rows, 2), entry(settle, 3), entry(empty, 1)
