"""The routes of frames to the kernels that take them; those of one read are settled in one call as far as it goes."""

from __future__ import annotations

from collections.abc import Callable, Set

import numpy as np

from desk.kernels import rush as at
from desk.kernels.calm import MOVED
from desk.signals.paths import NOTHING, RESTED, Path, Seen

Told = Callable[[Path, int, int], list[Seen]]
SMALLEST = 16  # slots; twice the routes at least, so that a free one is near
CHANNELS = {"book": at.BOOK, "level3": at.ORDERS, "trade": at.TRADES}
SAID_BITS = (1 << at.ROUTE_BITS) - 1
SAID, WHO, MOVES = at.SAID // 8, at.WHO // 8, at.MOVES // 8


class Rush:
    """The routes of books and tapes, and what the last call of `take` led to; `told` answers for a frame that is not
    settled by itself.

    `one(address, id(frame), now)` is what a kernel says of one frame (desk.kernels.rush), 0 where it has to be decoded.
    `moved` names the books that moved, once each. `left` is what the frame behind those that led to nothing answers,
    None where it has not been read. Together they are what desk.signals.watch.Watch.frame says, frame by frame.
    """

    def __init__(self, told: Told) -> None:
        self.left: list[Seen] | None = None
        self.moved: list[str] = []
        self.paths: list[Path] = []
        self._told = told
        self._names: list[tuple[int, int, int]] = []
        self._minded: Set[str] = frozenset()
        self._rush, self.one, self._slot_of = at.rush_entries()
        self._build()

    def add(self, channel: str, symbol: str, path: Path) -> None:
        """From now on its frames have a route; a symbol of more than 16 bytes gets none, its frames are decoded."""
        name = symbol.encode()
        if channel not in CHANNELS or len(name) > at.NAMED:
            return
        first, second = (int.from_bytes(name[i : i + 8].ljust(8, b"\0"), "little", signed=True) for i in (0, 8))
        self.paths.append(path)
        self._names.append((first, second, CHANNELS[channel]))
        self._build()

    def _build(self) -> None:
        slots = SMALLEST
        while slots < 2 * len(self.paths):
            slots *= 2
        self._block = np.zeros((at.HEADER + slots * at.SLOT) // 8 + len(self.paths) + 1, np.int64)
        self._words: memoryview[int] = self._block.data
        self.address = int(self._block.ctypes.data)
        self._words[at.MASK // 8] = slots - 1
        self._list = (at.HEADER + slots * at.SLOT) // 8
        self._slots: list[int] = []
        for number, (name, path) in enumerate(zip(self._names, self.paths, strict=True)):
            slot = (self._slot_of(self.address, *name) - self.address) // 8
            self._slots.append(slot)
            self._words[slot : slot + 5] = np.array((*name, path.address, number), np.int64).data

    def mind(self, insts: Set[str]) -> None:
        """From now on the frames of these instruments are left to be taken one by one."""
        if insts != self._minded:
            self._minded = frozenset(insts)
            for slot, path in zip(self._slots, self.paths, strict=True):
                self._words[slot + at.MINDED // 8] = path.market.inst in self._minded

    def take(self, frames: int, begin: int, now: int, *, alone: bool) -> int:
        """How many frames of the list at address `frames`, from the one numbered `begin` on, led to nothing but books
        that moved.

        alone: one strategy watches each book, and where it does not rest the frame that moves its book is not nothing.
        The frames are bytes objects and nothing else.
        """
        words, taken = self._words, 0
        self.left = None
        self.moved.clear()
        while True:
            taken += self._rush(self.address, frames, begin + taken, now, alone)
            said = words[SAID]
            if not said:
                break
            path = self.paths[words[WHO]]
            seen = self._told(path, said, now)
            if seen is not RESTED and seen is not NOTHING and (alone or not said & MOVED):
                self.left = seen
                break
            taken += 1
            if said & MOVED and path.market.inst not in self.moved:
                self.moved.append(path.market.inst)
        if count := words[MOVES]:
            self._gather(count)
        return taken

    def _gather(self, count: int) -> None:
        words = self._words
        words[MOVES] = 0
        for number in words[self._list : self._list + count].tolist():
            words[self._slots[number] + at.STIRRED // 8] = 0
            if (inst := self.paths[number].market.inst) not in self.moved:
                self.moved.append(inst)
