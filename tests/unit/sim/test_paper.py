"""The paper venue: when simulated orders fill, at what price, and what is said about them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.errors import DeskError
from desk.events import Accepted, Ended, Event, Fill
from desk.instrument import Instrument
from desk.intents import CancelOrder, Place, Submit
from desk.messages import Side, Trade
from desk.portfolio.fees import FeeSchedule
from desk.sim.latency import Latency
from desk.sim.paper import PaperVenue
from desk.sim.queue import Levels, Orders

BTC = "BTC/USDT@kraken"
ENTRY, RESPONSE = 25, 10
KRAKEN = FeeSchedule(Decimal(25), Decimal(40))


class Books:
    """One book made of lists, best first: what the venue is shown."""

    def __init__(self, bids: Levels, asks: Levels, **instrument: object) -> None:
        self.bids, self.asks, self.is_ready = list(bids), list(asks), True
        self.orders: dict[tuple[Side, int], Orders] | None = None  # an L3 book's, where it is one
        self.now = 0
        self.known = Instrument("BTC/USDT", "kraken", 1, 8, **instrument)

    def levels(self, inst: str, side: Side, depth: int) -> Levels:
        return (self.bids if side == Side.BUY else self.asks)[:depth]

    def queue(self, inst: str, side: Side, px: int) -> Orders | None:
        return None if self.orders is None else self.orders.get((side, px), [])

    def stamp(self, inst: str) -> int:
        return self.now

    def ready(self, inst: str) -> bool:
        return self.is_ready

    def instrument(self, inst: str) -> Instrument | None:
        return self.known if inst == BTC else None


def levels(*pairs: tuple[int, int]) -> Levels:
    return [(px, qty, 1) for px, qty in pairs]


def books(**instrument: object) -> Books:
    return Books(levels((100, 5), (99, 8)), levels((102, 4), (103, 6), (105, 50)), **instrument)


def venue(shown: Books, fees: FeeSchedule = KRAKEN, model: str = "risk_averse") -> PaperVenue:
    return PaperVenue(fees, Latency(ENTRY, RESPONSE), shown, queue_model=model)


def submit(
    order_id: str, side: Side, qty: int, px: int, tif: str = "ioc", post_only: bool = False, inst: str = BTC
) -> Submit:
    return Submit(order_id, Place(inst, side, qty, px, tif, post_only), cause=1)


def resting(order_id: str, side: Side, qty: int, px: int) -> Submit:
    return submit(order_id, side, qty, px, "gtc", post_only=True)


def sell_print(px: int, qty: int) -> Trade:
    return Trade(BTC, px, qty, Side.SELL)


def fills(events: list[Event]) -> list[tuple[int, int]]:
    return [(e.px, e.qty) for e in events if isinstance(e, Fill)]


def ends(events: list[Event]) -> list[tuple[str, str]]:
    return [(e.order_id, e.why) for e in events if isinstance(e, Ended)]


# --- time


def test_an_order_meets_the_book_of_its_arrival_not_of_its_sending() -> None:
    """Without the entry latency paper trading would pick off prices that are gone in reality."""
    shown = books()
    paper = venue(shown)
    paper.perform(submit("o1", Side.BUY, 2, 102), now=1000)
    assert paper.due(1024) == []
    shown.asks = levels((104, 9))
    paper.on_book(BTC, 1024)
    assert paper.next_at == 1025
    answer = paper.due(1035)
    assert fills(answer) == []
    assert ends(answer) == [("o1", "expired")]


def test_answers_carry_the_time_they_are_received() -> None:
    """The engine's clock is event.ts: an answer stamped with the venue's time would run the clock backwards."""
    paper = venue(books())
    paper.perform(submit("o1", Side.BUY, 2, 102), now=1000)
    assert paper.due(1025) == []
    assert paper.next_at == 1035
    assert paper.due(1034) == []
    assert [(type(e), e.ts) for e in paper.due(1035)] == [(Accepted, 1035), (Fill, 1035), (Ended, 1035)]
    assert paper.next_at is None
    assert paper.working == 0


def test_each_answer_is_delivered_once_to_the_receiver_that_was_named() -> None:
    """A fill delivered by both roads would be booked twice."""
    got: list[Event] = []
    paper = PaperVenue(KRAKEN, Latency(ENTRY, RESPONSE), books(), got.append)
    paper.perform(submit("o1", Side.BUY, 2, 102), now=1000)
    assert paper.due(2000) == []
    assert len(got) == 3
    paper.due(3000)
    assert len(got) == 3


# --- taking


def test_a_taker_walks_the_levels_up_to_its_limit_and_the_rest_expires() -> None:
    """Filling everything at the best price would flatter every large order."""
    paper = venue(books())
    paper.perform(submit("o1", Side.BUY, 30, 103), now=0)
    answer = paper.due(100)
    assert fills(answer) == [(102, 4), (103, 6)]
    assert ends(answer) == [("o1", "expired")]
    assert all(not e.maker for e in answer if isinstance(e, Fill))


def test_a_seller_walks_the_bids() -> None:
    """The mirror image: a sign error on one side only is the classic fault."""
    paper = venue(books())
    paper.perform(submit("o1", Side.SELL, 7, 99), now=0)
    assert fills(paper.due(100)) == [(100, 5), (99, 2)]


def test_a_displayed_quantity_is_used_once_until_the_level_changes() -> None:
    """Ten small orders must not get ten times what the level holds."""
    shown = books()
    paper = venue(shown)
    for n in range(3):
        paper.perform(submit(f"o{n}", Side.BUY, 3, 102), now=n)
    assert fills(paper.due(100)) == [(102, 3), (102, 1)]
    paper.on_book(BTC, 101)  # another level moved; this one still shows 4
    paper.perform(submit("o8", Side.BUY, 3, 102), now=101)
    assert fills(paper.due(200)) == []
    shown.asks = levels((102, 7))
    paper.on_book(BTC, 201)
    paper.perform(submit("o9", Side.BUY, 9, 102), now=201)
    assert fills(paper.due(300)) == [(102, 7)]


def test_a_level_that_changed_and_changed_back_is_fresh() -> None:
    """It was replenished in between: its quantity is another quantity."""
    shown = books()
    paper = venue(shown)
    paper.perform(submit("o1", Side.BUY, 4, 102), now=0)
    paper.due(100)
    shown.asks = levels((103, 6))
    paper.on_book(BTC, 101)
    shown.asks = levels((102, 4))
    paper.on_book(BTC, 102)
    paper.perform(submit("o2", Side.BUY, 4, 102), now=102)
    assert fills(paper.due(200)) == [(102, 4)]


def test_what_a_deep_walk_used_stays_used() -> None:
    """A large order reaches levels that are not looked at every day: they must not refill by being overlooked."""
    shown = Books(levels((100, 5)), levels(*((102 + n, 2) for n in range(60))))
    paper = venue(shown)
    paper.perform(submit("o1", Side.BUY, 100, 160), now=0)
    assert sum(qty for _, qty in fills(paper.due(100))) == 100
    shown.asks = levels((101, 1), *((102 + n, 2) for n in range(60)))
    paper.on_book(BTC, 101)
    paper.perform(submit("o2", Side.BUY, 50, 170), now=101)
    assert sum(qty for _, qty in fills(paper.due(200))) == 21


def test_the_rest_of_a_crossing_gtc_order_rests_and_is_not_filled_by_what_it_already_took() -> None:
    """The live book still shows what we took: taking it again as a maker would mint quantity."""
    shown = books()
    paper = venue(shown)
    paper.perform(submit("o1", Side.BUY, 12, 103, "gtc"), now=0)
    assert fills(paper.due(100)) == [(102, 4), (103, 6)]
    paper.on_book(BTC, 101)
    assert fills(paper.due(200)) == []
    paper.on_trade(sell_print(103, 2), 201)
    answer = paper.due(300)
    assert [(e.px, e.qty, e.maker) for e in answer if isinstance(e, Fill)] == [(103, 2, True)]
    assert ends(answer) == [("o1", "filled")]


def test_what_remains_of_an_order_that_took_gets_only_what_is_shown_anew() -> None:
    """The book came to us because we went to it: one new lot at a better price is one lot, not the whole rest."""
    shown = books()
    paper = venue(shown)
    paper.perform(submit("o1", Side.BUY, 15, 103, "gtc"), now=0)
    paper.due(100)
    shown.asks = levels((102, 1), (105, 50))
    paper.on_book(BTC, 101)
    assert fills(paper.due(200)) == [(103, 1)]


# --- resting


def test_trades_at_our_price_first_consume_the_queue_ahead_then_fill_us_in_part() -> None:
    """Filling at touch is the most common lie of paper trading."""
    paper = venue(books())
    paper.perform(resting("o1", Side.BUY, 4, 100), now=0)
    paper.due(100)
    paper.on_trade(sell_print(100, 3), 101)
    assert fills(paper.due(200)) == []  # 5 were ahead, 2 still are
    paper.on_trade(sell_print(100, 3), 201)
    answer = paper.due(300)
    assert fills(answer) == [(100, 1)]
    assert ends(answer) == []
    paper.on_trade(sell_print(100, 9), 301)
    answer = paper.due(400)
    assert fills(answer) == [(100, 3)]
    assert ends(answer) == [("o1", "filled")]


def test_a_trade_through_our_price_fills_us_whole_at_our_price() -> None:
    """The level had to go before the price could trade beyond it."""
    paper = venue(books())
    paper.perform(resting("o1", Side.BUY, 40, 100), now=0)
    paper.due(100)
    paper.on_trade(sell_print(99, 1), 101)
    assert fills(paper.due(200)) == [(100, 40)]


def test_buyers_lifting_offers_do_not_fill_our_bid() -> None:
    """Only the opposite aggressor reaches us."""
    paper = venue(books())
    paper.perform(resting("o1", Side.BUY, 4, 100), now=0)
    paper.due(100)
    paper.on_trade(Trade(BTC, 99, 50, Side.BUY), 101)
    assert fills(paper.due(200)) == []


@pytest.mark.parametrize(
    ("model", "ours"), [("risk_averse", 0), ("optimistic", 4), ("power:1", 2), ("log", 2), ("power3:3", 1)]
)
def test_the_queue_model_decides_where_a_cancel_was(model: str, ours: int) -> None:
    """5 ahead and 5 behind, 4 cancelled, then 5 traded: nobody ahead left for certain, or all of those four."""
    shown = books()
    paper = venue(shown, model=model)
    paper.perform(resting("o1", Side.BUY, 9, 100), now=0)
    paper.due(100)
    for level in (10, 6):
        shown.bids = levels((100, level), (99, 8))
        paper.on_book(BTC, 101)
    paper.on_trade(sell_print(100, 5), 102)
    assert sum(qty for _, qty in fills(paper.due(200))) == ours


def test_what_the_level_no_longer_shows_cannot_be_ahead_of_us() -> None:
    """Of 5 ahead 4 must have gone when the level shows 1, whoever they were."""
    shown = books()
    paper = venue(shown)
    paper.perform(resting("o1", Side.BUY, 4, 100), now=0)
    paper.due(100)
    shown.bids = levels((100, 1), (99, 8))
    paper.on_book(BTC, 101)
    paper.on_trade(sell_print(100, 3), 102)
    assert fills(paper.due(200)) == [(100, 2)]


def test_a_print_that_comes_after_the_book_it_changed_is_not_counted_twice() -> None:
    """8 ahead and 4 behind, 6 trade: the book says it first, and 2 are still ahead when the print is here."""
    shown = Books(levels((100, 8)), levels((102, 4)))
    paper = venue(shown)
    paper.perform(resting("o1", Side.BUY, 4, 100), now=0)
    paper.due(100)
    shown.bids, shown.now = levels((100, 12)), 10
    paper.on_book(BTC, 101)
    shown.bids, shown.now = levels((100, 6)), 20
    paper.on_book(BTC, 102)
    paper.on_trade(Trade(BTC, 100, 6, Side.SELL, ts_exch=20), 103)
    paper.on_trade(Trade(BTC, 100, 3, Side.SELL, ts_exch=30), 104)
    assert fills(paper.due(200)) == [(100, 1)]


def test_an_order_that_loses_sight_of_the_queue_keeps_the_place_it_had() -> None:
    """L3 is lost in the middle: 2 of 5 have left ahead of us, and the sums say no more of the other 3."""
    shown = books()
    shown.orders = {(Side.BUY, 100): [("a", 2), ("b", 3)]}
    paper = venue(shown)
    paper.perform(resting("o1", Side.BUY, 4, 100), now=0)
    paper.due(100)
    assert paper.report()["queues"] == "L3 1"
    shown.orders, shown.bids = {(Side.BUY, 100): [("b", 3)]}, levels((100, 3), (99, 8))
    paper.on_book(BTC, 101)
    shown.orders = None
    paper.on_book(BTC, 102)
    paper.on_trade(sell_print(100, 4), 103)
    assert fills(paper.due(200)) == [(100, 1)]


def test_two_of_our_orders_share_one_trade_in_order_of_arrival() -> None:
    """The same printed lot cannot fill both."""
    paper = venue(books())
    paper.perform(resting("o1", Side.BUY, 4, 100), now=0)
    paper.perform(resting("o2", Side.BUY, 4, 100), now=1)
    paper.due(100)
    paper.on_trade(sell_print(100, 11), 101)
    answer = paper.due(200)
    assert [(e.order_id, e.qty) for e in answer if isinstance(e, Fill)] == [("o1", 4), ("o2", 2)]


@pytest.mark.parametrize("asks", [(99, 6), (100, 6)])
def test_a_book_whose_other_side_comes_to_our_price_fills_us(asks: tuple[int, int]) -> None:
    """Whoever sells there met our bid first. Only the pessimistic shadow counts what is shown."""
    shown = books()
    paper = venue(shown)
    paper.perform(resting("o1", Side.BUY, 9, 100), now=0)
    paper.due(100)
    shown.bids, shown.asks = levels((98, 5)), levels(asks)
    paper.on_book(BTC, 101)
    answer = paper.due(200)
    assert [(e.px, e.qty, e.maker) for e in answer if isinstance(e, Fill)] == [(100, 9, True)]
    assert paper.report()["band"]["pessimistic"]["lots"] == {BTC: 6}


def test_the_queue_at_a_price_deeper_than_the_book_shows_is_learnt_when_it_comes_into_sight() -> None:
    """An unknown queue must count as a queue, not as none."""
    shown = books()
    paper = venue(shown)
    paper.perform(resting("o1", Side.BUY, 2, 97), now=0)
    paper.due(100)
    paper.on_trade(sell_print(97, 50), 101)
    assert fills(paper.due(200)) == []
    shown.bids = levels((98, 5), (97, 3))
    paper.on_book(BTC, 201)
    paper.on_trade(sell_print(97, 4), 202)
    assert fills(paper.due(300)) == [(97, 1)]


def test_an_order_that_improves_the_best_price_has_nobody_ahead() -> None:
    """The first trade at its price is its own."""
    paper = venue(books())
    paper.perform(resting("o1", Side.BUY, 4, 101), now=0)
    paper.due(100)
    paper.on_trade(sell_print(101, 3), 101)
    assert fills(paper.due(200)) == [(101, 3)]


def test_post_only_never_takes() -> None:
    """A maker strategy that pays taker fees loses on every trade."""
    paper = venue(books())
    paper.perform(resting("o1", Side.BUY, 4, 102), now=0)
    paper.perform(resting("o2", Side.SELL, 4, 100), now=0)
    answer = paper.due(100)
    assert ends(answer) == [("o1", "rejected: post-only would take"), ("o2", "rejected: post-only would take")]
    assert len(answer) == 2


# --- cancels


def test_a_cancel_takes_effect_when_it_arrives_and_a_fill_may_come_before() -> None:
    """Treating a cancel as done when it is sent hides the fills that hurt most."""
    paper = venue(books())
    paper.perform(resting("o1", Side.BUY, 4, 101), now=0)
    paper.due(100)
    paper.perform(CancelOrder("o1", cause=2), now=100)
    paper.on_trade(sell_print(101, 3), 124)
    paper.on_trade(sell_print(101, 9), 125)
    answer = paper.due(200)
    assert fills(answer) == [(101, 3)]
    assert ends(answer) == [("o1", "cancelled")]
    assert [e.ts for e in answer] == [134, 135]


def test_a_cancel_of_an_order_that_has_ended_says_nothing_more() -> None:
    """Every order ends exactly once."""
    paper = venue(books())
    paper.perform(submit("o1", Side.BUY, 4, 102), now=0)
    paper.perform(CancelOrder("o1", cause=2), now=1)
    paper.perform(CancelOrder("never", cause=2), now=1)
    assert ends(paper.due(1000)) == [("o1", "filled")]


def test_a_cancel_sent_before_its_order_stops_it_for_good() -> None:
    """Ended once means that nothing comes to life afterwards."""
    paper = venue(books())
    paper.perform(CancelOrder("o1", cause=2), now=0)
    paper.perform(submit("o1", Side.BUY, 4, 102), now=1)
    answer = paper.due(1000)
    assert ends(answer) == [("o1", "cancelled")]
    assert len(answer) == 1


# --- the book is not ready


def test_nothing_fills_from_a_book_that_is_not_ready() -> None:
    """A book that cannot be believed cannot be traded with, also not on paper."""
    shown = books()
    paper = venue(shown)
    paper.perform(resting("o1", Side.BUY, 4, 101), now=0)
    paper.due(100)
    shown.is_ready = False
    shown.asks = levels((90, 50))
    paper.on_book(BTC, 101)
    paper.on_trade(sell_print(101, 50), 102)
    paper.perform(submit("o2", Side.BUY, 4, 102), now=103)
    answer = paper.due(200)
    assert fills(answer) == []
    assert ends(answer) == [("o2", "expired: book not ready")]


def test_a_resting_order_waits_for_the_book_and_meets_the_one_that_comes() -> None:
    """It is neither lost nor matched with an old book."""
    shown = books()
    shown.is_ready = False
    paper = venue(shown)
    paper.perform(submit("o1", Side.BUY, 4, 100, "gtc"), now=0)
    assert paper.due(100) == [Accepted(35, "o1")]  # the venue has it: its fate is not in doubt
    assert paper.working == 1
    shown.is_ready = True
    shown.asks = levels((100, 3))
    shown.bids = levels((99, 1))
    paper.on_book(BTC, 150)
    answer = paper.due(200)
    assert [(type(e), e.ts) for e in answer] == [(Fill, 160)]
    assert fills(answer) == [(100, 3)]


def test_an_order_cancelled_while_it_waits_for_the_book_is_gone() -> None:
    """Otherwise it would come to life with the book."""
    shown = books()
    shown.is_ready = False
    paper = venue(shown)
    paper.perform(submit("o1", Side.BUY, 4, 102, "gtc"), now=0)
    paper.perform(CancelOrder("o1", cause=2), now=30)
    assert ends(paper.due(100)) == [("o1", "cancelled")]
    shown.is_ready = True
    paper.on_book(BTC, 150)
    assert paper.due(1000) == []


# --- what the venue will not take


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (submit("o1", Side.BUY, 15, 102), "quantity 0.00000015 is not a multiple of 0.00000010"),
        (submit("o1", Side.BUY, 10, 102), "quantity 0.00000010 is below 0.00000020"),
        (submit("o1", Side.BUY, 0, 102), "quantity 0.00000000 is not a multiple of 0.00000010"),
        (submit("o1", Side.BUY, 20, 101), "price 10.1 is not a multiple of 0.2"),
        (submit("o1", Side.BUY, 20, 0), "price 0.0 is not a multiple of 0.2"),
        (submit("o1", Side.BUY, 20, 2), "cost 0.00000004 is below 0.000001"),
        (submit("o1", Side.BUY, 20, 102, "fok"), 'time in force "fok" is neither "ioc" nor "gtc"'),
        (submit("o1", Side.BUY, 20, 102, "ioc", True), "an IOC order cannot be post-only"),
        (submit("o1", Side.BUY, 20, 102, inst="X/Y@kraken"), "unknown instrument X/Y@kraken"),
    ],
)
def test_an_order_a_venue_would_not_take_is_rejected_with_its_reason(order: Submit, why: str) -> None:
    """Paper that takes what the venue refuses teaches sizes that cannot be traded."""
    paper = venue(books(lot=10, qty_min=20, tick=2, cost_min=Decimal("0.000001")))
    paper.perform(order, now=0)
    assert ends(paper.due(100)) == [("o1", f"rejected: {why}")]


@pytest.mark.parametrize(
    ("status", "post_only", "taken"),
    [("online", False, True), ("post_only", False, False), ("post_only", True, True), ("cancel_only", True, False)],
)
def test_the_status_of_the_instrument_decides_what_is_taken(status: str, post_only: bool, taken: bool) -> None:
    """Kraken's statuses stop orders; a paper venue that ignores them trades in a closed market."""
    paper = venue(books(status=status))
    paper.perform(submit("o1", Side.BUY, 4, 100, "gtc", post_only), now=0)
    assert ends(paper.due(100)) == ([] if taken else [("o1", f"rejected: BTC/USDT is {status}")])


def test_an_order_id_in_use_is_our_own_fault_and_said_so() -> None:
    """Two orders under one id could not be told apart by anything that follows."""
    paper = venue(books())
    paper.perform(resting("o1", Side.BUY, 4, 100), now=0)
    with pytest.raises(DeskError, match="o1: an order of this id is still"):
        paper.perform(resting("o1", Side.BUY, 4, 100), now=1)


# --- money


def test_fees_are_exact_and_rounded_up_per_fill() -> None:
    """notional 102 ticks of 0.1 × 4 lots of 1e-8 = 4.08e-7; 40 bps = 1.632e-9, up to 1e-8."""
    paper = venue(books())
    paper.perform(submit("o1", Side.BUY, 4, 102), now=0)
    (fill,) = [e for e in paper.due(100) if isinstance(e, Fill)]
    assert fill.fee == Decimal("1e-8")
    assert fill.fill_id == "p1"


def test_the_assumptions_name_the_model_and_the_word_simulated() -> None:
    """A report that shows these fills has to be able to say what they rest on."""
    said = PaperVenue(KRAKEN, Latency(25_000_000, 10_000_000), books(), queue_model="power:3").assumptions()
    assert said["entry latency"] == "25 ms, configured, fixed"
    assert "SIMULATED" in said["fills"]
    assert "power:3" in said["queue"]
    assert "maker 25, taker 40 bps" in said["fees"]


# --- whatever happens

SIDES = st.sampled_from([Side.BUY, Side.SELL])
PRICES = st.integers(95, 107)
SMALL = st.integers(1, 9)
STEP = st.one_of(
    st.tuples(st.just("submit"), SIDES, SMALL, PRICES, st.sampled_from(["ioc", "gtc", "post"])),
    st.tuples(st.just("cancel"), st.integers(1, 12)),
    st.tuples(st.just("trade"), SIDES, PRICES, SMALL),
    st.tuples(st.just("book"), st.integers(97, 104), st.integers(1, 3), st.lists(SMALL, min_size=2, max_size=4)),
    st.tuples(st.just("ready"), st.booleans()),
    st.tuples(st.just("wait"), st.integers(1, 40)),
)


def play(steps: list[tuple]) -> tuple[list[Event], dict[str, Place], dict[str, int]]:
    """Run a script through a fresh venue: answers, places, arrival time of the first cancel of each."""
    shown = books()
    paper = venue(shown)
    out: list[Event] = []
    places: dict[str, Place] = {}
    cancels: dict[str, int] = {}
    now = 0
    for step in steps:
        now += 3
        out += paper.due(now)
        if step[0] == "submit":
            _, side, qty, px, kind = step
            order_id = f"o{len(places) + 1}"
            order = submit(order_id, side, qty, px, "ioc" if kind == "ioc" else "gtc", kind == "post")
            places[order_id] = order.place
            paper.perform(order, now)
        elif step[0] == "cancel":
            order_id = f"o{step[1]}"
            cancels.setdefault(order_id, now + ENTRY)
            paper.perform(CancelOrder(order_id, 1), now)
        elif step[0] == "trade":
            paper.on_trade(Trade(BTC, step[2], step[3], step[1]), now)
        elif step[0] == "book":
            _, bid, spread, sizes = step
            shown.bids = levels(*((bid - i, q) for i, q in enumerate(sizes)))
            shown.asks = levels(*((bid + spread + i, q) for i, q in enumerate(reversed(sizes))))
            paper.on_book(BTC, now)
        elif step[0] == "ready":
            shown.is_ready = step[1]
            paper.on_book(BTC, now)
        else:
            now += step[1]
    out += paper.due(now + 10_000)
    return out, places, cancels


@given(st.lists(STEP, max_size=60))
def test_whatever_happens_orders_keep_their_promises(steps: list[tuple]) -> None:
    """Σ fills ≤ quantity, no fill beyond the limit or after the end, one end each, time in order, ids in order."""
    out, places, cancels = play(steps)
    assert [e.ts for e in out] == sorted(e.ts for e in out)
    filled = dict.fromkeys(places, 0)
    ended: dict[str, str] = {}
    numbers = []
    for event in out:
        assert isinstance(event, Accepted | Fill | Ended)
        assert event.order_id not in ended, "something after the end"
        place = places[event.order_id]
        if isinstance(event, Fill):
            filled[event.order_id] += event.qty
            numbers.append(int(event.fill_id[1:]))
            assert event.qty > 0
            assert (place.px - event.px) * place.side >= 0, "worse than the limit"
            assert not (place.post_only and not event.maker), "post-only took"
        elif isinstance(event, Ended):
            ended[event.order_id] = event.why
            if event.why == "cancelled":
                assert event.ts >= cancels[event.order_id] + RESPONSE
    for order_id, place in places.items():
        assert filled[order_id] <= place.qty
        assert (filled[order_id] == place.qty) == (ended.get(order_id) == "filled")
        if place.tif == "ioc":
            assert order_id in ended
    assert numbers == list(range(1, len(numbers) + 1))


@given(st.lists(STEP, max_size=40))
def test_the_same_inputs_give_the_same_answers(steps: list[tuple]) -> None:
    """Replay reproduces every paper fill, byte for byte."""
    assert play(steps)[0] == play(steps)[0]


@given(st.lists(st.tuples(SIDES, SMALL, PRICES, st.sampled_from(["ioc", "gtc"])), max_size=30))
def test_takers_never_get_more_than_one_book_shows(orders: list[tuple]) -> None:
    """With the book held still, all orders together cannot take more than is displayed on a level."""
    shown = books()
    paper = venue(shown)
    for n, (side, qty, px, tif) in enumerate(orders):
        paper.perform(submit(f"o{n}", side, qty, px, tif), now=n)
        paper.on_book(BTC, n)
    got: dict[int, int] = {}
    for event in paper.due(10_000):
        if isinstance(event, Fill):
            assert not event.maker
            got[event.px] = got.get(event.px, 0) + event.qty
    displayed = {px: qty for px, qty, _ in shown.bids + shown.asks}
    assert all(qty <= displayed[px] for px, qty in got.items())
