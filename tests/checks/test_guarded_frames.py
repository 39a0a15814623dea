"""benchmarks/fuzz.py: damaged frames in memory that ends in a trap. `python -m benchmarks.fuzz` gives a million."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import fuzz

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pages are forbidden with mprotect")


@pytest.mark.parametrize(
    ("target", "count", "least"),
    [("book", 12_000, 1500), ("level3", 12_000, 1200), ("trades", 4_000, 200), ("desk", 6_000, 800)],
)
def test_damaged_frames_harm_nothing(target, count, least):
    """No error, nothing read or written outside a buffer, and what is read is what the readable path reads."""
    result = fuzz.launch(target, count, seed=count)
    assert "died" not in result, f"{result['died']} at {result['frame']}"
    assert result["frames"] == count
    assert result["read"] > least, "too few damaged frames still mean something"


def test_the_trap_has_teeth():
    """One byte read behind a buffer kills the process: an over-read of a kernel would be seen."""
    command = [sys.executable, "-m", "benchmarks.fuzz", "--target", "overread"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode < 0


def test_a_write_before_a_buffer_is_seen():
    """The bytes in front are watched."""
    room = fuzz.Room(100)
    at = room.put(b"x" * 100)
    assert room.untouched(at)
    room.bytes[len(room.bytes) - 101] ^= 1
    assert not room.untouched(at)
