"""Stops with a collar, self-trade prevention, measured latency, and the band beside the paper venue's result."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from desk.errors import ConfigError
from desk.events import Accepted, Ended, Event, Fill
from desk.instrument import Instrument
from desk.intents import CancelOrder, Place, Submit
from desk.messages import Side, Trade
from desk.portfolio.fees import FeeSchedule
from desk.sim.latency import Latency
from desk.sim.paper import PaperVenue
from desk.sim.queue import Levels, Orders

BTC = "BTC/USDT@kraken"


class Books:
    """One L2 book made of lists, best first; `now` is its venue's time."""

    def __init__(self) -> None:
        self.bids: Levels = [(100, 5, 1), (99, 8, 1), (95, 50, 1)]
        self.asks: Levels = [(102, 4, 1), (103, 6, 1), (105, 50, 1)]
        self.is_ready, self.now = True, 0

    def levels(self, inst: str, side: Side, depth: int) -> Levels:
        return (self.bids if side == Side.BUY else self.asks)[:depth]

    def queue(self, inst: str, side: Side, px: int) -> Orders | None:
        return None

    def stamp(self, inst: str) -> int:
        return self.now

    def ready(self, inst: str) -> bool:
        return self.is_ready

    def instrument(self, inst: str) -> Instrument | None:
        return Instrument("BTC/USDT", "kraken", 0, 0) if inst == BTC else None


def venue(books: Books, fees: FeeSchedule | None = None) -> PaperVenue:
    return PaperVenue(fees or FeeSchedule(), Latency(0, 0), books)


def submit(order_id: str, side: Side, qty: int, px: int, tif: str = "gtc", **more: object) -> Submit:
    return Submit(order_id, Place(BTC, side, qty, px, tif, **more), cause=1)


def stop(order_id: str, qty: int, stop: int, collar: int, tif: str = "ioc") -> Submit:
    return submit(order_id, Side.SELL, qty, collar, tif, trigger=stop, reason="stop")


def said(events: list[Event]) -> list[tuple[object, ...]]:
    """Every answer in short."""
    short: list[tuple[object, ...]] = []
    for event in events:
        if isinstance(event, Fill):
            short.append((event.order_id, event.px, event.qty))
        elif isinstance(event, Accepted):
            short.append((event.order_id, "accepted"))
        elif isinstance(event, Ended):
            short.append((event.order_id, event.why))
    return short


# --- stops


def test_a_stop_waits_for_a_trade_and_then_sells_down_to_its_collar_and_no_further() -> None:
    """The naked market stop of a crash sells at any price: this one leaves what its collar does not let through."""
    books = Books()
    paper = venue(books)
    paper.perform(stop("s", 20, stop=100, collar=99), 0)
    assert said(paper.due(1)) == [("s", "accepted")]
    paper.on_trade(Trade(BTC, 101, 1, Side.SELL), 2)
    assert paper.due(3) == []
    paper.on_trade(Trade(BTC, 100, 1, Side.SELL), 4)
    assert said(paper.due(5)) == [("s", 100, 5), ("s", 99, 8), ("s", "expired")]


def test_in_a_wick_to_almost_nothing_no_fill_is_below_the_collar() -> None:
    """The GDAX crash of 2017-06-21, 317.81 to 0.10, in small: −99.97 % in one print."""
    books = Books()
    books.bids, books.asks = [(31_781, 5, 1), (30_000, 5, 1)], [(31_800, 5, 1)]
    paper = venue(books)
    paper.perform(stop("s", 8, stop=31_000, collar=30_500), 0)
    paper.due(1)
    books.bids = [(10, 100, 1)]
    paper.on_book(BTC, 2)
    paper.on_trade(Trade(BTC, 10, 50, Side.SELL), 2)
    assert said(paper.due(3)) == [("s", "expired")]


def test_a_stop_whose_price_has_traded_before_it_arrives_goes_at_once() -> None:
    """Waiting for the next print would make a late stop later."""
    paper = venue(Books())
    paper.on_trade(Trade(BTC, 98, 1, Side.SELL), 0)
    paper.perform(stop("s", 2, stop=99, collar=99), 1)
    assert said(paper.due(2)) == [("s", "accepted"), ("s", 100, 2), ("s", "filled")]


def test_a_triggered_stop_waits_for_a_book_that_can_be_believed() -> None:
    """Expiring it for our own lost book would leave the position without its stop."""
    books = Books()
    paper = venue(books)
    paper.perform(stop("s", 2, stop=99, collar=99), 0)
    paper.due(1)
    books.is_ready = False
    paper.on_trade(Trade(BTC, 99, 1, Side.SELL), 2)
    assert paper.due(3) == []
    books.is_ready = True
    assert said(paper.due(4)) == [("s", 100, 2), ("s", "filled")]


def test_a_cancelled_stop_does_not_come_back() -> None:
    """A stop of a position that was closed would open another one."""
    paper = venue(Books())
    paper.perform(stop("s", 2, stop=99, collar=99), 0)
    paper.perform(CancelOrder("s", 1), 1)
    paper.due(2)
    paper.on_trade(Trade(BTC, 90, 1, Side.SELL), 3)
    assert paper.due(4) == []


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (stop("s", 2, stop=99, collar=100), "the collar 100 lies before its trigger 99: the order could not trade"),
        (stop("s", 2, stop=99, collar=98, tif="gtc"), "a stop order becomes an IOC order at its collar"),
        (stop("s", 2, stop=-1, collar=98), "price -1 is not a multiple of 1"),
    ],
)
def test_a_stop_that_cannot_work_is_rejected_with_its_reason(order: Submit, why: str) -> None:
    """Found when it is placed, not when it is needed."""
    paper = venue(Books())
    paper.perform(order, 0)
    ((_, end),) = said(paper.due(1))
    assert str(end).startswith(f"rejected: {why}")


# --- our own orders


def test_an_order_is_cancelled_before_it_would_meet_our_own() -> None:
    """Cancel newest: what lies before our own order is taken, our own stays."""
    books = Books()
    paper = venue(books)
    paper.perform(submit("mine", Side.SELL, 3, 103, post_only=True), 0)
    paper.perform(submit("new", Side.BUY, 9, 104), 1)
    assert said(paper.due(2)) == [
        ("mine", "accepted"),
        ("new", "accepted"),
        ("new", 102, 4),
        ("new", "cancelled: self-trade prevention, our own mine is in the way"),
    ]
    assert paper.working == 1


# --- latency


def test_measured_latency_is_the_median_delay_of_the_feed_both_ways() -> None:
    """Until there are enough stamps the configured one holds."""
    books = Books()
    paper = PaperVenue(FeeSchedule(), Latency(500, 500, measured=True), books)
    paper.perform(submit("a", Side.BUY, 1, 90), 0)
    for at, delay in enumerate([7] * 40 + [900] * 20):
        books.now = 1_000 + at
        paper.on_book(BTC, books.now + delay)
    paper.perform(submit("b", Side.BUY, 1, 90), 5_000)
    assert [(e.order_id, e.ts) for e in paper.due(9_000) if isinstance(e, Accepted)] == [("a", 1_000), ("b", 5_014)]
    assert "measured: median of the last 60" in paper.assumptions()["entry latency"]


def test_what_was_sent_first_arrives_first_however_latency_changes() -> None:
    """One connection keeps its order: a cancel cannot overtake the order it is for."""
    latency = Latency(500, 0, measured=True)
    paper = PaperVenue(FeeSchedule(), latency, Books())
    paper.perform(submit("a", Side.BUY, 1, 90), 0)
    for _ in range(40):
        latency.heard(sent=1, received=2)
    paper.perform(CancelOrder("a", 1), 10)
    assert said(paper.due(1_000)) == [("a", "accepted"), ("a", "cancelled")]


# --- the band


def test_the_band_shows_what_each_end_of_the_queue_models_would_have_got() -> None:
    """5 ahead, 5 came behind, 4 were cancelled, 3 traded: nothing at one end, 2 lots at the other."""
    books = Books()
    paper = venue(books, FeeSchedule(Decimal(100), Decimal(100)))
    paper.perform(submit("a", Side.BUY, 4, 100, post_only=True), 0)
    paper.due(1)
    for shown in (10, 6):
        books.bids = [(100, shown, 1)]
        paper.on_book(BTC, 2)
    paper.on_trade(Trade(BTC, 100, 3, Side.SELL), 3)
    report = paper.report()
    lots = [report["band"][end]["lots"].get(BTC, 0) for end in ("pessimistic", "chosen", "optimistic")]
    assert lots == [0, 0, 2]
    # 2 × (mid 101 − 100) less 1 % of 200
    assert report["band"]["optimistic"]["pnl_by_quote"] == {"USDT": "0.00000000"}
    assert report["queues"] == "L2 1"


def test_an_exit_leaves_in_a_shadow_only_what_the_shadow_holds() -> None:
    """Otherwise a missed entry would turn into a short position that nobody took."""
    books = Books()
    paper = venue(books)
    books.bids, books.asks = [(98, 5, 1)], [(103, 6, 1)]
    paper.perform(submit("in", Side.BUY, 4, 100, post_only=True), 0)
    paper.due(1)
    books.asks = [(100, 1, 1)]  # one lot seen at our price: the run fills whole, the pessimist that lot
    paper.on_book(BTC, 2)
    books.asks = [(103, 6, 1)]
    paper.on_book(BTC, 3)
    paper.perform(submit("out", Side.SELL, 4, 98, "ioc", reason="target"), 4)
    paper.due(5)
    band = paper.report()["band"]
    assert [band[end]["lots"] for end in ("pessimistic", "chosen", "optimistic")] == [{BTC: 0}] * 3
    assert [band[end]["pnl_by_quote"]["USDT"][:5] for end in ("pessimistic", "chosen")] == ["-2.00", "-8.00"]


def test_an_unknown_queue_model_names_the_known_ones() -> None:
    """A misspelt model must not silently be another one."""
    with pytest.raises(ConfigError, match=r"\$\.paper\.queue_model: \"power\" is none of risk_averse, log"):
        PaperVenue(FeeSchedule(), Latency(0, 0), Books(), queue_model="power")


def test_more_optimistic_models_never_fill_less() -> None:
    """The ends of the band are ends: on random flow the pessimist gets no more, the optimist no less than the run."""
    import random

    dice = random.Random(4)
    for _ in range(20):
        books = Books()
        paper = venue(books)
        paper.perform(submit("a", Side.BUY, 30, 100, post_only=True), 0)
        for now in range(1, 60):
            books.bids = [(100, dice.randint(1, 20), 1)]
            paper.on_book(BTC, now)
            paper.on_trade(Trade(BTC, 100, dice.randint(1, 3), Side.SELL), now)
        paper.due(100)
        band = paper.report()["band"]
        lots = [band[end]["lots"].get(BTC, 0) for end in ("pessimistic", "chosen", "optimistic")]
        assert all(low <= high for low, high in pairwise(lots))
