"""Order flow at the touch and at the best levels: who adds, who takes away, per event and over windows.

The event's flow (Cont, Kukanov, Stoikov, "The Price Impact of Order Book Events", 2014), with b, q_b the best bid and
its size, a, q_a the best ask and its size, primes after the event:

    e = 1[b'≥b]·q'_b − 1[b'≤b]·q_b − 1[a'≤a]·q'_a + 1[a'≥a]·q_a

It explains the price move of the same interval; it does not forecast the next one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import sqrt
from typing import Protocol

from desk.kernels.touch import KNOWN, NOW
from desk.market.ring import Ring
from desk.market.rolling import RollingSum
from desk.messages import Side

SECOND = 1_000_000_000
WINDOWS = (1 * SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND)
Z_WINDOW = 10 * SECOND
Z_SAMPLES = 600  # one a second: the ten minutes that a sum is compared with
Z_ENOUGH = 60
QUIET = 30  # seconds after the last change of the book that are still sampled: beyond, its sums are all 0
LEVELS = 5
CHUNK = 16  # levels listed at first when a band is counted; doubled until the band ends
NO_BID, NO_ASK = -(1 << 62), 1 << 62  # prices of an absent level: worse than any

Level = tuple[int, int, int]  # price in ticks, quantity in lots, resting orders


def bid_flow(px: int, qty: int, new_px: int, new_qty: int) -> int:
    """The bid side's part of e in lots: 1[b'≥b]·q'_b − 1[b'≤b]·q_b."""
    if new_px == px:
        return new_qty - qty
    return new_qty if new_px > px else -qty


def ask_flow(px: int, qty: int, new_px: int, new_qty: int) -> int:
    """The ask side's part of e in lots: −1[a'≤a]·q'_a + 1[a'≥a]·q_a.

    >>> touches = ((100, 5, 101, 7), (100, 8, 101, 7), (101, 2, 102, 4), (101, 1, 102, 9), (100, 6, 102, 9))
    >>> [bid_flow(*was[:2], *now[:2]) + ask_flow(*was[2:], *now[2:]) for was, now in zip(touches, touches[1:])]
    [3, 9, -6, -1]
    """
    if new_px == px:
        return qty - new_qty
    return qty if new_px > px else -new_qty


class TouchFlow:
    """Order-flow imbalance at the best quotes: sums of e over 1, 5, 10 and 30 s, and a z-score.

    Lots, exact. The z-score compares the 10 s sum with its own last 600 values, taken once a second at whole seconds t
    over [t − 10 s, t) while the book moves: how often `sample` is asked does not change them. Events come in through
    desk.market.touches.

    >>> from desk.market.touches import Touches
    >>> touches = Touches()
    >>> touch = ((100, 5, 101, 7), (100, 8, 101, 7), (101, 2, 102, 4), (101, 1, 102, 9), (100, 6, 102, 9))
    >>> for second, each in enumerate(touch):  # e = 3, 9, -6, -1
    ...     touches.apply(second * SECOND, *each)
    >>> flow, now = touches.flow, 4 * SECOND
    >>> flow.sum(SECOND, now), flow.sum(10 * SECOND, now), flow.zscore(now)
    (-1, 5, None)
    """

    __slots__ = ("_next", "_samples", "_squares", "_total", "_words", "ring")

    def __init__(self, words: memoryview[int], ring: Ring) -> None:
        self._words, self.ring = words, ring  # of desk.kernels.touch: the block, and its ring of flows
        self._samples: deque[int] = deque()
        self._total = self._squares = 0  # of the samples: exact, so that nothing drifts
        self._next = 0

    @property
    def known(self) -> bool:
        """Whether there was a touch since the book was lost."""
        return self._words[KNOWN // 8] != 0

    @property
    def now(self) -> int:
        """ns of the newest event."""
        return self._words[NOW // 8]

    def begin(self, ts: int) -> None:
        """The first touch comes at `ts`."""
        self._next = (ts + Z_WINDOW) // SECOND * SECOND + SECOND

    def reached(self, ts: int) -> None:
        """Events up to `ts` left the touch alone."""
        self._words[NOW // 8] = max(self.now, ts)

    @property
    def due(self) -> int:
        """ns of the next second that is sampled."""
        return self._next

    def sample(self, ts: int) -> None:
        """Take the samples that are due at `ts`, before the event of that time; the newest one before was `now`."""
        if ts < self._next or not self.known:
            return
        until = min(ts, self.now + QUIET * SECOND)
        while self._next <= until:
            value = self._between(self._next - 1 - Z_WINDOW, self._next - 1)
            self._next += SECOND
            if value is None:
                continue
            if len(self._samples) == Z_SAMPLES:
                old = self._samples.popleft()
                self._total -= old
                self._squares -= old * old
            self._samples.append(value)
            self._total += value
            self._squares += value * value
        self._next = max(self._next, ts // SECOND * SECOND + SECOND)

    def sum(self, window: int, now: int) -> int | None:
        """Σ e over (now − window, now], lots, `window` ≤ 30 s; from the start where that is later.

        None before the first touch, and where more events came than are kept.
        """
        now = max(now, self.now)
        return self._between(now - window, now) if self.known else None

    def _between(self, begin: int, end: int) -> int | None:
        """Σ e over (begin, end], None where it is not known any more."""
        ring = self.ring
        if not len(ring):
            return 0
        return None if ring.horizon is not None and begin < ring.horizon else self._upto(end) - self._upto(begin)

    def _upto(self, ts: int) -> int:
        """Σ e of the events kept, and of all before them, up to `ts`."""
        row = self.ring.before(ts)
        return row.total + row.value if row is not None else self.ring.first.total

    def zscore(self, now: int) -> float | None:
        """(Σ e over 10 s − mean) / sd, against the last 600 sampled sums (population sd).

        None before 60 samples, and where they do not vary.
        """
        n, value = len(self._samples), self.sum(Z_WINDOW, now)
        spread = n * self._squares - self._total * self._total
        if value is None or n < Z_ENOUGH or not spread:
            return None
        return (n * value - self._total) / sqrt(spread)


class LevelFlow:
    """Order-flow imbalance level by level, over `window` ns, normalised by the mean depth.

    The same e for the m-th best level of each side, m = 1…`levels`, summed over the window and divided by
    Q̄ = mean over the window's events of Σ sizes / (2·levels): what the events added, in mean levels. A level that a
    side does not have is one of size 0 at a price worse than any. Source: Cont, Cucuringu, Zhang, "Cross-impact of
    order flow imbalance in equity markets" (2021), section 2.

    >>> flow = LevelFlow(levels=2)
    >>> flow.apply(1, [(100, 5, 0), (99, 4, 0)], [(101, 7, 0)])
    >>> flow.apply(2, [(100, 9, 0), (99, 4, 0)], [(101, 7, 0), (103, 1, 0)])
    >>> flow.sums(now=2), flow.depth(now=2), flow.normalised(now=2)
    ((4, -1), 4.625, (0.8648648648648649, -0.21621621621621623))
    """

    __slots__ = ("_asks", "_bids", "_depth", "_held", "_sums", "_window", "levels", "now")

    def __init__(self, levels: int = LEVELS, window: int = 10 * SECOND) -> None:
        if levels < 1:
            raise ValueError(f"flow needs at least 1 level, got {levels}")
        self.levels, self._window = levels, window
        self._sums = tuple(RollingSum(window) for _ in range(levels))
        self._held = RollingSum(window)  # Σ sizes of each event
        self.restart()

    def restart(self) -> None:
        """The book was lost: begin again."""
        self._bids: list[Level] | None = None
        self._asks: list[Level] = []
        self._depth = self.now = 0
        for each in (*self._sums, self._held):
            each.clear()

    def apply(self, ts: int, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        """Take the book after an event in; best levels first, at least `levels` a side where it has them."""
        levels = self.levels
        new_bids, new_asks = list(bids[:levels]), list(asks[:levels])
        ts = self.now = max(ts, self.now)
        old_bids, old_asks = self._bids, self._asks
        if old_bids is None:
            flows = None
        else:
            flows = [0] * levels
            if new_bids != old_bids:
                _add_side(flows, old_bids, new_bids, NO_BID, 1)
            if new_asks != old_asks:
                _add_side(flows, old_asks, new_asks, NO_ASK, -1)
        if flows is None or new_bids != old_bids or new_asks != old_asks:
            self._depth = sum([level[1] for level in new_bids]) + sum([level[1] for level in new_asks])
            self._bids, self._asks = new_bids, new_asks
        self._held.add(ts, self._depth)
        for at, e in enumerate(flows or ()):
            if e:
                self._sums[at].add(ts, e)

    def sums(self, now: int) -> tuple[int, ...] | None:
        """Σ e per level over the window, best level first, lots; None before the first book."""
        if self._bids is None:
            return None
        now = max(now, self.now)
        sums = [each.sum(self._window, now) for each in self._sums]
        known = tuple(each for each in sums if each is not None)
        return known if len(known) == self.levels else None

    def depth(self, now: int) -> float | None:
        """Q̄: mean size of a level over the window's events, lots; None where there was no event or no size."""
        now = max(now, self.now)
        total, count = self._held.sum(self._window, now), self._held.count(self._window, now)
        return total / (2 * self.levels * count) if total and count else None

    def normalised(self, now: int) -> tuple[float, ...] | None:
        """Σ e / Q̄ per level, best first: in mean levels, no fixed range. None where either is."""
        sums, depth = self.sums(now), self.depth(now)
        return None if sums is None or depth is None else tuple(each / depth for each in sums)


def _add_side(flows: list[int], old: list[Level], new: list[Level], absent: int, sign: int) -> None:
    """Add one side's part of e to each level's flow."""
    one = bid_flow if sign > 0 else ask_flow
    for at in range(max(len(old), len(new))):
        px, qty, _ = old[at] if at < len(old) else (absent, 0, 0)
        new_px, new_qty, _ = new[at] if at < len(new) else (absent, 0, 0)
        flows[at] += one(px, qty, new_px, new_qty)


class Levelled(Protocol):
    """A book of any kind that can list its best levels."""

    def levels(self, side: Side, count: int) -> list[Level]: ...


def orders_within(book: Levelled, side: Side, ticks: int) -> tuple[int, int]:
    """(orders, lots) resting at most `ticks` from their own best price; (0, 0) on an empty side.

    Orders are counted by books that know them (L3); a book of levels counts 0. The cost grows with the levels in the
    band, not with the depth of the book.
    """
    count = CHUNK
    while True:
        levels = book.levels(side, count)
        if len(levels) < count or abs(levels[-1][0] - levels[0][0]) > ticks:
            break
        count *= 2
    inside = [level for level in levels if abs(level[0] - levels[0][0]) <= ticks]
    return sum(level[2] for level in inside), sum(level[1] for level in inside)
