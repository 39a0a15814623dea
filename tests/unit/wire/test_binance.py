"""desk/wire/binance.py: exact numbers, spot and futures, answers by their ids, and no uncaught error on any bytes."""

from __future__ import annotations

import gzip
import json
import random
from decimal import Decimal

import pytest
from shared import shared

from desk.errors import DecodeError, FeedError
from desk.io.frames import read_frames
from desk.messages import (
    Ack,
    BookUpdate,
    Candle,
    Candles,
    Instruments,
    Pong,
    Side,
    Subscription,
    Ticker,
    Trade,
    Trades,
)
from desk.wire.binance import BinanceCodec
from desk.wire.session import Policy, Session

LIKELY = bytes(range(256)) + b'0123456789.-+eE"{}[],:' * 30  # most damage should reach past the JSON
CAPTURE = "captures/binance_spot_depth_20211012a.frames.gz"
DEPTH = (
    b'{"e":"depthUpdate","E":1633998512068,"s":"NKNUSDT","U":499869750,"u":499869752,'
    b'"b":[["0.35130000","6195.00000000"],["0.34750000","0.00000000"]],"a":[["0.36000000","1.50000000"]]}'
)
UPDATE = BookUpdate(
    "NKN/USDT@binance",
    ((35130000, 619500000000), (34750000, 0)),
    ((36000000, 150000000),),
    snapshot=False,
    ts_exch=1633998512068000000,
    first=499869750,
    last=499869752,
)


def codec():
    return BinanceCodec(symbols=["NKN/USDT"])


def wrapped(stream, data):
    return b'{"stream":"%s","data":%s}' % (stream, data)


def test_a_depth_update_keeps_every_digit_and_its_numbers():
    """Bare or wrapped; the decimals are those that are written."""
    for raw in (DEPTH, wrapped(b"nknusdt@depth@100ms", DEPTH)):
        described, update = codec().decode(raw)
        assert isinstance(described, Instruments)
        assert (described.instruments[0].px_decimals, described.instruments[0].qty_decimals) == (8, 8)
        assert update == UPDATE


def test_futures_say_what_they_follow():
    """`pu`, fewer decimals, whole contracts."""
    raw = DEPTH.replace(b'"u":', b'"T":1,"pu":499869000,"u":').replace(b'0000"', b'"').replace(b'1.5000"', b'1"')
    (update,) = [each for each in codec().decode(raw) if isinstance(each, BookUpdate)]
    assert (update.first, update.last, update.previous) == (499869750, 499869752, 499869000)


def test_best_prices_with_and_without_a_name():
    """Spot's bookTicker does not say what it is; the futures' does."""
    spot = b'{"u":499869768,"s":"NKNUSDT","b":"0.35210000","B":"672.00000000","a":"0.35260000","A":"3199.00000000"}'
    named = b'{"e":"bookTicker","E":5,' + spot[1:]
    for raw, ts in ((spot, 0), (wrapped(b"nknusdt@bookTicker", spot), 0), (named, 5_000_000)):
        assert codec().decode(raw)[1] == Ticker("NKN/USDT@binance", 35210000, 35260000, 0, ts)


def test_trades_carry_the_aggressor():
    """`m`: the buyer was resting, so the seller came."""
    raw = (
        b'{"e":"aggTrade","E":9,"s":"NKNUSDT","a":15683430,"p":"0.35280000","q":"58.00000000","f":1,"l":1,'
        b'"T":1633998523963,"m":false,"M":true}'
    )
    want = Trade("NKN/USDT@binance", 35280000, 5800000000, Side.BUY, 15683430, 1633998523963000000)
    assert codec().decode(raw)[1] == Trades((want,))
    sold = raw.replace(b'"m":false', b'"m":true').replace(b"aggTrade", b"trade").replace(b'"a":15683430', b'"t":7')
    (trade,) = codec().decode(sold)[1].trades
    assert (trade.side, trade.trade_id) == (Side.SELL, 7)
    assert codec().decode(raw.replace(b"0.35280000", b"0").replace(b"58.00000000", b"0"))[1:] == []  # beside the book


def test_a_candle():
    """From the recording: one minute, 30 trades."""
    frames = [f.data for f in read_frames(shared(CAPTURE)) if b'"kline"' in f.data]
    made = BinanceCodec().decode(frames[0])[-1]
    assert made == Candles(
        (
            Candle(
                "NKNUSDT@binance",
                1633998480000000000,
                60_000_000_000,
                35270000,
                35280000,
                35220000,
                35280000,
                2587700000000,
                30,
            ),
        )
    )


def test_the_rest_depth_is_a_snapshot_and_its_refusal_is_told():
    """The venue's own words; the snapshot carries the number that the stream continues."""
    made = codec().answer("depth", "NKN/USDT", b'{"lastUpdateId":7,"bids":[["0.10","2.0"]],"asks":[]}')
    assert made[1] == BookUpdate("NKN/USDT@binance", ((10, 20),), (), snapshot=True, first=7, last=7)
    with pytest.raises(DecodeError, match=r"Invalid symbol\. \(code -1121\)"):
        codec().answer("depth", "FOO/BAR", b'{"code":-1121,"msg":"Invalid symbol."}')
    with pytest.raises(DecodeError, match="answers depth"):
        codec().answer("OHLC", "NKN/USDT", b"{}")


def test_a_session_knows_which_stream_was_accepted_and_which_was_not():
    """An answer names only the id of its request: the id names the stream."""
    wanted = [Subscription("book", "BTC/USDT"), Subscription("trade", "BTC/USDT"), Subscription("ticker", "FOO/BAR")]
    session = Session(BinanceCodec(), wanted, Policy(), jitter=lambda n: n)
    requests = [json.loads(do.raw) for do in session.opened(0)]
    assert [each["params"] for each in requests] == [
        ["btcusdt@depth@100ms"],
        ["btcusdt@aggTrade"],
        ["foobar@bookTicker"],
    ]
    for request in requests[:2]:
        list(session.received(json.dumps({"result": None, "id": request["id"]}).encode(), 1))
    refusal = {"error": {"code": 2, "msg": "Invalid request"}, "id": requests[2]["id"]}
    list(session.received(json.dumps(refusal).encode(), 1))
    assert session.acked == {("book", "BTC/USDT"), ("trade", "BTC/USDT")}
    assert session.refused == {("ticker", "FOO/BAR"): "Invalid request (code 2)"}
    assert session.pending == []


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        (b'{"result":["btcusdt@depth"],"id":3}', [Pong(3)]),
        (b'{"result":null,"id":"ubook12xNKNUSDT"}', [Ack("unsubscribe", "book", "NKN/USDT", True, req_id=12)]),
        (b'{"code":3,"msg":"Invalid JSON"}', [Ack("", "", "", False, "Invalid JSON (code 3)")]),
        (b'{"stream":"x@depth20","data":{"lastUpdateId":1,"bids":[],"asks":[]}}', []),
        (b'{"e":"24hrTicker","s":"X"}', []),
    ],
)
def test_answers_and_streams_nobody_asked_for(raw, want):
    """Each is understood; what the desk does not use gives nothing."""
    assert codec().decode(raw) == want


def test_requests():
    """Leaving names the same stream; a channel that is not offered is refused by name."""
    (leave,) = codec().unsubscribe([Subscription("ohlc", "NKN/USDT", interval=60)], "", 4)
    assert json.loads(leave) == {"method": "UNSUBSCRIBE", "params": ["nknusdt@kline_1h"], "id": "uohlc4xNKNUSDT"}
    assert json.loads(codec().ping(8)) == {"method": "LIST_SUBSCRIPTIONS", "id": 8}
    with pytest.raises(FeedError, match="binance has no channel 'level3' for NKN/USDT; choose one of book, trade"):
        codec().subscribe([Subscription("level3", "NKN/USDT")])


def test_a_number_finer_than_its_book_is_refused():
    """Integers of different decimals must not meet in one book."""
    one = codec()
    one.decode(DEPTH)
    with pytest.raises(DecodeError, match=r"0\.351300001 has more than 8 decimals"):
        one.decode(DEPTH.replace(b"0.35130000", b"0.351300001"))


@pytest.mark.parametrize(
    "raw",
    [
        DEPTH.replace(b'"U":499869750', b'"U":499869753'),
        DEPTH.replace(b'"U":499869750', b'"U":-1'),
        DEPTH.replace(b'"0.35130000"', b'"-1"'),
        DEPTH.replace(b'"0.35130000"', b'"0.00"'),
        DEPTH.replace(b'"0.35130000"', b'"NaN"'),
        DEPTH.replace(b'"0.35130000"', '"٣.١"'.encode()),
        DEPTH.replace(b'"0.35130000"', b"0.3513"),
        DEPTH.replace(b'"0.35130000"', b'"1e999"'),
        DEPTH.replace(b'"0.35130000"', b'"' + b"9" * 5000 + b'"'),
        DEPTH.replace(b'"NKNUSDT"', b"5"),
        b"",
        b"[" * 200_000,
        b'{"data":' * 100_000,
        b"\xff\xfe",
        b"{}",
        b"null",
        b"[1360,{}]",
        b'{"stream":5}',
    ],
)
def test_garbage_is_refused(raw):
    """Numbers running backwards, prices that are none, deep nesting, other protocols."""
    with pytest.raises(DecodeError):
        codec().decode(raw)


def test_every_frame_of_the_recordings_carries_the_venues_own_digits():
    """Against the plain JSON and Decimal: 265 spot frames, and the first 3 000 of each futures' tape."""
    frames = [f.data for f in read_frames(shared(CAPTURE)) if f.direction == "<"]
    assert len(frames) == 265
    compared = 0
    for path in ("usdm_btcusdt", "cm_btcusd_perp"):
        with gzip.open(shared(f"market/l2/hftbacktest_{path}_20240808.jsonl.gz"), "rb") as file:
            lines = [next(file).split(b" ", 1)[1] for _ in range(3_000)]
        frames += [line for line in lines if line.startswith(b'{"stream"')]
    one = BinanceCodec()
    for raw in frames:
        said = json.loads(raw)["data"]
        made = one.decode(raw)
        if said.get("e") == "depthUpdate":
            update = made[-1]
            inst = one.instruments[said["s"]]
            for ours, theirs in ((update.bids, said["b"]), (update.asks, said["a"])):
                scale = Decimal(10) ** -inst.px_decimals, Decimal(10) ** -inst.qty_decimals
                assert [(px * scale[0], qty * scale[1]) for px, qty in ours] == [
                    (Decimal(px), Decimal(qty)) for px, qty in theirs
                ]
                compared += len(ours)
    assert compared > 20_000


def test_mutated_frames_are_refused_and_never_crash():
    """25 000 damaged copies of real frames and answers: messages or DecodeError, nothing else."""
    lines = list(read_frames(shared(CAPTURE)))
    frames = sorted({f.data for f in lines if f.direction == "<"}, key=len)[-200:]
    frames += [b'{"result":null,"id":"sbook1xNKNUSDT"}', b'{"error":{"code":2,"msg":"no"},"id":1}', DEPTH]
    rest = b'{"lastUpdateId":7,"bids":[["0.10","2.0"],["0.09","3.0"]],"asks":[["0.11","2.0"]]}'
    dice, one, refused = random.Random(11), BinanceCodec(), 0
    for turn in range(25_000):
        asked = turn % 5 == 0
        raw = bytearray(rest if asked else dice.choice(frames))
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(raw))
            raw[at : at + dice.randint(0, 2)] = bytes(dice.choice(LIKELY) for _ in range(dice.randint(0, 2)))
        try:
            made = one.answer("depth", "A/B", bytes(raw)) if asked else one.decode(bytes(raw))
            one.control(bytes(raw))
            assert isinstance(made, list)
        except DecodeError:
            refused += 1
    assert 5_000 < refused < 23_000  # both answers are tried
