"""desk/wire/kraken.py: exact numbers, every shape of the venue's frames, and no uncaught error on any bytes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from shared import shared

from desk.errors import DecodeError
from desk.instrument import fixed
from desk.io.frames import read_frames
from desk.messages import Ack, BookUpdate, Candles, Heartbeat, Instruments, Pong, Side, Subscription, Ticker, Trades
from desk.wire.kraken import KrakenCodec, scaled

BOOK = (
    b'{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":64525.0,"qty":0.53807066}],'
    b'"asks":[{"price":64525.1,"qty":0.01077490}],"checksum":2175437505,"timestamp":"2026-07-19T17:54:39.753424Z"}]}'
)


@given(st.integers(0, 10**17), st.integers(0, 10))
def test_wire_text_and_integers_carry_the_same_digits(value, decimals):
    """encode∘decode is the identity: one lost digit breaks every checksum."""
    assert scaled(Raw(fixed(value, decimals).encode()), decimals) == value


@pytest.mark.parametrize(
    "text",
    [b'"1.0"', b"-1.0", b"NaN", b"1e999", b"1.23", b"true", b"null", b"[1]", b"9" * 50, "٣.١".encode(), b"1.", b""],
)
def test_what_is_not_a_price_with_these_decimals_is_refused(text):
    """A number guessed is worse than a frame refused."""
    with pytest.raises(ValueError, match=r"not a price|does not fit"):
        scaled(Raw(text), 1)


def test_a_book_without_the_instrument_channel_takes_its_decimals_from_the_text():
    """Recordings rarely hold the instrument channel; Kraken writes all decimals of a pair."""
    described, update = KrakenCodec().decode(BOOK)
    assert isinstance(described, Instruments)
    assert (described.instruments[0].px_decimals, described.instruments[0].qty_decimals) == (1, 8)
    assert update == BookUpdate(
        "BTC/USD@kraken", ((645250, 53807066),), ((645251, 1077490),), True, 2175437505, 1784483679753424000
    )


def test_key_order_does_not_matter():
    """The fast look at the first bytes is an optimisation, not a rule of the protocol."""
    shuffled = BOOK.replace(b'{"channel":"book","type":"snapshot",', b'{"type":"snapshot","channel":"book",')
    assert KrakenCodec().decode(shuffled) == KrakenCodec().decode(BOOK)


def test_the_instrument_snapshot_of_683_real_pairs():
    """Precisions 0..10, exponents in increments, statuses as they are."""
    import gzip

    raw = gzip.decompress(shared("captures/kraken_v2_instrument_snapshot_202403.json.gz").read_bytes())
    (message,) = KrakenCodec().decode(raw)
    assert isinstance(message, Instruments)
    assert len(message.instruments) == 683
    btc = next(i for i in message.instruments if i.symbol == "BTC/USD")
    assert (btc.px_decimals, btc.qty_decimals, btc.tick, btc.qty_min) == (1, 8, 1, 10_000)


def test_ticker_and_candles_of_2026():
    """The shapes with req_id, warnings and the top-level timestamp."""
    codec, seen = KrakenCodec(), []
    for frame in read_frames(shared("captures/kraken_v2_samples_ticker_ohlc_2026.frames.gz")):
        seen += codec.decode(frame.data)
    candles = [m for m in seen if isinstance(m, Candles)]
    assert candles[0].snapshot
    assert candles[0].candles[0].interval == 60_000_000_000
    assert any(isinstance(m, Ack) and m.channel == "ohlc" and m.success for m in seen)
    assert any(isinstance(m, Heartbeat) for m in seen)
    ticker = next(
        f.data
        for f in read_frames(shared("captures/kraken_v2_samples_ticker_ohlc_2026.frames.gz"))
        if b'"bid"' in f.data
    )
    assert isinstance(codec.decode(ticker)[0], Ticker)  # once the candles have shown the pair's decimals


def test_trades_carry_the_aggressor_and_their_id():
    """A sign error here turns every flow signal around."""
    raw = (
        b'{"channel":"trade","type":"update","data":[{"symbol":"ETH/USD","side":"sell","price":1877.29,"qty":2.41130000,'
        b'"ord_type":"market","trade_id":7,"timestamp":"2026-08-02T04:23:43.217117Z"}]}'
    )
    message = KrakenCodec().decode(raw)[-1]
    assert isinstance(message, Trades)
    assert (message.trades[0].side, message.trades[0].px, message.trades[0].trade_id) == (Side.SELL, 187729, 7)


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        (
            b'{"error":"Currency pair not supported FOO/BAR","method":"subscribe","req_id":1,"success":false,'
            b'"symbol":"FOO/BAR","time_in":"x","time_out":"y"}',
            Ack("subscribe", "", "FOO/BAR", False, "Currency pair not supported FOO/BAR", 0, 1),
        ),
        (
            b'{"method":"subscribe","result":{"channel":"book","depth":25,"snapshot":true,"symbol":"ETH/USD"},"success":true}',
            Ack("subscribe", "book", "ETH/USD", True, "", 25, 0),
        ),
        (b'{"Error":"Exceeded msg rate"}', Ack("", "", "", False, "Exceeded msg rate")),
        (b'{"method":"pong","req_id":101}', Pong(101)),
    ],
)
def test_answers(raw, want):
    """A refusal that goes unread leaves a symbol silently empty."""
    assert KrakenCodec().decode(raw) == [want]


def test_requests_name_every_symbol_once_per_channel():
    """One request per channel and depth; the token only where it belongs."""
    wanted = [Subscription("book", "A/B", 100), Subscription("book", "C/D", 100), Subscription("level3", "A/B", 10)]
    book, level3 = KrakenCodec().subscribe(wanted, "secret", 5)
    assert b'"symbol":["A/B","C/D"]' in book
    assert b"secret" not in book
    assert b'"token":"secret"' in level3


def test_mutated_frames_are_refused_and_never_crash():
    """20 000 damaged copies of real frames: messages or DecodeError, nothing else."""
    frames = [f.data for f in read_frames(shared("captures/kraken_v2_samples_book_2026.frames.gz"))]
    frames += [f.data for f in read_frames(shared("captures/kraken_v2_level3_vectors_btcusd.frames.gz"))]
    dice, codec, refused = random.Random(7), KrakenCodec(), 0
    for _ in range(20_000):
        raw = bytearray(dice.choice(frames))
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(raw))
            raw[at : at + dice.randint(0, 2)] = bytes(dice.randrange(256) for _ in range(dice.randint(0, 2)))
        try:
            codec.decode(bytes(raw))
        except DecodeError:
            refused += 1
    assert refused > 10_000


@pytest.mark.parametrize("raw", [b"", b"[" * 200_000, b"\xff\xfe", b"{", b"null", b"[1360,{}]", b'{"channel":5}'])
def test_garbage_is_refused(raw):
    """Deep nesting, wrong encodings, other protocols."""
    with pytest.raises(DecodeError):
        KrakenCodec().decode(raw)
