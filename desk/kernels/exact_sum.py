"""Sums of doubles rounded once: `math.fsum` in machine code.

The sum is carried as partials that do not overlap, smallest first, so nothing is lost until the end. Order does not
matter. Source: Shewchuk, "Adaptive Precision Floating-Point Arithmetic" (1997), with the rounding of ties of CPython's
`math.fsum`.
"""

from __future__ import annotations

from desk.kernels.jit import kernel
from desk.kernels.memory import load_double, store_double

PARTIALS = 48  # more than the exponents of a double leave room for


@kernel
def grow(partials: int, count: int, x: float) -> int:
    """Add x, finite, to the `count` partials at this address; how many there are then.

    Every step stores, needed or not: the place is always one that was read before.
    """
    kept = 0
    for i in range(count):
        y = load_double(partials + i * 8)
        if abs(x) < abs(y):
            x, y = y, x
        high = x + y
        low = y - (high - x)
        store_double(partials + kept * 8, low)
        kept += 1 if low != 0.0 else 0
        x = high
    store_double(partials + kept * 8, x)
    return kept + (1 if x != 0.0 else 0)


@kernel
def rounded(partials: int, count: int) -> float:
    """The double nearest to the sum of the partials, ties to even."""
    if count == 0:
        return 0.0
    count -= 1
    high, low = load_double(partials + count * 8), 0.0
    while count > 0:
        x = high
        count -= 1
        y = load_double(partials + count * 8)
        high = x + y
        low = y - (high - x)
        if low != 0.0:
            break
    if count > 0:  # half way: what is still below decides
        below = load_double(partials + (count - 1) * 8)
        if (low < 0.0 and below < 0.0) or (low > 0.0 and below > 0.0):
            y = low * 2.0
            x = high + y
            if x - high == y:
                high = x
    return high
