"""Kraken's book checksums on integer ticks and lots.

Digits: for each level price then quantity, as the wire writes them without "." and without leading zeros. An integer of
ticks or lots printed in decimal gives exactly those digits, so no text needs to be kept. CRC32 (zlib) over the 10 best
asks, price ascending, then the 10 best bids, price descending; `level3` walks the orders of those levels in queue
order.
Source: Kraken guides "Book checksum (v2)" and "L3 checksum (v2)".
"""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

LEVELS = 10


def digits_crc(asks: Iterable[str], bids: Iterable[str]) -> int:
    """CRC32 of ready-made digits, level by level: what a book that keeps them per level needs.

    >>> digits_crc(["452852100000"], ["45283510000000"]) == book_crc([(452852, 100000)], [(452835, 10000000)])
    True
    """
    return crc32(("".join(asks) + "".join(bids)).encode())


def book_crc(asks: Iterable[tuple[int, int]], bids: Iterable[tuple[int, int]]) -> int:
    """CRC32 of an L2 book: (price, quantity) of at most the 10 best levels a side, best first.

    >>> book_crc([(452852, 100000), (452864, 154571953)], [(452835, 10000000)])
    3456908595
    """
    return digits_crc((f"{px}{qty}" for px, qty in asks), (f"{px}{qty}" for px, qty in bids))


def orders_crc(asks: Iterable[Iterable[tuple[int, int]]], bids: Iterable[Iterable[tuple[int, int]]]) -> int:
    """CRC32 of an L3 book: for each of the 10 best levels a side, its (price, quantity) orders in queue order."""
    return book_crc(
        (order for level in asks for order in level),
        (order for level in bids for order in level),
    )
