"""The machine's clock as the desk uses it: ns since 1970 UTC that never runs backwards."""

from __future__ import annotations

from time import perf_counter_ns, time_ns

_START = time_ns() - perf_counter_ns()


def now_ns() -> int:
    """UTC in ns at start plus the monotonic time since: a stepped wall clock cannot turn intervals negative."""
    return _START + perf_counter_ns()
