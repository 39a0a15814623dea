"""A rehearsed session, asked afterwards: the funnel, why, where an order came from, the engine's state there."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks.hour import Watcher, rehearse
from deploy_trading_systems import build
from desk.config import Config, Fees, Journal
from desk.errors import ConfigError, JournalError
from desk.events import Answer, Command, Fill, Frame, Timer
from desk.intents import Decline, Noted, Signal, Submit, Tell
from desk.journal import Entry, encode, scan, telling
from desk.projections.funnel import FunnelFold
from desk.projections.why import WhyFold
from desk.run.explain import describe as describe_origin
from desk.run.explain import explain
from desk.run.stand import describe as describe_state
from desk.run.stand import stand
from desk.run.why import describe, why
from desk.wire.stamps import format_ns

SYMBOLS = ("BTC/USDT", "ETH/USDT")
INSTS = tuple(f"{symbol}@embedded" for symbol in SYMBOLS)


class Session(NamedTuple):
    base: Path
    folder: Path
    watcher: Watcher
    entries: list[Entry]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    base = tmp_path_factory.mktemp("desk") / "sessions"
    watcher = rehearse(1, 75.0, base / "one", symbols=SYMBOLS)
    entries, _ = scan((base / "one" / "journal.bin").read_bytes())
    return Session(base, base / "one", watcher, entries)


def test_the_funnel_of_the_journal_is_the_strategys_own_count(session: Session) -> None:
    """Breaks: looks between two words are lost or counted twice, and shares of the funnel mean nothing."""
    fold = FunnelFold()
    for entry in session.entries:
        fold.apply(entry.event, entry.effects, entry.seq)
    scalper = session.watcher.loop.engine.seats[0].strategy
    for inst in INSTS:
        funnel = fold.result(inst)
        counted = {code: n for stage in funnel.stages for code, n in stage.codes.items() if stage.gate != "risk"}
        own = dict(scalper.funnel[inst])  # type: ignore[attr-defined]
        since = sum(own.values()) - funnel.looks  # not said yet: at most a second of them, all of the last code
        last = scalper.slots[inst].code  # type: ignore[attr-defined]
        assert funnel.signals == own.pop("SIGNAL", 0)
        counted[last] = counted.get(last, 0) + since
        assert counted == own
        assert funnel.looks > 1_000
        assert [stage.reached for stage in funnel.stages[:9]] == [
            funnel.looks - sum(before.stopped for before in funnel.stages[:i]) for i in range(9)
        ]
        assert funnel.stages[8].reached - funnel.stages[8].stopped == funnel.signals
        assert funnel.stages[9].reached == funnel.signals
        assert funnel.stages[9].stopped == funnel.signals - funnel.submitted
    assert sum(fold.result(inst).filled for inst in INSTS) > 0


def test_what_is_streamed_is_every_entry_that_says_something(session: Session) -> None:
    """Breaks: an entry is taken for a quiet one by its last byte, and a signal is missing from the answer."""
    data = (session.folder / "journal.bin").read_bytes()
    said = [e for e in session.entries if e.effects or not isinstance(e.event, (Frame, Timer, Answer))]
    assert list(telling(data)) == said
    assert list(telling(data, everything=True)) == session.entries
    assert len(said) < len(session.entries) / 2


def test_why_names_the_last_no_before_the_moment_with_its_numbers(session: Session) -> None:
    moments = [session.entries[0].event.ts + int(s * 1e9) for s in (20, 40, 60)]
    for moment in moments:
        found = why(session.base, "", "btc", format_ns(moment, 9))
        said = [
            effect.what for e in session.entries if e.event.ts <= moment
            for effect in e.effects if isinstance(effect, Noted) and effect.what.inst == INSTS[0]
        ]  # fmt: skip
        last = said[-1]
        assert found["code"] == (last.code if isinstance(last, Decline) else "SIGNAL")
        if isinstance(last, Decline):
            assert found["numbers"] == last.because
        gates = {gate["gate"]: gate for gate in found["gates"]}
        states = [gate["state"] for gate in found["gates"]]
        no = states.index("NO") if "NO" in states else len(states)
        assert set(states[:no]) == {"passed"}
        assert set(states[no + 1 :]) <= {"not asked"}
        assert gates["freshness"]["text"].startswith("last proof")
        text = describe(found)
        assert "SIMULATED" in text
        assert found["code"].rpartition(":")[2] in text


def test_every_order_leads_back_to_the_entry_that_holds_it(session: Session) -> None:
    """Breaks: an order is explained by the signal of another trade, or by an event that did not cause it."""
    orders = {
        effect.order_id: (e, effect) for e in session.entries for effect in e.effects if isinstance(effect, Submit)
    }
    fills: dict[str, int] = {}
    for e in session.entries:
        if isinstance(e.event, Fill):
            fills[e.event.order_id] = fills.get(e.event.order_id, 0) + 1
    assert len(orders) >= 3
    exits = 0
    for name, (entry, submit) in orders.items():
        found = explain(session.base, "one", name)
        assert found["event"]["seq"] == entry.seq
        assert found["intent"]["because"] == dict(submit.place.because)
        assert sum(answer["what"] == "filled" and "fee" in answer for answer in found["after"]) == fills.get(name, 0)
        assert found["signal"] is not None
        if submit.place.reason == "entry":
            assert found["signal"]["seq"] == entry.seq
            assert not found["opened_by"]
        else:
            exits += 1
            assert found["opened_by"] in orders
        assert f"--to {entry.seq}" in describe_origin(found)
    assert exits


def test_a_signal_that_risk_refused_is_explained_by_its_rule(session: Session) -> None:
    """The first signal comes before the venue's clock is measured: refused, and said so."""
    refused = next(
        e.effects[i].what  # type: ignore[union-attr]
        for e in session.entries
        for i, effect in enumerate(e.effects)
        if isinstance(effect, Noted) and isinstance(effect.what, Signal)
        and not any(isinstance(x, Submit) and x.place.inst == effect.what.inst for x in e.effects)
    )  # fmt: skip
    found = explain(session.base, "", refused.signal_id)
    assert found["verdict"]["code"] == "RISK_CLOCK"
    assert "REFUSED: RISK_CLOCK" in describe_origin(found)


def test_the_engine_stands_where_it_stood(session: Session) -> None:
    """Breaks: the state shown for an entry is that of another one."""
    submitted = next(e for e in session.entries if any(isinstance(effect, Submit) for effect in e.effects))
    state = stand(session.folder, submitted.seq, lambda start: build(start).engine)
    assert state["equal"]
    assert state["seq"] == submitted.seq
    assert list(state["orders"]) == [e.order_id for e in submitted.effects if isinstance(e, Submit)]
    inst = state["symbols"][INSTS[0]]
    assert inst["book"]["level3"]["state"] == "SYNCED"
    assert len(inst["book"]["book"]["bids"]) == 5
    terms = [value for name, value in inst["numbers"].items() if name.startswith("of_technical_")]
    assert sum(terms) == pytest.approx(inst["numbers"]["technical"])
    assert "the recorded answer" in describe_state(state)
    with pytest.raises(ConfigError, match="ends at entry"):
        stand(session.folder, len(session.entries) + 1, lambda start: build(start).engine)


def test_questions_nobody_can_answer_are_refused_with_what_there_is(session: Session) -> None:
    for ask, words in (
        (lambda: why(session.base, "", "DOGE/USDT", ""), "it has BTC/USDT, ETH/USDT"),
        (lambda: why(session.base, "", "BTC/USDT", "soon"), "write HH:MM"),
        (lambda: why(session.base, "", "BTC/USDT", "23:00"), "ran from 2026-01-05T09:00:00Z"),
        (lambda: explain(session.base, "", "o99"), "the last orders are o"),
        (lambda: why(session.base, "two", "BTC/USDT", ""), "holds one"),
        (lambda: why(session.base / "none", "", "BTC/USDT", ""), "holds no session yet"),
    ):
        with pytest.raises((ConfigError, JournalError), match=words):
            ask()


def test_a_session_that_is_being_written_answers_and_a_damaged_one_does_not(session: Session, tmp_path: Path) -> None:
    """The last record is half written while a run goes on; a hole in the middle is never read over."""
    data = (session.folder / "journal.bin").read_bytes()
    (tmp_path / "running").mkdir()
    (tmp_path / "running" / "journal.bin").write_bytes(data[:-7])
    found = why(tmp_path, "", "BTC/USDT", "")
    assert found["state"] == "running"
    assert found["looks"] > 1_000
    half = len(data) // 2
    (tmp_path / "running" / "journal.bin").write_bytes(data[:half] + bytes(9) + data[half + 9 :])
    with pytest.raises(JournalError, match="damaged at byte"):
        why(tmp_path, "", "BTC/USDT", "")


@pytest.mark.parametrize(("tier", "trades"), [("kraken", False), ("free", True)])
def test_fees_decide_and_the_arithmetic_is_shown(tier: str, trades: bool, tmp_path: Path) -> None:
    """The same market: refused at Kraken's entry tier with the sum that says why, traded where it costs nothing."""
    config = Config(fees=Fees(embedded=tier), journal=Journal(dir=str(tmp_path)))  # type: ignore[arg-type]
    watcher = rehearse(1, 20.0, tmp_path / "s", config, ("ETH/USDT",))
    found = why(tmp_path, "s", "ETH", "")
    edge = next(gate for gate in found["gates"] if gate["gate"] == "edge")
    assert bool(watcher.orders) == trades
    assert (edge["stopped"] > 0) == (not trades)
    if not trades:
        assert list(edge["codes"]) == ["EDGE_BELOW_COST"]
        assert "25.0 fee in + 40.0 fee out" in edge["text"]
        assert "of trades would have to win" in edge["text"]


def test_latches_stand_in_the_way_until_they_are_lifted(session: Session) -> None:
    fold = WhyFold()
    fold.apply(Command(1, "pause", "lunch"), [Tell("alarm", "PAUSE", "lunch", 1)], 1)
    fold.apply(Timer(2, "beat"), [Tell("alarm", "LOSING_STREAK", "5 in a row", 2)], 2)
    assert list(fold.answer(INSTS[0], 3)["latches"]) == ["PAUSE", "LOSING_STREAK"]
    fold.apply(Timer(4, "beat"), [Tell("info", "COOL_DOWN_OVER", "", 4)], 4)
    assert list(fold.answer(INSTS[0], 5)["latches"]) == ["PAUSE"]
    fold.apply(Command(6, "resume", "fed"), [Tell("info", "RESUME", "lifted: lunch", 6)], 6)
    assert fold.answer(INSTS[0], 7)["latches"] == {}


def test_the_manifest_comes_first(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "journal.bin").write_bytes(encode(Entry(1, Timer(1, "beat"), [])))
    with pytest.raises(JournalError, match="does not begin with a session's manifest"):
        stand(tmp_path / "s", 1, lambda start: build(start).engine)
