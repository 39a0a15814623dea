"""Faults put into real frames: how many the books notice, and that a doubted book says so in the same message."""

from __future__ import annotations

import random

import pytest
from shared import shared

from desk.io.frames import read_frames
from desk.market.state import BookState, Track
from desk.messages import Ack, BookUpdate
from desk.wire.kraken import KrakenCodec

CAPTURE = "kraken_v2_book_btcusd_d10_20260719a"  # depth 10: the checksum covers all that is kept
WINDOW = 150  # messages after the fault in which it must show
TRIES = 150


def updates(name):
    """(depth, every book message) of a capture."""
    codec, depth, messages = KrakenCodec(), 10, []
    for frame in read_frames(shared(f"captures/{name}.frames.gz")):
        for message in codec.decode(frame.data):
            if isinstance(message, Ack) and message.depth:
                depth = message.depth
            if isinstance(message, BookUpdate):
                messages.append(message)
    return depth, messages


def change(update, **fields):
    import msgspec

    return msgspec.structs.replace(update, **fields)


def wrong_quantity(update, dice):
    """One quantity of the message raised by one lot, None when the message only deletes."""
    sides = [side for side in ("bids", "asks") if any(qty for _, qty in getattr(update, side))]
    if not sides:
        return None
    side = dice.choice(sides)
    levels = list(getattr(update, side))
    at = dice.choice([i for i, (_, qty) in enumerate(levels) if qty])
    levels[at] = (levels[at][0], levels[at][1] + 1)
    return change(update, **{side: tuple(levels)})


def inject(fault, stream, at, dice):
    """The stream with one fault at message `at`, None where this fault cannot be put there."""
    if fault == "stale snapshot":
        return [*stream[:at], stream[0], *stream[at:]]
    if fault == "drop":
        return stream[:at] + stream[at + 1 :]
    if fault == "duplicate":
        return [*stream[: at + 1], *stream[at:]]
    if fault == "swap":
        return [*stream[:at], stream[at + 1], stream[at], *stream[at + 2 :]]
    spoiled = wrong_quantity(stream[at], dice)
    return None if spoiled is None else [*stream[:at], spoiled, *stream[at + 1 :]]


def noticed(depth, stream, at):
    """Messages from the fault to the doubt, None when the books never noticed within the window."""
    track = Track("X/Y@kraken", "book", 0, depth)
    for i, message in enumerate(stream[: at + WINDOW]):
        fault = track.apply(message, i)
        assert (fault is not None) == (track.state is BookState.SUSPECT)
        if fault is not None:
            assert i >= at, "doubted before anything was wrong"
            return i - at
    track.book.check()
    return None


@pytest.mark.parametrize(
    ("fault", "least"), [("drop", 115), ("swap", 137), ("wrong quantity", 130), ("duplicate", 0), ("stale snapshot", 0)]
)
def test_faults_in_real_frames_are_noticed(fault, least):
    """Of 150, at least as many as measured before; the rest never touches the ten levels that the checksum covers."""
    dice, delays = random.Random(11), []
    depth, stream = updates(CAPTURE)
    for _ in range(TRIES):
        spoiled = None
        while spoiled is None:
            at = dice.randrange(50, len(stream) - WINDOW)
            spoiled = inject(fault, stream, at, dice)
        delays.append(noticed(depth, spoiled, at))
    found = sorted(delay for delay in delays if delay is not None)
    assert len(found) >= least
    if fault in ("duplicate", "stale snapshot"):
        assert not found  # absolute quantities: a message twice changes nothing; an old snapshot is never applied
    else:
        assert found[len(found) // 2] == 0  # mostly within the message itself


def test_a_book_that_is_not_cut_to_its_depth_fails_at_once():
    """Phantom levels from pushed-out inserts: 1 046 of 1 254 messages of one real session would fail."""
    depth, stream = updates(CAPTURE)
    deep = Track("X/Y@kraken", "book", 0, 1000)
    first = next(i for i, message in enumerate(stream) if deep.apply(message, i))
    assert depth == 10
    assert first < 100


def test_updates_before_the_snapshot_and_after_the_doubt_change_nothing():
    """Only a snapshot brings belief back."""
    depth, stream = updates(CAPTURE)
    track = Track("X/Y@kraken", "book", 0, depth)
    for i, message in enumerate(stream[1:50]):
        assert track.apply(message, i) is None
    assert (track.book.size(), track.ignored, track.state) == ((0, 0), 49, BookState.CONNECTING)
    track.apply(stream[0], 50)
    assert track.state is BookState.SYNCED
    wrong = change(stream[1], checksum=stream[1].checksum ^ 1)
    assert track.apply(wrong, 51) is not None
    before = track.book.size()
    track.apply(stream[2], 52)
    assert (track.book.size(), track.state) == (before, BookState.SUSPECT)
    track.apply(change(stream[0], ts_exch=stream[60].ts_exch), 53)
    assert track.state is BookState.SYNCED
