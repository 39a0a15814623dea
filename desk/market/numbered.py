"""Books that numbers prove instead of checksums: what is missing is noticed at once, and heals by another snapshot.

    ChainTrack      every update says which it follows, and a REST snapshot is joined to them (desk.market.sequence)
    CountedTrack    every frame of the connection is numbered; the venue sends the snapshots itself

Neither proves that what arrived is what the venue's book holds, as a checksum does; only that nothing was lost.
"""

from __future__ import annotations

from desk.errors import GapError
from desk.market.sequence import DiffChain
from desk.market.state import BookState, Fault, Track
from desk.messages import BookUpdate, OrdersUpdate


class ChainTrack(Track):
    """A book of a snapshot that is fetched and a stream that continues it; it waits until both join."""

    __slots__ = ("_asked", "chain")

    def __init__(self, inst: str, channel: str, link: int, depth: int) -> None:
        super().__init__(inst, channel, link, depth)
        self.chain = DiffChain(inst)
        self._asked = False

    @property
    def remedy(self) -> str:
        return "depth"

    def wants(self) -> str:
        """Once per connection: from its first update or acknowledgement on, nothing that follows can be missed."""
        if self._asked:
            return ""
        self._asked = True
        return self.remedy

    def become(self, state: BookState, why: str, now: int) -> None:
        super().become(state, why, now)
        if state is BookState.DOWN:  # another connection begins another stream
            self.chain, self._asked = DiffChain(self.inst), False
        elif state is BookState.RESYNC:
            self.chain.waiting = True
        if state is not BookState.SYNCED:
            self.record.stamped = 0  # the snapshot to come may be older than the last update

    def resubscribed(self, why: str, now: int) -> None:
        """Nothing is subscribed again: the stream goes on, and no acknowledgement is awaited."""
        super().resubscribed(why, now)
        self.due, self.rejoined = 0, False

    def overdue(self, now: int) -> bool:
        """Whether the answer is late; a stream that has not begun is the session's to ask for again."""
        return self._asked and super().overdue(now)

    def apply(self, update: BookUpdate | OrdersUpdate, now: int) -> Fault | None:
        """Apply what may be applied by now: nothing while a snapshot is awaited, then it and all that follows it.

        A snapshot from before the stream began is left alone: nothing would continue it.
        """
        if update.snapshot and not self._asked:
            self.ignored += 1
            return None
        try:
            ready = self.chain.apply(update)  # type: ignore[arg-type]  # only levels are numbered
        except GapError as err:
            self.gaps += not update.snapshot
            return self._doubt(f"expected sequence {err.expected}, received {err.got}", now)
        self.seq_ok += 1
        for each in ready:
            if (fault := super().apply(each, now)) is not None:
                return fault
        return None


class CountedTrack(Track):
    """A book of a connection whose frames are counted: `lost` says that one of them never came."""

    __slots__ = ()

    def resubscribed(self, why: str, now: int) -> None:
        """The venue may send the snapshot before its acknowledgement."""
        super().resubscribed(why, now)
        self.due, self.rejoined = 0, False

    def lost(self, why: str, now: int) -> Fault | None:
        """A frame is missing. A book that still waits for its snapshot has nothing to lose."""
        if self.state is not BookState.SYNCED:
            return None
        self.gaps += 1
        return self._doubt(why, now)

    def apply(self, update: BookUpdate | OrdersUpdate, now: int) -> Fault | None:
        """As ever, but for the frame that showed the gap: what it holds belongs to no book."""
        if self.state is BookState.SUSPECT:
            self.ignored += 1
            return None
        before = self.unchecked
        fault = super().apply(update, now)
        self.seq_ok += self.unchecked - before
        return fault


TRACKS: dict[str, type[Track]] = {"updates": ChainTrack, "frames": CountedTrack}  # by what proves a venue's books
