"""A recorded session replays bit for bit: same journal, same answers, under any hash seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from recorded_run import run_recording
from shared import ROOT, shared

from deploy_trading_systems import build, main
from desk.io.journal import JOURNAL
from desk.market.state import BookState
from desk.run.replay import replay

CAPTURE = "captures/kraken_v2_book_ethusd_d25_20260802.frames.gz"


def test_the_real_book_stays_proven_through_the_engine(tmp_path):
    """1 129 of 1 129 checksums right, SYNCED to the end, a score after every one of them."""
    loop = run_recording(shared(CAPTURE), tmp_path / "s")
    market = loop.engine.watch.markets["ETH/USD@kraken"]
    track = market.tracks["book"]
    assert (track.crc_ok, track.crc_bad, track.resyncs) == (1129, 0, 0)
    assert track.state is BookState.SYNCED
    assert -100 <= loop.engine.watch.scores["ETH/USD@kraken"].total <= 100
    assert loop.resyncs == []


@pytest.mark.parametrize("name", [CAPTURE, "captures/kraken_shape_level3_bitstamp_d10_a.frames.gz"])
def test_a_session_replays_equal_under_two_hash_seeds(name, tmp_path):
    """An iteration over a set, a clock or a die in the core would differ here."""
    loop = run_recording(shared(name), tmp_path / "s")
    for seed in ("1", "2"):
        out = subprocess.run(
            [
                sys.executable,
                str(ROOT / "deploy_trading_systems.py"),
                "replay",
                str(tmp_path / "s"),
                "--verify",
                "--json",
            ],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=100,
        )
        said = json.loads(out.stdout)
        assert said["equal"]
        assert said["effect_hash"] == loop.journal.effect_hash
        assert said["entries"] == loop.engine.seq


def test_a_changed_answer_is_found(tmp_path, capsys):
    """The check has teeth: one other byte in a recorded effect, and --verify fails naming its entry."""
    run_recording(shared(CAPTURE), tmp_path / "s")
    from desk.io.journal import read_session
    from desk.journal import encode

    entries, _, _ = read_session(tmp_path / "s")
    victim = next(i for i, entry in enumerate(entries) if entry.effects)
    entries[victim].effects.pop()
    (tmp_path / "s" / JOURNAL).write_bytes(b"".join(map(encode, entries)))
    assert main(["replay", str(tmp_path / "s"), "--verify"]) == 1
    assert f"seq {entries[victim].seq}" in capsys.readouterr().out


def test_a_wrong_digit_stops_the_scores_of_that_book_at_once(tmp_path):
    """The checksum fails within the same message: no score, no signal, one resync asked for."""
    import gzip

    lines = gzip.decompress(shared(CAPTURE).read_bytes()).split(b"\n")
    at = next(i for i, line in enumerate(lines) if i > 300 and b'"update"' in line and b'"bids":[{' in line)
    lines[at] = lines[at].replace(b'"qty":', b'"qty":9', 1)
    broken = tmp_path / "broken.frames.gz"
    broken.write_bytes(gzip.compress(b"\n".join(lines)))
    loop = run_recording(broken, tmp_path / "s")
    track = loop.engine.watch.markets["ETH/USD@kraken"].tracks["book"]
    assert track.crc_bad == 1
    assert track.state is BookState.RESYNC  # nobody answers a recording's resubscription
    assert "ETH/USD@kraken" not in loop.engine.watch.scores
    assert [effect.symbol for effect in loop.resyncs][:1] == ["ETH/USD"]


def test_replaying_needs_only_the_journal(tmp_path):
    """The manifest in its first entry carries the configuration."""
    run_recording(shared(CAPTURE), tmp_path / "s")
    (tmp_path / "s" / "session.json").unlink()
    assert replay(tmp_path / "s", lambda start: build(start).engine)["equal"]
