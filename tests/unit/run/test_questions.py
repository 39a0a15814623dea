"""desk/run/questions.py: REST calls one at a time, none queued twice, and a failure is somebody else's to repeat."""

from __future__ import annotations

import asyncio
import threading

from desk.errors import Retryable
from desk.events import Answer, Unanswered
from desk.io.binance_rest import TooOften
from desk.run.questions import Questions


async def until(true):
    for _ in range(5_000):
        if true():
            return
        await asyncio.sleep(0.001)


async def test_a_call_that_waits_is_asked_once_and_one_under_way_again():
    """The answer under way may be from before what made the second one needed."""
    asked, arrived, gate = [], [], threading.Event()

    def fetch(call, symbol):
        asked.append((call, symbol))
        gate.wait(5)
        if symbol == "C/D":
            raise TooOften("HTTP 429", 0.01)
        if symbol == "E/F":
            raise Retryable("no route")
        return symbol.encode()

    questions = Questions(fetch, lambda: 7, arrived.append, pace_s=0.0)
    running = asyncio.create_task(questions.run())
    questions.ask("depth", "A/B")
    await until(lambda: asked)
    for symbol in ("A/B", "C/D", "A/B", "E/F"):
        questions.ask("depth", symbol)
    gate.set()
    await until(lambda: len(arrived) == 4)
    running.cancel()
    assert asked == [("depth", symbol) for symbol in ("A/B", "A/B", "C/D", "E/F")]
    assert arrived[:2] == [Answer(7, "depth", "A/B", b"A/B")] * 2
    assert arrived[2:] == [Unanswered(7, "depth", "C/D", "HTTP 429"), Unanswered(7, "depth", "E/F", "no route")]
