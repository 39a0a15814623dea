"""desk/signals/subscriptions.py in the watch: every answer the venue owes; one symbol red while the others run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from desk.events import Frame
from desk.market.state import BookState, Fault
from desk.messages import LinkSpec, Subscription
from desk.run.picture import Picture
from desk.signals.subscriptions import PATIENCE
from desk.signals.watch import Watch, Word
from desk.wire.kraken import KrakenCodec
from hft_signals import OrderBookAnalyzer

SECOND = 1_000_000_000
CHANNELS = ("trade", "ticker", "book")
SYMBOLS = ("BTC/USD", "FOO/BAR")


class Desk:
    """A watch of two symbols on one connection, spoken to in the venue's words."""

    def __init__(self):
        wanted = tuple(Subscription(c, s, 10 if c == "book" else 0) for c in CHANNELS for s in SYMBOLS)
        links = (LinkSpec("public", (Subscription("instrument", ""), *wanted)),)
        self.watch = Watch("kraken", links, KrakenCodec(), OrderBookAnalyzer().score, {"*": 0.5})
        self.now = SECOND
        self.watch.link_up(0, self.now)
        self.ack("instrument", "")

    def hear(self, text):
        return self.watch.frame(Frame(self.now, 0, text.encode()))

    def ack(self, channel, symbol):
        return self.hear(
            f'{{"method":"subscribe","result":{{"channel":"{channel}","symbol":"{symbol}"}},"success":true}}'
        )

    def refuse(self, symbol, error="not supported", channel=""):
        result = f'"result":{{"channel":"{channel}"}},' if channel else ""
        return self.hear(f'{{"error":"{error}","method":"subscribe",{result}"success":false,"symbol":"{symbol}"}}')

    def book(self, symbol, kind="snapshot", bid="100.0", ask="100.1", second=1):
        return self.hear(
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{symbol}","bids":[{{"price":{bid},"qty":1.00000000}}],'
            f'"asks":[{{"price":{ask},"qty":1.00000000}}],"timestamp":"2026-08-02T00:00:0{second}Z"}}]}}'
        )

    def trade(self, number, price="100.1"):
        return self.hear(
            f'{{"channel":"trade","type":"update","data":[{{"symbol":"BTC/USD","side":"buy","price":{price},'
            f'"qty":1.00000000,"ord_type":"limit","trade_id":{number},"timestamp":"2026-08-02T04:23:42.847625Z"}}]}}'
        )

    def ticker(self, bid, ask, second=2):
        return self.hear(
            f'{{"channel":"ticker","type":"update","data":[{{"symbol":"BTC/USD","bid":{bid},"ask":{ask},"last":{bid},'
            f'"timestamp":"2026-08-02T00:00:0{second}Z"}}]}}'
        )

    def pair(self, status="online", price_precision=1):
        return self.hear(
            '{"channel":"instrument","type":"update","data":{"pairs":[{"symbol":"BTC/USD","qty_precision":8,'
            f'"qty_increment":1e-8,"qty_min":0.0001,"price_increment":0.1,"price_precision":{price_precision},'
            f'"status":"{status}"}}]}}}}'
        )

    def beat(self, after):
        self.now += after
        return self.watch.beat(self.now)

    def market(self, symbol="BTC/USD"):
        return self.watch.markets[f"{symbol}@kraken"]

    def red(self, symbol):
        """What the console's row of a symbol says in red."""
        return Picture._trouble(SimpleNamespace(watch=self.watch), self.market(symbol))


def codes(seen):
    return [each.code for each in seen if isinstance(each, Word)]


def test_an_answer_that_never_comes_is_said_once_and_its_symbol_is_red():
    """The session asks again; until an answer comes the symbol's row says which channel is missing."""
    desk = Desk()
    for channel, symbol in ((c, s) for c in CHANNELS for s in SYMBOLS if (c, s) != ("trade", "FOO/BAR")):
        desk.ack(channel, symbol)
    for symbol in SYMBOLS:
        desk.book(symbol)
    assert not desk.beat(PATIENCE - 1)
    assert codes(desk.beat(1)) == ["SUBSCRIPTION_UNANSWERED"]
    assert not codes(desk.beat(SECOND))
    assert (desk.red("FOO/BAR"), desk.red("BTC/USD")) == ("trade unanswered", "")
    assert (desk.market("FOO/BAR").why, desk.market().ready) == ("SUBSCRIPTION_UNANSWERED", True)
    desk.ack("trade", "FOO/BAR")
    assert (desk.red("FOO/BAR"), desk.market("FOO/BAR").ready) == ("", True)


def test_an_answer_that_nobody_asked_for_is_said_and_changes_nothing():
    """It may be another program's, or our own mistake."""
    desk = Desk()
    assert codes(desk.ack("book", "ETH/EUR")) == ["ACK_NOT_ASKED"]
    assert codes(desk.ack("level3", "BTC/USD")) == ["ACK_NOT_ASKED"]
    assert codes(desk.ack("book", "BTC/USD")) == []


def test_a_refusal_without_a_channel_concerns_what_is_not_answered_yet():
    """A pair the venue does not know is refused once per channel, and said once; the other pair runs."""
    desk = Desk()
    assert codes(desk.refuse("FOO/BAR")) == ["SUBSCRIPTION_REFUSED"]
    assert [codes(desk.refuse("FOO/BAR")) for _ in CHANNELS[1:]] == [[], []]
    for channel in CHANNELS:
        desk.ack(channel, "BTC/USD")
    desk.book("BTC/USD")
    assert desk.red("FOO/BAR") == "refused"
    assert desk.market("FOO/BAR").tracks["book"].state is BookState.DOWN
    assert (desk.red("BTC/USD"), desk.market().ready) == ("", True)
    assert not desk.beat(PATIENCE)


def test_a_refusal_with_a_channel_leaves_the_others_alone():
    """A book in use must not go down because a candle length is not offered."""
    desk = Desk()
    for channel in CHANNELS:
        desk.ack(channel, "BTC/USD")
    desk.book("BTC/USD")
    assert codes(desk.refuse("BTC/USD", channel="ticker")) == ["SUBSCRIPTION_REFUSED"]
    assert (desk.red("BTC/USD"), desk.market().ready) == ("ticker refused", True)
    desk.refuse("BTC/USD", channel="trade")
    assert desk.market().why == "SUBSCRIPTION_REFUSED"
    desk.refuse("BTC/USD", channel="book")
    assert desk.market().tracks["book"].state is BookState.DOWN


def test_a_new_connection_forgets_the_old_ones_refusals():
    """What was refused then is asked for again."""
    desk = Desk()
    desk.refuse("BTC/USD", channel="trade")
    desk.watch.link_down(0, "closed", desk.now)
    assert (desk.red("BTC/USD"), desk.market().barred) == ("", "")
    desk.watch.link_up(0, desk.now)
    assert not codes(desk.beat(PATIENCE))  # nothing was answered here yet: the silence is the connection's


def test_the_sockets_own_complaint_is_heard():
    """{"Error":"Exceeded msg rate"} names no method, and used to be lost."""
    (word,) = Desk().hear('{"Error":"Exceeded msg rate"}')
    assert (word.level, word.code, word.text) == ("alarm", "VENUE_COMPLAINT", "public: Exceeded msg rate")


@pytest.mark.parametrize("status", ["cancel_only", "post_only", "maintenance", "delisted"])
def test_a_symbol_that_leaves_trading_mid_session_is_refused_until_it_is_back(status):
    """The book runs on and stays proven; only trading stops, at the message."""
    desk = Desk()
    desk.pair()
    desk.book("BTC/USD")
    assert desk.market().ready
    assert codes(desk.pair(status)) == ["INSTRUMENT_STATUS"]
    assert desk.market().why == "INSTRUMENT_NOT_ONLINE"
    assert desk.market().tracks["book"].state is BookState.SYNCED
    desk.pair()
    assert desk.market().ready


def test_other_decimals_mid_session_forbid_the_symbol_for_the_rest_of_the_run():
    """Positions, bars and indicators are in the old ticks: ten times off is worse than nothing."""
    desk = Desk()
    desk.ack("book", "BTC/USD")
    desk.pair()
    desk.book("BTC/USD")
    desk.trade(1)
    seen = desk.pair(price_precision=2)
    assert codes(seen) == ["DECIMALS_CHANGED"]
    (fault,) = [each for each in seen if isinstance(each, Fault)]
    assert "INSTRUMENT CHANGED" in fault.why
    desk.watch.resyncing(fault, desk.now)
    desk.ack("book", "BTC/USD")
    desk.book("BTC/USD", bid="100.00", ask="100.11")
    assert desk.market().tracks["book"].state is BookState.SYNCED
    assert (desk.market().bid, desk.market().why) == (10000, "DECIMALS_CHANGED")
    assert desk.trade(2, "100.11") == []
    assert desk.market().tape.prints == 1
    desk.watch.link_down(0, "closed", desk.now)
    desk.watch.link_up(0, desk.now)
    desk.book("BTC/USD", bid="100.00", ask="100.11")
    assert desk.market().why == "DECIMALS_CHANGED"


def test_a_ticker_beside_a_book_that_does_not_move_is_evidence_against_it():
    """Two clocks: any frame keeps the line alive, only its own channel or its agreement keeps a book believed."""
    desk = Desk()
    for symbol in SYMBOLS:
        desk.book(symbol)
    desk.ticker("100.0", "100.1")
    desk.ticker("100.1", "100.2")  # its bid is our ask
    desk.ticker("100.0", "100.1")  # they agree again
    assert not desk.beat(3 * SECOND)
    desk.ticker("100.4", "100.5", second=0)  # older than the book: it was overtaken on the way
    assert not desk.beat(3 * SECOND)
    desk.ticker("100.4", "100.5")
    assert not desk.beat(SECOND)
    (fault,) = desk.beat(SECOND)
    assert "STALLED" in fault.why
    desk.ticker("100.4", "100.5")
    desk.book("BTC/USD", "update", bid="100.0")  # it moves: only late
    assert not desk.beat(3 * SECOND)
