"""Carries the engine's questions to the venue's REST, one at a time and no faster than allowed; answers are events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from desk.errors import DeskError
from desk.events import Answer, Unanswered
from desk.intents import Fetch
from desk.io.binance_rest import TooOften

WAITING = 256  # questions; more are refused, and asked again later by whoever needs them


class Courier:
    """One venue's REST, asked politely: a call starts `pace_s` after the last one ended, or when the venue allows it.

    `rest` holds what can be asked, by call; `post` takes what comes back; `clock` gives ns since 1970 UTC. A question
    that waits already is not queued again; one under way is, for its answer may be from before what made the second one
    needed. A call that fails is not repeated: the engine misses its answer, and asks again.
    """

    def __init__(
        self,
        rest: Mapping[str, Callable[[Fetch], bytes]],
        pace_s: float,
        post: Callable[[Answer | Unanswered], None],
        clock: Callable[[], int],
    ) -> None:
        self.rest, self.pace_s, self.post, self.clock = rest, pace_s, post, clock
        self._waiting: dict[tuple[str, str, int, int], Fetch] = {}
        self._asked = asyncio.Event()
        self._turn = asyncio.Lock()
        self._free_at = 0.0  # of the loop's clock

    def take(self, fetch: Fetch) -> str:
        """Ask as soon as it is its turn; says why not, "" when it will be asked."""
        if fetch.call not in self.rest:
            return "this source has no REST"
        question = fetch.call, fetch.symbol, fetch.since, fetch.count
        if len(self._waiting) >= WAITING and question not in self._waiting:
            return f"{WAITING} questions are waiting already"
        self._waiting[question] = fetch
        self._asked.set()
        return ""

    async def run(self) -> None:
        """Ask what is waiting, for ever."""
        while True:
            await self._asked.wait()
            fetch = self._waiting.pop(next(iter(self._waiting)))
            if not self._waiting:
                self._asked.clear()
            try:
                raw = await self.ask(fetch)
            except DeskError as err:
                self.post(Unanswered(self.clock(), fetch.call, fetch.symbol, str(err)))
            else:
                self.post(Answer(self.clock(), fetch.call, fetch.symbol, raw))

    async def ask(self, fetch: Fetch) -> bytes:
        """The venue's answer, verbatim, when its turn has come. Raises DeskError as the call does."""
        loop = asyncio.get_running_loop()
        async with self._turn:
            await asyncio.sleep(self._free_at - loop.time())
            wait_s = self.pace_s
            try:
                return await asyncio.to_thread(self.rest[fetch.call], fetch)
            except TooOften as err:
                wait_s = err.wait_s
                raise
            finally:
                self._free_at = loop.time() + wait_s
