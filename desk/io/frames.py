"""Recordings of a venue's frames, line by line: `*.frames.gz`, the same unpacked, or a folder of them.

UTF-8 text, one frame per line, three columns parted by tabs: receive time in ns (`-` where nobody noted it), direction
(`<` from the venue, `>` from the client, `R` a REST answer), and the frame exactly as it was on the wire. A frame that
is no line of text (not UTF-8, or with a line feed, or ending in a carriage return) has the direction `<64` and is in
base64; it is read as `<` and the bytes it was.

A file made of the recorder's own members (desk/wire/members.py) may end in a torn one, where its writer was killed: it
is cut, and a warning says so.
"""

from __future__ import annotations

import binascii
import gzip
import heapq
import io
import logging
import mmap
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO, NamedTuple

from desk.errors import FeedError
from desk.wire import members

MAX_LINE = 64 << 20  # bytes; a line beyond this is no frame, whatever a compressed file claims
PIECE = 256 << 10  # bytes of text that `read_texts` gives at a time
_GZIP = b"\x1f\x8b"
_DIRECTIONS = {b"<": "<", b">": ">", b"R": "R", b"<64": "<"}
log = logging.getLogger(__name__)


class RecordedFrame(NamedTuple):
    """One line of a recording. `ts` is ns by the recorder's clock, None where it has none.

    `line` counts from 0, as an index into the recording; messages to people count from 1, as editors do.
    """

    line: int
    ts: int | None
    direction: str
    data: bytes


class RecordingError(FeedError):
    """A recording cannot be read: the file, the line where it is known, the reason and what to do."""

    def __init__(self, path: Path, line: int, why: str) -> None:
        super().__init__(f"{path}{f', line {line}' if line else ''}: {why}")
        self.path, self.line, self.why = path, line, why


def read_frames(path: Path) -> Iterator[RecordedFrame]:
    """Every frame of a recording in order, one in memory at a time; of a folder, all its files merged by time.

    A folder's files are the `*.frames.gz` in it and below; its lines count through the merged frames. Raises
    RecordingError for a file that is missing, foreign, damaged or cut off; of a file that is cut off, everything before
    the cut comes first.
    """
    if path.is_dir():
        yield from _folder(path)
        return
    for before, text in read_texts(path):
        for number, raw in enumerate(io.BytesIO(text), before + 1):
            yield frame_of(path, number, raw)


def read_texts(path: Path) -> Iterator[tuple[int, bytes]]:
    """The text of one file in pieces of whole lines, as far as it can be read: (lines before the piece, the piece).

    Raises RecordingError as `read_frames` does, except for what a line holds: that is for `frame_of` to say.
    """
    number = size = 0
    held: list[bytes] = []
    try:
        with path.open("rb") as file:
            head = file.read(members.HEAD)
            file.seek(0)
            if head and members.begins(head):
                yield from _own(path, file)
                return
            packed = head[:2] == _GZIP  # the content decides, not the name
            with gzip.GzipFile(fileobj=file, mode="rb") if packed else nullcontext(file) as text:
                while raw := text.readline(MAX_LINE + 1):
                    held.append(raw)
                    size += len(raw)
                    if size >= PIECE:
                        yield number, b"".join(held)
                        number += len(held)
                        size = 0
                        held.clear()
                if held:
                    yield number, b"".join(held)
    except (EOFError, gzip.BadGzipFile, zlib.error) as err:
        if held:
            yield number, b"".join(held)
        number += len(held)
        why = (
            f"the file ends in the middle; {number} frames were read, the rest is missing. Fetch it again"
            if isinstance(err, EOFError)
            else f"damaged gzip data after {number} frames ({err}). Fetch the file again"
        )
        raise RecordingError(path, number + 1, why) from None
    except OSError as err:
        raise RecordingError(
            path, 0, f"cannot be read: {err.strerror or err}. Check the path and its permissions"
        ) from None


def _own(path: Path, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The texts of a file of the recorder's members, up to a torn one."""
    number = at = 0
    while head := file.read(members.HEAD):
        told = members.length(head)
        member = head + file.read(told - len(head)) if told is not None else head
        text = members.unpack(member)
        if text is None:
            _cut(path, file, at, number)
            return
        at += len(member)
        yield number, text
        number += text.count(b"\n")


def _cut(path: Path, file: BinaryIO, at: int, number: int) -> None:
    """Say what is cut; refuse when it is not the tail of a killed writer but damage with good members after it."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        after = members.next_whole(whole, at + 1)
        size = len(whole)
    if after is not None:
        raise RecordingError(
            path,
            number + 1,
            f"damaged at byte {at} after {number} frames, but good again from byte {after}: no torn tail. "
            "Restore the file from a copy",
        )
    log.warning("%s: the last %d bytes are torn and were cut; %d frames are whole", path, size - at, number)


def _folder(path: Path) -> Iterator[RecordedFrame]:
    """Files are opened when their time comes: a folder may hold more of them than a process may open."""
    names = sorted(path.rglob("*.frames.gz"))
    waiting = [(first.ts or 0, name) for name in names if (first := next(read_frames(name), None)) is not None]
    if not waiting:
        raise RecordingError(path, 0, "cannot be read: a folder without frames in *.frames.gz files. Check the path")
    waiting.sort(reverse=True)
    open_now: list[tuple[int, int, RecordedFrame, Iterator[RecordedFrame]]] = []
    opened = number = 0
    while open_now or waiting:
        while waiting and (not open_now or waiting[-1][0] <= open_now[0][0]):
            began, name = waiting.pop()
            following = read_frames(name)
            opened += 1
            heapq.heappush(open_now, (began, opened, next(following), following))
        at, order, frame, rest = open_now[0]
        yield frame._replace(line=number)
        number += 1
        if (after := next(rest, None)) is None:
            heapq.heappop(open_now)
        else:
            heapq.heapreplace(open_now, (max(at, after.ts or 0), order, after, rest))


def frame_of(path: Path, number: int, raw: bytes) -> RecordedFrame:
    """A line, its number counted from 1, as a frame. Raises RecordingError for a line that is none."""
    if len(raw) > MAX_LINE:
        raise RecordingError(path, number, f"longer than {MAX_LINE >> 20} MiB: not a recording of frames")
    columns = raw.rstrip(b"\r\n").split(b"\t", 2)
    direction = _DIRECTIONS.get(columns[1]) if len(columns) == 3 else None
    if direction is None or not (columns[0] == b"-" or columns[0].isdigit()):
        what = "time in ns or -, then < > or R, then the frame, parted by tabs"
        if number == 1:
            raise RecordingError(path, number, f"not a recording of frames (expected {what}). Give a *.frames.gz file")
        raise RecordingError(path, number, f"expected {what}; found {raw[:60]!r}")
    data = columns[2]
    if len(columns[1]) > 1:
        try:
            data = binascii.a2b_base64(data, strict_mode=True)
        except binascii.Error as err:
            raise RecordingError(path, number, f"not base64 after <64 ({err})") from None
    else:
        try:
            data.decode()
        except UnicodeDecodeError as err:
            raise RecordingError(
                path, number, f"not UTF-8 at byte {err.start} of the frame ({data[err.start : err.start + 1]!r})"
            ) from None
    return RecordedFrame(number - 1, None if columns[0] == b"-" else int(columns[0]), direction, data)
