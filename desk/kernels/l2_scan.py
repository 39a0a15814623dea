"""A Kraken v2 `book` update, as bytes, into entries: everything is read and believed before anything is applied.

    {"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":64616.9,"qty":0.00000000},…],
     "asks":[…],"checksum":3905585547,"timestamp":"2026-07-19T17:26:56.509813Z"}]}

Read are frames in this key order with no other key (checksum and timestamp may be absent), exactly the instrument's
decimals, no exponent, no leading zeros, at most 18 digits, at most 48 entries a side, nothing after the last brace. A
price of 0 is refused: its digits would be none here and "0" in the readable book.

Bounds: the caller copies the frame to FRAME_AT of its workspace; 16 zero bytes are written behind it. No token contains
a zero byte and no step goes on after one, so reading stops at the frame's end whatever the frame holds.
"""

from __future__ import annotations

from desk.kernels.crc import push
from desk.kernels.jit import kernel
from desk.kernels.memory import load8, load32, load64, store64, word
from desk.kernels.stamp import moment

RECORD = 24  # bytes: rank, quantity, piece

# The workspace's header, in words (from DAY on: the day seen last, desk.kernels.stamp); then the expected head of a
# frame, both sides' entries, the frame.
HEAD_SIZE, PX_DECIMALS, QTY_DECIMALS, NEW_BIDS, NEW_ASKS, NEW_CLAIMED, NEW_TS, LINES, UNCHECKED, DAY = range(10)
ENTRIES = 48  # of one side in one message; the most in captures of live books is 5, in 321 bytes
HEAD_AT = 128  # bytes
HEAD_BYTES = 192
BIDS_AT = HEAD_AT + HEAD_BYTES
ASKS_AT = BIDS_AT + ENTRIES * RECORD
FRAME_AT = ASKS_AT + ENTRIES * RECORD
FRAME_BYTES = 4_096  # every book has a workspace of its own
WORK_BYTES = FRAME_AT + FRAME_BYTES + 32

PRICE = word(b'{"price"')
QTY = word(b',"qty":')
SEVEN = (1 << 56) - 1
ASKS = word(b',"asks":')
CHECKSUM_1, CHECKSUM_2 = word(b',"checks'), word(b'um":')
STAMP_1, STAMP_2 = word(b',"timest'), word(b'stamp":"')
TAIL = word(b'"}]}')
COLON, COMMA, POINT, OPEN, CLOSE, CURLY, ZERO, DASH = b":,.[]}0-"
MAX_DIGITS = 18
MAX_CRC = 0xFFFFFFFF


@kernel
def number(tables: int, p: int, decimals: int, crc: int, length: int) -> tuple[int, int, int, int]:
    """(integer of 10**-decimals, CRC register, digits, next address) of a number at p; the address is -1 if it is none.

    Register and length go on from the given ones and leave out leading zeros, as the venue's checksum does.
    """
    value = 0
    begin = p
    before = length
    while True:
        c = load8(p)
        digit = c - ZERO
        if digit < 0 or digit > 9:
            break
        value = value * 10 + digit
        if value:
            crc = push(tables, crc, c)
            length += 1
            if length - before > MAX_DIGITS:
                return 0, 0, 0, -1
        p += 1
    whole = p - begin
    if whole == 0 or (whole > 1 and load8(begin) == ZERO):  # "012" is not JSON
        return 0, 0, 0, -1
    if decimals == 0:
        return value, crc, length, p
    if c != POINT:
        return 0, 0, 0, -1
    p += 1
    for _ in range(decimals):
        c = load8(p)
        digit = c - ZERO
        if digit < 0 or digit > 9:
            return 0, 0, 0, -1
        value = value * 10 + digit
        if value:
            crc = push(tables, crc, c)
            length += 1
            if length - before > MAX_DIGITS:
                return 0, 0, 0, -1
        p += 1
    return value, crc, length, p


@kernel
def scan_side(tables: int, p: int, sign: int, px_decimals: int, qty_decimals: int, out: int) -> tuple[int, int]:
    """(entries written to `out`, address after "]") of a list whose "[" stands before p; -1 for any surprise."""
    if load8(p) == CLOSE:
        return 0, p + 1
    count = 0
    while count < ENTRIES:
        if load64(p) != PRICE or load8(p + 8) != COLON:
            return 0, -1
        px, crc, length, p = number(tables, p + 9, px_decimals, 0, 0)
        if p < 0 or px == 0 or load64(p) & SEVEN != QTY:
            return 0, -1
        qty, crc, length, p = number(tables, p + 7, qty_decimals, crc, length)
        if p < 0 or load8(p) != CURLY:
            return 0, -1
        store64(out, sign * px)
        store64(out + 8, qty)
        store64(out + 16, crc << 8 | length)
        out += RECORD
        count += 1
        after = load8(p + 1)
        p += 2
        if after == CLOSE:
            return count, p
        if after != COMMA:
            return 0, -1
    return 0, -1


@kernel
def checksum_field(p: int) -> tuple[int, int]:
    """(value, next address) of an unsigned 32-bit number at p; the address is -1 if it is none."""
    value = 0
    begin = p
    while p - begin <= 10:
        digit = load8(p) - ZERO
        if digit < 0 or digit > 9:
            break
        value = value * 10 + digit
        p += 1
    digits = p - begin
    if digits == 0 or value > MAX_CRC or (digits > 1 and load8(begin) == ZERO):
        return 0, -1
    return value, p


@kernel
def head_matches(p: int, head: int, size: int) -> bool:
    """Whether `size` ≥ 8 bytes at p and at `head` are the same."""
    at = 0
    while at + 8 <= size:
        if load64(p + at) != load64(head + at):
            return False
        at += 8
    return load64(p + size - 8) == load64(head + size - 8)


@kernel
def scan_frame(work: int, tables: int, size: int) -> bool:
    """First pass: the frame of `size` bytes at FRAME_AT into the workspace; False for any surprise."""
    if size > FRAME_BYTES:
        return False
    end = work + FRAME_AT + size
    store64(end, 0)
    store64(end + 8, 0)
    return scan(work, tables, work + FRAME_AT, size) == end


@kernel
def scan(work: int, tables: int, p: int, room: int) -> int:
    """The frame at p, of at most `room` bytes, into the workspace: the address behind it, 0 for any surprise.

    Behind the `room` bytes stands a zero byte, and 31 more may be read.
    """
    head_size = load64(work + HEAD_SIZE * 8)
    if head_size == 0 or room < head_size or not head_matches(p, work + HEAD_AT, head_size):
        return 0
    px_decimals, qty_decimals = load64(work + PX_DECIMALS * 8), load64(work + QTY_DECIMALS * 8)
    bids, p = scan_side(tables, p + head_size, 1, px_decimals, qty_decimals, work + BIDS_AT)
    if p < 0 or load64(p) != ASKS or load8(p + 8) != OPEN:
        return 0
    asks, p = scan_side(tables, p + 9, -1, px_decimals, qty_decimals, work + ASKS_AT)
    if p < 0:
        return 0
    claimed = -1
    if load64(p) == CHECKSUM_1:
        if load32(p + 8) != CHECKSUM_2:
            return 0
        claimed, p = checksum_field(p + 12)
        if p < 0:
            return 0
    ts_exch = 0
    if load64(p) == STAMP_1:
        if load64(p + 6) != STAMP_2:
            return 0
        ts_exch, p = moment(work + DAY * 8, p + 14)
        if p < 0 or load8(p) != TAIL & 255:
            return 0
        p += 1
    if load32(p) & 0xFFFFFF != TAIL >> 8:
        return 0
    store64(work + NEW_BIDS * 8, bids)
    store64(work + NEW_ASKS * 8, asks)
    store64(work + NEW_CLAIMED * 8, claimed)
    store64(work + NEW_TS * 8, ts_exch)
    return p + 3
