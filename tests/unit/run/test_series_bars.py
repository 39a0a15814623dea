"""desk/run/series_bars.py: a download that is seen."""

from __future__ import annotations

import io

from rich.console import Console

from desk.run.series_bars import SeriesBars


def test_all_series_together_have_one_bar_and_finished_ones_leave_a_full_screen() -> None:
    """With a hundred series the ones at work must be on the screen, and how long it all takes."""
    names = [(f"S{n}/USDT", name) for n in range(20) for name in ("5m", "1h", "1d", "1w", "4h")]
    bars = SeriesBars(len(names), quiet=False, console=Console(file=io.StringIO(), force_terminal=True, width=100))
    with bars:
        for symbol, name in names[:49]:
            bars.tell(symbol, name, 0, 100)
            bars.tell(symbol, name, 100, 100)
        bars.tell(*names[49], 0, 0)  # nothing to ask for
        bars.tell(*names[50], 50, 100)
    shown = [(task.description, task.completed, task.total) for task in bars.bars.tasks if task.visible]
    assert shown == [("all", 50.5, 100.0), ("S10/USDT 5m", 50, 100)]


def test_without_a_terminal_every_finished_series_is_one_line() -> None:
    """A log of a long download tells where it is."""
    screen = io.StringIO()
    with SeriesBars(2, quiet=False, console=Console(file=screen, width=200)) as bars:
        for done in (0, 40, 100, 100):
            bars.tell("BTC/USDT", "5m", done, 100)
    assert screen.getvalue() == "BTC/USDT 5m: asked for (1 of 2)\n"
    with SeriesBars(1, quiet=True, console=Console(file=screen, width=200)) as bars:
        bars.tell("BTC/USDT", "5m", 100, 100)
    assert screen.getvalue().count("\n") == 1
