"""Momentum, one value at a time: Wilder's relative strength index."""

from __future__ import annotations

from desk.indicators.averages import Wilder


class Rsi:
    """Wilder's RSI of the last `n` changes, 0..100: 100·U/(U+D), U and D the smoothed gains and losses.

    None until n+1 values. When nothing moved at all (U = D = 0) neither side leads: 50.
    Source: Wilder, "New Concepts in Technical Trading Systems" (1978); seeded with plain means as there.

    >>> rsi = Rsi(2)
    >>> [rsi.update(x) for x in (1.0, 2.0, 1.0, 1.0, 3.0)]
    [None, None, 50.0, 50.0, 90.0]
    """

    __slots__ = ("_down", "_last", "_up", "value")

    def __init__(self, n: int = 14) -> None:
        self._up, self._down = Wilder(n), Wilder(n)
        self._last: float | None = None
        self.value: float | None = None

    def update(self, x: float) -> float | None:
        """Take the next price in; the new RSI, None until warm."""
        last, self._last = self._last, x
        if last is None:
            return None
        change = x - last
        up = self._up.update(max(change, 0.0))
        down = self._down.update(max(-change, 0.0))
        if up is not None and down is not None:
            self.value = 100.0 * up / (up + down) if up + down > 0.0 else 50.0
        return self.value
