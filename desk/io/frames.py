"""Recordings of a venue's frames, line by line: `*.frames.gz`, or the same unpacked.

UTF-8 text, one frame per line, three columns parted by tabs: receive time in ns (`-` where nobody noted it), direction
(`<` from the venue, `>` from the client, `R` a REST answer), and the frame exactly as it was on the wire.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from desk.errors import FeedError

MAX_LINE = 64 << 20  # bytes; a line beyond this is no frame, whatever a compressed file claims
_GZIP = b"\x1f\x8b"
_DIRECTIONS = {b"<": "<", b">": ">", b"R": "R"}


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
    """Every frame of a recording in order, one in memory at a time.

    Raises RecordingError for a file that is missing, foreign, damaged or cut off; of a file that is cut off, everything
    before the cut comes first.
    """
    number = 0
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP  # the content decides, not the name
            file.seek(0)
            with gzip.GzipFile(fileobj=file, mode="rb") if packed else nullcontext(file) as text:
                while raw := text.readline(MAX_LINE + 1):
                    number += 1
                    yield _frame(path, number, raw)
    except EOFError:
        raise RecordingError(
            path,
            number + 1,
            f"the file ends in the middle; {number} frames were read, the rest is missing. Fetch it again",
        ) from None
    except (gzip.BadGzipFile, zlib.error) as err:
        raise RecordingError(
            path, number + 1, f"damaged gzip data after {number} frames ({err}). Fetch the file again"
        ) from None
    except OSError as err:
        raise RecordingError(
            path, 0, f"cannot be read: {err.strerror or err}. Check the path and its permissions"
        ) from None


def _frame(path: Path, number: int, raw: bytes) -> RecordedFrame:
    if len(raw) > MAX_LINE:
        raise RecordingError(path, number, f"longer than {MAX_LINE >> 20} MiB: not a recording of frames")
    columns = raw.rstrip(b"\r\n").split(b"\t", 2)
    direction = _DIRECTIONS.get(columns[1]) if len(columns) == 3 else None
    if direction is None or not (columns[0] == b"-" or columns[0].isdigit()):
        what = "time in ns or -, then < > or R, then the frame, parted by tabs"
        if number == 1:
            raise RecordingError(path, number, f"not a recording of frames (expected {what}). Give a *.frames.gz file")
        raise RecordingError(path, number, f"expected {what}; found {raw[:60]!r}")
    try:
        columns[2].decode()
    except UnicodeDecodeError as err:
        raise RecordingError(
            path, number, f"not UTF-8 at byte {err.start} of the frame ({columns[2][err.start : err.start + 1]!r})"
        ) from None
    return RecordedFrame(number - 1, None if columns[0] == b"-" else int(columns[0]), direction, columns[2])
