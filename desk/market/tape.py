"""The trade tape of one instrument: each print once, holes named, and who was in a hurry.

A venue numbers its trades by 1. A number already seen is a duplicate (snapshots repeat prints, REST repeats pages); a
number below the newest that was missing fills its hole; a number too far back to know is refused. A hole is a range of
numbers to ask REST for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from desk.market.recent import Recent
from desk.market.streak import Prints
from desk.messages import Trade

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
FAST, SLOW = 10 * SECOND, 60 * SECOND  # the windows in which the tape is read
REACH = 1_000_000  # trade numbers behind the newest that are still told apart
HOLES = 256  # holes kept open; the oldest is given up when another one opens


class TradeTape:
    """Prints of one instrument: counts of what was repeated, late or lost; delta, session VWAP, rolling imbalance.

    All sums are exact integers of ticks and lots. Times are the venue's (`ts_exch`); a print without one counts at the
    newest time known. Sessions are whole multiples of `session` ns since 1970 UTC, a UTC day unless said otherwise.

    >>> from desk.messages import Side
    >>> tape = TradeTape("X/Y@v")
    >>> for number, side in ((7, Side.BUY), (9, Side.SELL), (9, Side.SELL), (11, Side.BUY)):
    ...     new = tape.apply(Trade("X/Y@v", 100 + number, 2, side, number, number * SECOND))
    >>> tape.delta, tape.prints, tape.duplicates, tape.gaps, tape.vwap_cut, tape.imbalance(FAST, now=12 * SECOND)
    (2, 3, 1, ((8, 8), (10, 10)), 109, 0.3333333333333333)
    """

    __slots__ = (
        "_delta", "_first", "_floor", "_holes", "_last_id", "_now", "_prints", "_reach", "_session",
        "_value", "_volume", "begin", "duplicates", "hear", "holes", "inst", "lost", "out_of_order", "past_session",
        "recent", "too_old", "unnumbered",
    )  # fmt: skip

    def __init__(self, inst: str, session: int = DAY, reach: int = REACH, holes: int = HOLES) -> None:
        if session <= 0 or reach <= 0 or holes <= 0:
            raise ValueError(f"session, reach and holes must be positive, got {session}, {reach}, {holes}")
        self.inst = inst
        self.hear: Callable[[bool], None] = _nothing  # before anything is read (or, True, changed): prints may wait
        self._session, self._reach, self.holes = session, reach, holes
        self._first = 0  # the lowest trade number applied
        self._floor = 0  # numbers up to here are not told apart any more
        self._holes: list[tuple[int, int]] = []  # missing numbers as (first, last), ascending
        self.recent = Recent(SLOW)
        self._value = 0  # Σ px·qty of the session
        self._volume = 0  # lots of the session
        self.begin = 0  # ns, when the session began
        self._delta = 0  # lots bought minus lots sold by aggressors, since the tape began
        self._last_id = 0
        self._now = 0  # ns, the newest print
        self._prints = self.duplicates = self.out_of_order = self.too_old = self.unnumbered = 0
        self.lost = 0  # numbers whose hole was given up
        self.past_session = 0  # prints of a session already closed: in the delta, not in the VWAP

    # --- prints

    def apply(self, trade: Trade) -> bool:
        """Take a print in; False when it was refused (a duplicate, or too old to tell)."""
        self.hear(True)
        number = trade.trade_id
        if number == self._last_id + 1 and number > 1:  # the usual case
            self._last_id = number
            if number - self._floor > self._reach:
                self._raise_floor(number - self._reach)
        elif number > 0:
            if not self._numbered(number):
                return False
        else:
            self.unnumbered += 1
        self._add(trade)
        return True

    def _numbered(self, number: int) -> bool:
        """Whether this number is new, keeping the holes."""
        if not self._first:
            self._first = self._last_id = number
        elif number > self._last_id:
            if number > self._last_id + 1:
                self._holes.append((self._last_id + 1, number - 1))
            self._last_id = number
        elif number <= self._floor:
            self.too_old += 1
            return False
        elif number < self._first:  # from before the tape began
            if number + 1 < self._first:
                self._holes.insert(0, (number + 1, self._first - 1))
            self._first = number
            self.out_of_order += 1
        elif not self._fill(number):
            self.duplicates += 1
            return False
        else:
            self.out_of_order += 1
        if self._last_id - self._floor > self._reach:
            self._raise_floor(self._last_id - self._reach)
        while len(self._holes) > self.holes:
            self._raise_floor(self._holes[0][1])
        return True

    def _hole(self, number: int) -> int:
        """The index of the hole that a number is in, -1 when it is in none."""
        at = bisect_left(self._holes, (number + 1, 0)) - 1
        return at if at >= 0 and number <= self._holes[at][1] else -1

    def _fill(self, number: int) -> bool:
        holes, at = self._holes, self._hole(number)
        if at < 0:
            return False
        first, last = holes[at]
        holes[at : at + 1] = [part for part in ((first, number - 1), (number + 1, last)) if part[0] <= part[1]]
        return True

    def _raise_floor(self, floor: int) -> None:
        self._floor = floor
        holes = self._holes
        while holes and holes[0][0] <= floor:
            first, last = holes.pop(0)
            self.lost += min(last, floor) - first + 1
            if last > floor:
                holes.insert(0, (floor + 1, last))

    def _add(self, trade: Trade) -> None:
        px, qty, ts = trade.px, trade.qty, trade.ts_exch
        self._prints += 1
        if ts <= 0:
            ts = self._now
        elif ts > self._now:
            self._now = ts
        lots = qty if trade.side > 0 else -qty
        self._delta += lots
        self.recent.add(ts, lots)
        begin = self.begin
        if ts >= begin + self._session or not self._volume:
            self.begin = ts - ts % self._session
            self._volume, self._value = qty, px * qty
        elif ts >= begin:
            self._volume += qty
            self._value += px * qty
        else:
            self.past_session += 1

    def add(self, prints: Prints) -> None:
        """Take in a streak that began after the newest print; its rows are in `recent` already."""
        self._last_id, self._now = prints.last_id, prints.newest
        if self._last_id - self._floor > self._reach:
            self._raise_floor(self._last_id - self._reach)
        self._prints += prints.number
        self._delta += prints.delta
        self._volume += prints.volume
        self._value += prints.value

    # --- what the tape says

    @property
    def last_id(self) -> int:
        """The newest trade number, 0 before the first."""
        self.hear(False)
        return self._last_id

    @property
    def now(self) -> int:
        """ns, the newest print."""
        self.hear(False)
        return self._now

    @property
    def prints(self) -> int:
        """How many there are."""
        self.hear(False)
        return self._prints

    @property
    def delta(self) -> int:
        """Lots bought minus lots sold by aggressors, since the tape began."""
        self.hear(False)
        return self._delta

    @property
    def volume(self) -> int:
        """Lots of the session."""
        self.hear(False)
        return self._volume

    @property
    def ends(self) -> int:
        """ns, the end of the session; 0 before its first lot."""
        return self.begin + self._session if self._volume else 0

    @property
    def gaps(self) -> tuple[tuple[int, int], ...]:
        """Missing trade numbers as (first, last), ascending: what to ask REST for."""
        return tuple(self._holes)

    @property
    def first_id(self) -> int:
        """The lowest trade number on the tape, 0 before the first."""
        return self._first

    @property
    def open_holes(self) -> int:
        """How many holes there are."""
        return len(self._holes)

    def lacks(self, number: int) -> bool:
        """Whether this number is in a hole."""
        return self._hole(number) >= 0

    def forgo(self) -> None:
        """Give up the oldest hole: the venue itself does not have its numbers."""
        first, last = self._holes.pop(0)
        self.lost += last - first + 1

    @property
    def vwap(self) -> float | None:
        """Σ px·qty / Σ qty of the session, in ticks; None before its first lot."""
        self.hear(False)
        return self._value / self._volume if self._volume else None

    @property
    def vwap_cut(self) -> int | None:
        """The same cut, not rounded, to whole ticks: the number Kraken publishes. None before the first lot."""
        self.hear(False)
        return self._value // self._volume if self._volume else None

    def volumes(self, window: int, now: int) -> tuple[int, int] | None:
        """Lots bought and sold by aggressors over (now − window, now], `window` ≤ 60 s.

        `now` by the venue's clock; one before the newest print reads as its time. None when more prints came than are
        kept (65 536 a side and minute).
        """
        return self.recent.volumes(window, max(now, self.now))

    def imbalance(self, window: int, now: int) -> float | None:
        """(V_buy − V_sell) / (V_buy + V_sell) of the same window, in [−1, 1]; None where nothing was traded."""
        volumes = self.volumes(window, now)
        if volumes is None or not (total := volumes[0] + volumes[1]):
            return None
        return (volumes[0] - volumes[1]) / total


def _nothing(changes: bool) -> None:
    """Nobody takes prints in beside us."""
