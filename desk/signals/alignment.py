"""How far the order book agrees with the side of a signal, and what that does to its size."""

from __future__ import annotations

from typing import NamedTuple

STRONG_ALIGNMENT, MODERATE_ALIGNMENT, NEUTRAL = "STRONG_ALIGNMENT", "MODERATE_ALIGNMENT", "NEUTRAL"
MODERATE_CONFLICT, STRONG_CONFLICT, NO_HFT = "MODERATE_CONFLICT", "STRONG_CONFLICT", "NO_HFT"
LARGEST_FACTOR = 1.5
LEAN, STAND = 20.0, 60.0  # |x| from which the book counts, and counts in full


class Alignment(NamedTuple):
    """A label people read and the factor sizes are multiplied by."""

    label: str
    factor: float


_STRONG = Alignment(STRONG_ALIGNMENT, LARGEST_FACTOR)
_MODERATE = Alignment(MODERATE_ALIGNMENT, 1.0)
_NEUTRAL = Alignment(NEUTRAL, 1.0)
_AGAINST = Alignment(MODERATE_CONFLICT, 0.7)
_STRONGLY_AGAINST = Alignment(STRONG_CONFLICT, 0.5)
_UNKNOWN = Alignment(NO_HFT, 1.0)


def alignment(x: float | None) -> Alignment:
    """Label and size factor for x = side · effective score, −100..+100; None = no book or a stale one.

    The factor never falls as x rises. Boundaries belong to the outer class on both sides.

    >>> [alignment(x).factor for x in (60, 20, 0, -20, -60, None)]
    [1.5, 1.0, 1.0, 0.7, 0.5, 1.0]
    >>> alignment(None).label
    'NO_HFT'
    """
    if x is None:
        return _UNKNOWN
    if x >= LEAN:
        return _STRONG if x >= STAND else _MODERATE
    if x > -LEAN:
        return _NEUTRAL
    return _AGAINST if x > -STAND else _STRONGLY_AGAINST
