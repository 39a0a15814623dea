"""Volume-weighted average price of a session with its bands, from trades."""

from __future__ import annotations

from math import sqrt

DAY = 86_400_000_000_000


class Vwap:
    """Σpv/Σv since the session began, with σ = √(Σv(p−VWAP)²/Σv); sessions are UTC days, or endless with period 0.

    West's weighted recursion: one pass, no cancellation. Trades of a session that is over are ignored. Prices and
    quantities in any unit; the value is in that of the price.

    >>> vwap = Vwap()
    >>> vwap.update(0, 100.0, 1.0), vwap.update(1, 104.0, 3.0), round(vwap.sigma, 3)
    (100.0, 103.0, 1.732)
    >>> vwap.band(-1.0) < 103.0 < vwap.band(1.0), vwap.update(DAY, 50.0, 1.0)
    (True, 50.0)
    """

    __slots__ = ("_period", "_session", "_spread", "_volume", "value")

    def __init__(self, period: int = DAY) -> None:
        self._period = period
        self._session = -1
        self._volume = self._spread = 0.0
        self.value: float | None = None

    @classmethod
    def of(cls, session: int, volume: float, value: float, spread: float) -> Vwap:
        """The average that has come this far: Σv of the session, Σpv/Σv, Σv(p−VWAP)². No volume: no average yet."""
        vwap = cls()
        vwap._session, vwap._volume, vwap._spread = session, volume, spread
        vwap.value = value if volume > 0.0 else None
        return vwap

    def update(self, ts: int, px: float, qty: float) -> float | None:
        """Take a trade in (`ts` ns UTC, `qty` ≥ 0); the session's average so far, None before its first volume."""
        session = ts // self._period if self._period else 0
        if session < self._session or qty <= 0.0:
            return self.value
        if session > self._session:
            self._session = session
            self._volume = self._spread = 0.0
            self.value = None
        self._volume += qty
        if self.value is None:
            self.value = px
            return px
        away = px - self.value
        self.value += away * qty / self._volume
        self._spread += qty * away * (px - self.value)
        return self.value

    @property
    def sigma(self) -> float | None:
        """Volume-weighted standard deviation around the average, in price units; None without volume."""
        return None if self.value is None else sqrt(max(self._spread, 0.0) / self._volume)

    def band(self, k: float) -> float | None:
        """The line `k` deviations above the average (below for negative k); ±1, ±2, ±3 are the usual ones."""
        sigma = self.sigma
        return None if self.value is None or sigma is None else self.value + k * sigma

    def z(self, px: float) -> float | None:
        """How many deviations `px` lies above the average; None without volume or while all of it had one price."""
        sigma = self.sigma
        return (px - self.value) / sigma if self.value is not None and sigma else None
