"""desk/kernels/score.py: the features and the score of the readable source, bit for bit, whatever the book."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shared import shared

from desk.io.frames import read_frames
from desk.kernels import score as at
from desk.kernels.score import LEVEL, measure, side_of
from desk.market.raw_l2 import READ, RawL2Book
from desk.market.raw_l3 import RawL3Book
from desk.messages import BookUpdate, Instruments, OrderEvent, OrdersUpdate, Side
from desk.signals.features import features
from desk.signals.score_words import ScoreWords
from desk.signals.shape import Score
from desk.wire.kraken import KrakenCodec
from hft_signals import OrderBookAnalyzer, classify

ANALYZER = OrderBookAnalyzer()
KEY = "X/Y@v"
RECORDINGS = [
    ("book", 10, "captures/kraken_v2_book_btcusd_d10_20230730.frames.gz"),
    ("book", 10, "captures/kraken_v2_book_btcusd_d10_20260719a.frames.gz"),
    ("book", 10, "captures/kraken_v2_book_btcusd_d10_20260801.frames.gz"),
    ("book", 25, "captures/kraken_v2_book_ethusd_d25_20260802.frames.gz"),
    ("book", 10, "captures/kraken_v2_samples_book_2026.frames.gz"),
    ("book", 1000, "captures/kraken_v1as2_book_5pairs_d1000_20210417a.frames.gz"),
    ("level3", 10, "captures/kraken_v2_level3_vectors_btcusd.frames.gz"),
    ("level3", 10, "captures/kraken_shape_level3_bitstamp_d10_a.frames.gz"),
]


def readable(inst: str, bids, asks, ref: float, median: float | None, tier: str) -> Score | str:
    """What features.py and hft_signals.py say."""
    made = features(7, inst, bids, asks, ref, median, tier)
    return made if isinstance(made, str) else ANALYZER.score(made)


def said(kept: ScoreWords) -> Score | str:
    return kept.code or kept.score(7)


def laid_out(bids, asks, ref: float, median: float | None, tier: str) -> ScoreWords:
    """Levels written where a book's kernel would have put them, and measured."""
    kept = ScoreWords(KEY, tier, ANALYZER.formula)
    kept.judge_by(ref, median)
    for count, begin, levels in ((at.COUNT_BIDS, at.BID_LEVELS, bids), (at.COUNT_ASKS, at.ASK_LEVELS, asks)):
        kept.words[count // 8] = len(levels)
        for i, numbers in enumerate(levels):
            for j, number in enumerate(numbers):
                kept.words[begin // 8 + LEVEL // 8 * i + j] = number
    measure(kept.address, at.BOTH)
    return kept


BIG = 10**18 - 1
SIDES = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 50), st.integers(0, 10**16)),  # ticks from the level before
        st.one_of(st.integers(0, 3), st.integers(1, BIG)),
        st.integers(0, 1000),
    ),
    max_size=10,
)
SPREADS = st.floats(0.001, 5_000.0)


@settings(deadline=None, max_examples=600)
@given(st.integers(0, 10**17), st.integers(-2, 10**6), SIDES, SIDES, SPREADS, st.none() | SPREADS, st.booleans())
@example(0, 1, [(0, 1, 1)], [(0, 1, 1)], 0.5, None, True)
@example(10**17, 1, [(0, BIG, 1)], [(0, 1, 1)], 5_000.0, 5_000.0, True)
@example(10**6, 1, [(0, 1, 0)], [(0, 1, 0)], 0.5, None, True)  # nothing to divide by
def test_random_books_are_scored_as_the_readable_source_scores_them(bid, gap, low, high, ref, median, counted):
    """One operation in another order, another libm, a fused multiply-add: any of them would show in the last bit."""
    tier = "L3" if counted else "L2"
    down = accumulate((px for px, _, _ in low[1:]), lambda px, away: max(px - away, 0), initial=bid)
    up = accumulate((px for px, _, _ in high[1:]), initial=bid + gap)
    bids = [(px, qty, orders if counted else 0) for px, (_, qty, orders) in zip(down, low, strict=False)]
    asks = [(px, qty, orders if counted else 0) for px, (_, qty, orders) in zip(up, high, strict=False)]
    assert said(laid_out(bids, asks, ref, median, tier)) == readable(KEY, bids, asks, ref, median, tier)


def test_a_refused_book_leaves_the_last_score_as_it_was():
    """The score log and the console may still ask for the last score there was."""
    kept = laid_out([(100, 5, 1)], [(101, 2, 1)], 0.5, None, "L3")
    before, turn = kept.score(7), kept.words[at.TURN // 8]
    kept.words[at.BID_LEVELS // 8] = 101
    assert measure(kept.address, at.BIDS) == at.CROSSED
    assert (kept.code, kept.score(7)) == ("BOOK_CROSSED", before)
    assert kept.words[at.TURN // 8] != turn


@pytest.mark.parametrize("total", [0.0, -0.0, 19.999999999999996, 20.0, 59.99999999999999, 60.0, 100.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_class_begins_where_the_readable_one_begins(total, sign):
    names = {2: "STRONG_BUY", 1: "MODERATE_BUY", 0: "NEUTRAL", -1: "MODERATE_SELL", -2: "STRONG_SELL"}
    limits = ANALYZER.thresholds
    assert names[side_of(sign * total, limits.moderate, limits.strong)] == classify(sign * total)


def test_a_turn_is_counted_when_a_price_or_the_side_of_the_total_changes_and_not_for_a_size():
    """Strategies look again at another turn only: one that is missed is a decision that is missed."""
    book = RawL2Book(10)
    book.describe(1, 2, "X/Y")
    kept = ScoreWords(KEY, "L2", ANALYZER.formula)
    kept.judge_by(200.0, None)
    book.aim(kept.address)

    def told(bids, asks, snapshot=False):
        before = kept.words[at.TURN // 8]
        book.apply(BookUpdate(KEY, bids=bids, asks=asks, snapshot=snapshot))
        kept.words[at.NEWS // 8] = 0
        assert book.score()
        return kept.words[at.TURN // 8] - before, kept.words[at.NEWS // 8]

    assert told(((100, 50), (99, 5)), ((101, 50), (102, 5)), snapshot=True) == (1, at.TOUCHED)
    assert told(((99, 6),), ()) == (0, 0)
    assert told(((100, 51),), ()) == (0, at.TOUCHED)
    assert told(((100, 500),), ()) == (1, at.TOUCHED)  # from balanced to strongly bid
    assert told((), ((101, 0),)) == (1, at.TOUCHED)


MOVES = st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=60)


@settings(deadline=None, max_examples=300)
@given(MOVES, st.lists(SPREADS, min_size=1, max_size=5))
def test_a_thin_book_that_moves_is_scored_anew_at_every_step(moves, references):
    """Weights are kept with the levels: one that outlived its touch, or a level that went and came, would show."""
    book, kept = RawL2Book(10), ScoreWords(KEY, "L2", ANALYZER.formula)
    book.aim(kept.address)
    book.apply(BookUpdate(KEY, bids=((100, 1),), asks=((101, 1),), snapshot=True))
    for number, (bid, away, qty) in enumerate(moves):
        entry = ((100 - away, qty),) if bid else ((101 + away, qty),)
        book.apply(BookUpdate(KEY, bids=entry if bid else (), asks=() if bid else entry, snapshot=False))
        reference = references[number // 7 % len(references)]
        kept.judge_by(reference, None)
        assert book.score()
        assert said(kept) == readable(KEY, book.levels(Side.BUY, 10), book.levels(Side.SELL, 10), reference, None, "L2")


@pytest.mark.parametrize(("channel", "depth", "path"), RECORDINGS)
def test_every_recorded_frame_is_scored_as_the_readable_source_scores_it(channel, depth, path):
    """Frames the kernel reads and frames it does not: the same score from both, at every one of them."""
    codec = KrakenCodec()
    books: dict[str, tuple[RawL2Book | RawL3Book, ScoreWords]] = {}
    fed = compared = 0
    for frame in read_frames(shared(path)):
        if frame.direction != "<" or not frame.data.startswith(b'{"channel":"%s"' % channel.encode()):
            continue
        for message in codec.decode(frame.data):
            if isinstance(message, Instruments):
                for inst in message.instruments:
                    book = RawL2Book(depth) if channel == "book" else RawL3Book(depth)
                    book.describe(inst.px_decimals, inst.qty_decimals, inst.symbol)
                    kept = ScoreWords(inst.key, book.tier, ANALYZER.formula)
                    book.aim(kept.address)
                    books[inst.key] = book, kept
            if not isinstance(message, (BookUpdate, OrdersUpdate)):
                continue
            book, kept = books[message.inst]
            kept.judge_by(0.5 + compared % 7, None if compared % 3 else 0.2 * (1 + compared % 11))
            if not message.snapshot and book.feed(frame.data) == READ:
                fed += 1
                assert kept.words[at.NEWS // 8] & at.WRONG == 0
            else:
                book.apply(message)
                assert book.score()
            median = None if compared % 3 else 0.2 * (1 + compared % 11)
            sides = (book.levels(Side.BUY, 10), book.levels(Side.SELL, 10))
            assert said(kept) == readable(message.inst, *sides, 0.5 + compared % 7, median, book.tier)
            compared += 1
    assert compared
    assert fed or "samples" in path or "vectors" in path


def test_a_plain_order_book_is_scored_without_the_kernel():
    """An id of another form: the book says so, and keeps what it was told where to score."""
    book = RawL3Book(10)
    book.describe(1, 2, "X/Y")
    kept = ScoreWords(KEY, "L3", ANALYZER.formula)
    kept.judge_by(0.5, None)
    book.aim(kept.address)
    usual = (
        (OrderEvent("add", "OTCFZG-YOE2Q-LQKNM3", 99, 5, 1),),
        (OrderEvent("add", "OTCFZG-YOE2Q-LQKNM4", 101, 5, 1),),
    )
    book.apply(OrdersUpdate(KEY, *usual, snapshot=True))
    assert book.score()
    assert kept.score(0).total == 0.0
    book.apply(OrdersUpdate(KEY, (OrderEvent("add", "mine", 98, 5, 2),), (), snapshot=False))
    assert not book.score()
