"""What proves a book that has no checksum: the numbers of its messages.

    DiffChain       every update says which it follows; a snapshot fetched beside the stream is joined to it (Binance)
    FrameCount      every frame of a connection has the next number, whatever it holds (Coinbase)

Both raise GapError at the first message that does not follow, lost, repeated or out of order; neither repairs anything.
A chain that broke wants another snapshot; a count that broke wants another connection.
"""

from __future__ import annotations

from collections import deque

from desk.errors import GapError
from desk.messages import BookUpdate, Numbered

PATIENCE = 10_000  # updates kept while a snapshot is on its way: 1000 s at 10 a second; beyond, the oldest are let go


class DiffChain:
    """One symbol's updates of one connection, and the snapshot they continue.

    An update follows the one whose `last` is its `previous`; where the venue does not say that (spot), the one that
    ends just before its `first`. A snapshot that holds everything up to L is continued by the first update that reaches
    beyond L, which must follow something at or before L: `U <= L + 1 <= u` in Binance's words. Everything older is
    dropped: the snapshot holds it.

    >>> chain = DiffChain("X@v")
    >>> chain.apply(BookUpdate("X@v", (), (), False, first=5, last=7)), chain.waiting
    ([], True)
    >>> [each.last for each in chain.apply(BookUpdate("X@v", (), (), True, last=6))], chain.waiting
    ([6, 7], False)
    """

    __slots__ = ("_kept", "_seen", "dropped", "inst", "last", "stale", "waiting")

    def __init__(self, inst: str) -> None:
        self.inst = inst
        self.waiting = True  # for a snapshot: nothing may be applied
        self.last = -1  # the last update that the book holds, -1 before there is one
        self.dropped = 0  # updates that a snapshot already held
        self.stale = 0  # snapshots older than the book, ignored
        self._seen = -1  # the last update of the stream
        self._kept: deque[BookUpdate] = deque(maxlen=PATIENCE)

    def apply(self, update: BookUpdate) -> list[BookUpdate]:
        """What the book may apply now, in order; nothing while it waits for a snapshot.

        Raises GapError when this update does not follow, or when this snapshot is older than what is kept of the
        stream: then `waiting` is True and another snapshot must be fetched. Nothing after the fault is lost.
        """
        if update.snapshot:
            return self._join(update)
        if self._seen >= 0 and _before(update) != self._seen:
            raise self._broken(update, self._seen)
        self._seen = update.last
        if self.waiting:
            self._kept.append(update)
            return []
        if update.last <= self.last:
            self.dropped += 1
            return []
        if _before(update) > self.last:  # the stream began after the snapshot ended
            raise self._broken(update, self.last)
        self.last = update.last
        return [update]

    def _join(self, snapshot: BookUpdate) -> list[BookUpdate]:
        if not self.waiting and snapshot.last < self.last:
            self.stale += 1
            return []
        later = [update for update in self._kept if update.last > snapshot.last]
        follows = _before(later[0]) if later else self._seen
        if follows > snapshot.last:
            raise GapError(self.inst, snapshot.last + 1, follows + 1)
        self.dropped += len(self._kept) - len(later)
        self._kept.clear()
        self.waiting = False
        self.last = later[-1].last if later else snapshot.last
        return [snapshot, *later]

    def _broken(self, update: BookUpdate, after: int) -> GapError:
        self.waiting = True
        self._kept.clear()
        if update.last > self._seen:
            self._seen = update.last
        if update.last > after:  # it may begin the stream that another snapshot is joined to
            self._kept.append(update)
        return _gap(self.inst, update, after)


class FrameCount:
    """The numbers of one connection: 0, 1, 2, …

    >>> count = FrameCount("coinbase")
    >>> count.apply(Numbered(0)); count.apply(Numbered(1)); count.next
    2
    """

    __slots__ = ("name", "next")

    def __init__(self, name: str) -> None:
        self.name, self.next = name, 0

    def apply(self, numbered: Numbered) -> None:
        """Take the next frame's number; raises GapError for any other, and goes on from the highest seen."""
        expected, got = self.next, numbered.number
        self.next = max(expected, got + 1)
        if got != expected:
            raise GapError(self.name, expected, got)


def _before(update: BookUpdate) -> int:
    """The last number before this update, as far as it says."""
    return update.previous if update.previous >= 0 else update.first - 1


def _gap(inst: str, update: BookUpdate, after: int) -> GapError:
    if update.previous >= 0:
        return GapError(inst, after, update.previous)
    return GapError(inst, after + 1, update.first)
