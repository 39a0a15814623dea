"""desk/kernels/crc.py: pieces folded give zlib's CRC32 of the text nobody wrote."""

from __future__ import annotations

from zlib import crc32

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.kernels.crc import MAX_PIECE, START, TABLES, digits_piece, fold, joined, level_piece, push, shift

TABLES_AT = TABLES.ctypes.data
numbers = st.integers(0, 10**18 - 1)


def plain_register(text: bytes, register: int = 0) -> int:
    """The definition, bit by bit: no table, no linearity."""
    for byte in text:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0xEDB88320 if register & 1 else 0)
    return register


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(numbers, numbers), max_size=20))
def test_folding_the_pieces_of_levels_is_the_crc_of_their_text(levels):
    """Fails when a table, a length or the order of price and quantity is wrong: no book would ever be proven."""
    register = START
    for px, qty in levels:
        register = fold(TABLES_AT, register, level_piece(TABLES_AT, px, qty))
    assert register ^ START == crc32("".join(f"{px}{qty}" for px, qty in levels).encode())


@settings(deadline=None)
@given(numbers)
def test_a_number_s_piece_is_the_plain_register_of_its_digits(value):
    """The fold without its final text: the twin walks the digits bit by bit."""
    text = str(value).encode()
    assert digits_piece(TABLES_AT, value) == plain_register(text) << 8 | len(text)


@settings(deadline=None)
@given(st.binary(max_size=MAX_PIECE // 2), st.binary(max_size=MAX_PIECE // 2))
def test_two_pieces_joined_are_the_piece_of_both_texts(left, right):
    """Any bytes, not digits alone: an order book at level 3 joins more than two numbers."""
    pieces = [plain_register(text) << 8 | len(text) for text in (left, right)]
    assert joined(TABLES_AT, *pieces) == plain_register(left + right) << 8 | len(left + right)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, MAX_PIECE))
def test_a_shift_is_that_many_zero_bytes(register, length):
    """Every table of every length: 37 × 1024 entries stand behind this."""
    assert shift(TABLES_AT, register, length) == plain_register(bytes(length), register)


def test_pushing_bytes_one_by_one_is_zlib():
    """The way the scanner takes digits from the wire."""
    register = START
    for byte in b"123456789":
        register = push(TABLES_AT, register, byte)
    assert register ^ START == crc32(b"123456789") == 0xCBF43926  # the published check value


def test_the_tables_are_read_only_and_complete():
    """Every book shares them."""
    assert TABLES.shape == (MAX_PIECE + 1, 4, 256)
    assert not TABLES.flags.writeable
    assert TABLES.dtype == np.uint32
