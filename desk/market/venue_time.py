"""One venue's time as the desk lives by it: its clock against ours, how late its frames are, and what that forbids.

    |offset| + uncertainty ≤ 500 ms    good     everything
                           ≤ 2 s       off      a warning
                           > 2 s       wrong    no private call, no new risk; unmeasured counts as this

Looked at from beat to beat (a few times a second), never per frame: each look takes the newest stamped update of every
book as evidence. That bounds the offset as well as all of them would, 40 a window and book.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from operator import itemgetter
from typing import Protocol

from desk.market.clock import ClockReading, VenueClock

MILLI = 1_000_000
WARN = 500 * MILLI
LIMIT = 2_000 * MILLI
EASE = 0.8  # a better state is said only this far below its limit: a clock on the edge must not chatter


class ClockState(StrEnum):
    """What the venue's clock is good for, in words for people."""

    UNKNOWN = "not measured"
    GOOD = "ok"
    OFF = "off"
    WRONG = "WRONG"


class Stamped(Protocol):
    """A book whose updates carry the venue's time: `since` the state's begin, `proof` our time of the last frame."""

    link: int
    since: int

    @property
    def proof(self) -> int: ...

    @property
    def ts_exch(self) -> int: ...


Said = tuple[str, str, str]  # level, code, text


class VenueTime:
    """The venue's clock, read at each beat; `lags` of each link; times in ns.

    >>> time = VenueTime()
    >>> time.error_ns, time.refusal
    (None, "the venue's clock is not measured yet: no private calls, no entries")
    >>> time.pong(sent=2_000 * MILLI, time_in=2_040 * MILLI, time_out=2_041 * MILLI, ts=2_011 * MILLI)
    []
    >>> time.reading.offset_ns // MILLI, time.error_ns // MILLI, time.refusal
    (35, 40, '')
    """

    __slots__ = ("_looked", "_warn", "clock", "lags", "limit", "reading", "sampled", "state")

    def __init__(self, warn: int = WARN, limit: int = LIMIT) -> None:
        if not 0 < warn < limit:
            raise ValueError(f"the warning must lie below the limit and above 0, got {warn} and {limit} ns")
        self._warn, self.limit = warn, limit
        self.clock = VenueClock()
        self.reading: ClockReading | None = None
        self.state = ClockState.UNKNOWN
        self.lags: dict[int, int] = {}  # link → how late its newest stamped update came
        self.sampled: list[int] = []  # what the last beat measured of it; empty while no ping has timed the way
        self._looked = 0

    # --- evidence

    def pong(self, sent: int, time_in: int, time_out: int, ts: int) -> list[Said]:
        """A ping was answered; see VenueClock.ponged."""
        jumped = self.clock.ponged(sent, time_in, time_out, ts)
        return self._jumped(jumped) + self._judge(ts)

    def beat(self, books: Iterable[Stamped], now: int) -> list[Said]:
        """Look at what came since the last beat; what a person should know of it."""
        fresh = [(p, book.ts_exch, book.link) for book in books if (p := book.proof) > self._looked and _dated(book)]
        fresh.sort(key=itemgetter(0))
        self._looked = now
        jumps = [self.clock.heard(stamp, proof) for proof, stamp, _ in fresh]
        said = self._jumped(any(jumps)) + self._judge(now)
        timed = self.reading is not None and self.reading.source != "stream"
        self.sampled.clear()
        for proof, stamp, link in fresh:
            self.lags[link] = lag = self._late(proof, stamp)
            if timed:
                self.sampled.append(lag)
        return said

    def restart(self) -> None:
        """Our own clock was set, or stood still: nothing measured before holds."""
        self.clock = VenueClock()
        self.reading = None
        self.state = ClockState.UNKNOWN
        self.lags.clear()

    def _judge(self, now: int) -> list[Said]:
        self.reading = self.clock.read(now)
        error = self.error_ns
        if error is None:
            return []
        before, state = self.state, self._state(error, 1.0)
        if before is ClockState.WRONG or (before is ClockState.OFF and state is ClockState.GOOD):
            state = self._state(error, EASE)
        if state is before:
            return []
        self.state = state
        text = f"the venue's clock is {self.words} against ours"
        if state is ClockState.WRONG:
            limit = self.limit / 1e9
            return [("alarm", "CLOCK_WRONG", f"{text}, limit {limit:g} s: no private calls, no entries; set the clock")]
        if state is ClockState.OFF:
            return [("warn", "CLOCK_OFF", f"{text}: more than {self._warn / MILLI:.0f} ms")]
        return [] if before is ClockState.UNKNOWN else [("info", "CLOCK_OK", text)]

    def _state(self, error: int, share: float) -> ClockState:
        if error > share * self.limit:
            return ClockState.WRONG
        return ClockState.OFF if error > share * self._warn else ClockState.GOOD

    def _jumped(self, jumped: bool) -> list[Said]:
        return [("warn", "VENUE_CLOCK_JUMP", "the venue's clock and ours moved apart by a jump")] if jumped else []

    # --- what follows

    @property
    def error_ns(self) -> int | None:
        """The farthest the two clocks may be apart: |offset| + uncertainty; None until measured."""
        return None if self.reading is None else abs(self.reading.offset_ns) + self.reading.uncertainty_ns

    @property
    def refusal(self) -> str:
        """Why a private call must not be made now, "" when it may."""
        error = self.error_ns
        if error is None:
            return "the venue's clock is not measured yet: no private calls, no entries"
        if error <= self.limit:
            return ""
        return f"the venue's clock is {self.words} against ours, limit {self.limit / 1e9:g} s: no private calls"

    @property
    def words(self) -> str:
        """ "+12 ms ± 3", or "not measured"."""
        reading = self.reading
        if reading is None:
            return ClockState.UNKNOWN.value
        return f"{reading.offset_ns / MILLI:+,.0f} ms ± {reading.uncertainty_ns / MILLI:,.0f}"

    def lag(self, book: Stamped) -> int:
        """How old a book's last update was when we received it, by the venue's stamp and offset-corrected.

        0 where it cannot be known: no stamp, no offset, or a snapshot (on a quiet pair it bears an old time).
        """
        return self._late(book.proof, book.ts_exch) if _dated(book) else 0

    def _late(self, proof: int, stamp: int) -> int:
        return 0 if self.reading is None else max(0, proof + self.reading.offset_ns - stamp)


def _dated(book: Stamped) -> bool:
    """Whether the last frame was an update with a time: a snapshot proves a book at the moment its state begins."""
    return book.ts_exch > 0 and book.proof > book.since
