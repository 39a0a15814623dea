"""The console: what a person sees at 80 columns, at 160, in a log file and in a real terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from desk.io.console import export_svg, picture
from desk.io.console.layout import starting
from desk.io.console.loglines import LogLines
from desk.projections.screen import BookRow, FlowRow, InsideRow, PositionRow, Screen, SignalRow, SymbolRow

ROOT = Path(__file__).resolve().parents[3]
SECOND = 1_000_000_000
T0 = 1_767_225_600 * SECOND  # 2026-01-01 00:00:00 UTC


def screen(**changes: object) -> Screen:
    """A quiet desk with two symbols; `changes` replace fields."""
    btc = SymbolRow(
        "BTC/USDT", 1, 64524.9, 64525.1, 0.03, "L3", "SYNCED", 41.6, 61.0, 20.0, -5.0, "MODERATE_BUY", 38.0, 45.0,
        "MODERATE_LONG", T0 + 5 * 3600 * SECOND, "STRONG_ALIGNMENT", "BUY 64511.2", "EDGE_BELOW_COST",
    )  # fmt: skip
    base = Screen(
        ts=T0,
        mode="hybrid",
        feed="embedded exchange",
        venue_status="online",
        simulated=True,
        elapsed_s=75.0,
        frames=184_221,
        frames_per_s=1_234.0,
        link_up_pct=99.8,
        books=(BookRow("BTC/USDT", "kraken", "L3", "SYNCED", 12_345, 0, 0, 31.0, proved_ms=14.0),),
        symbols=(btc, SymbolRow("ETH/USDT", 2, why_not="BOOK_NOT_SYNCED", state="RESYNC")),
        signals=(
            SignalRow(T0, "BTC/USDT", "BUY", "64511.2", "64390.0", "64753.6", "0.01", 41.6, 34, 12.4, 0.47, "up"),
        ),
        positions=(PositionRow("BTC/USDT", "0.01000000", "64511.2", "64525.0", 1.38, -0.5, 0.25),),
        refusals={"WEAK_TECHNICAL": 300, "EDGE_BELOW_COST": 100},
        latency_us={"p50": 12.0, "p99": 88.0},
        orders_open=2,
        orders=3,
        fills=1,
        exposure=412.0,
        exposure_limit=2_000.0,
        journal_seq=184_221,
        clock_ms=12.0,
        clock_pm_ms=3.0,
        clock_state="ok",
        pnl_quote=-3.5,
        messages=("analysis begins",),
        reports=("reports/out/a.html",),
    )
    return msgspec.structs.replace(base, **changes)


def lines(shown: Screen, width: int = 100, height: int | None = None) -> list[str]:
    return [line.plain.rstrip() for line in picture(shown, width, height)]


def text(shown: Screen, width: int = 100, height: int | None = None) -> str:
    return "\n".join(lines(shown, width, height))


def test_the_health_line_says_what_the_specification_says() -> None:
    """Breaks: one of the facts that must always be visible is not."""
    assert lines(screen(), 240)[0] == (
        "PAPER · SIMULATED MARKET · venue online · link 99.8 % · book SYNCED (CRC ok 14 ms ago) · age 31 ms · "
        "orders 2 open 0 unknown · exposure $412/$2,000 · breaker armed · journal ok (seq 184,221) · clock +12 ms ± 3"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mode": "live"}, "LIVE ·"),
        ({"venue_status": "maintenance"}, "venue maintenance"),
        ({"link_up_pct": 93.21}, "link 93.2 % up"),
        ({"books": ()}, "book none yet"),
        ({"orders_unknown": 1}, "1 unknown"),
        ({"exposure": 2_500.0}, "exposure $2,500/$2,000 OVER THE LIMIT"),
        ({"breaker": "tripped: DRAWDOWN"}, "breaker tripped: DRAWDOWN"),
        ({"journal_state": "disk full"}, "journal disk full (seq 184,221)"),
        ({"clock_ms": None}, "clock not measured"),
        ({"clock_ms": -600.0, "clock_state": "off"}, "clock −600 ms ± 3 off"),
        ({"clock_ms": 2500.0, "clock_pm_ms": None, "clock_state": "WRONG"}, "clock +2,500 ms WRONG"),
        ({"books": (BookRow("BTC/USDT", "kraken", "L3", "SYNCED", 1, 0, 0, 12_000.0),)}, "age 12.0 s STALE"),
        (
            {
                "books": (
                    BookRow("A/USD", "k", "L3", "SYNCED", 5, 0, 0),
                    BookRow("A/USD", "k", "L2", "SUSPECT", 4, 1, 1),
                )
            },
            "books 1 of 2 SYNCED, 1 SUSPECT (CRC ok 9, bad 1)",
        ),
    ],
)
def test_a_state_that_is_not_well_has_a_word_of_its_own(changes: dict[str, object], words: str) -> None:
    """Breaks: without colours a fault looks like health."""
    assert words in text(screen(**changes), 250)


def test_an_old_picture_says_that_it_is_old() -> None:
    """Breaks: a frozen engine shows a calm, green, dead screen."""
    assert "THIS PICTURE IS 7 s OLD" in picture(screen(), 200, silent_s=7.2)[0].plain
    assert "OLD" not in picture(screen(), 200, silent_s=0.3)[0].plain


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (130, 40), (160, 45), (300, 80), (20, 5)])
def test_the_picture_fits_and_the_essentials_are_there(width: int, height: int) -> None:
    """Breaks: a narrow terminal wraps lines and the screen tears."""
    shown = picture(screen(), width, height)
    assert max(line.cell_len for line in shown) <= width
    if height >= 24:
        assert len(shown) <= height
        together = "\n".join(line.plain for line in shown)
        for fact in (
            "PAPER",
            "BTC/USDT",
            "64,525.0",
            "+41.6",
            "costs eat the edge",
            "▲ BUY",
            "WEAK_TECHNICAL",
            "+0.63",
        ):
            assert fact in together, fact


def test_a_colour_ends_with_its_word() -> None:
    """Breaks: the first word of a line paints the whole line, and calm reads as alarm."""
    for width in (80, 160):
        assert all(line.style == "" for line in picture(screen(signals=()), width)[:2])
    beside = next(line for line in picture(screen(signals=()), 160) if "none yet; every refusal" in line.plain)
    assert beside.style == ""


def test_a_wide_screen_shows_the_three_components_with_their_signs() -> None:
    """Breaks: nobody sees which part of the book made the score."""
    row = next(line for line in lines(screen(), 160) if line.startswith("BTC/USDT   64,525.0"))
    assert re.search(r"\+61   │█ .* \+20 .*−5 ", row)


def test_numbers_line_up_in_their_columns() -> None:
    """Breaks: prices of different length dance and cannot be compared at a glance."""
    one = screen().symbols[0]
    rows = (one, msgspec.structs.replace(one, symbol="XRP/USDT", px_decimals=5, bid=0.61, ask=0.62, score=-7.0))
    shown = [line for line in lines(screen(symbols=rows), 80) if re.match(r"(BTC|XRP)/USDT +[\d,.]+ +0\.03", line)]
    assert len(shown) == 2
    assert [re.search(r"[+−][\d.]+", line).end() for line in shown] == [33, 33]  # type: ignore[union-attr]
    assert len({re.match(r"\S+ +[\d,.]+", line).end() for line in shown}) == 1  # type: ignore[union-attr]


def test_what_is_hidden_is_counted() -> None:
    """Breaks: with 40 symbols a person believes the six on screen are all."""
    many = tuple(msgspec.structs.replace(screen().symbols[0], symbol=f"C{i}/USDT") for i in range(40))
    assert re.search(r"Symbols  \d+ of 40 ─", text(screen(symbols=many), 80, 24))
    assert "of 40" not in text(screen(symbols=many), 80)


def test_not_measured_is_a_dash_and_never_a_number() -> None:
    """Breaks: a missing score reads as a neutral one."""
    row = next(line for line in lines(screen(), 100) if line.startswith("ETH/USDT"))
    assert "–" in row
    assert not re.search(r"\b0(\.0)?\b", row)
    assert "RESYNC" in row
    assert "book not in step" in row


def test_positions_show_the_net_of_fees() -> None:
    """Breaks: a gain before fees is taken for a gain."""
    row = next(line for line in lines(screen()) if line.startswith("BTC/USDT  0.01000000"))
    assert row.endswith("+1.38      −0.50    0.25     +0.63")  # 1.38 − 0.50 − 0.25
    assert "PnL −$3.50 net of fees" in text(screen())


def test_an_unknown_code_is_shown_as_it_is() -> None:
    """Breaks: a refusal nobody explained disappears from the funnel."""
    assert "BRAND_NEW" in text(screen(refusals={"BRAND_NEW": 7}))


HOSTILE = "[red]x[/red]\x1b]0;pwned\x07\x1b[2J\u202e\r\n<b>\x9b31m"


def test_text_from_outside_is_neither_markup_nor_control() -> None:
    """Breaks: a venue's message repaints the terminal, sets its title or hides a line."""
    row = msgspec.structs.replace(
        screen().symbols[0], symbol=HOSTILE, label=HOSTILE, why_not=HOSTILE, state=HOSTILE, tier=HOSTILE,
        last_signal=HOSTILE, alignment=HOSTILE, bias_label=HOSTILE,
    )  # fmt: skip
    signal_row = SignalRow(T0, HOSTILE, HOSTILE, *[HOSTILE] * 4, 1.0, 1.0, 1.0, 0.5, HOSTILE)
    shown = screen(
        symbols=(row,), signals=(signal_row,), messages=(HOSTILE,), reports=(HOSTILE,), refusals={HOSTILE: 1},
        venue_status=HOSTILE, breaker=HOSTILE, journal_state=HOSTILE, feed=HOSTILE, mode=HOSTILE, analyst=HOSTILE,
        fee_tier=HOSTILE, latency_us={HOSTILE: 1.0}, books=(BookRow(HOSTILE, "", HOSTILE, HOSTILE, 0, 0, 0),),
        positions=(PositionRow(HOSTILE, HOSTILE, HOSTILE, HOSTILE, 0, 0, 0),),
    )  # fmt: skip
    for width in (80, 160, 240):
        for line in picture(shown, width):
            assert line.plain.isprintable(), line.plain
    assert "[red]x[/red]" in text(shown, 240)
    for line in (*LogLines().lines(shown), *LogLines().closing()):
        assert line.isprintable(), line


FLOAT = st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32)


@settings(max_examples=60, deadline=None)
@example(width=1, height=33, score=None, price=None, us=None, word="0" * 21, many=0)
@given(st.integers(1, 250), st.integers(1, 70), FLOAT, FLOAT, FLOAT, st.text(max_size=30), st.integers(0, 30))
def test_any_picture_fits_any_terminal(
    width: int, height: int, score: float | None, price: float | None, us: float | None, word: str, many: int
) -> None:
    """Breaks: an extreme number or a word in a wide script tears the screen or ends the console."""
    row = SymbolRow(word, 2, price, price, score, word, word, score, score, score, score, word, score, score, word, 1)
    shown = screen(symbols=(row,) * many, latency_us={word: us}, clock_ms=score, messages=(word,) * many)
    made = picture(shown, width, height)
    assert max((line.cell_len for line in made), default=0) <= max(width, 20)
    top = len([line for line in made if "·" in line.plain or "PAPER" in line.plain])
    assert len(made) <= max(height, top + 1, 14)


def test_flow_and_the_inside_market_are_shown_where_they_were_measured() -> None:
    """Breaks: an absent number is drawn as 0, or a venue's name is lost."""
    assert "Flow" not in text(screen(), 160)
    flows = (
        FlowRow("BTC/USD", "kraken", 1, 1.87, None, 0.54, 2.92, None, 0.41, 1.2, 31, 28, 64_525.1),
        FlowRow("BTC/USD", "coinbase", 2),
    )
    inside = (InsideRow("BTC/USD", "64525.10", "kraken", "64525.05", "coinbase", -0.01, "crossed", ("binance",)),)
    shown = lines(screen(flows=flows, inside=inside), 120)
    (full,) = [line.split() for line in shown if "BTC/USD@kraken" in line]
    assert full == ["BTC/USD@kraken", "+1.87", "–", "+54", "+2.92", "–", "0.41", "1.20", "31", "28", "64,525.1"]
    (bare,) = [line.split() for line in shown if "BTC/USD@coinbase" in line]
    assert set(bare[1:]) == {"–"}
    assert any(
        "64525.10 kraken" in " ".join(line.split()) and "crossed" in line and "binance" in line for line in shown
    )


def test_the_svg_asks_nobody_and_is_the_same_every_time() -> None:
    """Breaks: a document fetches fonts from somewhere, or changes in every commit."""
    made = export_svg(screen(), 120)
    assert made == export_svg(screen(), 120)
    assert "SIMULATED" in made
    assert not re.search(r"@font-face|@import|href=|src=|url\((?!#)", made)


# --- without a terminal


def feed(*screens: Screen) -> bytes:
    return b"".join(msgspec.json.encode(shown) + b"\n" for shown in screens)


def console(stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    """The console as the desk starts it, its output a pipe."""
    return subprocess.run(
        [sys.executable, "-m", "desk.io.console"], input=stdin, capture_output=True, cwd=ROOT, timeout=30, check=False
    )


def test_in_a_log_file_there_is_one_line_per_event() -> None:
    """Breaks: a log fills with repeated pictures, or an event is missing from it."""
    first = screen()
    second = screen(ts=T0 + SECOND, messages=("analysis begins", "analysis done"), breaker="tripped")
    third = screen(ts=T0 + 6 * SECOND, signals=(*first.signals, msgspec.structs.replace(first.signals[0], side="SELL")))
    said = (
        console(feed(first, first, second, third) + b"not json\n" + b'{"type":"other"}\n').stdout.decode().splitlines()
    )
    kinds = [line.split()[1] for line in said]
    assert kinds == [
        *("book", "signal", "position", "message", "report", "health"),
        *("breaker", "message"),
        *("breaker", "signal", "message", "health"),
        *("health", "ended", "refused", "refused"),
    ]
    assert said[6] == "00:00:01 breaker  armed → tripped"
    assert said[7] == "00:00:01 message  analysis done"
    assert "BTC/USDT BUY entry 64511.2 stop 64390.0 target 64753.6 size 0.01 score +41.6" in said[1]
    assert said[-2].endswith("refused  300 of 400: WEAK_TECHNICAL (technical too weak)")


def test_a_stream_that_ends_before_the_first_picture_says_so() -> None:
    """Breaks: a desk that died at once leaves an empty log."""
    done = console(b"")
    assert (done.returncode, done.stdout) == (0, b"console: ended before the first picture\n")


def test_a_reader_that_goes_away_is_no_error() -> None:
    """Breaks: `./run | head` ends with a traceback."""
    with subprocess.Popen(
        [sys.executable, "-m", "desk.io.console"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, bufsize=0,
    ) as child:  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(feed(screen()))
        child.stdout.readline()
        child.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            for i in range(200):
                child.stdin.write(feed(screen(ts=T0 + i * 9 * SECOND)))
            child.stdin.close()
        assert child.wait(20) == 0
        assert child.stderr is not None
        assert child.stderr.read() == b""


# --- in a real terminal (a pseudo one of the operating system)


class Terminal:
    """The console on a pty of 100 × 30; `seen` collects every byte it writes."""

    def __init__(self) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        env = os.environ | {"TERM": "xterm-256color", "COLUMNS": "", "LINES": "", "NO_COLOR": ""}
        self.child = subprocess.Popen(
            [sys.executable, "-m", "desk.io.console"],
            stdin=subprocess.PIPE,
            stdout=theirs,
            stderr=theirs,
            cwd=ROOT,
            env=env,
        )
        os.close(theirs)
        self.seen = b""

    def until(self, words: bytes, patience_s: float) -> float:
        """Seconds until the words were on the screen; fails when they do not come."""
        began = time.monotonic()
        while words not in self.seen:
            left = began + patience_s - time.monotonic()
            assert left > 0, (words, self.seen[-3000:])
            if select.select([self.ours], [], [], left)[0]:
                try:
                    self.seen += os.read(self.ours, 65_536)
                except OSError:  # the other side is closed
                    assert words in self.seen, (words, self.seen[-3000:])
        return time.monotonic() - began

    def send(self, *screens: Screen) -> None:
        assert self.child.stdin is not None
        self.child.stdin.write(feed(*screens))
        self.child.stdin.flush()

    def close(self) -> int:
        assert self.child.stdin is not None
        self.child.stdin.close()
        return self.child.wait(20)


def test_in_a_terminal_it_starts_at_once_survives_ctrl_c_and_leaves_the_last_picture_standing() -> None:
    """Breaks: an empty screen while the desk starts; Ctrl-C kills the picture before the desk has ended; or the last
    state is wiped away at the end."""
    terminal = Terminal()
    assert terminal.until(b"starting", 10) < 3  # Python itself included, on a busy machine
    terminal.child.send_signal(signal.SIGINT)
    terminal.send(screen(messages=("first picture",)))
    assert terminal.until(b"first picture", 5) < 2
    terminal.child.send_signal(signal.SIGINT)
    terminal.send(*(screen(messages=(f"picture {i}",)) for i in range(300)))
    assert terminal.close() == 0
    terminal.until(b"picture 299", 5)
    drawn = set(re.findall(rb"picture (\d+)", terminal.seen))
    assert len(drawn) < 30  # the newest wins: hundreds were never drawn
    kept = terminal.seen.rpartition(b"\x1b[?1049l")[2]  # what stands on the normal screen after the full one is left
    assert b"picture 299" in kept
    assert b"PAPER" in kept
    assert b"\x1b[?25h" in terminal.seen  # the cursor is back
    assert b"Traceback" not in terminal.seen


def test_starting_says_more_when_it_takes_long() -> None:
    """Breaks: a first start that compiles for a minute looks like a hang."""
    assert [line.plain for line in starting(0.2)] == ["starting…", "0 s: waiting for the first picture"]
    assert "compiles the kernels" in starting(12)[-1].plain
