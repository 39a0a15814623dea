"""desk/run/courier.py: REST calls one at a time, none queued twice, and a failure is somebody else's to repeat."""

from __future__ import annotations

import asyncio
import threading
import time
from itertools import pairwise

from desk.errors import Retryable
from desk.events import Answer, Unanswered
from desk.intents import Fetch
from desk.io.binance_rest import TooOften
from desk.run.courier import WAITING, Courier

WAIT_S = 0.05


async def until(true):
    for _ in range(5_000):
        if true():
            return
        await asyncio.sleep(0.001)


def depth(symbol, cause=0):
    return Fetch("depth", symbol, cause)


async def test_a_call_that_waits_is_asked_once_and_one_under_way_again():
    """The answer under way may be from before what made the second one needed."""
    asked, begun, arrived, gate = [], [], [], threading.Event()

    def fetch(ask):
        asked.append((ask.call, ask.symbol))
        begun.append(time.monotonic())
        gate.wait(5)
        if ask.symbol == "C/D":
            raise TooOften("HTTP 429", WAIT_S)
        if ask.symbol == "E/F":
            raise Retryable("no route")
        return ask.symbol.encode()

    courier = Courier({"depth": fetch}, 0.0, arrived.append, lambda: 7)
    running = asyncio.create_task(courier.run())
    assert courier.take(depth("A/B")) == ""
    await until(lambda: asked)
    for cause, symbol in enumerate(("A/B", "C/D", "A/B", "E/F")):
        assert courier.take(depth(symbol, cause)) == ""
    gate.set()
    await until(lambda: len(arrived) == 4)
    running.cancel()
    assert asked == [("depth", symbol) for symbol in ("A/B", "A/B", "C/D", "E/F")]
    assert arrived[:2] == [Answer(7, "depth", "A/B", b"A/B")] * 2
    assert arrived[2:] == [Unanswered(7, "depth", "C/D", "HTTP 429"), Unanswered(7, "depth", "E/F", "no route")]
    assert begun[3] - begun[2] >= WAIT_S, "the venue said for how long it wants no calls"


async def test_calls_keep_their_pace_and_an_answer_does_not_wait_for_it():
    """Also those that are waited for in person: the venue counts them all."""
    begun, arrived = [], []

    def fetch(ask):
        begun.append(time.monotonic())
        return b"{}"

    courier = Courier({"OHLC": fetch, "Trades": fetch}, WAIT_S, arrived.append, lambda: 7)
    running = asyncio.create_task(courier.run())
    courier.take(Fetch("Trades", "A/B", 0, since=5))
    courier.take(Fetch("Trades", "A/B", 0, since=6))  # another question: what it asks for begins elsewhere
    await until(lambda: arrived)
    assert len(begun) == 1
    assert await courier.ask(Fetch("OHLC", "A/B", 0)) == b"{}"
    await until(lambda: len(arrived) == 2)
    running.cancel()
    assert all(after - before >= WAIT_S for before, after in pairwise(begun))
    assert len(begun) == 3


async def test_what_cannot_be_asked_is_said_at_once():
    """The engine waits for an answer, and would for ever."""
    courier = Courier({"depth": lambda ask: b""}, 0.0, lambda event: None, lambda: 7)
    assert courier.take(Fetch("Trades", "A/B", 0)) == "this source has no REST"
    assert {courier.take(depth(f"{number}/USD")) for number in range(WAITING)} == {""}
    assert courier.take(depth("A/B")) == "256 questions are waiting already"
    assert courier.take(depth("0/USD")) == ""  # it waits already
