"""The recorder: verbatim, whole after a kill, honest about a full disk, a file a day."""

from __future__ import annotations

import gzip
import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from shared import ROOT, shared

from desk.errors import FeedError, JournalError
from desk.events import Frame
from desk.io.frames import read_frames
from desk.io.recorder import MEMBER, SLICE, Recorder
from desk.messages import LinkSpec, Subscription
from desk.run.record import delete_older
from desk.wholefile import DRAFT
from desk.wire import members
from desk.wire.stamps import parse_ns

NOON = parse_ns("2026-11-20T12:34:56Z")
LINKS = (
    LinkSpec("public", (Subscription("book", "BTC/USD", 100), Subscription("trade", "BTC/USD"))),
    LinkSpec("level3", (Subscription("level3", "BTC/USD", 10),)),
)


def frames(n: int, link: int = 0, begin: int = NOON) -> list[Frame]:
    """n frames a millisecond apart that hardly compress: their files grow fast."""
    dice = random.Random(n)
    return [
        Frame(begin + i * 1_000_000, link, f'{{"i":{i},"x":"{dice.randbytes(150).hex()}"}}'.encode()) for i in range(n)
    ]


def recorder(folder: Path, said: list[str] | None = None, **limits: int) -> Recorder:
    made = Recorder(folder, "kraken", LINKS, "0.1.0", NOON, **limits)
    made.start((said if said is not None else []).append)
    return made


def record(folder: Path, given: list[Frame]) -> Recorder:
    made = recorder(folder)
    for frame in given:
        made.take(frame)
    made.close()
    return made


def read(path: Path) -> list[tuple[int | None, bytes]]:
    return [(frame.ts, frame.data) for frame in read_frames(path)]


def told(given: list[Frame]) -> list[tuple[int | None, bytes]]:
    return [(frame.ts, frame.data) for frame in given]


def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def bounds(path: Path) -> list[int]:
    """Where each member of a file begins, and its end."""
    data, at = path.read_bytes(), [0]
    while at[-1] < len(data):
        length = members.length(data[at[-1] : at[-1] + members.HEAD])
        assert length is not None
        at.append(at[-1] + length)
    return at


def test_frames_come_back_as_they_were_by_link(tmp_path: Path) -> None:
    """Breaks every later use of a recording: bytes, times, order and the link each frame came by."""
    mixed = [frame for pair in zip(frames(300), frames(300, link=1), strict=True) for frame in pair]
    made = record(tmp_path, mixed)
    day = tmp_path / "kraken" / "2026-11-20"
    assert made.files == [str(day / "123456-public.frames.gz"), str(day / "123456-level3.frames.gz")]
    for number, path in enumerate(made.files):
        assert read(Path(path)) == told([frame for frame in mixed if frame.link == number])
    assert (made.frames, made.dropped, made.problem) == (600, 0, "")


def test_a_real_capture_recorded_again_has_the_same_text(tmp_path: Path) -> None:
    """Breaks when the recorder's lines are not those of the recordings we prove books with."""
    capture = shared("captures/kraken_v2_book_ethusd_d25_20260802.frames.gz")
    given = [Frame(f.ts or 0, 0, f.data) for f in read_frames(capture) if f.direction == "<"]
    (path,) = record(tmp_path, given).files
    only_received = b"".join(
        line for line in gzip.decompress(capture.read_bytes()).splitlines(keepends=True) if line.split(b"\t")[1] == b"<"
    )
    assert gzip.decompress(Path(path).read_bytes()) == only_received


@pytest.mark.parametrize(
    "odd", [b"a\nb", b"ends in\r", b"\r\n", b"\xff\xfe", b"", b"tab\there", b"\r inside", "µ".encode()]
)
def test_a_frame_that_is_no_line_of_text_comes_back_too(tmp_path: Path, odd: bytes) -> None:
    """Breaks "nothing is lost" for the one frame that matters: the strange one. Its neighbours stay plain text."""
    given = [Frame(NOON, 0, b'{"a":1}'), Frame(NOON + 1, 0, odd), Frame(NOON + 2, 0, b'{"a":2}')]
    (path,) = record(tmp_path, given).files
    assert read(Path(path)) == told(given)
    assert f'{NOON}\t<\t{{"a":1}}\n'.encode() in gzip.decompress(Path(path).read_bytes())


def test_the_manifest_says_what_the_file_holds(tmp_path: Path) -> None:
    """Breaks the proof that a recording is the one that was made, and the depth of a replay."""
    given = frames(2_500)
    (path,) = record(tmp_path, given).files
    said = json.loads(Path(path.replace(".frames.gz", ".manifest.json")).read_bytes())
    text = gzip.decompress(Path(path).read_bytes())
    assert said["sha256"] == sha256(Path(path).read_bytes()).hexdigest()  # as sha256sum says
    assert (said["bytes_raw"], said["bytes_compressed"]) == (len(text), Path(path).stat().st_size)
    assert (said["frames"], said["begin"], said["end"]) == (2_500, NOON, given[-1].ts)
    assert (said["venue"], said["link"], said["symbols"], said["version"]) == ("kraken", "public", ["BTC/USD"], "0.1.0")
    assert said["subscriptions"][0] == {"channel": "book", "symbol": "BTC/USD", "depth": 100, "interval": 0}
    assert (said["gaps"], said["continues"], said["file"]) == ([], "", Path(path).name)
    assert not list(tmp_path.rglob(f"*{DRAFT}"))


def test_members_hold_about_256_kib_of_text(tmp_path: Path) -> None:
    """Breaks the promise of what a torn tail costs."""
    (path,) = record(tmp_path, frames(3_000)).files
    data, ends = Path(path).read_bytes(), bounds(Path(path))
    sizes = [len(members.unpack(data[a:b]) or b"") for a, b in pairwise(ends)]
    assert len(sizes) > 3
    assert all(MEMBER <= size < MEMBER + SLICE * 400 for size in sizes[:-1])


def test_a_tail_torn_anywhere_costs_the_last_member_and_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Breaks recovery after a kill: no byte of the last member may confuse the reader or cost an earlier frame."""
    given = frames(1_500)
    (path,) = record(tmp_path, given).files
    data, ends = Path(path).read_bytes(), bounds(Path(path))
    last = ends[-2]
    kept = gzip.decompress(data[:last]).count(b"\n")
    cuts = [*range(last + 1, last + 64), *range(last + 64, len(data) - 16, 997), *range(len(data) - 16, len(data))]
    torn = tmp_path / "torn.frames.gz"
    for cut in cuts:
        caplog.clear()
        torn.write_bytes(data[:cut])
        with caplog.at_level(logging.WARNING):
            assert read(torn) == told(given[:kept])
        assert f"the last {cut - last} bytes are torn and were cut; {kept} frames are whole" in caplog.text
    torn.write_bytes(data[:last] + b"\0" * 500)  # what some file systems leave after a power cut
    assert len(read(torn)) == kept
    for cut in range(ends[1]):  # nothing but a beginning
        if cut < 32 or cut % 1_009 == 0:
            torn.write_bytes(data[:cut])
            assert read(torn) == []


def test_damage_before_good_members_is_refused(tmp_path: Path) -> None:
    """Breaks trust in what is read: a hole in the middle is no torn tail and must not pass for the end."""
    (path,) = record(tmp_path, frames(2_500)).files
    data, ends = bytearray(Path(path).read_bytes()), bounds(Path(path))
    for at in (ends[1] + 2, ends[1] + 17, (ends[1] + ends[2]) // 2, ends[2] - 1):
        hurt = data.copy()
        hurt[at] ^= 0x10
        Path(path).write_bytes(hurt)
        with pytest.raises(FeedError, match=rf"damaged at byte {ends[1]} .* good again from byte {ends[2]}"):
            read(Path(path))


WRITER = """
import sys, time
sys.path[:0] = [{root!r}, {tests!r}, {here!r}]
from test_recorder import frames, recorder
from pathlib import Path
made = recorder(Path({folder!r}))
for frame in frames(3000):
    made.take(frame)
print("taken", flush=True)
time.sleep(60)
"""


def test_a_killed_writer_loses_only_what_was_not_flushed(tmp_path: Path) -> None:
    """Breaks the evidence of a crash: kill -9 leaves whole members, no manifest, and a file that reads."""
    code = WRITER.format(
        root=str(ROOT), tests=str(ROOT / "tests"), here=str(Path(__file__).parent), folder=str(tmp_path)
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"taken\n"
    text = len(b"".join(b"%d\t<\t%s\n" % (f.ts, f.data) for f in frames(3_000)))
    path = tmp_path / "kraken" / "2026-11-20" / "123456-public.frames.gz"
    until(lambda: path.exists() and len(bounds(path)) - 1 >= text // (MEMBER + SLICE * 400))
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    found = read(path)
    assert found == told(frames(3_000))[: len(found)]
    assert len(found) >= 3_000 - MEMBER // 300
    assert not list(tmp_path.rglob("*.manifest.json"))


def test_a_quiet_link_is_written_within_seconds(tmp_path: Path) -> None:
    """Breaks the five-second promise: few frames must not wait for a full member."""
    made = recorder(tmp_path)
    made.take(Frame(NOON, 1, b"{}"))
    path = tmp_path / "kraken" / "2026-11-20" / "123456-level3.frames.gz"
    until(path.exists, 6.5)
    until(lambda: len(read(path)) == 1, 1.0)
    made.close()
    assert read(path) == [(NOON, b"{}")]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB, 600 KiB of it taken by `ballast`."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("a small file system cannot be mounted here")
    try:
        (disk / "ballast").write_bytes(b"x" * (600 << 10))
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_said_once_and_costs_nothing_when_it_takes_again(small_disk: Path) -> None:
    """Breaks the run or the recording: what waited in memory must follow when there is space."""
    said: list[str] = []
    given = frames(4_000)
    made = recorder(small_disk, said)
    for frame in given:
        made.take(frame)
    until(lambda: said)
    time.sleep(0.8)  # several more attempts
    assert len(said) == 1
    assert said[0].startswith("recording stopped: ")
    assert "No space left on device" in said[0]
    whole = read(small_disk / "kraken" / "2026-11-20" / "123456-public.frames.gz")
    assert whole == told(given[: len(whole)])
    assert 0 < len(whole) < 4_000
    (small_disk / "ballast").unlink()
    until(lambda: len(said) == 2)
    assert said[1] == "recording goes on; nothing is lost"
    made.close()
    assert (made.frames, made.dropped, made.problem) == (4_000, 0, "")
    assert read(Path(made.files[0])) == told(given)


def test_a_disk_that_stays_full_costs_frames_that_are_counted(small_disk: Path) -> None:
    """Breaks honesty: every frame is in the file or in the count, and the end says so."""
    made = recorder(small_disk, backlog_max=200_000)
    for frame in frames(6_000):
        made.take(frame)
    made.close()
    (path,) = made.files
    assert len(read(Path(path))) == made.frames
    assert made.frames + made.dropped == 6_000
    assert made.dropped > 1_000
    assert f"{made.dropped:,} frames are not in the recording" in made.problem
    assert not list(small_disk.rglob(f"*{DRAFT}"))


def test_the_manifest_lists_the_gap_a_full_disk_left(small_disk: Path) -> None:
    """Breaks a later proof of the books: a reader must know where frames are missing."""
    said: list[str] = []
    given = frames(6_000)
    made = recorder(small_disk, said, backlog_max=200_000)
    for frame in given[:5_000]:
        made.take(frame)
    until(lambda: made.dropped)
    until(lambda: said)
    (small_disk / "ballast").unlink()
    until(lambda: len(said) == 2)
    for frame in given[5_000:]:
        made.take(frame)
    made.close()
    (gap,) = json.loads(Path(made.files[0].replace(".frames.gz", ".manifest.json")).read_bytes())["gaps"]
    assert gap["frames"] == made.dropped == 6_000 - made.frames
    missing = sorted({f.ts for f in given} - {ts for ts, _ in read(Path(made.files[0]))})
    assert (gap["begin"], gap["end"], gap["frames"]) == (missing[0], missing[-1], len(missing))


def test_a_recorder_too_far_behind_counts_what_it_refuses(tmp_path: Path) -> None:
    """Breaks the machine's memory, or silently the recording."""
    made = Recorder(tmp_path, "kraken", LINKS, "0.1.0", NOON, queue_max=100)  # its thread does not run yet
    given = frames(150)
    for frame in given:
        made.take(frame)
    assert made.dropped == 50
    made.close()
    assert read(Path(made.files[0])) == told(given[:100])
    (gap,) = json.loads(Path(made.files[0].replace(".frames.gz", ".manifest.json")).read_bytes())["gaps"]
    assert (gap["begin"], gap["end"], gap["frames"]) == (given[100].ts, given[149].ts, 50)
    assert "50 frames are not in the recording" in made.problem


def test_a_new_day_begins_a_new_file_and_the_folder_reads_across(tmp_path: Path) -> None:
    """Breaks recordings of more than a day: each frame in the file of its UTC day, and all of them in order."""
    midnight = parse_ns("2026-11-21T00:00:00Z")
    given = frames(200, begin=midnight - 100 * 1_000_000)
    made = record(tmp_path, given)
    days = tmp_path / "kraken"
    assert made.files == [
        str(days / "2026-11-20" / "123456-public.frames.gz"),
        str(days / "2026-11-21" / "000000-public.frames.gz"),
    ]
    assert [ts for ts, _ in read(Path(made.files[0]))] == [f.ts for f in given if f.ts < midnight]
    assert [ts for ts, _ in read(Path(made.files[1]))] == [f.ts for f in given if f.ts >= midnight]
    second = json.loads((days / "2026-11-21" / "000000-public.manifest.json").read_bytes())
    assert second["continues"] == "2026-11-20/123456-public.frames.gz"
    merged = list(read_frames(days))
    assert [(f.ts, f.data) for f in merged] == told(given)
    assert [f.line for f in merged] == list(range(200))


def test_a_disk_full_at_midnight_is_said(small_disk: Path) -> None:
    """Breaks silence's opposite: the file that is closed because the day is over may be the one that cannot be."""
    (small_disk / "rest").write_bytes(b"x" * (390 << 10))
    said: list[str] = []
    midnight = parse_ns("2026-11-21T00:00:00Z")
    made = recorder(small_disk, said)
    for frame in frames(800, begin=midnight - 700 * 1_000_000):
        made.take(frame)
    until(lambda: said)
    (small_disk / "ballast").unlink()
    made.close()
    assert said[0].startswith("recording stopped: ")
    assert made.frames + made.dropped == 800
    assert sum(len(read(Path(path))) for path in made.files) == made.frames


def test_a_folder_merges_its_links_by_time(tmp_path: Path) -> None:
    """Breaks a replay of both books of a run: level3 and public frames in the order they came."""
    record(tmp_path, [*frames(50), *frames(50, link=1, begin=NOON + 500_000)])
    times = [ts for ts, _ in read(tmp_path)]
    assert len(times) == 100
    assert times == sorted(times, key=lambda ts: ts or 0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FeedError, match=r"empty: cannot be read: a folder without frames"):
        read(tmp_path / "empty")


def test_two_runs_of_one_second_keep_their_files(tmp_path: Path) -> None:
    """Breaks the older recording: nothing is ever overwritten."""
    first, second = record(tmp_path, frames(3)), record(tmp_path, frames(5))
    assert Path(second.files[0]).name == "123456-public-2.frames.gz"
    assert (len(read(Path(first.files[0]))), len(read(Path(second.files[0])))) == (3, 5)
    assert Path(second.files[0].replace(".frames.gz", ".manifest.json")).exists()


def test_a_run_without_frames_leaves_no_file(tmp_path: Path) -> None:
    """Breaks folders with empty recordings that nothing can read."""
    made = record(tmp_path, [])
    assert made.files == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_folder_that_cannot_be_made_is_one_line_with_the_way_out(tmp_path: Path) -> None:
    """Breaks the start: a wrong folder must be named, with the option that does without it."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JournalError, match=r"file/kraken: frames cannot be recorded .*--no-record"):
        Recorder(tmp_path / "file", "kraken", LINKS, "0.1.0", NOON)


def test_old_days_are_deleted_and_only_what_a_recorder_wrote(tmp_path: Path) -> None:
    """Breaks somebody's own files, or keeps recordings for ever."""
    record(tmp_path, frames(10))
    record(tmp_path, frames(10, begin=NOON - 31 * 86_400_000_000_000))
    record(tmp_path, frames(10, begin=NOON - 30 * 86_400_000_000_000))
    old = tmp_path / "kraken" / "2026-10-20"
    assert sorted(path.name for path in old.iterdir()) == ["123456-public.frames.gz", "123456-public.manifest.json"]
    (old / "notes.txt").write_text("mine")
    (tmp_path / "kraken" / "notes").mkdir()
    os.symlink(tmp_path / "kraken" / "2026-11-20", tmp_path / "kraken" / "2020-01-01")
    said = delete_older(tmp_path, 30, NOON)
    assert said.startswith("recordings older than 30 days deleted (before 2026-10-21, journal.keep_days): 2 files")
    assert [path.name for path in old.iterdir()] == ["notes.txt"]
    assert len(list(tmp_path.glob("kraken/2026-1*/*.frames.gz"))) == 2
    assert delete_older(tmp_path, 30, NOON) == ""
    assert delete_older(tmp_path / "missing", 30, NOON) == ""
