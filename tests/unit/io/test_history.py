"""desk/io/history.py: a real HTTP server in Kraken's shape, candle files, and one clear line for every fault."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import numpy as np
import pytest
from candles import START, walk
from shared import shared

from desk.analysis.shape import FRAMES, MINUTE, Frame
from desk.errors import ConfigError, DecodeError, FeedError, Final, Retryable
from desk.io.history import PATIENCE_S, FileHistory, RestHistory

Answer = tuple[int, bytes]
MINUTES = {interval // MINUTE: name for name, interval in FRAMES.items()}


def rows(n: int, minutes: int) -> list[list[object]]:
    """n rows as Kraken writes them: seconds, prices as text, vwap, volume, count."""
    f = walk(n, MINUTES[minutes])
    return [
        [int(t) // 10**9, f"{o:.5f}", f"{h:.5f}", f"{lo:.5f}", f"{c:.5f}", "0.0", f"{v:.8f}", 3]
        for t, o, h, lo, c, v in zip(f.ts, f.open, f.high, f.low, f.close, f.volume, strict=True)
    ]


def ohlc(pair: str, minutes: int, n: int = 720) -> Answer:
    """What Kraken answers; its key is a name of its own, not the one asked for."""
    return 200, json.dumps({"error": [], "result": {"XXBTZUSD": rows(n, minutes), "last": 1}}).encode()


@contextmanager
def venue(answer: Callable[[str, int], Answer]) -> Iterator[tuple[str, list[str]]]:
    """A server on loopback that calls `answer(pair, minutes)`; yields its address and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            query = parse_qs(urlsplit(self.path).query)
            status, body = answer(query["pair"][0], int(query["interval"][0]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_six_intervals_are_fetched_and_the_running_candle_is_dropped() -> None:
    """The last row still changes: with it every indicator would repaint."""
    with venue(ohlc) as (url, asked):
        frames = RestHistory(url).frames("BTC/USDT")
    assert list(frames) == list(FRAMES)
    assert asked[0] == "/0/public/OHLC?pair=BTC/USDT&interval=5"
    assert {name: len(f) for name, f in frames.items()} == dict.fromkeys(FRAMES, 719)
    want = walk(720, "1h")
    assert frames["1h"].ts[0] == START
    assert np.allclose(frames["1h"].close, want.close[:-1], atol=1e-5)
    assert np.allclose(frames["1h"].volume, want.volume[:-1], atol=1e-8)


def test_a_proxy_in_the_environment_is_not_asked_for_our_own_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a company proxy set, the embedded exchange on loopback would be unreachable."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with venue(ohlc) as (url, _):
        assert len(RestHistory(url).candles("BTC/USDT", "1h", FRAMES["1h"])) == 719


def test_an_interval_the_venue_does_not_offer_is_left_out() -> None:
    """One missing interval must not cost the other five."""
    refused = 200, b'{"error":["EGeneral:Invalid arguments"]}'
    with venue(lambda pair, minutes: refused if minutes == 10080 else ohlc(pair, minutes)) as (url, _):
        assert list(RestHistory(url).frames("BTC/USDT")) == ["5m", "15m", "1h", "4h", "1d"]


def test_a_rate_limit_is_waited_out_and_an_unknown_symbol_is_not() -> None:
    """Asking again for a symbol that does not exist wastes patience; giving up on a limit loses a report."""
    said = iter([(200, b'{"error":["EAPI:Rate limit exceeded"]}'), (503, b"busy")])
    waits: list[float] = []
    with venue(lambda pair, minutes: next(said, None) or ohlc(pair, minutes)) as (url, asked):
        assert len(RestHistory(url, sleep=waits.append).candles("BTC/USDT", "1h", FRAMES["1h"])) == 719
    assert (len(asked), waits) == (3, list(PATIENCE_S))
    with venue(lambda pair, minutes: (200, b'{"error":["EQuery:Unknown asset pair"]}')) as (url, asked):
        with pytest.raises(Final, match=r"NO/SUCH 5m .*Unknown asset pair; check the symbol in \$\.ultimate_analyzer"):
            RestHistory(url).frames("NO/SUCH")
        assert len(asked) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ((200, b"<html>"), DecodeError, "not JSON"),
        ((200, b"[1]"), DecodeError, "not a JSON object"),
        ((200, b'{"error":[]}'), DecodeError, "no result"),
        ((200, b'{"error":[],"result":{"last":1}}'), DecodeError, "expected one list"),
        ((200, b'{"error":[],"result":{"a":[[1],[2]],"last":1}}'), DecodeError, "a candle is not"),
        ((200, b'{"error":[],"result":{"a":[[1,"x","1","1","1","1","1",1],[2]]}}'), DecodeError, "a candle is not"),
        ((200, b'{"error":[],"result":{"a":[[1,"1","1","1","-1","1","1",1],[2]]}}'), FeedError, "row 1"),
        ((404, b""), Final, "HTTP 404"),
        ((500, b""), Retryable, "HTTP 500"),
        ((200, b'{"error":["EService:Unavailable"]}'), Retryable, "Unavailable"),
        ((200, b'{"error":[],"result":{"a":[]}}'), FeedError, "no closed candles"),
    ],
)
def test_every_fault_of_the_venue_is_one_line_with_place_and_fix(
    answer: Answer, kind: type[Exception], words: str
) -> None:
    """A traceback or a bare KeyError would leave the reader with nothing to do."""
    with venue(lambda pair, minutes: answer) as (url, _), pytest.raises(kind, match=words) as error:
        RestHistory(url, sleep=lambda s: None).frames("BTC/USDT")
    assert "BTC/USDT" in str(error.value)
    assert "127.0.0.1" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_venue_that_is_not_there_is_retryable_and_a_wrong_address_is_a_configuration_fault() -> None:
    """file:// would read the reader's disk."""
    waits: list[float] = []
    with pytest.raises(Retryable, match=r"no answer .*check the network and \$\.venue\.rest_url"):
        RestHistory("http://127.0.0.1:9", sleep=waits.append).frames("BTC/USDT")
    assert waits == list(PATIENCE_S)
    for bad in ("file:///etc/passwd", "ftp://x/y", "api.kraken.com", "http://"):
        with pytest.raises(ConfigError, match=r"\$\.venue\.rest_url"):
            RestHistory(bad)


def test_a_silent_venue_is_left_after_the_timeout() -> None:
    """Without a deadline one dead socket would stop the morning report for ever."""
    hold = threading.Event()

    def silent(pair: str, minutes: int) -> Answer:
        hold.wait(5)
        return 200, b""

    with venue(silent) as (url, _):
        with pytest.raises(Retryable, match="no answer"):
            RestHistory(url, timeout_s=0.1, sleep=lambda s: None).candles("BTC/USDT", "1h", FRAMES["1h"])
        hold.set()


# --- files


def write_csv(path: Path, f: Frame) -> Path:
    """The candles in the documented columns."""
    lines = ["ts,open,high,low,close,volume"]
    for t, *numbers in zip(f.ts, f.open, f.high, f.low, f.close, f.volume, strict=True):
        lines.append(",".join([str(int(t) // 1_000_000), *(repr(float(x)) for x in numbers)]))
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_folder_of_csv_gives_every_interval_of_each_symbol(tmp_path: Path) -> None:
    """The right file for the right symbol, the finest interval, the exact numbers."""
    write_csv(tmp_path / "btcusdt_5m.csv", walk(4000, seed=1))
    write_csv(tmp_path / "BTC-USDT-1h.csv", walk(10, "1h", seed=9))
    write_csv(tmp_path / "ETH_USDT_5m.csv", walk(300, seed=2))
    write_csv(tmp_path / "btcusdt_perp_5m.csv", walk(10, seed=3))
    source = FileHistory(tmp_path)
    frames = source.frames("BTC/USDT")
    assert np.array_equal(frames["5m"].close, walk(4000, seed=1).close)
    assert list(frames) == ["5m", "15m", "1h", "4h", "1d", "1w"]
    assert len(source.frames("ETH/USDT")["1h"]) == 25
    assert source.as_of(frames, 10**19) == frames["5m"].end
    with pytest.raises(
        FeedError, match=r"XRP/USDT: no candles in .*name the file after its market, like xrpusdt_5m\.csv"
    ):
        source.frames("XRP/USDT")


def test_days_that_reach_further_back_than_minutes_are_used(tmp_path: Path) -> None:
    """Three days of minutes beside two years of days: no day is thrown away because a finer file is there."""
    days, minutes = walk(730, "1d"), walk(3 * 288)
    shifted = msgspec.structs.replace(minutes, ts=minutes.ts - minutes.end + days.end)
    write_csv(tmp_path / "btcusdt_1d.csv", days)
    write_csv(tmp_path / "btcusdt_5m.csv", shifted)
    frames = FileHistory(tmp_path).frames("BTC/USDT")
    assert {name: len(f) for name, f in frames.items()} == {
        "5m": 864, "15m": 288, "1h": 72, "4h": 18, "1d": 730, "1w": 104,
    }  # fmt: skip
    assert len({f.end for name, f in frames.items() if name != "1w"}) == 1


def test_files_of_one_interval_are_joined_and_a_single_file_may_have_any_name(tmp_path: Path) -> None:
    """Two months in two files are one history, with the hole between them counted."""
    f = walk(100)
    halves = [
        Frame(*(c[s] for c in (f.ts, f.open, f.high, f.low, f.close, f.volume)), f.interval_ns, f.thin[s])
        for s in (slice(0, 40), slice(50, 100))
    ]
    write_csv(tmp_path / "btcusdt_5m_b.csv", halves[1])
    write_csv(tmp_path / "btcusdt_5m_a.csv", halves[0])
    joined = FileHistory(tmp_path).frames("BTC/USDT")["5m"]
    assert (len(joined), joined.gaps) == (90, 10)
    write_csv(tmp_path / "btcusdt_5m_c.csv", f.rows(30, 50))  # exports overlap: what both say alike is said once
    joined = FileHistory(tmp_path).frames("BTC/USDT")["5m"]
    assert (len(joined), joined.gaps) == (100, 0)
    alone = write_csv(tmp_path / "my candles.csv", f)
    assert len(FileHistory(alone, ["BTC/USDT"]).frames("BTC/USDT")["5m"]) == 100
    with pytest.raises(FeedError, match="name the file after its market"):
        FileHistory(alone, ["BTC/USDT", "ETH/USDT"]).frames("BTC/USDT")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("date,open\n1,2\n", "no column ts, high, low, close, volume; the header must be ts,open"),
        ("ts,open,high,low,close,volume\n1704067200000,1,1,1,x,1\n", "line 2: close='x' is not a number"),
        ("ts;open;high;low;close;volume\n1704067200000;1;1;1;1;1\n", "header must be .*, with commas"),
        ("ts,open,high,low,close,volume\n2024-01-01T00:00:00Z,1,1,1,1,1\n", "ts='2024.* write ts in UTC milliseconds"),
        ("ts,open,high,low,close,volume\n1704067200000000,1,1,1,1,1\n", "divide what is finer"),
        ("ts,open,high,low,close,volume\n1704067200,1,1,1,1,1\n", "not UTC milliseconds"),
        ("ts,open,high,low,close,volume\nnan,1,1,1,1,1\n", "a ts is not a number"),
        ("ts,open,high,low,close,volume\n1704067200000,1,1,1,1\n", "line 2"),
        (
            "ts,open,high,low,close,volume\n1704067200000,1,1,1,1,1\n1704067200000,1,1,1,1,2\n",
            r"ts=1704067200000 ms is there twice, as \[1.0, 1.0, 1.0, 1.0, 1.0\] and as .*; remove the wrong row",
        ),
        (
            "ts,open,high,low,close,volume\n1704067200000,1,1,1,1,1\n1704067260000,1,1,1,1,1\n",
            "comes 60 s after the candle before it, among candles of 300 s",
        ),
        ("ts,open,high,low,close,volume\n", "no candle in it"),
        ("ts,open,high,low,close,volume\n1704067200000,inf,1,1,1,1\n", "missing or infinite"),
        ("\x00\xff", "cannot be read as CSV .*save it as UTF-8"),
    ],
)
def test_every_fault_of_a_file_is_one_line_with_place_and_fix(tmp_path: Path, text: str, words: str) -> None:
    """The person who made the file must find the row."""
    path = tmp_path / "btcusdt_5m.csv"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(FeedError, match=words) as error:
        FileHistory(path).frames("BTC/USDT")
    assert "btcusdt_5m.csv" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_path_and_a_broken_parquet_file_are_said(tmp_path: Path) -> None:
    """Both are typing mistakes, not bugs."""
    with pytest.raises(FeedError, match="no such file or folder"):
        FileHistory(tmp_path / "nothing")
    (tmp_path / "btcusdt_5m.parquet").write_bytes(b"not parquet")
    with pytest.raises(FeedError, match=r"btcusdt_5m\.parquet: not candles in Parquet"):
        FileHistory(tmp_path).frames("BTC/USDT")


def test_parquet_without_duckdb_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """duckdb is an extra; its absence must name it."""
    (tmp_path / "btcusdt_5m.parquet").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(FeedError, match=r"needs duckdb: pip install"):
        FileHistory(tmp_path).frames("BTC/USDT")


def test_parquet_with_a_column_of_timestamps_is_read(tmp_path: Path) -> None:
    """As pandas writes it, and most exporters."""
    duckdb = pytest.importorskip("duckdb")
    f = walk(50)
    write_csv(tmp_path / "x.csv", f)
    table = f"(SELECT make_timestamp(ts * 1000) AS ts, * EXCLUDE ts FROM read_csv('{tmp_path / 'x.csv'}'))"
    duckdb.sql(f"COPY {table} TO '{tmp_path / 'btcusdt_5m.parquet'}' (FORMAT parquet)")
    read = FileHistory(tmp_path).frames("BTC/USDT")["5m"]
    assert np.array_equal(read.ts, f.ts)
    assert np.array_equal(read.close, f.close)


def test_parquet_recordings_are_read() -> None:
    """Real candles of four months; the hourly ones are made from 5m and have no gaps."""
    frames = FileHistory(shared("market/candles/binance_mtf_2024")).frames("ETH/USDT")
    assert {name: len(f) for name, f in frames.items()} == {
        "5m": 34848,
        "15m": 11616,
        "1h": 2904,
        "4h": 726,
        "1d": 121,
        "1w": 17,
    }
    assert all(f.gaps == 0 and not f.thin.any() for f in frames.values())
