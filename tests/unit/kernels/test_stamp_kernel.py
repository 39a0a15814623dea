"""desk/kernels/stamp.py: a time is what the readable parser says, or it is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from desk.kernels.memory import word
from desk.kernels.stamp import DAY_WORDS, digits, eight, moment
from desk.wire.stamps import format_ns, parse_ns


class Reader:
    """A reader's memory of the day, and texts with zero bytes behind them."""

    def __init__(self) -> None:
        self.day = np.zeros(DAY_WORDS, np.int64)

    def read(self, text: str) -> tuple[int, int]:
        """(ns, characters read); -1 of them for what is no time."""
        memory = np.frombuffer(text.encode() + bytes(32), np.uint8)
        at = int(memory.ctypes.data)
        ns, after = moment(int(self.day.ctypes.data), at)
        return ns, after - at if after > 0 else -1


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 9_214_646_400 * 10**9 - 1), st.integers(0, 9))
@example(951_782_400 * 10**9, 0)  # 2000-02-29
@example(4_107_542_400 * 10**9 - 1, 9)  # the last ns before 2100-03-01, no leap day
def test_a_time_is_what_the_readable_parser_says(ns, places):
    """Both calendars agree from 1970 to 2261, with 0 to 9 decimals."""
    text, reader = format_ns(ns, places), Reader()
    for _ in range(2):  # the second time the day is known
        assert reader.read(text) == (parse_ns(text), len(text))


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-07-19", "2026-07-19T17:54:39", "2026-07-19T17:54:39.Z", "2026-07-19T17:54:39.1234567890Z",
        "2026-13-19T17:54:39Z", "2026-00-19T17:54:39Z", "2026-07-32T17:54:39Z", "2026-07-00T17:54:39Z",
        "2026-07-19T24:54:39Z", "2026-07-19T17:60:39Z", "2026-07-19T17:54:60Z", "2026-07-19 17:54:39Z",
        "2026/07/19T17:54:39Z", "1969-12-31T23:59:59Z", "2262-01-01T00:00:00Z", "2026-07-19T17-54-39Z",
        "2026-07-19T17:54:39+", "2026-07-19T17:54:39+01:00", "2026-07-19T1a:54:39Z", "2O26-07-19T17:54:39Z",
        "20 6-07-19T17:54:39Z",
    ],
)  # fmt: skip
def test_what_is_no_utc_time_is_refused(text):
    """It falls back to the decoder, which complains; a guess would make a frame look early or late."""
    reader = Reader()
    assert reader.read(text)[1] == -1
    assert reader.read("2026-07-19T00:00:00Z")[1] == 20
    assert reader.read(text)[1] == -1


def test_eight_digits_are_read_at_once_and_nothing_else_is():
    """Every byte is tried in every place."""
    for place in range(8):
        for byte in range(256):
            text = bytearray(b"12345678")
            text[place] = byte
            assert digits(word(text)) == (ord("0") <= byte <= ord("9")), (place, byte)
            assert not text.isdigit() or eight(word(text)) == int(text)
    for number in (0, 1, 99999999, 12345678, 90000000):
        assert eight(word(f"{number:08d}".encode())) == number
