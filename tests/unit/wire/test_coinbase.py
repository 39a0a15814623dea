"""desk/wire/coinbase.py: both feeds, the number of every frame, decimals that show late, no crash on any bytes."""

from __future__ import annotations

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
    Heartbeat,
    Instruments,
    Numbered,
    Side,
    Subscription,
    Ticker,
    Trade,
    Trades,
)
from desk.wire.coinbase import CoinbaseCodec

LIKELY = bytes(range(256)) + b'0123456789.-+eE"{}[],:' * 30  # most damage should reach past the JSON
SAMPLES = "captures/coinbase_advanced_samples_2026.frames.gz"
LEGACY = "captures/coinbase_exchange_level2_20210417a.frames.gz"
ADVANCED = "captures/coinbase_advshape_l2_data_20210417a.frames.gz"


def book(kind, *changes, number=0):
    updates = [
        {"side": side, "event_time": "2026-09-07T01:57:58.894355Z", "price_level": px, "new_quantity": qty}
        for side, px, qty in changes
    ]
    event = {"type": kind, "product_id": "BTC-USD", "updates": updates}
    frame = {
        "channel": "l2_data",
        "timestamp": "2026-09-07T01:57:58.894355Z",
        "sequence_num": number,
        "events": [event],
    }
    return json.dumps(frame).encode()


def codec():
    return CoinbaseCodec(symbols=["BTC/USD"])


def test_every_sample_of_2026_is_understood():
    """Real frames of every channel the desk uses, in order: a frame not understood is a hole in the numbers."""
    one = CoinbaseCodec()
    made = [one.decode(frame.data) for frame in read_frames(shared(SAMPLES))]
    number, described, update = made[0]
    assert number == Numbered(0)
    assert (described.instruments[0].px_decimals, described.instruments[0].qty_decimals) == (1, 4)
    assert update == BookUpdate(
        "BTC-PERP-INTX@coinbase",
        ((799439, 30105), (799438, 5000)),
        ((799441, 12000), (799440, 480)),
        snapshot=True,
        ts_exch=1788746278894355000,
    )
    perps = [Ack("subscribe", "book", f"{name}-PERP-INTX", success=True) for name in ("BTC", "ETH")]
    assert made[1] == [Numbered(1), *perps]
    assert made[2] == [Numbered(2), Ack("subscribe", "heartbeats", "", success=True), *perps]
    assert made[3] == [Numbered(3), Heartbeat()]
    assert made[4] == [Ack("", "", "", success=False, error="authentication failure")]
    number, described, tape = made[5]
    assert number == Numbered(2)
    assert tape == Trades(
        (
            Trade("BTC-USD@coinbase", 6331025, 12, Side.SELL, 1069726292, 1786562868266642000),
            Trade("BTC-USD@coinbase", 6331025, 12, Side.SELL, 1069726293, 1786562868298771000),
        )
    )
    assert made[6] == [Numbered(2), Ticker("BTC-USD@coinbase", 6331886, 6331887, 6332073, 1786562853829058895)]


def test_the_snapshot_decides_the_decimals_and_the_next_one_widens_them():
    """A finer number is refused, its frame's number stays missing, and the snapshot that this brings can hold it."""
    one = codec()
    described = one.decode(book("snapshot", ("bid", "100", "1.5"), ("offer", "100.5", "2")))[1]
    assert (described.instruments[0].px_decimals, described.instruments[0].qty_decimals) == (1, 1)
    assert one.decode(book("update", ("bid", "100.0", "0"), number=1))[1].bids == ((1000, 0),)
    with pytest.raises(DecodeError, match=r"BTC/USD: 0\.125 has more than 1 decimals"):
        one.decode(book("update", ("bid", "99", "0.125"), number=2))
    number, described, update = one.decode(book("snapshot", ("bid", "100", "1.5"), ("offer", "100.5", "2")))
    assert number == Numbered(0)
    assert isinstance(described, Instruments)
    assert (described.instruments[0].px_decimals, described.instruments[0].qty_decimals) == (1, 3)
    assert update.bids == ((1000, 1500),)
    assert one.decode(book("update", ("bid", "99", "0.125"), number=1))[1].bids == ((990, 125),)


def test_updates_without_their_snapshot_are_understood():
    """Its loss shows in the numbers; the frames after it must not be called damaged as well."""
    one = codec()
    for number, qty in enumerate(("1", "1.25", "1.125"), start=1):
        assert one.decode(book("update", ("bid", "99", qty), number=number))[-1].snapshot is False
    assert one.decode(book("snapshot", ("bid", "99", "1"), number=4))[-1].bids == ((99, 1000),)


def test_a_print_before_the_book_may_be_finer_than_the_last():
    """No book holds integers yet, so the tape may still learn."""
    trade = (
        b'{"channel":"market_trades","timestamp":"2026-08-12T19:27:48Z","sequence_num":0,"events":[{"type":"update",'
        b'"trades":[{"product_id":"BTC-USD","trade_id":"1","price":"%s","size":"1","time":"","side":"BUY"}]}]}'
    )
    one = codec()
    assert one.decode(trade % b"63310")[-1].trades[0].px == 63310
    assert one.decode(trade % b"63310.25")[-1].trades[0].px == 6331025
    one.decode(book("snapshot", ("bid", "63310.25", "1")))
    with pytest.raises(DecodeError, match="more than 2 decimals"):
        one.decode(trade % b"63310.255")


def test_the_side_of_a_match_is_the_resting_orders():
    """The ticker of the same trade names the taker's side: they must differ, so the aggressor is the ticker's."""
    one, checked = CoinbaseCodec(), 0
    frames = list(read_frames(shared(LEGACY)))
    heard = [json.loads(frame.data) for frame in frames]
    taker = {(said["product_id"], said["trade_id"]): said["side"] for said in heard if said["type"] == "ticker"}
    for frame, said in zip(frames, heard, strict=True):
        for message in one.decode(frame.data):
            if isinstance(message, Trades):
                (trade,) = message.trades
                taken = taker.get((trade.inst.partition("@")[0], trade.trade_id))
                checked += taken is not None
                assert taken in (None, "buy" if trade.side is Side.BUY else "sell")
                assert message.snapshot == (said["type"] == "last_match")
    assert checked > 50


@pytest.mark.parametrize("path", [LEGACY, ADVANCED])
def test_every_level_of_the_recordings_carries_the_venues_own_digits(path):
    """Against the plain JSON and Decimal, level by level; nothing is left out."""
    one, compared = CoinbaseCodec(), 0
    for frame in read_frames(shared(path)):
        said = json.loads(frame.data)
        made = one.decode(frame.data)
        if "sequence_num" in said:
            assert made[0] == Numbered(said["sequence_num"])
        want = []
        if said.get("channel") == "l2_data":
            (event,) = said["events"]
            want = [(u["side"] == "bid", u["price_level"], u["new_quantity"]) for u in event["updates"]]
        elif said.get("type") == "l2update":
            want = [(side == "buy", px, qty) for side, px, qty in said["changes"]]
        elif said.get("type") == "snapshot":
            want = [(True, *level) for level in said["bids"]] + [(False, *level) for level in said["asks"]]
        if not want:
            continue
        update = made[-1]
        inst = one.instruments[update.inst.partition("@")[0]]
        for bid, ours in ((True, update.bids), (False, update.asks)):
            theirs = [(Decimal(px), Decimal(qty)) for is_bid, px, qty in want if is_bid == bid]
            assert [(Decimal(inst.px_text(px)), Decimal(inst.qty_text(qty))) for px, qty in ours] == theirs
            compared += len(theirs)
    assert compared > 7_000


def test_requests_and_the_answers_that_repeat_themselves():
    """One channel per message, heartbeats first; each answer lists all that stands, and acknowledges one thing more."""
    one = codec()
    wanted = [Subscription("book", "BTC/USD"), Subscription("trade", "ETH/USD")]
    requests = [json.loads(raw) for raw in one.subscribe(wanted, "jwt", 1)]
    assert requests == [
        {"type": "subscribe", "channel": "heartbeats", "jwt": "jwt"},
        {"type": "subscribe", "channel": "level2", "product_ids": ["BTC-USD"], "jwt": "jwt"},
        {"type": "subscribe", "channel": "market_trades", "product_ids": ["ETH-USD"], "jwt": "jwt"},
    ]
    standing, told = {}, []
    for channel, names in (("heartbeats", ["heartbeats"]), ("level2", ["BTC-USD"]), ("market_trades", ["ETH-USD"])):
        standing[channel] = names
        answer = {"channel": "subscriptions", "sequence_num": 0, "events": [{"subscriptions": standing}]}
        told.append(one.control(json.dumps(answer).encode()))
    assert [(ack.channel, ack.symbol) for ack in told] == [
        ("heartbeats", ""),
        ("book", "BTC/USD"),
        ("trade", "ETH/USD"),
    ]
    one.subscribe(wanted, "", 2)  # another connection: everything is acknowledged anew
    assert one.control(json.dumps(answer).encode()) == Ack("subscribe", "book", "BTC/USD", success=True)
    assert one.control(book("update", ("bid", "1", "1"))) is None
    assert json.loads(one.unsubscribe(wanted[:1])[0]) == {
        "type": "unsubscribe",
        "channel": "level2",
        "product_ids": ["BTC-USD"],
    }
    assert json.loads(one.ping(3)) == {"type": "subscribe", "channel": "heartbeats"}
    with pytest.raises(FeedError, match="coinbase has no channel 'ohlc'"):
        one.subscribe([Subscription("ohlc", "BTC/USD")])
    with pytest.raises(DecodeError, match="asked nothing over REST"):
        one.answer("depth", "BTC/USD", b"{}")


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        (b'{"channel":"status","sequence_num":9,"events":[]}', [Numbered(9)]),
        (b'{"channel":"l2_data","sequence_num":3,"events":[{"type":"update","product_id":"A-B"}]}', [Numbered(3)]),
        (b'{"type":"heartbeat","sequence":90,"product_id":"A-B"}', [Heartbeat()]),
        (b'{"type":"error","message":"Failed","reason":"no"}', [Ack("", "", "", False, "Failed: no")]),
        (
            b'{"type":"subscriptions","channels":[{"name":"level2","product_ids":["BTC-USD"]}]}',
            [Ack("subscribe", "book", "BTC/USD", success=True)],
        ),
        (b'{"type":"status"}', []),
    ],
)
def test_frames_without_market_data(raw, want):
    """Each keeps its number; what the desk does not use gives nothing else."""
    assert codec().decode(raw) == want


@pytest.mark.parametrize(
    "raw",
    [
        book("restatement", ("bid", "1", "1")),
        book("update", ("buy", "1", "1")),
        book("snapshot", ("bid", "0", "1")),
        book("snapshot", ("bid", "-1", "1")),
        book("snapshot", ("bid", "1_0", "1")),
        book("snapshot", ("bid", "٣", "1")),
        book("snapshot", ("bid", "1.", "1")),
        book("snapshot", ("bid", "1e99", "1")),
        book("snapshot", ("bid", "9" * 5000, "1")),
        book("snapshot", ("bid", "0." + "1" * 30, "1")),
        book("snapshot", ("bid", "1", "1"), number=-1),
        book("snapshot", ("bid", "1", "1")).replace(b"2026-09-07T01:57:58.894355Z", b"yesterday"),
        b'{"type":"match","trade_id":1,"product_id":"A-B","side":"sell","size":"0","price":"1"}',
        b"",
        b"[" * 200_000,
        b'{"events":' + b"[" * 100_000,
        b"\xff\xfe",
        b"{}",
        b"null",
        b'{"channel":5}',
    ],
)
def test_garbage_is_refused(raw):
    """Prices that are none, unknown words, deep nesting, other protocols."""
    with pytest.raises(DecodeError):
        codec().decode(raw)


def test_mutated_frames_are_refused_and_never_crash():
    """25 000 damaged copies of real frames of both feeds: messages or DecodeError, nothing else."""
    frames = [frame.data for frame in read_frames(shared(SAMPLES))] * 8
    for path in (LEGACY, ADVANCED):
        frames += [frame.data for frame in read_frames(shared(path)) if len(frame.data) < 2_000][:100]
    dice, one, refused = random.Random(13), CoinbaseCodec(), 0
    for _ in range(25_000):
        raw = bytearray(dice.choice(frames))
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(raw))
            raw[at : at + dice.randint(0, 2)] = bytes(dice.choice(LIKELY) for _ in range(dice.randint(0, 2)))
        try:
            made = one.decode(bytes(raw))
            one.control(bytes(raw))
            assert isinstance(made, list)
        except DecodeError:
            refused += 1
    assert 5_000 < refused < 23_000  # both answers are tried
