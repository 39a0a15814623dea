"""desk/run/commands.py, private.py, clock.py: a person's words, a private call's guard, a clock that was set."""

from __future__ import annotations

import asyncio
import os

import pytest

from desk.errors import Retryable
from desk.events import Command
from desk.market.venue_time import VenueTime
from desk.projections.screen import Screen
from desk.run.clock import JumpDetector
from desk.run.commands import Commands
from desk.run.private import guarded
from desk.run.shared import Inbox, Shared

SECOND = 1_000_000_000


def test_typed_lines_become_commands_in_their_order_however_they_are_cut() -> None:
    """A terminal gives whole lines, a pipe any pieces; what is no command is answered, not posted."""
    inbox, shared, said = Inbox(), Shared[Screen](), []
    shared.publish(Screen(1, "scalping", "embedded", "online", True, 1.0, 7, 1.0, 100.0))
    ours, theirs = os.pipe()
    thread = Commands(inbox, shared, said.append).start(ours)
    for piece in (b"pau", b"se lunch\nresume\n\n", b"STATUS\nresume fed\xff\nki", b"ll now\nsell\n"):
        os.write(theirs, piece)
    os.close(theirs)
    thread.join(10)
    assert not thread.is_alive()
    events, refused = inbox.take()
    assert refused == 0
    assert events == [Command(0, "pause", "lunch"), Command(0, "resume", "fed\ufffd"), Command(0, "kill", "now")]
    assert ["reason" in said[0], "7 frames" in said[1], "'sell' is not" in said[2]] == [True] * 3
    os.close(ours)


def test_a_command_that_was_not_taken_is_said() -> None:
    """Breaks: a person believes the kill switch is on."""
    inbox, said = Inbox(room=1), []
    ours, theirs = os.pipe()
    thread = Commands(inbox, Shared[Screen](), said.append).start(ours)
    os.write(theirs, b"pause\nkill\n")
    os.close(theirs)
    thread.join(10)
    os.close(ours)
    assert said == ["kill NOT TAKEN: 1 events are waiting; press Ctrl-C to stop the desk"]


def ask(time: VenueTime) -> tuple[str, int]:
    """The answer of a guarded call, and how often the venue was asked."""
    asked = []

    async def call() -> str:
        asked.append(1)
        return "token"

    try:
        return asyncio.run(guarded(call, time, patience_s=0.01)()), len(asked)
    except Retryable as err:
        return str(err), len(asked)


def test_no_private_call_leaves_while_the_clock_is_wrong_or_unmeasured() -> None:
    unmeasured, good, wrong = VenueTime(), VenueTime(), VenueTime()
    good.pong(SECOND, SECOND, SECOND, SECOND)
    wrong.pong(SECOND, 4 * SECOND, 4 * SECOND, SECOND)
    assert ask(good) == ("token", 1)
    for time, words in ((unmeasured, "not measured"), (wrong, "+3,000 ms ± 0 against ours, limit 2 s")):
        why, asked = ask(time)
        assert (words in why, asked) == (True, 0)


@pytest.mark.parametrize("step_s", [-86_400, -3_600, -1, 1, 3_600, 86_400])
def test_a_clock_that_was_set_is_seen_once_and_a_slewed_one_never(step_s: int) -> None:
    """500 ppm of slewing for an hour moves it 1.8 s, and is no jump."""
    clock, found = JumpDetector(0, 0), []
    for second in range(1, 7_200):
        steady = second * SECOND
        wall = steady + min(second, 3_600) * 500_000 + (step_s * SECOND if second >= 5_000 else 0)
        if by := clock.look(wall, steady):
            found.append((second, by // SECOND))
    assert found == [(5_000, step_s)]
