"""The simulated market in this process, at any speed: the feed of `--feed embedded --speed X`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter, perf_counter_ns

from desk.events import Event
from desk.sim.rehearsal import SECOND, Rehearsal

SLICE_S = 0.02  # the console, Ctrl-C and the other tasks get their turn this often
NO_END_S = 365 * 86_400.0


class RehearsalFeed:
    """What a socket's Feed is to a run, for a market that lives in its own time. `speed` 0: as fast as it goes."""

    def __init__(
        self, rehearsal: Rehearsal, post: Callable[[Event, int], None], speed: float, seconds: float | None
    ) -> None:
        self.finished = asyncio.Event()
        self.stamp = rehearsal.begin
        self._rehearsal, self._post, self._speed = rehearsal, post, speed
        self._seconds = NO_END_S if seconds is None else seconds
        self._stopping = False

    async def run(self) -> None:
        """Post every event when its moment has come."""
        began, turn = perf_counter(), perf_counter()
        for event in self._rehearsal.events(self._seconds):
            if self._speed:
                ahead = (event.ts - self._rehearsal.begin) / SECOND / self._speed - (perf_counter() - began)
                if ahead > 0:
                    await asyncio.sleep(ahead)
                    turn = perf_counter()
            if perf_counter() - turn > SLICE_S:
                await asyncio.sleep(0)
                turn = perf_counter()
            if self._stopping:
                return
            self.stamp = event.ts
            self._post(event, perf_counter_ns())
        self.finished.set()

    def stop(self) -> None:
        """No further event."""
        self._stopping = True

    def resync(self, channel: str, symbol: str) -> None:
        """Another snapshot of one book comes next."""
        self._rehearsal.resync(channel, symbol)
