"""The publisher over the real market in made-up time: what it sends is the market, for early and for late clients."""

from __future__ import annotations

from desk.market.l2 import L2Book
from desk.market.l3 import L3Book
from desk.messages import BookUpdate, OrdersUpdate, Side, Ticker, Trades
from desk.sim.market import SimMarket
from desk.sim.publish import Publisher
from desk.wire.kraken import KrakenCodec
from desk.wire.kraken_venue import Topic

START = 1_763_000_000_000_000_000
SECOND = 1_000_000_000
BOOK, ORDERS = Topic("book", "BTC/USD", 25), Topic("level3", "BTC/USD", 10)
TRADE, TICKER = Topic("trade", "BTC/USD"), Topic("ticker", "BTC/USD", 1)


def publisher(seed: int = 5) -> Publisher:
    market = SimMarket(seed, START, symbols=("BTC/USD",))
    return Publisher(market, {"BTC/USD": market.instruments["BTC/USD"]})


def run(source: Publisher, until: int) -> list[tuple[Topic, bytes]]:
    """Every frame up to a time, in pieces of one action as the exchange takes them."""
    frames: list[tuple[Topic, bytes]] = []
    while source.market.next_at <= until:  # type: ignore[attr-defined]
        frames.extend(source.advance(until))
    return frames


class Reader:
    """Our own client: decodes frames and keeps both books, proving each checksum."""

    def __init__(self, source: Publisher) -> None:
        self.codec = KrakenCodec("embedded")
        self.codec.decode(source.open(Topic("instrument"), START))
        self.levels, self.orders, self.proven = L2Book(25), L3Book(10), 0

    def read(self, raw: bytes) -> None:
        for message in self.codec.decode(raw):
            if isinstance(message, BookUpdate):
                self.levels.apply(message)
                assert self.levels.checksum == message.checksum
            elif isinstance(message, OrdersUpdate):
                self.orders.apply(message)
                assert self.orders.checksum == message.checksum
            else:
                continue
            self.proven += 1

    def assert_is(self, source: Publisher) -> None:
        book = source.market.books["BTC/USD"]
        for side in Side:
            assert [(px, qty) for px, qty, _ in self.levels.levels(side, 25)] == [
                (px, qty) for px, qty, _ in book.levels(side, 25)
            ]
            assert self.orders.levels(side, 10) == list(book.levels(side, 10))


def test_a_reader_has_the_market_and_one_that_joins_late_has_it_too() -> None:
    """Breaks late subscribers: their snapshot must be what the next update is made against."""
    source = publisher()
    early, late = Reader(source), Reader(source)
    for topic in (BOOK, ORDERS):
        early.read(source.open(topic, START))
    for _, raw in run(source, START + 20 * SECOND):
        early.read(raw)
    for topic in (BOOK, ORDERS):
        late.read(source.open(topic, START + 20 * SECOND))
    for _, raw in run(source, START + 40 * SECOND):
        early.read(raw)
        late.read(raw)
    assert early.proven > late.proven > 100
    early.assert_is(source)
    late.assert_is(source)
    assert early.orders.unknown == 0


def test_after_a_long_sleep_the_books_are_made_anew_in_one_message() -> None:
    """Breaks the morning after a suspended laptop: hours may not be lived through, and the books must still fit."""
    source = publisher()
    reader = Reader(source)
    for topic in (BOOK, ORDERS):
        reader.read(source.open(topic, START))
    for _, raw in run(source, START + 2 * SECOND):
        reader.read(raw)
    before = reader.proven
    for _, raw in source.advance(START + 3600 * SECOND):
        reader.read(raw)
    assert reader.proven == before + 2
    reader.assert_is(source)
    for _, raw in run(source, START + 3605 * SECOND):
        reader.read(raw)
    reader.assert_is(source)


def test_the_same_seed_tells_the_same_story_and_another_one_another() -> None:
    """Breaks the reproduction of a run: the feed may depend on nothing but the seed and the times it is told."""
    stories = []
    for seed in (5, 5, 6):
        source = publisher(seed)
        opened = [source.open(topic, START) for topic in (BOOK, ORDERS, TRADE, TICKER)]
        stories.append([*opened, *[raw for _, raw in run(source, START + 5 * SECOND)]])
    assert stories[0] == stories[1] != stories[2]


def test_a_topic_is_silent_before_its_first_follower_and_after_its_last() -> None:
    """Breaks the cost of an idle exchange, and a second follower when the first one leaves."""
    source = publisher()
    assert run(source, START + 3 * SECOND) == []
    for _ in range(2):
        source.open(BOOK, START)
    source.close(BOOK)
    assert {topic for topic, _ in run(source, START + 6 * SECOND)} == {BOOK}
    source.close(BOOK)
    assert run(source, START + 9 * SECOND) == []


def test_trades_continue_their_snapshot_and_the_ticker_knows_them() -> None:
    """Breaks the tape: ids must rise by one from the snapshot on, and the last price be that of the last trade."""
    source = publisher()
    codec = KrakenCodec("embedded")
    codec.decode(source.open(Topic("instrument"), START))
    frames = [source.open(TRADE, START), source.open(TICKER, START)]
    frames += [raw for _, raw in run(source, START + 60 * SECOND)]
    messages = [message for raw in frames for message in codec.decode(raw)]
    prints = [trade for message in messages if isinstance(message, Trades) for trade in message.trades]
    tickers = [message for message in messages if isinstance(message, Ticker)]
    assert len(prints) > 60
    assert [t.trade_id for t in prints] == list(range(prints[0].trade_id, prints[0].trade_id + len(prints)))
    assert tickers[-1].last == prints[-1].px
    assert all(ticker.bid < ticker.ask for ticker in tickers)
    book = source.market.books["BTC/USD"]
    assert (tickers[-1].bid, tickers[-1].ask) == (book.levels(Side.BUY, 1)[0][0], book.levels(Side.SELL, 1)[0][0])
