"""How much a price moves, one bar or value at a time: average true range, exponentially weighted variance."""

from __future__ import annotations

from math import sqrt

from desk.indicators.averages import Wilder


class Atr:
    """Wilder's average true range over `n` bars, in the unit of the prices.

    True range: the largest of high−low, |high−previous close|, |low−previous close|. The first bar has no previous
    close and is not counted, so the value is None until n+1 bars.
    Source: Wilder (1978); the definition of the Skender reference values (others count the first bar's high−low).

    >>> atr = Atr(2)
    >>> [atr.update(*bar) for bar in ((2.0, 1.0, 1.5), (3.0, 2.0, 2.5), (2.5, 2.0, 2.0), (5.0, 4.0, 4.5))]
    [None, None, 1.0, 2.0]
    """

    __slots__ = ("_close", "_mean", "value")

    def __init__(self, n: int = 14) -> None:
        self._mean = Wilder(n)
        self._close: float | None = None
        self.value: float | None = None

    def update(self, high: float, low: float, close: float) -> float | None:
        """Take the next closed bar in; the new range, None until warm."""
        last, self._close = self._close, close
        if last is not None:
            self.value = self._mean.update(max(high, last) - min(low, last))
        return self.value


class EwVar:
    """Exponentially weighted variance around the exponentially weighted mean, α = 2/(n+1); None until `n` values.

    mean += α·d, var = (1−α)·(var + α·d²) with d = x − mean: West's recursion, equal to pandas
    `ewm(span=n, adjust=False).var(bias=True)`. Never negative.

    >>> var = EwVar(3)
    >>> [var.update(x) for x in (1.0, 3.0, 2.0)]
    [None, None, 0.5]
    """

    __slots__ = ("_alpha", "_count", "_n", "_var", "mean", "value")

    def __init__(self, n: int) -> None:
        if n < 2:
            raise ValueError(f"a variance needs a window of at least 2 values, got {n}")
        self._n, self._alpha = n, 2.0 / (n + 1)
        self._count, self._var = 0, 0.0
        self.mean = 0.0
        self.value: float | None = None

    def update(self, x: float) -> float | None:
        """Take the next value in; the new variance, None until warm."""
        if self._count == 0:
            self.mean = x
        else:
            d = x - self.mean
            self.mean += self._alpha * d
            self._var = (1.0 - self._alpha) * (self._var + self._alpha * d * d)
        self._count += 1
        if self._count >= self._n:
            self.value = self._var
        return self.value


class EwStd:
    """Square root of `EwVar`, in the unit of the values; None until `n` values.

    >>> std = EwStd(2)
    >>> [std.update(x) for x in (5.0, 5.0, 5.0)]
    [None, 0.0, 0.0]
    """

    __slots__ = ("_var", "value")

    def __init__(self, n: int) -> None:
        self._var = EwVar(n)
        self.value: float | None = None

    @property
    def mean(self) -> float:
        """The exponentially weighted mean the deviation is taken from; 0 before the first value."""
        return self._var.mean

    def update(self, x: float) -> float | None:
        """Take the next value in; the new deviation, None until warm."""
        var = self._var.update(x)
        if var is not None:
            self.value = sqrt(var)
        return self.value
