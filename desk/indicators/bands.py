"""Bands around a price, one bar at a time: Bollinger, and the squeeze of Bollinger inside Keltner.

Windows are a few dozen bars and bars close once a minute, so each update passes over its window anew: exact for ever,
where running sums would drift and need a repair.
"""

from __future__ import annotations

from collections import deque
from math import fsum, sqrt

from desk.indicators.volatility import Atr


class Bollinger:
    """Mean of the last `n` values ± `width` population standard deviations; `update` gives the mean, None until warm.

    >>> bb = Bollinger(4, 2.0)
    >>> [bb.update(x) for x in (1.0, 1.0, 3.0, 3.0)], bb.sigma, bb.upper, bb.lower, bb.percent_b
    ([None, None, None, 2.0], 1.0, 4.0, 0.0, 0.75)
    """

    __slots__ = ("_width", "_window", "sigma", "value")

    def __init__(self, n: int = 20, width: float = 2.0) -> None:
        if n < 2:
            raise ValueError(f"a band needs a window of at least 2 values, got {n}")
        self._window: deque[float] = deque(maxlen=n)
        self._width = width
        self.value: float | None = None
        self.sigma: float | None = None

    def update(self, x: float) -> float | None:
        """Take the next value in; the new middle, None until warm."""
        window = self._window
        window.append(x)
        n = len(window)
        if n == window.maxlen:
            first = window[0]  # measured from here, a constant window has a deviation of exactly 0
            mean = fsum(v - first for v in window) / n
            self.sigma = sqrt(fsum((v - first - mean) ** 2 for v in window) / n)
            self.value = first + mean
        return self.value

    @property
    def upper(self) -> float | None:
        return None if self.value is None or self.sigma is None else self.value + self._width * self.sigma

    @property
    def lower(self) -> float | None:
        return None if self.value is None or self.sigma is None else self.value - self._width * self.sigma

    @property
    def percent_b(self) -> float | None:
        """Where the last value stands: 0 at the lower band, 1 at the upper; None until warm or while the bands meet."""
        if self.value is None or not self.sigma:
            return None
        return 0.5 + (self._window[-1] - self.value) / (2.0 * self._width * self.sigma)


class Squeeze:
    """TTM squeeze: `on` while Bollinger(n, 2) lies inside Keltner(n, 1.5·ATR n), `fired` on the first bar after.

    Both channels share the middle (SMA n), so "inside" is 2σ < 1.5·ATR. `update` gives the momentum: the end of the
    least-squares line through the last n values of close − mean(mean(highest n, lowest n), SMA n), in price units;
    None until 2n−1 bars. Source: Carter, "Mastering the Trade" (2005).

    >>> squeeze = Squeeze(2)
    >>> for bar in ((3.0, 1.0, 2.0), (3.0, 1.0, 2.0), (3.0, 1.0, 2.0)):
    ...     momentum = squeeze.update(*bar)
    >>> squeeze.on, squeeze.fired, momentum
    (True, False, 0.0)
    """

    __slots__ = ("_atr", "_bb", "_heights", "_highs", "_keltner", "_lows", "_n", "fired", "on", "value")

    def __init__(self, n: int = 20, width: float = 2.0, keltner: float = 1.5) -> None:
        self._n, self._keltner = n, keltner
        self._bb, self._atr = Bollinger(n, width), Atr(n)
        self._highs: deque[float] = deque(maxlen=n)
        self._lows: deque[float] = deque(maxlen=n)
        self._heights: deque[float] = deque(maxlen=n)
        self.on: bool | None = None
        self.fired = False
        self.value: float | None = None

    def update(self, high: float, low: float, close: float) -> float | None:
        """Take the next closed bar in; the new momentum, None until warm."""
        middle, atr = self._bb.update(close), self._atr.update(high, low, close)
        self._highs.append(high)
        self._lows.append(low)
        if middle is None:
            return None
        self._heights.append(close - 0.5 * (0.5 * (max(self._highs) + min(self._lows)) + middle))
        upper = self._bb.upper
        if atr is not None and upper is not None:
            before, self.on = self.on, upper - middle < self._keltner * atr
            self.fired = before is True and not self.on
        if len(self._heights) == self._n:
            self.value = _line_end(self._heights)
        return self.value


def _line_end(values: deque[float]) -> float:
    """The least-squares line through (0, v₀) … (n−1, vₙ₋₁), read at n−1."""
    n = len(values)
    middle = 0.5 * (n - 1)
    mean = fsum(values) / n
    slope = fsum((i - middle) * v for i, v in enumerate(values)) * 12.0 / (n * (n * n - 1.0))
    return mean + slope * middle
