"""The machine's clock as the desk uses it: ns since 1970 UTC that never runs backwards; and whether it was set."""

from __future__ import annotations

from time import perf_counter_ns, time_ns

_START = time_ns() - perf_counter_ns()
JUMP = 500_000_000


def now_ns() -> int:
    """UTC in ns at start plus the monotonic time since: a stepped wall clock cannot turn intervals negative."""
    return _START + perf_counter_ns()


class JumpDetector:
    """Compares the wall clock with uninterrupted time; a network clock's gentle slewing is no jump.

    >>> clock = JumpDetector(wall=1_000, steady=1_000)
    >>> clock.look(wall=2_000, steady=2_010), clock.look(wall=3_600_000_003_000, steady=3_010)
    (0, 3600000000000)
    """

    __slots__ = ("_ahead",)

    def __init__(self, wall: int, steady: int) -> None:
        self._ahead = wall - steady

    def look(self, wall: int, steady: int) -> int:
        """How far the wall clock moved against steady time since the last look, ns; 0 unless more than 500 ms."""
        moved = wall - steady - self._ahead
        self._ahead += moved
        return moved if abs(moved) > JUMP else 0


def wall_ns() -> int:
    """What the machine's clock shows now: only for comparing, never for measuring."""
    return time_ns()
