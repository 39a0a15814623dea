"""Facts from closed trades."""

from __future__ import annotations

from decimal import Decimal

import pytest

from desk.knowledge import MemoryStore, Pattern
from desk.messages import Side
from desk.portfolio.position import ClosedTrade
from desk.projections.patterns import HOUR_NS, Patterns


def trade(net: str, hour: int, reason: str) -> ClosedTrade:
    d = Decimal
    opened = (24 + hour) * HOUR_NS + 5
    return ClosedTrade(
        "t1", "BTC/USDT@kraken", Side.BUY, 1, d(1), d(1), d(1000), d(1000), d(net) + 1, d(1), d(net), opened,
        opened + 60 * 10**9, reason,
    )  # fmt: skip


def test_trades_become_facts_by_side_hour_and_ending() -> None:
    """n, share of wins, mean net and fee in basis points, seconds held: hand-computed."""
    made = Patterns()
    for closed in (trade("2", 14, "target"), trade("-1", 14, "stop"), trade("3", 15, "target")):
        made.apply(closed)
    facts = {fact.object: fact for fact in made.result()}
    assert list(facts) == sorted(facts)
    assert set(facts) == {
        "closed trades",
        "entered 14 UTC",
        "entered 15 UTC",
        "ended by stop",
        "ended by target",
    }
    everything = facts["closed trades"]
    assert everything.subject == "BTC/USDT@kraken long"
    assert (everything.n, everything.source) == (3, "paper")
    assert everything.ts == (24 + 15) * HOUR_NS + 5 + 60 * 10**9
    assert everything.numbers == pytest.approx({"win_share": 2 / 3, "net_bps": 40 / 3, "fee_bps": 10.0, "held_s": 60.0})
    assert facts["ended by stop"].numbers["net_bps"] == pytest.approx(-10.0)


def test_a_store_learns_them_and_relearning_replaces_them() -> None:
    """The fold is asked again and again during a day: facts must not pile up."""
    made, store = Patterns(), MemoryStore()
    made.apply(trade("2", 14, "target"))
    store.learn(made.result())
    made.apply(trade("4", 14, "target"))
    store.learn(made.result())
    (fact,) = store.recall(Pattern(subject="BTC/USDT*", object="entered 14 UTC"))
    assert (fact.n, fact.numbers["net_bps"]) == (2, pytest.approx(30.0))
