"""A session measured while it runs, and again from its journal: the same numbers, and the verbs that show them."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.hour import rehearse
from deploy_trading_systems import build, main
from desk.errors import JournalError
from desk.io.journal import JOURNAL, read_session
from desk.journal import encode
from desk.projections.signal_health import Samples
from desk.research.track_record import track_record
from desk.run import loop
from desk.run.evidence_rows import EvidenceRows, evidence_summary, record_rows
from desk.run.observe import Observer
from desk.run.review import observed, performance_of, session_folder
from desk.run.review_text import health_text
from hft_signals import decay


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    """Seed 2 for a hundred seconds, observed while it ran; its journal."""
    folder = tmp_path_factory.mktemp("review") / "sessions" / "20260105T090000Z-scalping"
    folder.parent.mkdir()
    seen = []

    class Observed(loop.Loop):
        def __init__(self, engine, *parts):
            seen.append(Observer(engine, decay))
            super().__init__(engine, *parts, observer=seen[0])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.hour.Loop", Observed)
        watcher = rehearse(2, 100, folder)
    return watcher, seen[0], folder


def test_the_journal_gives_the_numbers_of_the_run(sessions):
    """Trades with slippage and markouts, samples and signals: equal to the last digit."""
    watcher, live, folder = sessions
    again = observed(folder, build).observer
    now, then = again.performance.result(), live.performance.result()
    assert len(then.trades) > 0
    assert now == then
    for key, samples in live.samples.samples.items():
        np.testing.assert_array_equal(again.samples.samples[key].rows, samples.rows)
    assert list(again.samples.issued) == list(live.samples.issued)
    counts = watcher.loop.blotter.result()
    assert sum(t.n for t in then.totals.values()) == counts.closed
    assert len([f for r in then.trades for f in r.fills] + list(then.open_fills)) == counts.fills
    assert all(r.slippage is not None for r in then.trades)


def test_a_truncated_session_has_the_same_samples_as_far_as_it_goes(sessions, tmp_path):
    """Nothing that came later may have touched a sample: the look-ahead test."""
    _, live, folder = sessions
    entries, _, _ = read_session(folder)
    (tmp_path / JOURNAL).write_bytes(b"".join(map(encode, entries[: len(entries) // 3])))
    shorter = observed(tmp_path, build).observer
    for key, samples in shorter.samples.samples.items():
        assert len(samples) > 20
        np.testing.assert_array_equal(samples.rows, live.samples.samples[key].rows[: len(samples.rows)])


def test_the_verb_performance_shows_the_record_with_n_interval_and_cost(sessions, capsys, monkeypatch):
    """No share of wins without n, interval and net expectancy; what is simulated says so. The newest session counts."""
    _, _, folder = sessions
    said = performance_of(observed(folder, build))
    assert (said["market"], said["fills_are"]) == ("SIMULATED", "SIMULATED (paper)")
    (total,) = said["totals"]
    assert total["sums"]["n"] == total["expectancy"]["n"] == len(said["trades"])
    assert total["expectancy"]["word"] == "INSUFFICIENT DATA"
    assert {group["what"] for group in said["groups"]} == {"symbol", "hour", "exit"}
    assert said["latency_us"]["order_accepted"]["p50"] == pytest.approx(50_000, rel=0.005)
    monkeypatch.chdir(folder.parent.parent)
    assert main(["performance"]) == 0
    text = capsys.readouterr().out
    assert "SIMULATED market, fills SIMULATED (paper)" in text
    assert f"INSUFFICIENT DATA (n {total['sums']['n']}, need 783)" in text


def test_the_verb_health_says_that_it_is_too_early(sessions, capsys, monkeypatch):
    """A hundred seconds are not nine hundred: in the text and in the JSON."""
    _, _, folder = sessions
    monkeypatch.chdir(folder.parent.parent)
    assert main(["health", folder.name, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    words = [one["word"] for one in said["scores"][0]["ics"]["score"]]
    assert words == ["INSUFFICIENT DATA"] * 6 + ["NOT MEASURED"] * 2  # not one whole minute of seconds
    text = health_text(said)
    assert "BTC/USDT@embedded L3: 101 s of scores; the score: INSUFFICIENT DATA" in text
    assert "INSUFFICIENT DATA (n 100, need 900)" in text
    assert "mirrored book off by 0" in text


def test_the_screen_is_told_the_short_form_one_measurement_a_second(sessions):
    """Six measurements for two symbols at three horizons: all there after six seconds, none of them in between."""
    _, live, _ = sessions
    rows = EvidenceRows()
    counts = [len(rows.health(live, quarter * 250_000_000)) for quarter in range(25)]
    assert counts == [min(1 + quarter // 4, 6) for quarter in range(25)]
    assert {row.horizon_s for row in rows.health(live, 0)} == {1.0, 5.0, 30.0}
    (row,) = record_rows(live)
    assert row.low < row.wins < row.high or row.wins in (0.0, 1.0)
    assert row.net == pytest.approx(row.gross - row.fees)
    (total,) = track_record(live.performance.result()).totals  # the verb says the same as the screen
    assert row.net_bps == pytest.approx(total.expectancy.net.value)
    assert row.payoff == (None if total.expectancy.payoff is None else pytest.approx(total.expectancy.payoff))
    said = evidence_summary(live)
    assert said["performance"]["records"][0]["n"] == row.n
    assert [one["says"] for one in said["health"]] == ["no evidence"] * 2
    assert evidence_summary(None) == {}
    assert EvidenceRows().health(None, 0) == record_rows(None) == ()


def test_a_tier_that_was_used_for_a_moment_makes_room_for_the_one_that_is_measured(sessions):
    """Three rows that say nothing stood before those that do."""
    _, live, _ = sessions
    inst = "BTC/USDT@embedded"
    empty, full = Samples(inst, "L2", 0, 100), live.samples.samples[inst, "L3"]
    observer = SimpleNamespace(samples=SimpleNamespace(samples={(inst, "L2"): empty, (inst, "L3"): full}))
    rows = EvidenceRows()
    shown = [[row.tier for row in rows.health(observer, second * 1_000_000_000)] for second in range(6)]
    assert shown == [["L2"] * n for n in (1, 2, 3)] + [["L3"] * n for n in (1, 2, 3)]


def test_a_folder_without_sessions_is_an_error_that_names_the_fix(tmp_path):
    with pytest.raises(JournalError, match="no recorded session; name one, or record one"):
        session_folder(None, tmp_path)


def test_the_verb_knowledge_gives_the_facts_of_all_named_sessions_together(sessions, capsys, monkeypatch):
    """A session named twice counts once; each trade is under its side, its hour and its ending; nobody knows XRP."""
    _, live, folder = sessions
    monkeypatch.chdir(folder.parent.parent)
    assert main(["knowledge", folder.name, str(folder), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    trades = [record.trade for record in live.performance.result().trades]
    for kind in ("closed trades", "entered", "ended by"):
        assert sum(fact["n"] for fact in facts if fact["object"].startswith(kind)) == len(trades)
    assert {fact["word"] for fact in facts} == {"INSUFFICIENT DATA"}
    assert {fact["source"] for fact in facts} == {"fills SIMULATED (paper), market SIMULATED"}
    subject = f"{trades[0].inst} {'long' if trades[0].side > 0 else 'short'}"
    assert main(["knowledge", "--about", subject]) == 0
    text = capsys.readouterr().out
    assert text.count("closed trades") == 1
    assert f"{subject}: fills SIMULATED (paper), market SIMULATED" in text
    assert main(["knowledge", "--about", "XRP*"]) == 0
    assert f'nothing is known about "XRP*"; known: {facts[0]["subject"]}' in capsys.readouterr().out
