"""desk/wholefile.py: what a full disk or a crash leaves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from desk import wholefile
from desk.wholefile import write_whole


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_what_was_there_stays_and_no_draft_is_left(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full at the last moment."""
    path = tmp_path / "kept"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("kept", b"old")]


def test_bytes_and_name_are_on_the_disk_before_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file first, under another name; then the name; then the folder that has it."""
    done: list[str] = []
    sync, replace = os.fsync, Path.replace

    def synced(handle: int) -> None:
        done.append("folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "file")
        sync(handle)

    def named(draft: Path, path: Path) -> Path:
        done.append("name")
        assert draft.name.endswith(wholefile.DRAFT)
        return replace(draft, path)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", named)
    write_whole(tmp_path / "new", b"text")
    assert done == ["file", "name", "folder"] or not Path("/proc/self/fd").exists()
    assert (tmp_path / "new").read_bytes() == b"text"
