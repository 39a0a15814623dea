"""desk/market/numbered.py: a book that numbers prove is believed while none is missing, and not a message longer."""

from __future__ import annotations

from desk.market.numbered import ChainTrack, CountedTrack
from desk.market.state import BookState
from desk.messages import BookUpdate

WHOLE = 1 << 30


def diff(first, last, bid=99, qty=1, ts=0):
    return BookUpdate("X@v", ((bid, qty),), (), False, first=first, last=last, ts_exch=ts)


def snapshot(last=0, ts=0):
    return BookUpdate("X@v", ((98, 5),), ((101, 5),), True, first=last, last=last, ts_exch=ts)


def chained():
    """A chain whose stream has begun: updates 11 and 12 came."""
    track = ChainTrack("X@v", "book", 0, WHOLE)
    track.become(BookState.SNAPSHOT_WAIT, "", 0)
    assert track.apply(diff(11, 11, 97), 1) is None
    assert track.wants() == "depth"
    assert track.wants() == "", "asked for once"
    assert track.apply(diff(12, 12, 96), 2) is None
    assert (track.state, track.book.size()) == (BookState.SNAPSHOT_WAIT, (0, 0))
    return track


def test_a_chain_is_believed_from_its_snapshot_on_with_everything_that_came_before_it():
    track = chained()
    assert track.apply(snapshot(11), 3) is None
    assert track.state is BookState.SYNCED
    assert (track.book.bid, track.book.size(), track.seq_ok) == (98, (2, 1), 3)


def test_a_lost_update_doubts_the_book_at_the_next_one_and_a_fresh_snapshot_heals_it():
    """What came after the gap is kept, and joined to the snapshot."""
    track = chained()
    track.apply(snapshot(12), 3)
    fault = track.apply(diff(14, 14, 99, ts=500), 4)
    assert (track.state, track.gaps, fault.why) == (BookState.SUSPECT, 1, "expected sequence 13, received 14")
    track.become(BookState.RESYNC, fault.why, 4)
    track.book.clear()
    assert (track.remedy, track.apply(diff(15, 16, 95), 5)) == ("depth", None)
    assert track.apply(snapshot(13, ts=400), 6) is None, "older than the last update is not old here"
    assert (track.state, track.book.bid, track.book.size()) == (BookState.SYNCED, 99, (3, 1))


def test_a_snapshot_older_than_the_stream_is_asked_for_again_and_is_no_gap():
    track = chained()
    fault = track.apply(snapshot(9), 3)
    assert (fault is not None, track.gaps, track.state) == (True, 0, BookState.SUSPECT)
    track.become(BookState.RESYNC, fault.why, 3)
    assert track.apply(snapshot(10), 4) is None
    assert track.state is BookState.SYNCED


def test_another_connection_is_another_stream():
    """An answer that was asked for on the old one joins nothing, and silence before the first update is not ours."""
    track = chained()
    track.apply(snapshot(12), 3)
    track.become(BookState.DOWN, "lost", 4)
    track.become(BookState.SNAPSHOT_WAIT, "", 5)
    assert not track.overdue(10**12)
    track.apply(snapshot(20), 6)
    assert (track.state, track.ignored) == (BookState.SNAPSHOT_WAIT, 1)
    track.apply(diff(31, 31), 7)
    assert (track.wants(), track.overdue(10**12)) == ("depth", True)
    track.apply(snapshot(31), 8)
    assert track.state is BookState.SYNCED


def test_a_doubt_of_another_kind_waits_for_a_snapshot_too():
    """A stalled or crossed book begins anew, though no number was missing."""
    track = chained()
    track.apply(snapshot(12), 3)
    track.become(BookState.RESYNC, "stalled", 4)
    track.apply(diff(13, 13), 5)
    assert track.state is BookState.RESYNC
    track.apply(snapshot(13), 6)
    assert track.state is BookState.SYNCED


def test_the_frame_that_showed_the_gap_changes_no_book():
    track = CountedTrack("X@v", "book", 0, WHOLE)
    assert track.lost("early", 0) is None, "there was nothing to lose"
    track.apply(snapshot(), 1)
    track.apply(diff(0, 0, 97), 2)
    assert (track.state, track.seq_ok, track.remedy) == (BookState.SYNCED, 2, "")
    assert track.lost("frame 7 is missing", 3).why == "frame 7 is missing"
    track.apply(snapshot(), 3)
    assert (track.state, track.ignored, track.gaps) == (BookState.SUSPECT, 1, 1)
    track.become(BookState.RESYNC, "", 3)
    track.apply(diff(0, 0, 96), 4)
    track.apply(snapshot(), 5)
    assert (track.state, track.book.size()) == (BookState.SYNCED, (1, 1))
