"""A run records what it saw, and the recording is as good as the market was: proven, and traded again."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from hashlib import sha256

import pytest
from shared import ROOT

from desk.io.frames import read_frames

PROGRAM = [sys.executable, str(ROOT / "deploy_trading_systems.py")]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def start(folder, *args):
    return subprocess.run(
        [*PROGRAM, *map(str, args)], cwd=folder, capture_output=True, text=True, timeout=150, check=False
    )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """One run of 8 s on the embedded exchange: its folder and what it said."""
    folder = tmp_path_factory.mktemp("recorded")
    run = start(folder, "--mode", "scalping", "--duration", 8, "--seed", 3, "--json")
    assert run.returncode == 0, run.stderr
    return folder, json.loads(run.stdout)


def test_every_frame_of_the_run_is_recorded(recorded):
    """As many as the engine was given, one file a link, each with the manifest of exactly its text."""
    folder, said = recorded
    files = [folder / path for path in said["recordings"]]
    assert [path.name[7:] for path in files] == ["public.frames.gz", "level3.frames.gz"]
    assert sum(1 for path in files for _ in read_frames(path)) == said["frames"]
    for path in files:
        manifest = json.loads(path.with_name(path.name.replace(".frames.gz", ".manifest.json")).read_bytes())
        assert manifest["sha256"] == sha256(path.read_bytes()).hexdigest()
        assert manifest["gaps"] == []
        assert {sub["depth"] for sub in manifest["subscriptions"] if sub["channel"] in ("book", "level3")} <= {10, 100}


@pytest.mark.parametrize("link", ["public", "level3"])
def test_the_books_of_a_recording_are_proven(recorded, link):
    """Every checksum right: the recording lost and changed nothing."""
    folder, said = recorded
    (path,) = [path for path in said["recordings"] if link in path]
    run = start(folder, "verify-book", path, "--json")
    assert run.returncode == 0, run.stdout + run.stderr
    proof = json.loads(run.stdout)
    assert (proof["crc_bad"], proof["undecodable"], proof["problem"]) == (0, 0, "")
    assert proof["crc_ok"] == sum(
        book["crc_ok"] for book in said["books"] if (book["tier"] == "L3") == (link == "level3")
    )
    assert proof["crc_ok"] > 50


@pytest.mark.parametrize("what", ["public", "level3", "folder"])
def test_a_recording_is_a_feed(recorded, what):
    """Served again over the WebSocket: synced, nothing wrong; the folder serves both links as one. No new recording."""
    folder, live = recorded
    path = "recordings" if what == "folder" else next(path for path in live["recordings"] if what in path)
    run = start(folder, "--mode", "scalping", "--feed", f"replay:{path}", "--speed", "max", "--json")
    assert run.returncode == 0, run.stdout + run.stderr
    said = json.loads(run.stdout)
    tiers = {"public": {"L2"}, "level3": {"L3"}, "folder": {"L2", "L3"}}[what]
    assert {book["tier"] for book in said["books"]} == tiers
    assert all(book["state"] == "SYNCED" and book["crc_bad"] == 0 for book in said["books"])
    expected = {(b["symbol"], b["tier"]): b["crc_ok"] for b in live["books"] if b["tier"] in tiers}
    assert {(b["symbol"], b["tier"]): b["crc_ok"] for b in said["books"]} == expected
    assert said["recordings"] == []


def test_a_killed_run_leaves_a_recording_that_proves_its_books(tmp_path):
    """kill -9 in the middle: no manifest, at most the last seconds missing, every checksum right."""
    args = ["--mode", "scalping", "--json", "--seed", "3"]
    run = subprocess.Popen(
        [*PROGRAM, *args], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        end = time.monotonic() + 60
        while len(files := list(tmp_path.rglob("*.frames.gz"))) < 2 and time.monotonic() < end:
            time.sleep(0.1)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    assert len(files) == 2
    assert not list(tmp_path.rglob("*.manifest.json"))
    for path in files:
        proof = start(tmp_path, "verify-book", path, "--json")
        assert proof.returncode == 0, proof.stdout + proof.stderr
        assert json.loads(proof.stdout)["crc_ok"] > 20


def test_no_record_records_nothing(tmp_path):
    """And the run is the same without."""
    run = start(tmp_path, "--mode", "scalping", "--duration", 3, "--no-record", "--json")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["recordings"] == []
    assert not (tmp_path / "recordings").exists()


def test_old_recordings_are_deleted_at_the_start_and_it_is_said(tmp_path):
    """Before the first frame, in one line that names the setting."""
    old = tmp_path / "recordings" / "kraken" / "2020-01-02"
    old.mkdir(parents=True)
    (old / "000000-public.frames.gz").write_bytes(gzip.compress(b'1\t<\t{"channel":"heartbeat"}\n'))
    run = start(tmp_path, "--mode", "scalping", "--duration", 2, "--json")
    assert run.returncode == 0, run.stderr
    assert "recordings older than 30 days deleted" in run.stderr
    assert "journal.keep_days" in run.stderr
    assert not old.exists()
    json.loads(run.stdout)


def test_a_folder_that_cannot_be_written_stops_the_start(tmp_path):
    """Exit code 4, one line with the way out, and no session left behind."""
    (tmp_path / "recordings").write_text("in the way")
    run = start(tmp_path, "--mode", "scalping", "--duration", 2, "--json")
    assert run.returncode == 4
    assert run.stderr.strip().endswith("or run with --no-record")
    assert "Traceback" not in run.stderr
    assert list((tmp_path / "sessions").iterdir()) == []
