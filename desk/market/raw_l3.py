"""Order-by-order book that reads the venue's bytes: the machine's form of `L3Book`, equal to it after every message.

`feed` takes a raw level3 update and answers READ, with the book moved and its checksum computed, or FALLBACK, with the
book as it was: then the frame goes through the codec and `apply`, which leads to the same state. Orders are held by the
16 significant characters of Kraken's ids in one block of memory that kernels work on (desk.kernels.l3). What does not
fit there, an id of another form or a number beyond 18 digits, turns the whole book into a plain `L3Book`, where `feed`
answers FALLBACK, until a snapshot or `clear` lets it begin again.
"""

from __future__ import annotations

from operator import add
from typing import NoReturn

from desk.kernels import l3_words as at
from desk.kernels.l3 import l3_entries
from desk.kernels.l3_read import SHELF, l3_reader
from desk.kernels.l3_words import FALLBACK, FULL, READ, ROW
from desk.kernels.memory import BYTES
from desk.kernels.score import BOTH
from desk.market.l3 import L3Book, L3Side, in_arrival_order
from desk.market.order_block import EVENTS, ROWS_AT, SHELF_AT, OrderBlock
from desk.market.order_keys import as_rows, id_of
from desk.market.record import Record
from desk.market.sides import TwoSided
from desk.messages import OrderEvent, OrdersUpdate, Side

__all__ = ["FALLBACK", "READ", "RawL3Book"]

STEP = 128  # orders: room is made in multiples of it
SPARE = 32  # levels a side there is room for beyond the depth: they may be there until the message ends
_CLAIMED, _COMPUTED, _TS, _SORTED, _WORST, _BEST = (
    (ROW + offset) >> 3 for offset in (at.CLAIMED, at.COMPUTED, at.TS, at.SORTED, at.WORST, at.BEST)
)


class RawL3Book(OrderBlock, TwoSided):
    """Both sides of one instrument, order by order, cut to `depth` price levels after every message.

    Reads as `desk.market.l3.L3Book`, except that `clear` of one side clears both. After a READ, `claimed` is the
    checksum the frame gave, `computed` the book's and `ts_exch` the frame's time; `checksum` is the book's always.

    >>> book = RawL3Book(depth=10)
    >>> book.describe(px_decimals=1, qty_decimals=2, symbol="X/Y")
    >>> book.feed(b'{"channel":"level3","type":"update","data":[{"checksum":7,"symbol":"X/Y",'
    ...     b'"timestamp":"1970-01-01T00:00:01Z","bids":[{"event":"add","order_id":"OTCFZG-YOE2Q-LQKNM3",'
    ...     b'"limit_price":9.9,"order_qty":0.05,"timestamp":"1970-01-01T00:00:01Z"}],"asks":[]}]}') == READ
    True
    >>> book.bid, book.bids.queue(99), book.size(), book.claimed, book.ts_exch
    (99, [('OTCFZG-YOE2Q-LQKNM3', 5)], (1, 0), 7, 1000000000)
    """

    __slots__ = (
        "_best_levels", "_depth", "_empty", "_plain", "_read", "_rows", "_score", "_settle", "_shelf",
        "asks", "bids", "record",
    )  # fmt: skip
    tier = "L3"
    bids: RawL3Side
    asks: RawL3Side

    def __init__(self, depth: int) -> None:
        super().__init__()
        self._depth = depth
        self._read, self._rows, self._settle, self._empty = l3_entries()
        self.record = Record()
        self._best_levels, self._score = l3_reader()
        self._shelf = self._work.data[SHELF_AT // 8 :]
        self._plain: L3Book | None = None
        self.bids, self.asks = RawL3Side(self, 0), RawL3Side(self, 8)
        self._lay_out(STEP, 0)

    def __reduce__(self) -> NoReturn:
        """A copy would point into memory that is not its own."""
        raise TypeError("a RawL3Book cannot be copied or pickled: apply its orders to another one")

    # --- the block

    def _lay_out(self, capacity: int, levels: int) -> None:
        """A new block for `capacity` orders and at least `levels` a side, nothing in it and nothing described."""
        width = min(capacity, max(self._depth + SPARE, levels)) + 2  # a level without an order does not exist
        self._claim(capacity, width)
        self.record.place(self._header)
        self._put(at.DEPTH, self._depth)
        self._empty(self._header)

    def _grow(self, orders: int, levels: int) -> None:
        """The same book in a block with room for at least so many orders, and levels a side; a quarter is spare."""
        held = [list(self._orders(side)) for side in (0, 8)]
        old = self._words
        room = -(-orders * 5 // 4 // STEP) * STEP if orders > self._get(at.CAPACITY) else self._get(at.CAPACITY)
        self._lay_out(room, max(levels, self._get(at.WIDTH) - 2))
        for offset in (
            at.SYMBOL_SIZE, at.PX_DECIMALS, at.QTY_DECIMALS, at.UNKNOWN, at.CLAIMED, at.COMPUTED, at.TS, at.SCORE
        ):  # fmt: skip
            self._put(offset, old[(ROW + offset) >> 3])
        symbol = (ROW + at.HEADER) >> 3
        self._words[symbol : symbol + at.SYMBOL_ROOM // 8] = old[symbol : symbol + at.SYMBOL_ROOM // 8]
        for side, rows in zip((0, 8), held, strict=True):
            self._load(side, rows)
        self._settle(self._header, 1, 1)

    def _load(self, side: int, rows: list[tuple[int, int, int, int, int]]) -> None:
        """Apply rows of (kind, id, id, price, quantity), without cutting: there is room for all of them."""
        start = ROWS_AT // 8
        self._put(at.FIRST_ROW + side, self._work_at + ROWS_AT)
        for i in range(0, len(rows), EVENTS):
            some = rows[i : i + EVENTS]
            table = self._work[start : start + len(some) * ROW // 8].reshape(-1, ROW // 8)
            table[:, :5] = some
            self._put(at.EVENTS + side, len(some))
            self._rows(self._header, side)

    # --- what arrives

    def describe(self, px_decimals: int, qty_decimals: int, symbol: str) -> None:
        """How the wire writes this instrument; without it, and for symbols JSON may escape, `feed` reads nothing."""
        quoted = f'"{symbol}"'.encode()
        fits = symbol.isascii() and symbol.isprintable() and not set('"\\') & set(symbol)
        if not fits or len(quoted) > at.SYMBOL_ROOM or min(px_decimals, qty_decimals) < 0:
            self._put(at.SYMBOL_SIZE, 0)
            return
        self._put(at.SYMBOL_SIZE, len(quoted), px_decimals, qty_decimals)
        for i in range(0, at.SYMBOL_ROOM, 8):
            text = quoted[i : i + 8].ljust(8, b"\0")
            self._put(at.HEADER + i, int.from_bytes(text, "little", signed=True))

    def feed(self, frame: bytes) -> int:
        """READ: applied, its checksum computed; FALLBACK: not understood, nothing changed."""
        if self._plain is not None or type(frame) is not bytes:
            return FALLBACK
        while (code := self._read(self._header, id(frame) + BYTES, len(frame))) == FULL:
            events = self._get(at.EVENTS), self._get(at.EVENTS + 8)
            levels = max(self._held(0) + events[0], self._held(8) + events[1])
            self._grow(sum(self.size()) + sum(events), levels)
        return code

    def apply(self, update: OrdersUpdate) -> None:
        """Apply one decoded message whole, adds in the order of their timestamps, then cut both sides to depth."""
        if update.snapshot:
            self.clear()
        if self._plain is None:
            bids = as_rows(update.bids if update.snapshot else in_arrival_order(update.bids))
            asks = as_rows(update.asks if update.snapshot else in_arrival_order(update.asks))
            if bids is not None and asks is not None and self._fits(bids, asks):
                self._load(0, bids)
                self._load(8, asks)
                self._settle(self._header, len(bids), len(asks))
                return
            self._plain = self._as_plain()
            self.record.place(0)
        self._plain.apply(update)

    def aim(self, memory: int) -> None:
        """Score the book into the words at this address (desk.kernels.score) with every frame read; 0: no more."""
        self._put(at.SCORE, memory, BOTH)

    def score(self) -> bool:
        """Score the book as it is; False where that has to be done without the kernel."""
        return self._plain is None and bool(self._score(self._header))

    def _fits(self, bids: list[tuple[int, int, int, int, int]], asks: list[tuple[int, int, int, int, int]]) -> bool:
        """Make room for these rows; False when their quantities could overflow a sum."""
        if self._get(at.SUM) + sum(row[4] for row in (*bids, *asks)) >= at.LIMIT:
            return False
        orders = sum(self.size()) + sum(row[0] == at.ADD for row in (*bids, *asks))
        prices = (len({row[3] for row in rows if row[0] != at.DELETE}) for rows in (bids, asks))
        levels = max(map(add, prices, (self._held(0), self._held(8))))
        if orders > self._get(at.CAPACITY) or levels > self._get(at.WIDTH) - 2:
            self._grow(orders, levels)
        return True

    def _as_plain(self) -> L3Book:
        """The same book as an `L3Book`."""
        book = L3Book(self.depth)
        for mine, plain in ((self.bids, book.bids), (self.asks, book.asks)):
            plain.apply([OrderEvent("add", id_of(a, b), px, qty) for _, a, b, px, qty in self._orders(mine.side)])
        book.bids.unknown = self._get(at.UNKNOWN)
        return book

    def clear(self) -> None:
        """No orders; what was counted as unknown stays counted."""
        if self._plain is not None:
            self._put(at.UNKNOWN, self._plain.unknown)
            self._plain = None
            self.record.place(self._header)
        self._empty(self._header)

    # --- what it knows

    @property
    def depth(self) -> int:
        return self._depth

    @depth.setter
    def depth(self, depth: int) -> None:
        """Levels beyond a smaller depth go with the next message of their side, as in L3Book."""
        self._depth = depth
        self._put(at.DEPTH, depth)
        if self._plain is not None:
            self._plain.depth = depth

    @property
    def claimed(self) -> int:
        """The checksum of the frame read last."""
        return self._words[_CLAIMED]

    @property
    def computed(self) -> int:
        """The book's checksum, after the last message."""
        return self._words[_COMPUTED] if self._plain is None else self._plain.checksum

    checksum = computed

    @property
    def ts_exch(self) -> int:
        """The time of the frame read last, ns UTC."""
        return self._words[_TS]

    @property
    def _touch(self) -> tuple[int | None, int | None]:
        """Best bid and ask, None for an empty side."""
        if self._plain is not None:
            bids, asks = self._plain.levels(Side.BUY, 1), self._plain.levels(Side.SELL, 1)
            return (bids[0][0] if bids else None, asks[0][0] if asks else None)
        words, zero = self._words, self._header - ROW
        best, top = words[_BEST], words[_BEST + 1]
        bid = words[(words[_SORTED] - zero >> 3) + 2 * best - 2] if best > words[_WORST] else None
        ask = words[(words[_SORTED + 1] - zero >> 3) + 2 * top - 2] if top > words[_WORST + 1] else None
        return (None if bid is None else abs(bid)), ask

    @property
    def one_sided(self) -> bool:
        return None in self._touch

    @property
    def crossed(self) -> bool:
        """Best bid at or above best ask (locked counts); False while a side is empty."""
        bid, ask = self._touch
        return bid is not None and ask is not None and bid >= ask

    @property
    def flaw(self) -> str:
        bid, ask = self._touch
        if bid is None or ask is None:
            return "ONE_SIDED_BOOK"
        return "BOOK_CROSSED" if bid >= ask else ""

    @property
    def bid(self) -> int:
        bid = self._touch[0]
        if bid is None:
            raise IndexError("no bids; ask `one_sided` first")
        return bid

    @property
    def ask(self) -> int:
        ask = self._touch[1]
        if ask is None:
            raise IndexError("no asks; ask `one_sided` first")
        return ask

    def levels(self, side: Side, count: int) -> list[tuple[int, int, int]]:
        """The best `count` levels as (price, quantity, order count), best first."""
        if self._plain is not None:
            return self._plain.levels(side, count)
        half = 0 if side is Side.BUY else 8
        if count > SHELF:
            levels = self._levels(half, count)
            return [(abs(self._word(i + at.KEY)), self._word(i + at.TOTAL), self._word(i + at.COUNT)) for i in levels]
        held = self._best_levels(self._header, half, count, self._work_at + SHELF_AT)
        flat = self._shelf[: 3 * held].tolist()
        return list(zip(flat[::3], flat[1::3], flat[2::3], strict=True))

    def size(self) -> tuple[int, int]:
        """Orders held: (bids, asks)."""
        if self._plain is not None:
            return self._plain.size()
        return self._get(at.ORDERS), self._get(at.ORDERS + 8)

    @property
    def unknown(self) -> int:
        """Modifies and deletes of orders we did not hold: tolerated while the checksum agrees."""
        return self._get(at.UNKNOWN) if self._plain is None else self._plain.unknown

    @property
    def footprint(self) -> int:
        """Bytes of memory held: the block. The workspace, 120 KB, is there once for all books."""
        return self._block.nbytes

    def check(self) -> None:
        """Raise AssertionError unless the structure is whole: sorted, sums right, queues linked, each order found."""
        if self._plain is not None:
            self._plain.check()
            return
        self._check_block()
        assert self.checksum == self._as_plain().checksum, "a checksum that is not the orders'"


class RawL3Side:
    """One side of a `RawL3Book`, read as `desk.market.l3.L3Side` is."""

    __slots__ = ("book", "side")

    def __init__(self, book: RawL3Book, side: int) -> None:
        self.book, self.side = book, side

    @property
    def _plain(self) -> L3Side | None:
        plain = self.book._plain
        if plain is None:
            return None
        return plain.asks if self.side else plain.bids

    @property
    def keys(self) -> list[int]:
        """Signed prices (bids negated), best first."""
        plain = self._plain
        if plain is not None:
            return plain.keys
        return [self.book._word(level + at.KEY) for level in self.book._levels(self.side)]

    def queue(self, px: int) -> list[tuple[str, int]]:
        """The orders at a price as (id, quantity), first in line first."""
        plain = self._plain
        if plain is not None:
            return plain.queue(px)
        for level in self.book._levels(self.side):
            if abs(self.book._word(level + at.KEY)) == px:
                return [(id_of(a, b), qty) for a, b, qty in self.book._queue(level)]
        return []

    def clear(self) -> None:
        """Both sides are one block: the book is cleared."""
        self.book.clear()
