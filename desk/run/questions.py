"""The REST calls the engine asks for: one at a time, at the venue's pace; each answer goes back as an event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from desk.errors import DeskError
from desk.events import Answer, Unanswered
from desk.io.binance_rest import TooOften

PACE_S = 0.6  # 100 calls a minute, of a weight of 50 each, are under Binance's 6000


class Questions:
    """What is to be asked. A call that is waiting already is not queued again; one under way is, for it may be late.

    A call that fails is not repeated here: the engine misses its answer, and asks again.
    """

    def __init__(
        self,
        fetch: Callable[[str, str], bytes],
        clock: Callable[[], int],
        arrive: Callable[[Answer | Unanswered], None],
        pace_s: float = PACE_S,
    ) -> None:
        self.fetch, self.clock, self.arrive, self.pace_s = fetch, clock, arrive, pace_s
        self._waiting: dict[tuple[str, str], None] = {}
        self._asked = asyncio.Event()

    def ask(self, call: str, symbol: str) -> None:
        """Queue a call."""
        self._waiting[call, symbol] = None
        self._asked.set()

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            await self._asked.wait()
            call, symbol = next(iter(self._waiting))
            del self._waiting[call, symbol]
            if not self._waiting:
                self._asked.clear()
            wait_s = self.pace_s
            try:
                raw = await asyncio.to_thread(self.fetch, call, symbol)
            except DeskError as err:
                self.arrive(Unanswered(self.clock(), call, symbol, str(err)))
                wait_s = err.wait_s if isinstance(err, TooOften) else wait_s
            else:
                self.arrive(Answer(self.clock(), call, symbol, raw))
            await asyncio.sleep(wait_s)
