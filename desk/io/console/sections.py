"""The parts of the screen below the health line: each a title, a note and as many lines as it is given."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from rich.text import Text

from desk.io.console.cells import (
    COLOURS,
    DIM,
    bar,
    clean,
    clock,
    is_zero,
    micros,
    money,
    number,
    said,
    share,
    signed,
    span,
)
from desk.io.console.grid import Column, grid
from desk.io.console.health import money_sign
from desk.io.console.words import mood, short, whole
from desk.projections.screen import BookRow, PositionRow, Screen, SignalRow, SymbolRow

WIDE = 130  # from here on the score's components have bars of their own
WORDY = 96  # from here on a refusal is told in a whole sentence


class Section(NamedTuple):
    """`lines(width, rows)`: the heading and at most `rows` rows. `rows` of them would show everything."""

    title: str
    note: str
    rows: int
    head: int
    lines: Callable[[int, int], list[Text]]


def _section(title: str, columns: list[Column], rows: list[list[Text]], empty: str, note: str = "") -> Section:
    def lines(width: int, most: int) -> list[Text]:
        return grid(columns, rows[:most], width) if rows else [_note(empty, width)]

    return Section(title, note, max(len(rows), 1) if rows else 0, 1, lines)


def _note(text: str, width: int) -> Text:
    made = Text(text, DIM)
    made.truncate(width, overflow="ellipsis")
    return made


def symbols(screen: Screen, width: int, chosen: str = "") -> Section:
    """Price, spread, score with its three components, bias, and why there is no trade."""
    wide = width >= WIDE
    columns = [
        Column("Symbol", 0, 8, 14),
        Column("Price", 0, 9, right=True),
        Column("bps", 1, 4, right=True),
        Column("Score", 0, 6, right=True),
        Column("", 3, 7),
        Column("Class", 7, 10, 14),
        Column("Imbalance" if wide else "Imb", 6, 10 if wide else 4, right=True),
        Column("Orders" if wide else "Ord", 6, 10 if wide else 4, right=True),
        Column("Spread" if wide else "Spr", 6, 10 if wide else 4, right=True),
        Column("Tier", 4, 4),
        Column("Book", 5, 6, 13),
        Column("Tech", 2, 5, right=True),
        Column("Bias", 2, 5, 30),
        Column("Alignment", 8, 9, 18),
        Column("Last signal", 9, 11, 18),
        Column("Why no trade", 0, 19, rest=True),
    ]
    rows = [_symbol(row, screen.ts, wide, row.symbol == chosen) for row in screen.symbols]
    return _section("Symbols", columns, rows, "no symbol yet: waiting for the venue's list of instruments")


def _symbol(row: SymbolRow, now: int, wide: bool, chosen: bool) -> list[Text]:
    priced = row.bid is not None and row.ask is not None
    mid = (row.bid + row.ask) / 2 if row.bid is not None and row.ask is not None else None

    def part(value: float | None) -> Text:
        return Text.assemble(signed(value), " ", bar(value, 2)) if wide else signed(value)

    why = (
        said(short(row.why_not), "yellow") if row.why_not else Text("free to trade" if priced else "no price yet", DIM)
    )
    return [
        said(f"▸{row.symbol}" if chosen else row.symbol, "bold reverse" if chosen else "bold", 20),
        number(mid, row.px_decimals),
        number(row.spread_bps, 2),
        signed(row.score, 1),
        bar(row.score),
        said(row.label.replace("_", " ").lower(), limit=20),
        part(row.imbalance),
        part(row.order_count),
        part(row.spread),
        said(row.tier, limit=6),
        said(row.state, COLOURS[mood(row.state)], 16),
        signed(row.technical),
        _bias(row, now, wide),
        said(row.alignment.replace("_", " ").lower(), limit=24),
        said(row.last_signal, limit=30),
        why,
    ]


def _bias(row: SymbolRow, now: int, wide: bool) -> Text:
    if row.bias is None:
        return said("")
    made = signed(row.bias)
    if wide and row.bias_label:
        made.append(f" {clean(row.bias_label, 16).replace('_', ' ').lower()}")
    left = (row.bias_expires - now) / 1e9
    if left <= 0:
        return made.append(" expired", "yellow")
    return made.append(f" {span(left).partition(' m')[0] + ' m' if left < 3600 else f'{left / 3600:.0f} h'}", DIM)


def signals(screen: Screen) -> Section:
    """The feed, newest first."""
    columns = [
        Column("Time", 0, 8),
        Column("Symbol", 0, 8, 14),
        Column("Order", 1, 5, 12),
        Column("Side", 0, 6),
        Column("Entry", 0, 9, right=True),
        Column("Stop", 2, 9, right=True),
        Column("Target", 2, 9, right=True),
        Column("Size", 4, 8, right=True),
        Column("Score", 5, 6, right=True),
        Column("Strength", 6, 8, right=True),
        Column("Net bps", 1, 7, right=True),
        Column("Break-even", 6, 10, right=True),
        Column("Reason", 3, 12, rest=True),
    ]
    rows = [_signal(row) for row in reversed(screen.signals)]
    return _section("Signals", columns, rows, "none yet; every refusal is counted under “Why no trade”")


def side(word: str) -> Text:
    """▲ BUY or ▼ SELL: a shape and a word beside the colour."""
    up = word.upper() in ("BUY", "LONG")
    return Text(f"{'▲' if up else '▼'} {clean(word, 6)}", "green" if up else "red")


def _signal(row: SignalRow) -> list[Text]:
    return [
        Text(clock(row.ts), DIM),
        said(row.symbol, "bold", 20),
        said(row.order, DIM, 12),
        side(row.side),
        said(row.entry),
        said(row.stop),
        said(row.target),
        said(row.size),
        signed(row.score, 1),
        number(row.strength),
        signed(row.net_target_bps, 1),
        Text(f"{100 * row.break_even:.0f} %"),
        said(row.reason, DIM),
    ]


def why_no_trade(screen: Screen, width: int) -> Section:
    """Refusals by code, most frequent first, each in plain words."""
    total = sum(screen.refusals.values())
    counts = sorted(screen.refusals.items(), key=lambda item: (-item[1], item[0]))
    rows = [
        [
            number(count),
            Text(f"{100 * count / total:.0f} %", DIM),
            share(count / total),
            said(code, limit=40),
            said(whole(code) if width >= WORDY else short(code), DIM),
        ]
        for code, count in counts
        if total
    ]
    columns = [
        Column("Count", 0, 7, right=True),
        Column("", 1, 5, right=True),
        Column("", 3, 8),
        Column("Code", 0, 14, 28),
        Column("In words", 2, 20, rest=True),
    ]
    return _section("Why no trade", columns, rows, "nothing refused yet", f"{total:,} refusals" if total else "")


def positions(screen: Screen) -> Section:
    """What is held, marked, and what it made net of fees."""
    columns = [
        Column("Symbol", 0, 8, 14),
        Column("Quantity", 0, 8, 20, right=True),
        Column("Entry", 1, 9, right=True),
        Column("Mark", 2, 9, right=True),
        Column("Unrealised", 1, 10, right=True),
        Column("Realised", 1, 9, right=True),
        Column("Fees", 2, 6, right=True),
        Column("Net", 0, 8, right=True),
    ]
    note = f"{money(screen.pnl_quote, money_sign(screen)).plain} net of fees"
    return _section("Positions", columns, [_position(row) for row in screen.positions], "none", note)


def _position(row: PositionRow) -> list[Text]:
    return [
        said(row.symbol, "bold", 20),
        Text("flat", DIM) if is_zero(row.qty) else said(row.qty, limit=24),
        said(row.entry),
        said(row.mark),
        signed(row.unrealised, 2),
        signed(row.realised, 2),
        number(row.fees, 2),
        signed(row.unrealised + row.realised - row.fees, 2),
    ]


def books(screen: Screen) -> Section:
    """Every book: its state, what vouches for it, and how often that agreed."""
    columns = [
        Column("Symbol", 0, 8, 14),
        Column("Tier", 0, 4),
        Column("State", 0, 7, 14),
        Column("proof ok", 0, 10, right=True),
        Column("bad", 0, 4, right=True),
        Column("resyncs", 1, 7, right=True),
        Column("age", 2, 8, right=True),
    ]
    bad = sum(book.crc_bad + book.gaps for book in screen.books)
    return _section("Books", columns, [_book(row) for row in screen.books], "none yet", f"{bad} bad" if bad else "")


def _proof(row: BookRow) -> Text:
    """How often a checksum or a sequence number fitted, or that nothing vouches for this book."""
    if not row.proof:
        return said("unverified", "yellow")
    return said(f"CRC {row.crc_ok:,}" if row.proof == "checksum" else f"seq {row.seq_ok:,}", limit=16)


def _book(row: BookRow) -> list[Text]:
    return [
        said(row.symbol, "bold", 20),
        said(row.tier, limit=6),
        said(row.state, COLOURS[mood(row.state)], 16),
        _proof(row),
        number(row.crc_bad + row.gaps, style="bold red" if row.crc_bad + row.gaps else ""),
        number(row.resyncs, style="yellow" if row.resyncs else ""),
        Text(micros(row.age_ms * 1_000)) if row.age_ms is not None else said(""),
    ]


def latency(screen: Screen) -> Section:
    """Percentiles per stage; bare "p50" keys are the whole way from tick to signal.

    >>> [line.plain.rstrip() for line in latency(Screen(0, "", "", "", True, 0, 0, 0, 0,
    ...     latency_us={"p50": 12.0, "p99_9": None, "decode_p50": 0.7})).lines(40, 9)]
    ['Stage              p50   p99.9', 'tick to signal   12 µs       –', 'decode          0.7 µs       –']
    """
    table: dict[str, dict[str, float | None]] = {}
    for key, value in screen.latency_us.items():
        found = re.fullmatch(r"(.*?)[ _.:]*(p\d+(?:[._]\d+)?|max|mean)", key)
        stage, point = (found[1], found[2]) if found else (key, "value")
        table.setdefault(stage.replace("_", " ") or "tick to signal", {})[point.replace("_", ".")] = value
    points = list(dict.fromkeys(point for values in table.values() for point in values))
    columns = [Column("Stage", 0, 8, 24), *(Column(point, rank, 6, right=True) for rank, point in enumerate(points))]
    rows = [[said(stage), *(Text(micros(values.get(point))) for point in points)] for stage, values in table.items()]
    return _section("Latency", columns, rows, "not measured yet")


def notes(title: str, lines: tuple[str, ...], empty: str) -> Section:
    """Plain lines, newest last: messages, reports."""
    shown = [[said(line)] for line in lines]

    def last(width: int, most: int) -> list[Text]:
        if not shown:
            return [_note(empty, width)]
        made = [row[0].copy() for row in shown[-most:]] if most else []
        for text in made:
            text.truncate(width, overflow="ellipsis")
        return made

    return Section(title, "", len(shown), 0 if shown else 1, last)
