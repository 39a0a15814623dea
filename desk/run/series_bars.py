"""How far a download is, for a person: bars on a terminal, elsewhere a line as each series is finished.

Each series has a bar, and all together have one, with the time gone and the time left. Of more series than a screen
has rows for, those at work have theirs.
"""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from desk.run.stages import MOST_BARS


class SeriesBars:
    """Hears what `download` tells: symbol, interval, ns done, ns in all; begins and ends with its `with` block."""

    def __init__(self, series: int, *, quiet: bool, console: Console | None = None) -> None:
        self.series, self.quiet, self.console = series, quiet, console or Console(stderr=True, soft_wrap=True)
        columns = (TextColumn("{task.description:>16}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
        shown = not quiet and self.console.is_terminal
        self.bars = Progress(
            *columns,
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not shown,
        )
        self.lines = not quiet and not shown
        self.whole = self.bars.add_task("all", total=float(series), visible=series > 1)
        self.tasks: dict[tuple[str, str], TaskID] = {}
        self.shares: dict[tuple[str, str], float] = {}

    def __enter__(self) -> SeriesBars:
        self.bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.bars.stop()

    def tell(self, symbol: str, name: str, done: int, of: int) -> None:
        """One series got further."""
        key = (symbol, name)
        finished = done >= of
        news = finished and self.shares.get(key) != 1.0
        self.shares[key] = 1.0 if finished else done / of
        if key not in self.tasks:
            self.tasks[key] = self.bars.add_task(f"{symbol} {name}", total=max(1, of))
        visible = not (finished and self.series > MOST_BARS)
        self.bars.update(self.tasks[key], completed=max(1, of) if finished else done, visible=visible)
        self.bars.update(self.whole, completed=sum(self.shares.values()))
        if news and self.lines:
            count = sum(share == 1.0 for share in self.shares.values())
            self.console.print(f"{symbol} {name}: asked for ({count} of {self.series})", markup=False, highlight=False)
