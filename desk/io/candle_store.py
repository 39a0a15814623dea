"""Closed candles on disk: one SQLite file, one writer, (venue, symbol, interval, open time) once.

    series(id, venue, symbol, interval_ns)   candles(series, ts, open, high, low, close, volume, thin)
    asked(series, begin, end)                open times [begin, end) that the venue has been asked for, ns

A candle that is missing inside `asked` is a gap of the venue: it has none. One outside has not been downloaded. Rows
and what was asked for go to the disk in one transaction, so a killed download goes on where it was. Numbers are float64
as given. Readers open the file read-only; the one writer holds `<file>.writer` locked, and the lock dies with it.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from desk.analysis.shape import Frame, frame, missing
from desk.errors import FeedError

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = 1
_MAKE = """
CREATE TABLE series (id INTEGER PRIMARY KEY, venue TEXT NOT NULL, symbol TEXT NOT NULL, interval_ns INTEGER NOT NULL,
  UNIQUE (venue, symbol, interval_ns));
CREATE TABLE candles (series INTEGER NOT NULL, ts INTEGER NOT NULL, open REAL NOT NULL, high REAL NOT NULL,
  low REAL NOT NULL, close REAL NOT NULL, volume REAL NOT NULL, thin INTEGER NOT NULL, PRIMARY KEY (series, ts))
  WITHOUT ROWID;
CREATE TABLE asked (series INTEGER NOT NULL, begin INTEGER NOT NULL, end INTEGER NOT NULL, PRIMARY KEY (series, begin))
  WITHOUT ROWID;
"""
_COLUMNS = ("ts", "open", "high", "low", "close", "volume")


class Added(msgspec.Struct, frozen=True):
    """What became of the rows given: stored, already there and equal, already there and different, not yet closed."""

    new: int = 0
    duplicates: int = 0
    conflicts: int = 0  # what was there first stays
    running: int = 0
    conflict: str = ""  # the first of them, both versions

    def __add__(self, other: Added) -> Added:
        return Added(
            self.new + other.new,
            self.duplicates + other.duplicates,
            self.conflicts + other.conflicts,
            self.running + other.running,
            self.conflict or other.conflict,
        )


class Series(msgspec.Struct, frozen=True):
    """One line of the store's contents: times in ns; `gaps` candles are missing, the longest run has `longest`."""

    venue: str
    symbol: str
    interval_ns: int
    count: int
    begin: int
    end: int
    gaps: int
    longest: int


class CandleStore:
    """The store at `path`. With `write` it is made when it is missing, and nobody else may write until `close`.

    Raises FeedError when the file is absent, not a store, of a newer schema, or being written by another process.
    """

    def __init__(self, path: Path, *, write: bool = False) -> None:
        self.path, self.lock = path, None
        if not write and not path.is_file():
            raise FeedError(f"{path}: no such candle store; make it with ./run download or ./run import")
        try:
            if write:
                path.parent.mkdir(parents=True, exist_ok=True)
                self.lock = _locked(path)
            self.db = sqlite3.connect(path.absolute().as_uri() + ("" if write else "?mode=ro"), uri=True, timeout=30)
            self.db.isolation_level = None
            version = self._prepare(write=write)
        except (OSError, sqlite3.Error) as err:
            self.close()
            raise FeedError(f"{path}: not a candle store that can be opened ({err}); name another file") from err
        if version != SCHEMA:
            self.close()
            raise FeedError(
                f"{path}: a candle store of schema {version}, this version reads {SCHEMA}; name another file"
            )

    def _prepare(self, *, write: bool) -> int:
        if write:
            self.db.execute("PRAGMA journal_mode=WAL")
            self.db.execute("PRAGMA synchronous=NORMAL")
        (version,) = self.db.execute("PRAGMA user_version").fetchone()
        if write and version == 0 and not self.db.execute("SELECT 1 FROM sqlite_master").fetchone():
            self.db.executescript(f"BEGIN; {_MAKE} PRAGMA user_version={SCHEMA}; COMMIT;")
            version = SCHEMA
        return int(version)

    def close(self) -> None:
        """Let go of the file and of the writer's lock."""
        if hasattr(self, "db"):
            self.db.close()
        if self.lock is not None:
            self.lock.close()
            self.lock = None

    def __enter__(self) -> CandleStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- writing

    def add(self, venue: str, symbol: str, rows: Frame, now_ns: int, asked: tuple[int, int] | None = None) -> Added:
        """Store the rows that had closed by `now_ns`, and that the open times [begin, end) of `asked` are known.

        A row that is there already stays as it is; equal and different ones are counted. Raises FeedError for a row
        off the series' grid (a multiple of the interval from its first candle).
        """
        closed = rows.ts + rows.interval_ns <= now_ns
        try:
            with _transaction(self.db):
                series = self._series(venue, symbol, rows.interval_ns, make=True)
                added = self._rows(f"{symbol} at {venue}", series, rows, closed)
                if asked is not None and asked[0] < asked[1]:
                    self._ask(series, *asked)
        except sqlite3.Error as err:
            raise FeedError(f"{self.path}: {err}; free some space, or name another file") from err
        return added + Added(running=int((~closed).sum()))

    def compare(self, venue: str, symbol: str, rows: Frame, now_ns: int) -> Added:
        """What `add` would answer; nothing is stored."""
        closed = rows.ts + rows.interval_ns <= now_ns
        series = self._series(venue, symbol, rows.interval_ns)
        added, _ = self._told(f"{symbol} at {venue}", series, rows, closed)
        return added + Added(running=int((~closed).sum()))

    def _rows(self, place: str, series: int, rows: Frame, closed: Any) -> Added:
        added, fresh = self._told(place, series, rows, closed)
        self.db.executemany("INSERT INTO candles VALUES (?,?,?,?,?,?,?,?)", fresh)
        return added

    def _told(self, place: str, series: int, rows: Frame, closed: Any) -> tuple[Added, list[tuple[Any, ...]]]:
        """What becomes of the closed rows, and those of them to insert."""
        if not closed.any():
            return Added(), []
        ts = rows.ts[closed]
        first = self.db.execute("SELECT ts FROM candles WHERE series=? LIMIT 1", (series,)).fetchone()
        off = (ts - (first[0] if first else int(ts[0]))) % rows.interval_ns != 0
        if off.any():
            at = int(ts[off][0])
            raise FeedError(
                f"{place}: ts={at // 1_000_000} ms is not on the grid of the {rows.interval_ns // 10**9} s candles "
                "stored before it; keep this source in a store of its own"
            )
        held = {
            row[0]: row[1:]
            for row in self.db.execute(
                "SELECT ts, open, high, low, close, volume FROM candles WHERE series=? AND ts BETWEEN ? AND ?",
                (series, int(ts[0]), int(ts[-1])),
            )
        }
        columns = (rows.open, rows.high, rows.low, rows.close, rows.volume, rows.thin)
        fresh, duplicates, conflicts, example = [], 0, 0, ""
        for at, *numbers, thin in zip(ts.tolist(), *(c[closed].tolist() for c in columns), strict=True):
            if (there := held.get(at)) is None:
                fresh.append((series, at, *numbers, int(thin)))
            elif there == tuple(numbers):
                duplicates += 1
            else:
                conflicts += 1
                example = example or f"{place}: ts={at // 1_000_000} ms: stored {list(there)}, now {numbers}"
        return Added(len(fresh), duplicates, conflicts, 0, example), fresh

    def _ask(self, series: int, begin: int, end: int) -> None:
        touching = "series=? AND begin<=? AND end>=?"
        near = (series, end, begin)
        for b, e in self.db.execute(f"SELECT begin, end FROM asked WHERE {touching}", near).fetchall():  # noqa: S608
            begin, end = min(begin, b), max(end, e)
        self.db.execute(f"DELETE FROM asked WHERE {touching}", near)  # noqa: S608 - our own words
        self.db.execute("INSERT INTO asked VALUES (?,?,?)", (series, begin, end))

    # --- reading

    def read(self, venue: str, symbol: str, interval_ns: int, last: int | None = None) -> Frame:
        """The candles, oldest first, the newest `last` of them when given; of length 0 when there are none."""
        series = self._series(venue, symbol, interval_ns)
        query = f"SELECT {', '.join(_COLUMNS)}, thin FROM candles WHERE series=? ORDER BY ts DESC LIMIT ?"  # noqa: S608
        rows = self.db.execute(query, (series, -1 if last is None else last)).fetchall()
        table = np.array(rows, dtype=[*((c, "i8" if c == "ts" else "f8") for c in _COLUMNS), ("thin", "?")])[::-1]
        place = f"{self.path}: {symbol} at {venue}"
        return frame(place, interval_ns, {c: table[c] for c in _COLUMNS}, np.ascontiguousarray(table["thin"]))

    def holds(self, venue: str, symbol: str, interval_ns: int, ts: int) -> bool:
        """Whether the candle that opened at `ts` is here."""
        key = (self._series(venue, symbol, interval_ns), ts)
        return self.db.execute("SELECT 1 FROM candles WHERE series=? AND ts=?", key).fetchone() is not None

    def oldest(self, venue: str, symbol: str, interval_ns: int) -> int | None:
        """The open time of the first candle, None without any."""
        series = self._series(venue, symbol, interval_ns)
        found: tuple[int | None] = self.db.execute("SELECT MIN(ts) FROM candles WHERE series=?", (series,)).fetchone()
        return found[0]

    def unasked(self, venue: str, symbol: str, interval_ns: int, begin: int, end: int) -> list[tuple[int, int]]:
        """The ranges [begin, end) of open times, ns, within the given one that the venue has not been asked for.

        Once the series has a candle, ranges begin and end on its grid, and those without a grid point are left out.
        """
        series = self._series(venue, symbol, interval_ns)
        known = self.db.execute(
            "SELECT begin, end FROM asked WHERE series=? AND end>? AND begin<? ORDER BY begin", (series, begin, end)
        ).fetchall()
        first = self.db.execute("SELECT ts FROM candles WHERE series=? LIMIT 1", (series,)).fetchone()
        holes, at = [], begin
        for b, e in [*known, (end, end)]:
            low, high = at, b
            if first:
                low, high = (x + (first[0] - x) % interval_ns for x in (low, high))
            if low < min(high, end):
                holes.append((low, min(high, end)))
            at = max(at, e)
        return holes

    def gaps(self, venue: str, symbol: str, interval_ns: int) -> list[tuple[int, int]]:
        """Every run of missing candles: [open time of the first missing one, of the next one there), ns."""
        ts = np.array(self._times(self._series(venue, symbol, interval_ns)), np.int64)
        at = np.flatnonzero(np.diff(ts) > interval_ns)
        return [(int(ts[i]) + interval_ns, int(ts[i + 1])) for i in at]

    def contents(self) -> list[Series]:
        """Every series, by venue, symbol and interval."""
        out = []
        for series, venue, symbol, interval in self.db.execute(
            "SELECT id, venue, symbol, interval_ns FROM series ORDER BY venue, symbol, interval_ns"
        ).fetchall():
            ts = np.array(self._times(series), np.int64)
            if len(ts):
                longest = int(np.diff(ts).max(initial=interval)) // interval - 1
                end = int(ts[-1]) + interval
                out.append(Series(venue, symbol, interval, len(ts), int(ts[0]), end, missing(ts, interval), longest))
        return out

    def venues(self, symbol: str) -> list[str]:
        """The venues of whose `symbol` there are candles."""
        return self._distinct("venue", "symbol=?", symbol)

    def symbols(self, venue: str) -> list[str]:
        """The symbols of which a venue's candles are here."""
        return self._distinct("symbol", "venue=?", venue)

    def intervals(self, venue: str, symbol: str) -> list[int]:
        """The intervals, ns, of which there are candles, finest first."""
        return self._distinct("interval_ns", "venue=? AND symbol=?", venue, symbol)

    def _distinct(self, column: str, where: str, *values: str) -> list[Any]:
        held = "EXISTS (SELECT 1 FROM candles WHERE series=s.id)"
        query = f"SELECT DISTINCT {column} FROM series s WHERE {where} AND {held} ORDER BY 1"  # noqa: S608 - our own words
        return [value for (value,) in self.db.execute(query, values)]

    def _times(self, series: int) -> list[int]:
        return [t for (t,) in self.db.execute("SELECT ts FROM candles WHERE series=? ORDER BY ts", (series,))]

    def _series(self, venue: str, symbol: str, interval_ns: int, *, make: bool = False) -> int:
        key = (venue, symbol, interval_ns)
        if make:
            self.db.execute("INSERT OR IGNORE INTO series (venue, symbol, interval_ns) VALUES (?,?,?)", key)
        found = self.db.execute("SELECT id FROM series WHERE venue=? AND symbol=? AND interval_ns=?", key).fetchone()
        return int(found[0]) if found else -1


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _locked(path: Path) -> sqlite3.Connection:
    """The writer's lock: an exclusive transaction on a file of its own; SQLite frees it when the process dies."""
    lock = sqlite3.connect(path.with_name(path.name + ".writer"), timeout=0, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as err:
        lock.close()
        raise FeedError(f"{path}: another process is writing this store; wait until it is done") from err
    return lock
