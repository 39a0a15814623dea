"""Pictures in, a terminal out: the newest one is drawn a few times a second, older ones are dropped unseen."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections import deque
from typing import IO, TextIO

import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from desk.io.console.keyboard import Keyboard
from desk.io.console.keys import DESK, Keys
from desk.io.console.layout import picture, starting
from desk.io.console.loglines import LogLines
from desk.io.console.pages import footer, page
from desk.projections.screen import Screen

BACKLOG = 256  # pictures a log may be behind before the oldest is lost
DECODER = msgspec.json.Decoder(Screen)


class Inbox:
    """The last `keep` lines of a stream, read by a thread of its own so that drawing never holds the writer up."""

    def __init__(self, stream: IO[bytes], keep: int) -> None:
        self._lines: deque[bytes] = deque(maxlen=keep)
        self._news = threading.Event()
        self._ended = False
        # The bare descriptor: a thread that waits in a buffered reader holds its lock, and the interpreter dies of that
        # at the end (measured: SIGABRT when the other side of stdout went away first).
        self._fd = stream.fileno()
        threading.Thread(target=self._read, name="pictures", daemon=True).start()

    def _read(self) -> None:
        rest = b""
        with contextlib.suppress(OSError):  # closed under us: the end, like any other
            while data := os.read(self._fd, 1 << 16):
                *lines, rest = (rest + data).split(b"\n")
                if lines:
                    self._lines.extend(lines)
                    self._news.set()
        self.end()

    def wake(self) -> None:
        """Let `take` return at once, with or without pictures."""
        self._news.set()

    def end(self) -> None:
        """No more lines will be waited for."""
        self._ended = True
        self._news.set()

    def take(self, timeout_s: float) -> tuple[list[Screen], bool]:
        """The pictures that came, waiting at most so long, and whether the stream is at its end."""
        self._news.wait(timeout_s)
        self._news.clear()
        ended = self._ended  # read before the lines: what came before the end is not lost
        found = []
        while self._lines:
            with contextlib.suppress(msgspec.MsgspecError):  # not a picture: nothing to draw
                found.append(DECODER.decode(self._lines.popleft()))
        return found, ended


def run_console(
    stream_in: IO[bytes] | None = None,
    out: TextIO | None = None,
    *,
    fps: float = 4.0,
    every_s: float = 5.0,
    keys_out: int | None = None,
) -> int:
    """Draw the Screens that come in, one JSON object a line, until the stream ends. Returns the exit code, 0.

    `stream_in` has a file descriptor (default: stdin).

    On a terminal: a full-screen picture at most `fps` times a second, "starting…" before the first, and the last one
    left standing at the end. Elsewhere: one line per event and a health line every `every_s` seconds. Ctrl-C is left
    to the desk, which closes the stream when it is done. What is pressed on the terminal is said on the descriptor
    `keys_out`, one desk.projections.screen.Pressed a line; without it no key is read.
    """
    out = out or sys.stdout
    drawing = out.isatty()
    inbox = Inbox(stream_in or sys.stdin.buffer, keep=1 if drawing else BACKLOG)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: inbox.end())
    try:
        _draw(inbox, out, fps, keys_out) if drawing else _log(inbox, out, every_s)
    except BrokenPipeError:  # the reader of our output went away (`| head`): nobody is left to tell
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
    return 0


def _draw(inbox: Inbox, out: TextIO, fps: float, keys_out: int | None) -> None:
    console = Console(file=out, highlight=False, markup=False, emoji=False)
    began = came = time.monotonic()
    screen: Screen | None = None
    ended = False
    keys = Keys()
    keyboard = Keyboard(out.fileno(), keys_out, inbox.wake) if keys_out is not None else None
    with (
        contextlib.closing(keyboard) if keyboard is not None else contextlib.nullcontext(),
        Live(console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live,
    ):
        while not ended:
            now = time.monotonic()
            width, height = console.size
            lines = starting(now - began)
            if screen is not None:
                lines = _page(screen, keys if keyboard is not None else None, width, height, now - came)
            live.update(_still(lines[:height]), refresh=True)
            due = now + 1 / fps
            while not ended and (left := due - time.monotonic()) > 0:
                found, ended = inbox.take(left)
                if found:
                    screen, first, came = found[-1], screen is None, time.monotonic()
                    if first or screen.detail is not None:
                        break  # the first picture, and one that was asked for, do not wait for their turn
                if keyboard is not None and (pressed := keyboard.take()):
                    for key in pressed:
                        keyboard.say(keys.press(key, screen))
                    break
    if screen is not None:
        width, height = console.size
        console.print(_still(picture(screen, width, height - 2)))  # the health line stays in sight


def _page(screen: Screen, keys: Keys | None, width: int, height: int, silent_s: float) -> list[Text]:
    """The desk, or the page a key has opened; the last line says what can be pressed."""
    if keys is None:
        return picture(screen, width, height, silent_s)
    room = max(height - 1, 1)
    if keys.page == DESK:
        lines = picture(screen, width, room, silent_s, keys.chosen)
    else:
        lines = page(keys, screen, width, room, silent_s)
    lines = lines[:room] + [Text()] * (room - len(lines))
    return [*lines, footer(keys, screen, width)]


def _log(inbox: Inbox, out: TextIO, every_s: float) -> None:
    log, ended = LogLines(every_s), False
    while not ended:
        found, ended = inbox.take(1.0)
        for screen in found:
            out.writelines(line + "\n" for line in log.lines(screen))
        out.flush()
    out.writelines(line + "\n" for line in log.closing())
    out.flush()


def _still(lines: list[Text]) -> Group:
    for line in lines:
        line.no_wrap, line.overflow = True, "crop"
    return Group(*lines)
