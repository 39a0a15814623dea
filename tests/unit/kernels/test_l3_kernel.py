"""desk/kernels/l3*.py: each piece of the scanner against the readable function it replaces."""

from __future__ import annotations

import random
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from desk.kernels import l3, l3_orders, l3_scan, l3_words
from desk.market.order_keys import id_of, key_of
from desk.market.raw_l3 import RawL3Book
from desk.wire.kraken import scaled


def at(text: bytes) -> tuple[int, np.ndarray]:
    """Address of a text followed by zeros, and what keeps it alive."""
    held = np.frombuffer(text + bytes(l3_words.PAD), np.uint8)
    return int(held.ctypes.data), held


@settings(deadline=None)  # the first call compiles
@given(st.integers(0, 10**18 - 1), st.integers(0, 18))
def test_a_number_is_read_as_the_decoder_reads_it(value, decimals):
    """A price off by a digit is a different order; the checksum would not say where."""
    text = str(value).rjust(decimals + 1, "0")
    text = f"{text[: len(text) - decimals]}.{text[len(text) - decimals :]}" if decimals else text
    address, _held = at(text.encode())
    read, end = l3_scan.number(address, decimals)
    if len(text.replace(".", "")) <= l3_scan.MAX_DIGITS:
        assert (read, end - address) == (scaled(Raw(text.encode()), decimals), len(text))
    else:
        assert read == -1


@pytest.mark.parametrize("text", ["", ".5", "-1.00", "1.0e5", "1e5", "1,00", "1.0", "1", "x", "1.0x", "9" * 17 + ".00"])
def test_a_number_written_in_any_other_way_is_refused(text):
    """What the scanner guesses at, it may guess wrong."""
    address, _held = at(text.encode())
    assert l3_scan.number(address, 2)[0] == -1


def test_eight_characters_are_tested_one_by_one():
    """A quote or a backslash let into an id would be a hole in the scanner; every byte is tried in every place."""
    for place in range(8):
        for byte in range(256):
            text = bytearray(b"A0Z9B7Y1")
            text[place] = byte
            word = int.from_bytes(text, "little", signed=True)
            assert l3_scan.plain(word) == (ord("0") <= byte <= ord("Z")), (place, byte)


def test_an_id_and_its_two_words_are_the_same_thing():
    """Two ids with one key would merge two orders."""
    dice = random.Random(1)
    letters = "".join(chr(c) for c in range(ord("0"), ord("Z") + 1))
    ids = ["O" + "-".join("".join(dice.choices(letters, k=n)) for n in (5, 5, 6)) for _ in range(1000)]
    assert [id_of(*key_of(each)) for each in ids] == ids
    spread = {l3_orders.slot_of(4095, *key_of(each)) for each in ids}
    assert len(spread) > 800, "ids crowd into few slots"  # 1000 throws into 4096 slots: 889 expected


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.integers(0, 4)), max_size=12))
def test_adds_are_sorted_into_the_places_of_adds(kinds):
    """The rule of the queue (kraken.md 3.3); Python's stable sort is the judge."""
    book = RawL3Book(10)
    first, width = book._get(l3_words.ROWS), l3_words.ROW // 8
    i = (first - book._work_at) // 8
    for n, (kind, ts) in enumerate(kinds):
        book._work[i + n * width : i + (n + 1) * width] = (kind, n, 0, 0, 0, ts)
    book._put(l3_words.FIRST_ROW, first)
    book._put(l3_words.EVENTS, len(kinds))
    l3.arrange(book._header, 0)
    got = [int(book._work[i + n * width + 1]) for n in range(len(kinds))]
    adds = iter(sorted((n for n, (kind, _) in enumerate(kinds) if kind == 2), key=lambda n: kinds[n][1]))
    assert got == [next(adds) if kind == 2 else n for n, (kind, _) in enumerate(kinds)]


def test_an_empty_book_has_the_checksum_of_no_text():
    """zlib.crc32 of nothing."""
    book = RawL3Book(10)
    assert l3.settle(book._header, 1, 1) == zlib.crc32(b"") == book.checksum
