"""Our place in a queue we cannot see, and what we already took from a book that does not know us. SIMULATED.

The displayed quantity at our price when we arrive stands ahead of us. Only trades at our price shorten it: a cancel may
have been behind us, so it is never credited. That is the risk-averse end of the queue models; the truth lies between
it and crediting every cancel.
"""

from __future__ import annotations

from collections.abc import Sequence

from desk.messages import Side

Levels = Sequence[tuple[int, int, int]]  # (price, quantity, orders), best first


class Resting:
    """One of our orders in the book: `ahead` lots wait before it, None while its level lies beyond what we can see."""

    __slots__ = ("ahead", "inst", "left", "order_id", "px", "side")

    def __init__(self, order_id: str, inst: str, side: Side, px: int, left: int, ahead: int | None) -> None:
        self.order_id, self.inst, self.side, self.px, self.left, self.ahead = order_id, inst, side, px, left, ahead

    def traded(self, px: int, volume: int) -> int:
        """Lots of ours that fill when `volume` trades at `px` against our side; shortens the queue ahead.

        Through our price everything fills: the whole level had to go first.
        """
        if (self.px - px) * self.side > 0:
            return self.left
        if px != self.px or self.ahead is None:
            return 0
        passed = min(self.ahead, volume)
        self.ahead -= passed
        return min(self.left, volume - passed)


class Taken:
    """Displayed quantity our own orders used up on one side of a book, per level, until the level shows another.

    The book is not told of our simulated fills, so without this the same displayed lots could fill us twice. A level
    that sinks `SLACK` levels deeper than we ever walked is forgotten: what comes back from there is new.
    """

    __slots__ = ("_levels", "_walked")
    SLACK = 10

    def __init__(self) -> None:
        self._levels: dict[int, tuple[int, int]] = {}  # price → (displayed, used)
        self._walked = 0

    @property
    def depth(self) -> int:
        """Levels that have to be looked at after a change of the book; 0 while nothing is used up."""
        return self._walked + self.SLACK if self._levels else 0

    def left(self, px: int, shown: int) -> int:
        """What is still to be had of `shown` lots displayed at this price."""
        displayed, used = self._levels.get(px, (shown, 0))
        return shown - used if displayed == shown else shown

    def take(self, px: int, shown: int, lots: int, level: int) -> None:
        """Use up `lots` of the `shown` ones at the `level`-th best price (from 0)."""
        self._walked = max(self._walked, level + 1) if self._levels else level + 1
        self._levels[px] = (shown, shown - self.left(px, shown) + lots)

    def changed(self, levels: Levels) -> None:
        """Forget every price that is gone or shows another quantity among the best `depth` levels now."""
        shown = {px: qty for px, qty, _ in levels}
        self._levels = {px: had for px, had in self._levels.items() if shown.get(px) == had[0]}


def ahead_at(px: int, side: Side, levels: Levels) -> int | None:
    """Lots displayed at our price on our side: the queue we join. None when the price lies deeper than the book shows.

    A price better than every displayed one has nobody ahead.

    >>> bids = [(100, 5, 2), (98, 7, 1)]
    >>> ahead_at(100, Side.BUY, bids), ahead_at(99, Side.BUY, bids), ahead_at(101, Side.BUY, bids)
    (5, 0, 0)
    >>> ahead_at(97, Side.BUY, bids) is None
    True
    """
    for level_px, qty, _ in levels:
        if level_px == px:
            return qty
        if (px - level_px) * side > 0:
            return 0
    return None
