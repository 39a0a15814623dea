"""Where the frames of each book go, found by their first bytes: what is not an update of a known book has no path."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from desk.market.seen import Ask, BookChanged, Word
from desk.market.state import Fault, Market, Track
from desk.messages import Candle, Trade

Seen = BookChanged | Trade | Candle | Fault | Word | Ask

HEAD = 64  # bytes that name one L2 book: up to here its updates are the same, and no other frame's are
KIND = 33  # bytes that tell an update of either book from everything else
UPDATES = {b'{"channel":"book","type":"update"': "book", b'{"channel":"level3","type":"updat': "level3"}
SYMBOL = b'"symbol":"'


class Path(NamedTuple):
    """The kernel that takes the frames of one book (desk.market.record), and who hears of what it says."""

    take: Callable[..., int]
    record: int
    market: Market
    track: Track
    moved: list[Seen]  # what a frame that only moves the book answers


class Paths:
    """`by_head` is asked first, then `find`: frames of L3 books begin with their checksum."""

    __slots__ = ("_by_symbol", "by_head")

    def __init__(self) -> None:
        self.by_head: dict[bytes, Path] = {}
        self._by_symbol: dict[str, dict[bytes, Path]] = {channel: {} for channel in UPDATES.values()}

    def add(self, channel: str, symbol: str, path: Path) -> None:
        self._by_symbol[channel][symbol.encode()] = path

    def find(self, data: bytes) -> Path | None:
        """The path of an update; None for every other frame, which must be decoded."""
        channel = UPDATES.get(data[:KIND])
        if channel is None or type(data) is not bytes:
            return None
        at = data.find(SYMBOL, KIND, KIND + 64) + len(SYMBOL)
        end = data.find(b'"', at, at + 40)
        path = self._by_symbol[channel].get(data[at:end])
        if path is not None and channel == "book" and end < HEAD:
            self.by_head[data[:HEAD]] = path
        return path
