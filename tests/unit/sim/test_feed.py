"""The views of a book: what a subscriber has who applied every message is the book itself."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pytest

from desk.market.l3 import L3Book
from desk.messages import BookUpdate, OrdersUpdate, Side
from desk.sim.feed import LevelView, OrderView, Reach

SIDES = (Side.BUY, Side.SELL)


class ToyBook:
    """Orders in arrival order; everything else is computed from scratch on every call."""

    def __init__(self) -> None:
        self.resting: dict[str, tuple[Side, int, int, int]] = {}  # id → side, price, quantity, ns

    def add(self, order_id: str, side: Side, px: int, qty: int, ts: int) -> None:
        self.resting[order_id] = side, px, qty, ts

    def resize(self, order_id: str, qty: int) -> None:
        side, px, _, ts = self.resting[order_id]
        self.resting[order_id] = side, px, qty, ts

    def prices(self, side: Side, depth: int) -> list[int]:
        return sorted({o[1] for o in self.resting.values() if o[0] is side}, key=lambda px: -side * px)[:depth]

    def levels(self, side: Side, depth: int) -> list[tuple[int, int, int]]:
        at = {px: [o[2] for o in self.resting.values() if o[:2] == (side, px)] for px in self.prices(side, depth)}
        return [(px, sum(qtys), len(qtys)) for px, qtys in at.items()]

    def orders(self, side: Side, depth: int) -> list[tuple[int, str, int, int]]:
        return [
            (px, order_id, o[2], o[3])
            for px in self.prices(side, depth)
            for order_id, o in self.resting.items()
            if o[:2] == (side, px)
        ]


class Subscriber:
    """Applies L2 messages the slow way; `early` cuts after every entry, as one client does, not after the message."""

    def __init__(self, depth: int, early: bool) -> None:
        self.depth, self.early = depth, early
        self.sides: dict[Side, dict[int, int]] = {Side.BUY: {}, Side.SELL: {}}

    def apply(self, update: BookUpdate) -> None:
        for side, entries in ((Side.BUY, update.bids), (Side.SELL, update.asks)):
            held = {} if update.snapshot else self.sides[side]
            for px, qty in entries:
                held[px] = qty
                if not qty:
                    del held[px]
                if self.early:
                    held = self.cut(held, side)
            self.sides[side] = self.cut(held, side)

    def cut(self, held: dict[int, int], side: Side) -> dict[int, int]:
        return dict(sorted(held.items(), key=lambda level: -side * level[0])[: self.depth])

    def crc(self) -> int:
        tops = [list(self.sides[side].items())[:10] for side in (Side.SELL, Side.BUY)]
        return crc32("".join(str(px) + str(qty) for top in tops for px, qty in top).encode())


def random_action(book: ToyBook, rng: np.random.Generator, number: int) -> list[tuple[Side, int]]:
    """One atomic action of 1 to 4 changes; returns what it touched."""
    touched = []
    for part in range(int(rng.integers(1, 5))):
        ids = list(book.resting)
        dice = rng.random()
        if dice < 0.5 or len(ids) < 12:
            side = Side.BUY if rng.random() < 0.5 else Side.SELL
            px = 1000 - side * int(rng.integers(1, 40))
            book.add(f"O{number}-{part}", side, px, int(rng.integers(1, 10**6)), number)
        else:
            order_id = ids[int(rng.integers(len(ids)))]
            side, px, qty, _ = book.resting[order_id]
            if dice < 0.65 and qty > 1:
                book.resize(order_id, int(rng.integers(1, qty)))
            else:
                del book.resting[order_id]
                if dice > 0.9:  # cancelled and placed again under the same id: back of the queue
                    book.add(order_id, side, px, qty, number)
        touched.append((side, px))
    return touched


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("depth", [1, 3, 10, 25])
def test_a_subscriber_of_levels_has_the_book_after_every_action(depth: int, early: bool) -> None:
    """Breaks when a removal is forgotten, an entering level not sent, or the order of entries hurts early cutting."""
    rng = np.random.Generator(np.random.PCG64(depth))
    book = ToyBook()
    for number in range(120):
        random_action(book, rng, number)
    view, subscriber = LevelView("X/Y@toy", book, depth), Subscriber(depth, early)
    subscriber.apply(view.snapshot(0))
    silent = 0
    for number in range(200, 600):
        update = view.update(Reach(random_action(book, rng, number)), number)
        if update is None:
            silent += 1
        else:
            subscriber.apply(update)
            assert update.ts_exch == number
        for side in SIDES:
            assert list(subscriber.sides[side].items()) == [(px, qty) for px, qty, _ in book.levels(side, depth)]
        if depth >= 10 and update is not None:
            assert update.checksum == subscriber.crc()
    assert silent < 395, "the shortcut silenced the view"
    assert depth > 10 or silent > 0, "the shortcut was never taken: nothing here tests it"


@pytest.mark.parametrize("depth", [1, 3, 10])
def test_a_subscriber_of_orders_has_the_queues_after_every_action(depth: int) -> None:
    """Breaks when an order of an entering level is missing, or a queue is in another order than the market's."""
    rng = np.random.Generator(np.random.PCG64(depth))
    book = ToyBook()
    for number in range(120):
        random_action(book, rng, number)
    view, subscriber = OrderView("X/Y@toy", book, depth), L3Book(depth)
    subscriber.apply(view.snapshot(0))
    for number in range(200, 600):
        update = view.update(Reach(random_action(book, rng, number)), number)
        if update is not None:
            subscriber.apply(update)
            assert update.checksum == subscriber.checksum
        for side in SIDES:
            held = subscriber.bids if side is Side.BUY else subscriber.asks
            queues = [
                (px, order_id, qty) for px in (held.sign * k for k in held.keys) for order_id, qty in held.queue(px)
            ]
            assert queues == [(px, order_id, qty) for px, order_id, qty, _ in book.orders(side, depth)]
    assert subscriber.unknown == 0


def ladder() -> ToyBook:
    """Bids 99, 98, 97, 96 and asks 101, 102, 103, 104: one order of 10 each, ids B99 … A104, arrived at ns 1."""
    book = ToyBook()
    for px in (99, 98, 97, 96):
        book.add(f"B{px}", Side.BUY, px, 10, 1)
    for px in (101, 102, 103, 104):
        book.add(f"A{px}", Side.SELL, px, 10, 1)
    return book


def test_a_level_let_in_by_a_removal_comes_in_the_same_message() -> None:
    """Breaks the subscriber's book at its far end: it would miss the level until somebody touches it."""
    book = ladder()
    view = LevelView("X/Y@toy", book, 3)
    del book.resting["A102"]
    update = view.update(Reach([(Side.SELL, 102)]), 5)
    assert update is not None
    assert (update.bids, update.asks) == ((), ((102, 0), (104, 10)))


def test_a_level_pushed_out_by_an_insertion_is_not_deleted() -> None:
    """Breaks the likeness to the venue: clients must find out by cutting that a level left their view."""
    book = ladder()
    view = LevelView("X/Y@toy", book, 3)
    book.add("B100", Side.BUY, 100, 7, 5)
    update = view.update(Reach([(Side.BUY, 100)]), 5)
    assert update is not None
    assert (update.bids, update.asks) == (((100, 7),), ())


def test_changes_beyond_a_full_view_say_nothing_and_inside_a_thin_one_they_do() -> None:
    """Breaks when the shortcut skips a view that is not full: a thin market's far levels would be lost."""
    book = ladder()
    full, thin = LevelView("X/Y@toy", book, 3), LevelView("X/Y@toy", book, 10)
    book.add("B90", Side.BUY, 90, 7, 5)
    reach = Reach([(Side.BUY, 90)])
    assert full.update(reach, 5) is None
    update = thin.update(reach, 5)
    assert update is not None
    assert update.bids == ((90, 7),)


def test_orders_of_an_entering_level_come_as_adds_with_their_own_times() -> None:
    """Breaks clients that sort the adds of a message by time: an entering order is older than the message."""
    book = ladder()
    view = OrderView("X/Y@toy", book, 3)
    book.add("A104b", Side.SELL, 104, 3, 2)
    assert view.update(Reach([(Side.SELL, 104)]), 2) is None
    del book.resting["A101"]
    update = view.update(Reach([(Side.SELL, 101)]), 9)
    assert isinstance(update, OrdersUpdate)
    assert [(e.kind, e.order_id, e.qty, e.ts_exch) for e in update.asks] == [
        ("delete", "A101", 10, 9),
        ("add", "A104", 10, 1),
        ("add", "A104b", 3, 2),
    ]


def test_a_partial_fill_is_a_modify_and_orders_pushed_out_are_not_deleted() -> None:
    """Breaks queue places: an order that only shrank must not lose its own."""
    book = ladder()
    view = OrderView("X/Y@toy", book, 3)
    book.resize("B99", 4)
    book.add("B100", Side.BUY, 100, 7, 5)
    update = view.update(Reach([(Side.BUY, 99), (Side.BUY, 100)]), 5)
    assert update is not None
    assert [(e.kind, e.order_id, e.px, e.qty) for e in update.bids] == [
        ("modify", "B99", 99, 4),
        ("add", "B100", 100, 7),
    ]


def test_an_order_that_joined_the_tail_again_is_deleted_and_added() -> None:
    """Breaks queue places the other way: a `modify` would keep a place that the order gave up."""
    book = ladder()
    book.add("B99b", Side.BUY, 99, 5, 2)
    view = OrderView("X/Y@toy", book, 3)
    del book.resting["B99"]
    book.add("B99", Side.BUY, 99, 10, 6)
    update = view.update(Reach([(Side.BUY, 99)]), 6)
    assert update is not None
    assert [(e.kind, e.order_id, e.ts_exch) for e in update.bids] == [("delete", "B99", 6), ("add", "B99", 6)]


def test_the_snapshot_of_a_late_subscriber_is_what_the_others_know() -> None:
    """Breaks late joiners: the next update would not fit their snapshot."""
    book = ladder()
    view = LevelView("X/Y@toy", book, 3)
    book.resize("A101", 6)
    update = view.update(Reach([(Side.SELL, 101)]), 5)
    late = view.snapshot(7)
    assert update is not None
    assert (late.asks[0], late.checksum, late.ts_exch) == ((101, 6), update.checksum, 7)
