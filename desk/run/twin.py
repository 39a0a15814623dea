"""One book kept twice: by the readable path and by the desk's fast one, compared after every message.

The fast path reads a frame's bytes in a kernel where it knows the form (desk.market.raw_l2, raw_l3), and takes the
decoded message where it does not, as a run does. Compared are the checksum and the sizes every time, all levels (and
all orders in their queues) every so often and at the end.
"""

from __future__ import annotations

from typing import Any

from desk.errors import FeedError
from desk.instrument import Instrument
from desk.market.l2 import L2Book
from desk.market.l3 import L3Book
from desk.market.raw_l2 import READ, RawL2Book
from desk.market.raw_l3 import RawL3Book
from desk.messages import BookUpdate, OrdersUpdate, Side

FULLY = 256  # messages between whole comparisons


class Twin:
    """A book of `channel` ("book" or "level3") cut to `depth`; `book` is the readable one."""

    def __init__(self, channel: str, depth: int) -> None:
        self.book: L2Book | L3Book = L2Book(depth) if channel == "book" else L3Book(depth)
        self.raw: RawL2Book | RawL3Book = RawL2Book(depth) if channel == "book" else RawL3Book(depth)
        self.messages = self.kernel = self.differ = 0
        self.first = ""  # the first difference
        self._inst: Instrument | None = None

    @property
    def depth(self) -> int:
        return self.book.depth

    @depth.setter
    def depth(self, depth: int) -> None:
        if depth != self.book.depth:
            self.book.depth = self.raw.depth = depth

    def apply(self, message: BookUpdate | OrdersUpdate, inst: Instrument | None = None, frame: bytes = b"") -> None:
        """Both ways; `frame` holds this message and no other, or is empty: then nothing is read as bytes."""
        if inst is not None and inst is not self._inst:
            self._inst = inst
            self.raw.describe(inst.px_decimals, inst.qty_decimals, inst.symbol)
        self.messages += 1
        self.book.apply(message)  # type: ignore[arg-type]  # the channel decides both types
        if frame and not message.snapshot and self.raw.feed(frame) == READ:
            self.kernel += 1
            self._expect("claimed", self.raw.claimed, -1 if message.checksum is None else message.checksum)
            self._expect("time", self.raw.ts_exch, message.ts_exch)
        else:
            try:
                self.raw.apply(message)  # type: ignore[arg-type]
            except FeedError as err:
                self._expect("taken", str(err), "")
        self._expect("checksum", self.raw.checksum, self.book.checksum)
        self._expect("size", self.raw.size(), self.book.size())
        if self.messages % FULLY == 0:
            self.compare()

    def compare(self) -> None:
        """Everything both hold."""
        most = max(self.book.size()) + 1
        for side in Side:
            self._expect(f"{side.name} levels", self.raw.levels(side, most), self.book.levels(side, most))
        if isinstance(self.book, L3Book) and isinstance(self.raw, RawL3Book):
            for fast, plain in ((self.raw.bids, self.book.bids), (self.raw.asks, self.book.asks)):
                for key in plain.keys:
                    self._expect("queue", fast.queue(abs(key)), plain.queue(abs(key)))

    def _expect(self, what: str, fast: object, readable: object) -> None:
        if fast != readable:
            self.differ += 1
            self.first = self.first or f"message {self.messages}: {what} {fast!r:.80} instead of {readable!r:.80}"


def paths(twins: list[Twin]) -> dict[str, Any]:
    """What a proof says of both paths: messages a kernel read, those the decoder handed over, and differences."""
    for twin in twins:
        twin.compare()
    kernel = sum(twin.kernel for twin in twins)
    return {
        "kernel": kernel,
        "decoder": sum(twin.messages for twin in twins) - kernel,
        "differences": sum(twin.differ for twin in twins),
        "first_difference": next((twin.first for twin in twins if twin.first), ""),
    }


def in_words(said: dict[str, Any]) -> str:
    """The same for a person."""
    verdict = "equal after each" if not said["differences"] else f"DIFFER, first at {said['first_difference']}"
    return f"fast and readable path: {verdict} ({said['kernel']:,} read as bytes, {said['decoder']:,} decoded)"
