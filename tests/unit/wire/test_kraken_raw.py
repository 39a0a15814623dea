"""desk/wire/kraken_raw.py and its kernels: the typed decoder's own messages, on any bytes, and no byte beyond them."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared import shared

from desk.errors import DecodeError
from desk.instrument import Instrument
from desk.io.frames import read_frames
from desk.kernels import tape_scan
from desk.messages import Heartbeat, Instruments, Ticker, Trades
from desk.sim.listing import ALL
from desk.sim.market import SimMarket
from desk.sim.publish import Publisher
from desk.wire.kraken import KrakenCodec
from desk.wire.kraken_raw import RawKrakenCodec
from desk.wire.kraken_venue import Topic

START = 1_763_000_000_000_000_000
TRADE = (
    b'{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":64616.9,"qty":0.00410000,'
    b'"ord_type":"limit","trade_id":102,"timestamp":"2026-07-19T17:26:56.509813Z"},{"symbol":"BTC/USD","side":"sell",'
    b'"price":64616.8,"qty":1.00000001,"ord_type":"market","trade_id":103,"timestamp":"2026-07-19T17:26:56.509813Z"}]}'
)
TICKER = (
    b'{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":63297.7,"bid_qty":5.45673101,'
    b'"ask":63297.8,"ask_qty":0.36974422,"last":63297.8,"volume":1020.88391276,"vwap":63685.7,"low":63250.0,'
    b'"high":64409.2,"change":-0.7,"change_pct":0.00,"trades":47536,"timestamp":"2026-08-12T19:29:02.066592Z"}]}'
)


def twins(*pairs):
    """The typed codec and the raw one, knowing the same instruments."""
    made = KrakenCodec(), RawKrakenCodec()
    for codec in made:
        codec.instruments.update({pair.symbol: pair for pair in pairs})
    return made


def outcome(codec, data):
    try:
        return codec.decode(data)
    except DecodeError:
        return "refused"


def read_raw(codec, data):
    """What the kernel itself makes of a frame, None when it leaves it to the decoder."""
    path = codec._path(data)
    return path[0](data, path[1]) if path else None


@pytest.mark.parametrize(
    "name",
    [
        "kraken_trades_btcusdt_20251110a",
        "kraken_v2_samples_ticker_ohlc_2026",
        "kraken_v2_samples_book_2026",
        "kraken_v2_book_btcusd_d10_20260719a",
        "kraken_v2_level3_vectors_btcusd",
    ],
)
def test_every_frame_of_a_recording_means_the_same(name):
    """Real trades, tickers and heartbeats; every update of a known pair is the kernel's to read."""
    typed, raw = twins(Instrument("BTC/USD", "kraken", 1, 8))
    updates = by_kernel = 0
    for frame in read_frames(shared(f"captures/{name}.frames.gz")):
        is_update = frame.data[:33] in raw._read
        updates += is_update
        by_kernel += is_update and read_raw(raw, frame.data) is not None
        assert raw.decode(frame.data) == typed.decode(frame.data)
    assert by_kernel >= updates - 1  # the first trade of a pair that nobody described shows its decimals
    if "trades" in name:
        assert by_kernel == 288


def test_every_trade_and_ticker_of_the_embedded_exchange_is_read_by_the_kernels():
    """Eight pairs of other decimals, needing no recording."""
    market = SimMarket(5, START)
    source = Publisher(market, market.instruments)
    for symbol in ALL:
        for topic in (Topic("trade", symbol), Topic("ticker", symbol, 1)):
            source.open(topic, START)
    typed, raw = twins(
        *(Instrument(i.symbol, "kraken", i.px_decimals, i.qty_decimals) for i in market.instruments.values())
    )
    seen = {"trade": 0, "ticker": 0}
    while market.next_at <= START + 60_000_000_000:
        for topic, data in source.advance(START + 60_000_000_000):
            assert read_raw(raw, data) is not None, data
            assert raw.decode(data) == typed.decode(data)
            seen[topic.channel] += 1
    assert min(seen.values()) > 100


TOKENS = (
    b"", b"e", b"1e5", b"-", b"+", b"0", b".", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b" ", b"\n", b"\0",
    b"null", b"9" * 20, b'"price":1.0,', b'"qty":0.00000000', b"Z", b"T", b"snapshot", b"\xff", b"\xc3\xa9", b"sell",
    b"ETH/USD", b'"trade_id":0', b',"timestamp":""', b'},{"symbol":"BTC/USD"',
)  # fmt: skip
edits = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 30), st.sampled_from(TOKENS) | st.binary(max_size=3)),
    min_size=1,
    max_size=4,
)


def edited(data, changes):
    for where, cut, put in changes:
        at = int(where * len(data))
        data = data[:at] + put + data[at + cut :]
    return data


@settings(deadline=None, max_examples=2000)
@given(st.sampled_from([TRADE, TICKER]), edits)
def test_a_damaged_frame_is_what_the_decoder_says_it_is(data, changes):
    """The kernel may leave a frame to the decoder; it may never read one otherwise than the decoder does."""
    typed, raw = twins(Instrument("BTC/USD", "kraken", 1, 8))
    for damaged in (edited(data, changes), data[: int(changes[0][0] * len(data))]):
        assert outcome(raw, damaged) == outcome(typed, damaged)


def test_one_character_wrong_anywhere_is_never_read_wrongly():
    """Every place of both frames, with every character that numbers, times and JSON are made of."""
    typed, raw = twins(Instrument("BTC/USD", "kraken", 1, 8))
    read = 0
    for data in (TRADE, TICKER):
        for at in range(len(data)):
            for put in b'0123456789.-eE"\\,:[]{} TZa\0':
                damaged = data[:at] + bytes((put,)) + data[at + 1 :]
                message = read_raw(raw, damaged)
                if message is not None:
                    read += 1
                    assert typed.decode(damaged) == [message], damaged
    assert read > 1000


def test_nothing_around_the_workspace_is_written_and_nothing_behind_the_frame_is_read():
    """Fails on one byte too far: canaries stand on both sides, and what lay in the room before changes no answer."""
    scans = {TRADE: tape_scan.scan_trades, TICKER: tape_scan.scan_ticker}
    about = np.zeros(tape_scan.ABOUT_BYTES // 8, np.int64)
    opening = b'{"symbol":"BTC/USD",'
    about[:3] = len(opening), 1, 8
    about.view(np.uint8)[tape_scan.OPENING_AT :][: len(opening)] = np.frombuffer(opening, np.uint8)
    dice = random.Random(3)
    texts = [text[:cut] for text in scans for cut in range(len(text) + 1)]
    texts += [edited(TRADE, [(dice.random(), dice.randrange(9), dice.choice(TOKENS))]) for _ in range(2000)]
    texts += [TRADE[:43] + b"9" * (tape_scan.FRAME_BYTES - 43), b'"' * tape_scan.FRAME_BYTES]
    for text in texts:
        answers = []
        for filler in (0x39, 0x00, 0xFF):
            memory = np.full(tape_scan.WORK_BYTES + 256, filler, np.uint8)
            frame = np.full(len(text) + 64, filler, np.uint8)
            frame[: len(text)] = np.frombuffer(text, np.uint8)
            places = memory.ctypes.data + 128, about.ctypes.data, frame.ctypes.data
            answers += [scan(*places, len(text)) for scan in scans.values()]
            assert (memory[:128] == filler).all()
            assert (memory[-128:] == filler).all()
        assert answers[:2] == answers[2:4] == answers[4:], text


def test_other_decimals_and_other_symbols_are_taken_up_at_once():
    """A pair whose precision changes mid-session must not be read with the old one."""
    typed, raw = twins(Instrument("BTC/USD", "kraken", 1, 8))
    described = (
        b'{"channel":"instrument","type":"update","data":{"assets":[],"pairs":[{"symbol":"BTC/USD","status":"online",'
        b'"qty_precision":8,"qty_increment":1e-8,"price_precision":2,"price_increment":0.01,"qty_min":0.0001}]}}'
    )
    fine = TRADE.replace(b"64616.9", b"64616.90").replace(b"64616.8", b"64616.81")
    assert outcome(raw, TRADE) == outcome(typed, TRADE)
    assert read_raw(raw, fine) is None
    assert isinstance(raw.decode(described)[0], Instruments)
    typed.decode(described)
    assert read_raw(raw, TRADE) is None
    (message,) = raw.decode(fine)
    assert isinstance(message, Trades)
    assert [message] == typed.decode(fine)
    assert message.trades[1].px == 6461681
    assert read_raw(raw, fine.replace(b"BTC/USD", b"BTC/EUR")) is None


def test_more_trades_than_the_workspace_holds_go_through_the_decoder():
    """A sweep of a whole book is one frame."""
    typed, raw = twins(Instrument("BTC/USD", "kraken", 1, 8))
    first, rest = TRADE.split(b"},{")
    entry = first.partition(b"[")[2][1:]
    sizes = {}
    for count in (1, 97, 120):
        data = first.partition(b"[")[0] + b"[" + b",".join([b"{" + entry + b"}"] * count) + b"]}"
        sizes[count] = read_raw(raw, data) is not None
        assert raw.decode(data) == typed.decode(data)
        assert len(raw.decode(data)[0].trades) == count
    assert sizes == {1: True, 97: True, 120: False}
    assert rest


def test_a_ticker_and_a_heartbeat_are_their_messages():
    """The numbers of the fixture, by hand."""
    _, raw = twins(Instrument("BTC/USD", "kraken", 1, 8))
    assert raw.decode(TICKER) == [Ticker("BTC/USD@kraken", 632977, 632978, 632978, 1786562942066592000)]
    assert raw.decode(b'{"channel":"heartbeat"}') == [Heartbeat()]
    ids = [trade.trade_id for trade in raw.decode(TRADE)[0].trades]
    assert all(b == a + 1 for a, b in pairwise(ids))
