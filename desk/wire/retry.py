"""When to try again: exponential back-off with full jitter. How often at all is the budget's (desk.wire.budget)."""

from __future__ import annotations

from collections.abc import Callable

SECOND = 1_000_000_000


class Backoff:
    """Waits in ns. The first retry comes almost at once, later ones up to `ceiling`; full jitter spreads a crowd.

    `jitter(n)` returns a number in 0..n: injected, so that every outage can be replayed. A connection that stayed
    healthy for `healthy` ns resets the exponent; connecting alone does not, or a flapping link would storm.

    >>> wait = Backoff(jitter=lambda n: n)
    >>> [wait.failed(up_for=0) / SECOND for _ in range(4)]
    [0.25, 0.5, 1.0, 2.0]
    """

    def __init__(
        self,
        jitter: Callable[[int], int],
        floor: int = SECOND // 4,
        ceiling: int = 30 * SECOND,
        healthy: int = 60 * SECOND,
    ) -> None:
        self.jitter, self.floor, self.ceiling, self.healthy = jitter, floor, ceiling, healthy
        self.failures = 0

    def failed(self, up_for: int) -> int:
        """ns to wait before the next attempt, after a connection that lived `up_for` ns was lost."""
        if up_for >= self.healthy:
            self.failures = 0
        wait = self.jitter(min(self.floor << min(self.failures, 20), self.ceiling))
        self.failures += 1
        return wait
