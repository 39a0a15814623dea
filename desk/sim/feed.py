"""What a venue publishes of a book: its best levels, or their orders, as changes against what subscribers know.

A view holds exactly what a subscriber holds who applied every message and cut to the depth. After one atomic action of
the market it is compared with the book, and the difference is the next message:

    - a level or order that is gone is removed; removals come first, then what changed or entered, best price first;
    - what was let into view by a removal comes in the same message (its orders with their old timestamps);
    - what was pushed out of view by an insertion is not mentioned: the subscriber's own cut drops it.

A client that cuts after every single entry, and not after the message, arrives at the same book because of this order:
what its early cut drops has `depth` better prices already and cannot be in the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Protocol

from desk.market.checksum import LEVELS, book_crc, orders_crc
from desk.messages import BookUpdate, OrderEvent, OrdersUpdate, Side

SIDES = (Side.BUY, Side.SELL)


class Book(Protocol):
    """The book behind a view; both lists best price first, orders of a price first in line first."""

    def levels(self, side: Side, depth: int) -> Sequence[tuple[int, int, int]]:
        """(price, quantity, order count) of the best `depth` levels."""
        ...

    def orders(self, side: Side, depth: int) -> Sequence[tuple[int, str, int, int]]:
        """(price, order id, quantity, ns of its arrival) of the orders of the best `depth` levels."""
        ...


class Reach:
    """How near to the touch an action came, per side: the best price it changed, or None."""

    __slots__ = ("best",)

    def __init__(self, touched: Iterable[tuple[Side, int]]) -> None:
        self.best: dict[Side, int | None] = {Side.BUY: None, Side.SELL: None}
        for side, px in touched:
            best = self.best[side]
            if best is None or side * px > side * best:
                self.best[side] = px

    def misses(self, side: Side, worst: int | None) -> bool:
        """Whether nothing changed at or before `worst`, the last price of a full view (None: the view is not full)."""
        best = self.best[side]
        return best is None or (worst is not None and side * best < side * worst)


class LevelView:
    """The best `depth` levels of both sides (L2)."""

    __slots__ = ("book", "depth", "inst", "known")

    def __init__(self, inst: str, book: Book, depth: int) -> None:
        self.inst, self.book, self.depth = inst, book, depth
        self.known = {side: self._now(side) for side in SIDES}

    def _now(self, side: Side) -> dict[int, int]:
        return {px: qty for px, qty, _ in self.book.levels(side, self.depth)}

    def _worst(self, side: Side) -> int | None:
        known = self.known[side]
        return next(reversed(known)) if len(known) >= self.depth else None

    @property
    def checksum(self) -> int:
        asks, bids = (list(self.known[side].items())[:LEVELS] for side in (Side.SELL, Side.BUY))
        return book_crc(asks, bids)

    def snapshot(self, ts: int) -> BookUpdate:
        """Everything in view."""
        bids, asks = (tuple(self.known[side].items()) for side in SIDES)
        return BookUpdate(self.inst, bids, asks, snapshot=True, checksum=self.checksum, ts_exch=ts)

    def update(self, reach: Reach, ts: int) -> BookUpdate | None:
        """What an action changed in view; None when nothing."""
        bids, asks = self._changes(Side.BUY, reach), self._changes(Side.SELL, reach)
        if not bids and not asks:
            return None
        return BookUpdate(self.inst, bids, asks, snapshot=False, checksum=self.checksum, ts_exch=ts)

    def _changes(self, side: Side, reach: Reach) -> tuple[tuple[int, int], ...]:
        if reach.misses(side, self._worst(side)):
            return ()
        known, now = self.known[side], self._now(side)
        self.known[side] = now
        worst = self._worst(side)
        gone = [(px, 0) for px in known if px not in now and (worst is None or side * px > side * worst)]
        return (*gone, *[(px, qty) for px, qty in now.items() if known.get(px) != qty])


Order = tuple[int, int, int]  # price, quantity, ns of its arrival


class OrderView:
    """The orders of the best `depth` levels of both sides (L3)."""

    __slots__ = ("book", "depth", "inst", "known", "worst")

    def __init__(self, inst: str, book: Book, depth: int) -> None:
        self.inst, self.book, self.depth = inst, book, depth
        self.worst: dict[Side, int | None] = {}
        self.known = {side: self._now(side) for side in SIDES}

    def _now(self, side: Side) -> dict[str, Order]:
        """The orders in view by id, in the book's order; remembers the last price of a full view."""
        orders = {order_id: (px, qty, ts) for px, order_id, qty, ts in self.book.orders(side, self.depth)}
        prices = {px for px, _, _ in orders.values()}
        self.worst[side] = min(prices, key=lambda px: side * px) if len(prices) >= self.depth else None
        return orders

    @property
    def checksum(self) -> int:
        asks, bids = (self._digits(side) for side in (Side.SELL, Side.BUY))
        return orders_crc(asks, bids)

    def _digits(self, side: Side) -> list[list[tuple[int, int]]]:
        levels: list[list[tuple[int, int]]] = []
        for _, level in groupby(self.known[side].values(), key=lambda order: order[0]):
            if len(levels) == LEVELS:
                break
            levels.append([(px, qty) for px, qty, _ in level])
        return levels

    def snapshot(self, ts: int) -> OrdersUpdate:
        """Everything in view."""
        bids, asks = (
            tuple([OrderEvent("add", order_id, *order) for order_id, order in self.known[side].items()])
            for side in SIDES
        )
        return OrdersUpdate(self.inst, bids, asks, snapshot=True, checksum=self.checksum, ts_exch=ts)

    def update(self, reach: Reach, ts: int) -> OrdersUpdate | None:
        """What an action changed in view; None when nothing."""
        bids, asks = self._changes(Side.BUY, reach, ts), self._changes(Side.SELL, reach, ts)
        if not bids and not asks:
            return None
        return OrdersUpdate(self.inst, bids, asks, snapshot=False, checksum=self.checksum, ts_exch=ts)

    def _changes(self, side: Side, reach: Reach, ts: int) -> tuple[OrderEvent, ...]:
        if reach.misses(side, self.worst[side]):
            return ()
        known, now = self.known[side], self._now(side)
        self.known[side] = now
        worst = self.worst[side]
        gone, changed, left = [], [], set()
        for order_id, (px, qty, arrived) in known.items():
            after = now.get(order_id)
            if after is None:
                if worst is None or side * px >= side * worst:
                    gone.append(OrderEvent("delete", order_id, px, qty, ts))
            elif (after[0], after[2]) != (px, arrived):  # it left its place in the queue and joined the tail of one
                gone.append(OrderEvent("delete", order_id, px, qty, ts))
                left.add(order_id)
            elif after[1] != qty:
                changed.append(OrderEvent("modify", order_id, px, after[1], ts))
        came = [OrderEvent("add", key, *order) for key, order in now.items() if key not in known or key in left]
        return (*gone, *changed, *came)
