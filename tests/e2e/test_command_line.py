"""The whole program as its user starts it: processes, sockets, files, exit codes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from shared import ROOT, shared

from desk.events import Command
from desk.io.journal import read_session

PROGRAM = [sys.executable, str(ROOT / "deploy_trading_systems.py")]
CAPTURE = "captures/kraken_v2_book_ethusd_d25_20260802.frames.gz"
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def start(folder, *args, **more):
    return subprocess.run(
        [*PROGRAM, *map(str, args)], cwd=folder, capture_output=True, text=True, timeout=150, check=False, **more
    )


def _plain(path):
    return path.read_text().replace(" ", "").replace("\n", "")


def test_a_real_recording_over_the_websocket(tmp_path):
    """1 129 of 1 129 checksums right, and the scores of a market that was there."""
    run = start(tmp_path, "--mode", "hybrid", "--feed", f"replay:{shared(CAPTURE)}", "--speed", "max", "--json")
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    (book,) = said["books"]
    assert (book["symbol"], book["state"], book["crc_ok"], book["crc_bad"]) == ("ETH/USD", "SYNCED", 1129, 0)
    assert said["scores"]["ETH/USD@kraken"]["n"] == 1129
    assert not said["simulated"]


def test_ctrl_c_ends_with_a_summary(tmp_path):
    """And leaves no process behind."""
    run = subprocess.Popen(
        [*PROGRAM, "--mode", "scalping"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob("sessions/*/journal.bin")) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(3)
    os.killpg(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=20)
    assert run.returncode == 0
    assert "effect hash" in out
    assert "Traceback" not in out + err
    with pytest.raises(ProcessLookupError):
        os.killpg(run.pid, 0)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """One hybrid run of 20 s on the embedded exchange; it goes on beside the tests that only start and refuse."""
    folder = tmp_path_factory.mktemp("hybrid")
    command = [*PROGRAM, "--mode", "hybrid", "--duration", "20", "--seed", "3", "--json"]
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        run = subprocess.Popen(command, cwd=folder, stdout=out, stderr=err)
    yield folder, run
    run.kill()
    run.wait(20)


@pytest.mark.parametrize("feed", ["kraken", "binance", "ccxt:okx"])
def test_scalping_on_a_real_venue_needs_enabling(tmp_path, feed, begun):
    """With the sentence that enables it."""
    run = start(tmp_path, "--mode", "scalping", "--feed", feed)
    assert run.returncode == 5
    assert '"scalping_engine": {"enabled": true}' in run.stderr


@pytest.mark.parametrize(("feed", "section"), [("kraken", "venue"), ("binance", "binance"), ("coinbase", "coinbase")])
def test_a_venue_that_cannot_be_reached_is_one_line_and_a_way_out(tmp_path, feed, section):
    """No traceback, exit code 3, the embedded feed named."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]  # bound but not listening: refused
        config = {"scalping_engine": {"enabled": True}, section: {"ws_url": f"ws://127.0.0.1:{port}/v2"}}
        (tmp_path / "trading_config.json").write_text(json.dumps(config))
        run = start(tmp_path, "--mode", "hybrid", "--feed", feed, "--json")
    assert run.returncode == 3
    assert len(run.stderr.strip().splitlines()) == 1
    assert "--feed embedded" in run.stderr
    assert run.stdout == ""


def test_a_port_in_use_is_named_with_the_fix(tmp_path):
    """One line."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = start(tmp_path, "exchange", "--port", port)
    assert run.returncode != 0
    assert str(port) in run.stderr
    assert "--port" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_folder_that_cannot_be_written_stops_before_the_start(tmp_path):
    """The journal is not optional: the folder and the way out are named."""
    (tmp_path / "trading_config.json").write_text('{"journal": {"dir": "in_the_way/sessions"}}')
    (tmp_path / "in_the_way").write_text("a file")
    run = start(tmp_path, "--mode", "scalping", "--duration", 3, "--json")
    assert run.returncode == 4
    assert "in_the_way" in run.stderr
    assert "Traceback" not in run.stderr


def test_verify_book_on_the_command_line(tmp_path):
    """The JSON of a real recording, and exit codes for good, bad and unreadable ones."""
    good = start(tmp_path, "verify-book", shared(CAPTURE), "--json")
    said = json.loads(good.stdout)
    assert (good.returncode, said["messages"], said["crc_ok"], said["first_bad_line"]) == (0, 1129, 1129, None)
    (tmp_path / "half.gz").write_bytes(shared(CAPTURE).read_bytes()[:9000])
    half = start(tmp_path, "verify-book", "half.gz", "--json")
    assert half.returncode == 4
    assert "ends in the middle" in half.stderr
    foreign = start(tmp_path, "verify-book", ROOT / "README.md")
    assert foreign.returncode == 4
    assert "Traceback" not in half.stderr + foreign.stderr


def test_a_real_venue_s_fees_stop_the_scalps(tmp_path):
    """80 bps a round trip: no scalp pays that, and the code says so."""
    (tmp_path / "trading_config.json").write_text('{"fees": {"embedded": "kraken"}}')
    run = start(tmp_path, "--mode", "scalping", "--duration", 30, "--speed", "max", "--json")
    said = json.loads(run.stdout)
    assert said["signals"] == 0
    assert "Kraken Pro" in said["fee_tier"]
    assert set(said["refusals"]) & {"EDGE_BELOW_COST", "WEAK_TECHNICAL", "HFT_CONFLICT"}


def test_help_is_fast_and_imports_nothing_heavy(tmp_path):
    """Timings belong in benchmarks; that no library is imported is what makes it fast."""
    code = "import sys, deploy_trading_systems as d\ntry: d.main(['--help'])\nexcept SystemExit: pass\n"
    code += "print([m for m in ('pandas','numpy','numba','ccxt','rich','aiohttp','jinja2') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)
    assert run.stdout.strip().endswith("[]")
    assert "exit codes" in run.stdout


@pytest.fixture(scope="module")
def hybrid(begun):
    """That run, ended."""
    folder, run = begun
    run.wait(150)
    said = subprocess.CompletedProcess(
        run.args, run.returncode, (folder / "out").read_text(), (folder / "err").read_text()
    )
    return folder, said


def test_hybrid_runs_end_to_end_over_a_real_websocket(hybrid):
    """Books proven, a signal or the reasons why not, a report per symbol, a bias per symbol: on stdout only JSON."""
    _, run = hybrid
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    assert {(b["symbol"], b["tier"]) for b in said["books"]} >= {
        (s, t) for s in ("BTC/USDT", "ETH/USDT", "XRP/USDT") for t in ("L2", "L3")
    }
    assert all(b["state"] == "SYNCED" and b["crc_bad"] == 0 and b["crc_ok"] > 50 for b in said["books"])
    assert said["signals"] or said["refusals"]
    assert set(said["biases"]) == {"BTC/USDT", "ETH/USDT", "XRP/USDT"}
    assert said["latency_us"]["tick_to_signal"]["p99"] is not None
    assert said["latency_us"]["feed"]["p50"] is not None
    clock = said["clock"]  # the exchange runs on this machine: its clock is ours, give or take two programs' starts
    assert (clock["state"], clock["source"].startswith("ping")) == ("ok", True)
    assert abs(clock["offset_ms"]) <= clock["uncertainty_ms"] + 50
    assert all(row["spread_mean_bps"] > 0 and row["bid_orders"] for row in said["flow"].values())
    assert len(said["flow"]) == 3
    assert "inside" not in said  # one venue: its touch is the inside
    assert said["simulated"]
    assert said["problems"] == []


def test_hybrid_writes_a_report_per_symbol(hybrid):
    """HTML, Markdown and JSON, marked SIMULATED."""
    folder, run = hybrid
    reports = json.loads(run.stdout)["reports"]
    assert len(reports) == 9
    assert all((folder / path).stat().st_size > 1_000 for path in reports)
    assert all("SIMULATED" in (folder / path).read_text() for path in reports if not path.endswith("json"))
    assert all('"simulated":true' in _plain(folder / path) for path in reports if path.endswith("json"))


def test_the_session_replays_with_its_hash(hybrid):
    """From its frames, with every paper fill and bias, under another hash seed."""
    folder, run = hybrid
    said = json.loads(run.stdout)
    again = start(folder, "replay", said["session"], "--verify", "--json", env={**os.environ, "PYTHONHASHSEED": "77"})
    assert again.returncode == 0, again.stdout + again.stderr
    assert json.loads(again.stdout)["effect_hash"] == said["effect_hash"]


def test_an_unknown_symbol_is_marked_while_the_others_run(tmp_path):
    """Or refused with the list: never silence."""
    run = start(tmp_path, "--mode", "scalping", "--symbols", "BTC/USDT,FOO/BAR", "--duration", 4, "--json")
    said = json.loads(run.stdout) if run.returncode == 0 else None
    if said is None:
        assert "FOO/BAR" in run.stderr
    else:
        states = {b["symbol"]: b["state"] for b in said["books"]}
        assert states == {"BTC/USDT": "SYNCED", "FOO/BAR": "DOWN"}


def test_the_analyzer_on_real_candles(tmp_path):
    """One command, three symbols, nine files."""
    pytest.importorskip("duckdb", reason="Parquet candles need duckdb")
    candles = shared("market/candles/binance_mtf_2024")
    run = start(tmp_path, "--mode", "ultimate", "--once", "--candles", candles, "--json")
    assert run.returncode == 0, run.stderr
    reports = json.loads(run.stdout)["reports"]
    assert len(reports) == 9
    assert not any("SIMULATED" in (tmp_path / path).read_text() for path in reports)


def test_the_analyzer_alone_on_the_embedded_exchange(tmp_path):
    """Every configured symbol, with the feed's own candles."""
    run = start(tmp_path, "--mode", "ultimate", "--once", "--json")
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    assert (len(said["reports"]), said["problems"]) == (9, [])


@pytest.fixture
def small_disk(tmp_path):
    """A disk with room for the journal's reserve and two megabytes more, and the configuration that uses it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        os.geteuid()
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], check=False, timeout=20
        ).returncode
    ):
        pytest.skip("mounting a small disk needs root")
    (tmp_path / "trading_config.json").write_text(json.dumps({"journal": {"dir": str(disk / "sessions")}}))
    yield disk
    subprocess.run(["umount", str(disk)], check=True, timeout=20)


def test_a_disk_that_fills_up_keeps_what_was_recorded_and_stops_the_orders(tmp_path, small_disk):
    """Exit code 4, the file and the reason named, and the recorded part replays with the hash that was printed."""
    (small_disk / "ballast").write_bytes(bytes(1_950_000))
    run = start(tmp_path, "--mode", "scalping", "--no-record", "--duration", 4, "--json")
    assert run.returncode == 4
    said = json.loads(run.stdout)
    assert "No space left on device" in said["problems"][0]
    again = start(tmp_path, "replay", said["session"], "--verify", "--json")
    assert again.returncode == 0
    told = json.loads(again.stdout)
    assert told["hole"] or told["effect_hash"] == said["effect_hash"]


def test_a_disk_with_space_again_continues_the_journal_without_a_restart(tmp_path, small_disk):
    """Full for some seconds while it runs: nothing is missing afterwards, and no problem is left to tell."""
    command = [*PROGRAM, "--mode", "scalping", "--no-record", "--duration", "8", "--json"]
    run = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 30
    while time.monotonic() < until and not any(path.stat().st_size for path in small_disk.glob("*/*/journal.bin")):
        time.sleep(0.05)
    with contextlib.suppress(OSError), (small_disk / "ballast").open("wb", buffering=0) as ballast:
        while ballast.write(bytes(4096)):
            pass
    time.sleep(2.5)
    (small_disk / "ballast").unlink()
    out, _ = run.communicate(timeout=60)
    said = json.loads(out)
    assert (run.returncode, said["problems"]) == (0, [])
    entries, torn, _ = read_session(tmp_path / said["session"])
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    words = [entry.event.what for entry in entries if isinstance(entry.event, Command)]
    assert (words, torn) == (["broken", "mended", "stop"], 0)
    assert start(tmp_path, "replay", said["session"], "--verify").returncode == 0


def test_killed_again_and_again_the_desk_loses_no_fill_and_sends_no_order_twice(tmp_path):
    """A small part of `python -m benchmarks.kills --kills 200`: over sockets, with an exchange that lives on."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kills", "--kills", "5", "--longest", "1.6", "--keep", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "wrong: 0" in done.stdout
