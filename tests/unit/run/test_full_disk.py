"""desk/run/loop.py on a full disk: no order without its intent, exits through the reserve, and on without a restart."""

from __future__ import annotations

import os

from dead_session import begin, engine_of
from full_disk import full_disk

from desk.events import Command, Fill, Sent
from desk.intents import Submit
from desk.io.journal import JOURNAL, RESERVE, read_session, unfinished
from desk.run.replay import replay


def test_a_full_disk_stops_entries_lets_exits_through_and_is_forgotten_when_there_is_space(tmp_path):
    """F1: the position is left by an order whose intent is in the reserve; nothing is missing in the journal later."""
    loop, market = begin(tmp_path / "s")
    events = market.events(150)
    while not (held := {inst: lots for inst, lots in loop.engine.account.positions.items() if lots}):
        loop.arrive(next(events), 0)
    loop.journal.flush()
    full = os.path.getsize(tmp_path / "s" / JOURNAL)
    first = loop.engine.seq
    with full_disk(full):
        while loop.engine.portfolio.trades == 0:
            loop.arrive(next(events), 0)
        for _ in range(500):
            loop.arrive(next(events), 0)
        assert os.path.getsize(tmp_path / "s" / JOURNAL) <= full
        assert loop.engine.account.state(loop.now).startswith("halted: ")
        spared = read_session(tmp_path / "s")[0]
        exits = [e for e in spared if e.seq > first and any(isinstance(effect, Submit) for effect in e.effects)]
        assert {effect.place.inst for e in exits for effect in e.effects if isinstance(effect, Submit)} <= set(held)
        assert any(isinstance(e.event, Fill) for e in spared if e.seq > first)
    for _ in range(500):
        loop.arrive(next(events), 0)
    assert loop.journal.broken == loop.engine.account.unrecorded == ""
    assert not any((tmp_path / "s" / RESERVE).read_bytes())
    loop.journal.flush()
    entries, torn, _ = read_session(tmp_path / "s")
    assert ([e.seq for e in entries], torn) == (list(range(1, loop.engine.seq + 1)), 0)
    words = {e.event.what: e.seq for e in entries if isinstance(e.event, Command)}
    assert list(words) == ["broken", "mended"]
    out = [e.event for e in entries if isinstance(e.event, Sent) and words["broken"] < e.seq < words["mended"]]
    places = {effect.order_id: effect.place for e in entries for effect in e.effects if isinstance(effect, Submit)}
    assert out
    assert all(places[sent.order_id].reason != "entry" for sent in out)
    loop.journal._close()
    assert replay(tmp_path / "s", engine_of)["equal"]
    assert unfinished(tmp_path / "s").torn == 0
