"""Who is in a hurry: order flow, tape and spread of each symbol, and the inside market where several venues feed it."""

from __future__ import annotations

from rich.text import Text

from desk.io.console.cells import COLOURS, DIM, number, said, signed
from desk.io.console.grid import Column, grid
from desk.io.console.sections import Section
from desk.projections.screen import FlowRow, InsideRow, Screen


def flow(screen: Screen) -> Section:
    """A row a symbol; nothing is shown that was not measured."""
    columns = [
        Column("Symbol", 0, 8, 24),
        Column("flow 10 s", 0, 9, right=True),
        Column("σ", 0, 5, right=True),
        Column("tape 60 s", 0, 9, right=True),
        Column("delta", 1, 9, right=True),
        Column("levels 10 s", 4, 11, right=True),
        Column("spread", 2, 6, right=True),
        Column("widest", 3, 6, right=True),
        Column("bids near", 3, 9, right=True),
        Column("asks near", 3, 9, right=True),
        Column("VWAP", 2, 9, right=True),
    ]
    several = len({row.venue for row in screen.flows}) > 1
    rows = [_flow(row, several) for row in screen.flows]
    note = "base currency; spreads of 60 s in bps; orders within 10 bps"
    return Section("Flow", note, len(rows), 1, lambda width, most: grid(columns, rows[:most], width))


def _flow(row: FlowRow, several: bool) -> list[Text]:
    return [
        said(f"{row.symbol}@{row.venue}" if several else row.symbol, "bold", 30),
        signed(row.touch_flow, 2),
        signed(row.touch_flow_z, 1),
        signed(None if row.tape_imbalance is None else 100 * row.tape_imbalance),
        signed(row.delta, 2),
        signed(row.level_flow, 2),
        number(row.spread_mean_bps, 2),
        number(row.spread_max_bps, 2),
        number(row.bid_orders),
        number(row.ask_orders),
        number(row.vwap, row.px_decimals),
    ]


def inside(screen: Screen) -> Section:
    """The best bid and offer over the venues, and who makes them."""
    columns = [
        Column("Symbol", 0, 8, 14),
        Column("Bid", 0, 9, right=True),
        Column("at", 1, 6, 12),
        Column("Ask", 0, 9, right=True),
        Column("at", 1, 6, 12),
        Column("bps", 1, 6, right=True),
        Column("State", 0, 7, 10),
        Column("Too old", 2, 7, rest=True),
    ]
    rows = [_inside(row) for row in screen.inside]
    return Section("Inside market", "", len(rows), 1, lambda width, most: grid(columns, rows[:most], width))


def _inside(row: InsideRow) -> list[Text]:
    return [
        said(row.symbol, "bold", 20),
        said(row.bid, limit=20),
        said(row.bid_venue, DIM, 16),
        said(row.ask, limit=20),
        said(row.ask_venue, DIM, 16),
        signed(row.spread_bps, 2),
        said(row.state, COLOURS["good" if row.state == "ok" else "pending"], 12),
        said(", ".join(row.stale), "yellow"),
    ]
