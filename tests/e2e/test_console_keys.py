"""A person at the console of a running desk: keys in, the journal and the latch out, the terminal as it was."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
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


def test_pause_kill_and_stop_by_keys(tmp_path):
    """p pauses, k and y kills and is latched, p with a reason re-arms, q and y ends the run; each is in the journal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))
    before = termios.tcgetattr(theirs)
    program = [sys.executable, str(ROOT / "deploy_trading_systems.py"), "--mode", "scalping", "--symbols", "BTC/USD"]
    run = subprocess.Popen(
        [sys.executable, "-c", OWN_TERMINAL, *program, "--duration", "100", "--no-record"],
        stdin=theirs, stdout=theirs, stderr=subprocess.STDOUT, cwd=tmp_path, start_new_session=True,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "", "LINES": "", "NO_COLOR": ""},
    )  # fmt: skip
    seen = b""

    def until(words: bytes) -> None:
        """What the terminal shows from here on holds the words."""
        nonlocal seen
        fresh, end = b"", time.monotonic() + 60
        while words not in fresh:
            assert time.monotonic() < end, (words, fresh[-3000:])
            if select.select([ours], [], [], 0.5)[0]:
                fresh += os.read(ours, 65_536)
        seen += fresh

    try:
        until(b"SYNCED")
        os.write(ours, b"p")
        until(b"halted: by a key")
        os.write(ours, b"p")
        until(b"armed")
        os.write(ours, b"ky")
        until(b"killed: by a key")
        assert latch.read(tmp_path / "sessions").killed == "by a key"
        os.write(ours, b"pall is well\r")
        until(b"armed")
        os.write(ours, b"w")
        until(b" looks, ")
        os.write(ours, b"q")
        until(b"Why no trade")
        os.write(ours, b"qy")
        until(b"effect hash")
        assert run.wait(40) == 0
        assert termios.tcgetattr(theirs) == before
    finally:
        run.kill()
        os.close(ours)
        os.close(theirs)
    assert b"Traceback" not in seen
    entries, _, _ = read_session(next((tmp_path / "sessions").glob("*-scalping")))
    said = [(e.event.what, e.event.why) for e in entries if isinstance(e.event, Command)]
    assert said == [
        ("pause", "by a key"), ("resume", "by a key"), ("kill", "by a key"), ("resume", "all is well"),
        ("stop", "the run ends"),
    ]  # fmt: skip
    assert latch.read(tmp_path / "sessions").why == "all is well"
