"""desk/signals/watch.py and desk/market/state.py: what belongs to an earlier subscription never becomes the book."""

from __future__ import annotations

import pytest
from shared import shared

from desk.events import Frame, Timer
from desk.io.frames import read_frames
from desk.market.state import SNAPSHOT_PATIENCE, BookState, Fault
from desk.messages import LinkSpec, Subscription
from desk.signals.watch import Watch, Word
from desk.wire.kraken import KrakenCodec
from hft_signals import OrderBookAnalyzer

KEY = "BTC/USD@kraken"
SECOND = 1_000_000_000
DOUBT = Fault(KEY, "book", 0, "a doubt")


def watch():
    link = LinkSpec("public", (Subscription("book", "BTC/USD", 10),))
    made = Watch("kraken", (link,), KrakenCodec(), OrderBookAnalyzer().score, {"*": 0.5})
    made.link_up(0, 1)
    return made


def book(ts, bid="100.0", kind="snapshot", at=None):
    stamp = f',"timestamp":"2026-08-02T04:23:{at:02d}.000000Z"' if at is not None else ""
    text = (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"BTC/USD","bids":[{{"price":{bid},"qty":5.00000000}}],'
        f'"asks":[{{"price":100.9,"qty":7.00000000}}]{stamp}}}]}}'
    )
    return Frame(ts, 0, text.encode())


def ack(ts, method="subscribe"):
    text = f'{{"method":"{method}","result":{{"channel":"book","symbol":"BTC/USD"}},"success":true}}'
    return Frame(ts, 0, text.encode())


def synced():
    """A watch whose book was acknowledged and proven once."""
    desk = watch()
    desk.frame(ack(2))
    desk.frame(book(3))
    track = desk.markets[KEY].tracks["book"]
    assert (track.state, track.epoch, track.due) == (BookState.SYNCED, 1, 0)
    return desk, track


def codes(seen):
    return [each.code for each in seen if isinstance(each, Word)]


def test_a_snapshot_that_overtakes_the_acknowledgement_belongs_to_the_subscription_before():
    """In the order of the wire: old updates, an old snapshot, unsubscribed, subscribed, the new snapshot."""
    desk, track = synced()
    desk.resyncing(DOUBT, 10)
    desk.frame(book(11, "100.1", kind="update"))
    assert codes(desk.frame(book(12, "100.2"))) == ["STALE_SNAPSHOT"]
    desk.frame(ack(13, "unsubscribe"))
    assert (track.ignored, track.early, track.state, track.book.size()) == (1, 1, BookState.RESYNC, (0, 0))
    assert KEY not in desk.scores
    desk.frame(ack(14))
    assert track.state is BookState.SNAPSHOT_WAIT
    desk.frame(book(15, "100.3"))
    assert (track.state, track.book.bid, track.epoch) == (BookState.SYNCED, 1003, 2)
    assert KEY in desk.scores


def test_two_subscriptions_in_a_row_wait_for_the_second_acknowledgement():
    """The first one's snapshot arrives in between: acknowledged, and out of date all the same."""
    desk, track = synced()
    desk.resyncing(DOUBT, 10)
    desk.resyncing(DOUBT, 11)
    desk.frame(ack(12))
    desk.frame(book(13, "100.1"))
    assert (track.state, track.early, track.due) == (BookState.RESYNC, 1, 1)
    desk.frame(ack(14))
    desk.frame(book(15, "100.2"))
    assert (track.state, track.book.bid, track.epoch) == (BookState.SYNCED, 1002, 3)


def test_frames_of_a_connection_that_is_gone_change_nothing():
    """Whatever was still on its way when the line broke."""
    desk, track = synced()
    desk.link_down(0, "gone", 10)
    desk.frame(ack(11))
    desk.frame(book(12, "100.1"))
    desk.frame(book(13, "100.1", kind="update"))
    assert (track.early, track.book.size(), desk.scores) == (2, (0, 0), {})
    desk.link_up(0, 14)
    desk.frame(book(15, "100.2"))  # nothing older can come on a new connection, acknowledged or not
    assert (track.state, track.book.bid) == (BookState.SYNCED, 1002)


def test_a_venue_that_never_acknowledges_is_believed_after_the_patience():
    """Asked for a second time, with nothing heard of the first for ten seconds: nothing of it is under way."""
    desk, track = synced()
    desk.resyncing(DOUBT, 10)
    desk.frame(book(11))
    assert track.state is BookState.RESYNC
    late = Timer(12 + SNAPSHOT_PATIENCE, "beat")
    (fault,) = [each for each in desk.beat(late.ts) if isinstance(each, Fault)]
    desk.resyncing(fault, late.ts)
    desk.frame(book(late.ts + 1))
    assert (track.state, track.resyncs) == (BookState.SYNCED, 2)


def test_a_snapshot_older_than_the_book_is_named_and_not_used():
    """Replayed late: the book goes on as it was, and so does its score."""
    desk, track = synced()
    desk.frame(book(4, "100.2", at=20))
    before = desk.scores[KEY]
    assert codes(desk.frame(book(5, "99.0", at=10))) == ["STALE_SNAPSHOT"]
    assert (track.stale, track.book.bid, track.state, desk.scores[KEY]) == (1, 1002, BookState.SYNCED, before)


def test_a_doubted_book_takes_its_score_along_although_another_book_is_believed():
    """The level book is right, but the score was the order book's: there is none until the level book moves."""
    links = tuple(LinkSpec(channel, (Subscription(channel, "BTC/USD", 10),)) for channel in ("book", "level3"))
    desk = Watch("kraken", links, KrakenCodec(), OrderBookAnalyzer().score, {"*": 0.5})
    desk.link_up(0, 1)
    desk.link_up(1, 1)
    desk.frame(book(2))
    orders = (
        b'{"channel":"level3","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"order_id":"OAAAAA-AAAAA-AAAAAA",'
        b'"limit_price":100.0,"order_qty":5.00000000}],"asks":[{"order_id":"OAAAAA-AAAAA-AAAAAB","limit_price":100.9,'
        b'"order_qty":7.00000000}]}]}'
    )
    desk.frame(Frame(3, 1, orders))
    assert desk.scores[KEY].tier == "L3"
    desk.resyncing(Fault(KEY, "level3", 1, "a doubt"), 4)
    assert KEY not in desk.scores
    desk.frame(book(5, "100.1", kind="update"))
    assert desk.scores[KEY].tier == "L2"


@pytest.mark.parametrize("name", ["kraken_v2_book_btcusd_d10_20260801", "kraken_v2_book_btcusd_d10_20260719a"])
def test_a_real_storm_of_subscriptions_is_followed_without_a_doubt(name):
    """8 acknowledgements, 7 leavings and 5 snapshots on one connection, asked for by its recorder: all are believed."""
    desk = watch()
    for i, frame in enumerate(read_frames(shared(f"captures/{name}.frames.gz"))):
        if frame.direction == "<":
            assert not any(isinstance(each, Fault) for each in desk.frame(Frame(i + 2, 0, frame.data)))
    track = desk.markets[KEY].tracks["book"]
    assert (track.crc_bad, track.early, track.stale) == (0, 0, 0)
    assert track.crc_ok > 300
