"""Kraken's order ids and order events as integers, as the level3 scanner packs them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from desk.kernels import l3_words as at
from desk.messages import OrderEvent

DIGITS = 10**18
KINDS = {"delete": at.DELETE, "modify": at.MODIFY}  # anything else adds, as in L3Book
_ID = re.compile(r"O[0-Z]{5}-[0-Z]{5}-[0-Z]{6}")


def as_rows(events: Iterable[OrderEvent]) -> list[tuple[int, int, int, int, int]] | None:
    """Events as rows of (kind, id, id, price, quantity); None when one does not fit."""
    rows = []
    for event in events:
        if not (0 <= event.px < DIGITS and 0 <= event.qty < DIGITS and _ID.fullmatch(event.order_id)):
            return None
        a, b = key_of(event.order_id)
        rows.append((KINDS.get(event.kind, at.ADD), a, b, event.px, event.qty))
    return rows


def key_of(order_id: str) -> tuple[int, int]:
    """The 16 significant characters of Kraken's form in two words, as the scanner packs them.

    >>> id_of(*key_of("OTCFZG-YOE2Q-LQKNM3"))
    'OTCFZG-YOE2Q-LQKNM3'
    """
    t = order_id.encode()
    a, b = t[1:6] + t[9:10] + t[7:9], t[11:12] + t[10:11] + t[13:19]
    return int.from_bytes(a, "little"), int.from_bytes(b, "little")


def id_of(a: int, b: int) -> str:
    """The id of two words: the inverse of `_key`."""
    x, y = a.to_bytes(8, "little").decode(), b.to_bytes(8, "little").decode()
    return f"O{x[:5]}-{x[6:]}{x[5]}{y[1]}{y[0]}-{y[2:]}"
