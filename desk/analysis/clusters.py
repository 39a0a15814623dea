"""Book clusters: prices where much more rests than around them, and goes on resting there.

One look at a book proves little, since most large orders are gone within seconds. So the book is looked at every ten
seconds, and a cell of it counts by the median of its looks: what it held more than half of the time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from statistics import median

from desk.analysis.findings import Cluster
from desk.instrument import Instrument

LOOK_NS = 10_000_000_000
KEPT = 90  # looks: the last 15 minutes
FEWEST_LOOKS = 30  # five minutes
REACH = 0.02  # of the mid, on each side
CELL_BPS = 5.0
AROUND = 8  # nearest other cells of the side; with fewer there is no "around"
TIMES = 4.0  # their median
MOST = 3  # a side
Levels = Sequence[tuple[int, int, int]]  # (ticks, lots, orders), best first
Cells = dict[int, tuple[int, int, int]]  # cell → (ticks × lots, most lots at one price, that price)


class Looks:
    """The last 15 minutes of one book, by cells of about 5 bps, fixed at the first look."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.next = 0  # ns
        self.cell = 0  # ticks
        self.kept: deque[tuple[Cells, Cells]] = deque(maxlen=KEPT)

    def look(self, ts: int, bids: Levels, asks: Levels) -> None:
        """Keep what a proven, two-sided book holds, if it is time to look again."""
        if ts < self.next:
            return
        self.next = ts - ts % LOOK_NS + LOOK_NS
        mid = (bids[0][0] + asks[0][0]) / 2
        if not self.cell:
            self.cell = max(1, round(mid * CELL_BPS / 1e4))
        self.kept.append((self._cells(bids, mid * (1 - REACH), mid), self._cells(asks, mid, mid * (1 + REACH))))

    def _cells(self, side: Levels, low: float, high: float) -> Cells:
        cells: Cells = {}
        for px, qty, _ in side:
            if not low <= px <= high:
                break
            value, most, price = cells.get(px // self.cell, (0, 0, 0))
            cells[px // self.cell] = (value + px * qty, *((qty, px) if qty > most else (most, price)))
        return cells

    def clusters(self) -> tuple[Cluster, ...]:
        """By price, the three fullest a side of the cells that held four times the median of the eight nearest to them.

        Nearest, because a book is fuller near its touch, and every cell there would stand out from those far away.
        Empty below five minutes of looks, and for a side of fewer than nine cells: a shallow book has no "around".
        """
        if len(self.kept) < FEWEST_LOOKS:
            return ()
        found = [c for number, side in enumerate(("bid", "ask")) for c in self._of(number, side)]
        return tuple(sorted(found, key=lambda c: c.price))

    def _of(self, number: int, side: str) -> list[Cluster]:
        looks = [look[number] for look in self.kept]
        cells = sorted({cell for look in looks for cell in look})
        held = {cell: median(look[cell][0] if cell in look else 0 for look in looks) for cell in cells}
        held = {cell: value for cell, value in held.items() if value > 0}
        if len(held) <= AROUND:
            return []
        unit = self.instrument.price(1) * self.instrument.quantity(1)  # quote currency of one lot at one tick
        out = []
        for cell, value in held.items():
            near = sorted(held, key=lambda other: (abs(other - cell), other))[1 : AROUND + 1]
            around = median(held[other] for other in near)
            if value >= TIMES * around:
                there = [look[cell] for look in looks if cell in look]
                price = self.instrument.price(max(there, key=lambda seen: seen[1])[2])
                out.append(Cluster(price, side, value * unit, value / around, len(there), len(looks)))
        return sorted(out, key=lambda c: (-c.value, c.price))[:MOST]
