"""Moving averages, one value at a time: simple, exponential, Wilder's."""

from __future__ import annotations

from collections import deque
from math import fsum


def _at_least(n: int, least: int) -> int:
    if n < least:
        raise ValueError(f"a window needs at least {least} values, got {n}")
    return n


class Sma:
    """Mean of the last `n` values; None until there are `n`.

    The window is summed afresh each time (fsum, exact): a running sum would drift over days of updates.

    >>> sma = Sma(3)
    >>> [sma.update(x) for x in (1.0, 2.0, 3.0, 7.0)]
    [None, None, 2.0, 4.0]
    """

    __slots__ = ("value", "window")

    def __init__(self, n: int) -> None:
        self.window: deque[float] = deque(maxlen=_at_least(n, 1))
        self.value: float | None = None

    def update(self, x: float) -> float | None:
        """Take the next value in; the new mean, None until warm."""
        window = self.window
        window.append(x)
        if len(window) == window.maxlen:
            self.value = fsum(window) / len(window)
        return self.value


class Ema:
    """Exponential average, α = 2/(n+1), seeded with the mean of the first `n` values; None until then.

    >>> ema = Ema(3)
    >>> [ema.update(x) for x in (1.0, 2.0, 3.0, 7.0)]
    [None, None, 2.0, 4.5]
    """

    __slots__ = ("_alpha", "_count", "_n", "_sum", "value")

    def __init__(self, n: int) -> None:
        self._n = _at_least(n, 1)
        self._alpha = self._weight(n)
        self._count, self._sum = 0, 0.0
        self.value: float | None = None

    @staticmethod
    def _weight(n: int) -> float:
        return 2.0 / (n + 1)

    def update(self, x: float) -> float | None:
        """Take the next value in; the new average, None until warm."""
        if self.value is not None:
            self.value += self._alpha * (x - self.value)
        else:
            self._count += 1
            self._sum += x
            if self._count == self._n:
                self.value = self._sum / self._n
        return self.value


class Wilder(Ema):
    """Wilder's smoothing: an `Ema` with α = 1/n, same seed. The average inside RSI and ATR.

    >>> wilder = Wilder(2)
    >>> [wilder.update(x) for x in (1.0, 3.0, 5.0)]
    [None, 2.0, 3.5]
    """

    __slots__ = ()

    @staticmethod
    def _weight(n: int) -> float:
        return 1.0 / n
