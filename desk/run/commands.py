"""A person's words while the desk runs: lines typed into its terminal, read by a thread of their own.

pause [why] · resume why · kill [why] · stop · status
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable

from desk.events import Command
from desk.projections.screen import Screen
from desk.run.shared import Inbox, Shared

try:
    import termios
except ImportError:  # Windows: a console there has no keys
    termios = None  # type: ignore[assignment]

WORDS = ("pause", "resume", "kill", "stop")
HELP = "pause [why] · resume WHY · kill [why] · stop · status"


def understand(line: str) -> Command | str:
    """The command in a line, or what to tell the person instead.

    >>> understand("resume  checked the feed"), understand("stop")
    (Command(ts=0, what='resume', why='checked the feed'), Command(ts=0, what='stop', why='a person said so'))
    >>> understand("resume")
    'resume needs a reason: resume WHY'
    >>> understand("sell all")
    "'sell' is not a command: pause [why] · resume WHY · kill [why] · stop · status"
    """
    what, _, why = line.strip().partition(" ")
    if what.lower() not in WORDS:
        return f"{what[:20]!r} is not a command: {HELP}"
    if what.lower() == "resume" and not why.strip():
        return "resume needs a reason: resume WHY"
    return Command(0, what.lower(), why.strip()[:200] or "a person said so")


def status(screen: Screen | None) -> str:
    """The desk in one line."""
    if screen is None:
        return "starting"
    synced = sum(book.state == "SYNCED" for book in screen.books)
    clock = screen.clock_state if screen.clock_ms is None else f"{screen.clock_ms:+.0f} ms"
    return (
        f"{screen.mode} on {screen.feed}: {screen.frames:,} frames, {synced} of {len(screen.books)} books in step, "
        f"breaker {screen.breaker}, {screen.orders_open} orders open, PnL {screen.pnl_quote:+.2f}, clock {clock}"
    )


class Commands:
    """Reads lines from a descriptor until it ends; commands go to the inbox, everything else is answered by `say`.

    The thread sees the desk only through `shared`, and reaches it only through `inbox`.
    """

    def __init__(self, inbox: Inbox, shared: Shared[Screen], say: Callable[[str], object]) -> None:
        self._inbox, self._shared, self._say = inbox, shared, say

    def start(self, fd: int) -> threading.Thread:
        """Begin to read; the thread ends with the stream, and never keeps the process alive."""
        thread = threading.Thread(target=self._read, args=(fd,), name="commands", daemon=True)
        thread.start()
        return thread

    def _read(self, fd: int) -> None:
        rest = b""
        with contextlib.suppress(OSError):  # the terminal went away, or is another job's now
            while data := os.read(fd, 4_096):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self.line(line.decode(errors="replace"))
                rest = rest[-4_096:]

    def line(self, line: str) -> None:
        """Do what a line says, or answer it."""
        if not line.strip():
            return
        if line.strip().lower() == "status":
            self._say(status(self._shared.latest))
            return
        said = understand(line)
        if isinstance(said, str):
            self._say(said)
        elif not self._inbox.post(said):
            self._say(f"{said.what} NOT TAKEN: {self._inbox.room} events are waiting; press Ctrl-C to stop the desk")


def terminal() -> int | None:
    """The descriptor of a terminal that a person types into, None where input is a file, a pipe or another job's."""
    if not (sys.stdin and sys.stdin.isatty()):
        return None
    if hasattr(signal, "SIGTTIN"):
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)  # sent to the background, the desk runs on and reads no more
        if os.tcgetpgrp(sys.stdin.fileno()) != os.getpgrp():
            return None
    return sys.stdin.fileno()


class TerminalModes:
    """How a terminal was set up when this was made; `restore` puts it back, whoever changed it since."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._modes = termios.tcgetattr(fd) if termios is not None else None

    def restore(self) -> None:
        """Safe to call at any time; does nothing where there are no such modes, or no terminal any more."""
        if termios is not None and self._modes is not None:
            with contextlib.suppress(OSError, termios.error):
                termios.tcsetattr(self._fd, termios.TCSADRAIN, self._modes)


def print_line(text: str) -> None:
    """Answer a person where no console draws: standard output belongs to the summary."""
    print(text, file=sys.stderr)  # noqa: T201
