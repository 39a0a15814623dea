"""Every frame verbatim with its receive time: one file per venue, UTC day, link and run, written by a thread.

    recordings/<venue>/<UTC day>/<HHMMSS>-<link>.frames.gz        lines as desk/io/frames.py reads them
    recordings/<venue>/<UTC day>/<HHMMSS>-<link>.manifest.json    written once, when the file is closed

The hot path appends a frame to a queue (`take`); the thread makes lines, packs them into gzip members of 256 KiB of
text, at least one every 5 s, and writes each member with one call. A killed run loses what was in memory, at most
about 5 s; its manifest is missing and its files are good. At UTC midnight the next frame of a link begins a new file:
it holds no snapshots, so read the folder above to go on across it (`continues` in the manifest names the file before).

A disk that says no ends nothing: the recorder says so once, keeps 32 MiB of packed members, tries each again, and
counts what it must let go; the manifest lists the gaps.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep

import msgspec

from desk.errors import JournalError
from desk.messages import LinkSpec
from desk.wholefile import write_whole
from desk.wire.members import pack
from desk.wire.recording import FRAMES, MANIFEST, Gap, Kept, Manifest, lines
from desk.wire.stamps import NS, format_ns

MEMBER = 256 << 10  # bytes of text in a member
FLUSH_S = 5.0  # a member is written at least this often
NAP_S = 0.25  # short, so that the thread never has much to format while it holds the interpreter's lock
SLICE = 192  # frames formatted in one go: about 60 µs
QUEUE_MAX = 250_000  # frames the thread may be behind, about 100 MB
BACKLOG = 32 << 20  # packed bytes kept while the disk says no
DAY = 86_400 * NS
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)


class _Member:
    """A packed member on its way to the disk."""

    def __init__(self, text: memoryview, begin: int, end: int, frames: int) -> None:
        self.data, self.raw = pack(text), len(text)
        self.begin, self.end, self.frames = begin, end, frames


class _File:
    """One link's file of one day. Used by the recorder's thread only."""

    def __init__(self, stem: Path, midnight: int, continues: str, backlog_max: int) -> None:
        self.stem, self.midnight, self.continues, self.backlog_max = stem, midnight, continues, backlog_max
        self.path: Path | None = None  # once it exists
        self.descriptor = -1
        self.backlog: deque[_Member] = deque()
        self.waiting = 0  # bytes in the backlog
        self.begin = self.end = self.frames = self.raw = self.compressed = 0
        self.gaps: list[Gap] = []
        self._in_gap = False  # nothing was kept since the last one
        self._text = bytearray(2 * MEMBER)  # kept: fresh memory costs more than what is written into it
        self._size = self._count = self._first = self._last = 0
        self._since = 0.0
        self._hash = sha256()  # of the members in the file

    def add(self, frames: Sequence[Kept], now: float) -> None:
        """Take frames as lines."""
        text = lines(frames)
        if not self._size:
            self._since, self._first = now, frames[0].ts
        end = self._size + len(text)
        self._text[self._size : end] = text
        self._size = end
        self._count += len(frames)
        self._last = frames[-1].ts

    def due(self, now: float) -> bool:
        return self._size >= MEMBER or (self._size > 0 and now - self._since >= FLUSH_S)

    def seal(self) -> None:
        """Pack what there is into a member of the backlog; a full backlog lets it go and notes the gap."""
        if not self._size:
            return
        member = _Member(memoryview(self._text)[: self._size], self._first, self._last, self._count)
        if self.waiting + len(member.data) > self.backlog_max:
            self.gap(member.begin, member.end, member.frames, "the disk took nothing for too long")
        else:
            self._in_gap = False
            self.backlog.append(member)
            self.waiting += len(member.data)
        self._size = self._count = 0

    def write(self) -> None:
        """Write the backlog, oldest first. Raises OSError with every member in the file whole."""
        while self.backlog:
            member = self.backlog[0]
            if self.descriptor < 0:
                self._open()
            if os.fstat(self.descriptor).st_size != self.compressed:  # it could not be made whole at the time
                self._whole()
            view = memoryview(member.data)
            try:
                while view:
                    view = view[os.write(self.descriptor, view) :]
            except OSError:
                self._whole()
                raise
            self.backlog.popleft()
            self.waiting -= len(member.data)
            self.begin = self.begin or member.begin
            self.frames += member.frames
            self.raw += member.raw
            self.compressed += len(member.data)
            self._hash.update(member.data)
            self.end = member.end

    def _whole(self) -> None:
        """Leave whole members only."""
        os.ftruncate(self.descriptor, self.compressed)

    def _open(self) -> None:
        self.stem.parent.mkdir(parents=True, exist_ok=True)
        for n in range(1, 1000):  # two runs may begin in the same second
            path = self.stem.with_name(f"{self.stem.name}{f'-{n}' if n > 1 else ''}{FRAMES}")
            with contextlib.suppress(FileExistsError):
                self.descriptor = os.open(path, _NEW, 0o644)
                self.path = path
                return
        raise FileExistsError(17, "a thousand recordings of this second", str(self.stem))

    def gap(self, begin: int, end: int, frames: int, why: str) -> None:
        """Note frames that are lost; what follows on from a gap widens it."""
        last = self.gaps[-1] if self.gaps else None
        if last is not None and self._in_gap and last.why == why:
            last.end, last.frames = end, last.frames + frames
        else:
            self.gaps.append(Gap(begin, end, frames, why))
        self._in_gap = True

    def close(self, venue: str, link: LinkSpec, version: str) -> None:
        """The rest, an fsync, the manifest. Raises OSError; what could not be written is a gap by then."""
        self.seal()
        try:
            self.write()
        except OSError as err:
            while self.backlog:
                member = self.backlog.popleft()
                self.gap(member.begin, member.end, member.frames, f"not written at the end: {err.strerror}")
        if self.path is None:
            return
        try:
            os.fsync(self.descriptor)
        finally:
            os.close(self.descriptor)
            self.descriptor = -1
        if not self.frames:  # created, and full before its first member
            self.path.unlink()
            self.path = None
            return
        said = Manifest(
            file=self.path.name,
            venue=venue,
            link=link.name,
            symbols=tuple(dict.fromkeys(sub.symbol for sub in link.wanted if sub.symbol)),
            subscriptions=tuple(msgspec.structs.asdict(sub) for sub in link.wanted),
            begin=self.begin,
            end=self.end,
            frames=self.frames,
            bytes_raw=self.raw,
            bytes_compressed=self.compressed,
            sha256=self._hash.hexdigest(),
            gaps=tuple(sorted(self.gaps, key=lambda gap: gap.begin)),
            continues=self.continues,
            version=version,
        )
        target = self.path.with_name(self.path.name.removesuffix(FRAMES) + MANIFEST)
        write_whole(target, msgspec.json.format(msgspec.json.encode(said)) + b"\n")


class Recorder:
    """Records every frame it is given, by link."""

    def __init__(
        self,
        folder: Path,
        venue: str,
        links: Sequence[LinkSpec],
        version: str,
        started: int,
        *,
        queue_max: int = QUEUE_MAX,
        backlog_max: int = BACKLOG,
    ) -> None:
        """`started` (ns) names the files; `queue_max` frames and `backlog_max` bytes a file bound the memory.

        Raises JournalError where the folder cannot be written.
        """
        self.queue_max, self.backlog_max = queue_max, backlog_max
        self.folder, self.venue, self.links, self.version, self.started = folder / venue, venue, links, version, started
        self.frames = 0  # in the files
        self.files: list[str] = []
        self.problem = ""  # what keeps it from writing now, or kept it at the end
        self._say: Callable[[str], None] = lambda text: None
        self._queue: deque[Kept] = deque()
        self._refused: list[Gap | None] = [None] * len(links)
        self._lost = 0
        self._open: dict[int, _File] = {}
        self._before: dict[int, _File] = {}  # by link, closed at midnight
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not os.access(self.folder, os.W_OK | os.X_OK):
                raise PermissionError(13, "Permission denied")
        except OSError as err:
            raise JournalError(
                f"{self.folder}: frames cannot be recorded ({err.strerror}); free the disk, make the folder writable, "
                f'point "journal.recordings" in the configuration somewhere else, or run with --no-record'
            ) from err

    def start(self, say: Callable[[str], None]) -> None:
        """Begin to write; `say` is told, from the recorder's thread, when the disk refuses and when it takes again."""
        self._say = say
        self._thread.start()

    def take(self, frame: Kept) -> None:
        """Record a frame: 0.2 µs, never blocks. A frame beyond what memory allows is counted as lost."""
        if len(self._queue) < self.queue_max:
            self._queue.append(frame)
        else:
            self._refuse(frame)

    def take_all(self, frames: Sequence[Kept]) -> None:
        """Record many frames."""
        if len(self._queue) + len(frames) <= self.queue_max:
            self._queue.extend(frames)
        else:
            for frame in frames:
                self.take(frame)

    def _refuse(self, frame: Kept) -> None:
        gap = self._refused[frame.link]
        if gap is None:
            gap = self._refused[frame.link] = Gap(frame.ts, frame.ts, 0, "the recorder was too far behind")
        gap.end = frame.ts
        gap.frames += 1

    @property
    def dropped(self) -> int:
        """Frames received and not recorded."""
        refused = sum(gap.frames for gap in self._refused if gap is not None)
        return self._lost + refused + sum(g.frames for file in tuple(self._open.values()) for g in file.gaps)

    def close(self) -> None:
        """Write everything, the manifests last. Idempotent; `problem` then says what is missing."""
        if self._stop.is_set():
            return
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._drain()
        why, self.problem = self.problem, ""
        for number in list(self._open):
            self._end(number)
        why = self.problem or why
        if self.dropped:
            self.problem = (
                f"{self.folder}: {self.dropped:,} frames are not in the recording ({why or 'too far behind'})"
            )
        elif self.problem:
            self.problem = f"{self.folder}: a recording has no manifest ({why})"

    # --- the thread

    def _work(self) -> None:
        while not self._stop.wait(NAP_S):
            self._drain()
            self._write(monotonic())

    def _drain(self) -> None:
        """Turn what is queued into lines, a slice at a time; packing lets others run."""
        queue = self._queue
        while queue:
            frames = [queue.popleft() for _ in range(min(SLICE, len(queue)))]
            now = monotonic()
            links = dict.fromkeys([frame.link for frame in frames])
            for number in links:
                own = frames if len(links) == 1 else [frame for frame in frames if frame.link == number]
                self._add(number, own, now)
            if queue:
                sleep(0)  # gives the lock to the engine, should it wait for it

    def _add(self, number: int, frames: list[Kept], now: float) -> None:
        file = self._open.get(number)
        while frames:
            if file is None:
                file = self._open[number] = self._next(number, frames[0].ts)
            cut = len(frames)
            if frames[-1].ts >= file.midnight:
                cut = next(n for n, frame in enumerate(frames) if frame.ts >= file.midnight)
            if cut:
                file.add(frames[:cut], now)
                if file.due(now):
                    self._flush(file)
            frames = frames[cut:]
            if frames:
                self._end(number)
                file = None

    def _next(self, number: int, ts: int) -> _File:
        """The file for a link's frames from `ts` on."""
        day = ts // DAY
        before = self._before.get(number)
        stamp = format_ns(max(self.started, day * DAY), 0)
        if stamp[:10] != format_ns(ts, 0)[:10]:
            stamp = format_ns(ts, 0)  # frames older than the run: a clock of their own
        stem = self.folder / stamp[:10] / f"{stamp[11:19].replace(':', '')}-{self.links[number].name}"
        continues = f"{before.path.parent.name}/{before.path.name}" if before is not None and before.path else ""
        return _File(stem, (day + 1) * DAY, continues, self.backlog_max)

    def _write(self, now: float) -> None:
        for file in self._open.values():
            if file.due(now) or file.backlog:
                self._flush(file)

    def _flush(self, file: _File) -> None:
        file.seal()
        try:
            file.write()
        except OSError as err:
            self._refuses(err)
        else:
            if self.problem and not any(other.backlog for other in self._open.values()):
                lost = f"; {self.dropped:,} frames are lost" if self.dropped else "; nothing is lost"
                self._say(f"recording goes on{lost}")
                self.problem = ""

    def _refuses(self, err: OSError) -> None:
        """Say it once, until it is over."""
        if not self.problem:
            self._say(f"recording stopped: {self.folder}: {err.strerror}; trading goes on, free the disk")
        self.problem = err.strerror or str(err)

    def _end(self, number: int) -> None:
        self._flush(self._open[number])
        file = self._open.pop(number)
        if self._stop.is_set() and (gap := self._refused[number]) is not None:  # the hot path writes it until then
            file.gap(gap.begin, gap.end, gap.frames, gap.why)
            self._refused[number] = None
        try:
            file.close(self.venue, self.links[number], self.version)
        except OSError as err:
            self._refuses(err)
        self._lost += sum(gap.frames for gap in file.gaps)
        self.frames += file.frames
        if file.path is not None:
            self.files.append(str(file.path))
        self._before[number] = file
