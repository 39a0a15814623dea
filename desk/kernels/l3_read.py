"""The best levels of an order-by-order book, copied out in one call: what every frame's features are made of."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from desk.kernels.jit import kernel
from desk.kernels.l3_words import BEST, COUNT, KEY, SORTED, TOTAL, WORST
from desk.kernels.memory import entry, load64, store64

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


@cache
def l3_reader() -> Callable[..., int]:
    """`best_levels` as a bare entry point, compiled on first use."""
    return entry(best_levels, 4)
