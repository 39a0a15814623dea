"""Recordings: what is readable is read, what is not is named with its file, line and reason."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from shared import shared

from desk.errors import FeedError
from desk.io.frames import RecordedFrame, read_frames

LINES = b'100\t<\t{"channel":"heartbeat"}\n-\t>\t{"method":"ping"}\n200\tR\t{"a":1}\n'


def saved(folder: Path, data: bytes) -> Path:
    path = folder / "x.frames.gz"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_columns_come_out_as_they_were_recorded(tmp_path: Path, packed: bool, ending: bytes) -> None:
    """Breaks every consumer of recordings; a frame must be the bytes of the wire, without the line's own ending."""
    text = LINES.replace(b"\n", ending)
    frames = list(read_frames(saved(tmp_path, gzip.compress(text) if packed else text)))
    assert frames == [
        RecordedFrame(0, 100, "<", b'{"channel":"heartbeat"}'),
        RecordedFrame(1, None, ">", b'{"method":"ping"}'),
        RecordedFrame(2, 200, "R", b'{"a":1}'),
    ]


def test_a_real_recording_is_read_whole() -> None:
    """Breaks when a line is dropped or split."""
    path = shared("captures/kraken_v2_book_ethusd_d25_20260802.frames.gz")
    frames = list(read_frames(path))
    assert b"".join(b"%d\t%s\t%s\n" % (f.ts or 0, f.direction.encode(), f.data) for f in frames) == gzip.decompress(
        path.read_bytes()
    )
    assert len(frames) == 1170


def test_a_tab_inside_a_frame_stays_in_it(tmp_path: Path) -> None:
    """Breaks frames with white space of their own: only the first two tabs part columns."""
    (frame,) = read_frames(saved(tmp_path, b'5\t<\t{"a":\t1}\n'))
    assert frame.data == b'{"a":\t1}'


@pytest.mark.parametrize(
    ("data", "good", "reason"),
    [
        (LINES + b"300\t<\n", 3, r"line 4: expected time in ns"),
        (LINES + b"soon\t<\t{}\n", 3, r"line 4: expected time in ns"),
        (LINES + b"300\t=\t{}\n", 3, r"line 4: expected time in ns"),
        (LINES + b"300\t<\t\xff\xfe\n", 3, r"line 4: not UTF-8 at byte 0"),
        (LINES + b"\n", 3, r"line 4: expected time in ns"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", 0, r"line 1: not a recording of frames"),
        (b'{"a": 1}\n', 0, r"line 1: not a recording of frames"),
        (gzip.compress(LINES)[:-20], 0, r"the file ends in the middle; \d frames were read"),
        (gzip.compress(LINES)[:-6] + b"\0\0\0\0\0\0", 3, r"damaged gzip data after 3 frames"),
        (b"\x1f\x8b not gzip at all", 0, r"damaged gzip data after 0 frames"),
    ],
)
def test_a_fault_is_one_line_with_place_and_reason(tmp_path: Path, data: bytes, good: int, reason: str) -> None:
    """Breaks the user's way out: which file, which line, what to do."""
    path = saved(tmp_path, data)
    frames: list[RecordedFrame] = []
    with pytest.raises(FeedError, match=reason) as caught:
        frames.extend(read_frames(path))
    assert len(frames) >= good
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_cut_off_recording_gives_everything_before_the_cut(tmp_path: Path) -> None:
    """Breaks the proof of a download that stopped: its first half is evidence too."""
    whole = shared("captures/kraken_v2_book_ethusd_d25_20260802.frames.gz").read_bytes()
    path = saved(tmp_path, whole[: len(whole) // 2])
    frames: list[RecordedFrame] = []
    with pytest.raises(FeedError, match=r"the rest is missing") as caught:
        frames.extend(read_frames(path))
    assert 400 < len(frames) < 800
    assert f"{len(frames)} frames were read" in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    """Breaks the commonest mistake of all: a path that is not there."""
    for path in (tmp_path / "nothing.frames.gz", tmp_path):
        with pytest.raises(FeedError, match=r"cannot be read: .*Check the path"):
            list(read_frames(path))


def test_an_endless_line_stops_at_the_limit(tmp_path: Path) -> None:
    """Breaks memory: a small packed file can claim a line of gigabytes."""
    bomb = saved(tmp_path, gzip.compress(b"1\t<\t" + b"a" * (65 << 20), 1))
    with pytest.raises(FeedError, match=r"longer than 64 MiB"):
        list(read_frames(bomb))
