"""Prove a recording: rebuild every Kraken v2 book in it and compare each checksum. No resync is assumed.

A recording of Binance or Coinbase, which send no checksums, is proven by its sequence (desk.run.verify_sequence).

The depth of a book is the recorded acknowledgement's; where a file holds none, the caller's; and without that, the
smallest depth Kraken offers that holds the largest snapshot of the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from desk.errors import DecodeError, FeedError
from desk.instrument import Instrument
from desk.io.frames import RecordedFrame, read_frames
from desk.market.l2 import L2Book
from desk.market.l3 import L3Book
from desk.messages import Ack, BookUpdate, Message, OrdersUpdate
from desk.run import verify_sequence
from desk.wire.kraken import KrakenCodec

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
    codec = KrakenCodec()
    frames, problem = _readable(path)
    decoded = [
        (frame.line, codec_messages) for frame in frames if (codec_messages := _decode(codec, frame)) is not None
    ]
    undecodable = sum(1 for frame in frames if frame.direction == "<") - len(decoded)
    sizes = _largest_snapshots(decoded)
    depths: dict[tuple[str, str], int] = {}
    books: dict[tuple[str, str], L2Book | L3Book] = {}
    ok = bad = unchecked = 0
    first_bad: int | None = None
    for line, messages in decoded:
        for message in messages:
            if isinstance(message, Ack) and message.method == "subscribe" and message.success and message.depth:
                depths[message.channel, message.symbol] = message.depth
            if not isinstance(message, (BookUpdate, OrdersUpdate)):
                continue
            channel = "book" if isinstance(message, BookUpdate) else "level3"
            key = channel, message.inst.rpartition("@")[0]
            if key not in books:
                kept = depths.get(key) or depth or _offered(channel, sizes[channel])
                books[key] = L2Book(kept) if channel == "book" else L3Book(kept)
            book = books[key]
            book.depth = depths.get(key, book.depth)
            book.apply(message)  # type: ignore[arg-type]  # the channel decides both types
            if message.checksum is None:
                unchecked += 1
            elif message.checksum == book.checksum:
                ok += 1
            else:
                bad += 1
                first_bad = line if first_bad is None else first_bad
    if not books:
        raise FeedError(
            problem
            or f"{path}: no Kraken v2 book or level3 message in {len(frames)} lines ({undecodable} not understood); "
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
        "depth": {f"{symbol} {channel}": book.depth for (channel, symbol), book in books.items()},
        "problem": problem,
        "final": _final(books, codec.instruments),
    }


def _readable(path: Path) -> tuple[list[RecordedFrame], str]:
    """Every frame that can be read, and what is wrong with the rest of the file."""
    frames: list[RecordedFrame] = []
    try:
        frames.extend(read_frames(path))
    except FeedError as err:
        if not frames:
            raise
        return frames, str(err)
    return frames, ""


def _decode(codec: KrakenCodec, frame: RecordedFrame) -> list[Message] | None:
    if frame.direction != "<":
        return None
    try:
        return codec.decode(frame.data)
    except DecodeError:
        return None


def _largest_snapshots(decoded: list[tuple[int, list[Message]]]) -> dict[str, int]:
    largest = {"book": 0, "level3": 0}
    for _, messages in decoded:
        for message in messages:
            if isinstance(message, BookUpdate) and message.snapshot:
                largest["book"] = max(largest["book"], len(message.bids), len(message.asks))
            elif isinstance(message, OrdersUpdate) and message.snapshot:
                levels = (len({order.px for order in side}) for side in (message.bids, message.asks))
                largest["level3"] = max(largest["level3"], *levels)
    return largest


def _offered(channel: str, levels: int) -> int:
    return next((depth for depth in DEPTHS[channel] if depth >= levels), DEPTHS[channel][-1])


def _final(books: dict[tuple[str, str], L2Book | L3Book], instruments: dict[str, Instrument]) -> dict[str, Any]:
    final: dict[str, Any] = {}
    for (channel, symbol), book in books.items():
        inst = instruments[symbol]
        name = symbol if symbol not in final else f"{symbol} {channel}"
        if isinstance(book, L2Book):
            sides = {
                side: [[inst.px_text(px), inst.qty_text(qty)] for px, qty in half.best(TOP)]
                for side, half in (("bids", book.bids), ("asks", book.asks))
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
