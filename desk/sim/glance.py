"""One look at the books for several readers: asked once, answered from memory until `again`."""

from __future__ import annotations

from desk.instrument import Instrument
from desk.messages import Side
from desk.sim.fills import BookAccess
from desk.sim.queue import Levels, Orders


class Glance:
    """desk.sim.fills.BookAccess in front of another one; `again` before the first question after any change."""

    __slots__ = ("_books", "_levels", "_queues", "_ready")

    def __init__(self, books: BookAccess) -> None:
        self._books = books
        self._levels: dict[tuple[str, Side, int], Levels] = {}
        self._queues: dict[tuple[str, Side, int], Orders | None] = {}
        self._ready: dict[str, bool] = {}

    def again(self) -> None:
        """The books may have changed."""
        if self._ready or self._levels or self._queues:
            self._levels.clear()
            self._queues.clear()
            self._ready.clear()

    def levels(self, inst: str, side: Side, depth: int) -> Levels:
        key = (inst, side, depth)
        found = self._levels.get(key)
        if found is None:
            found = self._levels[key] = self._books.levels(inst, side, depth)
        return found

    def queue(self, inst: str, side: Side, px: int) -> Orders | None:
        key = (inst, side, px)
        if key not in self._queues:
            self._queues[key] = self._books.queue(inst, side, px)
        return self._queues[key]

    def ready(self, inst: str) -> bool:
        found = self._ready.get(inst)
        if found is None:
            found = self._ready[inst] = self._books.ready(inst)
        return found

    def stamp(self, inst: str) -> int:
        return self._books.stamp(inst)

    def instrument(self, inst: str) -> Instrument | None:
        return self._books.instrument(inst)
