"""Prove a recording: rebuild every Kraken v2 book in it and compare each checksum. No resync is assumed.

Runs of book updates go to the kernel many lines a call (desk.kernels.l2_lines); everything else is decoded.

A recording of Binance or Coinbase, which send no checksums, is proven by its sequence (desk.run.verify_sequence).

The depth of a book is the recorded acknowledgement's; where a file holds none, the caller's; and without that, the
smallest depth Kraken offers that holds the largest snapshot of the file.
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
from desk.instrument import Instrument
from desk.io.frames import RecordedFrame, frame_of, read_frames, read_texts
from desk.market.l2 import L2Book
from desk.market.l3 import L3Book
from desk.market.raw_l2 import Lines, RawL2Book
from desk.messages import Ack, BookUpdate, Instruments, OrdersUpdate, Side
from desk.run import verify_sequence
from desk.wire.kraken import KrakenCodec

Book = RawL2Book | L2Book | L3Book
HEAD = 160  # bytes of a line in which an update names its symbol
UPDATE = re.compile(rb'^(?:[0-9]+|-)\t<\t\{"channel":"book","type":"update","data":\[\{"symbol":("[^"\\]+")')
SNAPSHOT = b'"snapshot"'
DEPTHS = {"book": (10, 25, 100, 500, 1000), "level3": (10, 100, 1000)}
TOP = 10


def verify_book(path: Path, depth: int | None = None) -> dict[str, Any]:
    """What a recording proves, as plain data (the command's JSON).

    `messages` counts book and level3 messages; `first_bad_line` is the 0-based line of the first wrong checksum, None
    when there is none; `final` holds the ten best levels a side in wire text, with the number of levels (L2) or of
    orders (L3) kept. A recording of Binance or Coinbase gives the shape of `verify_sequence`. Raises FeedError when the
    file cannot be read or holds no book of these venues at all.
    """
    if verify_sequence.venue_of(path):
        return verify_sequence.verify_sequence(path)
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
        "final": _final(proof.books, proof.codec.instruments),
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
            kept = self.depths.get(key) or self.depth or _offered(channel, self._largest_snapshot(channel))
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


def _offered(channel: str, levels: int) -> int:
    return next((depth for depth in DEPTHS[channel] if depth >= levels), DEPTHS[channel][-1])


def _final(books: dict[tuple[str, str], Book], instruments: dict[str, Instrument]) -> dict[str, Any]:
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


def describe(result: dict[str, Any]) -> str:
    """The same for a person."""
    if "venue" in result:
        return verify_sequence.describe(result)
    bad = result["crc_bad"]
    first = f", the first at line {result['first_bad_line']}" if bad else ""
    lines = [
        f"{result['file']}: {result['messages']:,} book messages in {result['frames']:,} frames: "
        f"{result['crc_ok']:,} checksums right, {bad:,} wrong{first}"
    ]
    for name, book in result["final"].items():
        best = [f"{book[side][0][0]} × {book[side][0][1]}" if book[side] else "empty" for side in ("bids", "asks")]
        lines.append(f"  {name}: bid {best[0]}, ask {best[1]}, crc32 {book['crc32']}")
    return "\n".join(lines)
