"""desk/signals/watch.py: what it feeds to the tape and to the flow, and when what flowed cannot be known."""

from __future__ import annotations

from desk.events import Frame
from desk.market.flow import SECOND
from desk.market.state import Market, Track
from desk.messages import LinkSpec, Subscription, Trade
from desk.signals.watch import Watch
from desk.wire.kraken import KrakenCodec
from hft_signals import OrderBookAnalyzer

KEY = "BTC/USD@kraken"


def watch():
    wanted = (Subscription("book", "BTC/USD", 10), Subscription("trade", "BTC/USD"))
    made = Watch("kraken", (LinkSpec("public", wanted),), KrakenCodec(), OrderBookAnalyzer().score, {"*": 0.5})
    made.link_up(0, 1)
    return made


def prints(ts, *numbers, kind="update"):
    rows = ",".join(
        '{"symbol":"BTC/USD","side":"buy","price":100.1,"qty":1.00000000,"ord_type":"market",'
        f'"trade_id":{number},"timestamp":"2026-08-02T04:23:42.847625Z"}}'
        for number in numbers
    )
    return Frame(ts, 0, f'{{"channel":"trade","type":"{kind}","data":[{rows}]}}'.encode())


def book(ts, bid, ask, kind="update"):
    sides = ",".join(
        f'"{name}":[{",".join(f"{{{level}}}" for level in levels)}]' for name, levels in (("bids", bid), ("asks", ask))
    )
    text = f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"BTC/USD",{sides}}}]}}'
    return Frame(ts, 0, text.encode())


def level(px, qty):
    return f'"price":{px},"qty":{qty}.00000000'


def test_prints_of_a_snapshot_and_late_ones_are_on_the_tape_but_not_told_twice():
    """After a reconnect the snapshot fills holes of the tape; strategies see each print at most once, in order."""
    desk = watch()
    desk.frame(prints(1, 5, 6, kind="snapshot"))
    told = [each.trade_id for each in desk.frame(prints(2, 6, 9, 7)) if isinstance(each, Trade)]
    tape = desk.markets[KEY].tape
    assert told == [9]
    assert (tape.prints, tape.duplicates, tape.out_of_order, tape.gaps) == (4, 1, 1, ((8, 8),))


def test_flow_is_fed_by_the_book_and_forgotten_with_it():
    """A lost connection loses events: sums from before it must not be read as now's, nor the new book as an order."""
    desk = watch()
    market = desk.markets[KEY]
    desk.frame(book(SECOND, [level("100.0", 5)], [level("100.2", 7)], kind="snapshot"))
    desk.frame(book(2 * SECOND, [level("100.0", 8)], []))
    assert market.flow.sum(5 * SECOND, 2 * SECOND) == 3 * 10**8
    assert (market.spread.mean(3 * SECOND), market.spread.max(3 * SECOND)) == (2.0, 2)
    desk.link_down(0, "closed", 3 * SECOND)
    assert market.flow.sum(5 * SECOND, 3 * SECOND) is None
    assert market.spread.mean(4 * SECOND) is None
    desk.link_up(0, 4 * SECOND)
    desk.frame(book(5 * SECOND, [level("150.0", 5)], [level("150.5", 7)], kind="snapshot"))
    assert market.flow.sum(5 * SECOND, 5 * SECOND) == 0
    assert market.spread.max(6 * SECOND) == 5


def test_a_touch_of_another_book_begins_anew():
    """When the order-by-order book comes back, its touch after the level book's is a change of witness, not a flow."""
    market = Market(KEY)
    level_book, order_book = Track(KEY, "book", 0, 10), Track(KEY, "level3", 1, 10)
    market.touched(level_book, 1, 100, 5, 101, 5)
    market.touched(level_book, 2, 100, 9, 101, 5)
    market.touched(order_book, 3, 90, 9, 101, 5)
    assert market.flow.sum(SECOND, 3) == 0
    market.touched(order_book, 4, 90, 8, 101, 5)
    assert market.flow.sum(SECOND, 4) == -1
