"""desk/run/shared.py: what other threads see is whole, what they say is not lost."""

from __future__ import annotations

import threading
import time

import msgspec
import pytest

from desk.events import Command
from desk.run.shared import Inbox, Shared

POSTERS, EACH, READERS = 6, 2_000, 3


class Count(msgspec.Struct, frozen=True):
    """Torn if its parts disagree."""

    n: int
    minus: int
    text: str


class Loose(msgspec.Struct):
    n: int


def post(inbox: Inbox, number: int, refusals: list[int]) -> None:
    """A poster that tries again until it is taken."""
    for n in range(EACH):
        while not inbox.post(Command(0, "note", f"{number} {n}")):
            refusals[number] += 1
            time.sleep(0.001)


def read(shared: Shared[Count], done: threading.Event, torn: list[Count], reads: list[int]) -> None:
    """A reader that looks as often as it can; a snapshot may be skipped, never mixed or older than the one before."""
    last = count = 0
    while not done.is_set():
        time.sleep(0)  # three readers that never let go would starve everybody else
        if (now := shared.latest) is not None:
            if now.minus != -now.n or now.text != str(now.n) or now.n < last:
                torn.append(now)
            last = now.n
            count += 1
    reads.append(count)


def test_under_stress_no_snapshot_is_torn_and_no_command_lost_or_out_of_order() -> None:
    """Six threads post 12 000 commands through room for 64 while three read every snapshot they can get.

    What `post` accepted must come out once, in its poster's order; what it refused must be counted.
    """
    woken, done = threading.Event(), threading.Event()
    inbox, shared = Inbox(woken.set, room=64), Shared[Count]()
    refusals, torn, reads = [0] * POSTERS, [], []
    posters = [threading.Thread(target=post, args=(inbox, n, refusals)) for n in range(POSTERS)]
    readers = [threading.Thread(target=read, args=(shared, done, torn, reads), daemon=True) for _ in range(READERS)]
    for thread in (*readers, *posters):
        thread.start()
    taken: list[str] = []
    refused = 0
    while len(taken) < POSTERS * EACH:
        assert woken.wait(10), f"nobody woke the writer after {len(taken)} commands"
        woken.clear()
        events, more = inbox.take()
        assert len(events) <= 64
        refused += more
        for event in events:
            taken.append(event.why)
            shared.publish(Count(len(taken), -len(taken), str(len(taken))))
    for thread in posters:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    for number in range(POSTERS):
        assert [why for why in taken if why.startswith(f"{number} ")] == [f"{number} {n}" for n in range(EACH)]
    assert (torn, refused + inbox.take()[1]) == ([], sum(refusals))
    assert len(reads) == READERS
    assert sum(reads) > 0


def test_a_full_inbox_refuses_and_counts_and_wakes_once() -> None:
    woken = []
    inbox = Inbox(lambda: woken.append(1), room=2)
    assert [inbox.post(Command(0, "pause", str(n))) for n in range(4)] == [True, True, False, False]
    assert woken == [1]
    events, refused = inbox.take()
    assert ([event.why for event in events], refused) == (["0", "1"], 2)
    assert inbox.take() == ([], 0)


def test_what_could_still_be_changed_is_not_published() -> None:
    with pytest.raises(TypeError, match="Loose can be changed"):
        Shared[Loose]().publish(Loose(1))
