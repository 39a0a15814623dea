"""The best levels of an order-by-order book, copied out in one call, and the score that is made of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from desk.kernels.jit import kernel
from desk.kernels.l3_words import BEST, COUNT, KEY, SCORE, SORTED, STALE, TOTAL, WORST
from desk.kernels.memory import entry, load64, store64
from desk.kernels.score import ASK_LEVELS, ASKS, BID_LEVELS, BIDS, COUNT_ASKS, COUNT_BIDS, TAKEN, keep, level, measure

SHELF = 64  # levels there is room for at `out`


@kernel
def best_levels(header: int, side: int, count: int, out: int) -> int:
    """Write (price, quantity, orders) of at most `count` levels to `out`, best first; returns how many."""
    row = load64(header + SORTED + side)
    best = load64(header + BEST + side)
    held = min(count, best - load64(header + WORST + side))
    for i in range(held):
        level = load64(row + (best - 1 - i) * 16 + 8)
        store64(out + i * 24, abs(load64(level + KEY)))
        store64(out + i * 24 + 8, load64(level + TOTAL))
        store64(out + i * 24 + 16, load64(level + COUNT))
    return held


@kernel
def take_side(header: int, side: int, count: int, out: int) -> int:
    """Copy the best levels of a side to `out`; returns how many words are news."""
    row = load64(header + SORTED + side)
    best = load64(header + BEST + side)
    changed = 0
    for i in range(count):
        found = load64(row + (best - 1 - i) * 16 + 8)
        changed += level(out, i, abs(load64(found + KEY)), load64(found + TOTAL), load64(found + COUNT))
    return changed


@kernel
def score(header: int) -> int:
    """Measure the book's best levels into the memory of its score; 0 when there is none, else 1."""
    memory, stale = load64(header + SCORE), load64(header + STALE)
    if memory == 0:
        return 0
    changed = 0
    if stale & BIDS:
        bids = min(TAKEN, load64(header + BEST) - load64(header + WORST))
        news = keep(memory + COUNT_BIDS, bids) + take_side(header, 0, bids, memory + BID_LEVELS)
        changed = BIDS if news > 0 else 0
    if stale & ASKS:
        asks = min(TAKEN, load64(header + BEST + 8) - load64(header + WORST + 8))
        news = keep(memory + COUNT_ASKS, asks) + take_side(header, 8, asks, memory + ASK_LEVELS)
        changed |= ASKS if news > 0 else 0
    store64(header + STALE, 0)
    measure(memory, changed)
    return 1


@cache
def l3_reader() -> tuple[Callable[..., int], ...]:
    """`best_levels` and `score` as bare entry points, compiled on first use."""
    return entry(best_levels, 4), entry(score, 1)
