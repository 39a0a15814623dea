"""desk/run/analyst.py: the process as its parent sees it, one symbol's fault, and the speed of a whole run."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from analysing import analyse_once
from candles import frames_of, walk
from shared import ROOT, shared

from desk.analysis.shape import Analysis, Beside, Frame, HftAverage
from desk.config import Config, UltimateAnalyzer
from desk.errors import ConfigError, DeskError, FeedError
from desk.events import TrendBias
from desk.io.candle_store import CandleStore
from desk.io.history import FileHistory, candles_in
from desk.run.analyst import Analyst, candle_source, run_analyst
from desk.run.schedule import state_name
from desk.run.stored import STORE, StoredHistory
from ultimate_crypto_analyzer import analyse, bias

WALK = frames_of(walk(70 * 288))
NOW = WALK["5m"].end


class Walks:
    """A candle source: the same walk for every symbol but those it must fail for."""

    name = "seeded walks"

    def __init__(self, broken: str = "", bug: str = "") -> None:
        self.broken, self.bug = broken, bug

    def frames(self, symbol: str) -> dict[str, Frame]:
        if symbol == self.broken:
            raise FeedError(f"{symbol}: the venue does not know it; check the symbol")
        if symbol == self.bug:
            raise ZeroDivisionError("division by zero")
        return WALK

    def as_of(self, frames: dict[str, Frame], now_ns: int) -> int:
        return now_ns


def config(folder: Path, *symbols: str, **other: Any) -> Config:
    """A configuration that reports into `folder`."""
    return Config(ultimate_analyzer=UltimateAnalyzer(symbols=symbols, report_dir=str(folder), **other))


def lines(out: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def talk(cfg: Config, source: Walks, *said: object) -> list[dict[str, Any]]:
    """Everything the process answers to these lines and the end of its input."""
    out = io.BytesIO()
    read, write = os.pipe()
    with os.fdopen(read, "rb", buffering=0) as listening, os.fdopen(write, "wb", buffering=0) as speaking:
        worker = threading.Thread(
            target=run_analyst,
            args=(cfg, source, analyse, bias, "kraken", False),
            kwargs={"lines_in": listening, "lines_out": out, "clock": lambda: NOW},
        )
        worker.start()
        for what in said:
            count = out.getvalue().count(b'"scheduled"')
            wait(lambda seen=count: out.getvalue().count(b'"scheduled"') >= max(1, seen))
            speaking.write(msgspec.json.encode(what) + b"\n")
            if what == {"run": "now"}:
                wait(lambda seen=count: out.getvalue().count(b'"scheduled"') > seen)
        wait(lambda: b'"scheduled"' in out.getvalue())
        speaking.close()
        worker.join(20)
        assert not worker.is_alive()
    return lines(out)


def wait(until: Any, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_start_analyses_every_symbol_and_says_each_step(tmp_path: Path) -> None:
    """The screen must move within seconds, and the fast system must get one bias per symbol."""
    said = talk(config(tmp_path, "BTC/USDT", "ETH/USDT"), Walks())
    stages = [(s["stage"], s["symbol"], s["done"], s["of"]) for s in said if "stage" in s]
    assert stages[:5] == [
        ("candles", "BTC/USDT", 0, 2),
        ("analysis", "BTC/USDT", 0, 2),
        ("evidence", "BTC/USDT", 0, 2),
        ("report", "BTC/USDT", 0, 2),
        ("done", "BTC/USDT", 1, 2),
    ]
    biases = [msgspec.convert(s["bias"], TrendBias) for s in said if "bias" in s]
    assert [b.symbol for b in biases] == ["BTC/USDT", "ETH/USDT"]
    assert all(b.expires - b.ts == 12 * 3600 * 10**9 for b in biases)
    for s in said:
        if "report" in s:
            assert all(Path(s["report"][kind]).stat().st_size > 1000 for kind in ("html", "md", "json"))
    assert said[-1]["scheduled"].startswith("next analysis ")
    assert said[-1]["at"] > NOW


def test_one_symbols_failure_never_costs_the_others(tmp_path: Path) -> None:
    """Neither an unknown symbol nor our own bug may stop the list."""
    said = talk(config(tmp_path, "NO/SUCH", "BUG/GY", "ETH/USDT"), Walks("NO/SUCH", "BUG/GY"))
    errors = {s["error"]["symbol"]: s["error"]["text"] for s in said if "error" in s}
    assert errors == {
        "NO/SUCH": "NO/SUCH: the venue does not know it; check the symbol",
        "BUG/GY": "BUG/GY: our own bug: ZeroDivisionError: division by zero; the log holds the details",
    }
    assert [s["report"]["symbol"] for s in said if "report" in s] == ["ETH/USDT"]


def test_run_now_analyses_again_and_the_order_book_average_enters(tmp_path: Path) -> None:
    """The 5 % term comes from the desk's own average; nonsense on the input is ignored."""
    hft = {"hft": {"BTC/USDT": {"score": -80.0, "tier": "L3"}}}
    said = talk(config(tmp_path, "BTC/USDT"), Walks(), hft, {"hft": 5}, ["nonsense"], {"run": "now"})
    biases = [msgspec.convert(s["bias"], TrendBias) for s in said if "bias" in s]
    assert [b.coverage for b in biases] == [0.95, 1.0]
    assert biases[1].because["hft"] == pytest.approx(-4.0)
    reports = [s["report"]["html"] for s in said if "report" in s]
    assert len(set(reports)) == 2
    off = talk(config(tmp_path, "BTC/USDT", hft_integration=False), Walks(), hft, {"run": "now"})
    assert {msgspec.convert(s["bias"], TrendBias).coverage for s in off if "bias" in s} == {0.95}


def test_once_analyses_once_and_tells_by_its_exit(tmp_path: Path) -> None:
    """A script must see that nothing was made."""
    for symbols, code in ((("BTC/USDT",), 0), (("NO/SUCH",), 1)):
        out = io.BytesIO()
        assert (
            run_analyst(
                config(tmp_path, *symbols),
                Walks("NO/SUCH"),
                analyse,
                bias,
                "kraken",
                False,
                once=True,
                lines_out=out,
                clock=lambda: NOW,
            )
            == code
        )
        assert sum("scheduled" in line for line in lines(out)) == 1


def test_analyse_once_gives_the_paths_and_raises_only_when_nothing_was_made(tmp_path: Path) -> None:
    """`--mode ultimate --once` prints these paths."""
    told: list[str] = []
    cfg = config(tmp_path, "NO/SUCH", "BTC/USDT")
    paths = analyse_once(
        cfg, Walks("NO/SUCH"), analyse, "embedded", True, failed=lambda s, t: told.append(s), clock=lambda: NOW
    )
    assert [p.suffix for p in paths] == [".html", ".md", ".csv", ".json"]
    assert told == ["NO/SUCH"]
    assert "SIMULATED MARKET" in paths[0].read_text()
    with pytest.raises(DeskError, match="does not know it"):
        analyse_once(config(tmp_path, "NO/SUCH"), Walks("NO/SUCH"), analyse, "kraken", False)


def test_a_wrong_time_zone_is_refused_before_any_work(tmp_path: Path) -> None:
    """Not after the first analysis."""
    wrong = msgspec.structs.replace(config(tmp_path, "BTC/USDT"), time_zone="Mars/Base")
    with pytest.raises(ConfigError, match=r"\$\.time_zone"):
        Analyst(wrong, Walks(), analyse, "kraken", False)


def test_the_average_is_handed_on_as_given(tmp_path: Path) -> None:
    """The formula is handed in: it must get the symbol's own average and the moment of the analysis."""
    heard: list[tuple[str, int, HftAverage | None]] = []

    def spy(symbol: str, frames: Any, now: int, average: HftAverage | None, beside: Beside | None) -> Analysis:
        heard.append((symbol, now, average))
        return analyse(symbol, frames, now, average, beside=beside)

    analyst = Analyst(config(tmp_path, "BTC/USDT"), Walks(), spy, "kraken", False, clock=lambda: NOW)
    analyst.averages["BTC/USDT"] = HftAverage("BTC/USDT", 1.0, NOW - 1, NOW)
    analyst.run(lambda *a: None, lambda a, w: None, lambda s, t: pytest.fail(t))
    assert heard == [("BTC/USDT", NOW, HftAverage("BTC/USDT", 1.0, NOW - 1, NOW))]


CHILD = """
import sys
from pathlib import Path
from desk.config import Config, UltimateAnalyzer
from desk.io.history import FileHistory
from desk.run.analyst import run_analyst
from ultimate_crypto_analyzer import analyse, bias
config = Config(ultimate_analyzer=UltimateAnalyzer(report_dir=sys.argv[2]))
sys.exit(run_analyst(config, FileHistory(Path(sys.argv[1])), analyse, bias, "binance", False))
"""


def test_a_real_process_ignores_ctrl_c_and_ends_with_its_input(tmp_path: Path) -> None:
    """Ctrl-C reaches the whole terminal; the desk must be able to end the analyst in its own order. Real candles, from
    the start of Python to the third report within the ten seconds of a first run."""
    data = shared("market/candles/binance_mtf_2024")
    begun = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(data), str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        said = []
        for line in child.stdout:
            said.append(json.loads(line))
            if "stage" in said[-1]:
                child.send_signal(signal.SIGINT)
            if "scheduled" in said[-1]:
                break
        took = time.monotonic() - begun
        assert [s["report"]["symbol"] for s in said if "report" in s] == ["BTC/USDT", "ETH/USDT", "XRP/USDT"]
        assert took < 10, f"{took:.1f} s"
        child.stdin.close()
        assert child.wait(5) == 0
        assert child.stdout.read() == b""
    finally:
        child.kill()
        child.stdout.close()


def test_the_source_is_chosen_by_what_is_given(tmp_path: Path) -> None:
    """Files when the person named some, else the venue; a real one's candles are kept, a simulated one's are not."""
    assert candle_source("https://api.kraken.com", None, ("BTC/USDT",)).name == f"store {STORE}, kraken topped up"
    assert candle_source("http://127.0.0.1:9", None, ("BTC/USDT",)).name == "REST http://127.0.0.1:9"
    assert isinstance(candle_source("", tmp_path, ("BTC/USDT",)), FileHistory)


def test_the_command_that_makes_a_report_again_names_its_market(tmp_path: Path) -> None:
    """Another seed is another market."""
    for seed, words in ((7, "--feed embedded --seed 7"), (None, "--feed embedded --seed 1")):
        analyst = Analyst(config(tmp_path, "BTC/USDT"), Walks(), analyse, "embedded", True, seed=seed)
        assert analyst.origin("BTC/USDT").command == f"./run --mode ultimate --once --symbols BTC/USDT {words}"
    real = Analyst(config(tmp_path, "BTC/USDT"), Walks(), analyse, "kraken", False)
    assert real.origin("BTC/USDT").command.endswith("--feed kraken")


def test_a_start_after_missed_times_makes_good_once_and_says_so(tmp_path: Path) -> None:
    """Two days asleep: one analysis, named; a second start of the same morning is an ordinary one.

    A session of another symbol, beside it in the same folder, has its own mornings.
    """
    state = tmp_path / state_name("kraken", ("BTC/USDT",))
    state.write_text('{"morning": "2024-03-08", "evening": "2024-03-08"}')
    said, again = (talk(config(tmp_path, "BTC/USDT"), Walks()) for _ in range(2))
    words = [s["stage"] for s in said if s.get("symbol") == ""]
    assert words == ["caught up once for 2024-03-09/evening, 2024-03-10/morning, 2024-03-10/evening and 1 more"]
    assert [s.get("symbol") for s in again if s.get("symbol") == ""] == []
    assert [sum("report" in s for s in run) for run in (said, again)] == [1, 1]
    (tmp_path / state_name("kraken", ("ETH/USDT",))).write_text('{"morning": "2024-03-08", "evening": "2024-03-10"}')
    other = talk(config(tmp_path, "ETH/USDT"), Walks())
    words = [s["stage"] for s in other if s.get("symbol") == ""]
    assert words == ["caught up once for 2024-03-09/morning, 2024-03-10/morning"]


def test_missing_minutes_of_a_real_market_reach_the_report_as_gaps(tmp_path: Path) -> None:
    """March 2023 at Kraken: the bars of minutes nobody traded are not made up, from the store to the page."""
    rows, _ = candles_in(shared("market/cross_exchange/march2023/kraken_btcusdt_1m_0301_0312.parquet"))
    path = tmp_path / "candles.db"
    with CandleStore(path, write=True) as store:
        store.add("kraken", "BTC/USDT", rows, rows.end)
    source = StoredHistory(path, "kraken")
    five = source.frames("BTC/USDT")["5m"]
    buckets = {int(ts) // (5 * 60 * 10**9) for ts in rows.ts}
    assert {int(ts) // (5 * 60 * 10**9) for ts in five.ts} <= buckets  # each made of candles that were there
    assert five.gaps > 0
    assert not (five.volume == 0).any()
    pages = analyse_once(config(tmp_path / "out", "BTC/USDT"), source, analyse, "kraken", False)
    text = next(page for page in pages if page.suffix == ".md").read_text()
    held = five.upto(five.end)
    assert f"5m: {held.gaps} of {len(held) + held.gaps} candles are missing; they are gaps" in text
    assert "Order-book term missing" in text


def test_reports_of_real_candles_carry_their_evidence_and_the_same_bytes_twice(tmp_path: Path) -> None:
    """The verdict must reach the files, and a second run, which finds its own trials in the ledger, must not differ."""
    source = FileHistory(shared("market/candles/binance_long"))
    cfg = config(tmp_path, "BTC/USDT")
    once, again = (analyse_once(cfg, source, analyse, "kraken", False)[-1].read_bytes() for _ in range(2))
    assert once == again
    said = json.loads(once)["analysis"]
    assert said["verdict"]["word"] in ("no evidence", "weak", "moderate", "strong")
    assert said["verdict"]["net_bps"]["low"] < said["verdict"]["net_bps"]["high"]
    assert said["evidence"]["days"] > 700
    assert len(said["evidence"]["nearest"]["days"]) == 20
    assert len((tmp_path / "trials-kraken.jsonl").read_text().splitlines()) == said["evidence"]["trials"] == 24


def test_a_damaged_ledger_costs_the_evidence_and_not_the_report(tmp_path: Path) -> None:
    """Without it nobody knows how much was tried: the report stands, and says that nothing may be believed."""
    (tmp_path / "trials-kraken.jsonl").write_text("not a trial\n")
    files = analyse_once(config(tmp_path, "BTC/USDT"), Walks(), analyse, "kraken", False, clock=lambda: NOW)
    said = json.loads(files[-1].read_bytes())["analysis"]
    assert (said["verdict"]["word"], said["evidence"]) == ("no evidence", None)
    assert any("line 1 is not a trial" in line for line in said["unknown"])
