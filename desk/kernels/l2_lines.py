"""Many frames of one book in one call: the lines of a recording, read where they stand until one is not ours.

    1785644622178672600\t<\t{"channel":"book","type":"update",…}\n        a recording's line, or
    {"channel":"book","type":"update",…}\n                               a frame alone

Every frame is scanned, applied and proven exactly as one fed by itself. Reading stops before a line that is anything
else (another channel or symbol, a snapshot, a request) and behind a frame whose checksum is not the book's.

Bounds: PAD zero bytes follow the text. No token holds a line feed or a zero byte and no step goes on after one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from desk.kernels.jit import kernel
from desk.kernels.l2 import ASK_COUNT, BID_COUNT, CLAIMED, COMPUTED, READ, merge
from desk.kernels.l2_scan import LINES, UNCHECKED, scan
from desk.kernels.memory import entry, load8, load32, load64, store64, word

PAD = 32  # bytes
ARRIVED = word(b"\t<\t{")
BRACE, DASH, ZERO, LINE_FEED = 123, 45, 48, 10


@kernel
def frame_of(p: int) -> int:
    """The address of the frame in the line at p, 0 when this is no line with a frame from the venue."""
    if load8(p) == BRACE:
        return p
    if load8(p) == DASH:  # nobody noted the time
        p += 1
    else:
        while 0 <= load8(p) - ZERO <= 9:
            p += 1
    return p + 3 if load32(p) == ARRIVED else 0


@kernel
def read_lines(book: int, work: int, tables: int, text: int, size: int) -> int:
    """Bytes taken from the `size` at `text`; how many lines, and how many without a checksum, go to the workspace."""
    end = text + size
    at = text
    lines = 0
    unchecked = 0
    while at < end and (load64(book + BID_COUNT * 8) or load64(book + ASK_COUNT * 8)):
        p = frame_of(at)
        if p == 0:
            break
        last = scan(work, tables, p, end - p)
        if last == 0 or load8(last) != LINE_FEED or merge(book, work, tables) != READ:
            break
        at = last + 1
        lines += 1
        claimed = load64(book + CLAIMED * 8)
        if claimed < 0:
            unchecked += 1
        elif claimed != load64(book + COMPUTED * 8):
            break
    store64(work + LINES * 8, lines)
    store64(work + UNCHECKED * 8, unchecked)
    return at - text


@cache
def l2_lines_entry() -> Callable[..., int]:
    """`read_lines` as a bare entry."""
    return entry(read_lines, 5)
