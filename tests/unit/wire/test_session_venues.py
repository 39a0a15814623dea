"""desk/wire/session.py on venues that count requests, and answer in a channel of their own."""

from __future__ import annotations

import json

from desk.messages import Subscription
from desk.wire.retry import SECOND
from desk.wire.session import Session
from desk.wire.venues import wire_of


def session(venue, wanted):
    wire = wire_of(venue)
    return Session(wire.codec(()), wanted, wire.policy, jitter=lambda n: n)


def test_a_coinbase_answer_is_an_acknowledgement_though_it_comes_as_a_channel():
    """Each answer repeats all that stands; every one of them acknowledges what is new in it."""
    wanted = [Subscription("book", "BTC/USD"), Subscription("trade", "BTC/USD")]
    s = session("coinbase", wanted)
    list(s.woke(0))
    list(s.opened(0))
    standing = {}
    for channel, names in (("heartbeats", "heartbeats"), ("level2", "BTC-USD"), ("market_trades", "BTC-USD")):
        standing[channel] = [names]
        answer = {"channel": "subscriptions", "sequence_num": 0, "timestamp": "2026-09-07T23:37:22Z"}
        list(s.received(json.dumps({**answer, "events": [{"subscriptions": standing}]}).encode(), 1))
    assert s.acked >= {("book", "BTC/USD"), ("trade", "BTC/USD")}
    assert s.pending == []


def test_requests_keep_the_pace_of_a_venue_that_counts_them():
    """Binance hangs up on a client that sends more than 5 messages a second, pings included."""
    wanted = [Subscription("book", f"A{n}/B") for n in range(8)]
    s = session("binance", wanted)
    list(s.woke(0))
    sent = [(0, do) for do in s.opened(0)]
    now, step = 0, SECOND // 20
    while now < 9 * SECOND:
        now += step
        list(s.received(b'{"e":"x"}', now))
        sent += [(now, do) for do in s.woke(now)]
    for at, _ in sent:
        assert sum(at <= other < at + SECOND for other, _ in sent) <= 5
    asked = [json.loads(do.raw)["params"] for _, do in sent if b"params" in do.raw]
    assert asked == [[f"a{n}b@depth@100ms"] for n in range(8)]
    assert sum(b"LIST_SUBSCRIPTIONS" in do.raw for _, do in sent) >= 2


def test_a_queue_of_requests_is_asked_again_only_after_its_last():
    """Otherwise a long queue would grow by itself before its end is answered."""
    s = session("binance", [Subscription("book", f"A{n}/B") for n in range(80)])
    list(s.woke(0))
    sent = [do.raw for do in s.opened(0)]
    for now in range(0, 29 * SECOND, SECOND // 10):
        list(s.received(b'{"e":"x"}', now))
        sent += [do.raw for do in s.woke(now)]
    asked = [raw for raw in sent if b"@depth" in raw]
    assert len(asked) == len({raw.partition(b"@")[0] for raw in asked}) == 80


def test_a_new_connection_forgets_the_requests_of_the_old_one():
    """They are all asked again, and each of them once."""
    s = session("binance", [Subscription("book", f"A{n}/B") for n in range(12)])
    list(s.woke(0))
    list(s.opened(0))
    list(s.lost(1))
    list(s.woke(40 * SECOND))
    sent = [do.raw for do in s.opened(41 * SECOND)]
    for now in range(41 * SECOND, 49 * SECOND, SECOND // 10):
        list(s.received(b'{"e":"x"}', now))
        sent += [do.raw for do in s.woke(now)]
    asked = [raw for raw in sent if b"@depth" in raw]
    assert len(asked) == len({raw.partition(b"@")[0] for raw in asked}) == 12
