"""Where the frames of each book go, found by their first bytes: what is not an update of a known book has no path."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from desk.market.seen import Ask, BookChanged, Word
from desk.market.state import Fault, Market, Track
from desk.messages import Candle, Trade

Seen = BookChanged | Trade | Candle | Fault | Word | Ask

HEAD = 64  # bytes that name one L2 book: up to here its updates are the same, and no other frame's are
TAIL = slice(
    66, 98
)  # bytes that name one L3 book, whose frames begin with a checksum: one text for each of its lengths
MOST = 4096  # of them
BOOK, ORDERS = b'{"channel":"book","type":"update"', b'{"channel":"level3","type":"update"'
TRADES = b'{"channel":"trade","type":"update"'
SYMBOL = b'"symbol":"'


class Path(NamedTuple):
    """The kernel that takes the frames of one book (desk.market.record), or of one instrument's trades
    (desk.market.trade_frames), and who hears of what it says.
    """

    take: Callable[..., int]
    record: int
    market: Market
    track: Track | None  # of a book
    moved: list[Seen]  # what a frame that only moves it answers


class Paths:
    """`by_head` is asked first, then `by_tail`, then `find`. A guess may err: a kernel reads no frame of another book,
    and what it does not read is decoded.
    """

    __slots__ = ("_books", "_orders", "_trades", "by_head", "by_tail")

    def __init__(self) -> None:
        self.by_head: dict[bytes, Path] = {}
        self.by_tail: dict[bytes, Path] = {}
        self._books: dict[bytes, Path] = {}  # by the symbol's wire text
        self._orders: dict[bytes, Path] = {}
        self._trades: dict[bytes, Path] = {}

    def add(self, channel: str, symbol: str, path: Path) -> None:
        paths = {"level3": self._orders, "book": self._books, "trade": self._trades}[channel]
        paths[symbol.encode()] = path

    def find(self, data: bytes) -> Path | None:
        """The path of an update; None for every other frame, which must be decoded."""
        if type(data) is not bytes:
            return None
        at = data.find(SYMBOL, len(BOOK), 96) + len(SYMBOL)
        end = data.find(b'"', at, at + 40)
        if data.startswith(ORDERS):
            path = self._orders.get(data[at:end])
            if path is not None and len(self.by_tail) < MOST:
                self.by_tail[data[TAIL]] = path
            return path
        paths = self._books if data.startswith(BOOK) else self._trades if data.startswith(TRADES) else {}
        path = paths.get(data[at:end])
        if path is not None and end < HEAD:
            self.by_head[data[:HEAD]] = path
        return path
