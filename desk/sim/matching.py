"""Price-time-priority matching of one instrument, on integer ticks and lots.

Rules:

    - the best price first, at one price the order that came first; a trade prints at the resting order's price;
    - a smaller quantity keeps the place in line, a larger one goes to the tail of it;
    - what an order does is answered as happenings, in the order in which they happened. A fill of a resting order is
      `Printed`, then `Modified` (what remains) or `Deleted` (nothing remains, or the owner took it back);
    - time only labels: the caller says what time it is.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Literal

import msgspec

from desk.messages import Side
from desk.sim.order_ids import OrderIds


class _Change(msgspec.Struct, frozen=True, gc=False):
    symbol: str
    side: Side
    order_id: str
    px: int
    qty: int
    ts: int


class Added(_Change, frozen=True, gc=False):
    """An order came to rest at the tail of its price."""


class Modified(_Change, frozen=True, gc=False):
    """A resting order became smaller and kept its place; `qty` is what remains."""


class Deleted(_Change, frozen=True, gc=False):
    """A resting order left, filled or taken back; `qty` is what it last showed."""


class Printed(_Change, frozen=True, gc=False):
    """A trade: `side` is the aggressor, `order_id` the resting order that was hit."""

    trade_id: int
    ord_type: str  # of the aggressor: "limit" | "market"


Happening = Added | Modified | Deleted | Printed


class Order(msgspec.Struct, gc=False):
    """A resting order; `ts` is when it took its place in line."""

    order_id: str
    side: Side
    px: int
    qty: int
    ts: int


class Level:
    """The orders at one price, first in line first, and the sum of their quantities."""

    __slots__ = ("orders", "qty")

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.qty = 0


class Half:
    """One side. Prices are kept as side · price in rising order, so that the best is the last on both sides."""

    __slots__ = ("keys", "levels", "side", "sign")

    def __init__(self, side: Side) -> None:
        self.side, self.sign = side, int(side)
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}

    def add(self, order: Order) -> None:
        key = self.sign * order.px
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = Level()
            insort(self.keys, key)
        level.orders[order.order_id] = order
        level.qty += order.qty

    def remove(self, order: Order) -> None:
        key = self.sign * order.px
        level = self.levels[key]
        del level.orders[order.order_id]
        level.qty -= order.qty
        if not level.orders:
            del self.levels[key]
            del self.keys[bisect_left(self.keys, key)]


class MatchingBook:
    """The orders of one instrument and the rules by which they trade.

    `trade_id` is the id of the last print: the first one made here is one more. `tick` is the smallest price step.

    >>> book = MatchingBook("BTC/USD", seed=1)
    >>> maker = book.limit(Side.SELL, 101, 5, now=1)[0]
    >>> [type(h).__name__ for h in book.limit(Side.BUY, 102, 8, now=2)]
    ['Printed', 'Deleted', 'Added']
    >>> book.levels(Side.BUY, 10), book.levels(Side.SELL, 10)
    ([(102, 3, 1)], [])
    """

    __slots__ = ("_halves", "ids", "index", "symbol", "tick", "trade_id")

    def __init__(self, symbol: str, seed: int = 0, *, tick: int = 1, trade_id: int = 0) -> None:
        self.symbol, self.tick, self.trade_id = symbol, tick, trade_id
        self.ids = OrderIds(symbol, seed)
        self.index: dict[str, Order] = {}  # every resting order by its id
        self._halves = {Side.BUY: Half(Side.BUY), Side.SELL: Half(Side.SELL)}

    # --- what may be asked of it

    def limit(
        self,
        side: Side,
        px: int,
        qty: int,
        now: int,
        *,
        tif: Literal["gtc", "ioc"] = "gtc",
        post_only: bool = False,
        order_id: str = "",
    ) -> list[Happening]:
        """Trade up to `px`, then rest what is left ("gtc") or drop it ("ioc").

        A post-only order that would trade does nothing: the answer is empty. `order_id` names the order, one of ours
        from `ids.next()`; without it the book makes one. Raises ValueError for a price off the grid, for a quantity or
        price below 1 and for an id that is resting already.
        """
        if px <= 0 or px % self.tick:
            raise ValueError(f"{self.symbol}: price {px} is not a positive multiple of {self.tick} ticks")
        if qty <= 0:
            raise ValueError(f"{self.symbol}: quantity {qty} lots is not positive")
        if order_id in self.index:
            raise ValueError(f"{self.symbol}: order {order_id} is resting already")
        out: list[Happening] = []
        against = self._halves[Side.SELL if side > 0 else Side.BUY]
        if against.keys and side * px >= -against.keys[-1]:
            if post_only:
                return out
            qty = self._take(side, against, qty, now, side * px, "limit", out)
        if qty and tif == "gtc":
            order = Order(order_id or self.ids.next(), side, px, qty, now)
            self.index[order.order_id] = order
            self._halves[side].add(order)
            out.append(Added(self.symbol, side, order.order_id, px, qty, now))
        return out

    def market(self, side: Side, qty: int, now: int) -> list[Happening]:
        """Trade at whatever prices are there; what finds nobody is dropped."""
        if qty <= 0:
            raise ValueError(f"{self.symbol}: quantity {qty} lots is not positive")
        out: list[Happening] = []
        self._take(side, self._halves[Side.SELL if side > 0 else Side.BUY], qty, now, None, "market", out)
        return out

    def cancel(self, order_id: str, now: int) -> list[Happening]:
        """Take an order back; empty when it is not (or no longer) resting."""
        order = self.index.pop(order_id, None)
        if order is None:
            return []
        self._halves[order.side].remove(order)
        return [Deleted(self.symbol, order.side, order_id, order.px, order.qty, now)]

    def amend(self, order_id: str, qty: int, now: int) -> list[Happening]:
        """Give an order a new open quantity: less keeps its place, more takes it to the tail (`Deleted`, `Added`).

        Empty when the order is not resting or has that quantity already. Raises ValueError below 1 lot: say cancel.
        """
        if qty <= 0:
            raise ValueError(f"{self.symbol}: quantity {qty} lots is not positive; cancel the order instead")
        order = self.index.get(order_id)
        if order is None or qty == order.qty:
            return []
        half = self._halves[order.side]
        if qty < order.qty:
            half.levels[half.sign * order.px].qty -= order.qty - qty
            order.qty = qty
            return [Modified(self.symbol, order.side, order_id, order.px, qty, now)]
        gone = Deleted(self.symbol, order.side, order_id, order.px, order.qty, now)
        half.remove(order)
        order.qty, order.ts = qty, now
        half.add(order)
        return [gone, Added(self.symbol, order.side, order_id, order.px, qty, now)]

    # --- what can be seen of it

    def best(self, side: Side) -> int | None:
        """The best price of a side, None when it is empty."""
        half = self._halves[side]
        return half.sign * half.keys[-1] if half.keys else None

    def first(self, side: Side) -> Order | None:
        """The order that trades next on a side, None when it is empty."""
        half = self._halves[side]
        return next(iter(half.levels[half.keys[-1]].orders.values())) if half.keys else None

    def depth(self, side: Side) -> int:
        """How many prices a side has."""
        return len(self._halves[side].keys)

    def at(self, side: Side, px: int) -> int:
        """The quantity resting at a price, 0 for none."""
        level = self._halves[side].levels.get(side * px)
        return level.qty if level else 0

    def levels(self, side: Side, depth: int) -> list[tuple[int, int, int]]:
        """(price, quantity, orders) of the best `depth` prices, best first."""
        half = self._halves[side]
        sign, levels = half.sign, half.levels
        best = half.keys[-depth:] if depth > 0 else []
        return [(sign * key, (level := levels[key]).qty, len(level.orders)) for key in reversed(best)]

    def orders(self, side: Side, depth: int) -> list[tuple[int, str, int, int]]:
        """(price, order id, quantity, ts) of the orders at the best `depth` prices, in the order they would trade."""
        half = self._halves[side]
        best = half.keys[-depth:] if depth > 0 else []
        return [
            (order.px, order.order_id, order.qty, order.ts)
            for key in reversed(best)
            for order in half.levels[key].orders.values()
        ]

    def check(self) -> None:
        """Assert what must always hold: uncrossed, prices in order, sums right, lines by time, orders indexed once."""
        bid, ask = self.best(Side.BUY), self.best(Side.SELL)
        assert bid is None or ask is None or bid < ask, f"{self.symbol}: crossed, bid {bid} ask {ask}"
        found = 0
        for side, half in self._halves.items():
            assert half.keys == sorted(half.levels), f"{self.symbol}: prices and levels differ"
            for key, level in half.levels.items():
                line = list(level.orders.values())
                found += len(line)
                assert line, f"{self.symbol}: empty level {half.sign * key}"
                assert level.qty == sum(o.qty for o in line), f"{self.symbol}: level {half.sign * key} does not add up"
                assert [o.ts for o in line] == sorted(o.ts for o in line), (
                    f"{self.symbol}: {half.sign * key} out of line"
                )
                for order in line:
                    assert order.qty > 0
                    assert (order.side, order.px * half.sign) == (side, key)
                    assert self.index.get(order.order_id) is order
        assert found == len(self.index), f"{self.symbol}: {len(self.index)} orders indexed, {found} in line"

    # --- inside

    def _take(
        self, side: Side, against: Half, qty: int, now: int, limit: int | None, ord_type: str, out: list[Happening]
    ) -> int:
        """Trade against the other half while its best price is within `limit` (side · price); returns what is left."""
        symbol, keys = self.symbol, against.keys
        while qty and keys and (limit is None or limit >= -keys[-1]):
            level = against.levels[keys[-1]]
            while qty and level.orders:
                order = next(iter(level.orders.values()))
                traded = min(qty, order.qty)
                qty -= traded
                self.trade_id += 1
                out.append(Printed(symbol, side, order.order_id, order.px, traded, now, self.trade_id, ord_type))
                if traded == order.qty:
                    out.append(Deleted(symbol, order.side, order.order_id, order.px, order.qty, now))
                    del level.orders[order.order_id], self.index[order.order_id]
                else:
                    order.qty -= traded
                    out.append(Modified(symbol, order.side, order.order_id, order.px, order.qty, now))
                level.qty -= traded
            if not level.orders:
                del against.levels[keys.pop()]
        return qty
