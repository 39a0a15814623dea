"""The bytes of a level3 update as rows of integers: compared to the letter, nothing skipped, nothing guessed."""

from __future__ import annotations

from desk.kernels.jit import kernel
from desk.kernels.l3_words import (
    ADD,
    BUFFER,
    BUFFER_SIZE,
    DAY,
    DELETE,
    EVENTS,
    FALLBACK,
    FIRST_ROW,
    LIMIT,
    MODIFY,
    PAD,
    PX_DECIMALS,
    QTY_DECIMALS,
    READ,
    ROW,
    ROW_A,
    ROW_B,
    ROW_KIND,
    ROW_PX,
    ROW_QTY,
    ROW_TS,
    ROWS,
    ROWS_MOST,
    SCANNED_CLAIM,
    SCANNED_TS,
    SUM,
    SYMBOL,
    SYMBOL_SIZE,
)
from desk.kernels.memory import load8, load32, load64, move, store64, word
from desk.kernels.stamp import digits, eight, moment

MAX_DIGITS = 18

OPENING = b'{"channel":"level3","type":"update","data":[{'
OPENING_SIZE = len(OPENING)
OPENING_0, OPENING_1, OPENING_2 = word(OPENING[:8]), word(OPENING[8:16]), word(OPENING[16:24])
OPENING_3, OPENING_4, OPENING_5 = word(OPENING[24:32]), word(OPENING[32:40]), word(OPENING[-8:])

# keys of the message; a colon and a quote are compared apart where the key leaves no eight bytes
KEY_SYMBOL, KEY_BIDS, KEY_ASKS = word(b'"symbol"'), word(b'"bids":['), word(b'"asks":[')
KEY_CHECKSUM, KEY_CHECKSUM_END = word(b'"checksu'), word(b'm":')
KEY_TIMESTAMP, KEY_TIMESTAMP_END = word(b'"timesta'), word(b'stamp":"')

# an event: {"event":"add","order_id":"O…","limit_price":1.0,"order_qty":1.0,"timestamp":"…"}
EVENT, EVENT_ADD, EVENT_MODIFY, EVENT_DELETE = (
    word(b'{"event"'),
    word(b':"add","'),
    word(b':"modify'),
    word(b':"delete'),
)
ID, ID_END = word(b'","order'), word(b'r_id":"O')  # 15 bytes
PX, PX_END = word(b'","limit'), word(b'_price":')  # 16 bytes
QTY, QTY_END = word(b',"order_'), word(b'r_qty":\0') & 0xFFFF_FFFF_FFFF_FF  # 13 bytes
TIME, TIME_END = word(b',"timest'), word(b'stamp":"')  # 14 bytes

QUOTE, COMMA, POINT, DASH, COLON, ZERO, NINE, CLOSE, BRACE = b'",.-:09]}'
CHECKSUM, NAME, STAMP, BIDS, ASKS = 1, 2, 4, 8, 16
NEEDED = CHECKSUM | NAME | STAMP
HIGH = word(b"\x80" * 8)
BIT_6 = word(b"\x40" * 8)
LOW_SIX = word(b"\x3f" * 8)
AFTER_Z = word(b"\x25" * 8)  # 0x1a, the low bits of "Z", and this are 0x3f; one more sets bit 6
FIFTH = ~(0xFF << 40)
FIRST = ~(0xFF << 8)


@kernel
def plain(text: int) -> bool:
    """Eight characters of "0" to "Z": what Kraken's ids are made of; none needs an escape in JSON."""
    # No sum reaches the sign bit: numba marks signed overflow as undefined.
    from_zero = text | ((text << 1) & (text << 2))  # bit 6, or bits 5 and 4
    after_z = ((text & LOW_SIX) + AFTER_Z) & text
    return (text & HIGH) == 0 and (from_zero & BIT_6) == BIT_6 and (after_z & BIT_6) == 0


@kernel
def number(p: int, decimals: int) -> tuple[int, int]:
    """(integer of 10**-decimals, place after it); (-1, p) unless written with exactly so many decimals.

    At most 18 digits, no sign, no exponent, no zero before another digit of the whole part. What follows is looked at
    by the caller.
    """
    value = load8(p) - ZERO
    if value < 0 or value > 9:
        return -1, p
    p += 1
    count = 1
    if value:
        while count < MAX_DIGITS:
            digit = load8(p) - ZERO
            if digit < 0 or digit > 9:
                break
            value = value * 10 + digit
            count += 1
            p += 1
    if count + decimals > MAX_DIGITS:
        return -1, p
    if decimals == 0:
        return value, p
    if load8(p) != POINT:
        return -1, p
    p += 1
    if decimals >= 8:
        text = load64(p)
        if not digits(text):
            return -1, p
        value = value * 100_000_000 + eight(text)
        decimals -= 8
        p += 8
    for _ in range(decimals):
        digit = load8(p) - ZERO
        if digit < 0 or digit > 9:
            return -1, p
        value = value * 10 + digit
        p += 1
    return value, p


@kernel
def event(s: int, p: int, row: int) -> int:
    """One event into `row`; the place after its closing brace, 0 if it is not one."""
    if load64(p) != EVENT:
        return 0
    kind = load64(p + 8)
    if kind == EVENT_ADD:
        store64(row + ROW_KIND, ADD)
        p += 13
    elif kind == EVENT_DELETE:
        store64(row + ROW_KIND, DELETE)
        p += 16
    elif kind == EVENT_MODIFY:
        store64(row + ROW_KIND, MODIFY)
        p += 16
    else:
        return 0
    if load64(p) != ID or load64(p + 7) != ID_END:
        return 0
    p += 15
    if load8(p + 5) != DASH or load8(p + 11) != DASH:
        return 0
    # Sixteen characters in two words: where a dash stands, the character the word does not reach.
    a = load64(p) & FIFTH | load8(p + 8) << 40
    b = load64(p + 10) & FIRST | load8(p + 9) << 8
    if not plain(a) or not plain(b) or load64(p + 18) != PX or load64(p + 26) != PX_END:
        return 0
    px, p = number(p + 34, load64(s + PX_DECIMALS))
    if px < 0 or load64(p) != QTY or (load64(p + 6) & 0xFFFF_FFFF_FFFF_FF) != QTY_END:
        return 0
    qty, p = number(p + 13, load64(s + QTY_DECIMALS))
    if qty < 0 or load64(p) != TIME or load64(p + 6) != TIME_END:
        return 0
    ts, p = moment(s + DAY, p + 14)
    if p < 0 or load8(p) != QUOTE or load8(p + 1) != BRACE:
        return 0
    store64(row + ROW_A, a)
    store64(row + ROW_B, b)
    store64(row + ROW_PX, px)
    store64(row + ROW_QTY, qty)
    store64(row + ROW_TS, ts)
    return p + 2


@kernel
def events(s: int, p: int, side: int) -> int:
    """All events of a side from after its "[" into rows; the place after its "]", 0 if anything is amiss.

    side: 0 bids, 8 asks; a second list of a side is the caller's to refuse.
    """
    rows = load64(s + ROWS)
    most = rows + load64(s + ROWS_MOST) * ROW
    row = rows + (load64(s + EVENTS) + load64(s + EVENTS + 8)) * ROW
    store64(s + FIRST_ROW + side, row)
    store64(s + EVENTS + side, 0)
    if load8(p) == CLOSE:
        return p + 1
    total = load64(s + SUM)
    other = load64(s + FIRST_ROW + 8 - side)
    for _ in range(load64(s + EVENTS + 8 - side)):
        total += load64(other + ROW_QTY)
        other += ROW
    while row < most:
        p = event(s, p, row)
        if p == 0:
            return 0
        total += load64(row + ROW_QTY)
        if total >= LIMIT:
            return 0
        store64(s + EVENTS + side, load64(s + EVENTS + side) + 1)
        row += ROW
        after = load8(p)
        p += 1
        if after == CLOSE:
            return p
        if after != COMMA:
            return 0
    return 0


@kernel
def is_symbol(s: int, p: int) -> bool:
    """The described symbol, in its quotes, stands at p."""
    text = load64(s + SYMBOL)
    for i in range(load64(s + SYMBOL_SIZE)):  # noqa: SIM110 numba has no generators here
        if load8(p + i) != load8(text + i):
            return False
    return True


@kernel
def claim(s: int, p: int) -> int:
    """The checksum at p, at most 10 digits, put aside; the place after it, 0 if it is not one."""
    value, p = number(p, 0)
    if value < 0 or value > 0xFFFFFFFF:
        return 0
    store64(s + SCANNED_CLAIM, value)
    return p


@kernel
def opens(p: int) -> bool:
    """The words every update begins with stand at p."""
    return (
        load64(p) == OPENING_0
        and load64(p + 8) == OPENING_1
        and load64(p + 16) == OPENING_2
        and load64(p + 24) == OPENING_3
        and load64(p + 32) == OPENING_4
        and load64(p + OPENING_SIZE - 8) == OPENING_5
    )


@kernel
def member(s: int, p: int) -> tuple[int, int]:
    """One key and its value, put aside: (the key's bit, the place after the value), a place of 0 if it is not known."""
    key = load64(p)
    if key == KEY_BIDS:
        return BIDS, events(s, p + 8, 0)
    if key == KEY_ASKS:
        return ASKS, events(s, p + 8, 8)
    if key == KEY_CHECKSUM and (load32(p + 8) & 0xFFFFFF) == KEY_CHECKSUM_END:
        return CHECKSUM, claim(s, p + 11)
    if key == KEY_SYMBOL and load8(p + 8) == COLON and is_symbol(s, p + 9):
        return NAME, p + 9 + load64(s + SYMBOL_SIZE)
    if key == KEY_TIMESTAMP and load64(p + 5) == KEY_TIMESTAMP_END:
        ts, p = moment(s + DAY, p + 13)
        if p > 0 and load8(p) == QUOTE:
            store64(s + SCANNED_TS, ts)
            return STAMP, p + 1
    return 0, 0


@kernel
def scan(s: int, frame: int, size: int) -> int:
    """READ with the rows of both sides, the claimed checksum and the time put aside; FALLBACK for anything else."""
    if load64(s + SYMBOL_SIZE) == 0 or size > load64(s + BUFFER_SIZE):
        return FALLBACK
    p = load64(s + BUFFER)
    move(p, frame, size)
    for i in range(0, PAD, 8):
        store64(p + size + i, 0)
    end = p + size
    if not opens(p):
        return FALLBACK
    p += OPENING_SIZE
    store64(s + EVENTS, 0)
    store64(s + EVENTS + 8, 0)
    seen = 0
    while True:
        bit, p = member(s, p)
        if p == 0 or seen & bit:
            return FALLBACK
        seen |= bit
        after = load8(p)
        p += 1
        if after == BRACE:
            break
        if after != COMMA:
            return FALLBACK
    whole = load8(p) == CLOSE and load8(p + 1) == BRACE and p + 2 == end
    return READ if whole and seen & NEEDED == NEEDED else FALLBACK
