"""Frames of recordings that others made, in the forms met so far; each is told by its first lines.

    desk.io.frames          time, direction, frame per line, parted by tabs, or a folder of such files
    raw stream              `<ns> <frame>`, a REST depth among them (hftbacktest's collector)
    capture                 `<s.fraction>: <frame>`, the client's own after `wss://… <- ` (cryptofeed)
    frames alone            one frame per line
    wrapped frames          {"rx_ns":…,"frame":<frame>}, the client's with "dir":"tx", a header before them

Any of them may be packed with gzip. Where a form holds no times, `ts` is None.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Raw

from desk.errors import FeedError
from desk.io.frames import MAX_LINE, RecordedFrame, read_frames

_STREAM = re.compile(rb"(?P<s>[0-9]{9,20})(?P<f>) (?P<frame>\{.*)", re.DOTALL)
_CAPTURE = re.compile(
    rb"(?:wss?://\S+ (?P<own><-) )?(?P<s>[0-9]{9,11})\.(?P<f>[0-9]{1,9}): (?P<frame>[\[{].*)", re.DOTALL
)
_OPENED = re.compile(rb"wss?://\S+ <-> [0-9.]+")
_LINE = re.compile(rb"\{.*\}", re.DOTALL)
REST = b'{"lastUpdateId"'
LOOK = 4096  # bytes of a first line that tell a form


class Wrapped(msgspec.Struct, gc=False):
    """A line of a wrapped recording; its header has no frame."""

    rx_ns: int | None = None
    dir: str = "rx"
    frame: Raw = Raw(b"")
    captured_at: str = ""


_wrapped = msgspec.json.Decoder(Wrapped).decode


def frames_of(path: Path) -> Iterator[RecordedFrame]:
    """Every frame in order. Raises FeedError as `read_frames` does; before a cut comes everything that is whole."""
    form = None if path.is_dir() else _form(path)
    if form is None:
        yield from read_frames(path)
        return
    number = 0
    try:
        with _opened(path) as file:
            while raw := file.readline(MAX_LINE):
                line = raw.rstrip(b"\r\n")
                found = _frame(form, number, line) if line else None
                if found is not None:
                    yield found
                elif line and not _OPENED.fullmatch(line) and not line.startswith(b'{"captured_at"'):
                    raise FeedError(f"{path}, line {number + 1}: expected a time and a frame; found {line[:60]!r}")
                number += 1
    except (OSError, EOFError, zlib.error) as err:
        raise FeedError(f"{path}, line {number + 1}: the file ends in the middle or is damaged ({err})") from None


def _form(path: Path) -> str | None:
    """ "stream", "capture", "wrapped" or "alone"; None for a recording of ours and for anything unknown."""
    try:
        with _opened(path) as file:
            first = file.readline(MAX_LINE).rstrip(b"\r\n")
    except (OSError, EOFError, zlib.error):
        return None  # read_frames says what is wrong with it
    if _STREAM.match(first):
        return "stream"
    if _CAPTURE.match(first) or _OPENED.fullmatch(first):
        return "capture"
    if first[:LOOK].startswith((b'{"captured_at"', b'{"rx_ns"')):
        return "wrapped"
    return "alone" if _LINE.fullmatch(first) else None


def _frame(form: str, number: int, line: bytes) -> RecordedFrame | None:
    """A line's frame, None when it holds none."""
    if form == "alone":
        return RecordedFrame(number, None, "<", line) if _LINE.fullmatch(line) else None
    if form == "wrapped":
        try:
            said = _wrapped(line)
        except msgspec.MsgspecError:
            return None
        data = bytes(said.frame)
        return RecordedFrame(number, said.rx_ns, ">" if said.dir == "tx" else "<", data) if data else None
    found = (_STREAM if form == "stream" else _CAPTURE).fullmatch(line)
    if found is None:
        return None
    ts = int(found["s"] + found["f"].ljust(9, b"0")) if form == "capture" else int(found["s"])
    own = form == "capture" and found["own"]
    direction = ">" if own else "R" if found["frame"].startswith(REST) else "<"
    return RecordedFrame(number, ts, direction, found["frame"])


def _opened(path: Path) -> gzip.GzipFile | nullcontext[BinaryIO]:
    file = path.open("rb")
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return gzip.GzipFile(fileobj=file, mode="rb") if packed else nullcontext(file)
