"""Carries the engine's questions to the venue's REST, one at a time and no faster than allowed; answers are events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from desk.errors import DeskError
from desk.events import Answer, Unanswered
from desk.intents import Fetch
from desk.io.kraken_rest import fetch_depth, fetch_minutes, fetch_trades

WAITING = 256  # questions; more are refused, and asked again later by whoever needs them


class Courier:
    """One venue's REST, asked politely. `post` takes what comes back; `clock` gives ns since 1970 UTC."""

    def __init__(
        self, rest_url: str, pace_s: float, post: Callable[[Answer | Unanswered], None], clock: Callable[[], int]
    ) -> None:
        self.rest_url, self.pace_s, self.post, self.clock = rest_url, pace_s, post, clock
        self._queue: asyncio.Queue[Fetch] = asyncio.Queue(WAITING)
        self._turn = asyncio.Lock()

    def take(self, fetch: Fetch) -> str:
        """Ask as soon as it is its turn; says why not, "" when it will be asked."""
        if not self.rest_url:
            return "this source has no REST"
        try:
            self._queue.put_nowait(fetch)
        except asyncio.QueueFull:
            return f"{WAITING} questions are waiting already"
        return ""

    async def run(self) -> None:
        """Ask what is waiting, for ever."""
        while True:
            fetch = await self._queue.get()
            try:
                raw = await self._ask(fetch)
            except DeskError as err:
                self.post(Unanswered(self.clock(), fetch.call, fetch.symbol, str(err)))
            else:
                self.post(Answer(self.clock(), fetch.call, fetch.symbol, raw))

    async def minutes(self, symbol: str) -> bytes:
        """The venue's last 720 one-minute candles, verbatim. Raises Retryable when it cannot be asked."""
        return await self._paced(partial(fetch_minutes, self.rest_url, symbol))

    async def _ask(self, fetch: Fetch) -> bytes:
        if fetch.call == "Trades":
            return await self._paced(partial(fetch_trades, self.rest_url, fetch.symbol, fetch.since))
        return await self._paced(partial(fetch_depth, self.rest_url, fetch.symbol, fetch.count))

    async def _paced(self, call: Callable[[], bytes]) -> bytes:
        async with self._turn:
            try:
                return await asyncio.to_thread(call)
            finally:
                await asyncio.sleep(self.pace_s)
