"""desk/run/loop.py: when something happens by itself, for whoever has to be there then."""

from __future__ import annotations

from types import SimpleNamespace

from benchmarks.whole import Desk
from desk.intents import Wake
from desk.run.loop import BEAT


def test_due_is_the_first_of_beat_timer_and_venue_and_until_lets_it_happen() -> None:
    """A frame that comes when one of them is overdue would wait for it."""
    desk = Desk()
    loop, now = desk.loop, desk.now
    beat = loop.due
    assert now < beat <= now + BEAT
    loop._perform(Wake(beat - 30, "0/x"), now)
    assert loop.due == beat - 30
    venue, loop.venue = loop.venue, SimpleNamespace(next_at=beat - 40)  # type: ignore[assignment]
    assert loop.due == beat - 40
    loop.venue = venue
    before = loop.engine.seq
    loop.until(beat - 31)
    assert (loop.due, loop.engine.seq) == (beat - 30, before)
    loop.until(loop.due)
    assert (loop.due, loop.engine.seq) == (beat, before + 1)
    loop.until(loop.due)
    assert (loop.due, loop.engine.seq) == (beat + BEAT, before + 2)
