"""The verb `knowledge`: what the closed trades of recorded sessions taught, as facts with their numbers.

Facts are made anew from the journals each time: nothing is kept that a journal could contradict. Trades of a simulated
market and of a real one are never counted together.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

import msgspec

from desk.knowledge import Fact, KnowledgeStore, MemoryStore, Pattern
from desk.projections.patterns import Patterns
from desk.research.metrics import NEED_TRADES, word
from desk.run.review import Build, Session, observed, session_folder


def learn(sessions: Iterable[Session], store: KnowledgeStore) -> None:
    """Put what the sessions' closed trades taught into a store: one fact per kind of trade."""
    made: dict[str, Patterns] = {}
    for session in sessions:
        source = f"fills {session.head['fills_are']}, market {session.head['market']}"
        patterns = made.setdefault(source, Patterns(source))
        for record in session.observer.performance.result().trades:
            patterns.apply(record.trade)
    for patterns in made.values():
        store.learn(patterns.result())


def knowledge(argv: list[str], build: Build) -> int:
    """`./run knowledge [SESSION…] [--about SUBJECT] [--json]`."""
    p = argparse.ArgumentParser(prog="./run knowledge", description="What closed trades of recorded sessions taught.")
    p.add_argument("sessions", nargs="*", help="folders, or names below sessions/; default: the newest")
    p.add_argument("--about", default="", help='a subject, or its beginning and a *: "BTC/USDT*"')
    p.add_argument("--json", action="store_true")
    options = p.parse_args(argv)
    folders = dict.fromkeys(session_folder(name).resolve() for name in options.sessions or [None])
    store = MemoryStore()
    learn((observed(folder, build) for folder in folders), store)
    facts = store.recall(Pattern(subject=options.about))
    if options.json:
        said = [{**msgspec.to_builtins(fact), "word": word(fact.n, NEED_TRADES)} for fact in facts]
        print(msgspec.json.format(msgspec.json.encode(said)).decode())  # noqa: T201
    else:
        print(knowledge_text(facts, [fact.subject for fact in store.recall(Pattern())], options.about))  # noqa: T201
    return 0


def knowledge_text(facts: list[Fact], known: list[str], about: str) -> str:
    """The verb without --json: facts below their subject. `known`: every subject there is, for one that is not."""
    if not known:
        return "no closed trade: NOT MEASURED"
    if not facts:
        return f'nothing is known about "{about}"; known: {", ".join(dict.fromkeys(known))}'
    lines, subject = [f"a kind of trade is MEASURED from {NEED_TRADES} trades on; below it is INSUFFICIENT DATA"], ""
    for fact in facts:
        if fact.subject != subject:
            subject = fact.subject
            heads = f"{'n':>5}{'won':>7}{'net bps':>9}{'fee bps':>9}{'held s':>9}"
            lines.append(f"\n  {subject}: {fact.source}\n{'':<42}{heads}")
        lines.append(f"    {fact.object:<38}{fact.n:>5}{_cells(fact.numbers)}")
    return "\n".join(lines)


def _cells(of: dict[str, Any]) -> str:
    return f"{of['win_share']:>7.0%}{of['net_bps']:>+9.2f}{of['fee_bps']:>9.2f}{of['held_s']:>9.1f}"
