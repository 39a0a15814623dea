"""Prove a long recording of Kraken v2 in one pass and little memory: `verify-book --fast`.

Runs of book updates go to the kernel many lines a call (desk.kernels.l2_lines); everything else is decoded. What the
readable path says of the same frames is `desk.run.verify_book`'s to ask.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from desk.errors import DecodeError, FeedError
from desk.io.frames import RecordedFrame, frame_of, read_frames, read_texts
from desk.market.l2 import L2Book
from desk.market.l3 import L3Book
from desk.market.raw_l2 import Lines, RawL2Book
from desk.messages import Ack, BookUpdate, Instruments, OrdersUpdate, Side
from desk.run.final_state import Book, final, offered
from desk.wire.kraken import KrakenCodec

HEAD = 160  # bytes of a line in which an update names its symbol
UPDATE = re.compile(rb'^(?:[0-9]+|-)\t<\t\{"channel":"book","type":"update","data":\[\{"symbol":("[^"\\]+")')
SNAPSHOT = b'"snapshot"'


def verify_stream(path: Path, depth: int | None = None) -> dict[str, Any]:
    """As `desk.run.verify_book.verify_book`, with the fast path alone ("paths" is None), for v2 recordings only."""
    proof = _Proof(path, depth)
    try:
        for before, text in _texts(path):
            proof.read(before, Lines(text))
    except FeedError as err:
        if not proof.frames:
            raise
        proof.problem = str(err)
    if not proof.books:
        raise FeedError(
            proof.problem
            or f"{path}: no Kraken v2 book or level3 message in {proof.frames} lines ({proof.undecodable} not "
            "understood); is it a recording of another venue?"
        )
    return {
        "file": path.name,
        "frames": proof.frames,
        "messages": proof.ok + proof.bad + proof.unchecked,
        "crc_ok": proof.ok,
        "crc_bad": proof.bad,
        "unchecked": proof.unchecked,
        "undecodable": proof.undecodable,
        "first_bad_line": proof.first_bad,
        "depth": {f"{symbol} {channel}": book.depth for (channel, symbol), book in proof.books.items()},
        "problem": proof.problem,
        "paths": None,
        "final": final(proof.books, proof.codec.instruments),
    }


class _Proof:
    """The books of a recording while it is read, and what their checksums said."""

    def __init__(self, path: Path, depth: int | None) -> None:
        self.path, self.depth = path, depth
        self.codec = KrakenCodec()
        self.books: dict[tuple[str, str], Book] = {}
        self.depths: dict[tuple[str, str], int] = {}
        self.frames = self.ok = self.bad = self.unchecked = self.undecodable = 0
        self.first_bad: int | None = None
        self.problem = ""

    def read(self, before: int, lines: Lines) -> None:
        """One piece of the recording: runs of book updates by the kernel, every other line decoded."""
        text, at, number = lines.text, 0, before
        while at < lines.size:
            end = text.find(b"\n", at) + 1 or lines.size
            book = self._of(text[at : min(end, at + HEAD)])
            if isinstance(book, RawL2Book):
                taken = book.feed_all(lines, at)
                if taken.lines:
                    self.ok += taken.proven
                    self.unchecked += taken.unchecked
                    number += taken.lines
                    if taken.wrong:
                        self._wrong(number - 1)
                    self.frames = number
                    at = taken.end
                    continue
            frame = frame_of(self.path, number + 1, text[at:end])
            number += 1
            self.frames = number
            at = end
            if frame.direction == "<":
                self._decoded(frame)

    def _of(self, head: bytes) -> Book | None:
        """The book that a line with this head updates."""
        found = UPDATE.search(head)
        return self.books.get(("book", msgspec.json.decode(found[1]))) if found else None

    def _wrong(self, line: int) -> None:
        self.bad += 1
        self.first_bad = line if self.first_bad is None else self.first_bad

    def _decoded(self, frame: RecordedFrame) -> None:
        try:
            messages = self.codec.decode(frame.data)
        except DecodeError:
            self.undecodable += 1
            return
        for message in messages:
            if isinstance(message, Ack) and message.method == "subscribe" and message.success and message.depth:
                key = message.channel, message.symbol
                self.depths[key] = message.depth
                if key in self.books:
                    self.books[key].depth = message.depth
            elif isinstance(message, Instruments):
                for inst in message.instruments:
                    self._describe("book", inst.symbol)
            elif isinstance(message, (BookUpdate, OrdersUpdate)):
                self._apply(message, frame.line)

    def _describe(self, channel: str, symbol: str) -> None:
        book, inst = self.books.get((channel, symbol)), self.codec.instruments[symbol]
        if isinstance(book, RawL2Book):
            book.describe(inst.px_decimals, inst.qty_decimals, symbol)

    def _apply(self, message: BookUpdate | OrdersUpdate, line: int) -> None:
        channel = "book" if isinstance(message, BookUpdate) else "level3"
        key = channel, message.inst.rpartition("@")[0]
        if key not in self.books:
            kept = self.depths.get(key) or self.depth or offered(channel, self._largest_snapshot(channel))
            self.books[key] = RawL2Book(kept) if channel == "book" else L3Book(kept)
            self._describe(*key)
        book = self.books[key]
        try:
            book.apply(message)  # type: ignore[arg-type]  # the channel decides both types
        except FeedError:  # a number of more than 18 digits: the readable book holds any
            assert isinstance(book, RawL2Book)
            plain = L2Book(book.depth)
            bids, asks = (
                tuple([(px, qty) for px, qty, _ in book.levels(side, held)])
                for side, held in zip(Side, book.size(), strict=True)
            )
            plain.apply(BookUpdate(message.inst, bids, asks, snapshot=True))
            plain.apply(message)  # type: ignore[arg-type]
            book = self.books[key] = plain
        if message.checksum is None:
            self.unchecked += 1
        elif message.checksum == book.checksum:
            self.ok += 1
        else:
            self._wrong(line)

    def _largest_snapshot(self, channel: str) -> int:
        """Price levels of the largest snapshot of a channel in the whole recording."""
        largest, codec = 0, KrakenCodec()
        with suppress(FeedError):
            for frame in read_frames(self.path):
                if frame.direction != "<" or SNAPSHOT not in frame.data:
                    continue
                with suppress(DecodeError):
                    for message in codec.decode(frame.data):
                        if isinstance(message, BookUpdate) and channel == "book":
                            largest = max(largest, len(message.bids), len(message.asks))
                        elif isinstance(message, OrdersUpdate) and channel == "level3":
                            levels = (len({order.px for order in side}) for side in (message.bids, message.asks))
                            largest = max(largest, *levels)
        return largest


def _texts(path: Path) -> Iterator[tuple[int, bytes]]:
    """The recording in pieces of whole lines; a folder's frames, merged by time, one by one."""
    if not path.is_dir():
        yield from read_texts(path)
        return
    frames = read_frames(path)
    while some := list(islice(frames, 1000)):
        yield some[0].line, b"".join([_line(frame) for frame in some])


def _line(frame: RecordedFrame) -> bytes:
    """A frame as its recording writes it."""
    ts = b"-" if frame.ts is None else b"%d" % frame.ts
    if b"\n" in frame.data:
        return b"%s\t<64\t%s\n" % (ts, binascii.b2a_base64(frame.data, newline=False))
    return b"%s\t%s\t%s\n" % (ts, frame.direction.encode(), frame.data)
