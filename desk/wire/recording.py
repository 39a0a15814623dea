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


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a recording holds. `blake2b` (32 bytes, hex) is of the uncompressed text: `zcat FILE | b2sum -l 256`."""

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
    blake2b: str
    gaps: tuple[Gap, ...]
    continues: str  # the file of the day before, "" for a run's first
    version: str


def lines(frames: Sequence[Frame]) -> bytes:
    r"""The frames as text: receive time in ns, tab, `<`, tab, the frame, line feed.

    A frame that is no line of text (not UTF-8, or with a line feed, or ending in a carriage return) stands in base64
    behind `<64`.

    >>> lines([Frame(7, 0, b'{"a":1}'), Frame(8, 0, b"a\nb")])
    b'7\t<\t{"a":1}\n8\t<64\tYQpi\n'
    """
    text = b"".join([b"%d\t<\t%s\n" % (frame.ts, frame.data) for frame in frames])
    if text.count(b"\n") == len(frames) and b"\r\n" not in text and _is_text(text):  # asked once for all: nearly always
        return text
    return b"".join([_line(frame) for frame in frames])


def _line(frame: Frame) -> bytes:
    data = frame.data
    if b"\n" in data or data.endswith(b"\r") or not _is_text(data):
        return b"%d\t<64\t%s\n" % (frame.ts, binascii.b2a_base64(data, newline=False))
    return b"%d\t<\t%s\n" % (frame.ts, data)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
