"""The quoted spread as time saw it: its mean weighted by how long it stood, and its widest, over a window."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

KEEP = 65_536  # changes inside one window before the older half is let go
FOREVER = 1 << 63


class SpreadClock:
    """Time-weighted mean and maximum of the spread in ticks over the last `window` ns.

    A spread stands from its own time until the next; what stood at the window's begin counts from there on. Before a
    whole window is known the mean covers what is. Sums are exact; reads change nothing. At most `keep` changes are
    kept: a window that needs more is None.

    >>> spread = SpreadClock(window=10)
    >>> for ts, ticks in ((0, 4), (6, 1), (8, 2)):
    ...     spread.apply(ts, ticks)
    >>> spread.mean(now=10), spread.max(now=10), spread.mean(now=14), spread.max(now=17)
    (3.0, 4, 2.2, 2)
    """

    __slots__ = ("_areas", "_ends", "_horizon", "_keep", "_peaks", "_spreads", "_trim_at", "_ts", "_window")

    def __init__(self, window: int = 60_000_000_000, keep: int = KEEP) -> None:
        if window <= 0 or keep < 4:
            raise ValueError(f"a window needs a positive length and room for 4 changes, got {window}, {keep}")
        self._window, self._keep = window, keep
        self.restart()

    def restart(self) -> None:
        """The book was lost: begin again."""
        self._ts: list[int] = []  # when each spread began
        self._spreads: list[int] = []
        self._areas: list[int] = []  # Σ spread·ns before it began
        self._ends: list[int] = []  # of the peaks: when each ended; the last one stands
        self._peaks: list[int] = []  # falling: no later spread was as wide
        self._horizon: int | None = None
        self._trim_at = min(64, self._keep)

    def apply(self, ts: int, spread: int) -> None:
        """The spread from `ts` on, in ticks; a time before the newest counts as the newest."""
        self.take(((ts, spread),))

    def take(self, quotes: Iterable[tuple[int, int]]) -> None:
        """Many of them, in order."""
        times, spreads, areas, peaks, ends = self._ts, self._spreads, self._areas, self._peaks, self._ends
        last, stood = (times[-1], spreads[-1]) if times else (0, None)
        area = areas[-1] if times else 0
        for at, spread in quotes:
            if spread == stood:
                continue
            ts = at
            if stood is not None:
                ts = max(at, last)
                area += stood * (ts - last)
                ends[-1] = ts
            times.append(ts)
            spreads.append(spread)
            areas.append(area)
            while peaks and peaks[-1] <= spread:
                peaks.pop()
                ends.pop()
            peaks.append(spread)
            ends.append(FOREVER)
            last, stood = ts, spread
            if len(times) >= self._trim_at:
                self._trim()

    def _trim(self) -> None:
        times = self._ts
        cut = bisect_right(times, times[-1] - self._window) - 1  # what stood at the window's begin stays
        if len(times) - cut >= self._keep:
            cut = len(times) - self._keep // 2
            self._horizon = times[cut]
        if cut > 0:
            del times[:cut], self._spreads[:cut], self._areas[:cut]
            gone = bisect_right(self._ends, times[0])
            del self._ends[:gone], self._peaks[:gone]
        self._trim_at = min(max(64, 2 * len(times)), self._keep)

    def _begin(self, now: int) -> int | None:
        begin = now - self._window
        if not self._ts or (self._horizon is not None and begin < self._horizon):
            return None
        return begin

    def mean(self, now: int) -> float | None:
        """∫ spread dt / time over the window that ends at `now`, in ticks; None before any time has passed."""
        now = max(now, self._ts[-1]) if self._ts else now
        begin = self._begin(now)
        if begin is None:
            return None
        begin = max(begin, self._ts[0])
        if begin == now:
            return None
        return (self._area(now) - self._area(begin)) / (now - begin)

    def max(self, now: int) -> int | None:
        """The widest spread that stood at any time of the window, in ticks; None before the first."""
        now = max(now, self._ts[-1]) if self._ts else now
        begin = self._begin(now)
        return None if begin is None else self._peaks[bisect_right(self._ends, begin)]

    def _area(self, ts: int) -> int:
        at = bisect_right(self._ts, ts) - 1
        return self._areas[at] + self._spreads[at] * (ts - self._ts[at])
