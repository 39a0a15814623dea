"""Sums of integers over the last nanoseconds: exact, with reads that change nothing.

The running total is kept beside each time, so that any window is one subtraction:

    sum over (now − span, now] = total(now) − total(now − span)

Adding is O(1) amortised (a value older than the newest is put in its place), reading is a bisection, and a read forgets
nothing: how often the sums are looked at changes no later answer.
"""

from __future__ import annotations

from bisect import bisect_right, insort_right
from collections.abc import Sequence
from itertools import accumulate, islice

KEEP = 65_536  # values inside one span before the older half is let go


class RollingSum:
    """Sum and count of integer values over any window up to `span` ns.

    Memory: at most `keep` values. Where more than that arrive within one span the oldest are let go, and a window that
    would need them is None rather than too small.

    >>> flow = RollingSum(span=10)
    >>> for ts, value in ((1, 5), (4, -2), (9, 7)):
    ...     flow.add(ts, value)
    >>> flow.sum(10, now=9), flow.sum(5, now=9), flow.sum(10, now=14), flow.count(10, now=14)
    (10, 7, 7, 1)
    """

    __slots__ = ("_base", "_horizon", "_keep", "_span", "_totals", "_trim_at", "_ts")

    def __init__(self, span: int, keep: int = KEEP) -> None:
        if span <= 0 or keep < 2:
            raise ValueError(f"a window needs a positive span and room for 2 values, got span {span}, keep {keep}")
        self._span, self._keep = span, keep
        self.clear()

    def clear(self) -> None:
        """Forget every value."""
        self._ts: list[int] = []
        self._totals: list[int] = []  # sum of all values up to and including this one
        self._base = 0  # the total before the first value kept
        self._horizon: int | None = None  # ns, the newest value that was let go
        self._trim_at = min(64, self._keep)

    @property
    def latest(self) -> int:
        """ns of the newest value; 0 before the first."""
        return self._ts[-1] if self._ts else 0

    def __len__(self) -> int:
        return len(self._ts)

    def add(self, ts: int, value: int) -> None:
        """Take a value in at `ts` ns; one older than what was already let go is not counted."""
        times, totals = self._ts, self._totals
        if not times or ts >= times[-1]:
            totals.append((totals[-1] if totals else self._base) + value)
            times.append(ts)
        else:
            self._add_late(ts, value)
        if len(times) >= self._trim_at:
            self._trim()

    def extend(self, times: Sequence[int], values: Sequence[int]) -> None:
        """`add` each, many at once; times never fall, and none is older than the newest."""
        done = 0
        while done < len(times):
            upto = done + self._trim_at - len(self._ts)
            before = self._totals[-1] if self._totals else self._base
            self._totals += islice(accumulate(values[done:upto], initial=before), 1, None)
            self._ts += times[done:upto]
            done = upto
            if len(self._ts) >= self._trim_at:
                self._trim()

    def _add_late(self, ts: int, value: int) -> None:
        if self._horizon is not None and ts <= self._horizon:
            return
        times, totals = self._ts, self._totals
        at = bisect_right(times, ts)
        insort_right(times, ts)
        totals.insert(at, (totals[at - 1] if at else self._base) + value)
        for later in range(at + 1, len(totals)):
            totals[later] += value

    def _trim(self) -> None:
        times = self._ts
        cut = bisect_right(times, times[-1] - self._span)
        if len(times) - cut >= self._keep:
            cut = len(times) - self._keep // 2
        if cut:
            self._base, self._horizon = self._totals[cut - 1], times[cut - 1]
            del times[:cut], self._totals[:cut]
        self._trim_at = min(max(64, 2 * len(times)), self._keep)

    def sum(self, window: int, now: int) -> int | None:
        """Sum over (now − window, now], `window` ≤ span; None when values of that window were let go.

        `now` before the newest value reads as the newest value's time: a clock behind the venue's sees all there is.
        """
        times = self._ts
        if not times:
            return 0
        begin = max(now, times[-1]) - window
        if self._horizon is not None and begin < self._horizon:
            return None
        at = bisect_right(times, begin)
        return self._totals[-1] - (self._totals[at - 1] if at else self._base)

    def count(self, window: int, now: int) -> int | None:
        """Values in the same window; None as for `sum`."""
        times = self._ts
        if not times:
            return 0
        begin = max(now, times[-1]) - window
        if self._horizon is not None and begin < self._horizon:
            return None
        return len(times) - bisect_right(times, begin)
