"""desk/run/recovery.py: what a crash leaves is found, proven, and gone on from; anything odd waits for a person."""

from __future__ import annotations

import random
import shutil

import pytest
from dead_session import SYMBOLS, engine_of, run

from desk.errors import JournalError
from desk.events import Command, Ended
from desk.intents import Submit
from desk.io import latch
from desk.io.journal import JOURNAL, SUMMARY, read_session
from desk.journal import Entry, encode
from desk.risk.checkpoint import handover
from desk.run.recovery import describe, recover
from desk.run.replay import replay
from desk.sim.rehearsal import BEGIN

EXITS = {"stop", "take_profit", "time_stop", "book_turned"}


@pytest.fixture(scope="module")
def dead(tmp_path_factory):
    """Twenty seconds with a position open at their end."""
    folder = tmp_path_factory.mktemp("dead") / "20260105T090000Z-scalping"
    loop = run(folder, 20)
    assert any(loop.engine.seats[0].held.values())
    return folder


def left_behind(dead, sessions, name="20260105T090000Z-scalping", data=None):
    folder = sessions / name
    shutil.copytree(dead, folder)
    if data is not None:
        (folder / JOURNAL).write_bytes(data)
    return folder


def test_a_crash_at_any_byte_is_recovered_to_the_longest_whole_part(dead, tmp_path):
    """I26: positions, cash and orders are those of an engine that saw exactly what is whole in the file."""
    data = (dead / JOURNAL).read_bytes()
    entries, _, _ = read_session(dead)
    ends = [0]
    for entry in entries:
        ends.append(ends[-1] + len(encode(entry)))
    money = [i for i, e in enumerate(entries) if e.event.__struct_config__.tag in ("fill", "ended", "sent")]
    sent = [i for i, e in enumerate(entries) if any(isinstance(effect, Submit) for effect in e.effects)]
    dice = random.Random(5)
    cuts = [ends[i + 1] + extra for i in sorted({*sent, *money}) for extra in (0, 5)]
    cuts += dice.sample(range(ends[1], len(data)), 4)
    for number, cut in enumerate(cuts):
        sessions = tmp_path / str(number)
        left_behind(dead, sessions, data=data[:cut])
        found = recover(sessions, "embedded", SYMBOLS, engine_of)
        whole = max(i for i, end in enumerate(ends) if end <= cut)
        assert (found.entries, found.torn_bytes) == (whole, cut - ends[whole])
        engine = engine_of(entries[0].event)
        for entry in entries[:whole]:
            engine.step(entry.event)
        truth = handover(engine.portfolio, engine.account, engine.life, ())
        got = found.handover
        assert (got.cash, got.positions, got.seats) == (truth.cash, truth.positions, truth.seats)
        assert got.orders == truth.orders
        assert found.differences == ()


def test_the_next_session_goes_on_leaves_the_position_as_planned_and_replays_by_itself(dead, tmp_path):
    """Restarted twice is restarted once; the exit has its reason; the ledger adds up; no order id comes again."""
    left_behind(dead, tmp_path)
    first = recover(tmp_path, "embedded", SYMBOLS, engine_of)
    run(tmp_path / "20260105T090100Z-scalping", 0.5, "a2", first)
    found = recover(tmp_path, "embedded", SYMBOLS, engine_of)
    assert found.session == "20260105T090100Z-scalping"
    assert (found.handover.held, found.handover.cash) == (first.handover.held, first.handover.cash)
    assert found.handover.exits == first.handover.exits
    trades = found.handover.trades
    loop = run(tmp_path / "b", 100, "a3", found, until=lambda loop: loop.engine.portfolio.trades > trades)
    assert loop.engine.account.last_trade.reason in EXITS
    assert loop.engine.account.last_trade.opened == first.handover.positions[0].opened
    loop.engine.portfolio.check()
    again = replay(tmp_path / "b", engine_of)
    assert again["equal"]
    ids = [
        effect.order_id
        for folder in tmp_path.iterdir()
        for entry in read_session(folder)[0]
        for effect in entry.effects
        if isinstance(effect, Submit)
    ]
    assert len(set(ids)) == len(ids) > 1


def test_an_order_on_its_way_is_in_doubt_and_ends_by_the_evidence_that_its_venue_is_gone(dead, tmp_path):
    """The journal ends with the intent: nobody knows whether it left."""
    entries, _, _ = read_session(dead)
    at = next(i for i, e in enumerate(entries) if any(isinstance(effect, Submit) for effect in e.effects))
    left_behind(dead, tmp_path, data=b"".join(map(encode, entries[: at + 1])))
    found = recover(tmp_path, "embedded", SYMBOLS, engine_of)
    (order,) = found.orders
    assert order.state == "INTENT"
    loop = run(tmp_path / "b", 0.5, "a2", found)
    assert loop.engine.life.get(order.order_id).state == "CANCELED"
    assert loop.engine.account.open_orders == {}
    told = [entry.event for entry in read_session(tmp_path / "b")[0] if isinstance(entry.event, Ended)]
    assert told[0].why == "cancelled: the paper venue ended with its process"


def test_a_journal_damaged_in_its_middle_is_refused_untouched_with_the_way_on(dead, tmp_path):
    """F3: never repaired by leaving something out."""
    data = bytearray((dead / JOURNAL).read_bytes())
    data[len(data) // 2] ^= 1
    folder = left_behind(dead, tmp_path, data=bytes(data))
    with pytest.raises(JournalError, match=r"damaged at byte \d+.*--fresh"):
        recover(tmp_path, "embedded", SYMBOLS, engine_of)
    assert (folder / JOURNAL).read_bytes() == data


def test_answers_that_differ_in_a_replay_and_positions_nobody_watches_wait_for_a_person(dead, tmp_path):
    """Nothing goes on into new risk before somebody has looked."""
    entries, _, _ = read_session(dead)
    victim = next(i for i, e in enumerate(entries) if len(e.effects) > 1)
    entries[victim] = Entry(entries[victim].seq, entries[victim].event, entries[victim].effects[1:])
    left_behind(dead, tmp_path, data=b"".join(map(encode, entries)))
    found = recover(tmp_path, "embedded", ("XRP/USDT",), engine_of)
    assert [word.partition(" ")[2] for word in found.differences] == [
        "recorded answers differ in a replay",
        "is held and not watched by this run; start it with that symbol too",
    ]
    halt = found.events(BEGIN)[-1]
    assert isinstance(halt, Command)
    assert halt.what == "halt"
    assert "NO ENTRIES" in describe(found)[-1]
    loop = run(tmp_path / "b", 5, "a2", found)
    assert loop.engine.account.halted == "recovery"
    assert loop.gate.reduce_only
    assert loop.blotter.result().orders == 0


def test_a_breaker_stays_open_over_the_crash_until_a_person_re_armed(dead, tmp_path):
    """I14, also between two sessions."""
    entries, _, _ = read_session(dead)
    engine = engine_of(entries[0].event)
    for entry in entries:
        engine.step(entry.event)
    halt = Command(entries[-1].event.ts, "halt", "drawdown: 6 % below the peak")
    stop = Command(entries[-1].event.ts, "stop", "")
    entries += [Entry(engine.seq + 1, event, engine.step(event)) for event in (halt, stop)]
    left_behind(dead, tmp_path, data=b"".join(map(encode, entries)))
    assert recover(tmp_path, "embedded", SYMBOLS, engine_of).handover.halted == "drawdown"
    latch.rearm(tmp_path, "looked into it", halt.ts + 1)
    assert recover(tmp_path, "embedded", SYMBOLS, engine_of).handover.halted == ""


def test_only_the_newest_session_of_the_venue_counts_and_only_if_it_never_ended(dead, tmp_path):
    """What ended, or is another market's, or was left before something that ended, is left alone."""
    assert recover(tmp_path, "embedded", SYMBOLS, engine_of) is None
    left_behind(dead, tmp_path, "20260105T090000Z-scalping")
    assert recover(tmp_path, "kraken", SYMBOLS, engine_of) is None
    (tmp_path / "20260105T090200Z-scalping").mkdir()
    (tmp_path / "20260105T090200Z-scalping" / JOURNAL).touch()  # killed before its first entry
    assert recover(tmp_path, "embedded", SYMBOLS, engine_of).session == "20260105T090000Z-scalping"
    ended = left_behind(dead, tmp_path, "20260105T090100Z-scalping")
    (ended / SUMMARY).write_text("{}")
    assert recover(tmp_path, "embedded", SYMBOLS, engine_of) is None
