"""The terminal's keys, read one by one by a thread of their own; its modes are put back at the end."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections import deque
from collections.abc import Callable

import msgspec

from desk.io.console.keys import keys_of
from desk.projections.screen import Pressed

try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

Modes = list[int | list[bytes | int]] | list[int | list[bytes]] | list[int | list[int]]  # as termios has them


class Keyboard:
    """Keys of the terminal that `screen` draws on; what they lead to is said on `out`, a descriptor.

    `wake` is called by the reading thread when a key was pressed. Keys come unechoed and without Enter; Ctrl-C and
    Ctrl-Z stay the terminal's. In the background, or where there is no such terminal, nothing is read.
    """

    def __init__(self, screen: int, out: int, wake: Callable[[], None]) -> None:
        self._out, self._wake = out, wake
        self._pressed: deque[str] = deque()
        self._fd = -1
        self._before: Modes | None = None
        if termios is None:
            return
        with contextlib.suppress(OSError):
            fd = os.open(os.ttyname(screen), os.O_RDONLY | os.O_NOCTTY)
            if _ours(fd):
                self._fd, self._before = fd, termios.tcgetattr(fd)
                signal.signal(signal.SIGTTIN, signal.SIG_IGN)  # sent to the background, it draws on and reads no more
                signal.signal(signal.SIGCONT, lambda *_: self._one_by_one())
                self._one_by_one()
                threading.Thread(target=self._read, name="keys", daemon=True).start()

    def _one_by_one(self) -> None:
        if _ours(self._fd):
            modes = termios.tcgetattr(self._fd)
            modes[3] &= ~(termios.ICANON | termios.ECHO)
            modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._fd, termios.TCSANOW, modes)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the terminal went away, or is another job's now
            while data := os.read(self._fd, 256):
                self._pressed.extend(keys_of(data))
                self._wake()

    def take(self) -> list[str]:
        """The keys since the last time."""
        found = []
        while self._pressed:
            found.append(self._pressed.popleft())
        return found

    def say(self, what: list[Pressed]) -> None:
        """Tell the run; a run that is gone is told nothing."""
        with contextlib.suppress(OSError):
            for said in what:
                os.write(self._out, msgspec.json.encode(said) + b"\n")

    def close(self) -> None:
        """Put the terminal's modes back."""
        if self._before is not None and _ours(self._fd):
            with contextlib.suppress(OSError, termios.error):
                termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)


def _ours(fd: int) -> bool:
    """Whether we are in the foreground of the terminal, or it is nobody's."""
    try:
        return os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:
        return True
