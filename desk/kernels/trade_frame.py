"""A frame of trades in one call: read, taken into tape and bars, and into the mind of the strategy that watches alone.

All of it or nothing. A frame is left alone, and decoded, unless each of its prints goes on with the streak
(desk.kernels.streak). The rest is what every print does: VWAP, tick bars and technical score move
(desk.kernels.technical), and whether one may break a range, or settle what became of a break, is said
(desk.signals.breakout). Two blocks of memory in words of 8 bytes, the reader's and what is known of breaks; the offsets
below are bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from desk.kernels import score as at
from desk.kernels import streak, technical
from desk.kernels.calm import CALM, READABLE
from desk.kernels.jit import kernel
from desk.kernels.memory import entry, load64, load_double, move, store64
from desk.kernels.tape_scan import BOUGHT, LOTS, NS, NUMBER, PX, ROW, scan_trades

PRINTED, TURNED, OUTSIDE, BREAKING = 64, 128, 256, 512  # bits beside CALM, see `take`

(
    OPEN,  # 1: frames may be taken
    ABOUT,  # addresses: what the scanner knows of the instrument,
    WORK,  # its workspace, where the rows of the last frame stay,
    STREAK,  # the streak's words,
    TECHNICAL,  # those of the technical score,
    BREAKS,  # and what is known of breaks
    NEEDS,  # double: the score from which a side is taken
    BOOK,  # addresses of the believed book's record (desk.kernels.calm) and score; 0: its touch is not known here
    SCORE,
    NEWEST,  # number of the newest print that was taken here
    COUNT,  # prints of the last frame
    LOWEST,  # their prices
    HIGHEST,
    ASIDE,  # the streak as it was before the frame
) = range(0, 14 * 8, 8)
READER_WORDS = ASIDE // 8 + streak.WORDS

(
    LAST_PX,  # of the print before
    LOW,  # of the range that may break; beyond any price where there is none
    HIGH,
    FLOOR,  # prices that say nothing of the breaks there were, ends included,
    CEILING,
    SINCE,  # ns between which they say nothing, ends included
    UNTIL,
) = range(0, 7 * 8, 8)
BREAK_WORDS = 7


@kernel
def take(reader: int, frame: int, size: int, now: int) -> int:
    """0, nothing done, for a frame that has to be decoded; else CALM | PRINTED, and what somebody has to look at:
    TURNED, the score allowed another side after one of the prints; OUTSIDE, a price is not known to be in the touch;
    BREAKING, the strategy's breaks have not heard of the prints and have to.
    """
    if load64(reader + OPEN) == 0:
        return 0
    work, breaks = load64(reader + WORK), load64(reader + BREAKS)
    count = scan_trades(work, load64(reader + ABOUT), frame, size)
    if count == 0 or not goes_on(reader, work, count):
        return 0
    said = CALM | PRINTED
    lowest = highest = load64(work + PX * 8)
    for i in range(1, count):
        px = load64(work + i * ROW + PX * 8)
        lowest, highest = min(lowest, px), max(highest, px)
    last = work + (count - 1) * ROW
    if quiet(breaks, work, count, now):
        store64(breaks + LAST_PX, load64(last + PX * 8))
    else:
        said |= BREAKING
    store64(reader + NEWEST, load64(last + NUMBER * 8))
    store64(reader + COUNT, count)
    store64(reader + LOWEST, lowest)
    store64(reader + HIGHEST, highest)
    if rate(load64(reader + TECHNICAL), load_double(reader + NEEDS), work, count, now):
        said |= TURNED
    return said if inside(reader, lowest, highest) else said | OUTSIDE


@kernel
def quiet(breaks: int, work: int, count: int, now: int) -> bool:
    """Whether these prints break no range, and end or mark no break: desk.signals.breakout.BreakoutWatch.trade."""
    if now < load64(breaks + SINCE) or now > load64(breaks + UNTIL):
        return False
    low, high, before = load64(breaks + LOW), load64(breaks + HIGH), load64(breaks + LAST_PX)
    floor, ceiling = load64(breaks + FLOOR), load64(breaks + CEILING)
    for i in range(count):
        px = load64(work + i * ROW + PX * 8)
        if px < floor or px > ceiling or (px > high and 0 < before <= high) or (px < low and before >= low):
            return False
        before = px
    return True


@kernel
def goes_on(reader: int, work: int, count: int) -> bool:
    """Take the prints into the streak; False, nothing done, unless it takes them all."""
    words = load64(reader + STREAK)
    rows = load64(words + streak.ROWS_AT)
    noted = load64(rows + streak.NOTED)
    move(reader + ASIDE, words, streak.WORDS * 8)
    for i in range(count):
        row = work + i * ROW
        px, lots, side = load64(row + PX * 8), load64(row + LOTS * 8), 2 * load64(row + BOUGHT * 8) - 1
        if streak.take(words, px, lots, side, load64(row + NUMBER * 8), load64(row + NS * 8)) == 0:
            move(words, reader + ASIDE, streak.WORDS * 8)
            store64(rows + streak.NOTED, noted)
            return False
    return True


@kernel
def stance(score: float, needs: float) -> int:
    """desk.strategies.standing.stance; 2 before the score is known."""
    if score != score:
        return 2
    return 0 if abs(score) < needs else 1 if score > 0.0 else -1


@kernel
def rate(words: int, needs: float, work: int, count: int, now: int) -> bool:
    """Take the prints into the technical score; whether it allowed another side after one of them than before."""
    before = stance(load_double(words + technical.SCORE), needs)
    turned = 0
    for i in range(count):
        row = work + i * ROW
        px, lots = float(load64(row + PX * 8)), float(load64(row + LOTS * 8))
        score = technical.take_print(words, load64(row + NS * 8) or now, px, lots)
        turned += stance(score, needs) != before
    return turned > 0


@kernel
def inside(reader: int, lowest: int, highest: int) -> bool:
    """Whether all prices are known to be within the touch of the believed book."""
    book, memory = load64(reader + BOOK), load64(reader + SCORE)
    if book == 0 or load64(book + READABLE) == 0 or load64(memory + at.CODE) != 0:
        return False
    return load64(memory + at.BID) <= lowest and highest <= load64(memory + at.ASK)


@cache
def trade_frame_entry() -> Callable[..., int]:
    """`take` as a bare entry point, compiled on first use."""
    return entry(take, 4)
