"""A person types into the desk's terminal: the thread that reads, the inbox, the engine, the journal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time

import pytest
from shared import ROOT

from desk.events import Command
from desk.io import latch
from desk.io.journal import read_session

OWN_TERMINAL = (  # the first terminal that a new session opens is its own, as a shell's is
    "import os, sys; os.close(os.open(os.ttyname(0), os.O_RDWR)); os.execv(sys.argv[1], sys.argv[1:])"
)
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def answer(run: subprocess.Popen[bytes], words: bytes, typed: bytes, terminal: int) -> bytes:
    """Type a line until the answer holds the words; the desk may still be starting."""
    seen, until = b"", time.monotonic() + 60
    while words not in seen:
        assert time.monotonic() < until, seen
        os.write(terminal, typed)
        if select.select([run.stderr], [], [], 1.0)[0]:
            seen += os.read(run.stderr.fileno(), 65_536)
    return seen


def test_status_pause_and_stop_typed_into_a_running_desk(tmp_path):
    """`status` is answered from the picture, `pause` reaches the journal, `stop` ends the run long before its time."""
    terminal, theirs = pty.openpty()
    program = [sys.executable, str(ROOT / "deploy_trading_systems.py"), "--mode", "scalping", "--symbols", "BTC/USD"]
    run = subprocess.Popen(
        [sys.executable, "-c", OWN_TERMINAL, *program, "--duration", "100", "--json", "--no-record"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        assert b"2 of 2 books in step" in answer(run, b"2 of 2 books in step", b"status\n", terminal)
        os.write(terminal, b"pause lunch\n")
        assert answer(run, b"breaker halted: lunch", b"status\n", terminal)
        os.write(terminal, b"resume fed\nkill enough\n")
        assert answer(run, b"breaker killed: enough", b"status\n", terminal)
        os.write(terminal, b"resume all is well\n")
        assert answer(run, b"breaker armed", b"status\n", terminal)
        assert latch.read(tmp_path / "sessions").why == "all is well"  # the next start is not killed
        os.write(terminal, b"stop\n")
        run.communicate(timeout=40)
    finally:
        run.kill()
        os.close(terminal)
    assert run.returncode == 0
    entries, _, summary = read_session(next((tmp_path / "sessions").glob("*-scalping")))
    said = [(e.event.what, e.event.why, e.event.ts > 0) for e in entries if isinstance(e.event, Command)]
    assert said == [
        ("pause", "lunch", True), ("resume", "fed", True), ("kill", "enough", True), ("resume", "all is well", True),
        ("stop", "the run ends", True),
    ]  # fmt: skip
    assert summary["duration_s"] < 99
