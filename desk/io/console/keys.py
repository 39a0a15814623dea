"""What the keys do: a state without a screen or a terminal. Pages, the chosen symbol, questions and typed lines.

p  pause or resume entries     k  kill, after a yes     d ⏎  a symbol whole     w  why not
↑ ↓  choose a symbol           :  type a command        ?    help               q  stop, after a yes
"""

from __future__ import annotations

import re

from desk.projections.screen import Pressed, Screen

DESK, DETAIL, WHY, HELP = "desk", "detail", "why", "help"
SEQUENCES = {
    "[A": "up",
    "[B": "down",
    "[C": "right",
    "[D": "left",
    "OA": "up",
    "OB": "down",
    "OC": "right",
    "OD": "left",
}
NAMED = {"\r": "enter", "\n": "enter", "\x7f": "back", "\x08": "back", "\x1b": "esc"}
LONGEST = 200
KEYS_HELP = (
    ("p", "pause entries; pressed again, resume (after a breaker or a kill it asks for a reason)"),
    ("k", "kill: cancel every order, no entries, also after a restart; asks first"),
    ("↑ ↓", "choose a symbol"),
    ("d, Enter", "the chosen symbol whole: book, score, indicators, orders"),
    ("w", "why not: every gate of the chosen symbol, with its numbers"),
    (":", "type a command: pause WHY, resume WHY, kill WHY, stop, status"),
    ("q", "stop the desk; asks first. On a page: back"),
    ("Esc", "back"),
)


def keys_of(data: bytes) -> list[str]:
    """The keys in what a terminal sent: a name, or the character itself; sequences nobody knows are no key.

    >>> keys_of(b"pk"), keys_of(b"\\x1b[A\\x1bOB"), keys_of(b"\\x1b"), keys_of(b"\\x1b[15~\\r")
    (['p', 'k'], ['up', 'down'], ['esc'], ['enter'])
    """
    found = []
    for sequence, char in re.findall(r"\x1b([\[O][0-9;]*[A-Za-z~])|(.)", data.decode(errors="ignore"), re.DOTALL):
        if sequence:
            found += [SEQUENCES[sequence]] if sequence in SEQUENCES else []
        elif char in NAMED:
            found.append(NAMED[char])
        elif char.isprintable():
            found.append(char)
    return found


class Keys:
    """`press` each key; it answers what to tell the run. `asking`: "kill" or "stop" while a yes is awaited; `typed`:
    the line being typed, None while none is."""

    def __init__(self) -> None:
        self.page = DESK
        self.asking = ""
        self.typed: str | None = None
        self.chosen = ""  # the symbol

    def press(self, key: str, screen: Screen | None) -> list[Pressed]:
        """What one key leads to, given the picture it was pressed at."""
        if self.typed is not None:
            return self._type(key)
        if self.asking:
            asked, self.asking = self.asking, ""
            return [Pressed(line=f"{asked} by a key")] if key in ("y", "Y") else []
        if key in ("up", "left", "down", "right"):
            return self._choose(screen, -1 if key in ("up", "left") else 1)
        if key in ("d", "enter"):
            return self._open(DETAIL, screen)
        if key == "w":
            return self._open(WHY, screen)
        if key in ("?", "h"):
            return self._open(HELP, screen)
        if key == "esc" or (key == "q" and self.page != DESK):
            return self._open(DESK, screen)
        if key == "p" and screen is not None:
            return self._pause(screen)
        if key in ("k", "q"):
            self.asking = "kill" if key == "k" else "stop"
        elif key == ":":
            self.typed = ""
        return []

    def _pause(self, screen: Screen) -> list[Pressed]:
        if not screen.latch:
            return [Pressed(line="pause by a key")]
        if screen.latch == "paused":
            return [Pressed(line="resume by a key")]
        self.typed = "resume "  # what a breaker or a kill stopped goes on for a reason only
        return []

    def _type(self, key: str) -> list[Pressed]:
        line = self.typed or ""
        if key == "enter":
            self.typed = None
            return [Pressed(line=line)] if line.strip() else []
        if key == "esc":
            self.typed = None
        elif key == "back":
            self.typed = line[:-1]
        elif len(key) == 1:
            self.typed = (line + key)[:LONGEST]
        return []

    def _choose(self, screen: Screen | None, step: int) -> list[Pressed]:
        symbols = [row.symbol for row in screen.symbols] if screen is not None else []
        if not symbols:
            return []
        at = symbols.index(self.chosen) + step if self.chosen in symbols else 0 if step > 0 else -1
        self.chosen = symbols[at % len(symbols)]
        return [Pressed(look=self.chosen)] if self.page in (DETAIL, WHY) else []

    def _open(self, page: str, screen: Screen | None) -> list[Pressed]:
        looked = self.page in (DETAIL, WHY)
        if page in (DETAIL, WHY):
            if not self.chosen and screen is not None and screen.symbols:
                self.chosen = screen.symbols[0].symbol
            if not self.chosen:
                return []
            self.page = page
            return [Pressed(look=self.chosen)]
        self.page = page
        return [Pressed(look="")] if looked else []
