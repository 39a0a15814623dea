"""desk/market/raw_l3.py: the book fed with bytes is the book fed with decoded messages, after every frame."""

from __future__ import annotations

import copy
import random
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared import shared

from desk.errors import DecodeError
from desk.instrument import Instrument
from desk.io.frames import read_frames
from desk.kernels import l3_words
from desk.market.l3 import L3Book
from desk.market.order_block import FRAME
from desk.market.raw_l2 import RawL2Book
from desk.market.raw_l3 import FALLBACK, READ, RawL3Book
from desk.messages import OrderEvent, OrdersUpdate, Side
from desk.sim.market import SimMarket
from desk.sim.publish import Publisher
from desk.wire import kraken_venue
from desk.wire.kraken import KrakenCodec
from desk.wire.kraken_venue import Topic

START = 1_763_000_000_000_000_000
INST = Instrument("X/Y", "v", 1, 2)


def queues(book: L3Book | RawL3Book) -> list[list[tuple[int, list[tuple[str, int]]]]]:
    """Everything a book holds: per side its levels, best first, with their orders in queue order."""
    sides = ((-1, book.bids), (1, book.asks))
    return [[(sign * key, side.queue(sign * key)) for key in side.keys] for sign, side in sides]


def assert_equal(raw: RawL3Book, oracle: L3Book) -> None:
    assert raw.checksum == oracle.checksum
    assert raw.size() == oracle.size()
    assert raw.unknown == oracle.unknown
    assert queues(raw) == queues(oracle)
    for side in Side:
        assert raw.levels(side, 10) == oracle.levels(side, 10)
    assert (raw.one_sided, raw.crossed) == (oracle.one_sided, oracle.crossed)
    if not oracle.one_sided:
        assert (raw.bid, raw.ask) == (oracle.bid, oracle.ask)


@lru_cache
def published(depth: int, count: int) -> tuple[bytes, ...]:
    """Level3 frames of the embedded exchange: a snapshot and its updates."""
    market = SimMarket(11, START, symbols=("BTC/USD",))
    source = Publisher(market, {"BTC/USD": market.instruments["BTC/USD"]})
    frames = [source.open(Topic("level3", "BTC/USD", depth), START)]
    while len(frames) < count:
        frames += [frame for _, frame in source.advance(market.next_at)]
    return tuple(frames)


class Pair:
    """One stream read both ways."""

    def __init__(self, depth: int) -> None:
        self.codec, self.raw, self.oracle = KrakenCodec(), RawL3Book(depth), L3Book(depth)
        self.read = self.fell_back = 0

    def feed(self, frame: bytes) -> None:
        updates = [m for m in self.codec.decode(frame) if isinstance(m, OrdersUpdate)]
        for inst in self.codec.instruments.values():
            self.raw.describe(inst.px_decimals, inst.qty_decimals, inst.symbol)
        for update in updates:
            self.oracle.apply(update)
        if self.raw.feed(frame) == READ:
            assert (self.raw.claimed, self.raw.ts_exch) == (updates[0].checksum, updates[0].ts_exch)
            assert self.raw.claimed == self.raw.computed
            self.read += 1
        else:
            for update in updates:
                self.raw.apply(update)
            self.fell_back += bool(updates)
        if updates:
            assert_equal(self.raw, self.oracle)
            assert self.raw.checksum == updates[-1].checksum


@pytest.mark.parametrize(
    ("name", "updates"), [("kraken_shape_level3_bitstamp_d10_a", 5811), ("kraken_v2_level3_vectors_btcusd", 3)]
)
def test_recorded_streams_give_the_same_book_after_every_frame(name, updates):
    """Everything but the snapshot is read by the kernel, and all checksums of the venue are proven."""
    pair = Pair(10)
    for number, frame in enumerate(read_frames(shared(f"captures/{name}.frames.gz"))):
        pair.feed(frame.data)
        if number % 100 == 0:
            pair.raw.check()
    assert (pair.read, pair.fell_back) == (updates, 1)


@pytest.mark.parametrize(("depth", "count"), [(10, 1500), (100, 300)])
def test_published_streams_give_the_same_book_after_every_frame(depth, count):
    """The embedded exchange writes as the venue does; a depth of 100 reaches the halving search."""
    pair = Pair(depth)
    for number, frame in enumerate(published(depth, count)):
        pair.feed(frame)
        if number % 50 == 0:
            pair.raw.check()
    assert pair.fell_back == 1


TOKENS = (
    b'"', b"\\", b"\0", b"{", b"}", b"[", b"]", b",", b":", b" ", b"0", b"9", b"-", b".", b"e", b"\xff", b"Z", b"T",
    b'"event":"add",', b'"event":"delete",', b'"event":"modify",', b'"bids":[],', b'"asks":[]', b"null", b"1e5", b"00",
    b'"checksum":1,', b'"symbol":"BTC/USD",', b'"timestamp":"2026-01-01T00:00:00Z",', b"99999999999999999999",
    b"\\u0041",
)  # fmt: skip


def spoiled(frame: bytes, other: bytes, dice: random.Random) -> bytes:
    """A frame changed in one to three places: a byte, a piece cut out, doubled or taken from another frame, a token."""
    for _ in range(dice.choice((1, 1, 2, 3))):
        size = len(frame)
        i = dice.randrange(size + 1)
        j = min(size, i + dice.choice((1, 1, 2, 8, 40, 160)))
        match dice.randrange(9):
            case 0:
                frame = frame[:i] + bytes([dice.randrange(256)]) + frame[i + 1 :]
            case 1:
                frame = frame[:i] + frame[j:]
            case 2:
                frame = frame[:j] + frame[i:]
            case 3:
                frame = frame[:i] + dice.choice(TOKENS) + frame[i:]
            case 4:
                frame = frame[:i] + dice.choice(TOKENS) + frame[j:]
            case 5:
                frame = frame[:i]
            case 6:
                frame = frame[:i] + other[i:]
            case 7:  # another digit where one was: still a frame, with another meaning
                places = [k for k in range(i, min(size, i + 60)) if 48 <= frame[k] <= 57]
                if places:
                    k = dice.choice(places)
                    frame = frame[:k] + b"%d" % dice.randrange(10) + frame[k + 1 :]
            case _:
                kinds = (b'"event":"add"', b'"event":"delete"', b'"event":"modify"')
                frame = frame.replace(dice.choice(kinds), dice.choice(kinds), 1)
    return frame


def state(raw: RawL3Book) -> tuple[bytes, tuple[int, ...]]:
    """All that may not change on FALLBACK: orders, levels, slots and rows as they lie in memory, and what is told."""
    block = raw._block[(raw._get(l3_words.FIRST_ORDER) - raw._header + l3_words.ROW) // 8 :]
    told = (l3_words.SUM, l3_words.UNKNOWN, l3_words.CLAIMED, l3_words.COMPUTED, l3_words.TS, l3_words.ASKS_REGISTER)
    told += tuple(at + side for at in (l3_words.WORST, l3_words.BEST, l3_words.ORDERS) for side in (0, 8))
    told += (l3_words.FREE_ORDER, l3_words.FREE_LEVEL)
    return block.tobytes(), tuple(raw._get(at) for at in told)


def test_a_hundred_thousand_spoiled_frames_never_differ_and_never_touch_what_they_fall_back_from():
    """A feed may send anything: the answer is what the decoder's path gives, or no answer and no change."""
    dice = random.Random(20260915)
    frames = published(10, 1500)
    codec, raw, oracle = KrakenCodec(), RawL3Book(10), L3Book(10)
    [first] = [m for m in codec.decode(frames[0]) if isinstance(m, OrdersUpdate)]
    inst = codec.instruments["BTC/USD"]
    raw.describe(inst.px_decimals, inst.qty_decimals, inst.symbol)
    read = refused = 0
    for number in range(100_000):
        if number % 500 == 0:
            raw.apply(first)
            oracle.apply(first)
            known = state(raw)
        frame = spoiled(dice.choice(frames), dice.choice(frames), dice)
        if raw.feed(frame) == FALLBACK:
            refused += 1
            assert state(raw) == known, frame
            continue
        read += 1
        [update] = KrakenCodec.decode(codec, frame)  # raises where the kernel accepted what the decoder does not
        assert isinstance(update, OrdersUpdate)
        assert (raw.claimed, raw.ts_exch) == (update.checksum, update.ts_exch)
        oracle.apply(update)
        assert raw.checksum == oracle.checksum, frame
        assert raw.size() == oracle.size()
        if number % 20 == 0:
            assert_equal(raw, oracle)
        known = state(raw)
    raw.check()
    assert read > 5_000, "too few spoiled frames still mean something"
    assert refused > 50_000


def order_id(number: int) -> str:
    return f"OAAAAA-BBBBB-{number:06d}"


orders = st.builds(
    OrderEvent,
    st.sampled_from(["add", "modify", "delete"]),
    st.integers(0, 7).map(order_id),
    st.integers(1, 6),
    st.integers(0, 9),
    st.integers(START, START + 4),
)
sides = st.lists(orders, max_size=8).map(tuple)
messages = st.builds(
    OrdersUpdate, st.just(INST.key), sides, sides, st.just(value=False), st.integers(0, 2**32 - 1), st.just(START)
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(messages, st.booleans(), st.booleans()), max_size=12), st.integers(1, 4))
def test_any_stream_gives_the_same_book_through_bytes_and_through_messages(stream, depth):
    """Upserts, queue places, unknown ids and cuts, on few ids and prices so that they meet."""
    raw, oracle = RawL3Book(depth), L3Book(depth)
    raw.describe(INST.px_decimals, INST.qty_decimals, INST.symbol)
    for message, decoded, snapshot in stream:
        update = OrdersUpdate(INST.key, message.bids, message.asks, snapshot, message.checksum, START)
        oracle.apply(update)
        if decoded or snapshot:
            raw.apply(update)
        else:
            assert raw.feed(kraken_venue.orders(INST, update)) == READ
            assert (raw.claimed, raw.ts_exch) == (message.checksum, START)
        raw.check()
        assert_equal(raw, oracle)


def add(number: int, px: int, qty: int = 1) -> OrderEvent:
    return OrderEvent("add", order_id(number), px, qty, START)


def update(bids=(), asks=(), snapshot=False) -> OrdersUpdate:
    return OrdersUpdate(INST.key, tuple(bids), tuple(asks), snapshot, 1, START)


def both(depth: int = 10) -> tuple[RawL3Book, L3Book]:
    raw = RawL3Book(depth)
    raw.describe(INST.px_decimals, INST.qty_decimals, INST.symbol)
    return raw, L3Book(depth)


def test_a_book_grows_when_frames_or_snapshots_bring_more_orders():
    """Running out of room may cost a moment, never an order."""
    raw, oracle = both(1000)
    room = raw.footprint
    for n in range(0, 3000, 100):
        message = update(asks=[add(n + i, 1 + (n + i) % 700) for i in range(100)])
        assert raw.feed(kraken_venue.orders(INST, message)) == READ
        oracle.apply(message)
        assert raw.checksum == oracle.checksum
    assert_equal(raw, oracle)
    raw.check()
    assert raw.footprint > room
    message = update([add(n, 1 + n % 1500) for n in range(9000)], [add(n, 2000 + n) for n in range(20)], snapshot=True)
    for book in (raw, oracle):
        book.apply(message)
    assert_equal(raw, oracle)
    raw.check()


def test_a_symbol_of_depth_100_takes_at_most_100_kib():
    """Both channels at once, 500 orders on their 200 levels; a depth acknowledged later reaches the kernel too."""
    raw, oracle = both(1000)
    message = update([add(n, 1 + n % 100) for n in range(250)], [add(n, 200 + n % 100) for n in range(250)], True)
    for book in (raw, oracle):
        book.depth = 100
        book.apply(message)
    assert raw.size() == (250, 250)
    assert raw.footprint + RawL2Book(100).footprint <= 100 * 1024
    for book in (raw, oracle):
        book.depth = 10
    frame = update([add(999, 101)], [add(999, 199)])
    oracle.apply(frame)
    assert raw.feed(kraken_venue.orders(INST, frame)) == READ
    assert_equal(raw, oracle)
    assert len(raw.bids.keys) == 10


def test_many_new_levels_in_one_message_find_room():
    """A row of levels has spare places for an ordinary message; a larger one gets them before it is applied."""
    raw, oracle = both()
    for n in range(0, 300, 100):
        message = update([add(n + i, 1 + (7 * i) % 300) for i in range(100)], [add(n + i, 400 + i) for i in range(60)])
        assert raw.feed(kraken_venue.orders(INST, message)) == READ
        oracle.apply(message)
        raw.check()
        assert_equal(raw, oracle)


@pytest.mark.parametrize(
    "odd",
    [
        OrderEvent("add", "an id of another venue", 5, 1, START),
        OrderEvent("add", "OÄAAAA-BBBBB-000001", 5, 1, START),
        OrderEvent("add", order_id(9), 5, 10**20, START),
        OrderEvent("add", order_id(9), 10**19, 7, START),
    ],
)
def test_what_does_not_fit_the_block_is_held_all_the_same(odd):
    """The fast form is an economy, not a condition: the book goes on through the decoder, and returns at a snapshot."""
    raw, oracle = both()
    frames = [update([add(1, 4), add(2, 4)], [add(3, 9)]), update([odd]), update([add(4, 4)])]
    for message in (*frames, update([OrderEvent("delete", "who?", 1, 1)])):
        raw.apply(message)
        oracle.apply(message)
        assert_equal(raw, oracle)
        raw.check()
    assert raw.feed(kraken_venue.orders(INST, update([add(5, 4)]))) == FALLBACK
    assert_equal(raw, oracle)
    message = update([add(1, 4)], [add(1, 9)], snapshot=True)
    raw.apply(message)
    oracle.apply(message)
    assert raw.feed(kraken_venue.orders(INST, update([add(5, 4)]))) == READ
    oracle.apply(update([add(5, 4)]))
    assert_equal(raw, oracle)
    raw.check()


def test_sums_that_would_not_fit_a_word_are_held_all_the_same():
    """Five quantities of 18 digits overflow a signed word; the sixth message may not."""
    raw, oracle = both()
    for n in range(12):
        message = update([add(n, 5, 10**18 - 1)])
        oracle.apply(message)
        if raw.feed(kraken_venue.orders(INST, message)) == FALLBACK:
            raw.apply(message)
        assert_equal(raw, oracle)


def test_a_frame_longer_than_the_buffer_or_with_too_many_events_falls_back():
    """The buffer is not the limit of what the venue may send."""
    raw, oracle = both(1000)
    message = update([add(n, 1 + n) for n in range(600)])
    frame = kraken_venue.orders(INST, message)
    assert raw.feed(frame) == FALLBACK
    assert raw.feed(frame + b" " * FRAME) == FALLBACK
    raw.apply(message)
    oracle.apply(message)
    assert_equal(raw, oracle)


def test_every_cut_of_a_frame_falls_back():
    """Reading past the end of a short frame would read a stranger's memory."""
    raw, _ = both()
    frame = kraken_venue.orders(INST, update([add(1, 4), add(2, 4)], [add(3, 9)]))
    for size in range(len(frame)):
        assert raw.feed(frame[:size]) == FALLBACK, size
    assert raw.size() == (0, 0)
    assert raw.feed(frame) == READ


@pytest.mark.parametrize(
    "change",
    [
        (b'"X/Y"', b'"X/Z"'),
        (b'"update"', b'"snapshot"'),
        (b'"level3"', b'"level2"'),
        (b'"limit_price":0.4', b'"limit_price":0.40'),
        (b'"order_qty":0.01', b'"order_qty":1e-2'),
        (b"OAAAAA-", b"OAAAA-A"),
        (b"OAAAAA-", b"oAAAAA-"),
        (b'"event":"add"', b'"event":"adds"'),
        (b'"data":[', b'"data": ['),
        (b"}]}]}", b"}]}]} "),
        (b"}]}]}", b"}]},{}]}"),
    ],
)
def test_anything_unfamiliar_falls_back(change):
    """The kernel knows one way of writing; all others are the decoder's."""
    raw, _ = both()
    frame = kraken_venue.orders(INST, update([], [add(3, 4)]))
    assert frame.count(change[0]) >= 1
    before = state(raw)
    assert raw.feed(frame.replace(*change)) == FALLBACK
    assert state(raw) == before


def test_keys_may_come_in_any_order_but_once():
    """Kraken's own examples show two orders of the keys."""
    raw, oracle = both()
    message = update([add(1, 4)], [add(3, 9)])
    frame = kraken_venue.orders(INST, message)
    head, tail = b'{"channel":"level3","type":"update","data":[{', b"}]}"
    bids, asks = frame[frame.index(b'"bids"') : frame.index(b',"asks"')], frame[frame.index(b'"asks"') : -len(tail)]
    parts = [asks, b'"timestamp":"2026-01-01T00:00:00.5Z"', b'"symbol":"X/Y"', bids, b'"checksum":7']
    assert raw.feed(head + b",".join([*parts, b'"checksum":7']) + tail) == FALLBACK
    assert raw.feed(head + b",".join([*parts, bids]) + tail) == FALLBACK
    assert raw.feed(head + b",".join(parts[:-1]) + tail) == FALLBACK, "a frame that claims nothing proves nothing"
    assert raw.feed(head + b",".join(parts) + tail) == READ
    oracle.apply(message)
    assert_equal(raw, oracle)
    assert raw.claimed == 7


def test_before_it_is_described_a_book_reads_nothing():
    """Without the decimals a price is a guess."""
    raw = RawL3Book(10)
    frame = kraken_venue.orders(INST, update([add(1, 4)]))
    assert raw.feed(frame) == FALLBACK
    raw.describe(1, 2, 'X"Y')
    assert raw.feed(frame) == FALLBACK
    raw.describe(2, 2, "X/Y")
    assert raw.feed(frame) == FALLBACK
    raw.describe(1, 2, "X/Y")
    assert raw.feed(bytearray(frame)) == FALLBACK  # type: ignore[arg-type]
    assert raw.feed(frame) == READ


def test_an_empty_side_has_no_best_price_and_a_cleared_book_is_empty():
    """`bid` of an empty side raises as the readable book's does; unknown orders stay counted."""
    raw, oracle = both()
    for message in (update([add(1, 4)]), update([OrderEvent("delete", order_id(9), 4, 1, START)])):
        raw.apply(message)
        oracle.apply(message)
    for book in (raw, oracle):
        with pytest.raises(IndexError):
            _ = book.ask
        book.clear()
    assert_equal(raw, oracle)
    assert raw.unknown == 1
    assert raw.checksum == 0
    with pytest.raises(TypeError, match="cannot be copied"):
        copy.copy(raw)


def test_the_decoder_refuses_what_the_tests_call_spoiled():
    """Guards the judge: a decoder that accepted everything would make the comparison empty."""
    frame = published(10, 1500)[5]
    with pytest.raises(DecodeError):
        KrakenCodec().decode(frame[:-1])
