"""Facts and the store that needs no database."""

from __future__ import annotations

import pytest

from desk.knowledge import Fact, MemoryStore, Pattern

LONG = Fact("BTC long", "HAD_OUTCOME", "entered 14 UTC", ts=10, n=3)
SHORT = Fact("BTC short", "HAD_OUTCOME", "entered 14 UTC", ts=20)
LEAD = Fact("BTC", "LEADS", "ETH", ts=30)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (Pattern(), [LEAD, LONG, SHORT]),
        (Pattern(subject="BTC"), [LEAD]),
        (Pattern(subject="BTC *"), [LONG, SHORT]),
        (Pattern(relation="LEADS", object="ETH"), [LEAD]),
        (Pattern(object="*"), [LEAD, LONG, SHORT]),
        (Pattern(since=20), [LEAD, SHORT]),
        (Pattern(subject="ETH"), []),
    ],
)
def test_recall_finds_what_matches_in_a_fixed_order(pattern: Pattern, found: list[Fact]) -> None:
    """The order is part of the answer: reports and replays compare it."""
    store = MemoryStore()
    store.learn([SHORT, LONG, LEAD])
    assert store.recall(pattern) == found


def test_learning_twice_changes_nothing_and_newer_replaces_older_whatever_the_order() -> None:
    """An old journal replayed after a new one must not undo what is known."""
    newer = Fact("BTC long", "HAD_OUTCOME", "entered 14 UTC", ts=11, n=4)
    store = MemoryStore()
    for fact in (LONG, LONG, newer, LONG):
        store.learn([fact])
    assert store.recall(Pattern()) == [newer]


def test_the_store_is_bounded_and_forgets_what_was_learnt_longest_ago() -> None:
    """Every container is."""
    store = MemoryStore(capacity=2)
    store.learn([LONG, SHORT])
    store.learn([LONG])
    store.learn([LEAD])
    assert store.recall(Pattern()) == [LEAD, LONG]
    assert len(store) == 2
