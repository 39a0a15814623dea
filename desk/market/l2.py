"""Price-level order book on integer ticks and lots.

Rules, each of which breaks real books when forgotten (kraken.md, section 3):
    - the entries of one message are applied in order: the same price may come several times;
    - a quantity of 0 removes the level; removing one we no longer hold is normal;
    - after the whole message, and not before, both sides are cut to the subscribed depth: a level that an insertion
      pushed out is never deleted on the wire;
    - a snapshot replaces, never merges.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from desk.market.checksum import LEVELS, digits_crc
from desk.market.sides import TwoSided
from desk.messages import BookUpdate, Side


class L2Side:
    """One side: quantities by price, and the prices sorted best first as signed keys (bids negated)."""

    __slots__ = ("digits", "keys", "qty", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign  # −1 for bids: sorting ascending by sign·price puts the best first
        self.keys: list[int] = []
        self.qty: dict[int, int] = {}
        self.digits: dict[int, str] = {}  # of the checksum, kept per level: one level changes at a time

    def apply(self, levels: Iterable[tuple[int, int]]) -> None:
        """Apply (price, quantity) entries in order."""
        qty, keys, digits, sign = self.qty, self.keys, self.digits, self.sign
        for px, lots in levels:
            key = sign * px
            if lots:
                if key not in qty:
                    insort(keys, key)
                qty[key] = lots
                digits[key] = f"{px}{lots}"
            elif key in qty:
                del qty[key], digits[key]
                del keys[bisect_left(keys, key)]

    def cut(self, depth: int) -> None:
        """Keep the best `depth` levels."""
        if len(self.keys) > depth:
            for key in self.keys[depth:]:
                del self.qty[key], self.digits[key]
            del self.keys[depth:]

    def best(self, count: int) -> list[tuple[int, int]]:
        """The best `count` levels as (price, quantity), best first."""
        qty, sign = self.qty, self.sign
        return [(sign * key, qty[key]) for key in self.keys[:count]]

    def clear(self) -> None:
        self.keys.clear()
        self.qty.clear()
        self.digits.clear()

    def checked(self) -> Iterable[str]:
        """The digits that enter the checksum, best level first."""
        return map(self.digits.__getitem__, self.keys[:LEVELS])


class L2Book(TwoSided):
    """Both sides of one instrument, cut to `depth` after every message.

    >>> book = L2Book(depth=10)
    >>> book.apply(BookUpdate("X@v", bids=((99, 5), (98, 1)), asks=((101, 2),), snapshot=True))
    >>> book.bids.best(1), book.asks.best(1), book.crossed
    ([(99, 5)], [(101, 2)], False)
    """

    __slots__ = ("asks", "bids", "depth")
    tier = "L2"
    bids: L2Side
    asks: L2Side

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.bids = L2Side(-1)
        self.asks = L2Side(1)

    def apply(self, update: BookUpdate) -> None:
        """Apply one message whole: a snapshot replaces, an update is merged, then both sides are cut to depth."""
        bids, asks = self.bids, self.asks
        if update.snapshot:
            self.clear()
        if update.bids:
            bids.apply(update.bids)
            bids.cut(self.depth)
        if update.asks:
            asks.apply(update.asks)
            asks.cut(self.depth)

    @property
    def checksum(self) -> int:
        return digits_crc(self.asks.checked(), self.bids.checked())

    def levels(self, side: Side, count: int) -> list[tuple[int, int, int]]:
        """The best `count` levels as (price, quantity, order count); an L2 book does not know its orders: 0."""
        book = self.bids if side is Side.BUY else self.asks
        return [(px, qty, 0) for px, qty in book.best(count)]

    def size(self) -> tuple[int, int]:
        """Levels held: (bids, asks)."""
        return len(self.bids.keys), len(self.asks.keys)

    def check(self) -> None:
        """Raise AssertionError unless the structure is whole: sorted, no price twice, quantities positive, cut."""
        for side in (self.bids, self.asks):
            assert side.keys == sorted(side.qty), "prices and quantities differ"
            texts = {key: f"{side.sign * key}{lots}" for key, lots in side.qty.items()}
            assert side.digits == texts, "digits that are not the level's"
            assert all(lots > 0 for lots in side.qty.values()), "a level without quantity"
            assert len(side.keys) <= self.depth, "deeper than subscribed"
