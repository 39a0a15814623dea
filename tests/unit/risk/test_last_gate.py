"""desk/risk/last_gate.py: whatever a strategy or the first gate does, these numbers hold at the venue's door."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from desk.config import LastGate as Limits
from desk.events import Command, Ended, Fill
from desk.instrument import Instrument
from desk.intents import Place, Submit
from desk.messages import Side
from desk.risk.last_gate import LastGate

A = Instrument("BTC/USD", "kraken", 1, 2)  # a lot of 0.01 at a tick of 0.1
SECOND = 1_000_000_000


def order(name, side=Side.BUY, qty=100, px=1000, inst=A.key):
    return Submit(name, Place(inst, side, qty, px), 1)


def fill(name, side=Side.BUY, qty=100, px=1000, fill_id="f1"):
    return Fill(1, fill_id, name, A.key, side, px, qty, Decimal(0), maker=True)


def test_an_order_within_every_limit_passes_and_is_counted():
    """100 lots of 0.01 at 100.0 are worth 100."""
    gate = LastGate(Limits(max_order_quote=100.0, max_open_orders=1))
    assert gate.judge(order("o1"), A, 0) == ""
    assert gate.judge(order("o2"), A, SECOND) == "open orders 2 > 1"
    gate.see(Ended(SECOND, "o1", "cancelled"))
    assert gate.judge(order("o2"), A, 3 * SECOND) == ""


def test_each_limit_is_refused_with_its_numbers():
    """One wish a limit, each over it by the least."""
    gate = LastGate(Limits(max_order_quote=100.0, max_gross_quote=150.0, orders_per_s=2))
    assert gate.judge(order("o1", qty=101), A, 0) == "order value 101.00 > 100 USD"
    assert gate.judge(order("o1"), A, 0) == ""
    assert gate.judge(order("o2", qty=51), A, 0) == "gross exposure 151.00 > 150 USD"
    assert gate.judge(order("o2", qty=50), A, 0) == ""
    assert gate.judge(order("o3", qty=1), A, SECOND - 1) == "order rate 3 > 2 per second"
    assert gate.denied == 3


def test_what_it_does_not_know_it_refuses():
    """No instrument, another instrument, a float, a negative, a known id: all are bugs, none may leave."""
    gate = LastGate(Limits())
    assert gate.judge(order("o1"), None, 0)
    assert gate.judge(order("o1", inst="ETH/USD@kraken"), A, 0)
    assert gate.judge(order("o1", qty=1.0), A, 0)
    assert gate.judge(order("o1", qty=-1), A, 0)
    assert gate.judge(order("o1", px=0), A, 0)
    assert gate.judge(order("o1"), A, 0) == ""
    assert "already" in gate.judge(order("o1"), A, SECOND * 2)


def test_after_a_kill_only_exits_pass_until_a_person_re_arms_with_a_reason():
    """An exit is no larger than what is held, less what is already leaving."""
    gate = LastGate(Limits(max_order_quote=100.0))
    assert gate.judge(order("o1"), A, 0) == ""
    gate.see(fill("o1"))
    gate.see(fill("o1"))  # the same fill again changes nothing
    gate.see(Command(1, "kill", "test"))
    assert gate.judge(order("o2"), A, 2 * SECOND) == "killed: only exits pass"
    assert gate.judge(order("o3", Side.SELL, qty=101), A, 2 * SECOND) == "killed: only exits pass"
    assert gate.judge(order("o4", Side.SELL, qty=60), A, 2 * SECOND) == ""
    assert gate.judge(order("o5", Side.SELL, qty=60), A, 2 * SECOND) == "killed: only exits pass"
    gate.see(Command(2, "resume", "  "))
    assert gate.judge(order("o6"), A, 4 * SECOND) == "killed: only exits pass"
    gate.see(Command(2, "resume", "found the bug"))
    assert gate.judge(order("o6", qty=10), A, 4 * SECOND) == ""


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(("place", "fill", "end", "wait")), st.integers(0, 30), st.booleans(), st.integers(1, 400)
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(ACTIONS)
def test_no_sequence_of_wishes_gets_past_the_numbers(actions):
    """Against a count of our own: value, rate, open orders and worst-case exposure at every step."""
    limits = Limits(max_order_quote=300.0, max_gross_quote=500.0, orders_per_s=3, max_open_orders=4)
    gate, now, working, held, sent = LastGate(limits), 0, {}, 0, []
    for n, (what, which, buys, qty) in enumerate(actions):
        names = list(working)
        if what == "wait":
            now += SECOND * which // 10
        elif what == "place":
            side = Side.BUY if buys else Side.SELL
            if gate.judge(order(f"o{n}", side, qty), A, now) == "":
                working[f"o{n}"] = (side, qty)
                sent.append(now)
        elif names and what == "fill":
            name = names[which % len(names)]
            side, left = working[name]
            part = min(qty, left)
            gate.see(fill(name, side, part, fill_id=f"f{n}"))
            held += side * part
            working[name] = (side, left - part)
            if left == part:
                del working[name]
        elif names:
            gate.see(Ended(now, names[which % len(names)], "cancelled"))
            del working[names[which % len(names)]]
        up = sum(q for s, q in working.values() if s > 0)
        down = sum(q for s, q in working.values() if s < 0)
        assert max(abs(held + up), abs(held - down)) <= 500
        assert len(working) <= 4
        assert sum(now - t < SECOND for t in sent) <= 3
