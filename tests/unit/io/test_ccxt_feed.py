"""desk/io/ccxt_feed.py: what becomes of a ccxt client that fails, and of our own faults behind it."""

from __future__ import annotations

import asyncio

import pytest

from desk.errors import ConfigError, FeedError
from desk.events import Frame, LinkDown, LinkUp
from desk.io.ccxt_feed import CcxtFeed, client_of, load


class Client:
    """A scripted ccxt.pro client: books until one is an error, then it waits."""

    id = "scripted"

    def __init__(self, script):
        self.script, self.closed = list(script), 0
        self.has = {"watchOrderBook": True, "watchTrades": False}

    async def watch_order_book(self, symbol):
        if not self.script:
            await asyncio.Event().wait()
        said = self.script.pop(0)
        if isinstance(said, Exception):
            raise said
        return {"timestamp": None, "bids": [[said, 1.0]], "asks": [[said + 1, 1.0]]}

    async def load_markets(self):
        raise OSError("no\n route to host")

    async def close(self):
        self.closed += 1


async def watched(client, enough, post=None, **policy):
    events = []

    def take(event, received):
        events.append(event)
        if post is not None:
            post(event)

    clock = iter(range(1_000_000_000, 10**15, 100_000_000)).__next__
    feed = CcxtFeed(3, client, ("A/B",), take, clock, lambda most: 0, **policy)
    running = asyncio.create_task(feed.run())
    try:
        for _ in range(1_000):
            if running.done() or enough(events):
                break
            await asyncio.sleep(0.01)
    finally:
        feed.stop()
        await running
    return events


async def test_a_lost_connection_is_a_link_down_and_then_another():
    """Every book it fed is unknown in between; ccxt's own bugs are lost connections too."""
    client = Client([10.0, AttributeError("'float' object has no\nattribute 'split'"), 11.0])
    events = await watched(client, lambda events: len(events) == 5)
    assert [type(event) for event in events] == [LinkUp, Frame, LinkDown, LinkUp, Frame]
    assert events[2].why == "A/B: AttributeError 'float' object has no attribute 'split'"
    assert {event.link for event in events} == {3}
    assert client.closed == 2


async def test_a_silent_exchange_is_a_lost_one():
    """ccxt waits for ever on a subscription that was refused."""
    events = await watched(Client([10.0]), lambda events: len(events) == 3, silence=200_000_000)
    assert isinstance(events[2], LinkDown)
    assert events[2].why.startswith("silent for ")


async def test_a_fault_of_our_own_ends_the_run():
    """It is not the exchange's, and watching again would not mend it."""

    def broken(event):
        if isinstance(event, Frame):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await watched(Client([10.0]), lambda events: False, broken)


async def test_an_exchange_that_cannot_be_reached_is_said_in_one_line():
    client = Client([])
    with pytest.raises(
        FeedError, match=r"^scripted cannot be reached through ccxt \(OSError no route to host\)"
    ) as err:
        await load(client, ("A/B",))
    assert "\n" not in str(err.value)
    assert client.closed == 1


def test_an_unknown_exchange_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match=r"--feed ccxt:krakn: .* bitstamp, .* okx"):
        client_of("krakn")
