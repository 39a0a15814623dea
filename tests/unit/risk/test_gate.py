"""The gate: each rule at, below and above its limit; exits pass; nothing gets round the worst case."""

from __future__ import annotations

from decimal import Decimal
from math import inf, nan

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.config import Risk
from desk.events import Fill
from desk.instrument import Instrument
from desk.intents import Place
from desk.messages import Side
from desk.risk.account import Account
from desk.risk.gate import UNKNOWN, Refusal, judge
from desk.risk.rules import Limits, Market, limits

A = Instrument("AAA/USDT", "kraken", 0, 0)
B = Instrument("BBB/USDT", "kraken", 0, 0)
C = Instrument("CCC/USD", "kraken", 0, 0)
KNOWN = {i.key: i for i in (A, B, C)}
SECOND = 1_000_000_000
NOW = 1_000 * SECOND
LIMITS = limits(Risk(equity_quote=10_000, max_order_quote=1_500, max_position_pct=20, max_gross_pct=30))


def account(equity: float = 10_000.0) -> Account:
    made = Account(KNOWN)
    made.roll_day(NOW, equity)
    return made


def market(
    instrument: Instrument = A, mid: float = 100.0, ready: bool = True, age_ns: int = 0, clock_ns: int | None = 0
) -> Market:
    return Market(instrument, ready, age_ns, mid, clock_ns)


def buy(qty: int, px: int = 100, inst: str = A.key, **more: object) -> Place:
    return Place(inst, Side.BUY, qty, px, **more)


def sell(qty: int, px: int = 100, inst: str = A.key) -> Place:
    return Place(inst, Side.SELL, qty, px)


def ask(place: Place, held: Account, seen: Market | None = None, lim: Limits = LIMITS, now: int = NOW) -> str:
    """The rule that refuses an entry, "" when approved."""
    refusal = judge(place, held, lim, now, seen or market(KNOWN[place.inst]), reduces=False)
    return refusal.rule if refusal else ""


def fill(n: int, place: Place, order_id: str, qty: int | None = None) -> Fill:
    return Fill(NOW, f"p{n}", order_id, place.inst, place.side, place.px, qty or place.qty, Decimal(0), False)


def test_an_entry_within_all_limits_is_approved() -> None:
    """A gate that refuses everything would pass every other test here."""
    assert ask(buy(10), account()) == ""


@pytest.mark.parametrize(("qty", "rule"), [(14, ""), (15, ""), (16, "order_size")])
def test_order_size_is_the_value_of_one_order(qty: int, rule: str) -> None:
    """1500 quote at 100 a lot: 14 and 15 pass, 16 does not."""
    assert ask(buy(qty), account()) == rule


def test_a_sell_far_below_the_market_is_valued_at_the_market() -> None:
    """A marketable limit sells at the bid, not at its collar: its own price would understate it."""
    assert ask(sell(16, px=50), account()) == "order_size"
    assert judge(sell(16, px=50), account(), LIMITS, NOW, market(), False) == Refusal("order_size", 1600.0, 1500.0)


@pytest.mark.parametrize(("qty", "rule"), [(9, ""), (10, ""), (11, "position")])
def test_position_counts_what_is_held_and_what_works(qty: int, rule: str) -> None:
    """20 % of 10 000 at 100 a lot is 20 lots: 6 held, 4 working, 10 more."""
    held = account()
    held.filled(fill(1, buy(6), "o0"))
    held.submitted("o1", buy(4), NOW - 90 * SECOND)
    assert ask(buy(qty), held) == rule


def test_working_orders_of_the_other_side_do_not_make_room() -> None:
    """They may never fill: netting them away is how a limit is exceeded."""
    held = account()
    held.submitted("o1", sell(15, px=101), NOW - 90 * SECOND)
    held.submitted("o2", buy(15, px=99), NOW - 90 * SECOND)
    assert ask(buy(6, px=99), held) == "position"


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_a_limit_price_above_the_market_is_what_the_worst_case_costs(side: Side) -> None:
    """6 held and 10 more at up to 150 may cost 2 400, not the 1 600 they are worth now."""
    held = account()
    held.filled(fill(1, Place(A.key, side, 6, 100), "o0"))
    assert judge(Place(A.key, side, 10, 150), held, LIMITS, NOW, market(), False) == Refusal("position", 2400.0, 2000.0)


def test_a_short_counts_like_a_long() -> None:
    """A sign error would leave one side without a limit."""
    held = account()
    held.filled(fill(1, sell(15), "o0"))
    assert ask(sell(5), held) == ""
    assert ask(sell(6), held) == "position"


@pytest.mark.parametrize(("qty", "rule"), [(11, ""), (12, ""), (13, "gross")])
def test_gross_adds_up_all_instruments(qty: int, rule: str) -> None:
    """30 % of 10 000 is 3 000: 18 lots of A at 100 held, 12 lots of B left."""
    held = account()
    held.filled(fill(1, buy(18), "o0"))
    assert ask(buy(qty, inst=B.key), held) == rule


def test_accounts_in_different_currencies_have_limits_of_their_own() -> None:
    """A position paid in USDT says nothing about the dollars of another account."""
    held = Account(KNOWN)
    held.roll_day(NOW, 10_000.0, "USDT")
    held.roll_day(NOW, 1_000.0, "USD")
    held.filled(fill(1, buy(20), "o0"))
    assert ask(buy(2, inst=C.key), held) == ""
    assert ask(buy(3, inst=C.key), held) == "position"


@pytest.mark.parametrize(("sent", "rule"), [(1, ""), (2, "order_rate")])
def test_orders_in_a_second_are_limited(sent: int, rule: str) -> None:
    """Two a second: the third waits."""
    held = account()
    for n in range(sent):
        held.submitted(f"o{n}", buy(1), NOW - SECOND + 1 + n)
    assert ask(buy(1), held) == rule


def test_a_second_ago_is_no_longer_this_second() -> None:
    """The window is half open, so two a second is two a second and not fewer."""
    held = account()
    held.submitted("o0", buy(1), NOW - SECOND)
    held.submitted("o1", buy(1), NOW - 1)
    assert ask(buy(1), held) == ""


@pytest.mark.parametrize(("sent", "rule"), [(28, ""), (29, ""), (30, "order_rate")])
def test_orders_in_a_minute_are_limited(sent: int, rule: str) -> None:
    """Thirty a minute, this one included."""
    held = account()
    for n in range(sent):
        held.submitted(f"o{n}", buy(1, px=1), NOW - 59 * SECOND + n * SECOND)
        held.ended(f"o{n}")
    assert ask(buy(1), held) == rule


@pytest.mark.parametrize(("equity", "rule"), [(9_801, ""), (9_800, ""), (9_799, "loss_today")])
def test_a_loss_of_the_day_beyond_two_percent_stops_entries(equity: float, rule: str) -> None:
    """At the limit is within it, a quote unit more is not."""
    held = account()
    held.valued(equity)
    assert ask(buy(1), held) == rule


@pytest.mark.parametrize(("equity", "rule"), [(9_501, ""), (9_500, ""), (9_499, "drawdown")])
def test_a_fall_from_the_peak_beyond_five_percent_stops_entries(equity: float, rule: str) -> None:
    """The peak outlives the day: losing 2 % a day for a week must stop somewhere."""
    held = account()
    held.roll_day(NOW, equity)
    assert ask(buy(1), held) == rule


@pytest.mark.parametrize(("streak", "rule"), [(4, ""), (5, "consecutive_losses"), (6, "consecutive_losses")])
def test_losing_trades_in_a_row_stop_entries(streak: int, rule: str) -> None:
    """Five is the limit and already too many."""
    held = account()
    held.streak = streak
    assert ask(buy(1), held) == rule


@pytest.mark.parametrize(
    ("age_ns", "rule"),
    [(0, ""), (10 * SECOND - 1, ""), (10 * SECOND, ""), (10 * SECOND + 1, "stale_book"), (-1, "stale_book")],
)
def test_a_book_older_than_ten_seconds_or_from_the_future_is_no_evidence(age_ns: int, rule: str) -> None:
    """Trading on a silently stale book is the fault users complain about most."""
    assert ask(buy(1), account(), market(age_ns=age_ns)) == rule


def test_a_book_that_is_not_ready_stops_entries() -> None:
    """Whatever its age says."""
    assert ask(buy(1), account(), market(ready=False)) == "book_not_ready"


@pytest.mark.parametrize(
    ("place", "rule"),
    [
        (buy(9, px=100), "min_size"),
        (buy(10, px=98), "min_size"),
        (buy(10, px=100), ""),
        (buy(11, px=100), "off_grid"),
        (buy(10, px=101), "off_grid"),
        (buy(0), "min_size"),
        (buy(10, px=-2), "min_size"),
    ],
)
def test_an_order_no_venue_would_take_is_refused_also_as_an_exit(place: Place, rule: str) -> None:
    """Minimum quantity 10, minimum cost 1000, steps of 2: dust cannot be sent, wish as we may."""
    strict = market(msgspec.structs.replace(A, qty_min=10, cost_min=Decimal(1000), lot=2, tick=2))
    for reduces in (False, True):
        refusal = judge(place, account(), LIMITS, NOW, strict, reduces)
        assert (refusal.rule if refusal else "") == rule


@pytest.mark.parametrize(
    ("status", "rule"), [("online", ""), ("post_only", "not_trading"), ("cancel_only", "not_trading")]
)
def test_the_status_of_the_instrument_stops_entries(status: str, rule: str) -> None:
    """An order into a closed market comes back rejected, again and again."""
    assert ask(buy(1), account(), market(msgspec.structs.replace(A, status=status))) == rule


def test_a_post_only_order_may_enter_a_post_only_market() -> None:
    """That is what the status means."""
    assert (
        ask(buy(1, post_only=True, tif="gtc"), account(), market(msgspec.structs.replace(A, status="post_only"))) == ""
    )


@pytest.mark.parametrize(("px", "rule"), [(104, ""), (105, "self_cross"), (106, "self_cross")])
def test_our_own_bids_and_asks_do_not_meet(px: int, rule: str) -> None:
    """Trading with ourselves pays two fees for nothing, and venues forbid it."""
    held = account()
    held.submitted("o1", sell(1, px=105), NOW - 90 * SECOND)
    assert ask(buy(1, px=px), held) == rule


def test_a_stop_that_waits_for_its_trigger_is_in_nobodys_way() -> None:
    """It is in no book yet: the collar of a protective stop must not refuse every bid above it."""
    held = account()
    held.submitted("o1", msgspec.structs.replace(sell(1, px=90), trigger=95), NOW - 90 * SECOND)
    assert ask(buy(1, px=100), held) == ""


def test_exits_pass_every_limit() -> None:
    """A limit must never keep us in a trade."""
    held = account()
    held.filled(fill(1, buy(20), "o0"))
    held.kill("by hand")
    held.halt("daily_loss", "2 % lost")
    held.streak = 9
    held.valued(1.0)
    for n in range(50):
        held.submitted(f"o{n}", sell(1), NOW)
    seen = market(ready=False, age_ns=10**15, mid=nan)
    assert judge(sell(20, px=1), held, LIMITS, NOW, seen, reduces=True) is None
    refusal = judge(sell(20, px=1), held, LIMITS, NOW, seen, reduces=False)
    assert refusal == Refusal("killed", 1.0, 0.0)


def test_a_kill_and_a_halt_stop_entries() -> None:
    """The latches are the first thing asked."""
    held = account()
    held.halt("drawdown", "5.1 % below the peak")
    assert ask(buy(1), held) == "halted"
    held.kill("by hand")
    assert ask(buy(1), held) == "killed"


@pytest.mark.parametrize(
    ("equity", "mid"), [(nan, 100.0), (inf, 100.0), (10_000.0, nan), (10_000.0, inf), (10_000.0, -5.0), (0.0, 100.0)]
)
def test_what_cannot_be_compared_is_refused_and_no_nan_comes_out(equity: float, mid: float) -> None:
    """`nan > limit` is False: written the other way round every limit would be open."""
    held = account()
    held.roll_day(NOW, equity)
    refusal = judge(buy(1), held, LIMITS, NOW, market(mid=mid), reduces=False)
    assert refusal is not None
    assert refusal.value == refusal.value
    assert abs(refusal.value) != inf
    assert abs(refusal.limit) != inf


def test_without_a_first_day_there_is_no_equity_and_no_entry() -> None:
    """A limit in percent of nothing is no limit."""
    assert judge(buy(1), Account(KNOWN), LIMITS, NOW, market(), False) == Refusal("position", 100.0, UNKNOWN)


def test_the_limits_are_those_of_the_configuration() -> None:
    """A key that is read into the wrong limit would never be noticed."""
    assert limits(Risk(), stale_s=7.5) == Limits(
        max_order=2_500.0,
        trade_risk_pct=0.5,
        max_position_pct=20.0,
        max_strategy_pct=60.0,
        max_gross_pct=60.0,
        orders_per_s=2,
        orders_per_min=30,
        daily_loss_pct=2.0,
        max_drawdown_pct=5.0,
        max_losses=5,
        cooldown_ns=300 * SECOND,
        stale_ns=7_500_000_000,
    )


STEP = st.one_of(
    st.tuples(
        st.just("place"),
        st.sampled_from([A.key, B.key]),
        st.sampled_from([Side.BUY, Side.SELL]),
        st.integers(1, 15),
        st.integers(80, 120),
    ),
    st.tuples(st.just("fill"), st.integers(0, 30), st.integers(1, 15)),
    st.tuples(st.just("end"), st.integers(0, 30)),
)


@given(st.lists(STEP, max_size=60))
def test_no_sequence_of_wishes_gets_beyond_the_worst_case(steps: list[tuple]) -> None:
    """At a standing price: whatever fills, in whatever order, one instrument stays below 2000 and all below 3000."""
    held, now, sent, done = account(), NOW, [], {}
    for inst in (A.key, B.key):
        held.marked(inst, 100.0)
    for n, step in enumerate(steps):
        now += 3 * SECOND
        if step[0] == "place":
            place = Place(step[1], step[2], step[3], step[4])
            if judge(place, held, LIMITS, now, market(KNOWN[place.inst]), reduces=False) is None:
                order_id = f"o{len(sent)}"
                held.submitted(order_id, place, now)
                sent.append(order_id)
        elif step[1] < len(sent):
            order_id = sent[step[1]]
            place = held.open_orders.get(order_id)
            if step[0] == "end":
                held.ended(order_id)
            elif place is not None:
                qty = min(step[2], place.qty)
                held.filled(fill(n, place, order_id, qty))
                done[place.inst] = done.get(place.inst, 0) + place.side * qty
        for inst in (A.key, B.key):
            held.marked(inst, 100.0)
        worst = {}
        for inst in (A.key, B.key):
            working = [p for p in held.open_orders.values() if p.inst == inst]
            buys = sum(p.qty for p in working if p.side > 0)
            sells = sum(p.qty for p in working if p.side < 0)
            worst[inst] = 100 * max(abs(done.get(inst, 0) + buys), abs(done.get(inst, 0) - sells))
            assert held.positions.get(inst, 0) == done.get(inst, 0)
        assert max(worst.values()) <= 2_000
        assert sum(worst.values()) <= 3_000


def test_a_trade_that_may_lose_more_at_its_stop_than_allowed_is_refused() -> None:
    """0.5 % of 10 000 is 50: ten lots from 100 may stop at 95, not at 94; without a stop there is no such number."""
    assert ask(buy(10, stop=95), account()) == ""
    assert ask(buy(10, stop=94), account()) == "trade_risk"
    assert ask(buy(10), account()) == ""


def test_a_buy_is_paid_from_cash_that_nothing_else_has_reserved() -> None:
    """1000 needed: 999 free are too few; a sell asks for none; an unknown amount is too little."""
    poor = msgspec.structs.replace(market(), free=999.0)
    assert ask(buy(10), account(), poor) == "funds"
    assert ask(sell(10), account(), poor) == ""
    assert ask(buy(10), account(), msgspec.structs.replace(market(), free=1000.0)) == ""
    assert ask(buy(10), account(), msgspec.structs.replace(market(), free=float("nan"))) == "funds"


def test_one_strategy_may_not_use_up_what_is_meant_for_all() -> None:
    """Seat 0 holds 1000 and works 1000; its limit of 25 % (2500) refuses 600 more, seat 1 may still have them."""
    lim = limits(Risk(max_position_pct=100, max_gross_pct=100, max_strategy_pct=25))
    held = account()
    held.submitted("o1", buy(10), NOW - 5 * SECOND, seat=0)
    held.filled(fill(1, buy(10), "o1"))
    held.ended("o1")
    held.submitted("o2", buy(10), NOW, seat=0)
    assert ask(buy(6), held, lim=lim) == "strategy"
    assert ask(buy(5), held, lim=lim) == ""
    assert ask(buy(6), held, msgspec.structs.replace(market(), seat=1), lim=lim) == ""


def test_a_cool_down_lasts_its_whole_time_even_when_an_open_trade_wins_meanwhile() -> None:
    """The win ends the streak; the 300 s are about us, not about the streak."""
    held = account()
    held.streak, held.cooldown_until = 0, NOW + 285 * SECOND
    assert judge(buy(1), held, LIMITS, NOW, market(), False) == Refusal("cooling_down", 285.0, 0.0)
    assert ask(buy(1), held, now=NOW + 285 * SECOND) == ""
