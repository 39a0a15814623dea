"""A venue's clock against ours: how far ahead it is, how sure we are, and whether it jumped.

offset = venue's time − ours at the same moment. Two kinds of evidence bound it:

    a message stamped ts_exch, received at ts               offset ≥ ts_exch − ts         (nothing arrives unsent)
    a ping sent t0, time_in t1, time_out t2, answered t3    t2 − t3 ≤ offset ≤ t1 − t0    (NTP's two inequalities)

Messages: the largest ts_exch − ts of each 10 s (the fastest message of it), and the median of the last 12 such windows,
so that one wrong stamp moves nothing. Pings: the shortest round trip of the last 8, widened by 15 ppm of its age
(RFC 5905: clock filter, dispersion).
"""

from __future__ import annotations

from collections import deque
from statistics import median

import msgspec

SECOND = 1_000_000_000
WINDOW = 10 * SECOND
WINDOWS = 12
PINGS = 8
DISPERSION_PPM = 15
PATH = 100_000_000  # ns: the longest that the fastest message is assumed to travel while no ping has measured it
JUMP = 500_000_000  # ns between what we believed and what is seen
PING_AGE = 600 * SECOND  # a ping older than this says nothing
DRIFT_WINDOWS = 3  # windows before a drift is said


class ClockReading(msgspec.Struct, frozen=True, gc=False):
    """`offset_ns` = venue − ours, true within ± `uncertainty_ns`; `source`: "ping" | "ping+stream" | "stream"."""

    offset_ns: int
    uncertainty_ns: int
    source: str


class _Ping(msgspec.Struct, frozen=True, gc=False):
    at: int
    low: int
    high: int


class VenueClock:
    """The offset of one venue's clock, estimated as evidence comes. Time is always an argument; reads change nothing.

    >>> clock = VenueClock()
    >>> clock.offset_ns is None
    True
    >>> clock.heard(ts_exch=1_032_000_000, ts=1_000_000_000)  # 32 ms ahead at least
    False
    >>> clock.ponged(sent=2_000_000_000, time_in=2_040_000_000, time_out=2_041_000_000, ts=2_011_000_000)
    False
    >>> clock.read(now=2_011_000_000)
    ClockReading(offset_ns=36000000, uncertainty_ns=4000000, source='ping+stream')
    """

    __slots__ = ("_begin", "_best", "_doubts", "_lows", "_path", "_pings", "bad_pings", "jumps", "now", "unstamped")

    def __init__(self, path_ns: int = PATH) -> None:
        if path_ns <= 0:
            raise ValueError(f"the assumed longest path must be positive, got {path_ns} ns")
        self._path = path_ns
        self._lows: deque[tuple[int, int]] = deque(maxlen=WINDOWS)  # (begin of window, its largest ts_exch − ts)
        self._doubts: list[tuple[int, int]] = []  # windows that contradict the belief, not yet believed
        self._pings: deque[_Ping] = deque(maxlen=PINGS)
        self._begin = 0  # ns, the running window
        self._best: int | None = None  # its largest ts_exch − ts so far
        self.jumps = self.bad_pings = self.unstamped = 0
        self.now = 0

    # --- evidence

    def heard(self, ts_exch: int, ts: int) -> bool:
        """A message stamped `ts_exch` by the venue came at `ts` of ours (ns); True when this shows a jump.

        A jump is two windows in a row whose fastest message is more than 500 ms off the belief, to the same side; or
        our own time going back by more than 500 ms.
        """
        back = self._advance(ts)
        if ts_exch <= 0:
            self.unstamped += 1
            return back
        ahead = ts_exch - ts
        begin = ts - ts % WINDOW
        if self._best is None:
            self._begin, self._best = begin, ahead
            return back
        if begin <= self._begin:
            self._best = max(self._best, ahead)
            return False
        jumped = self._close(self._begin, self._best)
        self._begin, self._best = begin, ahead
        return jumped

    def ponged(self, sent: int, time_in: int, time_out: int, ts: int) -> bool:
        """A ping sent at `sent` (ours) was answered at `ts`; the venue says when it came and left. True on a jump.

        Impossible stamps (out before in, answered before sent, longer at the venue than away) are counted, not used.
        """
        back = self._advance(ts)
        if sent > ts or time_in > time_out or time_out - time_in > ts - sent:
            self.bad_pings += 1
            return back
        ping = _Ping(ts, time_out - ts, time_in - sent)
        held = self._held_ping(ts)
        jumped = False
        if held is not None:
            low, high = _aged(held, ts)
            jumped = ping.low - high > JUMP or low - ping.high > JUMP
        if jumped:
            self._forget()
        self._pings.append(ping)
        return back or jumped

    def _advance(self, ts: int) -> bool:
        """Move our time on; True when our own clock was set back, which makes all evidence worthless."""
        if self.now - ts > JUMP:
            self._forget()
            self.now = ts
            return True
        self.now = max(self.now, ts)
        return False

    def _close(self, begin: int, best: int) -> bool:
        """A window is over: believe it, doubt it, or change the belief."""
        believed = self._low()
        if believed is None or abs(best - believed) <= JUMP:
            self._doubts.clear()
            self._lows.append((begin, best))
            return False
        if self._doubts and (self._doubts[-1][1] > believed) != (best > believed):
            self._doubts.clear()
        self._doubts.append((begin, best))
        if len(self._doubts) < 2:
            return False
        doubts = self._doubts
        self._forget()
        self._lows.extend(doubts)
        return True

    def _forget(self) -> None:
        self.jumps += 1
        self._lows.clear()
        self._pings.clear()
        self._doubts = []
        self._best = None

    # --- what follows from it

    def read(self, now: int) -> ClockReading | None:
        """The offset at `now` ns of our clock; None until anything was measured.

        With a ping: the middle of its interval, cut from below by the messages unless they contradict it. Without:
        the fastest message is assumed to have travelled between 0 and `path_ns`.
        """
        low, ping = self._low(), self._held_ping(now)
        if ping is None:
            return None if low is None else ClockReading(low + self._path // 2, (self._path + 1) // 2, "stream")
        ping_low, ping_high = _aged(ping, now)
        source = "ping"
        if low is not None and ping_low < low <= ping_high:
            ping_low, source = low, "ping+stream"
        return ClockReading((ping_low + ping_high) // 2, (ping_high - ping_low + 1) // 2, source)

    @property
    def offset_ns(self) -> int | None:
        """Venue's time minus ours, ns, as of the last evidence; None until measured."""
        reading = self.read(self.now)
        return None if reading is None else reading.offset_ns

    @property
    def uncertainty_ns(self) -> int | None:
        """Half the width of the interval that holds the offset, ns; None until measured."""
        reading = self.read(self.now)
        return None if reading is None else reading.uncertainty_ns

    @property
    def drift_ppm(self) -> float | None:
        """How fast the venue's clock runs away from ours, in millionths: the median slope between closed windows.

        None before 3 windows. Source: Theil (1950), Sen (1968).
        """
        lows = list(self._lows)
        if len(lows) < DRIFT_WINDOWS:
            return None
        slopes = [(b[1] - a[1]) / (b[0] - a[0]) for at, a in enumerate(lows) for b in lows[at + 1 :] if b[0] > a[0]]
        return 1e6 * median(slopes) if slopes else None

    def _low(self) -> int | None:
        """The robust lower bound of the offset: the median over closed windows, the running one before the first."""
        if not self._lows:
            return self._best
        lows = sorted(low for _, low in self._lows)
        return lows[(len(lows) - 1) // 2]

    def _held_ping(self, now: int) -> _Ping | None:
        """The ping that bounds best at `now`, None without a recent one."""
        recent = [ping for ping in self._pings if now - ping.at <= PING_AGE]
        return min(recent, key=lambda ping: _width(ping, now), default=None)


def _width(ping: _Ping, now: int) -> int:
    low, high = _aged(ping, now)
    return high - low


def _aged(ping: _Ping, now: int) -> tuple[int, int]:
    """The ping's interval, wider by the dispersion of its age."""
    wider = max(0, now - ping.at) * DISPERSION_PPM // 1_000_000
    return ping.low - wider, ping.high + wider
