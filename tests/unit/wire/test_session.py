"""desk/wire/session.py and retry.py: every outage is a table, because there is no socket and no clock."""

from __future__ import annotations

from desk.messages import Subscription
from desk.wire.kraken import KrakenCodec
from desk.wire.ping import ping_number
from desk.wire.retry import SECOND, Backoff
from desk.wire.session import Close, Open, Policy, Send, Session

WANTED = [Subscription("book", "BTC/USD", 10), Subscription("book", "FOO/BAR", 10)]
HEARTBEAT = b'{"channel":"heartbeat"}'


def ack(symbol, *, success=True):
    if success:
        return b'{"method":"subscribe","result":{"channel":"book","symbol":"%s"},"success":true}' % symbol.encode()
    return b'{"method":"subscribe","error":"nope","symbol":"%s","success":false}' % symbol.encode()


def session(**policy):
    return Session(KrakenCodec(), WANTED, Policy(**policy), jitter=lambda n: n)


def live():
    s = session()
    assert list(s.woke(0)) == [Open()]
    (subscribe,) = s.opened(SECOND)
    assert b"BTC/USD" in subscribe.raw
    for symbol in ("BTC/USD", "FOO/BAR"):
        assert not list(s.received(ack(symbol), SECOND))
    (ping,) = s.woke(SECOND)
    assert ping.raw == KrakenCodec().ping(ping_number(SECOND))
    return s


def test_a_silent_line_is_dead_after_five_seconds():
    """A frozen server keeps its TCP connection: only the missing heartbeat tells."""
    s = live()
    list(s.received(HEARTBEAT, 3 * SECOND))
    assert not list(s.woke(7 * SECOND))
    assert s.next_at == 8 * SECOND
    (close,) = s.woke(8 * SECOND)
    assert isinstance(close, Close)
    assert "silent for 5.0 s" in close.why


def test_one_refused_symbol_does_not_stop_the_others():
    """It is red; the other symbols' subscriptions stand."""
    s = session()
    list(s.woke(0))
    list(s.opened(0))
    list(s.received(ack("BTC/USD"), 1))
    list(s.received(ack("FOO/BAR", success=False), 1))
    assert s.refused == {("book", "FOO/BAR"): "nope"}
    assert s.pending == []


def test_an_unanswered_subscription_is_asked_for_again():
    """And only the unanswered one."""
    s = session(silence=60 * SECOND)
    list(s.woke(0))
    list(s.opened(0))
    list(s.woke(0))  # the first ping
    list(s.received(ack("BTC/USD"), 1))
    (again,) = s.woke(10 * SECOND)
    assert isinstance(again, Send)
    assert b"FOO/BAR" in again.raw
    assert b"BTC/USD" not in again.raw


def test_a_connection_attempt_has_its_own_deadline():
    """A server that accepts and says nothing must not hold us for ever."""
    s = session()
    list(s.woke(0))
    assert not list(s.woke(5 * SECOND))
    (close,) = s.woke(10 * SECOND)
    assert isinstance(close, Close)


def test_after_a_loss_everything_is_subscribed_again():
    """With a fresh token: the old one may have expired."""
    s = live()
    list(s.lost(9 * SECOND))
    assert list(s.woke(s.next_at)) == [Open()]
    (subscribe,) = s.opened(s.next_at, "token2")
    assert b"BTC/USD" in subscribe.raw
    assert b"FOO/BAR" in subscribe.raw


def test_a_resync_touches_one_symbol_and_five_in_a_minute_end_the_connection():
    """The fault stays isolated until it is clearly the connection's."""
    s = live()
    for n in range(5):
        leave, join = s.resync("book", "BTC/USD", (2 + n) * SECOND)
        assert b'"unsubscribe"' in leave.raw
        assert b'"subscribe"' in join.raw
        assert b"FOO/BAR" not in leave.raw + join.raw
    (close,) = s.resync("book", "BTC/USD", 8 * SECOND)
    assert isinstance(close, Close)


def test_backoff_doubles_to_its_ceiling_and_connecting_alone_does_not_reset_it():
    """A link that is up one second and down the next must not storm the venue."""
    b = Backoff(jitter=lambda n: n)
    waits = [b.failed(up_for=SECOND) for _ in range(10)]
    assert waits[:4] == [SECOND // 4, SECOND // 2, SECOND, 2 * SECOND]
    assert max(waits) == 30 * SECOND
    assert b.failed(up_for=60 * SECOND) == SECOND // 4


def test_a_refusal_is_its_requests_even_when_it_names_no_channel():
    """Kraken names the symbol and echoes the request's number; the symbol's other channels are still awaited."""
    wanted = [Subscription("trade", "A/B"), Subscription("book", "A/B", 10)]
    s = Session(KrakenCodec(), wanted, Policy(), jitter=lambda n: n)
    list(s.woke(0))
    assert len(list(s.opened(0))) == 2
    list(s.received(b'{"error":"nope","method":"subscribe","req_id":1,"success":false,"symbol":"A/B"}', 1))
    assert s.refused == {("trade", "A/B"): "nope"}
    assert s.pending == [wanted[1]]
    list(
        s.received(b'{"error":"Already subscribed","method":"subscribe","req_id":2,"success":false,"symbol":"A/B"}', 1)
    )
    assert (s.acked, s.pending) == ({("book", "A/B")}, [])


def test_an_answer_after_a_refusal_lifts_it():
    """A resync may be granted where the first subscription was not."""
    s = session()
    list(s.woke(0))
    list(s.opened(0))
    list(s.received(ack("FOO/BAR", success=False), 1))
    list(s.received(ack("FOO/BAR"), 2))
    assert (s.refused, s.acked) == ({}, {("book", "FOO/BAR")})
