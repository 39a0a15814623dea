"""Values as cells of text: aligned, signed, with thousands separators; nothing from outside is ever markup."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from rich.text import Text

DIM, TITLE = "bright_black", "bold"
COLOURS = {"good": "green", "pending": "yellow", "bad": "bold red", "": ""}
NOTHING = "–"


def clean(text: str, limit: int = 200) -> str:
    """Text from outside on one line without control characters.

    >>> clean("[red]a\\x1b[31mb\\nc\\u202e")
    '[red]a?[31mb c?'
    """
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text[:limit])


def said(text: str, style: str = "", limit: int = 200) -> Text:
    """Text from outside as a cell; "" becomes a dash."""
    return Text(clean(text, limit), style) if text else Text(NOTHING, DIM)


def number(value: float | None, decimals: int = 0, style: str = "") -> Text:
    """1,234.5; a dash for what is not measured."""
    return Text(NOTHING, DIM) if value is None else Text(f"{value:,.{decimals}f}", style)


def money(value: float, sign: str = "") -> Text:
    """A profit or loss: +$1.20, −$3.00.

    >>> money(1.2, "$").plain, money(-3).plain
    ('+$1.20', '−3.00')
    """
    made = signed(value, 2)
    head = made.plain[:1] if made.plain[:1] in "+−" else ""
    return Text(f"{head}{sign}{made.plain[len(head) :]}", made.style)


def signed(value: float | None, decimals: int = 0) -> Text:
    """+12 green, −3 red, 0 plain: the sign says it without the colour.

    >>> signed(-3.14, 1).plain, signed(0.02, 1).plain, signed(None).plain
    ('−3.1', '0.0', '–')
    """
    if value is None:
        return Text(NOTHING, DIM)
    size = f"{abs(value):,.{decimals}f}"
    if not size.strip("0.,"):
        return Text(size)
    return Text(f"+{size}", "green") if value > 0 else Text(f"−{size}", "red")


def bar(value: float | None, side: int = 3) -> Text:
    """−100..+100 as a bar from the middle, `side` cells each way, in half cells.

    >>> bar(50).plain, bar(-100).plain, bar(None).plain
    ('   │█▌ ', '███│   ', '   │   ')
    """
    halves = 0 if value is None else min(round(abs(value) / 100 * side * 2), side * 2)
    full, half = divmod(halves, 2)
    left, right = Text(" " * side), Text(" " * side)
    if value is not None and value < 0:
        left = Text(("▐" * half + "█" * full).rjust(side), "red")
    elif value is not None:
        right = Text(("█" * full + "▌" * half).ljust(side), "green")
    return Text.assemble(left, ("│", DIM), right)


def share(part: float, cells: int = 8) -> Text:
    """0..1 as a bar of `cells` cells."""
    full, half = divmod(round(min(max(part, 0.0), 1.0) * cells * 2), 2)
    return Text(("█" * full + "▌" * half).ljust(cells), "blue")


def clock(ns: int) -> str:
    """UTC time of day of a moment.

    >>> clock(1_767_225_600_000_000_000 + 3_661 * 10**9)
    '01:01:01'
    """
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC).strftime("%H:%M:%S")


def span(seconds: float) -> str:
    """A length of time in at most two units.

    >>> span(0.25), span(75), span(3 * 3600 + 59), span(200_000)
    ('0 s', '1 m 15 s', '3 h 0 m', '2 d 7 h')
    """
    whole = int(max(seconds, 0))
    for size, name, below, small in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            return f"{whole // size} {name} {whole % size // below} {small}"
    return f"{whole} s"


def micros(value: float | None) -> str:
    """Microseconds as people read them.

    >>> micros(7.4), micros(850), micros(12_345), micros(2_500_000), micros(None)
    ('7.4 µs', '850 µs', '12.3 ms', '2.5 s', '–')
    """
    if value is None:
        return NOTHING
    if value < 1_000:
        return f"{value:.1f} µs" if value < 10 else f"{value:.0f} µs"
    return f"{value / 1_000:.1f} ms" if value < 1_000_000 else f"{value / 1_000_000:.1f} s"


def is_zero(quantity: str) -> bool:
    """Whether a quantity's text is nothing at all.

    >>> is_zero("0.00000000"), is_zero("-0.1")
    (True, False)
    """
    return not re.search(r"[1-9]", quantity)
