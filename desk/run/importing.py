"""Candles that are on this machine already, into the store: files named after their market, and recordings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from desk.analysis.shape import FRAMES, Frame
from desk.errors import FeedError
from desk.io.candle_store import Added, CandleStore
from desk.io.history import candles_in, derivative, market_in
from desk.run.recorded_candles import is_recording, recorded_prints, venue_of, whole_candles

FILE = "file"  # the venue's name of candles whose origin nobody named


class Part(msgspec.Struct, frozen=True):
    """One file or recording to take, and what the command line says of it."""

    path: Path
    venue: str | None
    symbols: tuple[str, ...]


class Imported(msgspec.Struct, frozen=True):
    """One series of it: what became of the rows, how many were there twice, how many are missing between them."""

    place: str
    venue: str
    symbol: str
    interval_ns: int
    added: Added
    twice: int
    missing: int


def parts_of(path: Path, venue: str | None, symbols: tuple[str, ...] | None) -> list[Part]:
    """The files of a folder one by one; a recording as a whole."""
    if is_recording(path) or path.is_file():
        return [Part(path, venue, symbols or ())]
    files = sorted(f for f in path.iterdir() if f.suffix.lower() in (".csv", ".parquet"))
    if not files:
        raise FeedError(f"{path}: neither .csv nor .parquet files nor a recording in this folder")
    return [Part(file, venue, symbols or ()) for file in files]


def put(store: CandleStore, part: Part, now: int) -> list[Imported]:
    """Store one part; raises FeedError that names it and the fix."""
    if is_recording(part.path):
        done = [_added(store, part.path.name, *series, 0, now) for series in _recorded(part)]
        if not done:
            raise FeedError(
                f"{part.path}: no candle of 5 minutes or longer is whole in this recording; record for longer"
            )
        return done
    symbol = part.symbols[0] if part.symbols else market_in(part.path)
    if symbol is None:
        raise FeedError(f"{part.path.name}: the name tells no market; add --symbol BTC/USDT")
    if not part.symbols and derivative(part.path):
        fix = f"take them with --symbol {symbol} and a --venue of their own"
        raise FeedError(f"{part.path.name}: candles of a perpetual or a future are not {symbol}'s; {fix}")
    rows, twice = candles_in(part.path)
    if all(interval % rows.interval_ns for interval in FRAMES.values()):
        raise FeedError(f"{part.path.name}: candles of {rows.interval_ns // 10**9} s make none of {', '.join(FRAMES)}")
    return [_added(store, part.path.name, part.venue or FILE, symbol, rows, twice, now)]


def _recorded(part: Part) -> Iterator[tuple[str, str, Frame]]:
    venue, symbols = (part.venue, part.symbols) if part.venue else venue_of(part.path)
    found = recorded_prints(part.path, venue, part.symbols or symbols)
    for symbol, prints in sorted(found.items()):
        for interval in FRAMES.values():
            rows = whole_candles(f"{symbol} in {part.path.name}", prints, interval)
            if len(rows):
                yield venue, symbol, rows


def _added(store: CandleStore, place: str, venue: str, symbol: str, rows: Frame, twice: int, now: int) -> Imported:
    there = store.compare(venue, symbol, rows, now)
    if there.conflicts > there.duplicates:
        shared = there.conflicts + there.duplicates
        raise FeedError(
            f"{place}: {there.conflicts:,} of the {shared:,} candles that are stored already are others here "
            f"({there.conflict}): another market; give it a --venue of its own"
        )
    added = store.add(venue, symbol, rows, now)
    return Imported(place, venue, symbol, rows.interval_ns, added, twice + added.duplicates, rows.gaps)
