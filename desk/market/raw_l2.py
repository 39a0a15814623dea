"""Price-level book that reads Kraken's `book` updates as bytes: the fast twin of `desk.market.l2.L2Book`.

`feed` gives a frame to a kernel that scans it, applies it and folds the checksum in one call; whatever the kernel does
not recognise is a FALLBACK that leaves the book untouched, and goes through the typed decoder and `apply`. Both ways
end in the same state: tests compare them after every frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, repeat
from typing import NamedTuple, NoReturn

import msgspec
import numpy as np

from desk.errors import FeedError
from desk.kernels import l2, l2_scan
from desk.kernels.crc import TABLES
from desk.kernels.l2 import FALLBACK, HEADER, READ
from desk.kernels.l2_lines import PAD, l2_lines_entry
from desk.kernels.l2_scan import ENTRIES, FRAME_BYTES
from desk.market.checksum import book_crc
from desk.market.l2 import L2Side
from desk.market.record import Record
from desk.market.sides import TwoSided
from desk.messages import BookUpdate, Side

__all__ = ["FALLBACK", "READ", "Lines", "RawL2Book", "Taken"]

Levels = list[tuple[int, int]]

WORDS = l2_scan.RECORD // 8  # of a record
DEEPEST = 10_000  # levels a side that room is made for beforehand; a deeper book grows with what it holds
DRIFT = 64  # records a side may float before it is moved back: a move per that many cuts
LIMIT = 10**l2_scan.MAX_DIGITS
TOP = (1 << 63) - 1
TABLES_AT = int(TABLES.ctypes.data)


class Lines:
    """Whole lines of text, each ending in a line feed, where `feed_all` can read them; the text is copied once."""

    __slots__ = ("_memory", "at", "size", "text")

    def __init__(self, text: bytes) -> None:
        self.text, self.size = text, len(text)
        self._memory = np.zeros(self.size + PAD, np.uint8)
        self._memory[: self.size] = np.frombuffer(text, np.uint8)
        self.at = int(self._memory.ctypes.data)


class Taken(NamedTuple):
    """What `feed_all` read: up to `end` in the text, so many lines; of them proven, wrong (the last one), unchecked."""

    end: int
    lines: int
    proven: int
    wrong: int
    unchecked: int


class RawL2Book(TwoSided):
    """Both sides of one instrument, cut to `depth` after every message.

    >>> book = RawL2Book(depth=10)
    >>> book.describe(px_decimals=1, qty_decimals=2, symbol="X/Y")
    >>> book.apply(BookUpdate("X/Y@v", bids=((99, 5), (98, 1)), asks=((101, 2),), snapshot=True))
    >>> book.feed(b'{"channel":"book","type":"update","data":[{"symbol":"X/Y","bids":[{"price":9.9,"qty":0.00}],'
    ...     b'"asks":[],"checksum":1,"timestamp":"1970-01-01T00:00:01Z"}]}') == READ
    True
    >>> book.bid, book.ask, book.size(), book.claimed, book.computed == book.checksum, book.ts_exch
    (98, 101, (1, 1), 1, True, 1000000000)
    """

    __slots__ = (
        "_book", "_book_at", "_merge", "_prove", "_read", "_room", "_score", "_score_at", "_seal", "_work", "_work_at",
        "record",
    )  # fmt: skip
    tier = "L2"

    def __init__(self, depth: int) -> None:
        self._read, self._merge, self._prove, self._seal, self._score = l2.l2_entries()
        self.record = Record()
        self._score_at = 0
        work = np.zeros(l2_scan.WORK_BYTES // 8, np.int64)
        self._work_at = int(work.ctypes.data)
        self._work = work.data
        self._room = self._work.cast("B")[l2_scan.FRAME_AT : l2_scan.FRAME_AT + FRAME_BYTES]
        self._allocate(depth, [], [])

    def _allocate(self, depth: int, bids: Levels, asks: Levels) -> None:
        """New memory for `depth` levels a side, holding `bids` and `asks` (best first)."""
        capacity = max(min(depth, DEEPEST), len(bids), len(asks)) + ENTRIES + DRIFT
        memory = np.zeros(HEADER + 2 * capacity * WORDS, np.int64)
        self._book_at = int(memory.ctypes.data)
        self._book = memory.data
        self._book[l2.DEPTH], self._book[l2.CAPACITY], self._book[l2.CLAIMED] = _word(depth), capacity, -1
        self._book[l2.SCORE] = self._score_at
        self.record.place(self._book_at, self._work_at, TABLES_AT)
        self._write(Side.BUY, bids)
        self._write(Side.SELL, asks)
        self._prove(self._book_at, TABLES_AT)

    def __reduce__(self) -> NoReturn:
        """A copy would point into memory that is not its own."""
        raise TypeError("a RawL2Book cannot be copied or pickled: apply its levels to another one")

    # --- what arrives

    def describe(self, px_decimals: int, qty_decimals: int, symbol: str) -> None:
        """From now on, `feed` reads frames of this symbol with exactly these decimals; before, it reads none."""
        head = b'{"channel":"book","type":"update","data":[{"symbol":' + msgspec.json.encode(symbol) + b',"bids":['
        fits = len(head) <= l2_scan.HEAD_BYTES
        self._work[l2_scan.HEAD_SIZE] = len(head) if fits else 0
        self._work[l2_scan.PX_DECIMALS], self._work[l2_scan.QTY_DECIMALS] = px_decimals, qty_decimals
        if fits:
            self._work.cast("B")[l2_scan.HEAD_AT : l2_scan.HEAD_AT + len(head)] = head

    def feed(self, frame: bytes) -> int:
        """READ: the frame is applied, and `claimed`, `computed`, `ts_exch` are its own. FALLBACK: nothing changed.

        FALLBACK for every frame that is not an update of the described symbol in Kraken's usual form, see
        desk.kernels.l2_scan; for frames over 4 KB; and while the book is empty.
        """
        size = len(frame)
        if size > FRAME_BYTES:
            return FALLBACK
        self._room[:size] = frame
        return self._read(self._book_at, self._work_at, TABLES_AT, size)

    def feed_all(self, lines: Lines, start: int) -> Taken:
        """Feed the frames of the lines from `start` on, in one call, up to a line that `feed` would not read.

        A line is a frame, or a recording's: time, tab, "<", tab, frame. Stops behind a frame whose checksum is wrong.
        """
        end = start + l2_lines_entry()(self._book_at, self._work_at, TABLES_AT, lines.at + start, lines.size - start)
        count, unchecked = self._work[l2_scan.LINES], self._work[l2_scan.UNCHECKED]
        wrong = int(count > 0 and self.claimed >= 0 and self.claimed != self.computed)
        return Taken(end, count, count - unchecked - wrong, wrong, unchecked)

    def apply(self, update: BookUpdate) -> None:
        """Apply one decoded message whole: the snapshot, and the frames that `feed` did not read.

        Raises FeedError, with the book untouched, for a price or quantity of more than 18 digits.
        """
        for px, qty in (*update.bids, *update.asks):
            if not (0 <= px < LIMIT and 0 <= qty < LIMIT):
                raise FeedError(f"{update.inst}: level {px} × {qty} has more than 18 digits; use the typed book for it")
        if update.snapshot or not self._merged(update):
            self._rebuild(update)
        self._book[l2.CLAIMED] = -1 if update.checksum is None else _word(update.checksum)
        self._book[l2.TS_EXCH] = _word(update.ts_exch)

    def _merged(self, update: BookUpdate) -> bool:
        """Apply an update, by as many entries as the workspace holds; False, nothing done, when there is no room."""
        book, depth = self._book, self._book[l2.DEPTH]
        if max(book[l2.BID_COUNT] + len(update.bids), book[l2.ASK_COUNT] + len(update.asks)) > book[l2.CAPACITY]:
            return False
        more = max(len(update.bids), len(update.asks), 1) - 1
        book[l2.DEPTH] = TOP  # only the end of the message cuts: every side has its last entries in the last part
        for part in range(more // ENTRIES, -1, -1):
            if part == 0:
                book[l2.DEPTH] = depth
            self._merge_some(_part(update.bids, part), _part(update.asks, part))
        return True

    def _merge_some(self, bids: Sequence[tuple[int, int]], asks: Sequence[tuple[int, int]]) -> None:
        work = self._work
        work[l2_scan.NEW_BIDS], work[l2_scan.NEW_ASKS] = len(bids), len(asks)
        for at, sign, levels in ((l2_scan.BIDS_AT, 1, bids), (l2_scan.ASKS_AT, -1, asks)):
            word = at // 8
            for px, qty in levels:
                work[word], work[word + 1] = sign * px, qty
                word += WORDS
            self._seal(self._work_at + at, TABLES_AT, len(levels))
        self._merge(self._book_at, self._work_at, TABLES_AT)

    def _rebuild(self, update: BookUpdate) -> None:
        """A snapshot, or an update there is no room for: the readable book works it out, we take the result."""
        sides = []
        for side, levels in ((Side.BUY, update.bids), (Side.SELL, update.asks)):
            half = L2Side(-side)
            if not update.snapshot:
                half.apply(self._best(side, self.size()[side is Side.SELL]))
            if levels:
                half.apply(levels)
                half.cut(self.depth)
            sides.append(half.best(len(half.keys)))
        self._allocate(self.depth, *sides)

    def _write(self, side: Side, levels: Levels) -> None:
        """Replace a side by levels, best first."""
        book, count = self._book, len(levels)
        header = l2.BID_FIRST if side is Side.BUY else l2.ASK_FIRST
        first = (book[l2.CAPACITY] - count) // 2
        book[header], book[header + 1] = first, count
        start = word = self._base(side) + first * WORDS
        for px, qty in reversed(levels):
            book[word], book[word + 1] = side * px, qty
            word += WORDS
        self._seal(self._book_at + start * 8, TABLES_AT, count)

    def aim(self, memory: int) -> None:
        """Score the book into the words at this address (desk.kernels.score) with every frame read; 0: no more."""
        self._score_at = self._book[l2.SCORE] = memory
        self._book[l2.BIDS_FROM] = self._book[l2.ASKS_FROM] = 0

    def score(self) -> bool:
        """Score the book as it is; False, nothing done, when `aim` has not been told where."""
        return bool(self._score(self._book_at))

    def clear(self) -> None:
        """Forget every level; the depth and the description stay."""
        self._allocate(self.depth, [], [])

    # --- what is held

    @property
    def depth(self) -> int:
        return self._book[l2.DEPTH]

    @depth.setter
    def depth(self, depth: int) -> None:
        """Levels beyond a smaller depth go with the next message of their side, as in L2Book."""
        if min(depth, DEEPEST) + ENTRIES + DRIFT > self._book[l2.CAPACITY]:
            claimed, ts_exch = self.claimed, self.ts_exch
            bids, asks = self.size()
            self._allocate(depth, self._best(Side.BUY, bids), self._best(Side.SELL, asks))
            self._book[l2.CLAIMED], self._book[l2.TS_EXCH] = claimed, ts_exch
        self._book[l2.DEPTH] = _word(depth)

    @property
    def claimed(self) -> int:
        """The last message's checksum, -1 when it had none."""
        return self._book[l2.CLAIMED]

    @property
    def computed(self) -> int:
        """Our CRC32 of the book as it is."""
        return self._book[l2.COMPUTED]

    @property
    def checksum(self) -> int:
        return self._book[l2.COMPUTED]

    @property
    def ts_exch(self) -> int:
        """The last message's own time in ns, 0 when it had none."""
        return self._book[l2.TS_EXCH]

    @property
    def one_sided(self) -> bool:
        book = self._book
        return not book[l2.BID_COUNT] or not book[l2.ASK_COUNT]

    @property
    def crossed(self) -> bool:
        """Best bid at or above best ask (locked counts); False while a side is empty."""
        book = self._book
        return bool(book[l2.BID_COUNT] and book[l2.ASK_COUNT]) and book[l2.BID_BEST] >= book[l2.ASK_BEST]

    def outside(self, px: int) -> bool:
        """Whether a price lies outside of the touch; False while a side is empty."""
        book = self._book
        return bool(book[l2.BID_COUNT] and book[l2.ASK_COUNT]) and not book[l2.BID_BEST] <= px <= book[l2.ASK_BEST]

    @property
    def bid(self) -> int:
        if not self._book[l2.BID_COUNT]:
            raise IndexError("no bids; ask `one_sided` first")
        return self._book[l2.BID_BEST]

    @property
    def ask(self) -> int:
        if not self._book[l2.ASK_COUNT]:
            raise IndexError("no asks; ask `one_sided` first")
        return self._book[l2.ASK_BEST]

    def size(self) -> tuple[int, int]:
        """Levels held: (bids, asks)."""
        return self._book[l2.BID_COUNT], self._book[l2.ASK_COUNT]

    @property
    def footprint(self) -> int:
        """Bytes of memory held: the book, and the workspace its frames pass through."""
        return self._book.nbytes + self._work.nbytes

    def levels(self, side: Side, count: int) -> list[tuple[int, int, int]]:
        """The best `count` levels as (price, quantity, order count); an L2 book does not know its orders: 0."""
        return list(zip(*self._columns(side, count), repeat(0)))

    def _best(self, side: Side, count: int) -> Levels:
        return list(zip(*self._columns(side, count), strict=True))

    def _columns(self, side: Side, count: int) -> tuple[list[int], list[int]]:
        """Prices and quantities of the best `count` levels, best first."""
        book = self._book
        header = l2.BID_FIRST if side is Side.BUY else l2.ASK_FIRST
        held = book[header + 1]
        end = self._base(side) + (book[header] + held) * WORDS
        words = book[end - min(count, held) * WORDS : end].tolist()
        ranks, qty = words[-WORDS::-WORDS], words[1 - WORDS :: -WORDS]
        return ranks if side is Side.BUY else [-rank for rank in ranks], qty

    def _base(self, side: Side) -> int:
        """The word at which a side's room begins."""
        return HEADER if side is Side.BUY else HEADER + self._book[l2.CAPACITY] * WORDS

    def check(self) -> None:
        """Raise AssertionError unless the structure is whole: sorted, positive, cut, in its room, its digits right."""
        book = self._book
        for side, header in ((Side.BUY, l2.BID_FIRST), (Side.SELL, l2.ASK_FIRST)):
            first, count = book[header], book[header + 1]
            assert 0 <= first <= first + count <= book[l2.CAPACITY], "outside its room"
            levels = self._best(side, count)
            ranks = [-side * px for px, _ in levels]
            assert all(a < b for a, b in pairwise(ranks)), "not best first, or a price twice"
            assert all(qty > 0 for _, qty in levels), "a level without quantity"
            assert count <= self.depth, "deeper than subscribed"
        bids, asks = self._best(Side.BUY, 10), self._best(Side.SELL, 10)
        assert self.checksum == book_crc(asks, bids), "a checksum that is not the levels'"
        assert self.one_sided or (self.bid, self.ask) == (bids[0][0], asks[0][0]), "a best price that is not the best"


def _part(levels: Sequence[tuple[int, int]], part: int) -> Sequence[tuple[int, int]]:
    """At most ENTRIES of them, counted in parts from the end: 0 is the last."""
    end = len(levels) - part * ENTRIES
    return levels[max(0, end - ENTRIES) : max(0, end)]


def _word(value: int) -> int:
    """`value` as far as 64 bits hold it: a venue may claim any integer, and one this large never equals a CRC32."""
    return max(-TOP, min(value, TOP))
