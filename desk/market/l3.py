"""Order-by-order book on integer ticks and lots.

Rules beyond those of the L2 book (kraken.md, section 3.3):
    - depth counts price levels, and no deletes come for the orders of a level that is pushed out;
    - when a level comes back into view its orders come as adds, with old timestamps and possibly known ids: an add of a
      known id replaces it;
    - the adds of one message are not guaranteed to be in arrival order: they are put in the order of their own
      timestamps, while modifies and deletes keep their places in the message;
    - a modify at the same price keeps its place in the queue; another price means leaving and joining the tail there.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

from desk.market.checksum import LEVELS, digits_crc
from desk.market.sides import TwoSided
from desk.messages import OrderEvent, OrdersUpdate, Side


class L3Side:
    """One side: orders by id inside each price level (a dict keeps arrival order), levels sorted best first."""

    __slots__ = ("digits", "home", "keys", "levels", "sign", "total", "unknown")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.levels: dict[int, dict[str, int]] = {}  # signed price → {order id: quantity} in queue order
        self.total: dict[int, int] = {}  # signed price → quantity of the level
        self.home: dict[str, int] = {}  # order id → signed price
        self.digits: dict[int, str] = {}  # signed price → the level's part of the checksum, absent after a change
        self.unknown = 0  # modifies and deletes of orders we do not hold

    def apply(self, events: Iterable[OrderEvent]) -> None:
        """Apply order events in order."""
        for event in events:
            if event.kind == "delete":
                self._remove(event.order_id)
            elif event.kind == "modify":
                self._modify(event)
            else:
                self._add(event)

    def _add(self, event: OrderEvent) -> None:
        if event.order_id in self.home:
            self._remove(event.order_id)
        key = self.sign * event.px
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = {}
            self.total[key] = 0
            insort(self.keys, key)
        level[event.order_id] = event.qty
        self.total[key] += event.qty
        self.home[event.order_id] = key
        self.digits.pop(key, None)

    def _modify(self, event: OrderEvent) -> None:
        key = self.home.get(event.order_id)
        if key is None:
            self.unknown += 1
        elif key == self.sign * event.px:
            level = self.levels[key]
            self.total[key] += event.qty - level[event.order_id]
            level[event.order_id] = event.qty
            self.digits.pop(key, None)
        else:
            self._add(event)

    def _remove(self, order_id: str) -> None:
        key = self.home.pop(order_id, None)
        if key is None:
            self.unknown += 1
            return
        level = self.levels[key]
        self.total[key] -= level.pop(order_id)
        self.digits.pop(key, None)
        if not level:
            self._drop(key)
            del self.keys[bisect_left(self.keys, key)]

    def _drop(self, key: int) -> None:
        for order_id in self.levels.pop(key):
            del self.home[order_id]
        del self.total[key]
        self.digits.pop(key, None)

    def cut(self, depth: int) -> None:
        """Keep the best `depth` price levels."""
        if len(self.keys) > depth:
            for key in self.keys[depth:]:
                self._drop(key)
            del self.keys[depth:]

    def clear(self) -> None:
        for held in (self.keys, self.levels, self.total, self.home, self.digits):
            held.clear()

    def checked(self) -> Iterator[str]:
        """The digits that enter the checksum, level by level, each in queue order."""
        digits = self.digits
        for key in self.keys[:LEVELS]:
            text = digits.get(key)
            if text is None:
                px = self.sign * key
                text = digits[key] = "".join([f"{px}{lots}" for lots in self.levels[key].values()])
            yield text

    def queue(self, px: int) -> list[tuple[str, int]]:
        """The orders at a price as (id, quantity), first in line first."""
        return list(self.levels.get(self.sign * px, {}).items())


class L3Book(TwoSided):
    """Both sides of one instrument, order by order, cut to `depth` price levels after every message."""

    __slots__ = ("asks", "bids", "depth")
    tier = "L3"
    bids: L3Side
    asks: L3Side

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.bids = L3Side(-1)
        self.asks = L3Side(1)

    def apply(self, update: OrdersUpdate) -> None:
        """Apply one message whole, adds in the order of their timestamps, then cut both sides to depth."""
        if update.snapshot:
            self.clear()
        for side, events in ((self.bids, update.bids), (self.asks, update.asks)):
            if events:
                side.apply(events if update.snapshot else in_arrival_order(events))
                side.cut(self.depth)

    @property
    def checksum(self) -> int:
        return digits_crc(self.asks.checked(), self.bids.checked())

    def levels(self, side: Side, count: int) -> list[tuple[int, int, int]]:
        """The best `count` levels as (price, quantity, order count), best first."""
        book = self.bids if side is Side.BUY else self.asks
        return [(book.sign * key, book.total[key], len(book.levels[key])) for key in book.keys[:count]]

    def size(self) -> tuple[int, int]:
        """Orders held: (bids, asks)."""
        return len(self.bids.home), len(self.asks.home)

    @property
    def unknown(self) -> int:
        """Modifies and deletes of orders we did not hold: tolerated while the checksum agrees."""
        return self.bids.unknown + self.asks.unknown

    def check(self) -> None:
        """Raise AssertionError unless the structure is whole: sorted, sums right, each order in one level, cut."""
        for side in (self.bids, self.asks):
            assert side.keys == sorted(side.levels), "levels and their order differ"
            assert len(side.keys) <= self.depth, "deeper than subscribed"
            held = {order: key for key, level in side.levels.items() for order in level}
            assert held == side.home, "an order without its level"
            assert list(side.checked()) == [
                "".join(f"{side.sign * key}{lots}" for lots in side.levels[key].values()) for key in side.keys[:LEVELS]
            ], "digits that are not the level's"
            assert all(sum(side.levels[key].values()) == side.total[key] for key in side.keys), "a wrong level total"


def in_arrival_order(events: tuple[OrderEvent, ...]) -> Iterable[OrderEvent]:
    """The same events with the adds sorted by their own timestamps into the places that adds had.

    >>> a, b = OrderEvent("add", "A", 1, 1, ts_exch=2), OrderEvent("add", "B", 1, 1, ts_exch=1)
    >>> [e.order_id for e in in_arrival_order((a, OrderEvent("delete", "C", 1, 1), b))]
    ['B', 'C', 'A']
    """
    adds = [event for event in events if event.kind == "add"]
    if len(adds) < 2:
        return events
    adds.sort(key=lambda event: event.ts_exch)
    sorted_adds = iter(adds)
    return [next(sorted_adds) if event.kind == "add" else event for event in events]
