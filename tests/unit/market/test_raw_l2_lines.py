"""desk/kernels/l2_lines.py: a whole recording in a few calls ends where frame by frame ends, whatever stands in it."""

from __future__ import annotations

import numpy as np
import pytest
from shared import shared

from desk.io.frames import read_frames
from desk.market.raw_l2 import READ, Lines, RawL2Book
from desk.messages import BookUpdate
from desk.sim.market import SimMarket
from desk.sim.publish import Publisher
from desk.wire.kraken import KrakenCodec
from desk.wire.kraken_venue import Topic

START = 1_795_132_800_000_000_000


def stream(depth: int, count: int) -> list[bytes]:
    market = SimMarket(3, START, symbols=("BTC/USD",))
    publisher = Publisher(market, {"BTC/USD": market.instruments["BTC/USD"]})
    made = [publisher.open(Topic("book", "BTC/USD", depth), START)]
    while len(made) < count:
        made += [frame for _, frame in publisher.advance(market.next_at)]
    return made


def opened(snapshot: bytes, depth: int) -> RawL2Book:
    codec, book = KrakenCodec(), RawL2Book(depth)
    (update,) = [message for message in codec.decode(snapshot) if isinstance(message, BookUpdate)]
    (inst,) = codec.instruments.values()
    book.describe(inst.px_decimals, inst.qty_decimals, inst.symbol)
    book.apply(update)
    return book


def state(book: RawL2Book) -> tuple[object, ...]:
    book.check()
    both = [book.levels(side, 1000) for side in (1, -1)]  # type: ignore[arg-type]
    return both, book.claimed, book.computed, book.ts_exch


def one_by_one(book: RawL2Book, frames: list[bytes]) -> int:
    """How many frames from the first on are read, up to and with one whose checksum is wrong."""
    for n, frame in enumerate(frames):
        if book.feed(frame) != READ:
            return n
        if 0 <= book.claimed != book.computed:
            return n + 1
    return len(frames)


@pytest.mark.parametrize("prefix", [b"", b"-\t<\t", b"1785644622178672600\t<\t"])
@pytest.mark.parametrize("depth", [10, 100])
def test_a_batch_ends_in_the_state_of_its_frames_one_by_one(depth: int, prefix: bytes) -> None:
    """Breaks: verify-book proves another book than the one that trades."""
    snapshot, *frames = stream(depth, 600)
    single, batch = opened(snapshot, depth), opened(snapshot, depth)
    assert one_by_one(single, frames) == len(frames)
    text = b"".join(prefix + frame + b"\n" for frame in frames)
    taken = batch.feed_all(Lines(text), 0)
    assert taken == (len(text), len(frames), len(frames), 0, 0)
    assert state(batch) == state(single)


def test_a_batch_stops_where_a_single_feed_would_and_goes_on_behind_it() -> None:
    """Damage of every kind at random places: the same frames read, the same state, nothing beyond them."""
    dice = np.random.default_rng(11)
    snapshot, *frames = stream(10, 200)
    for _ in range(300):
        damaged = list(frames)
        where = int(dice.integers(len(frames)))
        frame = bytearray(damaged[where])
        kind = int(dice.integers(4))
        if kind == 0:
            frame[int(dice.integers(len(frame)))] = int(dice.integers(32, 127))
        elif kind == 1:
            del frame[int(dice.integers(len(frame))) :]
        elif kind == 2:
            frame = bytearray(b'{"channel":"heartbeat"}')
        else:
            frame += b" "
        damaged[where] = bytes(frame)
        single, batch = opened(snapshot, 10), opened(snapshot, 10)
        read = one_by_one(single, damaged)
        lines = Lines(b"".join(b"7\t<\t" + each + b"\n" for each in damaged))
        taken = batch.feed_all(lines, 0)
        assert taken.lines == read, damaged[where]
        assert state(batch) == state(single)
        assert taken.end == sum(len(each) + 5 for each in damaged[:read])


def test_nothing_is_read_behind_the_text() -> None:
    """A frame cut by the end of the text is not taken, although a whole one stood there before."""
    snapshot, frame, *_ = stream(10, 2)
    for size in range(len(frame) + 1):
        book = opened(snapshot, 10)
        before = state(book)
        assert book.feed_all(Lines(frame[:size]), 0).lines == 0  # no line feed: not a whole line
        assert state(book) == before
    assert opened(snapshot, 10).feed_all(Lines(frame + b"\n"), 0).lines == 1


def test_requests_answers_and_base64_lines_are_left_to_others() -> None:
    """Breaks: what the client sent is taken for what the venue said."""
    snapshot, frame, *_ = stream(10, 2)
    for head in (b"7\t>\t", b"7\tR\t", b"7\t<64\t", b"7\t", b"\t", b"x\t<\t"):
        assert opened(snapshot, 10).feed_all(Lines(head + frame + b"\n"), 0) == (0, 0, 0, 0, 0)


def test_a_real_recording_in_one_call() -> None:
    """Every checksum of it, as the venue sent it."""
    recorded = [f.data for f in read_frames(shared("captures/kraken_v2_book_btcusd_d10_20260801.frames.gz"))]
    books = [data for data in recorded if data.startswith(b'{"channel":"book"')]
    last = max(i for i, data in enumerate(books) if data.startswith(b'{"channel":"book","type":"snapshot"'))
    updates = books[last + 1 :]
    taken = opened(books[last], 10).feed_all(Lines(b"\n".join(updates) + b"\n"), 0)
    assert (taken.lines, taken.proven) == (len(updates), len(updates))
    assert len(updates) > 200
