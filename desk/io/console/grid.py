"""A table as lines: columns give way by rank when the terminal is narrow, one of them takes what is left."""

from __future__ import annotations

from typing import NamedTuple

from rich.text import Text

from desk.io.console.cells import DIM

GAP = 2


class Column(NamedTuple):
    """`rank` 0 stays to the end, the highest goes first, all of a rank together; `least` keeps the width calm."""

    title: str
    rank: int = 0
    least: int = 0
    most: int = 40
    right: bool = False
    rest: bool = False  # takes the width that is left, its text cut with an ellipsis


def grid(columns: list[Column], rows: list[list[Text]], width: int) -> list[Text]:
    """A heading and one line per row, each at most `width` cells wide."""
    widths = [
        min(max([len(c.title), c.least, *(row[i].cell_len for row in rows)]), c.most) if not c.rest else max(c.least, 8)
        for i, c in enumerate(columns)
    ]
    shown = list(range(len(columns)))
    while len(shown) > 1 and sum(widths[i] + GAP for i in shown) - GAP > width:
        last = max(columns[i].rank for i in shown)
        shown = [i for i in shown if columns[i].rank < last] or shown[:1]
    if len(shown) == 1:
        widths[shown[0]] = min(widths[shown[0]], width)
    spare = width - sum(widths[i] + GAP for i in shown) + GAP
    for i in shown:
        if columns[i].rest:
            widths[i] += max(spare, 0)
    heading = [Text(c.title, DIM) for c in columns]
    return [_line([_fit(row[i], widths[i], columns[i].right) for i in shown]) for row in (heading, *rows)]


def _fit(cell: Text, width: int, right: bool) -> Text:
    made = cell.copy()
    made.truncate(width, overflow="ellipsis")
    room = width - made.cell_len
    if right:
        made.pad_left(room)
    else:
        made.pad_right(room)
    return made


def _line(cells: list[Text]) -> Text:
    line = Text(" " * GAP).join(cells)
    line.no_wrap = True
    return line


def flow(fields: list[Text], width: int, between: str = " · ") -> list[Text]:
    """Fields one after the other, broken into lines only between them."""
    lines: list[Text] = []
    for field in fields:
        if lines and lines[-1].cell_len + len(between) + field.cell_len <= width:
            lines[-1].append(between, DIM)
            lines[-1].append_text(field)
        else:
            lines.append(Text())  # a copy of the field would lend its style to the whole line
            lines[-1].append_text(field)
            lines[-1].truncate(width, overflow="ellipsis")
    return lines
