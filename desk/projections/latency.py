"""Percentiles of durations in bounded memory: a histogram whose buckets grow with the value.

128 buckets per power of two, so a bucket is at most 1/128 = 0.78 % wide and its middle at most 0.4 % from any duration
in it; below 256 ns each nanosecond has its own. Source of the idea: Tene, HdrHistogram.
"""

from __future__ import annotations

from itertools import accumulate
from math import ceil

_LONGEST = (1 << 43) - 1  # 2.4 hours; longer durations count as this long
_BUCKETS = 36 * 128 + 128  # (43 − 7) powers of two above the linear part, and the first 128


class Percentiles:
    """Add durations in ns, ask for quantiles in µs. 37 KB, whatever is added.

    >>> p = Percentiles()
    >>> for ns in (1_000, 2_000, 3_000): p.add(ns)
    >>> p.count, p.at(0.5)
    (3, 2.0035)
    """

    __slots__ = ("_counts", "count", "longest")

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self.count = 0
        self.longest = 0

    def add(self, ns: int, times: int = 1) -> None:
        """Count a duration, once or more often; below 0 (a clock that stepped back) it counts as 0."""
        if ns > self.longest:
            if ns > _LONGEST:
                ns = _LONGEST
            self.longest = ns
        elif ns < 0:
            ns = 0
        self.count += times
        shift = ns.bit_length() - 8
        if shift > 0:
            self._counts[(shift << 7) + (ns >> shift)] += times
        else:
            self._counts[ns] += times

    def at(self, q: float) -> float | None:
        """The duration in µs that a share `q` (0..1) of all did not exceed; None before the first.

        Nearest rank, within 0.4 %; q = 1 is the longest, exact. Raises ValueError outside 0..1.
        """
        if not 0.0 <= q <= 1.0:
            raise ValueError(f"a quantile is a share between 0 and 1, not {q}; the 99th percentile is 0.99")
        if not self.count:
            return None
        rank = max(1, ceil(q * self.count))
        if rank == self.count:
            return self.longest / 1e3
        for bucket, reached in enumerate(accumulate(self._counts)):
            if reached >= rank:
                return min(_middle(bucket), self.longest) / 1e3
        raise AssertionError("counts and their sum differ")

    def merge(self, other: Percentiles) -> None:
        """Add everything another histogram counted."""
        self._counts = [a + b for a, b in zip(self._counts, other._counts, strict=True)]
        self.count += other.count
        self.longest = max(self.longest, other.longest)

    def result(self) -> dict[str, float | None]:
        """p50, p90, p99, p99.9 and the longest, in µs."""
        return {
            name: self.at(q) for name, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0))
        }


def _middle(bucket: int) -> float:
    """The middle of a bucket in ns."""
    if bucket < 256:
        return float(bucket)
    shift = (bucket >> 7) - 1
    low = (bucket - (shift << 7)) << shift
    return low + ((1 << shift) - 1) / 2
