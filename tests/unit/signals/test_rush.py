"""desk/signals/rush.py: which frames find their book, and what of them is left to others."""

from __future__ import annotations

import ctypes

import pytest

from desk.events import Frame
from desk.kernels import rush as at
from desk.market.checksum import book_crc
from desk.messages import LinkSpec, Subscription
from desk.signals.watch import Watch
from desk.wire.kraken import KrakenCodec
from hft_signals import OrderBookAnalyzer

HEARTBEAT = b'{"channel":"heartbeat"}'
SYMBOLS = ("A/B", "BTC/USD", "BTC/USDT", "LONGNAME/DOLLARS", "LONGNAME/DOLLARSX", "ETHW/USD")


def head(symbol: str, kind: str) -> str:
    return f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{symbol}",'


def side(levels) -> str:
    return "[" + ",".join(f'{{"price":{px / 10:.1f},"qty":{qty / 100:.2f}}}' for px, qty in levels) + "]"


class Book:
    """What a venue sends of one book; every update moves the best bid's size."""

    def __init__(self, symbol: str) -> None:
        self.symbol, self.bid = symbol, 500

    def frame(self, kind: str = "update", wrong: int = 0) -> bytes:
        self.bid += 1
        bids, asks = [(1000, self.bid), (999, 50)], [(1001, 70), (1003, 5)]
        shown = (bids, asks) if kind == "snapshot" else (bids[:1], [])
        text = f'{head(self.symbol, kind)}"bids":{side(shown[0])},"asks":{side(shown[1])},'
        crc = book_crc(asks, bids) ^ wrong
        return (text + f'"checksum":{crc},"timestamp":"2026-09-15T10:00:00.000001Z"}}]}}').encode()


def watching(symbols) -> tuple[Watch, dict[str, Book]]:
    """A desk whose books are synced and scored."""
    links = (LinkSpec("public", tuple(Subscription("book", symbol, 10) for symbol in symbols)),)
    watch = Watch("kraken", links, KrakenCodec(), OrderBookAnalyzer().score, {"*": 0.5})
    watch.link_up(0, 1)
    books = {symbol: Book(symbol) for symbol in symbols}
    for book in books.values():
        for kind in ("snapshot", "update"):
            watch.frame(Frame(2, 0, book.frame(kind)))
    for market in watch.markets.values():
        assert market.ready
    return watch, books


def test_every_symbol_that_fits_finds_its_book():
    """Names of three to sixteen bytes, one the beginning of another; a longer one is taken frame by frame."""
    watch, books = watching(SYMBOLS)
    for symbol, book in books.items():
        frames = [book.frame(), HEARTBEAT, book.frame()]
        taken = watch.rush(frames, 0, 0, 3, alone=False)
        fits = len(symbol) <= at.NAMED
        assert (symbol, taken) == (symbol, 3 if fits else 0)
        assert watch.rushed.moved == ([f"{symbol}@kraken"] if fits else [])
        assert watch.rushed.left is None
        for data in frames[taken:]:
            watch.frame(Frame(3, 0, data))
        assert watch.markets[f"{symbol}@kraken"].tracks["book"].crc_ok == 4


def test_candles_of_the_venue_end_no_rush_and_nothing_like_them_is_passed_over():
    """One comes with every trade, and says what the trade said."""
    watch, books = watching(("BTC/USD",))
    book = books["BTC/USD"]
    row = b'"symbol":"BTC/USD","open":1.0,"high":1.0,"low":1.0,"close":1.0,"vwap":1.0,"trades":1,"volume":1.00000000'
    candle = at.CANDLE + b',"data":[{%s,"interval":1,"interval_begin":"2026-08-12T19:28:00Z"}]}' % row
    assert watch.rush([book.frame(), candle, book.frame()], 0, 0, 3, alone=False) == 3
    assert watch.frame(Frame(3, 0, candle)) == []
    assert watch.bad_frames == 0
    for place in range(len(at.CANDLE)):
        other = candle[:place] + bytes((candle[place] ^ 1,)) + candle[place + 1 :]
        assert watch.rush([book.frame(), other, book.frame()], 0, 0, 3, alone=False) == 1, other
        watch.frame(Frame(3, 0, other))
    assert watch.bad_frames > 20  # those that are no JSON, or of a channel nobody knows


def test_two_books_in_turn_are_settled_in_one_call_and_named_once_each():
    watch, books = watching(("BTC/USD", "ETHW/USD"))
    frames = [books[symbol].frame() for symbol in ("ETHW/USD", "BTC/USD") * 20]
    assert watch.rush(frames, 0, 0, 3, alone=False) == 40
    assert sorted(watch.rushed.moved) == ["BTC/USD@kraken", "ETHW/USD@kraken"]
    assert [market.tracks["book"].crc_ok for market in watch.markets.values()] == [22, 22]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"channel":"trade","type":"update","data":[]}', "of another channel"),
        (b"", "empty"),
        (b'{"channel":"heartbeau"}', "almost a heartbeat"),
        (Book("XRP/USD").frame(), "of a book that is not watched"),
        (Book("BTC/USD").frame("snapshot"), "a snapshot"),
        (Book("BTC/USD").frame().replace(b'"qty":5', b'"qty":5e'), "of another form"),
        (Book("BTC/USD").frame()[:108], "cut off"),
        (b'{"channel":"book","type":"update","data":[{"symbol":"' + b"Q" * 80, "without an end of its name"),
        (b'{"channel":"level3","type":"update","data":[{"checksum":' + b"1" * 80, "a number without end"),
    ],
)
def test_a_frame_that_is_not_ours_ends_the_run_untouched(data, why):
    """The frames before it are settled; it and what follows are left as they are."""
    watch, books = watching(("BTC/USD",))
    frames = [books["BTC/USD"].frame(), data, books["BTC/USD"].frame()]
    assert (why, watch.rush(frames, 0, 0, 3, alone=False)) == (why, 1)
    assert watch.rushed.left is None
    assert watch.markets["BTC/USD@kraken"].tracks["book"].crc_ok == 3
    assert watch.rush(frames, 2, 0, 3, alone=False) == 1


def test_a_wrong_checksum_is_answered_as_by_frame_and_counted():
    watch, books = watching(("BTC/USD",))
    frames = [books["BTC/USD"].frame(), books["BTC/USD"].frame(wrong=1), books["BTC/USD"].frame()]
    assert watch.rush(frames, 0, 0, 3, alone=False) == 1
    assert watch.rushed.left is not None
    assert "checksum mismatch" in watch.rushed.left[0].text
    assert not watch.markets["BTC/USD@kraken"].ready
    assert watch.rush(frames, 2, 0, 3, alone=False) == 0  # a book in doubt reads nothing
    assert watch.rushed.left is None


def test_what_is_minded_is_left_to_be_taken_one_by_one_but_by_the_kernel(monkeypatch):
    """A desk that holds something got all of that symbol's frames decoded: a hundred times the work."""
    watch, books = watching(("BTC/USD", "ETHW/USD"))
    frames = [books["ETHW/USD"].frame(), books["BTC/USD"].frame()]
    watch.rushed.mind({"BTC/USD@kraken"})
    assert watch.rush(frames, 0, 0, 3, alone=False) == 1
    monkeypatch.setattr(watch.codec, "decode", None)
    assert watch.frame(Frame(3, 0, books["BTC/USD"].frame()))
    monkeypatch.undo()
    watch.rushed.mind(set())
    assert watch.rush(frames, 1, 0, 3, alone=False) == 1


def test_a_book_whose_strategy_does_not_rest_is_left_to_it():
    """The frame is read and proven, and its answer says that the book moved."""
    watch, books = watching(("BTC/USD",))
    frames = [books["BTC/USD"].frame(), books["BTC/USD"].frame()]
    assert watch.rush(frames, 0, 0, 3, alone=True) == 0
    assert watch.rushed.left is not None
    assert watch.markets["BTC/USD@kraken"].tracks["book"].crc_ok == 3


def test_memory_lies_where_the_kernel_reads_it():
    """The layout of lists and bytes objects in this interpreter."""

    item = bytes(bytearray(b"seven"))
    items = [item, b"x"]
    word = ctypes.c_int64.from_address
    assert word(id(items) + at.LENGTH).value == 2
    assert word(word(id(items) + at.ITEMS).value).value == id(item)
    assert word(id(item) + at.LENGTH).value == 5
    assert ctypes.string_at(id(item) + at.BYTES, 6) == b"seven\0"
