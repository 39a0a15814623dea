"""What our orders get from a market that does not know them, under one queue model. SIMULATED.

    taking    an order that crosses walks the visible levels up to its limit, level by level, each fill at the level's
              price. Quantity on a level is used once until that level shows another quantity. We move no price.
    resting   a trade at our price fills us after those ahead of us (desk.sim.queue).
    through   a trade beyond our price, or a book whose other side comes to our price, had to pass us first: it fills us
              `whole`, as in hftbacktest, which is right for orders small against the market; without `whole` only with
              the quantity that is seen there. What remained of an order after it took is never filled whole.
    ourselves an order never trades with our own: before the first of them in its way it is cancelled (cancel newest).
              What one of our orders gets of a trade, the next at its price cannot get.
    book      while it is not ready nothing fills.

Differences to hftbacktest's PartialFillExchange, all on purpose: there two of our orders at one price each get the
whole trade, displayed quantity can be taken again and again, and a crossing GTC order fills beyond the book, at its
limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from desk import intents
from desk.instrument import Instrument
from desk.messages import Side, Trade
from desk.sim.queue import Fifo, Levels, NewPlace, Orders, RiskAverse, Taken, queue_model, shown_at

WALK = 1000  # levels asked for when an order walks the book: as deep as any venue shows
NEAR = 16  # levels asked for first when the queue at a resting order's price is looked up


class BookAccess(Protocol):
    """What the venue sees of the market: the engine's own books, read only."""

    def levels(self, inst: str, side: Side, depth: int) -> Levels:
        """The best `depth` levels as (price, quantity, orders), best first; side BUY is the bids."""
        ...

    def queue(self, inst: str, side: Side, px: int) -> Orders | None:
        """The orders at a price as (id, quantity), first in line first; None where the book has no orders (L2)."""
        ...

    def stamp(self, inst: str) -> int:
        """The venue's own time of the book's last message, ns; 0 when it does not say."""
        ...

    def ready(self, inst: str) -> bool:
        """The book can be believed now."""
        ...

    def instrument(self, inst: str) -> Instrument | None: ...


class Sink(Protocol):
    """Who is told what became of an order."""

    def accepted(self, order_id: str) -> None: ...

    def filled(self, order: Resting, px: int, lots: int, maker: bool) -> None: ...

    def ended(self, order_id: str, why: str) -> None: ...


class Resting:
    """One of our orders at the venue; `place` is None while its level lies beyond what we can see."""

    __slots__ = ("inst", "left", "order_id", "place", "px", "shown", "side", "took")

    def __init__(self, order_id: str, wish: intents.Place, left: int) -> None:
        self.order_id, self.inst, self.side, self.px, self.left = order_id, wish.inst, wish.side, wish.px, left
        self.place: RiskAverse | Fifo | None = None
        self.shown = 0  # lots at our price when we last looked
        self.took = False


class FillModel:
    """Our orders at the venue under the queue model `name`; what happens to them goes to `sink`."""

    def __init__(self, name: str, books: BookAccess, sink: Sink, whole: bool = True) -> None:
        self.name, self.whole = name, whole
        self._new_place: NewPlace = queue_model(name)
        self._books, self._sink = books, sink
        self._resting: dict[str, dict[str, Resting]] = {}  # by instrument, in order of arrival
        self._taken: dict[str, dict[Side, Taken]] = {}
        self.rested = {"L3": 0, "L2": 0, "unseen": 0}  # orders by what was known of the queue they joined

    @property
    def used(self) -> Iterator[str]:
        """Instruments of which displayed quantity is used up by our orders."""
        return (inst for inst, sides in self._taken.items() if any(used.depth for used in sides.values()))

    # --- our orders

    def arrive(self, order_id: str, wish: intents.Place, lots: int) -> None:
        """Meet the book with `lots` of the wish: take what crosses, then rest (GTC) or expire."""
        order = Resting(order_id, wish, lots)
        own = self._in_the_way(order)
        if wish.post_only and self._would_take(order):
            self._sink.ended(order_id, "rejected: post-only would take")
            return
        self._sink.accepted(order_id)
        for px, found in list(self._beyond(order, own)):
            order.took = True
            self._fill(order, px, found, maker=False)
        if order.left and own is not None:
            self._sink.ended(order_id, f"cancelled: self-trade prevention, our own {own.order_id} is in the way")
        elif order.left and wish.tif == "gtc":
            self._rest(order)
        else:
            self._sink.ended(order_id, "expired" if order.left else "filled")

    def cancel(self, inst: str, order_id: str) -> bool:
        """Take an order out; False when it does not rest here."""
        return self._resting.get(inst, {}).pop(order_id, None) is not None

    # --- the market

    def on_book(self, inst: str) -> None:
        """The book of `inst` changed."""
        taken, resting = self._taken.get(inst), self._resting.get(inst)
        if taken:
            for side, used in taken.items():
                if used.depth:
                    used.changed(self._books.levels(inst, side, used.depth))
        if resting and self._books.ready(inst):
            for side in (Side.BUY, Side.SELL):
                mine = [order for order in resting.values() if order.side is side]
                if mine:
                    self._moved(inst, side, mine)

    def on_trade(self, trade: Trade) -> None:
        """A trade printed: it may reach our orders on the side its aggressor hit."""
        resting = self._resting.get(trade.inst)
        if not resting or not self._books.ready(trade.inst):
            return
        stamp = self._books.stamp(trade.inst)
        volume = dict.fromkeys((order.px for order in resting.values()), trade.qty)
        for order in list(resting.values()):
            beyond = (order.px - trade.px) * order.side
            if order.side == trade.side or beyond < 0:
                continue
            left = volume[order.px]
            if beyond:
                lots = order.left if self.whole else min(order.left, left)
            elif order.place is not None and left:
                lots = min(order.left, order.place.traded(left, trade.ts_exch, stamp))
            else:
                continue
            if lots:
                volume[order.px] = max(left - lots, 0)
                self._fill(order, order.px, lots, maker=True)
                self._finish(order)

    # --- inside

    def _moved(self, inst: str, side: Side, mine: list[Resting]) -> None:
        """The book moved under our orders of one side."""
        best = self._books.levels(inst, Side(-side), 1)
        levels: Levels | None = None
        for order in mine:
            if best and (order.px - best[0][0]) * side >= 0:
                lots = self._came_through(order)
                if lots:
                    self._fill(order, order.px, lots, maker=True)
                    self._finish(order)
                continue
            if levels is None:
                levels = self._down_to(inst, side, min(order.px * side for order in mine) * side)
            shown = shown_at(order.px, side, levels)
            if shown is not None:
                self._look(order, shown)

    def _came_through(self, order: Resting) -> int:
        """Lots that a book whose other side is at our price gives us; what we took ourselves did not come to us."""
        if not self.whole or order.took:
            return sum(lots for _, lots in list(self._beyond(order, None)))
        other = Side(-order.side)
        taken = self._taken.get(order.inst, {}).get(other)
        if taken is None or not taken.depth:
            return order.left
        for px, shown, _ in self._books.levels(order.inst, other, taken.depth):
            if (order.px - px) * order.side < 0:
                break
            if taken.left(px, shown):
                return order.left
        return 0

    def _look(self, order: Resting, shown: int) -> None:
        """Our level is in sight and shows this many lots."""
        place = order.place
        if place is None:
            self._join(order, shown)
            return
        if isinstance(place, Fifo):
            queue = self._books.queue(order.inst, order.side, order.px)
            if queue is not None:
                place.read(queue, self._books.stamp(order.inst))
                return
            place = order.place = self._new_place(int(place.ahead), self._unit(order.inst))  # L3 is gone: L2 goes on
        elif shown != order.shown:
            place.changed(order.shown, shown)
        order.shown = shown

    def _rest(self, order: Resting) -> None:
        self._resting.setdefault(order.inst, {})[order.order_id] = order
        shown = shown_at(order.px, order.side, self._down_to(order.inst, order.side, order.px))
        if shown is None:
            self.rested["unseen"] += 1
        else:
            self._join(order, shown)
            self.rested["L3" if isinstance(order.place, Fifo) else "L2"] += 1

    def _join(self, order: Resting, shown: int) -> None:
        """Stand behind everything at our price."""
        queue = self._books.queue(order.inst, order.side, order.px)
        order.shown = shown
        if queue is not None:
            order.place = Fifo(queue, self._books.stamp(order.inst))
        else:
            order.place = self._new_place(shown, self._unit(order.inst))

    def _down_to(self, inst: str, side: Side, px: int) -> Levels:
        """The best levels down to this price, or all there are."""
        count = NEAR
        while True:
            levels = self._books.levels(inst, side, count)
            if len(levels) < count or count >= WALK or (px - levels[-1][0]) * side >= 0:
                return levels
            count *= 8

    def _would_take(self, order: Resting) -> bool:
        best = self._books.levels(order.inst, Side(-order.side), 1)
        return bool(best) and (order.px - best[0][0]) * order.side >= 0

    def _in_the_way(self, order: Resting) -> Resting | None:
        """The best of our own orders on the other side that this one would meet."""
        met = [
            own
            for own in self._resting.get(order.inst, {}).values()
            if own.side != order.side and (order.px - own.px) * order.side >= 0
        ]
        return min(met, key=lambda own: own.px * order.side, default=None)

    def _beyond(self, order: Resting, own: Resting | None) -> Iterator[tuple[int, int]]:
        """(price, lots) to be had on the other side up to our limit, before `own`; uses them up."""
        other = Side(-order.side)
        taken = self._taken.setdefault(order.inst, {}).setdefault(other, Taken())
        left = order.left
        for level, (px, shown, _) in enumerate(self._books.levels(order.inst, other, WALK)):
            if not left or (order.px - px) * order.side < 0 or (own is not None and (own.px - px) * order.side <= 0):
                return
            lots = min(left, taken.left(px, shown))
            if lots:
                taken.take(px, shown, lots, level)
                left -= lots
                yield px, lots

    def _unit(self, inst: str) -> int:
        instrument = self._books.instrument(inst)
        return 10**instrument.qty_decimals if instrument is not None else 1

    def _fill(self, order: Resting, px: int, lots: int, maker: bool) -> None:
        order.left -= lots
        self._sink.filled(order, px, lots, maker)

    def _finish(self, order: Resting) -> None:
        if not order.left:
            del self._resting[order.inst][order.order_id]
            self._sink.ended(order.order_id, "filled")
