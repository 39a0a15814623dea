"""desk/market/l2.py and checksum.py: the book equals two dicts, and the venue's published checksum."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from shared import shared

from desk.market.checksum import book_crc
from desk.market.l2 import L2Book
from desk.messages import BookUpdate, Side

INST = "X/Y@v"
levels = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 5)), max_size=12).map(tuple)


def update(bids=(), asks=(), snapshot=False):
    return BookUpdate(INST, tuple(bids), tuple(asks), snapshot)


def naive(book, entries, depth, best_first):
    for px, qty in entries:
        if qty:
            book[px] = qty
        else:
            book.pop(px, None)
    return dict(sorted(book.items(), reverse=best_first)[:depth])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(levels, levels, st.booleans()), max_size=15), st.integers(1, 6))
def test_the_book_equals_two_dicts_sorted_and_cut_after_each_message(messages, depth):
    """Fails when an entry is applied out of order, a removal is lost, or the cut comes within a message."""
    book, bids, asks = L2Book(depth), {}, {}
    for new_bids, new_asks, snapshot in messages:
        book.apply(update(new_bids, new_asks, snapshot))
        if snapshot:
            bids, asks = {}, {}
        bids, asks = naive(bids, new_bids, depth, True), naive(asks, new_asks, depth, False)
        book.check()
        assert book.bids.best(depth) == list(bids.items())
        assert book.asks.best(depth) == list(asks.items())


def test_a_level_entering_before_the_removal_that_made_room_is_kept():
    """Cutting after each entry, as two published clients do, loses such a level and every checksum after it."""
    book = L2Book(2)
    book.apply(update(asks=[(10, 1), (11, 1)], snapshot=True))
    book.apply(update(asks=[(12, 1), (10, 0)]))
    assert book.asks.best(2) == [(11, 1), (12, 1)]


def test_one_price_several_times_in_a_message_ends_at_the_last():
    """Kraken sends successive fills of one level as several entries of one message."""
    book = L2Book(10)
    book.apply(update(bids=[(5, 9), (5, 8), (5, 7)]))
    assert book.levels(Side.BUY, 1) == [(5, 7, 0)]


def test_a_crossed_and_a_one_sided_book_say_so():
    """No signal may come from either."""
    book = L2Book(10)
    book.apply(update(bids=[(5, 1)], snapshot=True))
    assert book.one_sided
    assert not book.crossed
    book.apply(update(asks=[(5, 1)]))
    assert book.crossed


def test_the_documented_checksum_and_its_digits():
    """The venue's own example: 3310070434."""
    vector = json.loads(shared("captures/kraken_v2_docs_checksum_vectors.json").read_text())["book"]
    sides = {
        side: [(int(px.replace(".", "")), int(qty.replace(".", ""))) for px, qty in vector[side]]
        for side in ("asks", "bids")
    }
    assert book_crc(sides["asks"], sides["bids"]) == vector["checksum"] == 3310070434


def test_quantities_below_a_millionth_keep_their_digits():
    """100 real ladders with tiny quantities: a float rendered as text would write 5.1e-07."""
    ladders = json.loads(shared("captures/kraken_v2_ladders_tiny_qty_a.json").read_text())
    for ladder in ladders:
        sides = [
            [tuple(int(text.replace(".", "")) for text in level) for level in ladder[side]] for side in ("asks", "bids")
        ]
        assert book_crc(*sides) == ladder["checksum"]
    assert len(ladders) == 100
