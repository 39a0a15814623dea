"""The console's keys: what each leads to, the pages they open, and the terminal they are read from."""

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
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.io.console.keys import DESK, DETAIL, HELP, WHY, Keys, keys_of
from desk.io.console.pages import footer, page
from desk.projections.screen import BookRow, Detail, GateRow, Pressed, Screen, SymbolRow

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = "[red]x[/red]\x1b]0;pwned\x07\x1b[2J\u202e\r\n<b>\x9b31m"
SYMBOLS = (SymbolRow("BTC/USDT", 1), SymbolRow("ETH/USDT", 2))
ARITHMETIC = "cost 65.4 = 25.0 fee in + 40.0 fee out + 0.4 spread (bps)"
FOUND = Detail(
    "BTC/USDT",
    bids=(("64525.1", "0.25", 2), ("64524.0", "1.5", 1)),
    asks=(("64526.0", "0.10", 1),),
    tier="L3",
    parts=(("imbalance", 60.0, 0.5), ("order count", -10.0, 0.3), ("spread", 5.0, 0.2)),
    numbers={"rsi_14": 56.5, "of_technical_ema": 12.0, "of_technical_rsi": -2.0, "technical": 10.0},
    gates=(
        GateRow("feed", "passed", 100, 0),
        GateRow("edge", "NO", 100, 90, "EDGE_BELOW_COST", 1, ARITHMETIC),
        GateRow("room", "not asked", 0, 0, "COOLDOWN", 1_767_225_600_000_000_000, "3.0 s left"),
    ),
    now="EDGE_BELOW_COST",
    since=1_767_225_600_000_000_000,
    change="the round trip may cost at most 7.1 bps",
    looks=100,
    working=("o7 BUY 0.1 at 64525.1 (entry)",),
    latches={"PAUSE": "lunch"},
)


def screen(**changes: object) -> Screen:
    base = Screen(1, "scalping", "embedded", "online", True, 1.0, 1, 1.0, 100.0, symbols=SYMBOLS)
    return msgspec.structs.replace(base, books=(BookRow("BTC/USDT", "k", "L3", "SYNCED", 1, 0, 0),), **changes)


def pressed(keys: Keys, text: str | list[str], shown: Screen | None = None) -> list[Pressed]:
    return [said for key in text for said in keys.press(key, shown or screen())]


@pytest.mark.parametrize(("key", "word"), [("k", "kill"), ("q", "stop")])
def test_what_cannot_be_undone_is_asked_first(key: str, word: str) -> None:
    """Breaks: a cat on the keyboard kills the session."""
    keys = Keys()
    assert pressed(keys, key) == []
    assert keys.asking == word
    assert "Sure? y / n" in footer(keys, screen(), 80).plain
    assert pressed(keys, "x") == []
    assert keys.asking == ""
    assert pressed(keys, "y") == []  # the question is over
    assert pressed(keys, key + "y") == [Pressed(line=f"{word} by a key")]


def test_p_pauses_and_resumes_and_asks_for_a_reason_after_a_breaker() -> None:
    keys = Keys()
    assert pressed(keys, "p") == [Pressed(line="pause by a key")]
    assert pressed(keys, "p", screen(latch="paused")) == [Pressed(line="resume by a key")]
    for latch in ("killed", "drawdown"):
        assert pressed(keys, "p", screen(latch=latch)) == []
        assert keys.typed == "resume "
        assert pressed(keys, [*"checked", "back", "back", "enter"]) == [Pressed(line="resume check")]
    assert keys.press("p", None) == []  # before the first picture nobody knows what it would do


def test_keys_are_letters_while_a_line_is_typed() -> None:
    """Breaks: the k in “killed the router” kills the desk."""
    keys = Keys()
    assert pressed(keys, [":", *"pause king qualm", "enter"]) == [Pressed(line="pause king qualm")]
    assert pressed(keys, [":", *"kill", "esc"]) == []
    assert (keys.typed, keys.asking) == (None, "")
    assert pressed(keys, [":", "enter"]) == []


def test_arrows_choose_a_symbol_and_an_open_page_follows() -> None:
    keys = Keys()
    assert pressed(keys, ["down"]) == []
    assert keys.chosen == "BTC/USDT"
    assert pressed(keys, "w") == [Pressed(look="BTC/USDT")]
    assert pressed(keys, ["down"]) == [Pressed(look="ETH/USDT")]
    assert pressed(keys, ["down"]) == [Pressed(look="BTC/USDT")]  # around
    assert pressed(keys, "d") == [Pressed(look="BTC/USDT")]
    assert keys.page == DETAIL
    assert pressed(keys, "q") == [Pressed(look="")]  # back, not out
    assert keys.page == DESK
    assert pressed(keys, "?") == []
    assert keys.page == HELP


@pytest.mark.parametrize(("width", "height"), [(80, 23), (160, 49), (30, 8)])
@pytest.mark.parametrize("name", [DETAIL, WHY, HELP])
def test_a_page_fits_and_keeps_the_health_line(name: str, width: int, height: int) -> None:
    keys = Keys()
    keys.page, keys.chosen = name, "BTC/USDT"
    shown = page(keys, screen(detail=FOUND), width, height)
    assert len(shown) <= height
    assert max(line.cell_len for line in shown) <= width
    assert shown[0].plain.startswith("PAPER")
    text = "\n".join(line.plain for line in shown)
    if width >= 80:
        wanted = {
            DETAIL: ("64525.1", "imbalance", "+30.0", "+28.0", "o7 BUY", "rsi_14", "ema +12.0 + rsi −2.0"),
            WHY: ("EDGE_BELOW_COST", ARITHMETIC, "to pass: the round trip", "last 00:00:00: cooling down", "lunch"),
            HELP: ("kill: cancel every order", "why not: every gate"),
        }[name]
        for words in wanted:
            assert words in text, text


def test_a_page_of_another_symbol_is_not_shown_as_this_one() -> None:
    """Breaks: for a quarter of a second the ladder of BTC stands under the name of ETH."""
    keys = Keys()
    keys.page, keys.chosen = DETAIL, "ETH/USDT"
    text = "\n".join(line.plain for line in page(keys, screen(detail=FOUND), 80, 23))
    assert "asking the run" in text
    assert "64525.1" not in text


def test_nothing_from_outside_is_markup_or_control_on_the_pages() -> None:
    hostile = Detail(
        HOSTILE, ((HOSTILE, HOSTILE, 1),), ((HOSTILE, HOSTILE, 1),), HOSTILE, ((HOSTILE, 1.0, 1.0),), {HOSTILE: 1.0},
        (GateRow(HOSTILE, HOSTILE, 1, 1, HOSTILE, 1, HOSTILE),), HOSTILE, 1, HOSTILE, HOSTILE, 1, 1, 1, 1, (HOSTILE,),
        {HOSTILE: HOSTILE}, HOSTILE,
    )  # fmt: skip
    keys = Keys()
    keys.chosen, keys.typed = HOSTILE, HOSTILE
    for name in (DETAIL, WHY):
        keys.page = name
        for width in (80, 160):
            for line in (*page(keys, screen(detail=hostile), width, 60), footer(keys, screen(), width)):
                assert line.plain.isprintable(), line.plain


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_of_a_terminal_are_keys_or_nothing(data: bytes) -> None:
    keys = Keys()
    for key in keys_of(data):
        assert key.isprintable()
        keys.press(key, screen(detail=FOUND))
        assert footer(keys, screen(), 80).cell_len <= 80


class Terminal:
    """The console on a pty of 80 × 24, with a pipe for its keys."""

    def __init__(self) -> None:
        self.ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(self.theirs)
        self.keys, out = os.pipe()
        self.child = subprocess.Popen(
            [sys.executable, str(ROOT / "deploy_trading_systems.py"), "console", "--keys", str(out)],
            stdin=subprocess.PIPE,
            stdout=self.theirs,
            stderr=self.theirs,
            cwd=ROOT,
            env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "", "LINES": "", "NO_COLOR": ""},
            pass_fds=(out,),
        )
        os.close(out)
        self.seen = b""

    def until(self, words: bytes) -> None:
        end = time.monotonic() + 20
        while words not in self.seen:
            assert time.monotonic() < end, (words, self.seen[-2000:])
            if select.select([self.ours], [], [], 0.5)[0]:
                self.seen += os.read(self.ours, 65_536)

    def show(self, shown: Screen) -> None:
        assert self.child.stdin is not None
        self.child.stdin.write(msgspec.json.encode(shown) + b"\n")
        self.child.stdin.flush()

    def said(self) -> Pressed:
        assert select.select([self.keys], [], [], 20)[0], self.seen[-2000:]
        return msgspec.json.decode(os.read(self.keys, 4_096), type=Pressed)


def test_keys_of_a_real_terminal_reach_the_run_at_once_and_unechoed() -> None:
    """Breaks: a key needs Enter, or the shell after the desk shows nothing of what is typed."""
    terminal = Terminal()
    terminal.show(screen())
    terminal.until(b"why not")
    os.write(terminal.ours, b"w")
    assert terminal.said() == Pressed(look="BTC/USDT")
    terminal.show(screen(detail=FOUND))
    terminal.until(b"EDGE_BELOW_COST")
    os.write(terminal.ours, b"\x1b[B")
    assert terminal.said() == Pressed(look="ETH/USDT")
    os.write(terminal.ours, b"k")
    terminal.until(b"no entries until re-armed. Sure?")
    os.write(terminal.ours, b"y")
    assert terminal.said() == Pressed(line="kill by a key")
    assert termios.tcgetattr(terminal.theirs)[3] != terminal.before[3]
    assert terminal.child.stdin is not None
    terminal.child.stdin.close()
    assert terminal.child.wait(20) == 0
    assert termios.tcgetattr(terminal.theirs) == terminal.before
