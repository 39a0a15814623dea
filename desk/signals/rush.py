"""Frames that came in one read: what the books' kernels settle by themselves is settled in one call for all of them."""

from __future__ import annotations

from collections.abc import Callable, Set

import numpy as np

from desk.kernels import rush as at
from desk.kernels.calm import CALM, FULL, MOVED, RESTING
from desk.market.state import Fault, Market, Track
from desk.signals.paths import Path, Seen

Moved = Callable[[Market, Track, Fault | None, int], list[Seen]]
SMALLEST = 16  # slots; twice the routes at least, so that a free one is near
CHANNELS = {"book": at.BOOK, "level3": at.ORDERS}
SAID, WHO, MOVES = at.SAID // 8, at.WHO // 8, at.MOVES // 8


class Rush:
    """The routes of the books, and what the last call led to.

    `moved` names the books that moved, once each. `left` is what the frame behind those that led to nothing answers,
    None where it has not been read. Together they are what desk.signals.watch.Watch.frame says, frame by frame.
    """

    def __init__(self, moved: Moved) -> None:
        self.left: list[Seen] | None = None
        self.moved: list[str] = []
        self._judge = moved
        self._paths: list[Path] = []
        self._names: list[tuple[int, int, int]] = []
        self._minded: Set[str] = frozenset()
        self._rush, self._slot_of = at.rush_entries()
        self._build()

    def add(self, channel: str, symbol: str, path: Path) -> None:
        """From now on the frames of this book have a route; a symbol of more than 16 bytes gets none."""
        name = symbol.encode()
        if channel not in CHANNELS or len(name) > at.NAMED:
            return
        first, second = (int.from_bytes(name[i : i + 8].ljust(8, b"\0"), "little", signed=True) for i in (0, 8))
        self._paths.append(path)
        self._names.append((first, second, CHANNELS[channel]))
        self._build()

    def _build(self) -> None:
        slots = SMALLEST
        while slots < 2 * len(self._paths):
            slots *= 2
        self._block = np.zeros((at.HEADER + slots * at.SLOT) // 8 + len(self._paths) + 1, np.int64)
        self._words: memoryview[int] = self._block.data
        self._address = int(self._block.ctypes.data)
        self._words[at.MASK // 8] = slots - 1
        self._list = (at.HEADER + slots * at.SLOT) // 8
        self._slots: list[int] = []
        for number, (name, path) in enumerate(zip(self._names, self._paths, strict=True)):
            slot = (self._slot_of(self._address, *name) - self._address) // 8
            self._slots.append(slot)
            self._words[slot : slot + 5] = np.array((*name, path.record, number), np.int64).data

    def mind(self, insts: Set[str]) -> None:
        """From now on the frames of these instruments are left to be taken one by one."""
        if insts != self._minded:
            self._minded = frozenset(insts)
            for slot, path in zip(self._slots, self._paths, strict=True):
                self._words[slot + at.MINDED // 8] = path.market.inst in self._minded

    def take(self, frames: list[bytes], begin: int, now: int, *, alone: bool) -> int:
        """How many of these frames, from the one numbered `begin` on, led to nothing but books that moved.

        alone: one strategy watches each book, and where it does not rest the frame that moves its book is not nothing.
        The frames are bytes objects and nothing else.
        """
        return self.take_at(id(frames), begin, now, alone=alone)

    def take_at(self, frames: int, begin: int, now: int, *, alone: bool) -> int:
        """`take`, of a list at this address."""
        words, taken = self._words, 0
        self.left = None
        self.moved.clear()
        while True:
            taken += self._rush(self._address, frames, begin + taken, now, alone)
            said = words[SAID]
            if not said:
                break
            _, _, market, track, moved = self._paths[words[WHO]]
            assert track is not None  # every route is a book's
            if not said & CALM:
                self.left = self._judge(market, track, track.prove(now), now)
                break
            if said & FULL:
                market.touches.make_room()
            if alone and said & MOVED and not said & RESTING:
                self.left = moved
                break
            taken += 1
            if said & MOVED and market.inst not in self.moved:
                self.moved.append(market.inst)
        if count := words[MOVES]:
            self._gather(count)
        return taken

    def _gather(self, count: int) -> None:
        words = self._words
        words[MOVES] = 0
        for number in words[self._list : self._list + count].tolist():
            words[self._slots[number] + at.STIRRED // 8] = 0
            if (inst := self._paths[number].market.inst) not in self.moved:
                self.moved.append(inst)
