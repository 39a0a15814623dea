"""Orders and levels of an order-by-order book in its block: found, linked, moved; one event at a time."""

from __future__ import annotations

from desk.kernels.jit import kernel
from desk.kernels.l3_words import (
    ADD,
    BEST,
    COUNT,
    DELETE,
    EVENTS,
    FIRST_ROW,
    FREE_LEVEL,
    FREE_ORDER,
    HEAD,
    KEY,
    LEVEL,
    MASK,
    NEXT,
    ORDERS,
    PIECE,
    PREVIOUS,
    QTY,
    ROW,
    ROW_A,
    ROW_B,
    ROW_KIND,
    ROW_PX,
    ROW_QTY,
    SORTED,
    STALE,
    SUM,
    TABLE,
    TAIL,
    TOTAL,
    UNKNOWN,
    WIDTH,
    WORST,
    A,
    B,
)
from desk.kernels.memory import load64, move, store64
from desk.kernels.score import ASKS, BIDS

NEAR = 16  # levels looked at one by one before halving
HALF = 0xFFFFFFFF
MIX_A, MIX_B = 0x61C88647, 0x5851F42D  # odd, below 2**31: a half times one stays below 2**63


# --- orders by id


@kernel
def slot_of(mask: int, a: int, b: int) -> int:
    """Where an id's search begins: its four halves mixed by products.

    None of them can overflow: numba marks signed overflow as undefined.
    """
    h = ((a & HALF) ^ ((b >> 32) & HALF)) * MIX_A
    g = (((a >> 32) & HALF) ^ (b & HALF)) * MIX_B
    return (h ^ (h >> 29) ^ g ^ (g >> 31)) & mask


@kernel
def find(s: int, a: int, b: int) -> int:
    """Address of the slot of an order, 0 when it is not held."""
    table, mask = load64(s + TABLE), load64(s + MASK)
    i = slot_of(mask, a, b)
    while True:
        order = load64(table + i * 8)
        if order == 0:
            return 0
        if load64(order + A) == a and load64(order + B) == b:
            return table + i * 8
        i = (i + 1) & mask


@kernel
def forget(s: int, slot: int) -> None:
    """Empty a slot; those after it that were pushed past it move back."""
    table, mask = load64(s + TABLE), load64(s + MASK)
    gap = (slot - table) >> 3
    i = gap
    while True:
        i = (i + 1) & mask
        order = load64(table + i * 8)
        if order == 0:
            break
        begins = slot_of(mask, load64(order + A), load64(order + B))
        if ((i - begins) & mask) >= ((i - gap) & mask):
            store64(table + gap * 8, order)
            gap = i
    store64(table + gap * 8, 0)


# --- levels by price


@kernel
def locate(s: int, side: int, key: int) -> int:
    """The place after the last level not better than `key`: all from there on are better."""
    row = load64(s + SORTED + side)
    low, i = load64(s + WORST + side), load64(s + BEST + side)
    for _ in range(NEAR):
        if i == low or load64(row + (i - 1) * 16) >= key:
            return i
        i -= 1
    while low < i:
        middle = (low + i) >> 1
        if load64(row + middle * 16) >= key:
            low = middle + 1
        else:
            i = middle
    return low


@kernel
def open_level(s: int, side: int, i: int, key: int) -> int:
    """A new empty level at place `i`; the shorter end of the row makes room."""
    row = load64(s + SORTED + side)
    low, high = load64(s + WORST + side), load64(s + BEST + side)
    if low > 0 and (i - low < high - i or high == load64(s + WIDTH)):
        move(row + (low - 1) * 16, row + low * 16, (i - low) * 16)
        store64(s + WORST + side, low - 1)
        i -= 1
    else:
        move(row + (i + 1) * 16, row + i * 16, (high - i) * 16)
        store64(s + BEST + side, high + 1)
    level = load64(s + FREE_LEVEL)
    store64(s + FREE_LEVEL, load64(level + NEXT))
    store64(row + i * 16, key)
    store64(row + i * 16 + 8, level)
    store64(level + KEY, key)
    store64(level + TOTAL, 0)
    store64(level + COUNT, 0)
    store64(level + HEAD, 0)
    store64(level + TAIL, 0)
    return level


@kernel
def close_level(s: int, side: int, i: int) -> None:
    """Take the level at place `i` out of the row."""
    row = load64(s + SORTED + side)
    low, high = load64(s + WORST + side), load64(s + BEST + side)
    level = load64(row + i * 16 + 8)
    if i - low < high - 1 - i:
        move(row + (low + 1) * 16, row + low * 16, (i - low) * 16)
        store64(s + WORST + side, low + 1)
    else:
        move(row + i * 16, row + (i + 1) * 16, (high - 1 - i) * 16)
        store64(s + BEST + side, high - 1)
    store64(level + NEXT, load64(s + FREE_LEVEL))
    store64(s + FREE_LEVEL, level)


# --- one event


@kernel
def release(s: int, side: int, order: int) -> None:
    """An order's place becomes free; it is out of the table, its level keeps its sums."""
    store64(order + NEXT, load64(s + FREE_ORDER))
    store64(s + FREE_ORDER, order)
    store64(s + ORDERS + side, load64(s + ORDERS + side) - 1)
    store64(s + SUM, load64(s + SUM) - load64(order + QTY))


@kernel
def remove(s: int, side: int, slot: int) -> None:
    """Take an order out of its queue, and its level with it when it was the last."""
    order = load64(slot)
    level = load64(order + LEVEL)
    before, after = load64(order + PREVIOUS), load64(order + NEXT)
    if before:
        store64(before + NEXT, after)
    else:
        store64(level + HEAD, after)
    if after:
        store64(after + PREVIOUS, before)
    else:
        store64(level + TAIL, before)
    store64(level + TOTAL, load64(level + TOTAL) - load64(order + QTY))
    count = load64(level + COUNT) - 1
    store64(level + COUNT, count)
    forget(s, slot)
    release(s, side, order)
    if count == 0:
        close_level(s, side, locate(s, side, load64(level + KEY)) - 1)


@kernel
def append(s: int, side: int, a: int, b: int, key: int, qty: int) -> None:
    """A new order at the tail of its level."""
    i = locate(s, side, key)
    row = load64(s + SORTED + side)
    if i > load64(s + WORST + side) and load64(row + (i - 1) * 16) == key:
        level = load64(row + (i - 1) * 16 + 8)
    else:
        level = open_level(s, side, i, key)
    order = load64(s + FREE_ORDER)
    store64(s + FREE_ORDER, load64(order + NEXT))
    store64(s + ORDERS + side, load64(s + ORDERS + side) + 1)
    store64(s + SUM, load64(s + SUM) + qty)
    tail = load64(level + TAIL)
    store64(order + A, a)
    store64(order + B, b)
    store64(order + QTY, qty)
    store64(order + PIECE, 0)
    store64(order + PREVIOUS, tail)
    store64(order + NEXT, 0)
    store64(order + LEVEL, level)
    if tail:
        store64(tail + NEXT, order)
    else:
        store64(level + HEAD, order)
    store64(level + TAIL, order)
    store64(level + TOTAL, load64(level + TOTAL) + qty)
    store64(level + COUNT, load64(level + COUNT) + 1)
    table, mask = load64(s + TABLE), load64(s + MASK)
    i = slot_of(mask, a, b)
    while load64(table + i * 8):
        i = (i + 1) & mask
    store64(table + i * 8, order)


@kernel
def resize(s: int, order: int, qty: int) -> None:
    """Another quantity, the same place in the queue."""
    level = load64(order + LEVEL)
    change = qty - load64(order + QTY)
    store64(order + QTY, qty)
    store64(order + PIECE, 0)
    store64(level + TOTAL, load64(level + TOTAL) + change)
    store64(s + SUM, load64(s + SUM) + change)


@kernel
def apply_rows(s: int, side: int) -> int:
    """Apply the rows of one side in order (side: 0 bids, 8 asks); the caller made sure that all adds have room."""
    row = load64(s + FIRST_ROW + side)
    news = (ASKS if side else BIDS) if load64(s + EVENTS + side) > 0 else 0
    store64(s + STALE, load64(s + STALE) | news)
    for _ in range(load64(s + EVENTS + side)):
        kind = load64(row + ROW_KIND)
        # The sides have orders of their own: an id on both is two orders. Ids are 7-bit text, so this bit is free.
        a, b = load64(row + ROW_A) | (side << 4), load64(row + ROW_B)
        px = load64(row + ROW_PX)
        key = px if side else -px
        slot = find(s, a, b)
        if slot == 0 and kind != ADD:
            store64(s + UNKNOWN, load64(s + UNKNOWN) + 1)
        elif kind == DELETE:
            remove(s, side, slot)
        elif slot != 0 and kind != ADD and load64(load64(load64(slot) + LEVEL) + KEY) == key:
            resize(s, load64(slot), load64(row + ROW_QTY))
        else:
            if slot != 0:
                remove(s, side, slot)
            append(s, side, a, b, key, load64(row + ROW_QTY))
        row += ROW
    return 0
