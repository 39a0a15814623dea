"""How a book is written down when a proof is over, and the depth it is assumed to have had."""

from __future__ import annotations

from typing import Any

from desk.instrument import Instrument
from desk.market.l2 import L2Book
from desk.market.l3 import L3Book
from desk.market.raw_l2 import RawL2Book
from desk.messages import Side

DEPTHS = {"book": (10, 25, 100, 500, 1000), "level3": (10, 100, 1000)}
TOP = 10
Book = RawL2Book | L2Book | L3Book


def offered(channel: str, levels: int) -> int:
    """The smallest depth Kraken offers on a channel that holds so many levels."""
    return next((depth for depth in DEPTHS[channel] if depth >= levels), DEPTHS[channel][-1])


def final(books: dict[tuple[str, str], Book], instruments: dict[str, Instrument]) -> dict[str, Any]:
    """The ten best levels a side in wire text with the number kept, by symbol; L3 levels list their orders."""
    final: dict[str, Any] = {}
    for (channel, symbol), book in books.items():
        inst = instruments[symbol]
        name = symbol if symbol not in final else f"{symbol} {channel}"
        if not isinstance(book, L3Book):
            sides = {
                name: [[inst.px_text(px), inst.qty_text(qty)] for px, qty, _ in book.levels(side, TOP)]
                for name, side in (("bids", Side.BUY), ("asks", Side.SELL))
            }
            final[name] = {**sides, "levels": list(book.size()), "crc32": book.checksum}
        else:
            orders = {
                side: [
                    [inst.px_text(half.sign * key), inst.qty_text(half.total[key]), len(level), list(level)]
                    for key in half.keys[:TOP]
                    for level in (half.levels[key],)
                ]
                for side, half in (("bids", book.bids), ("asks", book.asks))
            }
            final[name] = {**orders, "orders": list(book.size()), "crc32": book.checksum}
    return final
