"""The whole desk on the simulated market in its own time, with an observer that looks after every event."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from shared import ROOT

from benchmarks.hour import TIGHT, rehearse
from deploy_trading_systems import build
from desk.config import Config
from desk.errors import DeskError
from desk.run.breakouts import breakouts_of
from desk.run.replay import describe, replay
from desk.sim.rehearsal import Rehearsal

SYMBOL = ("BTC/USDT", "ETH/USDT")


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A hundred seconds with seed 2, watched."""
    folder = tmp_path_factory.mktemp("rehearsal") / "session"
    return rehearse(2, 100, folder), folder


def test_every_invariant_holds_at_every_event_and_every_order_ends(watched):
    """The observer raises at the first event after which something is untrue."""
    watcher, _ = watched
    assert watcher.events > 5_000
    assert watcher.loop.blotter.result().fills > 0
    assert all(order.ended for order in watcher.orders.values())
    assert 0.0 < watcher.peak_share <= 1.0


def test_its_journal_gives_the_same_answers_again(watched):
    """Byte for byte; and says of every symbol what its false-breakout filter was worth, as the run itself would."""
    watcher, folder = watched
    again = replay(folder, lambda start: build(start).engine)
    assert again["equal"]
    assert again["breakouts"] == breakouts_of(watcher.loop.engine)
    assert list(again["breakouts"]) == [f"{symbol}@embedded" for symbol in SYMBOL]
    assert describe(again).count("breaks of the 20-minute range") == len(SYMBOL)


def test_after_a_breaker_nothing_enters(tmp_path):
    """Limits so narrow that the first losing trade trips one; the observer knows an entry from an exit by itself."""
    watcher = rehearse(2, 100, tmp_path / "session", Config(risk=TIGHT))
    assert any(state.startswith("halted") for state in watcher.breaks)
    assert watcher.loop.blotter.result().refusals.get("RISK_HALTED", 0) > 0


def test_a_rehearsal_in_one_go_and_in_two_has_the_same_frames():
    """The market's time is its own: nobody's clock is asked."""
    one = list(Rehearsal(7, SYMBOL).events(3))
    assert one == list(Rehearsal(7, SYMBOL).events(3))
    assert one[: len(list(Rehearsal(7, SYMBOL).events(2)))] == list(Rehearsal(7, SYMBOL).events(2))
    assert one != list(Rehearsal(8, SYMBOL).events(3))


def test_a_symbol_that_is_not_listed_is_refused_with_the_list():
    with pytest.raises(DeskError, match=r"does not list DOGE/USDT. It lists BTC/USD"):
        Rehearsal(1, ("DOGE/USDT",))


@pytest.mark.e2e
def test_the_same_seed_gives_the_same_session_at_any_speed(tmp_path):
    """Through the command line: the effects' hash says that every signal and order is the same, at the same time."""
    said = []
    for speed in ("max", "20"):
        run = subprocess.run(
            [
                sys.executable,
                ROOT / "deploy_trading_systems.py",
                *f"--mode scalping --speed {speed} --duration 20 --seed 4 --json".split(),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        said.append(json.loads(run.stdout))
    assert said[0]["effect_hash"] == said[1]["effect_hash"]
    assert said[0]["signals"] == said[1]["signals"]
