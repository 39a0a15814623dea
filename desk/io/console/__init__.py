"""The live console, a process of its own: pictures come in on stdin, one JSON object a line.

    run_console()            draws them (python -m desk.io.console)
    export_svg(screen)       one picture as an SVG, for documents

The modules: words (codes in plain words), cells and grid (text that lines up), health and sections (what is shown),
layout (who gets how much room), loglines (without a terminal), stream (reading and drawing).
"""

from __future__ import annotations

import io
import re

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from desk.io.console.layout import picture
from desk.io.console.stream import run_console
from desk.projections.screen import Screen

__all__ = ["export_svg", "picture", "run_console"]


def export_svg(screen: Screen, width: int = 120, height: int | None = None) -> str:
    """The picture as one SVG without external requests: fonts are the reader's own. Equal screens, equal bytes."""
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in picture(screen, width, height):
        console.print(line, markup=False, highlight=False)
    # rich fetches its font from a content network; a document of ours asks nobody
    form = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    return console.export_svg(title="dual system trader", code_format=form, unique_id="console")
