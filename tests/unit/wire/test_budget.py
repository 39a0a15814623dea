"""desk/wire/budget.py, and the sessions that keep to it: Kraken's limits, counted without a network."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.config import Config
from desk.errors import ConfigError
from desk.messages import LinkSpec, Subscription
from desk.run.source import kraken_links
from desk.wire.budget import ATTEMPTS, SECOND, Budget, Window, check, split
from desk.wire.kraken import KrakenCodec
from desk.wire.session import Open, Policy, Send, Session


def symbols(count):
    return tuple(f"S{i}/USD" for i in range(count))


def level3(count, depth):
    return [Subscription("level3", symbol, depth) for symbol in symbols(count)]


def ran(session, seconds, step=SECOND // 20):
    """What a session asks for in so many seconds of being woken, as (ns, request); pings are another matter."""
    done = [(now, do) for now in range(0, seconds * SECOND, step) for do in session.woke(now)]
    return [(now, do) for now, do in done if not (isinstance(do, Send) and b'"ping"' in do.raw)]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 5)), max_size=60), st.integers(5, 9), st.integers(1, 40))
def test_no_window_ever_holds_more_than_its_limit(steps, limit, span):
    """And nothing waits without need: one moment earlier, the units would not have fitted."""
    window, now, taken = Window(limit, span), 0, []
    for wait, units in steps:
        asked = now + wait
        now = window.free_at(asked, units)
        window.take(now, units)
        before = sum(n for at, n in taken if at > now - 1 - span)
        assert now == asked or before + units > limit
        taken.append((now, units))
    for at, _ in taken:
        assert sum(n for other, n in taken if at <= other < at + span) <= limit


def test_a_clock_set_back_does_not_freeze_the_budget():
    """Found by thinking of NTP: an hour back would have meant an hour of silence."""
    window = Window(1, 10)
    window.take(3_600_000)
    assert window.free_at(5) == 15


def test_all_connections_of_an_address_share_their_attempts():
    """Kraken's edge bans an address for ten minutes after about 150, over all of its sockets."""
    budget = Budget()
    sessions = [Session(KrakenCodec(), level3(1, 10), Policy(), lambda n: 0, budget) for _ in range(4)]
    opened = []
    for now in range(0, 1500 * SECOND, SECOND // 4):
        for session in sessions:
            for do in session.woke(now):
                if isinstance(do, Open):
                    opened.append(now)
                list(session.lost(now))
    assert ATTEMPTS < len(opened) <= 3 * ATTEMPTS
    assert all(b - a >= 600 * SECOND for a, b in zip(opened, opened[ATTEMPTS:], strict=False))


@pytest.mark.parametrize(("depth", "a_second"), [(10, 40), (100, 8), (1000, 2)])
def test_level3_is_subscribed_no_faster_than_the_account_may(depth, a_second):
    """200 units a second; the first second's worth goes at once, and every symbol is named once."""
    count = 3 * a_second
    session = Session(KrakenCodec(), level3(count, depth), Policy(silence=99 * SECOND), lambda n: 0)
    list(session.woke(0))
    sent = [(0, do) for do in session.opened(0)] + ran(session, 4)
    named = [(at, msgspec.json.decode(do.raw)["params"]["symbol"]) for at, do in sent]
    assert [name for _, names in named for name in names] == list(symbols(count))
    for begin, _ in named:
        assert sum(len(names) for at, names in named if begin <= at < begin + SECOND) <= a_second
    assert named[-1][0] == 2 * SECOND


def test_two_links_of_one_account_share_its_level3_units():
    """The counter is the account's: splitting the symbols over sockets does not double it."""
    budget = Budget()
    halves = [Session(KrakenCodec(), level3(2, 1000), Policy(), lambda n: 0, budget) for _ in range(2)]
    for each in halves:
        list(each.woke(0))
    first, second = (list(each.opened(0)) for each in halves)
    assert (len(first), len(second)) == (1, 0)
    list(halves[1].woke(0))  # its first ping
    assert halves[1].next_at == SECOND
    assert [type(do) for do in halves[1].woke(SECOND)] == [Send]


def test_requests_that_must_wait_are_not_asked_for_twice():
    """Re-asking is for answers that did not come, not for questions that were not put."""
    session = Session(KrakenCodec(), level3(30, 1000), Policy(silence=99 * SECOND, ping=99 * SECOND), lambda n: 0)
    list(session.woke(0))
    sent = list(session.opened(0)) + [do for _, do in ran(session, 20)]
    names = [name for do in sent for name in msgspec.json.decode(do.raw)["params"]["symbol"]]
    assert names == list(symbols(30))


def test_a_socket_hears_at_most_ten_requests_in_half_a_second():
    """Kraken's own limit is dynamic; the answer to too much is {"Error":"Exceeded msg rate"}."""
    wanted = [Subscription("ohlc", "A/B", 0, n) for n in range(1, 31)]
    session = Session(KrakenCodec(), wanted, Policy(), lambda n: 0)
    list(session.woke(0))
    times = [0 for _ in session.opened(0)] + [at for at, _ in ran(session, 2)]
    assert len(times) == 30
    assert all(later - at >= SECOND // 2 for at, later in zip(times, times[10:], strict=False))


def test_more_symbols_than_a_connection_carries_are_split_over_several():
    """All channels of a symbol stay together; the instrument channel is asked for once."""
    links = kraken_links(Config(), symbols(250), level3=True)
    assert [link.name for link in links] == ["public", "public-2", "level3", "level3-2"]
    homes = {}
    for link in links:
        names = {sub.symbol for sub in link.wanted if sub.symbol}
        assert len(names) <= 200
        for name in names:
            homes.setdefault((link.name.partition("-")[0], name), set()).add(link.name)
    assert len(homes) == 500
    assert all(len(home) == 1 for home in homes.values())
    assert [sub.channel for link in links for sub in link.wanted].count("instrument") == 1


def test_what_does_not_fit_is_refused_at_start_with_its_numbers():
    """A person learns what would fit, not that something failed."""
    deep = msgspec.convert({"venue": {"level3_depth": 1000}}, Config)
    assert len(kraken_links(deep, symbols(16), level3=True)) == 2
    assert len(kraken_links(deep, symbols(200), level3=False)) == 1
    with pytest.raises(ConfigError) as refused:
        kraken_links(deep, symbols(60), level3=True)
    text = str(refused.value)
    for part in ("60 symbols", "6,000 units", "30 s to subscribe", "16 at depth 1000", "$.venue.level3_depth"):
        assert part in text
    with pytest.raises(ConfigError, match="2500 symbols need 13 connections"):
        check(split("public", [Subscription("book", symbol, 10) for symbol in symbols(2500)]))
    check((LinkSpec("public", ()),))
