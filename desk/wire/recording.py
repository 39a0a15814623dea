"""What a recording says: a line for each frame, and a manifest beside it."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from typing import Any

import msgspec

from desk.events import Frame

FRAMES, MANIFEST = ".frames.gz", ".manifest.json"


class Gap(msgspec.Struct):
    """Frames that were received and are not in the file."""

    begin: int  # ns, receive time of the first
    end: int  # of the last
    frames: int
    why: str


class RestAnswer(msgspec.Struct, frozen=True, gc=False):
    """What REST answered to a call that a link's books needed, among its frames: {"symbol":…,"body":…} on one line."""

    ts: int
    link: int
    data: bytes


Kept = Frame | RestAnswer


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a recording holds. `sha256` (hex) is of the file as it lies there: `sha256sum FILE`."""

    file: str
    venue: str
    link: str
    symbols: tuple[str, ...]
    subscriptions: tuple[dict[str, Any], ...]  # channel, symbol, depth, interval
    begin: int  # ns, receive time of the first frame
    end: int
    frames: int
    bytes_raw: int
    bytes_compressed: int
    sha256: str
    gaps: tuple[Gap, ...]
    continues: str  # the file of the day before, "" for a run's first
    version: str


def rest_answer(ts: int, link: int, symbol: str, body: bytes) -> RestAnswer | None:
    r"""An answer as it is kept; None for a body that is no JSON, which says nothing about a book.

    >>> rest_answer(7, 0, "XY", b'{"a":\n1}').data
    b'{"symbol":"XY","body":{"a":1}}'
    """
    try:
        said = msgspec.json.format(body, indent=-1)  # without line feeds, the numbers as they came
    except msgspec.MsgspecError:
        return None
    return RestAnswer(ts, link, msgspec.json.encode({"symbol": symbol, "body": msgspec.Raw(said)}))


def lines(frames: Sequence[Kept]) -> bytes:
    r"""The frames as text: receive time in ns, tab, `<` (`R` a REST answer), tab, the frame, line feed.

    A frame that is no line of text (not UTF-8, or with a line feed, or ending in a carriage return) stands in base64
    behind `<64`.

    >>> lines([Frame(7, 0, b'{"a":1}'), Frame(8, 0, b"a\nb")])
    b'7\t<\t{"a":1}\n8\t<64\tYQpi\n'
    """
    data = [frame.data for frame in frames]
    said = b"".join(data)
    if b"\n" not in said and b"\r" not in said and said.isascii() and RestAnswer not in map(type, frames):
        stamps = msgspec.json.encode([frame.ts for frame in frames])[1:-1].split(b",")  # quicker than a %d for each
        columns = [b"", b"\t<\t", b"", b"\n"] * len(frames)
        columns[0::4], columns[2::4] = stamps, data
        return b"".join(columns)
    return b"".join([_line(frame) for frame in frames])


def _line(frame: Kept) -> bytes:
    data = frame.data
    if isinstance(frame, RestAnswer):
        return b"%d\tR\t%s\n" % (frame.ts, data)
    if b"\n" in data or data.endswith(b"\r") or not _is_text(data):
        return b"%d\t<64\t%s\n" % (frame.ts, binascii.b2a_base64(data, newline=False))
    return b"%d\t<\t%s\n" % (frame.ts, data)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
