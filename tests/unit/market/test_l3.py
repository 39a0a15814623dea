"""desk/market/l3.py: the order-by-order book equals a naive list of orders."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from desk.market.l3 import L3Book, in_arrival_order
from desk.messages import OrderEvent, OrdersUpdate, Side

INST = "X/Y@v"
events = st.lists(
    st.builds(
        OrderEvent,
        st.sampled_from(["add", "modify", "delete"]),
        st.sampled_from("ABCDEFGH"),
        st.integers(1, 6),
        st.integers(1, 9),
        st.integers(0, 5),
    ),
    max_size=8,
).map(tuple)


class Naive:
    """A side as a plain list of [id, price, quantity] in arrival order."""

    def __init__(self, best_first):
        self.orders, self.best_first = [], best_first

    def apply(self, batch, depth, snapshot):
        if snapshot:
            self.orders = []
        for event in batch if snapshot else in_arrival_order(batch):
            self.one(event)
        kept = sorted({o[1] for o in self.orders}, reverse=self.best_first)[:depth]
        self.orders = [o for o in self.orders if o[1] in kept]

    def one(self, event):
        known = next((o for o in self.orders if o[0] == event.order_id), None)
        if event.kind == "modify" and known is None:
            return
        if event.kind == "modify" and known[1] == event.px:
            known[2] = event.qty
            return
        if known is not None:
            self.orders.remove(known)
        if event.kind != "delete":
            self.orders.append([event.order_id, event.px, event.qty])

    def levels(self):
        prices = sorted({o[1] for o in self.orders}, reverse=self.best_first)
        return [(px, [(o[0], o[2]) for o in self.orders if o[1] == px]) for px in prices]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(events, events, st.booleans()), max_size=12), st.integers(1, 4))
def test_the_book_equals_a_naive_list_of_orders(messages, depth):
    """Fails when an upsert, a queue place, a level total or the cut by price levels is wrong."""
    book, bids, asks = L3Book(depth), Naive(True), Naive(False)
    for new_bids, new_asks, snapshot in messages:
        book.apply(OrdersUpdate(INST, new_bids, new_asks, snapshot))
        bids.apply(new_bids, depth, snapshot)
        asks.apply(new_asks, depth, snapshot)
        book.check()
        for side, mine, naive in ((Side.BUY, book.bids, bids), (Side.SELL, book.asks, asks)):
            assert [(px, mine.queue(px)) for px, _, _ in book.levels(side, depth)] == naive.levels()


def order(kind, order_id, px, qty, ts=0):
    return OrderEvent(kind, order_id, px, qty, ts)


def test_a_modify_at_its_price_keeps_the_place_and_at_another_joins_the_tail():
    """The place in the queue decides what fills first."""
    book = L3Book(10)
    snapshot = (order("add", "A", 5, 1), order("add", "B", 5, 1), order("add", "C", 6, 1))
    book.apply(OrdersUpdate(INST, (), snapshot, True))
    book.apply(OrdersUpdate(INST, (), (order("modify", "A", 5, 9), order("modify", "C", 5, 2)), False))
    assert book.asks.queue(5) == [("A", 9), ("B", 1), ("C", 2)]


def test_adds_of_one_message_queue_by_their_own_time():
    """Without it 1 070 of 5 812 messages of a real order flow fail their checksum."""
    book = L3Book(10)
    book.apply(OrdersUpdate(INST, (order("add", "late", 5, 1, 20), order("add", "early", 5, 1, 10)), (), False))
    assert [name for name, _ in book.bids.queue(5)] == ["early", "late"]


def test_unknown_orders_are_counted_and_change_nothing():
    """A modify or delete of an order below our depth is normal on this channel."""
    book = L3Book(10)
    book.apply(OrdersUpdate(INST, (order("delete", "Z", 5, 1),), (order("modify", "Y", 5, 1),), False))
    assert (book.unknown, book.size()) == (2, (0, 0))
