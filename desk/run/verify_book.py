"""Prove a recording: rebuild every Kraken book in it and compare each checksum. No resync is assumed.

Each book is kept twice, by the readable path and by the desk's fast one (desk.run.twin). Recordings of v1 are read too;
for the fast path their frames are written as v2. A recording of Binance or Coinbase, which send no checksums, is proven
by its sequence (desk.run.verify_sequence).

The depth of a book is the recorded acknowledgement's; where a file holds none, the caller's; and without that, the
smallest depth Kraken offers that holds the largest snapshot of the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from desk.errors import DecodeError, FeedError
from desk.instrument import Instrument
from desk.io.frames import RecordedFrame
from desk.messages import Ack, BookUpdate, Message, OrdersUpdate
from desk.run import verify_sequence
from desk.run.captures import frames_of
from desk.run.final_state import final, offered
from desk.run.twin import Twin, in_words, paths
from desk.wire.kraken import KrakenCodec
from desk.wire.kraken_v1 import KrakenV1Codec
from desk.wire.kraken_venue import book as book_frame

LOOK = 200  # frames in which the protocol must show itself


def verify_book(path: Path, depth: int | None = None) -> dict[str, Any]:
    """What a recording proves, as plain data (the command's JSON).

    `messages` counts book and level3 messages; `first_bad_line` is the 0-based line of the first wrong checksum, None
    when there is none; `paths` says how often the desk's fast path and the readable one differed (desk.run.twin);
    `final` holds the ten best levels a side in wire text, with the number of levels (L2) or of orders (L3) kept. A
    recording of Binance or Coinbase gives the shape of `verify_sequence`. Raises FeedError when the file cannot be read
    or holds no book of these venues at all.
    """
    if verify_sequence.venue_of(path):
        return verify_sequence.verify_sequence(path)
    frames, problem = _readable(path)
    codec: KrakenCodec | KrakenV1Codec = KrakenV1Codec() if speaks_v1(frames) else KrakenCodec()
    decoded = [(frame, messages) for frame in frames if (messages := _decode(codec, frame)) is not None]
    undecodable = sum(1 for frame in frames if frame.direction == "<") - len(decoded)
    sizes = _largest_snapshots(decoded)
    depths: dict[tuple[str, str], int] = {}
    books: dict[tuple[str, str], Twin] = {}
    ok = bad = unchecked = 0
    first_bad: int | None = None
    for frame, messages in decoded:
        updates = [each for each in messages if isinstance(each, (BookUpdate, OrdersUpdate))]
        for message in messages:
            if isinstance(message, Ack) and message.method == "subscribe" and message.success and message.depth:
                depths[message.channel, message.symbol] = message.depth
        for update in updates:
            channel = "book" if isinstance(update, BookUpdate) else "level3"
            key = channel, update.inst.rpartition("@")[0]
            if key not in books:
                books[key] = Twin(channel, depths.get(key) or depth or offered(channel, sizes[channel]))
            twin = books[key]
            twin.depth = depths.get(key, twin.depth)
            inst = codec.instruments[key[1]]
            twin.apply(update, inst, _as_v2(inst, update, frame.data) if len(updates) == 1 else b"")
            if update.checksum is None:
                unchecked += 1
            elif update.checksum == twin.book.checksum:
                ok += 1
            else:
                bad += 1
                first_bad = frame.line if first_bad is None else first_bad
    if not books:
        raise FeedError(
            problem
            or f"{path}: no Kraken book or level3 message in {len(frames)} lines ({undecodable} not understood); "
            "is it a recording of another venue?"
        )
    return {
        "file": path.name,
        "frames": len(frames),
        "messages": ok + bad + unchecked,
        "crc_ok": ok,
        "crc_bad": bad,
        "unchecked": unchecked,
        "undecodable": undecodable,
        "first_bad_line": first_bad,
        "depth": {f"{symbol} {channel}": twin.depth for (channel, symbol), twin in books.items()},
        "problem": problem,
        "paths": paths(list(books.values())),
        "final": final({key: twin.book for key, twin in books.items()}, codec.instruments),
    }


def speaks_v1(frames: list[RecordedFrame]) -> bool:
    """v1's data frames are lists, and its answers have an event; v2 has neither."""
    return any(frame.data.startswith(b"[") or b'"event":"systemStatus"' in frame.data for frame in frames[:LOOK])


def _as_v2(inst: Instrument, update: BookUpdate | OrdersUpdate, frame: bytes) -> bytes:
    """The frame for the fast path: v1's is written as v2, with the same digits."""
    return book_frame(inst, update) if isinstance(update, BookUpdate) and frame.startswith(b"[") else frame


def _readable(path: Path) -> tuple[list[RecordedFrame], str]:
    """Every frame that can be read, and what is wrong with the rest of the file."""
    frames: list[RecordedFrame] = []
    try:
        frames.extend(frames_of(path))
    except FeedError as err:
        if not frames:
            raise
        return frames, str(err)
    return frames, ""


def _decode(codec: KrakenCodec | KrakenV1Codec, frame: RecordedFrame) -> list[Message] | None:
    if frame.direction != "<":
        return None
    try:
        return codec.decode(frame.data)
    except DecodeError:
        return None


def _largest_snapshots(decoded: list[tuple[RecordedFrame, list[Message]]]) -> dict[str, int]:
    largest = {"book": 0, "level3": 0}
    for _, messages in decoded:
        for message in messages:
            if isinstance(message, BookUpdate) and message.snapshot:
                largest["book"] = max(largest["book"], len(message.bids), len(message.asks))
            elif isinstance(message, OrdersUpdate) and message.snapshot:
                levels = (len({order.px for order in side}) for side in (message.bids, message.asks))
                largest["level3"] = max(largest["level3"], *levels)
    return largest


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
    lines.append(f"  {in_words(result['paths'])}" if result["paths"] else "  read by the fast path alone")
    for name, book in result["final"].items():
        best = [f"{book[side][0][0]} × {book[side][0][1]}" if book[side] else "empty" for side in ("bids", "asks")]
        lines.append(f"  {name}: bid {best[0]}, ask {best[1]}, crc32 {book['crc32']}")
    return "\n".join(lines)
