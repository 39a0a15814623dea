"""Levels that no checksum covers: two independent tellings of the same book compared, price by price.

Kraken's checksum proves ten levels a side. A lost update below them changes nothing that anybody would notice until the
market gets there. So the levels below are compared with a second witness: the order-by-order book with the book by
levels while both are believed (each comes on a connection of its own), and, where that reaches less deep, a fresh
snapshot from REST. Neither witness speaks of exactly the same moment, so one difference proves nothing; the same price
differing again a few seconds later, while one of the two still says what it said before, is an error in our book.
"""

from __future__ import annotations

from desk.market.seen import Ask
from desk.market.state import AUDIT_GOOD, PROVEN, BookState, Fault, Track
from desk.messages import Depth, Side

SECOND = 1_000_000_000
PAIR_EVERY = 60 * SECOND
REST_EVERY = 240 * SECOND  # a lost update is found before AUDIT_GOOD is over
REST_SOONEST = 30 * SECOND  # for a book that began anew since it was proven
AGAIN = 5 * SECOND  # between two comparisons of which the first found differences
SETTLED = 2 * SECOND  # a book younger than this, or not heard for this long, is not compared
UNANSWERED = 30 * SECOND
REST_DEEPEST = 500  # levels a side, Kraken's limit
REST = "rest"

Levels = list[tuple[int, int]]
Differences = dict[tuple[int, int], tuple[int, int]]  # (side, price) → (our quantity, the witness's)
assert REST_EVERY + AGAIN < AUDIT_GOOD


def differences(
    side: Side, ours: Levels, theirs: Levels, *, ours_whole: bool, theirs_whole: bool, step: int = 1
) -> Differences:
    """Prices of one side at which two books differ by `step` lots or more, below the ten best levels of both.

    `ours`, `theirs`: (price, quantity), best first. A book that is not `whole` ends at its depth: what lies beyond
    the last level it shows is not compared.

    >>> ours = [(100 - i, 5) for i in range(12)]
    >>> differences(Side.BUY, ours, ours[:11] + [(88, 5)], ours_whole=False, theirs_whole=True)
    {(1, 89): (5, 0)}
    """
    if len(ours) <= PROVEN or len(theirs) <= PROVEN:
        return {}
    begin = max(-side * book[PROVEN - 1][0] for book in (ours, theirs))
    ends = [-side * book[-1][0] for book, whole in ((ours, ours_whole), (theirs, theirs_whole)) if not whole]
    end = min(ends, default=max(-side * book[-1][0] for book in (ours, theirs)))
    mine, other = ({px: qty for px, qty in book[PROVEN:] if begin < -side * px <= end} for book in (ours, theirs))
    prices = [*mine, *(px for px in other if px not in mine)]
    pairs = {(int(side), px): (mine.get(px, 0), other.get(px, 0)) for px in prices}
    return {key: pair for key, pair in pairs.items() if abs(pair[0] - pair[1]) >= step}


class DepthAudit:
    """The comparisons of one instrument's books: when the next one is due, and what the last one left open."""

    __slots__ = ("_asked", "_found", "_last", "_next", "compared", "inst", "tracks")

    def __init__(self, inst: str, tracks: dict[str, Track]) -> None:
        self.inst, self.tracks = inst, tracks
        self._found: dict[str, tuple[int, Differences]] = {}  # by comparison: when it last differed, and where
        self._next: dict[str, int] = {}
        self.compared = 0  # ns, when two books were last held against each other
        self._last = 0  # ns, the last question
        self._asked = 0  # ns, 0 when no answer is awaited

    def beat(self, now: int, heard: dict[int, int], *, pair: bool = True) -> list[Ask | Fault]:
        """Compare what is due (two books only with `pair`); ask REST for what they cannot prove.

        `heard`: ns of each link's last frame.
        """
        settled = [
            track
            for track in self.tracks.values()
            if track.state is BookState.SYNCED
            and now - track.since >= SETTLED
            and now - heard.get(track.link, 0) < SETTLED
        ]
        made: list[Ask | Fault] = []
        if pair and len(settled) == 2 and now >= self._next.get("pair", 0):
            made += self._pair(settled[0], settled[1], now)
        alone = _alone(settled)
        if alone is None or (self._asked and now - self._asked < UNANSWERED) or not self._due(alone, now):
            return made
        self._asked = self._last = now
        return [*made, Ask("Depth", self.inst, count=min(REST_DEEPEST, alone.book.depth))]

    def _due(self, track: Track, now: int) -> bool:
        anew = not track.audited and track.since > self._last and now - self._last >= REST_SOONEST
        return anew or now >= self._next.get(REST, 0)

    def _pair(self, ours: Track, theirs: Track, now: int) -> list[Ask | Fault]:
        reach = min(ours.book.depth, theirs.book.depth)
        if reach <= PROVEN:
            return []
        self.compared = now
        found: Differences = {}
        for side in (Side.BUY, Side.SELL):
            mine, other = _levels(ours, side), _levels(theirs, side)
            found |= differences(
                side,
                mine,
                other,
                ours_whole=len(mine) < ours.book.depth,
                theirs_whole=len(other) < theirs.book.depth,
            )
        return [*self._judge("pair", [ours, theirs], reach, found, PAIR_EVERY, now)]

    def answered(self, said: Depth, now: int) -> list[Ask | Fault]:
        """A snapshot from REST: judge the book it was asked for, if that was believed since before the question."""
        asked, self._asked = self._asked, 0
        believed = [track for track in self.tracks.values() if track.state is BookState.SYNCED and track.since < asked]
        track = _alone(believed)
        if track is None:
            self._next[REST] = now + AGAIN
            return []
        reach = min(track.book.depth, REST_DEEPEST)
        found: Differences = {}
        for side, theirs in ((Side.BUY, said.bids), (Side.SELL, said.asks)):
            mine, whole = _levels(track, side), len(theirs) < reach
            ends = len(mine) < track.book.depth
            found |= differences(side, mine, list(theirs), ours_whole=ends, theirs_whole=whole, step=said.step)
        return [*self._judge(REST, [track], reach, found, REST_EVERY, now)]

    def failed(self, now: int) -> None:
        """REST did not say: the levels below the checksum stay unproven until it does."""
        self._asked = 0
        self._next[REST] = now + REST_EVERY

    def _judge(
        self, name: str, tracks: list[Track], reach: int, found: Differences, every: int, now: int
    ) -> list[Fault]:
        at, before = self._found.pop(name, (0, {}))
        if any(track.since >= at for track in tracks):
            before = {}  # it differed in another life of the book
        if found and not before:
            self._found[name] = now, found
            self._next[name] = now + AGAIN
            return []
        self._next[name] = now + every
        stuck = {
            key: pair
            for key, pair in found.items()
            if key in before and (pair[0] == before[key][0] or pair[1] == before[key][1])
        }
        if not stuck:
            for track in tracks:
                track.audited, track.audited_depth = now, reach
            return []
        (_, px), (ours, theirs) = next(iter(stuck.items()))
        witness = "REST" if name == REST else tracks[1].book.tier
        why = (
            f"AUDIT_FAILED: {len(stuck)} levels differ twice from {witness}, the first at {px} by {ours - theirs} lots"
        )
        for track in tracks:
            track.audits_failed += 1
            track.become(BookState.SUSPECT, why, now)
        return [Fault(track.inst, track.channel, track.link, why) for track in tracks]


def _alone(tracks: list[Track]) -> Track | None:
    """The book deeper than the checksum that no other one reaches down with, if there is one."""
    for track in tracks:
        depth = track.book.depth
        if depth > PROVEN and not any(other is not track and other.book.depth >= depth for other in tracks):
            return track
    return None


def _levels(track: Track, side: Side) -> Levels:
    return [(px, qty) for px, qty, _ in track.book.levels(side, track.book.depth)]
