"""What the desk has learnt: facts as subject → relation → object with numbers, and where they are kept.

A store answers two verbs: `learn(facts)` and `recall(pattern)`. Learning the same fact twice changes nothing; a later
fact about the same three replaces the earlier one. `MemoryStore` is the small one; a database at the edge is another.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec


class Fact(msgspec.Struct, frozen=True):
    """One thing known: "BTC/USDT@kraken long, 14 UTC" "HAD_OUTCOME" "closed trades", with the numbers behind it.

    `ts` ns UTC: the moment up to which it is true. `numbers` are measured, `n` of them; SIMULATED results say so in
    `source` ("paper", "replay", …).
    """

    subject: str
    relation: str
    object: str
    ts: int
    n: int = 0
    numbers: dict[str, float] = {}
    source: str = ""


class Pattern(msgspec.Struct, frozen=True):
    """Which facts to recall: "" is anything, a trailing * a beginning.

    >>> Pattern(subject="BTC/USDT*").matches(Fact("BTC/USDT@kraken long", "HAD_OUTCOME", "closed trades", 0))
    True
    """

    subject: str = ""
    relation: str = ""
    object: str = ""
    since: int = 0

    def matches(self, fact: Fact) -> bool:
        return (
            _fits(self.subject, fact.subject)
            and _fits(self.relation, fact.relation)
            and _fits(self.object, fact.object)
            and fact.ts >= self.since
        )


class KnowledgeStore(Protocol):
    """Where facts live."""

    def learn(self, facts: Iterable[Fact]) -> None: ...

    def recall(self, pattern: Pattern) -> list[Fact]:
        """Facts that match, sorted by subject, relation and object."""
        ...


class MemoryStore:
    """Facts in a dict: tests, and runs that need no database. The longest-unlearnt facts go beyond `capacity`."""

    def __init__(self, capacity: int = 100_000) -> None:
        self._facts: dict[tuple[str, str, str], Fact] = {}
        self._capacity = capacity

    def __len__(self) -> int:
        return len(self._facts)

    def learn(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            key = (fact.subject, fact.relation, fact.object)
            known = self._facts.get(key)
            if known is not None and known.ts > fact.ts:
                continue  # an older journal replayed later must not undo what is known
            self._facts.pop(key, None)  # to the end: the order of learning decides who is forgotten
            self._facts[key] = fact
            if len(self._facts) > self._capacity:
                del self._facts[next(iter(self._facts))]

    def recall(self, pattern: Pattern) -> list[Fact]:
        return [self._facts[key] for key in sorted(self._facts) if pattern.matches(self._facts[key])]


def _fits(wanted: str, text: str) -> bool:
    if wanted.endswith("*"):
        return text.startswith(wanted[:-1])
    return not wanted or wanted == text
