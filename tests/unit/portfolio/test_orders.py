"""desk/portfolio/orders.py: every order is in one state, moves only as the table allows, and dies only by evidence."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from desk.events import Evidence, Fill
from desk.intents import Place
from desk.messages import Side
from desk.portfolio.orders import APART, DEADLINE, GRACE, PLACES, Orders, State, working

INST, SECOND = "BTC/USD@kraken", 1_000_000_000
END = "FILLED CANCELED EXPIRED REJECTED DENIED"
MAY = {  # written down independently, from the text of the rule
    "INTENT": f"SENT OPEN PARTIAL UNKNOWN {END}",
    "SENT": f"OPEN PARTIAL UNKNOWN {END}",
    "OPEN": f"PARTIAL UNKNOWN {END}",
    "PARTIAL": f"UNKNOWN {END}",
    "UNKNOWN": f"OPEN PARTIAL {END}",
} | dict.fromkeys(END.split(), "")
WHYS = {
    "filled": "FILLED",
    "cancelled": "CANCELED",
    "expired: x": "EXPIRED",
    "rejected: x": "REJECTED",
    "denied": "DENIED",
}
NAMES = st.integers(1, 3).map(lambda n: f"o{n}")


def fill(order_id: str, qty: int, number: int = 0) -> Fill:
    return Fill(1, f"p{number}", order_id, INST, Side.BUY, 100, qty, Decimal(0), maker=False)


class AnyWords(RuleBasedStateMachine):
    """A venue that says anything in any order, and a model that knows the table and adds up fills."""

    def __init__(self) -> None:
        super().__init__()
        self.orders, self.now, self.number = Orders(), SECOND, 0
        self.filled = {f"o{n}": 0 for n in (1, 2, 3)}
        self.looks: dict[str, dict[str, list[int]]] = {}
        for _ in range(3):
            self.orders.new(Place(INST, Side.BUY, 10, 100), 0, self.now)
        self.before = self.states()

    def states(self) -> dict[str, str]:
        return {name: self.orders.get(name).state.value for name in self.filled}

    @rule(seconds=st.sampled_from([0, 1, 2, 7]))
    def time(self, seconds: int) -> None:
        self.now += seconds * SECOND
        for order in self.orders.overdue(self.now):
            assert order.state is State.SENT
            self.orders.doubt(order.order_id, "no answer")

    @rule(name=NAMES)
    def sent(self, name: str) -> None:
        self.orders.sent(name, self.now)

    @rule(name=NAMES)
    def accepted(self, name: str) -> None:
        self.orders.accepted(name)

    @rule(name=NAMES, qty=st.integers(1, 5))
    def traded(self, name: str, qty: int) -> None:
        self.number += 1
        self.filled[name] += qty
        assert self.orders.filled(fill(name, qty, self.number)) is self.orders.get(name)

    @rule(name=NAMES, why=st.sampled_from(sorted(WHYS)))
    def ended(self, name: str, why: str) -> None:
        over = self.orders.get(name).over
        told = self.orders.ended(name, why)
        assert (told is None) == over
        if not over:
            assert self.states()[name] == WHYS[why]

    @rule(name=NAMES)
    def doubted(self, name: str) -> None:
        self.orders.doubt(name, "timeout")

    @rule(name=NAMES, where=st.sampled_from(PLACES), found=st.booleans())
    def asked(self, name: str, where: str, found: bool) -> None:
        if self.orders.heard(Evidence(self.now, name, where, found)) not in ("", "open"):
            self.orders.ended(name, "rejected: by evidence")

    @invariant()
    def every_move_is_in_the_table(self) -> None:
        after = self.states()
        for name, state in after.items():
            assert state == self.before[name] or state in MAY[self.before[name]].split(), (name, self.before, after)
        self.before = after

    @invariant()
    def filled_is_the_sum_of_fills_and_an_order_is_live_or_over(self) -> None:
        live = {order.order_id for order in self.orders.live}
        for name, lots in self.filled.items():
            order = self.orders.get(name)
            assert order.filled == lots
            assert order.over == (name not in live) == (order.state.value in END.split())


TestAnyWords = AnyWords.TestCase
TestAnyWords.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)


def doubtful() -> tuple[Orders, int]:
    orders = Orders()
    orders.new(Place(INST, Side.BUY, 10, 100), 0, 0)
    orders.sent("o1", 0)
    orders.doubt("o1", "the connection broke")
    return orders, DEADLINE + GRACE


def test_absence_everywhere_twice_and_apart_is_death_and_nothing_less_is() -> None:
    """Two looks at each of three places, two seconds apart, after deadline and grace."""
    orders, at = doubtful()
    looks = [(ts, place) for ts in (at, at + APART) for place in PLACES]
    verdicts = [orders.heard(Evidence(ts, "o1", place, found=False)) for ts, place in looks]
    assert verdicts[:-1] == [""] * 5
    assert "absent from open, closed, trades" in verdicts[-1]


@pytest.mark.parametrize(
    "looks",
    [
        [(0, p) for p in PLACES] + [(DEADLINE + GRACE, p) for p in PLACES],  # the first look was before the deadline
        [(10 * SECOND, p) for p in PLACES] + [(10 * SECOND + APART - 1, p) for p in PLACES],  # too near each other
        [(ts * SECOND, p) for ts in (10, 20, 30) for p in ("open", "closed")],  # nobody looked at the trades
    ],
)
def test_weaker_evidence_proves_nothing(looks: list[tuple[int, str]]) -> None:
    """A slow venue has not yet put into its lists what it will."""
    orders, _ = doubtful()
    assert {orders.heard(Evidence(ts, "o1", place, found=False)) for ts, place in looks} == {""}
    assert orders.unknown == 1


def test_one_sighting_begins_the_count_again() -> None:
    """An order that was seen is not absent, whatever was not seen before."""
    orders, at = doubtful()
    for place in PLACES:
        orders.heard(Evidence(at, "o1", place, found=False))
    orders.heard(Evidence(at + 1, "o1", "trades", found=True))
    assert {orders.heard(Evidence(at + APART, "o1", place, found=False)) for place in PLACES} == {""}
    assert orders.heard(Evidence(at + APART + 1, "o1", "open", found=True)) == "open"


def test_an_order_in_doubt_is_asked_for_every_two_seconds() -> None:
    """Often enough to know soon, seldom enough for a venue's limits."""
    orders, at = doubtful()
    times = [ts for ts in range(at, at + 5 * SECOND, SECOND // 2) if orders.to_ask(ts)]
    assert [(b - a) / SECOND for a, b in pairwise(times)] == [2.0, 2.0]


def test_ids_differ_between_sessions_and_repeat_within_a_replay() -> None:
    """A venue refuses, or worse takes, an id that it has seen."""
    first, second = ([orders.new(Place(INST, Side.BUY, 1, 1), 0, 0).order_id for _ in range(2)]
                     for orders in (Orders("a1"), Orders("a2")))  # fmt: skip
    assert (first, second) == (["a1-o1", "a1-o2"], ["a2-o1", "a2-o2"])


def test_an_order_is_carried_over_a_restart_with_what_is_left_of_it() -> None:
    """In doubt there, whatever was proven here."""
    orders = Orders("a1")
    orders.new(Place(INST, Side.SELL, 10, 100, "gtc", post_only=True, reason="entry", trigger=90), 1, 0)
    orders.accepted("a1-o1")
    orders.filled(fill("a1-o1", 4))
    taken = Orders("a2").take_over(working(orders.get("a1-o1")), 5)
    assert (taken.state, taken.left, taken.seat, taken.place.trigger) == (State.UNKNOWN, 6, 1, 90)
    assert taken.why == "PARTIAL when an earlier session ended"
