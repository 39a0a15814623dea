"""Closed candles from outside: Kraken's REST call OHLC, or CSV and Parquet files.

Both give one Frame per interval ("5m" … "1w"). The running candle is never part of it.
"""

from __future__ import annotations

import csv
import http.client
import ipaddress
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from desk.analysis.resample import longest
from desk.analysis.shape import FRAMES, MINUTE, Frame, frame
from desk.errors import ConfigError, DecodeError, FeedError, Final, Retryable

TIMEOUT_S = 10.0
MAX_BODY = 8_000_000
PATIENCE_S = (1.5, 4.0)  # waits before the second and the third attempt
PACE_S = 1.05  # Kraken counts about one public call a second per address
_AGAIN = ("Too many requests", "Rate limit", "EService:", "Temporary lockout", "Throttled", "Internal error")
_COLUMNS = ("ts", "open", "high", "low", "close", "volume")
_INTERVAL = re.compile(r"(?<![a-z0-9])([0-9]+)(s|m|h|d|w)(?![a-z0-9])")
_MARKET = re.compile(r"([a-z0-9]{2,10}?)[-_]?(usdt|usdc|usd|eur|gbp|btc|eth)(?=[-_.]|$)")
_UNIT = {"s": MINUTE // 60, "m": MINUTE, "h": 60 * MINUTE, "d": 1440 * MINUTE, "w": 7 * 1440 * MINUTE}


class RestHistory:
    """Up to 720 candles per interval from a venue that speaks Kraken's public REST.

    `GET {rest_url}/0/public/OHLC?pair=BTC/USDT&interval=15` answers `{"error": [], "result": {"<any name>": [[time s,
    open, high, low, close, vwap, volume, count], …], "last": …}}`; prices are text, the last row is still running and
    is dropped. Raises ConfigError for an address that is not http(s); Retryable, Final or DecodeError for the call.
    """

    def __init__(
        self, rest_url: str, timeout_s: float = TIMEOUT_S, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        parts = urllib.parse.urlsplit(rest_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError([f"$.venue.rest_url: {rest_url!r} is not an http:// or https:// address"])
        near = _loopback(parts.hostname)
        self.url, self.timeout_s, self.sleep = rest_url.rstrip("/"), timeout_s, sleep
        self.pace_s = 0.0 if near else PACE_S
        self.asked = float("-inf")  # monotonic s of the last call
        proxies = [urllib.request.ProxyHandler({})] if near else []  # a proxy cannot reach our own machine
        self.opener = urllib.request.build_opener(*proxies)

    @property
    def name(self) -> str:
        return f"REST {self.url}"

    def as_of(self, frames: dict[str, Frame], now_ns: int) -> int:
        return now_ns

    def frames(self, symbol: str) -> dict[str, Frame]:
        """All six intervals; one that the venue does not offer is left out."""
        out: dict[str, Frame] = {}
        for name, interval in FRAMES.items():
            try:
                got = self.candles(symbol, name, interval)
            except Final as e:
                if "Invalid arguments" not in str(e):
                    raise
                continue
            if len(got):
                out[name] = got
        if not out:
            raise FeedError(f"{symbol} at {self.url}: no closed candles in any interval; check the symbol")
        return out

    def candles(self, symbol: str, name: str, interval: int) -> Frame:
        """Closed candles of one interval; asked up to three times when the failure may pass."""
        place = f"{symbol} {name} at {self.url}"
        query = urllib.parse.urlencode({"pair": symbol, "interval": interval // MINUTE}, safe="/")
        for wait in (*PATIENCE_S, None):
            try:
                return _rows(place, interval, _result(place, self._get(place, f"{self.url}/0/public/OHLC?{query}")))
            except Retryable:
                if wait is None:
                    raise
                self.sleep(wait)
        raise AssertionError("the last wait is None")

    def _get(self, place: str, url: str) -> bytes:
        early = self.asked + self.pace_s - time.monotonic()
        if early > 0:
            self.sleep(early)
        self.asked = time.monotonic()
        asking = urllib.request.Request(url, headers={"User-Agent": "dual-system-trader"})  # noqa: S310 - checked above
        try:
            with self.opener.open(asking, timeout=self.timeout_s) as answer:
                body: bytes = answer.read(MAX_BODY + 1)
        except urllib.error.HTTPError as e:
            kind = Retryable if e.code in (408, 425, 429) or e.code >= 500 else Final
            raise kind(f"{place}: the venue answered HTTP {e.code} {e.reason}; check $.venue.rest_url") from e
        except (OSError, http.client.HTTPException) as e:  # URLError, timeouts and resets are OSError
            why = getattr(e, "reason", None) or e
            raise Retryable(f"{place}: no answer ({why}); check the network and $.venue.rest_url") from e
        if len(body) > MAX_BODY:
            raise Final(f"{place}: the answer is larger than {MAX_BODY:,} bytes; check $.venue.rest_url")
        return body


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _result(place: str, body: bytes) -> dict[str, Any]:
    """The "result" of an answer; its error list as Retryable or Final."""
    try:
        answer = msgspec.json.decode(body)
    except msgspec.DecodeError as e:
        raise DecodeError(f"{place}: the answer is not JSON ({e}); check $.venue.rest_url", body) from e
    if not isinstance(answer, dict):
        raise DecodeError(f"{place}: the answer is not a JSON object; check $.venue.rest_url", body)
    if errors := answer.get("error"):
        text = ", ".join(map(str, errors)) if isinstance(errors, list) else str(errors)
        if any(word in text for word in _AGAIN):
            raise Retryable(f"{place}: the venue said {text}; try again in a few seconds")
        raise Final(f"{place}: the venue said {text}; check the symbol in $.ultimate_analyzer.symbols")
    result = answer.get("result")
    if not isinstance(result, dict):
        raise DecodeError(f"{place}: the answer has no result; check $.venue.rest_url", body)
    return result


def _rows(place: str, interval: int, result: dict[str, Any]) -> Frame:
    names = [key for key in result if key != "last"]
    rows = result[names[0]] if len(names) == 1 else None
    if not isinstance(rows, list):
        raise DecodeError(f"{place}: expected one list of candles, the answer holds {names}; check $.venue.rest_url")
    closed = rows[:-1]
    try:
        columns: dict[str, NDArray[Any]] = {"ts": np.array([int(r[0]) for r in closed], np.int64) * 1_000_000_000}
        for key, at in (("open", 1), ("high", 2), ("low", 3), ("close", 4), ("volume", 6)):
            columns[key] = np.array([float(r[at]) for r in closed], np.float64)
    except (ValueError, TypeError, IndexError, KeyError) as e:
        raise DecodeError(f"{place}: a candle is not [time, open, high, low, close, vwap, volume, count] ({e})") from e
    return frame(place, interval, columns)


class FileHistory:
    """Candles from a file or a folder of files named after their market: `btcusdt_5m….csv`, `BTC-USDT-1h.parquet`.

    Columns ts (UTC ms, open time), open, high, low, close, volume. Files of one interval are joined; longer intervals
    are made from the finest, unless a coarser file reaches further back. A single file may have any name when one
    symbol is asked for (`symbols`).
    """

    def __init__(self, path: Path, symbols: Sequence[str] = ()) -> None:
        if not path.exists():
            raise FeedError(f"{path}: no such file or folder; give candles as .csv or .parquet")
        self.path, self.only = path, symbols[0] if path.is_file() and len(symbols) == 1 else ""

    @property
    def name(self) -> str:
        return f"files {self.path}"

    def as_of(self, frames: dict[str, Frame], now_ns: int) -> int:
        return min(now_ns, max(f.end for f in frames.values()))

    def frames(self, symbol: str) -> dict[str, Frame]:
        """All intervals that the given ones divide, each from the one that reaches furthest."""
        files = [self.path] if symbol == self.only else self._named(symbol)
        read = [(path, _read(path)) for path in files]
        by_interval: dict[int, list[tuple[Path, dict[str, NDArray[Any]]]]] = {}
        for path, columns in read:
            by_interval.setdefault(_interval(path, np.unique(columns["ts"])), []).append((path, columns))
        given = []
        for interval, parts in sorted(by_interval.items()):
            place = f"{symbol} in {', '.join(path.name for path, _ in parts)}"
            joined = {key: np.concatenate([columns[key] for _, columns in parts]) for key in _COLUMNS}
            given.append(_once(place, interval, joined)[0])
        made = longest(given)
        if not made:
            place = f"{symbol} in {', '.join(path.name for path in files)}"
            raise FeedError(f"{place}: no interval of {', '.join(FRAMES)} can be made from these candles")
        return made

    def _named(self, symbol: str) -> list[Path]:
        base, _, quote = symbol.lower().partition("/")
        market = re.compile(rf"{re.escape(base)}[-_]?{re.escape(quote)}(?=[-_.]|$)")
        found = [self.path] if self.path.is_file() else sorted(self.path.iterdir())
        files = [p for p in found if p.suffix.lower() in (".csv", ".parquet") and market.match(p.stem.lower())]
        files = [p for p in files if not derivative(p)]
        if not files:
            like = f"{base}{quote}_5m.csv"
            raise FeedError(f"{symbol}: no candles in {self.path}; name the file after its market, like {like}")
        return files


def candles_in(path: Path) -> tuple[Frame, int]:
    """The candles of one file, by time, and how many rows were there twice; raises FeedError where two disagree."""
    columns = _read(path)
    return _once(path.name, _interval(path, np.unique(columns["ts"])), columns)


def _once(place: str, interval: int, columns: dict[str, NDArray[Any]]) -> tuple[Frame, int]:
    """The rows by time, each once, and how many were there twice; raises FeedError where two disagree."""
    order = np.argsort(columns["ts"], kind="stable")
    ts, table = columns["ts"][order], np.stack([columns[c][order] for c in _COLUMNS[1:]])
    same = np.diff(ts) == 0
    again = np.concatenate(([False], same & (table[:, 1:] == table[:, :-1]).all(axis=0)))
    kept = {"ts": ts[~again]} | {c: row[~again] for c, row in zip(_COLUMNS[1:], table, strict=True)}
    steps = np.diff(kept["ts"])
    for i in np.flatnonzero(steps % interval)[:1]:
        raise FeedError(
            f"{place}: ts={int(kept['ts'][i + 1]) // 1_000_000} ms comes {int(steps[i]) / 1e9:g} s after the candle "
            f"before it, among candles of {interval // 10**9} s; correct the row, or the interval in the file's name"
        )
    for i in np.flatnonzero(steps == 0)[:1]:
        one, other = ([float(kept[c][j]) for c in _COLUMNS[1:]] for j in (i, i + 1))
        at = int(kept["ts"][i]) // 1_000_000
        raise FeedError(f"{place}: ts={at} ms is there twice, as {one} and as {other}; remove the wrong row")
    return frame(place, interval, kept), int(again.sum())


def derivative(path: Path) -> bool:
    """Whether a file's name tells of a perpetual or a future: another market than the pair it begins with.

    >>> derivative(Path("btcusdt_perp_1h.parquet")), derivative(Path("btcusdt_1h.parquet"))
    (True, False)
    """
    return bool({"perp", "swap", "futures"} & set(re.split(r"[-_.]", path.stem.lower())))


def market_in(path: Path) -> str | None:
    """The symbol that a file's name begins with, None where it does not tell base from quote.

    >>> market_in(Path("BTC-USDT-1h.parquet")), market_in(Path("btcusd_1m.csv")), market_in(Path("prices.csv"))
    ('BTC/USDT', 'BTC/USD', None)
    """
    found = _MARKET.match(path.stem.lower())
    return f"{found[1]}/{found[2]}".upper() if found else None


def _said(path: Path) -> int | None:
    """The interval in a file's name ("_5m_"), ns."""
    named = _INTERVAL.search(path.stem.lower())
    return int(named[1]) * _UNIT[named[2]] if named else None


def _interval(path: Path, ts: NDArray[Any]) -> int:
    """The interval of a file: what its name says, else the smallest step of its data."""
    if said := _said(path):
        return said
    if len(ts) < 2:
        raise FeedError(f"{path.name}: needs two candles, or an interval in its name, like btcusdt_5m.csv")
    return int(np.diff(np.sort(ts)).min())


def _read(path: Path) -> dict[str, NDArray[Any]]:
    columns = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
    ts = columns["ts"]
    if not len(ts):
        raise FeedError(f"{path.name}: no candle in it, only a header; remove the file or export it again")
    if not 10**11 < int(ts.min()) <= int(ts.max()) < 10**14:
        odd = next(int(t) for t in (ts.min(), ts.max()) if not 10**11 < t < 10**14)
        fix = "multiply seconds by 1000" if odd <= 10**11 else "divide what is finer"
        raise FeedError(f"{path.name}: ts={odd} is not UTC milliseconds since 1970; {fix}")
    return columns | {"ts": ts * 1_000_000}


def _read_csv(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if absent := [c for c in _COLUMNS if c not in (reader.fieldnames or ())]:
                like = f"the header must be {','.join(_COLUMNS)}, with commas"
                raise FeedError(f"{path.name}: no column {', '.join(absent)}; {like}")
            rows: list[tuple[float, ...]] = []
            for line in reader:
                try:
                    rows.append(tuple(float(line[c]) for c in _COLUMNS))
                except (TypeError, ValueError) as e:
                    said = ", ".join(f"{c}={line[c]!r}" for c in _COLUMNS if not _number(line[c]))
                    fix = "write ts in UTC milliseconds, and numbers with a point"
                    raise FeedError(f"{path.name}: line {reader.line_num}: {said} is not a number; {fix}") from e
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise FeedError(f"{path}: cannot be read as CSV ({e}); save it as UTF-8 text") from e
    table = np.array(rows, np.float64).reshape(-1, len(_COLUMNS))
    if not np.isfinite(table[:, 0]).all():
        raise FeedError(f"{path.name}: a ts is not a number; write UTC milliseconds")
    columns: dict[str, NDArray[Any]] = {c: table[:, i] for i, c in enumerate(_COLUMNS)}
    return columns | {"ts": table[:, 0].astype(np.int64)}


def _number(text: str | None) -> bool:
    try:
        float(text or "")
    except ValueError:
        return False
    return True


def _read_parquet(path: Path) -> dict[str, NDArray[Any]]:
    try:
        import duckdb
    except ImportError as e:
        fix = "pip install 'dual-system-trader[test]' (or duckdb), or give CSV"
        raise FeedError(f"{path.name}: reading Parquet needs duckdb: {fix}") from e
    try:
        with duckdb.connect() as db:
            table: dict[str, Any] = db.execute(
                "SELECT ts, open, high, low, close, volume FROM read_parquet(?)", [str(path)]
            ).fetchnumpy()
    except duckdb.Error as e:
        said, like = str(e).splitlines()[0], f"its columns must be {','.join(_COLUMNS)}"
        raise FeedError(f"{path.name}: not candles in Parquet: {said}; {like}") from e
    try:
        floats: dict[str, NDArray[Any]] = {c: np.ma.filled(table[c].astype(np.float64), np.nan) for c in _COLUMNS[1:]}
        ts = table["ts"]
        if ts.dtype.kind == "M":  # a column of timestamps, as pandas writes them, in UTC
            ts = ts.astype("datetime64[ms]")
        return {"ts": np.ma.filled(ts.astype(np.int64), 0), **floats}
    except (TypeError, ValueError) as e:
        fix = "write ts in UTC milliseconds or as a timestamp, the others as numbers"
        raise FeedError(f"{path.name}: a column is not of numbers ({e}); {fix}") from e
