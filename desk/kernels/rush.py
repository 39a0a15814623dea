"""A frame goes to the kernel that takes it, found by channel and symbol: one frame, or many of one read in one call.

Frames are Python's bytes objects, alone or in a list, read where they lie; no other thread changes either while we hold
the interpreter. A block of memory in words of 8 bytes holds what a call says and the *routes*: a table (open
addressing) of the books and tapes whose frames may come. `desk.signals.rush` fills it and reads what was said.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from desk.kernels import l2, l3, trade_frame
from desk.kernels.calm import CALM, FULL, MOVED, READ, RESTING
from desk.kernels.jit import kernel
from desk.kernels.memory import BYTES, ITEMS, LENGTH, entry, load8, load64, store64, word
from desk.kernels.trade_frame import PRINTED

# The block: byte offsets. MASK is slots − 1, a power of two less one.
MASK, SAID, WHO, MOVES = range(0, 4 * 8, 8)  # SAID: of the frame that ended it, 0 if it was not read; WHO: its route
HEADER = 4 * 8
# Of a slot. RECORD 0: it is free. STIRRED: its number is in the list of moves. MINDED: `rush` leaves it to `one`.
NAME_1, NAME_2, CHANNEL, RECORD, NUMBER, STIRRED, MINDED = range(0, 7 * 8, 8)
SLOT = 7 * 8
BOOK, ORDERS, TRADES = 1, 2, 3  # channels
NAMED = 16  # bytes of a symbol at most

IS_BOOK, IS_ORDERS, IS_TRADES = word(b'book","t'), word(b'level3",'), word(b'trade","')
KIND_AT = 12  # bytes: where a frame's channel stands
BOOK_NAME = len(b'{"channel":"book","type":"update","data":[{"symbol":"')
TRADES_NAME = BOOK_NAME + 1
ORDERS_SUM = len(b'{"channel":"level3","type":"update","data":[{"checksum":')
ORDERS_GAP = len(b',"symbol":"')
SHORTEST = 110  # bytes of an update, an empty one of the shortest symbol; no byte beyond is read to find its name
HEARTBEAT = b'{"channel":"heartbeat"}'
CANDLE = b'{"channel":"ohlc","type":"update"'  # how what nobody looks at begins: the desk's own bars come from trades
BEAT_1, BEAT_2, BEAT_3, BEAT_SIZE = word(HEARTBEAT[:8]), word(HEARTBEAT[8:16]), word(HEARTBEAT[-8:]), len(HEARTBEAT)
CANDLE_2, CANDLE_3, CANDLE_4 = word(CANDLE[8:16]), word(CANDLE[16:24]), word(CANDLE[24:32])
QUOTE, ZERO = b'"0'
NOWHERE = -1
ROUTE_BITS = 16  # what is said of a frame lies below, the number of its route above


@kernel
def slot_of(block: int, first: int, second: int, channel: int) -> int:
    """The address of the slot of this name: its own, or the free one where it belongs.

    Mixed without products: numba marks signed overflow as undefined.
    """
    mask = load64(block + MASK)
    mixed = first ^ (second << 3) ^ (second >> 5) ^ channel
    mixed ^= mixed >> 32
    mixed ^= mixed >> 15
    i = (mixed ^ (mixed >> 7)) & mask
    while True:
        at = block + HEADER + i * SLOT
        if load64(at + RECORD) == 0:
            return at
        if load64(at + NAME_1) == first and load64(at + NAME_2) == second and load64(at + CHANNEL) == channel:
            return at
        i = (i + 1) & mask


@kernel
def route(block: int, p: int, size: int) -> int:
    """The slot of what the frame at p is an update of, by its looks; 0 for a frame that is not for us."""
    if size < SHORTEST:
        return 0
    kind = load64(p + KIND_AT)
    channel = BOOK
    at = p + BOOK_NAME
    if kind == IS_ORDERS:
        channel = ORDERS
        at = p + ORDERS_SUM
        for _ in range(10):
            if load8(at) < ZERO or load8(at) > ZERO + 9:
                break
            at += 1
        at += ORDERS_GAP
    elif kind == IS_TRADES:
        channel = TRADES
        at = p + TRADES_NAME
    elif kind != IS_BOOK:
        return 0
    length = 0
    while load8(at + length) != QUOTE:
        length += 1
        if length > NAMED:
            return 0
    first, second = load64(at), load64(at + 8)
    if length < 8:
        first &= (1 << (8 * length)) - 1
        second = 0
    elif length < NAMED:
        second &= (1 << (8 * (length - 8))) - 1
    found = slot_of(block, first, second, channel)
    return found if load64(found + RECORD) != 0 else 0


@kernel
def idle(p: int, size: int) -> bool:
    """Whether the frame at p is a heartbeat or begins as CANDLE does."""
    if size == BEAT_SIZE:
        return load64(p) == BEAT_1 and load64(p + 8) == BEAT_2 and load64(p + 15) == BEAT_3
    if size < SHORTEST or load64(p + 8) != CANDLE_2:
        return False
    same = load64(p) == BEAT_1 and load64(p + 16) == CANDLE_3
    return same and load64(p + 24) == CANDLE_4 and load8(p + 32) == QUOTE


@kernel
def take(found: int, p: int, size: int, now: int) -> int:
    """What the book or the tape of this slot says of the frame: desk.kernels.calm, trade_frame; 0: decode it."""
    record, channel = load64(found + RECORD), load64(found + CHANNEL)
    if channel == BOOK:
        said = l2.take_frame(record, p, size, now)
    elif channel == ORDERS:
        said = l3.take_frame(record, p, size, now)
    else:
        said = trade_frame.take(record, p, size, now)
    return said if said & (READ | CALM) else 0


@kernel
def one(block: int, frame: int, now: int) -> int:
    """What is said of the bytes object `frame`, behind the number of its route (`ROUTE_BITS`); 0: decode it."""
    found = route(block, frame + BYTES, load64(frame + LENGTH))
    if found == 0:
        return 0
    said = take(found, frame + BYTES, load64(frame + LENGTH), now)
    return said | load64(found + NUMBER) << ROUTE_BITS if said else 0


@kernel
def stir(block: int, found: int) -> None:
    """The book of this slot moved: its number goes, once, to the list behind the slots."""
    moves = load64(block + MOVES)
    store64(block + HEADER + (load64(block + MASK) + 1) * SLOT + moves * 8, load64(found + NUMBER))
    store64(block + MOVES, moves + 1 - load64(found + STIRRED))
    store64(found + STIRRED, 1)


@kernel
def rush(block: int, frames: int, at: int, now: int, alone: int) -> int:
    """How many frames of the list from the one numbered `at` on led to nothing; SAID and WHO tell of the next one.

    alone: 1 where the strategies' rest decides (a believed book may move only while its strategy rests); 0 where nobody
    is told of a book that moves.
    """
    count = load64(frames + LENGTH)
    items = load64(frames + ITEMS)
    store64(block + SAID, 0)
    store64(block + WHO, NOWHERE)
    i = at
    while i < count:
        frame = load64(items + 8 * i)
        size, p = load64(frame + LENGTH), frame + BYTES
        found = route(block, p, size)
        if found == 0 and idle(p, size):
            i += 1
            continue
        if found == 0 or load64(found + MINDED) != 0:
            break
        said = take(found, p, size, now)
        if said == 0:
            break
        quiet = said & CALM and not said & (FULL | PRINTED)
        passes = quiet and (not said & MOVED or said & RESTING or alone == 0)
        if not passes:
            store64(block + SAID, said)
            store64(block + WHO, load64(found + NUMBER))
            break
        if said & MOVED:
            stir(block, found)
        i += 1
    return i - at


@cache
def rush_entries() -> tuple[Callable[..., int], ...]:
    """`rush`, `one` and `slot_of` as bare entries."""
    return entry(rush, 5), entry(one, 3), entry(slot_of, 4)
