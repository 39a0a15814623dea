"""A file that is there whole or not at all, after a power cut too."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

DRAFT = ".draft"  # how the name of an unfinished one ends: a crash may leave it, nobody reads it


def write_whole(path: Path, data: bytes) -> None:
    """`data` at `path`, in the place of what was there. Raises OSError; what was there is left then, unless all that
    failed was to make the new name survive a power cut.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_whole(Path(folder) / "x", b"old")
    ...     write_whole(Path(folder) / "x", b"new")
    ...     [(each.name, each.read_bytes()) for each in Path(folder).iterdir()]
    [('x', b'new')]
    """
    draft = draft_of(path)
    try:
        write_synced(draft, data)
        draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def draft_of(path: Path) -> Path:
    """Where to write what `path` is going to hold: beside it, hidden, under a name of its own."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{DRAFT}")


def write_synced(path: Path, data: bytes) -> None:
    """A new file, on the disk when this returns. Raises OSError; FileExistsError when there is one."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """New names in it survive a power cut. Raises OSError where a folder may be written to and not be read."""
    if os.name == "nt":  # has no such call, and keeps renames in order
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
