"""What the mid was a while after something happened: noted at that very time, never afterwards from a later book."""

from __future__ import annotations

import heapq
from collections.abc import Callable

import msgspec

NEVER = 2**63 - 1

Touch = tuple[int, int]  # (bid, ask) in ticks
TouchOf = Callable[[str], Touch | None]  # of an instrument; None while its book cannot be believed


class Moment(msgspec.Struct):
    """Something that happened at `ts`, and bid + ask (twice the mid, ticks) each horizon later; None: not known."""

    inst: str
    ts: int
    after: list[int | None]


class Markouts:
    """`note` what happened; `look` before each event that is later than `due`.

    A mid at time t is that of the book after every event up to and including t, and before any later one.

    >>> watch = Markouts((1_000, 5_000)); moment = watch.note("BTC/USD@kraken", 100)
    >>> watch.due
    1100
    >>> watch.look(2_000, lambda inst: (99, 101)); moment.after, watch.due
    ([200, None], 5100)
    """

    __slots__ = ("_n", "_pending", "due", "horizons")

    def __init__(self, horizons: tuple[int, ...]) -> None:
        """`horizons` in ns."""
        self.horizons = horizons
        self.due = NEVER  # when the next mid is wanted
        self._pending: list[tuple[int, int, int, Moment]] = []
        self._n = 0

    def note(self, inst: str, ts: int) -> Moment:
        """Follow what happened at `ts`: the moment, to be filled in as time passes."""
        moment = Moment(inst, ts, [None] * len(self.horizons))
        self._n += 1
        for i, horizon in enumerate(self.horizons):
            heapq.heappush(self._pending, (ts + horizon, self._n, i, moment))
        self.due = self._pending[0][0]
        return moment

    def look(self, ts: int, touch: TouchOf) -> None:
        """Fill in every mid that was due before `ts`, from the books as they are before the event at `ts`."""
        pending = self._pending
        while pending and pending[0][0] < ts:
            _, _, i, moment = heapq.heappop(pending)
            found = touch(moment.inst)
            moment.after[i] = found[0] + found[1] if found is not None else None
        self.due = pending[0][0] if pending else NEVER
