"""Where the real recordings are; a test that needs one skips, saying so, where they are absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("SHARED_DATA", ROOT.parent / "shared" / "data"))


def shared(path: str) -> Path:
    """The recording at `path` below the shared data folder, or a skip that names it."""
    found = DATA / path
    if not found.exists():
        pytest.skip(f"recording {path} is not on this machine (set SHARED_DATA)")
    return found
