"""What the analyst is at, for a person: a bar a symbol on a terminal, a line a stage elsewhere, nothing when quiet.

Of more symbols than a screen has rows for, those at work have a bar, and all together one.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

STEPS = {"candles": 0, "analysis": 1, "evidence": 2, "report": 3, "done": 4}
MOST_BARS = 16
ALL = "all symbols"


class Stages:
    """Hears the analyst's lines {"stage", "symbol", "done", "of"}; other words go through `say`, above the bars."""

    def __init__(self, *, quiet: bool, console: Console | None = None) -> None:
        self.quiet, self.console = quiet, console or Console(soft_wrap=True, highlight=False)
        self.bars: Progress | None = None
        self.tasks: dict[str, TaskID] = {}

    def tell(self, said: dict[str, Any]) -> None:
        """One stage; without a symbol it is a word about the whole run, as that missed times are made good for."""
        symbol, stage = said["symbol"], said["stage"]
        if self.quiet:
            return
        if not symbol or not self.console.is_terminal:
            self.say(f"{symbol}: {stage}" if symbol else stage)
            return
        if self.bars is None:
            columns = (TextColumn("{task.description:>12}"), BarColumn(30), TextColumn("{task.fields[stage]:<8}"))
            self.bars = Progress(*columns, TimeElapsedColumn(), console=self.console)
            self.bars.start()
        many = said["of"] > MOST_BARS
        if many and ALL not in self.tasks:
            self.tasks[ALL] = self.bars.add_task(ALL, total=said["of"], stage="")
        if symbol not in self.tasks:
            self.tasks[symbol] = self.bars.add_task(symbol, total=STEPS["done"], stage=stage)
        done = stage == "done"
        self.bars.update(self.tasks[symbol], completed=STEPS[stage], stage=stage, visible=not (done and many))
        if done and many:
            self.bars.advance(self.tasks[ALL])

    def fail(self, symbol: str) -> None:
        """This symbol's report will not come; why is said elsewhere."""
        if self.bars is not None and symbol in self.tasks:
            self.bars.update(self.tasks[symbol], stage="failed", completed=0)
            if ALL in self.tasks:
                self.bars.advance(self.tasks[ALL])

    def say(self, line: str) -> None:
        """A line that stays."""
        if not self.quiet:
            self.console.print(line, markup=False)

    def end(self) -> None:
        """The analysis is over: the bars stay as they are, the next one begins new ones."""
        if self.bars is not None:
            self.bars.stop()
        self.bars, self.tasks = None, {}
