"""What has been measured of the score and of the trades, and what it is too early to say."""

from __future__ import annotations

from rich.text import Text

from desk.io.console.cells import DIM, number, said, signed
from desk.io.console.grid import Column, grid
from desk.io.console.sections import Section
from desk.projections.screen import HealthRow, RecordRow, Screen

SAYS = {"evidence": "green", "evidence against": "red"}


def health(screen: Screen) -> Section:
    """The score's rank correlation with the next seconds, by symbol and horizon."""
    columns = [
        Column("Symbol", 0, 8, 24),
        Column("tier", 2, 4),
        Column("over", 0, 5, right=True),
        Column("IC", 0, 6, right=True),
        Column("95 %", 0, 16, right=True),
        Column("n", 1, 6, right=True),
        Column("Says", 0, 11, 17),
        Column("Word", 0, 12, rest=True),
    ]
    several = len({row.venue for row in screen.health}) > 1
    rows = [_health(row, several) for row in screen.health]
    note = "IC of the score over the last hour; n: returns that do not overlap"
    note = f"SIMULATED market; {note}" if screen.simulated else note
    return Section("Signal health", note, len(rows), 1, lambda width, most: grid(columns, rows[:most], width))


def _health(row: HealthRow, several: bool) -> list[Text]:
    interval = "" if row.low is None or row.high is None else f"[{row.low:+.3f}, {row.high:+.3f}]"
    measured = row.word == "MEASURED"
    return [
        said(f"{row.symbol}@{row.venue}" if several else row.symbol, "bold", 30),
        said(row.tier, limit=6),
        said(f"{row.horizon_s:g} s"),
        signed(row.ic, 3),
        said(interval),
        number(row.independent),
        said(row.says if measured else "", SAYS.get(row.says, DIM)),
        said(
            row.word if measured else f"{row.word}: {row.independent:,} of {row.need:,}", "" if measured else "yellow"
        ),
    ]


def record(screen: Screen) -> Section:
    """Closed trades: wins only beside n, their interval, the payoff and the net result."""
    columns = [
        Column("In", 0, 4, 6),
        Column("n", 0, 5, right=True),
        Column("Net", 0, 8, right=True),
        Column("a trade, bps", 0, 12, right=True),
        Column("Fees", 1, 7, right=True),
        Column("Gross", 2, 8, right=True),
        Column("Slippage", 2, 8, right=True),
        Column("Wins", 0, 6, right=True),
        Column("95 %", 0, 10, right=True),
        Column("Payoff", 1, 6, right=True),
        Column("Word", 0, 12, rest=True),
    ]
    rows = [_record(row) for row in screen.record]
    note = "paper fills are SIMULATED; net of fees"
    return Section("Track record", note, len(rows), 1, lambda width, most: grid(columns, rows[:most], width))


def _record(row: RecordRow) -> list[Text]:
    measured = row.word == "MEASURED"
    return [
        said(row.quote, "bold", 8),
        number(row.n),
        signed(row.net, 2),
        signed(row.net_bps, 2),
        number(row.fees, 2),
        signed(row.gross, 2),
        signed(row.slippage, 2),
        said(f"{100 * row.wins:.0f} %"),
        said(f"[{100 * row.low:.0f}, {100 * row.high:.0f}]"),
        number(row.payoff, 2),
        said(row.word if measured else f"{row.word}: {row.n:,} of {row.need:,}", "" if measured else "yellow"),
    ]
