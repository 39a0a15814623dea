"""desk/market/raw_l2.py: after every frame the same book as the typed decoder and L2Book, or untouched."""

from __future__ import annotations

import copy
import pickle
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared import shared

from desk.errors import DecodeError, FeedError
from desk.instrument import Instrument
from desk.io.frames import read_frames
from desk.kernels.l2_scan import ENTRIES, FRAME_BYTES
from desk.market.l2 import L2Book
from desk.market.raw_l2 import FALLBACK, READ, RawL2Book
from desk.messages import Ack, BookUpdate, Instruments, Side
from desk.sim.market import SimMarket
from desk.sim.publish import Publisher
from desk.wire import kraken_venue as wire
from desk.wire.kraken import KrakenCodec
from desk.wire.kraken_venue import Topic

START = 1_763_000_000_000_000_000
SECOND = 1_000_000_000
XY = Instrument("X/Y", "kraken", 1, 8)
levels = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 5)), max_size=12).map(tuple)


def raw_book(depth: int, inst: Instrument = XY) -> RawL2Book:
    book = RawL2Book(depth)
    book.describe(inst.px_decimals, inst.qty_decimals, inst.symbol)
    return book


def frame(bids=(), asks=(), checksum=7, inst: Instrument = XY) -> bytes:
    return wire.book(inst, BookUpdate(inst.key, tuple(bids), tuple(asks), False, checksum, START))


def snapshot(bids, asks) -> BookUpdate:
    return BookUpdate(XY.key, tuple(bids), tuple(asks), True)


def state(book: L2Book | RawL2Book) -> tuple[object, ...]:
    bids, asks = book.size()
    touch = None if book.one_sided else (book.bid, book.ask)
    whole = book.levels(Side.BUY, bids), book.levels(Side.SELL, asks)
    outside = [book.outside(px) for bid_or_ask in touch or () for px in (bid_or_ask - 1, bid_or_ask, bid_or_ask + 1)]
    return whole, touch, outside or book.outside(1), book.one_sided, book.crossed, book.checksum, book.depth


@dataclass
class Twins:
    """One instrument twice: the typed path and the raw one, compared after every frame."""

    depth: int
    inst: Instrument
    read: int = 0
    fallbacks: int = 0
    proven: int = 0
    typed: L2Book = field(init=False)
    raw: RawL2Book = field(init=False)

    def __post_init__(self) -> None:
        self.typed, self.raw = L2Book(self.depth), raw_book(self.depth, self.inst)

    def take(self, data: bytes, update: BookUpdate) -> None:
        empty = self.typed.size() == (0, 0)
        if not update.snapshot and empty:
            return
        self.typed.apply(update)
        if not update.snapshot and self.raw.feed(data) == READ:
            self.read += 1
        else:
            self.fallbacks += not update.snapshot
            self.raw.apply(update)
        assert state(self.raw) == state(self.typed)
        assert self.raw.claimed == (-1 if update.checksum is None else update.checksum)
        assert self.raw.ts_exch == update.ts_exch
        assert self.raw.computed == self.typed.checksum
        self.proven += self.raw.claimed == self.raw.computed


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        ("kraken_v2_book_btcusd_d10_20230730", 10),
        ("kraken_v2_book_btcusd_d10_20260719a", 10),
        ("kraken_v2_book_btcusd_d10_20260801", 10),
        ("kraken_v2_book_ethusd_d25_20260802", 25),
        ("kraken_v2_samples_book_2026", 10),
        ("kraken_v1as2_book_5pairs_d1000_20210417a", 1000),
    ],
)
def test_the_same_book_after_every_frame_of_a_recording(name, depth):
    """Real frames: fails when the wire writes anything that the scanner reads differently from the decoder."""
    codec, twins = KrakenCodec(), {}
    for each in read_frames(shared(f"captures/{name}.frames.gz")):
        for message in codec.decode(each.data):
            if isinstance(message, Ack) and message.channel == "book" and message.depth:
                depth = message.depth
            if isinstance(message, BookUpdate):
                symbol = message.inst.partition("@")[0]
                if symbol not in twins:
                    twins[symbol] = Twins(depth, codec.instruments[symbol])
                twins[symbol].take(each.data, message)
    assert twins
    for each in twins.values():
        each.raw.check()
    if "samples" not in name:
        assert sum(t.read for t in twins.values()) > 100
        assert sum(t.fallbacks for t in twins.values()) == 0


def simulated(depth: int, seconds: int, seed: int = 5) -> tuple[Instrument, list[bytes]]:
    """A snapshot and its updates from the embedded exchange."""
    market = SimMarket(seed, START, symbols=("BTC/USD",))
    inst = market.instruments["BTC/USD"]
    source, topic = Publisher(market, {"BTC/USD": inst}), Topic("book", "BTC/USD", depth)
    frames = [source.open(topic, START)]
    until = START + seconds * SECOND
    while market.next_at <= until:
        frames += [data for _, data in source.advance(until)]
    return inst, frames


@pytest.mark.parametrize("depth", [10, 100, 1000])
def test_the_same_book_after_every_frame_of_the_embedded_exchange(depth):
    """Needs no recording: every frame is read by the kernel, every checksum is the venue's."""
    inst, frames = simulated(depth, 60)
    codec, twins = KrakenCodec(), Twins(depth, inst)
    codec.instruments[inst.symbol] = inst
    for data in frames:
        for message in codec.decode(data):
            assert isinstance(message, BookUpdate)
            twins.take(data, message)
    twins.raw.check()
    assert twins.read == len(frames) - 1 > 200
    assert twins.fallbacks == 0
    assert twins.proven == len(frames)


TOKENS = (
    b"e", b"1e5", b"-", b"+", b"00", b"0", b".", b"..", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b" ", b"\n",
    b"\0", b"null", b"9" * 20, b'"price":1.0', b'"qty":', b'{"price":1.0,"qty":0.00000000},', b"Z", b"T", b"update",
    b"snapshot", b"\xff", b"\xc3\xa9", b'"checksum":1,', b',"timestamp":""', b"12345678901",
)  # fmt: skip


def mutated(data: bytes, other: bytes, dice: random.Random) -> bytes:
    """One to three small damages; half of them inside the numbers, where a wrong reading would hide."""
    text = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 3))):
        at = dice.randrange(len(text)) if dice.random() < 0.5 else dice.randrange(min(50, len(text) - 1), len(text))
        kind = dice.randrange(9)
        if kind == 0:
            text[at] = dice.randrange(256)
        elif kind == 1:
            text[at] = dice.choice(b"0123456789")
        elif kind == 2:
            del text[at : at + dice.choice((1, 1, 2, 8))]
        elif kind == 3:
            text[at:at] = dice.choice(TOKENS)
        elif kind == 4:
            del text[at:]
        elif kind == 5:
            text[at:at] = text[at : at + dice.randrange(1, 40)]
        elif kind == 6:
            text[at:] = other[at:]
        elif kind == 7:
            digits = [i for i, c in enumerate(text) if 48 <= c <= 57]
            if digits:
                text[dice.choice(digits)] = dice.choice(b"0123456789")
        else:
            text[at : at + 1] = dice.choice(TOKENS)
        if len(text) < 2:
            break
    return bytes(text)


def test_200_000_damaged_frames_are_read_as_the_decoder_reads_them_or_leave_no_trace():
    """Fails when the scanner accepts what the decoder refuses, reads a number differently, or applies half a frame."""
    inst, frames = simulated(10, 240)
    codec, typed, raw = KrakenCodec(), L2Book(10), raw_book(10, inst)
    codec.instruments[inst.symbol] = inst
    (first,) = codec.decode(frames[0])
    assert isinstance(first, BookUpdate)
    dice = random.Random(20_260_719)
    updates = frames[1:]
    read = refused = 0
    for turn in range(200_000):
        if turn % 1000 == 0:
            typed.apply(first)
            raw.apply(first)
        data = mutated(updates[turn % len(updates)], dice.choice(updates), dice)
        before = raw._book.tobytes()
        if raw.feed(data) == FALLBACK:
            refused += 1
            assert raw._book.tobytes() == before, data
            continue
        read += 1
        try:
            (message,) = codec.decode(data)
        except DecodeError as err:
            pytest.fail(f"read, though the decoder says {err}")
        assert isinstance(message, BookUpdate), data
        assert not message.snapshot
        typed.apply(message)
        assert state(raw) == state(typed), data
        assert raw.claimed == (-1 if message.checksum is None else message.checksum), data
        assert raw.ts_exch == message.ts_exch, data
    assert read > 10_000
    assert refused > 100_000


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(levels, levels, st.integers(1, 30)), max_size=15), levels, levels)
def test_the_book_equals_two_dicts_sorted_and_cut_after_each_message(messages, first_bids, first_asks):
    """An oracle that shares no code with either book; the depth changes under way."""
    book = raw_book(6)
    sides: list[dict[int, int]] = [{}, {}]

    def oracle(side: int, entries, depth: int) -> None:
        held = sides[side]
        for px, qty in entries:
            held.pop(px, None)
            if qty:
                held[px] = qty
        if entries:
            sides[side] = dict(sorted(held.items(), reverse=side == 0)[:depth])

    for side, entries in enumerate((first_bids, first_asks)):
        oracle(side, entries, 6)
    book.apply(snapshot(first_bids, first_asks))
    for bids, asks, depth in messages:
        book.depth = depth
        if book.feed(frame(bids, asks)) == FALLBACK:
            assert not sides[0]
            assert not sides[1]
            book.apply(BookUpdate(XY.key, bids, asks, False))
        oracle(0, bids, depth)
        oracle(1, asks, depth)
        assert [book.levels(side, 99) for side in Side] == [[(px, q, 0) for px, q in held.items()] for held in sides]


@pytest.mark.parametrize("depth", [25, 300])
def test_a_long_random_life_keeps_every_level(depth):
    """Fails in the moving of records: a side drifts through its room, grows, shrinks and is searched by halving."""
    dice = random.Random(depth)
    twins, codec = Twins(depth, XY), KrakenCodec()
    codec.instruments["X/Y"] = XY
    middle = 50_000
    first = snapshot([(middle - i, i) for i in range(1, depth)], [(middle + i, i) for i in range(1, depth)])
    twins.take(b"", first)
    for turn in range(4000):
        middle += dice.choice((-3, -1, 0, 1, 3)) + (3 if turn < 2000 else -3)
        reach = depth if turn % 10 else 2 * depth
        bids, asks = (
            [
                (middle + side * dice.randint(1, reach), dice.choice((0, 0, dice.randint(1, 10**12))))
                for _ in range(dice.choice((0, 1, 2, 2, ENTRIES if turn % 50 == 0 else 5)))
            ]
            for side in (-1, 1)
        )
        data = frame(bids, asks)
        (message,) = codec.decode(data)
        assert isinstance(message, BookUpdate)
        twins.take(data, message)
        if turn % 100 == 0:
            twins.raw.check()
    assert twins.fallbacks == 0


VALID = frame([(99, 5)], [(101, 2)])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b'{"channel":"heartbeat"}',
        VALID[:-1],
        VALID + b" ",
        VALID + VALID,
        b" " + VALID,
        VALID.replace(b"X/Y", b"X/Z"),
        VALID.replace(b'"update"', b'"snapshot"'),
        VALID.replace(b'{"channel":"book","type":"update"', b'{"type":"update","channel":"book"'),
        VALID.replace(b'"checksum":7', b'"checksum":-7'),
        VALID.replace(b'"checksum":7', b'"checksum":07'),
        VALID.replace(b'"checksum":7', b'"checksum":4294967296'),
        VALID.replace(b'"checksum":7', b'"checksum":7,"more":1'),
        VALID.replace(b"9.9", b"9.90"),
        VALID.replace(b"9.9", b"9"),
        VALID.replace(b"9.9", b"99e-1"),
        VALID.replace(b"9.9", b"09.9"),
        VALID.replace(b"9.9", b"0.0"),
        VALID.replace(b"9.9", b"123456789012345678.9"),
        VALID.replace(b"0.00000005", b"5e-08"),
        VALID.replace(b"}]}", b"},{}]}"),
        VALID.replace(b"Z", b"+00:00"),
        VALID.replace(b"Z", b"0000Z"),
        frame([(px, 1) for px in range(1, 130)]),
        frame([(px, 1) for px in range(1, 129)]).ljust(FRAME_BYTES + 1),
    ],
)
def test_a_surprise_is_a_fallback_that_changes_nothing(data):
    """What the scanner does not know must reach the typed decoder with the book as it was."""
    book = raw_book(10)
    book.apply(snapshot([(98, 1)], [(103, 4)]))
    before = book._book.tobytes()
    assert book.feed(data) == FALLBACK
    assert book._book.tobytes() == before


def test_as_many_entries_as_are_read_are_cut_only_at_the_end():
    """A level that enters before the removals that make room for it must survive its own frame."""
    book = raw_book(2)
    book.apply(snapshot([(1000, 1)], [(2000, 1), (2001, 1)]))
    passing = [(2100 + i, qty) for qty in (1, 0) for i in range(ENTRIES // 2 - 1)]
    assert book.feed(frame([], [(2002, 9), *passing, (2000, 0)])) == READ
    assert book.levels(Side.SELL, 9) == [(2001, 1, 0), (2002, 9, 0)]


def test_without_checksum_or_timestamp_a_frame_still_counts():
    """Absent is said as −1 and 0, never as the last frame's value."""
    book = raw_book(10)
    book.apply(snapshot([(98, 1)], [(103, 4)]))
    assert book.feed(VALID) == READ
    bare = VALID[: VALID.index(b',"checksum"')] + b"}]}"
    assert book.feed(bare) == READ
    assert (book.claimed, book.ts_exch) == (-1, 0)


def test_nothing_is_read_before_a_description_or_a_snapshot():
    """Decimals guessed or a book begun in the middle would be wrong without any sign of it."""
    undescribed = RawL2Book(10)
    undescribed.apply(snapshot([(98, 1)], [(103, 4)]))
    assert undescribed.feed(VALID) == FALLBACK
    book = raw_book(10)
    assert book.feed(VALID) == FALLBACK
    book.apply(snapshot([(98, 1)], [(103, 4)]))
    assert book.feed(VALID) == READ
    book.clear()
    assert (book.size(), book.checksum, book.one_sided, book.crossed) == ((0, 0), 0, True, False)
    assert book.feed(VALID) == FALLBACK
    with pytest.raises(IndexError, match="no bids"):
        _ = book.bid
    with pytest.raises(IndexError, match="no asks"):
        _ = book.ask


def test_a_symbol_too_long_to_compare_is_never_read():
    """Its head would be compared in part, and another symbol's frame taken for it."""
    inst = Instrument("X" * 300, "kraken", 1, 8)
    book = raw_book(10, inst)
    book.apply(snapshot([(98, 1)], [(103, 4)]))
    assert book.feed(frame([(99, 5)], inst=inst)) == FALLBACK


def test_long_messages_and_absurd_depths_go_the_readable_way():
    """A venue may acknowledge any depth and send any number of levels; memory follows what is held, not said."""
    for depth in (3, 1000, 10**12):
        typed, raw = L2Book(depth), raw_book(depth)
        many = [(px, px) for px in range(1, 12_000)]
        for message in (
            snapshot([(5, 5)], [(90_000, 1)]),
            BookUpdate(XY.key, tuple(many), (), False, 10**30, 10**30),
            BookUpdate(XY.key, tuple((px + 12_000, 1) for px in range(100)), (), False),
            BookUpdate(XY.key, tuple((px + 13_000, 1) for px in range(128)), (), False),
        ):
            typed.apply(message)
            raw.apply(message)
            assert state(raw) == state(typed)
        raw.check()
    raw.depth = 10**30
    raw.apply(BookUpdate(XY.key, ((1, 1),), (), False, -(10**30), -(10**30)))
    assert raw.size() == (len(many) + 128 + 100, 1)
    assert raw.claimed != raw.computed


def test_a_message_longer_than_the_workspace_is_cut_only_at_its_end():
    """It goes in by parts; a level that a later entry of the same message makes room for must not be lost before."""
    dice = random.Random(8)
    typed, raw = L2Book(300), raw_book(300)
    for turn in range(60):
        sides = [
            tuple(
                (low + dice.randrange(700), dice.choice((0, 1, 7, 9))) for _ in range(dice.choice((0, 1, 90, 129, 190)))
            )
            for low in (1000, 3000)
        ]
        message = BookUpdate(XY.key, *sides, snapshot=turn == 0)
        typed.apply(message)
        raw.apply(message)
        assert state(raw) == state(typed)
        raw.check()
    assert raw.size() == (300, 300)  # the cut was at work


def test_more_than_18_digits_are_refused_with_the_book_untouched():
    """They do not fit the kernel's integers: a wrong number would be worse than an error with its value."""
    book = raw_book(10)
    book.apply(snapshot([(98, 1)], [(103, 4)]))
    before = book._book.tobytes()
    with pytest.raises(FeedError, match="18 digits"):
        book.apply(BookUpdate(XY.key, ((99, 10**18),), (), False))
    assert book._book.tobytes() == before


def test_a_raw_book_refuses_to_be_copied():
    """A copy would hold addresses of memory that it does not own."""
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="cannot be copied"):
            attempt(raw_book(10))


def test_the_decoder_describes_what_the_book_needs():
    """`describe` is fed from the instrument message that comes with a pair's first frame."""
    inst, frames = simulated(10, 5)
    described, first = KrakenCodec().decode(frames[0])
    assert isinstance(described, Instruments)
    assert isinstance(first, BookUpdate)
    book = raw_book(10, described.instruments[0])
    book.apply(first)
    assert book.feed(frames[1]) == READ
    assert book.claimed == book.computed
    assert inst.symbol == described.instruments[0].symbol
