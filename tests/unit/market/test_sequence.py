"""desk/market/sequence.py: the first message that does not follow is named, and nothing unproven reaches a book."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.errors import GapError
from desk.market.sequence import PATIENCE, DiffChain, FrameCount
from desk.messages import BookUpdate, Numbered


def diff(first, last, previous=-1):
    return BookUpdate("X@v", (), (), False, first=first, last=last, previous=previous)


def snapshot(last):
    return BookUpdate("X@v", (), (), True, first=last, last=last)


def ends(updates):
    return [update.last for update in updates]


def test_updates_wait_for_the_snapshot_and_join_it():
    """Older ones are in the snapshot; the one that reaches beyond it comes first."""
    chain = DiffChain("X@v")
    assert [chain.apply(diff(*each)) for each in ((1, 4), (5, 5), (6, 9), (10, 10))] == [[], [], [], []]
    assert ends(chain.apply(snapshot(7))) == [7, 9, 10]
    assert (chain.waiting, chain.last, chain.dropped) == (False, 10, 2)
    assert ends(chain.apply(diff(11, 12))) == [12]


@pytest.mark.parametrize(("last", "joins"), [(3, False), (4, True), (5, True), (9, True), (10, True), (11, True)])
def test_the_bridge_of_the_documentation(last, joins):
    """U <= L + 1 <= u for the first update used; a snapshot from before the stream began must be fetched again."""
    chain = DiffChain("X@v")
    chain.apply(diff(5, 10))
    if joins:
        assert ends(chain.apply(snapshot(last))) == ([last, 10] if last < 10 else [last])
        assert ends(chain.apply(diff(11, 12))) == ([12] if last < 12 else [])
    else:
        with pytest.raises(GapError, match=f"expected sequence {last + 1}, received 5"):
            chain.apply(snapshot(last))
        assert chain.waiting
        assert ends(chain.apply(snapshot(6))) == [6, 10]  # nothing was lost by asking again


def test_a_stream_that_begins_after_the_snapshot_is_a_gap():
    """The snapshot came first, the subscription too late."""
    chain = DiffChain("X@v")
    chain.apply(snapshot(5))
    with pytest.raises(GapError, match="expected sequence 6, received 7"):
        chain.apply(diff(7, 8))
    assert ends(chain.apply(snapshot(6))) == [6, 8]


def test_futures_follow_their_previous_and_not_their_first():
    """Their numbers are shared by every symbol: holes between u and the next U are normal."""
    chain = DiffChain("X@v")
    chain.apply(diff(100, 110, 90))
    assert ends(chain.apply(snapshot(105))) == [105, 110]
    assert ends(chain.apply(diff(150, 160, 110))) == [160]
    with pytest.raises(GapError, match="expected sequence 160, received 170"):
        chain.apply(diff(180, 190, 170))


FAULTS = {
    "lost": ([1, 2, 3, 5, 6, 7], 3),
    "swapped": ([1, 2, 4, 3, 5, 6], 2),
    "repeated": ([1, 2, 3, 3, 4, 5], 3),
    "an older one": ([1, 2, 3, 4, 1, 5], 4),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_found_at_its_message(fault):
    """And the book is left alone until another snapshot joins the stream."""
    numbers, at = FAULTS[fault]
    chain = DiffChain("X@v")
    chain.apply(snapshot(0))
    bad = []
    for place, number in enumerate(numbers):
        try:
            applied = chain.apply(diff(number, number))
        except GapError:
            bad.append(place)
            applied = []
        assert bool(applied) == (place < at)
    assert bad[0] == at
    assert ends(chain.apply(snapshot(max(numbers) - 1)))[-1] in (max(numbers) - 1, max(numbers))
    assert not chain.waiting


def test_a_snapshot_older_than_what_was_let_go_is_refused():
    """After a repeated message nothing is kept: an old snapshot would leave a hole that no later message shows."""
    chain = DiffChain("X@v")
    chain.apply(snapshot(0))
    for number in (1, 2, 3):
        chain.apply(diff(number, number))
    with pytest.raises(GapError):
        chain.apply(diff(3, 3))
    with pytest.raises(GapError, match="expected sequence 3, received 4"):
        chain.apply(snapshot(2))
    assert ends(chain.apply(snapshot(3))) == [3]


def test_an_old_snapshot_of_a_good_book_is_ignored():
    """A late answer must not turn the book back."""
    chain = DiffChain("X@v")
    chain.apply(snapshot(5))
    chain.apply(diff(6, 9))
    assert chain.apply(snapshot(7)) == []
    assert (chain.stale, chain.last) == (1, 9)
    assert ends(chain.apply(diff(10, 10))) == [10]


def test_waiting_is_bounded_and_stays_sound():
    """A snapshot that never comes costs bounded memory; one older than what is kept is refused."""
    chain = DiffChain("X@v")
    for number in range(1, PATIENCE + 101):
        chain.apply(diff(number, number))
    with pytest.raises(GapError, match="expected sequence 51, received 101"):
        chain.apply(snapshot(50))
    assert ends(chain.apply(snapshot(100)))[:2] == [100, 101]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30), st.integers(0, 160), st.integers(0, 30))
def test_a_joined_book_holds_every_number_once(widths, last, when):
    """Whenever the snapshot comes: what is applied runs on without a hole, or the snapshot is refused for its age."""
    chain, at, applied = DiffChain("X@v"), 50, []
    refused = False
    for place, width in enumerate(widths):
        if place == when:
            try:
                applied += chain.apply(snapshot(last))
            except GapError:
                refused = True
        try:
            applied += chain.apply(diff(at + 1, at + width))
        except GapError:
            refused = True
            break
        at += width
    assert refused == (when < len(widths) and last < 50)
    held = last
    for update in applied[1:]:
        assert update.first - 1 <= held < update.last
        held = update.last


@pytest.mark.parametrize(
    ("numbers", "bad"),
    [
        ([0, 1, 2, 3], []),
        ([0, 1, 3, 4], [2]),
        ([0, 2, 1, 3], [1, 2]),
        ([0, 1, 1, 2], [2]),
        ([1, 2, 3], [0]),
    ],
)
def test_the_count_of_a_connection(numbers, bad):
    """From 0; one fault is told once per message it concerns, and the count goes on."""
    count, found = FrameCount("coinbase"), []
    for place, number in enumerate(numbers):
        try:
            count.apply(Numbered(number))
        except GapError:
            found.append(place)
    assert found == bad
    assert count.next == max(numbers) + 1
