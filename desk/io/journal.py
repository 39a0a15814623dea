"""A session's folder on disk: journal.bin, appended; session.json, written once at the end.

Entries are buffered and written when the loop is idle, or at once when an order is about to leave: an order is never on
the wire before its intent is in the file. When the disk says no, the journal stops (`broken` says why), everything
already written stays whole, and the caller sends no more orders.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import msgspec

from desk.errors import JournalError
from desk.events import Event
from desk.intents import Effect
from desk.journal import EffectHash, Entry, encode, scan

JOURNAL, SUMMARY = "journal.bin", "session.json"


class JournalWriter:
    """Appends entries to a session's journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broken = ""
        self.seq = 0  # the last entry that is safely in the file
        self._hash = EffectHash()
        self._buffer: list[bytes] = []
        self._pending: list[tuple[int, list[Effect]]] = []
        try:
            folder.mkdir(parents=True, exist_ok=False)
            self._file = os.open(folder / JOURNAL, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        except OSError as err:
            raise JournalError(
                f"{folder}: the session cannot be recorded ({err.strerror}); free the disk, make the folder writable, "
                f'or point "journal.dir" in the configuration somewhere else'
            ) from err

    def append(self, seq: int, event: Event, effects: list[Effect]) -> None:
        """Take an entry into the buffer: 1 µs; nothing is on disk yet. A broken journal takes nothing more."""
        if self.broken:
            return
        self._buffer.append(encode(Entry(seq, event, effects)))
        self._pending.append((seq, effects))

    def flush(self, *, sync: bool = False) -> bool:
        """Write what is buffered; with `sync` wait until the disk has it. False when the journal is broken."""
        if self.broken:
            return False
        if self._buffer:
            data = b"".join(self._buffer)
            start = os.lseek(self._file, 0, os.SEEK_END)
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(self._file, view) :]
            except OSError as err:
                self.broken = f"{self.folder / JOURNAL}: {err.strerror}; no new orders until a restart with free space"
                os.ftruncate(self._file, start)  # leave whole records only
                self._buffer.clear()
                self._pending.clear()
                return False
            for seq, effects in self._pending:
                self._hash.add(seq, effects)
                self.seq = seq
            self._buffer.clear()
            self._pending.clear()
        if sync:
            os.fdatasync(self._file)
        return True

    @property
    def effect_hash(self) -> str:
        """Of the entries that are in the file."""
        return self._hash.hex()

    def discard(self) -> None:
        """Take back a session in which nothing happened: the run could not begin."""
        os.close(self._file)
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self, summary: dict[str, Any]) -> None:
        """Write the rest and the session's summary."""
        self.flush(sync=not self.broken)
        os.close(self._file)
        if self.broken:
            return
        scratch = self.folder / (SUMMARY + ".part")
        try:
            scratch.write_bytes(msgspec.json.format(msgspec.json.encode(summary)))
            scratch.replace(self.folder / SUMMARY)
        except OSError as err:
            self.broken = f"{self.folder / SUMMARY}: {err.strerror}"


def read_session(folder: Path) -> tuple[list[Entry], int, dict[str, Any]]:
    """The entries of a session, the bytes of its torn tail, and its summary ({} when it never ended properly)."""
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
    summary = path.parent / SUMMARY
    try:
        said: dict[str, Any] = msgspec.json.decode(summary.read_bytes()) if summary.exists() else {}
    except (OSError, msgspec.DecodeError) as err:
        raise JournalError(f"{summary}: cannot be read ({err})") from err
    return entries, len(data) - end, said
