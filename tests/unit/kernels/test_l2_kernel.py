"""desk/kernels/l2.py: numbers and stamps as the readable decoder reads them, and never a byte behind the frame."""

from __future__ import annotations

import re
from zlib import crc32

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from desk.instrument import fixed
from desk.kernels import l2, l2_scan
from desk.kernels.crc import TABLES
from desk.kernels.l2 import read_frame
from desk.kernels.l2_scan import checksum_field, number, scan_frame

TABLES_AT = TABLES.ctypes.data
HEAD = b'{"channel":"book","type":"update","data":[{"symbol":"X/Y","bids":['
TAIL = b'],"asks":[],"checksum":4294967295,"timestamp":"2026-07-19T17:54:39.753424Z"}]}'
ENTRY = b'{"price":9.9,"qty":0.05}'
FRAME = HEAD + ENTRY + TAIL


def placed(text: bytes) -> tuple[np.ndarray, int]:
    """The text in memory of its own, with zero bytes behind it."""
    memory = np.frombuffer(text + bytes(32), np.uint8).copy()
    return memory, memory.ctypes.data


class Work:
    """A workspace described for X/Y with decimals 1 and 2."""

    def __init__(self) -> None:
        self.bytes = np.zeros(l2_scan.WORK_BYTES + 64, np.uint8)
        self.at = self.bytes.ctypes.data
        self.words = self.bytes[: l2_scan.WORK_BYTES].view(np.int64)
        self.words[[l2_scan.HEAD_SIZE, l2_scan.PX_DECIMALS, l2_scan.QTY_DECIMALS]] = len(HEAD), 1, 2
        self.bytes[l2_scan.HEAD_AT : l2_scan.HEAD_AT + len(HEAD)] = np.frombuffer(HEAD, np.uint8)

    def put(self, text: bytes) -> None:
        self.bytes[l2_scan.FRAME_AT : l2_scan.FRAME_AT + len(text)] = np.frombuffer(text, np.uint8)

    def scan(self, text: bytes) -> bool:
        self.put(text)
        return bool(scan_frame(self.at, TABLES_AT, len(text)))


@settings(deadline=None, max_examples=500)
@given(st.integers(0, 10**18 - 1), st.integers(0, 18))
@example(0, 0)
@example(10**18 - 1, 18)
def test_a_number_is_its_digits_and_their_crc(value, decimals):
    """Fails when a zero is counted or dropped: the checksum would be wrong though the book is right."""
    text = fixed(value, decimals).encode()
    memory, at = placed(text + b",")
    got, crc, length, after = number(TABLES_AT, at, decimals, 0xFFFFFFFF, 0)
    digits = str(value).encode() if value else b""
    assert (got, crc ^ 0xFFFFFFFF, length, after - at) == (value, crc32(digits), len(digits), len(text))
    assert memory[len(text)] == ord(",")


@settings(deadline=None, max_examples=500)
@given(st.text("0123456789.eE+- ", max_size=24), st.integers(0, 4))
@example("00.1", 1)
@example("01.5", 1)
@example("0.", 1)
@example(".5", 1)
@example("1234567890123456789", 0)
def test_what_is_no_plain_number_is_refused(text, decimals):
    """The twin is a regular expression; a prefix that is a number is left for the next token to refuse."""
    point = rf"\.[0-9]{{{decimals}}}" if decimals else ""
    plain = re.match(rf"(?:0|[1-9][0-9]*){point}", text, re.ASCII)
    leading_zero = re.match(r"0[0-9]", text)
    _, at = placed(text.encode())
    got, _, length, after = number(TABLES_AT, at, decimals, 0, 0)
    if plain is None or leading_zero or len(plain.group().replace(".", "").lstrip("0")) > 18:
        assert after == -1
    else:
        digits = plain.group().replace(".", "")
        assert (got, length, after - at) == (int(digits), len(digits.lstrip("0")), len(plain.group()))


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (b"0,", 0), (b"7}", 7), (b"4294967295,", 2**32 - 1),
        (b"4294967296,", None), (b"9" * 20, None), (b"07,", None), (b"-1,", None), (b"", None), (b"x", None),
    ],
)  # fmt: skip
def test_a_checksum_is_an_unsigned_32_bit_number(text, want):
    """A larger one cannot be a CRC32."""
    _, at = placed(text)
    value, after = checksum_field(at)
    assert (value if after > 0 else None) == want


def test_a_frame_cut_anywhere_is_refused_though_its_end_still_lies_in_memory():
    """Fails when a load past the frame's end counts: the rest of the longer frame before it would complete it."""
    work = Work()
    assert work.scan(FRAME)
    for size in range(len(FRAME)):
        work.put(FRAME)
        assert not scan_frame(work.at, TABLES_AT, size), FRAME[:size]
        if size >= len(HEAD):
            assert not work.bytes[l2_scan.FRAME_AT + size : l2_scan.FRAME_AT + size + 16].any(), (
                "zero bytes are what stops the scanner"
            )
    assert work.scan(FRAME)


def test_a_frame_that_fills_the_buffer_is_read_without_leaving_it():
    """The buffer's last byte may be the frame's last; what lies behind the workspace is neither read nor written."""
    work = Work()
    many = (l2_scan.FRAME_BYTES - len(HEAD) - len(TAIL) + 1) // (len(ENTRY) + 1)
    assert many > l2_scan.ENTRIES  # the number of entries is what limits a real frame
    for filler in (b"9", b"{", b'"', b",", b"\xff"):
        work.bytes[l2_scan.WORK_BYTES :] = 0x39
        assert not work.scan(HEAD + ENTRY + b"," + filler * (l2_scan.FRAME_BYTES - len(HEAD) - len(ENTRY) - 1))
        assert (work.bytes[l2_scan.WORK_BYTES :] == 0x39).all()
        numbers = HEAD + b'{"price":' + filler * (l2_scan.FRAME_BYTES - len(HEAD) - 9)
        assert not work.scan(numbers)
    assert not scan_frame(work.at, TABLES_AT, l2_scan.FRAME_BYTES + 1)


def test_entries_are_written_up_to_the_limit_and_no_further():
    """One more than 128 a side would run into the other side's scratch."""
    work = Work()
    assert work.scan(HEAD + b",".join([ENTRY] * l2_scan.ENTRIES) + TAIL)
    assert work.words[l2_scan.NEW_BIDS] == l2_scan.ENTRIES
    work.bytes[l2_scan.ASKS_AT : l2_scan.FRAME_AT] = 0xAA
    assert not work.scan(HEAD + b",".join([ENTRY] * (l2_scan.ENTRIES + 1)) + TAIL)
    assert (work.bytes[l2_scan.ASKS_AT : l2_scan.FRAME_AT] == 0xAA).all()


def test_a_book_without_room_is_left_alone():
    """The check that keeps records inside the book, whatever depth and capacity say."""
    work = Work()
    book = np.zeros(l2.HEADER + 2 * 3 * 3, np.int64)
    book[[l2.DEPTH, l2.CAPACITY]] = 10, 3
    book[[l2.BID_FIRST, l2.BID_COUNT]] = 0, 3
    book[l2.HEADER : l2.HEADER + 9] = [1, 1, 0, 2, 1, 0, 3, 1, 0]
    before = book.copy()
    work.put(FRAME)
    assert read_frame(book.ctypes.data, work.at, TABLES_AT, len(FRAME)) == l2.FALLBACK
    assert (book == before).all()
