"""A venue's time as it is on the wire, 2026-09-15T23:41:47.461426256Z, into ns; and eight decimal digits at once."""

from __future__ import annotations

from desk.kernels.jit import kernel
from desk.kernels.memory import load8, load64, store64, word

SECOND = 1_000_000_000
DAY_S = 86_400
POINT, ZERO, DASH, LETTER_T, LETTER_Z = b".0-TZ"
NIBBLES = word(b"\xf0" * 8)
DIGITS = word(b"0" * 8)
SIXES = word(b"\x06" * 8)
LOW_NIBBLES = word(b"\x0f" * 8)
CLOCK = word(b"00:00:00")
CLOCK_COLONS = word(b"\0\0\xff\0\0\xff\0\0")

# The day seen last: its text, "2026-09-" and "15T", and its ns. Byte offsets; a reader's own memory, zeros at first.
DAY_HEAD, DAY_TAIL, DAY_NS = range(0, 3 * 8, 8)
DAY_WORDS = 3


@kernel
def digits(text: int) -> bool:
    """Whether these eight bytes are decimal digits."""
    return (text & NIBBLES) == DIGITS and ((text + SIXES) & NIBBLES) == DIGITS


@kernel
def eight(text: int) -> int:
    """The number of eight decimal digits, first digit in the lowest byte: pairs, fours, all.

    No product reaches the sign bit: numba marks signed overflow as undefined.
    """
    ones = text & LOW_NIBBLES
    pairs = (ones * 10 + (ones >> 8)) & 0x00FF00FF00FF00FF
    fours = (pairs * 100 + (pairs >> 16)) & 0x0000FFFF0000FFFF
    return (fours * 10_000 + (fours >> 32)) & 0xFFFFFFFF


@kernel
def two(p: int) -> int:
    """The number of two digits, -1 for anything else."""
    tens, ones = load8(p) - ZERO, load8(p + 1) - ZERO
    if tens < 0 or tens > 9 or ones < 0 or ones > 9:
        return -1
    return tens * 10 + ones


@kernel
def day_ns(p: int) -> int:
    """ns of "2026-09-15" since 1970, -1 for what is no date of 1970..2261: ns of later years do not fit.

    The calendar is Hinnant's days_from_civil, as in desk.wire.stamps.
    """
    century, year, month, day = two(p), two(p + 2), two(p + 5), two(p + 8)
    if century < 0 or year < 0 or load8(p + 4) != DASH or load8(p + 7) != DASH:
        return -1
    if month < 1 or month > 12 or day < 1 or day > 31:
        return -1
    year += century * 100
    if year < 1970 or year > 2261:
        return -1
    if month <= 2:
        year -= 1
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return (era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468) * DAY_S * SECOND


@kernel
def moment(known: int, p: int) -> tuple[int, int]:
    """(ns since 1970 UTC, address after "Z") of a time with 0 to 9 decimals; the address is -1 if it is none.

    known: the address of the day seen last, which becomes this one's.
    """
    head, tail = load64(p), load64(p + 8) & 0xFFFFFF
    if head != load64(known + DAY_HEAD) or tail != load64(known + DAY_TAIL):
        day = day_ns(p)
        if day < 0 or load8(p + 10) != LETTER_T:
            return 0, -1
        store64(known + DAY_HEAD, head)
        store64(known + DAY_TAIL, tail)
        store64(known + DAY_NS, day)
    clock = load64(p + 11) ^ CLOCK
    if (clock & NIBBLES) or ((clock + SIXES) & NIBBLES) or (clock & CLOCK_COLONS):
        return 0, -1
    hours = (clock & 15) * 10 + ((clock >> 8) & 15)
    minutes = ((clock >> 24) & 15) * 10 + ((clock >> 32) & 15)
    seconds = ((clock >> 48) & 15) * 10 + ((clock >> 56) & 15)
    if hours > 23 or minutes > 59 or seconds > 59:
        return 0, -1
    p += 19
    fraction = 0
    if load8(p) == POINT:
        p += 1
        scale = SECOND
        text = load64(p)
        if digits(text):
            fraction = eight(text)
            scale = 10
            p += 8
        while scale > 1:
            digit = load8(p) - ZERO
            if digit < 0 or digit > 9:
                break
            fraction = fraction * 10 + digit
            scale //= 10
            p += 1
        if scale == SECOND:
            return 0, -1
        fraction *= scale
    if load8(p) != LETTER_Z:
        return 0, -1
    return load64(known + DAY_NS) + ((hours * 60 + minutes) * 60 + seconds) * SECOND + fraction, p + 1
