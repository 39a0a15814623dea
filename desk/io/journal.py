"""A session's folder on disk: journal.bin, appended; reserve.bin, room for the worst day; session.json at the end.

Entries are buffered and written when the loop is idle, or at once when an order is about to leave: an order is never on
the wire before its intent is in the file.

When the disk says no, `broken` says why, and the entries wait in memory. No entry into a position leaves from then on;
exits do, once `spare` has put what matters of the waiting entries into the reserve, whose room was taken at the start.
Every flush tries again: when there is space the journal continues where it stopped, nothing missing. Only after
BACKLOG bytes of waiting are market frames dropped: that hole shows in the numbers of the entries, and `lost` counts it.
A disk that fails in another way than being full is not trusted again.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections import deque
from collections.abc import Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from desk.errors import JournalError
from desk.events import Answer, Event, Frame, Start, Timer
from desk.intents import CancelOrder, Checkpoint, Effect, Submit
from desk.journal import (
    EffectHash,
    Entry,
    add_record,
    encode,
    entry_at,
    first_entry,
    last_whole,
    records,
    scan,
    since_checkpoint,
)
from desk.wholefile import write_whole

try:
    import fcntl
except ImportError:  # Windows: a running session cannot be told from a dead one by its lock
    fcntl = None  # type: ignore[assignment]

JOURNAL, RESERVE, SUMMARY = "journal.bin", "reserve.bin", "session.json"
ROOM = 1 << 20  # bytes of the reserve: some thousand orders, cancels and fills
BACKLOG = 64 << 20  # bytes that may wait for a disk
MARKET, ORDERS = (Frame, Answer, Timer), (Submit, CancelOrder, Checkpoint)
NOTHING: list[Effect] = []
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class _Telling(NamedTuple):
    """A waiting entry that is more than a frame or a beat without effects."""

    seq: int
    effects: list[Effect]
    data: bytes
    matters: bool  # of orders and money, not merely of the market or the time


class JournalWriter:
    """Appends entries to a session's journal."""

    def __init__(self, folder: Path, room: int = ROOM) -> None:
        self.folder = folder
        self.broken = ""
        self.seq = 0  # the last entry that is safely in the file
        self.lost = 0  # entries that found no room anywhere
        self._dead = False  # the disk failed: what it says from now on is not believed
        self._hash = EffectHash()
        self._waiting = bytearray()  # whole records
        self._last = 0  # the number of the last of them
        self._telling: deque[_Telling] = deque()  # those of them that go into the hash, or into the reserve
        self._room = room
        self._spared = (0, 0)  # bytes used of the reserve, and the last entry in it
        ours = False
        try:
            folder.mkdir(parents=True, exist_ok=False)
            ours = True
            self._file = os.open(folder / JOURNAL, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
            self._reserve = os.open(folder / RESERVE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            os.pwrite(self._reserve, bytes(room), 0)
            if fcntl is not None:
                fcntl.flock(self._file, fcntl.LOCK_EX)  # the kernel lets go of it however this process ends
        except OSError as err:
            if ours:  # a disk with no room for the reserve: leave nothing behind that looks like a session
                shutil.rmtree(folder, ignore_errors=True)
            raise JournalError(
                f"{folder}: the session cannot be recorded ({err.strerror}); free the disk, make the folder writable, "
                f'or point "journal.dir" in the configuration somewhere else'
            ) from err

    def append(self, seq: int, event: Event, effects: list[Effect]) -> None:
        """Take an entry into the buffer: 0.7 µs; nothing is on disk yet."""
        if self._dead:
            return
        quiet = not effects and isinstance(event, MARKET)
        matters = not quiet and (not isinstance(event, MARKET) or any(isinstance(effect, ORDERS) for effect in effects))
        if len(self._waiting) > BACKLOG and not matters:
            self.lost += 1
            return
        if quiet:
            add_record(self._waiting, (seq, event, effects))
        else:
            data = encode((seq, event, effects))
            self._waiting += data
            self._telling.append(_Telling(seq, effects, data, matters))
        self._last = seq

    def append_quiet(self, last: int, frames: Sequence[Frame]) -> None:
        """Take frames without effects into the buffer, the entries up to the one numbered `last`."""
        if self._dead:
            return
        first = last - len(frames) + 1
        for seq, frame in enumerate(frames, first):
            if len(self._waiting) > BACKLOG:
                self.lost += 1
                continue
            add_record(self._waiting, (seq, frame, NOTHING))
            self._last = seq

    def flush(self, *, sync: bool = False) -> bool:
        """Write what waits; with `sync` until the disk has it. False while the journal is broken; each call tries."""
        if self._dead:
            return False
        try:
            if self._waiting:
                self._write()
            if sync:
                os.fdatasync(self._file)
            if self.broken:
                self._mended()
        except OSError as err:
            self._dead = self._dead or err.errno not in FULL
            ends = "until a restart" if self._dead else "until there is space"
            self.broken = f"{self.folder / JOURNAL}: {err.strerror}; no new orders {ends}"
            return False
        return True

    def _write(self) -> None:
        """Write what waits. Raises OSError with whole records in the file; those wait no longer."""
        done = 0
        try:
            with memoryview(self._waiting) as view:
                while done < len(view):
                    done += os.write(self._file, view[done:])
        except OSError:
            begin, end = last_whole(self._waiting, done)
            os.ftruncate(self._file, os.lseek(self._file, 0, os.SEEK_END) - done + end)
            if end:
                self._wrote(end, entry_at(self._waiting, begin, end).seq)
            raise
        self._wrote(done, self._last)

    def _wrote(self, size: int, last: int) -> None:
        """The first `size` bytes of what waited are in the file, up to the entry `last`."""
        del self._waiting[:size]
        self.seq = last
        while self._telling and self._telling[0].seq <= last:
            told = self._telling.popleft()
            self._hash.add(told.seq, told.effects)

    def spare(self) -> bool:
        """Put what matters of the waiting entries into the reserve; True when the disk has it."""
        used, last = self._spared
        data = b"".join(told.data for told in self._telling if told.matters and told.seq > last)
        if self._dead or used + len(data) > self._room:
            return False
        try:
            os.pwrite(self._reserve, data, used)
            os.fdatasync(self._reserve)
        except OSError:
            return False
        self._spared = (used + len(data), self._last)
        return True

    def _mended(self) -> None:
        """There is space again, and everything that waited is in the file: the reserve is free for the next time."""
        os.fdatasync(self._file)
        os.pwrite(self._reserve, bytes(self._spared[0]), 0)
        self.broken, self._spared = "", (0, 0)

    @property
    def effect_hash(self) -> str:
        """Of the entries that are in the file."""
        return self._hash.hex()

    def discard(self) -> None:
        """Take back a session in which nothing happened: the run could not begin."""
        self._close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self, summary: dict[str, Any]) -> None:
        """Write the rest and the session's summary."""
        whole = self.flush(sync=True)
        if not whole:
            self.spare()
        self._close()
        if not whole:
            return
        (self.folder / RESERVE).unlink(missing_ok=True)
        try:
            write_whole(self.folder / SUMMARY, msgspec.json.format(msgspec.json.encode(summary)))
        except OSError as err:
            self.broken = f"{self.folder / SUMMARY}: {err.strerror}"

    def _close(self) -> None:
        os.close(self._file)
        os.close(self._reserve)


def read_session(folder: Path) -> tuple[list[Entry], int, dict[str, Any]]:
    """The entries of a session, the bytes of its torn tail, and its summary ({} when it never ended properly).

    What a full disk had left for the reserve comes last; the hole before it shows in the numbers of the entries.
    """
    path = folder / JOURNAL if folder.is_dir() else folder
    try:
        data = path.read_bytes()
    except OSError as err:
        raise JournalError(
            f"{path}: cannot be read ({err.strerror}); name a session folder that holds {JOURNAL}"
        ) from err
    entries, end = scan(data, str(path))
    if not entries:
        raise JournalError(f"{path}: holds no journal entry; is it a session recorded by this program?")
    entries += _spared(path.parent, entries[-1].seq)
    summary = path.parent / SUMMARY
    try:
        said: dict[str, Any] = msgspec.json.decode(summary.read_bytes()) if summary.exists() else {}
    except (OSError, msgspec.DecodeError) as err:
        raise JournalError(f"{summary}: cannot be read ({err})") from err
    return entries, len(data) - end, said


def manifest(folder: Path) -> Start | None:
    """The first entry of a session, without reading the rest; None when there is none that this version knows."""
    try:
        with (folder / JOURNAL).open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            entry = first_entry(data)
    except (OSError, ValueError):  # ValueError: nothing is in it
        return None
    return entry.event if entry is not None and isinstance(entry.event, Start) else None


class Unfinished(NamedTuple):
    """A session whose process died: its first entry, the last checkpoint and all after it, and what was counted."""

    folder: Path
    first: Entry
    last: list[Entry]
    entries: int
    torn: int  # bytes cut off its end


def unfinished(folder: Path) -> Unfinished | None:
    """Look at a session that has no summary, and cut its torn tail off; None when it still runs or holds nothing.

    Every record's checksum is proven, only the end is decoded: 1 µs a record. Raises JournalError when a record in the
    middle is damaged, or the file cannot be read: such a journal is not touched.
    """
    path = folder / JOURNAL
    try:
        with path.open("rb+") as file:
            if fcntl is not None:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return None
            size = os.fstat(file.fileno()).st_size
            if not size:
                return None
            with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
                ends, end = records(data, str(path))
                if not ends:
                    return None
                first = entry_at(data, 0, ends[0], str(path))
                last = since_checkpoint(data, ends, str(path))
            if end < size:
                file.truncate(end)
                os.fsync(file.fileno())
    except OSError as err:
        raise JournalError(f"{path}: cannot be read ({err.strerror}); make it readable and writable") from err
    spared = _spared(folder, last[-1].seq)
    return Unfinished(folder, first, last + spared, len(ends) + len(spared), size - end)


def _spared(folder: Path, after: int) -> list[Entry]:
    """What the reserve holds beyond the journal's last entry."""
    try:
        data = (folder / RESERVE).read_bytes()
    except OSError:
        return []
    return [entry for entry in scan(data.rstrip(b"\0") + bytes(16), str(folder / RESERVE))[0] if entry.seq > after]
