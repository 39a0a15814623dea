"""The whole picture as lines for a given width and height: who gets how many rows, one column or two."""

from __future__ import annotations

from rich.text import Text

from desk.io.console import sections
from desk.io.console.cells import DIM, TITLE
from desk.io.console.evidence import health as signal_health
from desk.io.console.evidence import record
from desk.io.console.flow import flow as flow_section
from desk.io.console.flow import inside
from desk.io.console.grid import flow
from desk.io.console.health import health, summary
from desk.io.console.sections import Section
from desk.projections.screen import Screen

TWO_COLUMNS = 130  # from here on the lower half stands side by side
GUTTER = 3
LOW = 30  # below this height the second rank gets one line
AIRY = 36  # from this height on, a blank line between sections


def picture(
    screen: Screen, width: int = 100, height: int | None = None, silent_s: float = 0.0, chosen: str = ""
) -> list[Text]:
    """The screen as lines of at most `width` cells; with `height`, at most so many lines.

    The health line always comes whole. Sections give rows away in the order of their weight, and say what they hide.
    """
    width = max(width, 20)
    top = flow(health(screen, silent_s), width)
    top += flow(summary(screen), width)[: None if height is None else 1 if height < LOW else 2]
    room = None if height is None else max(height - len(top), 0)
    symbols, signals = sections.symbols(screen, width, chosen), sections.signals(screen)
    held, books, latency = sections.positions(screen), sections.books(screen), sections.latency(screen)
    said = sections.notes("Messages", screen.messages, "none")
    pages = tuple(path for path in screen.reports if path.endswith(".html"))  # its .md and .json lie beside it
    reports = sections.notes("Reports", pages or screen.reports, "none yet")
    more = (record(screen), signal_health(screen), flow_section(screen), inside(screen))
    deeper = [made for made in more if made.rows]
    fewest = (1,) * len(deeper)
    if width < TWO_COLUMNS:
        why = sections.why_no_trade(screen, width)
        parts = [symbols, signals, held, why, said, books, latency, reports, *deeper]
        return top + _stack(parts, width, room, least=(3, 2, 1, 2, 1, 1, 1, 1, *fewest))
    upper = _stack([symbols], width, room if room is None else max(room // 2, min(room, 6)), least=(3,))
    room = None if room is None else max(room - len(upper), 0)
    left_width = (width - GUTTER) * 3 // 5
    right_width = width - GUTTER - left_width
    why = sections.why_no_trade(screen, right_width)
    left = _stack([signals, held, said, *deeper], left_width, room, least=(3, 1, 2, *fewest))
    right = _stack([why, books, latency, reports], right_width, room, least=(3, 2, 1, 1))
    return top + upper + _beside(left, right, left_width)


def starting(elapsed_s: float) -> list[Text]:
    """What stands there until the first picture comes."""
    lines = [Text("starting…", "bold cyan"), Text(f"{elapsed_s:.0f} s: waiting for the first picture", DIM)]
    if elapsed_s >= 10:
        lines.append(
            Text("the very first start also compiles the kernels, once; ./run doctor says what is missing", DIM)
        )
    return lines


def _stack(parts: list[Section], width: int, room: int | None, least: tuple[int, ...]) -> list[Text]:
    """Sections below each other: first each its least, in order, while there is room; then each what it wants."""
    given: dict[int, int] = {}
    if room is None:
        given = {i: part.rows for i, part in enumerate(parts)}
    else:
        left = room
        for i, part in enumerate(parts):
            rows = min(least[i], part.rows)
            if 1 + part.head + rows <= left:
                given[i] = rows
                left -= 1 + part.head + rows
        while left > 0 and (hungry := [i for i in given if given[i] < parts[i].rows]):
            for i in hungry[:left]:
                given[i] += 1
            left -= min(len(hungry), left)
    spare = room is None or room - sum(1 + parts[i].head + given[i] for i in given) >= len(given)
    airy = spare and (room is None or room >= AIRY - 6)
    lines: list[Text] = []
    for i, rows in given.items():
        part = parts[i]
        if airy:
            lines.append(Text())
        hidden = part.rows - rows
        note = ", ".join(n for n in (part.note, f"{rows} of {part.rows}" if hidden else "") if n)
        lines.append(_heading(part.title, note, width))
        lines += part.lines(width, rows)
    return lines


def _heading(title: str, note: str, width: int) -> Text:
    line = Text.assemble((title, TITLE), (f"  {note}" if note else "", DIM), " ")
    line.append("─" * max(width - line.cell_len, 0), DIM)
    line.truncate(width)
    return line


def _beside(left: list[Text], right: list[Text], left_width: int) -> list[Text]:
    lines = []
    for i in range(max(len(left), len(right))):
        line = Text().append_text(left[i]) if i < len(left) else Text()
        line.pad_right(left_width - line.cell_len)
        if i < len(right):
            line.append(" " * GUTTER)
            line.append_text(right[i])
        lines.append(line)
    return lines
