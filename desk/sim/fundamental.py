"""What the assets are worth: one seeded path for BTC, ETH, XRP and USDT, a function of absolute time and nothing else.

Everything of the simulated market hangs on this path: the candles of the past, and the orders of now. It is made from
coarse to fine, so that any moment can be computed without the moments before it:

    sessions of 4 h   a regime (trend, range, volatile) from a Markov chain, a clustering volatility, a return for each
                      asset; log levels fall back slowly towards their anchors, USDT quickly towards 1
    minutes           Gaussian steps with intraday seasons, tied to the levels of the two session ends (a bridge)
    half seconds      steps of very uneven size (bursts), tied to the two ends of their minute

Because it knows no start, a market opened tomorrow with the same seed has today's path in its past. Ties make a path
neither smoother nor more predictable than its regime: given the session's return they are exact for Gaussian steps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from desk.sim.dice import stream

Floats = NDArray[np.float64]

MINUTE = 60_000_000_000
STEPS = 120  # of a minute
STEP = MINUTE // STEPS
DAY_MINUTES = 1440
SESSION_MINUTES = 240
SESSIONS = DAY_MINUTES // SESSION_MINUTES  # of a day

ASSETS = ("BTC", "ETH", "XRP", "USDT")
ANCHOR = (64_000.0, 1_880.0, 1.12, 1.0)  # USD
RATIO = np.array([1.0, 1.25, 1.5])  # volatility against BTC
LOAD = np.array([1.0, 0.80, 0.65])  # correlation with BTC
OWN = np.sqrt(1.0 - LOAD**2)
MINUTE_SIGMA = 6.2e-4  # of BTC in a median minute: 24 bps in a quarter of an hour
PULL = 0.9978  # of a log level towards its anchor, per session: half-life 52 days
PEG_PULL, PEG_SIGMA, PEG_MINUTE = 0.85, 2.0e-4, 1.5e-5  # USDT: a few bps around 1, hours long
VOL_PULL, VOL_SIGMA = 0.90, 0.13  # log volatility from session to session: standard deviation 0.3
KNOT = 20  # minutes between the knots of the intraday volatility
KEPT_DAYS, KEPT_MINUTES = 4, 64
BLOCK = 1200  # sessions drawn at once
AGES = 2_000 * SESSIONS  # the chain begins at a multiple of this …
LEAD = 1_200 * SESSIONS  # … at least this long before the first session asked for; its start is forgotten by then
SHIFT = 1 << 24  # makes keys of days and blocks before 1970 positive


class Regime(NamedTuple):
    """How a session moves: volatility within it, drift and size of its return (in units of its own volatility)."""

    name: str
    volatility: float
    drift: float
    reach: float
    next: tuple[float, float]  # cumulative probabilities: trend, range, (volatile)


REGIMES = (
    Regime("trend", 1.0, 0.7, 0.8, (0.62, 0.90)),
    Regime("range", 0.8, 0.0, 0.4, (0.24, 0.88)),
    Regime("volatile", 1.6, 0.0, 1.0, (0.32, 0.66)),
)


class Day(NamedTuple):
    """One UTC day. `levels` (4, 1441): log USD price of each asset at each minute's begin; the rest (1440,)."""

    levels: Floats
    sigma: Floats  # of BTC's log return in the minute
    pace: Floats  # activity against a median minute


def _season() -> Floats:
    """Volatility by minute of the UTC day: quiet at night, busy from London's morning on, busiest as New York opens."""
    minute = np.arange(DAY_MINUTES)

    def hump(at: float, width: float) -> Floats:
        away = (minute - at * 60 + 720) % 1440 - 720
        return np.asarray(np.exp(-0.5 * (away / (width * 60)) ** 2), np.float64)

    shape = 0.75 + 0.30 * hump(8.0, 1.5) + 0.65 * hump(14.5, 2.0) + 0.15 * hump(1.0, 1.0)
    return np.asarray(shape / np.sqrt(np.mean(shape**2)))


SEASON = _season()
SESSION_SEASON = np.sqrt(np.mean(SEASON.reshape(SESSIONS, -1) ** 2, axis=1)).tolist()


class Fundamentals:
    """The path of one seed. Ask for days and minutes in any order; the answer is always the same."""

    def __init__(self, seed: int, first_minute: int) -> None:
        if seed < 0:
            raise ValueError(f"seed {seed}: must be 0 or more")
        self.seed = seed
        session = first_minute // SESSION_MINUTES
        self._first = (session - LEAD) // AGES * AGES  # number of the chain's first session
        self._levels: list[tuple[float, ...]] = [(0.0, 0.0, 0.0, 0.0)]  # at each session's begin, from the anchor
        self._sigmas: list[float] = []  # BTC, whole session
        self._regimes: list[int] = []
        self._state = (1, 1.0, 0.0)  # regime, direction, log volatility
        self._days: dict[int, Day] = {}
        self._minutes: dict[int, Floats] = {}

    def regime(self, minute: int) -> str:
        """The regime of a minute's session."""
        session = minute // SESSION_MINUTES
        self._reach(session)
        return REGIMES[self._regimes[session - self._first]].name

    def day(self, day: int) -> Day:
        """The UTC day with this number (since 1970), minute by minute."""
        found = self._days.get(day)
        if found is None:
            found = self._days[day] = self._day(day)
            if len(self._days) > KEPT_DAYS:
                del self._days[next(iter(self._days))]
        return found

    def minute(self, minute: int) -> Floats:
        """(4, 121): log USD price of each asset at each half second of a minute (number since 1970), both ends in."""
        found = self._minutes.get(minute)
        if found is None:
            found = self._minutes[minute] = self._minute(minute)
            if len(self._minutes) > KEPT_MINUTES:
                del self._minutes[next(iter(self._minutes))]
        return found

    # --- inside

    def _reach(self, session: int) -> None:
        """Continue the chain of sessions until `session` is in it."""
        if session < self._first:
            raise ValueError(f"session {session} is before the first, {self._first}")
        while self._first + len(self._sigmas) <= session:
            self._block(self._first + len(self._sigmas))

    def _block(self, first: int) -> None:
        dice = stream(self.seed, "sessions", first // BLOCK + SHIFT)
        normal, uniform = dice.standard_normal((BLOCK, 5)).tolist(), dice.random((BLOCK, 2)).tolist()
        regime, direction, log_vol = self._state
        base = MINUTE_SIGMA * SESSION_MINUTES**0.5
        loads = list(zip(RATIO.tolist(), LOAD.tolist(), OWN.tolist(), strict=True))
        for number, (z, (where, way)) in enumerate(zip(normal, uniform, strict=True), first):
            trend, ranging = REGIMES[regime].next
            entered = 0 if where < trend else 1 if where < ranging else 2
            if entered != regime:
                direction = 1.0 if way < 0.5 else -1.0
            regime = entered
            kind = REGIMES[regime]
            log_vol = VOL_PULL * log_vol + VOL_SIGMA * z[4]
            weekend = 0.75 if (number // SESSIONS + 4) % 7 in (0, 6) else 1.0  # day 0 was a Thursday
            sigma = base * kind.volatility * float(np.exp(log_vol)) * weekend * SESSION_SEASON[number % SESSIONS]
            common = direction * kind.drift + kind.reach * z[0]
            at = self._levels[-1]
            moved = [
                PULL * at[i] + sigma * ratio * (load * common + own * kind.reach * z[i])
                for i, (ratio, load, own) in enumerate(loads)
            ]
            self._levels.append((*moved, PEG_PULL * at[3] + PEG_SIGMA * z[3]))
            self._sigmas.append(sigma)
            self._regimes.append(regime)
        self._state = (regime, direction, log_vol)

    def _day(self, day: int) -> Day:
        first = day * SESSIONS
        self._reach(first + SESSIONS)
        i = first - self._first
        ends = np.array(self._levels[i : i + SESSIONS + 1]).T  # (4, 7)
        dice = stream(self.seed, "day", day + SHIFT)
        knots = dice.standard_normal(DAY_MINUTES // KNOT + 1)
        shock = dice.random(DAY_MINUTES)
        normal = dice.standard_normal((4, DAY_MINUTES))
        log_vol = np.interp(np.arange(DAY_MINUTES), np.arange(len(knots)) * KNOT, 0.35 * knots)
        shape = SEASON * np.exp(log_vol) * np.where(shock < 0.003, 3.0, 1.0)
        parts = shape.reshape(SESSIONS, -1)
        share = parts**2 / np.sum(parts**2, axis=1, keepdims=True)  # of the session's variance, (6, 240)
        sigma = (np.sqrt(share) * np.array(self._sigmas[i : i + SESSIONS])[:, None]).ravel()
        returns = _returns(sigma, np.full(DAY_MINUTES, PEG_MINUTE), normal).reshape(4, SESSIONS, -1)
        returns += share * (np.diff(ends, axis=1) - returns.sum(axis=2))[:, :, None]
        levels = np.empty((4, DAY_MINUTES + 1))
        levels[:, 0] = ends[:, 0]
        np.cumsum(returns.reshape(4, -1), axis=1, out=levels[:, 1:])
        levels[:, 1:] += ends[:, :1]
        levels += np.log(ANCHOR)[:, None]
        return Day(levels, sigma, np.clip((sigma / MINUTE_SIGMA) ** 0.8, 0.35, 5.0))

    def _minute(self, minute: int) -> Floats:
        day = self.day(minute // DAY_MINUTES)
        at = minute % DAY_MINUTES
        normal = stream(self.seed, "minute", minute + SHIFT * DAY_MINUTES).standard_normal((5, STEPS))
        uneven = np.exp(0.9 * normal[4])
        share = uneven**2 / np.sum(uneven**2)
        root = np.sqrt(share)
        returns = _returns(day.sigma[at] * root, PEG_MINUTE * root, normal[:4])
        ends = day.levels[:, at : at + 2]
        returns += share * (ends[:, 1] - ends[:, 0] - returns.sum(axis=1))[:, None]
        path = np.empty((4, STEPS + 1))
        path[:, 0] = 0.0
        np.cumsum(returns, axis=1, out=path[:, 1:])
        path += ends[:, :1]
        return path


def _returns(sigma: Floats, peg: Floats, normal: Floats) -> Floats:
    """(4, n) log returns: three correlated assets of volatility `sigma` (BTC's), and the peg's own."""
    returns = np.empty_like(normal)
    returns[:3] = LOAD[:, None] * normal[0] + OWN[:, None] * normal[:3]
    returns[:3] *= RATIO[:, None] * sigma
    returns[3] = peg * normal[3]
    return returns
