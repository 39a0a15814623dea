"""The quoted spread as time saw it: its mean weighted by how long it stood, and its widest, over a window."""

from __future__ import annotations

from desk.market.ring import Ring

WINDOW = 60_000_000_000


class SpreadClock:
    """Time-weighted mean and maximum of the spread in ticks over the last ns of the ring's span.

    A spread stands from its own time until the next; what stood at the window's begin counts from there on. Before a
    whole window is known the mean covers what is. Sums are exact; reads change nothing. A window that needs more
    changes than are kept is None. Changes come in through desk.market.touches.

    >>> from desk.market.touches import Touches
    >>> touches = Touches(window=10)
    >>> for ts, ticks in ((0, 4), (6, 1), (8, 2)):
    ...     touches.apply(ts, 100, 1, 100 + ticks, 1)
    >>> spread = touches.spread
    >>> spread.mean(now=10), spread.max(now=10), spread.mean(now=14), spread.max(now=17)
    (3.0, 4, 2.2, 2)
    """

    __slots__ = ("ring",)

    def __init__(self, ring: Ring) -> None:
        self.ring = ring

    def mean(self, now: int) -> float | None:
        """∫ spread dt / time over the window that ends at `now`, in ticks; None before any time has passed."""
        ring = self.ring
        if (begin := self._begin(now)) is None:
            return None
        now, begin = max(now, ring.newest.ts), max(begin, ring.first.ts)
        return (self._area(now) - self._area(begin)) / (now - begin) if now > begin else None

    def max(self, now: int) -> int | None:
        """The widest spread that stood at any time of the window, in ticks; None before the first."""
        begin = self._begin(now)
        return None if begin is None else self.ring.widest(begin)

    def _begin(self, now: int) -> int | None:
        """Where the window that ends at `now` begins; None where it cannot be known."""
        ring = self.ring
        if not len(ring):
            return None
        begin = max(now, ring.newest.ts) - ring.span
        return None if ring.horizon is not None and begin < ring.horizon else begin

    def _area(self, ts: int) -> int:
        """Σ spread·ns from the first one up to `ts`, which is not before it."""
        row = self.ring.before(ts) or self.ring.first
        return row.total + row.value * (ts - row.ts)
