"""Every depth Kraken offers, from the request to the proven book: session, venue's protocol, codec, kernels, market."""

from __future__ import annotations

import random

import msgspec
import pytest

from desk.config import Config
from desk.errors import ConfigError
from desk.events import Frame
from desk.io.config_file import load
from desk.market.raw_l3 import RawL3Book
from desk.market.state import BookState
from desk.messages import LinkSpec, Side, Subscription
from desk.run.source import kraken_links
from desk.signals.watch import Watch
from desk.sim.market import SimMarket
from desk.sim.matching import MatchingBook
from desk.sim.publish import Publisher
from desk.wire import kraken_venue as wire
from desk.wire.kraken_raw import RawKrakenCodec
from desk.wire.session import Policy, Send, Session
from hft_signals import OrderBookAnalyzer

START = 1_763_000_000_000_000_000
SECOND = 1_000_000_000
SYMBOL = "BTC/USD"
DEPTHS = [("book", depth) for depth in wire.BOOK_DEPTHS] + [("level3", depth) for depth in wire.LEVEL3_DEPTHS]


class Desk:
    """What a configuration makes the desk ask for, answered by a venue's publisher, up to the watched book."""

    def __init__(self, channel, depth, publisher):
        key = "book_depth" if channel == "book" else "level3_depth"
        config = msgspec.convert({"venue": {key: depth}}, Config)
        asked = [sub for link in kraken_links(config, (SYMBOL,), level3=True) for sub in link.wanted]
        wanted = [sub for sub in asked if sub.channel in (channel, "instrument")]
        assert Subscription(channel, SYMBOL, depth) in wanted
        self.publisher = publisher
        self.watch = Watch(
            "kraken", (LinkSpec("link", tuple(wanted)),), RawKrakenCodec(), OrderBookAnalyzer().score, {"*": 0.5}
        )
        self.track = self.watch.markets[f"{SYMBOL}@kraken"].tracks[channel]
        self.track.book.depth = 7  # the acknowledgement says how deep the book is
        self.session = Session(RawKrakenCodec(), wanted, Policy(), lambda n: 0)
        list(self.session.woke(START))
        self.watch.link_up(0, START)
        for do in self.session.opened(START, "token"):
            self._serve(do)
        assert not self.session.pending

    def _serve(self, do):
        assert isinstance(do, Send)
        request = wire.read_request(do.raw)
        assert isinstance(request, wire.Subscribe)
        for symbol in request.symbols or ("",):
            topic = wire.topic_of(request, symbol, self.publisher.instruments)
            assert isinstance(topic, wire.Topic)
            self.hear(wire.ack("subscribe", topic, True, request.req_id, START, START), START)
            self.hear(self.publisher.open(topic, START), START)

    def hear(self, frame, now):
        list(self.session.received(frame, now))
        self.watch.frame(Frame(now, 0, frame))

    def proven(self, book, depth):
        """The whole book is the venue's own, to the last level; every message's checksum was right."""
        track = self.track
        assert (track.state, track.crc_bad, track.unchecked) == (BookState.SYNCED, 0, 0)
        assert track.book.depth == depth
        for side, half in ((Side.BUY, "bids"), (Side.SELL, "asks")):
            held = book.levels(side, depth)
            if track.channel == "book":
                assert [level[:2] for level in track.book.levels(side, depth + 5)] == [level[:2] for level in held]
            else:
                assert track.book.levels(side, depth + 5) == held
                at = held[-1][0]
                queue = [(order, qty) for px, order, qty, _ in book.orders(side, depth) if px == at]
                assert getattr(track.book, half).queue(at) == queue
        track.book.check()


@pytest.mark.parametrize(("channel", "depth"), DEPTHS)
def test_the_embedded_exchange_serves_every_depth(channel, depth):
    """Its books have about 165 levels a side: a deeper subscriber holds them all, and is cut nowhere."""
    market = SimMarket(5, START, symbols=(SYMBOL,))
    desk = Desk(channel, depth, Publisher(market, {SYMBOL: market.instruments[SYMBOL]}))
    while market.next_at <= START + 10 * SECOND:
        for _, frame in desk.publisher.advance(START + 10 * SECOND):
            desk.hear(frame, START)
    desk.proven(market.books[SYMBOL], depth)
    assert desk.track.crc_ok > 50


class Deep:
    """A market of one book with more levels than anybody may subscribe to."""

    def __init__(self, levels, orders):
        self.books = {SYMBOL: MatchingBook(SYMBOL, seed=1)}
        for i in range(levels * orders):
            px = 1 + i // orders
            self.books[SYMBOL].limit(Side.BUY, 100_000 - px, 1000 + i, START)
            self.books[SYMBOL].limit(Side.SELL, 100_000 + px, 2000 + i, START)

    def act(self, dice, now):
        """Mostly near the touch; sometimes a sweep that lets deep levels in, or a level put in that pushes one out."""
        book, side = self.books[SYMBOL], dice.choice((Side.BUY, Side.SELL))
        what = dice.random()
        if what < 0.25:
            return book.market(side, dice.randint(1_000, 30_000), now)
        if what < 0.55:
            return book.cancel(dice.choice(list(book.index)), now)
        best = book.best(side) or 100_000
        return book.limit(side, best + side * dice.randint(-1_500, 2), dice.randint(1, 5_000), now)


@pytest.mark.parametrize(("channel", "depth"), [("book", 500), ("book", 1000), ("level3", 100), ("level3", 1000)])
def test_a_book_deeper_than_the_subscription_is_kept_whole_to_its_depth(channel, depth):
    """Levels enter and leave at the far end, where no checksum looks: compared one by one with the venue's own."""
    market, dice = Deep(1_200, 3), random.Random(depth)
    pair = SimMarket(5, START, symbols=(SYMBOL,)).instruments[SYMBOL]
    desk = Desk(channel, depth, Publisher(market, {SYMBOL: pair}))
    for turn in range(1, 300):
        if batch := market.act(dice, START + turn):
            for _, frame in desk.publisher.tell(batch):
                desk.hear(frame, START + turn)
    desk.proven(market.books[SYMBOL], depth)
    assert desk.track.crc_ok > 50
    if channel == "level3" and depth == 1000:
        assert sum(desk.track.book.size()) > 4_000
        assert desk.track.book.footprint > 5 * RawL3Book(depth).footprint  # room for 512 orders at first


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (
            '{"venue": {"book_depth": 50}}',
            r"expected 10 or 25 or 100 or 500 or 1000, got 50 - at `\$.venue.book_depth`",
        ),
        ('{"venue": {"level3_depth": 25}}', r"expected 10 or 100 or 1000, got 25 - at `\$.venue.level3_depth`"),
        ('{"venue": {"book_dept": 100}}', r"did you mean `book_depth`"),
        ('{"venue": {"level_depth": 100}}', r"did you mean `level3_depth`"),
    ],
)
def test_a_depth_that_kraken_does_not_offer_is_refused_with_those_it_does(tmp_path, text, want):
    """Before anything is asked of the venue."""
    path = tmp_path / "trading_config.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=want):
        load(path, print)
