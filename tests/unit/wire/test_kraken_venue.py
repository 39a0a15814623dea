"""The venue's side of the wire: frames against recordings and the client's decoder, requests against anything."""

from __future__ import annotations

import gzip
import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared import shared

from desk.instrument import Instrument
from desk.messages import BookUpdate, Candles, Instruments, OrderEvent, OrdersUpdate, Side, Ticker, Trades
from desk.wire import kraken_venue as wire
from desk.wire import kraken_venue_rest as rest
from desk.wire.kraken import KrakenCodec
from desk.wire.kraken_auth import sign
from desk.wire.kraken_venue import MALFORMED, CandleRow, Malformed, Ping, Print, Subscribe, TickerRow, Topic
from desk.wire.stamps import parse_ns

BTC = Instrument("BTC/USD", "kraken", 1, 8, qty_min=5000, cost_min=Decimal("0.5"))
ETH = Instrument("ETH/USD", "kraken", 2, 8)


def recorded(name: str) -> list[bytes]:
    """Frames that the real venue sent."""
    with gzip.open(shared(f"captures/{name}.frames.gz"), "rb") as file:
        columns = [line.rstrip(b"\n").split(b"\t", 2) for line in file]
    return [frame for _, direction, frame in columns if direction == b"<"]


def test_written_books_are_the_recorded_frames_byte_by_byte() -> None:
    """Breaks on any difference of key order, number text or time text between our venue and the real one."""
    codec = KrakenCodec()
    seen = 0
    for raw in recorded("kraken_v2_book_ethusd_d25_20260802"):
        for message in codec.decode(raw):
            if isinstance(message, BookUpdate):
                assert wire.book(ETH, message) == raw
                seen += 1
    assert seen == 1129


def test_written_orders_are_the_documented_frames_byte_by_byte() -> None:
    """Breaks when a level3 entry loses a digit of its nanoseconds or an event its key order."""
    codec = KrakenCodec()
    for raw in recorded("kraken_v2_level3_vectors_btcusd"):
        (update,) = [m for m in codec.decode(raw) if isinstance(m, OrdersUpdate)]
        assert json.loads(wire.orders(BTC, update)) == json.loads(raw)
        assert numbers(wire.orders(BTC, update)) == numbers(raw)
        if not update.snapshot:
            assert wire.orders(BTC, update) == raw


def numbers(raw: bytes) -> list[bytes]:
    return re.findall(rb"[:][0-9.]+", raw)


def test_written_trades_are_the_recorded_frames_byte_by_byte() -> None:
    """Breaks the tape: a trade whose text differs is another trade to whoever compares recordings."""
    inst = Instrument("BTC/USDT", "kraken", 1, 8)
    seen = 0
    for raw in recorded("kraken_trades_btcusdt_20251110a"):
        rows = json.loads(raw, parse_float=str)["data"]
        prints = [
            Print(
                inst.ticks(row["price"]),
                inst.lots(row["qty"]),
                Side.BUY if row["side"] == "buy" else Side.SELL,
                row["trade_id"],
                row["ord_type"],
                parse_ns(row["timestamp"]),
            )
            for row in rows
        ]
        assert wire.trades(inst, prints) == raw
        seen += len(prints)
    assert seen == 500


def test_written_ticker_and_candles_are_the_recorded_frames_byte_by_byte() -> None:
    """Breaks on the two channels with the most fields: order, cut of vwap, end time of a candle, ns at the top."""
    frames = recorded("kraken_v2_samples_ticker_ohlc_2026")
    for raw in frames:
        whole: dict[str, Any] = json.loads(raw, parse_float=str)
        if whole.get("channel") == "ticker":
            assert wire.ticker(BTC, ticker_row(whole["data"][0]), whole["type"] == "snapshot") == raw
        elif whole.get("channel") == "ohlc":
            rows = [candle_row(row) for row in whole["data"]]
            written = wire.candles(BTC, rows, 1, parse_ns(whole["timestamp"]), whole["type"] == "snapshot")
            assert written == raw
    assert sum(b'"channel":"ticker","type"' in raw or b'"channel":"ohlc","type"' in raw for raw in frames) == 4


def ticker_row(row: dict[str, Any]) -> TickerRow:
    px = {name: BTC.ticks(row[name]) for name in ("bid", "ask", "last", "low", "high", "vwap")}
    lots = {"bid_qty": BTC.lots(row["bid_qty"]), "ask_qty": BTC.lots(row["ask_qty"]), "volume": BTC.lots(row["volume"])}
    opened = px["last"] - BTC.ticks(row["change"])
    return TickerRow(**px, **lots, last_qty=1, open=opened, trades=row["trades"], ts=parse_ns(row["timestamp"]))


def candle_row(row: dict[str, Any]) -> CandleRow:
    px = {name: BTC.ticks(row[name]) for name in ("open", "high", "low", "close", "vwap")}
    return CandleRow(**px, begin=parse_ns(row["interval_begin"]), volume=BTC.lots(row["volume"]), count=row["trades"])


def test_acknowledgements_and_the_greeting_are_the_recorded_frames_byte_by_byte() -> None:
    """Breaks clients that send the `result` of an acknowledgement back as the parameters of their next request."""
    seen = 0
    for name in (
        "kraken_v2_samples_ticker_ohlc_2026",
        "kraken_v2_samples_book_2026",
        "kraken_v2_book_btcusd_d10_20260801",
    ):
        for raw in recorded(name):
            whole = json.loads(raw)
            if "method" in whole:
                result = whole["result"]
                detail = result.get("depth") or result.get("interval") or 0
                written = wire.ack(
                    whole["method"],
                    Topic(result["channel"], result["symbol"], detail),
                    result.get("snapshot", False),
                    whole.get("req_id"),
                    parse_ns(whole["time_in"]),
                    parse_ns(whole["time_out"]),
                )
                assert written == raw
                seen += 1
            elif whole["channel"] == "status" and "emergency" not in whole["data"][0]:
                assert wire.status(whole["data"][0]["connection_id"]) == raw
    assert seen == 19


def test_our_client_reads_what_our_venue_writes() -> None:
    """Breaks the embedded exchange for our own desk: both sides of one wire must agree on every channel."""
    codec = KrakenCodec()
    (pairs,) = codec.decode(wire.instruments([BTC, ETH]))
    assert pairs == Instruments((BTC, ETH), snapshot=True)
    book = BookUpdate(
        BTC.key, ((645250, 53807066),), ((645251, 5100), (645260, 0)), False, 77, 1_785_644_622_178_672_000
    )
    assert codec.decode(wire.book(BTC, book)) == [book]
    event = OrderEvent("modify", "OAAAAA-BBBBB-CCCCCC", 645250, 1, 1_785_644_622_178_672_001)
    orders = OrdersUpdate(BTC.key, (event,), (), False, 78, 1_785_644_622_178_672_002)
    assert codec.decode(wire.orders(BTC, orders)) == [orders]
    sold = Print(645250, 7, Side.SELL, 12, "market", 1_785_644_622_000_001_000)
    (trades,) = codec.decode(wire.trades(BTC, [sold], snapshot=True))
    assert isinstance(trades, Trades)
    assert (trades.snapshot, trades.trades[0].side, trades.trades[0].qty) == (True, Side.SELL, 7)
    row = TickerRow(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13_000)
    (ticker,) = codec.decode(wire.ticker(BTC, row, snapshot=False))
    assert ticker == Ticker(BTC.key, 1, 3, 5, 13_000)
    (candles,) = codec.decode(wire.candles(BTC, [CandleRow(0, 1, 4, 1, 2, 9, 3, 2)], 5, 7, snapshot=True))
    assert isinstance(candles, Candles)
    assert (candles.candles[0].interval, candles.candles[0].high, candles.candles[0].count) == (300_000_000_000, 4, 3)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", Malformed(MALFORMED, "", None)),
        (b"\xff\xfe", Malformed(MALFORMED, "", None)),
        (b"{}", Malformed(MALFORMED, "", None)),
        (b"[" * 100_000, Malformed(MALFORMED, "", None)),
        (b'{"method":"ping","req_id":1e400}', Malformed(MALFORMED, "", None)),
        (b'{"method":"subscribe","req_id":3}', Malformed(MALFORMED, "subscribe", 3)),
        (b'{"method":"subscribe","params":{"channel":"book","symbol":"A/B"}}', Malformed(MALFORMED, "subscribe", None)),
        (b'{"method":"subscribe","params":{"channel":"book"}}', Malformed("Symbol(s) not found", "subscribe", None)),
        (b'{"method":"subscribe","params":{"channel":"x"}}', Malformed("Channel not supported x", "subscribe", None)),
        (
            b'{"method":"subscribe","params":{"channel":"book","symbol":[' + b'"A/B",' * 500 + b'"A/B"]}}',
            Malformed("Too many symbols, 500 at most", "subscribe", None),
        ),
        (b'{"method":"add_order","req_id":9}', Malformed("Method not supported add_order", "add_order", 9)),
        (b'{"method":"ping"}', Ping(None)),
    ],
)  # fmt: skip
def test_requests_that_cannot_be_served_are_refused_in_words(raw: bytes, expected: object) -> None:
    """Breaks the server when a client sends rubbish: it must answer, not fall."""
    assert wire.read_request(raw) == expected


@given(
    st.binary(max_size=200)
    | st.text(max_size=60).map(lambda t: json.dumps({"method": "subscribe", "params": t}).encode())
)
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_request_or_refused(raw: bytes) -> None:
    """Breaks when some byte sequence raises out of the reader."""
    assert isinstance(wire.read_request(raw), (Subscribe, Ping, Malformed))


@given(st.text(max_size=30), st.text(max_size=30))
@settings(max_examples=100, deadline=None)
def test_a_refusal_is_json_whatever_the_client_called_things(error: str, symbol: str) -> None:
    """Breaks when a client's own words get into our frame unescaped."""
    whole = json.loads(wire.refusal(error, "subscribe", symbol, 5, 0, 0))
    assert (whole["error"], whole["success"], whole["req_id"], whole.get("symbol", "")) == (error, False, 5, symbol)


@pytest.mark.parametrize(
    ("params", "symbol", "expected"),
    [
        ({"channel": "book"}, "BTC/USD", Topic("book", "BTC/USD", 10)),
        ({"channel": "book", "depth": 1000}, "BTC/USD", Topic("book", "BTC/USD", 1000)),
        ({"channel": "book", "depth": 11}, "BTC/USD", "Subscription depth not supported"),
        ({"channel": "level3", "depth": 25}, "BTC/USD", "Subscription depth not supported"),
        ({"channel": "book"}, "FOO/BAR", "Currency pair not supported FOO/BAR"),
        ({"channel": "ohlc"}, "BTC/USD", Topic("ohlc", "BTC/USD", 1)),
        ({"channel": "ohlc", "interval": 7}, "BTC/USD", "Subscription ohlc interval not supported"),
        ({"channel": "ticker", "event_trigger": "bbo"}, "BTC/USD", Topic("ticker", "BTC/USD", 1)),
        ({"channel": "ticker", "event_trigger": "x"}, "BTC/USD", "Subscription event_trigger not supported"),
        ({"channel": "instrument"}, "", Topic("instrument")),
    ],
)
def test_a_subscription_becomes_a_topic_or_a_refusal(params: dict[str, Any], symbol: str, expected: object) -> None:
    """Breaks the defaults of the venue: depth 10, one minute, trades."""
    raw = json.dumps({"method": "subscribe", "params": {"symbol": [symbol], **params}}).encode()
    request = wire.read_request(raw)
    assert isinstance(request, Subscribe)
    assert wire.topic_of(request, symbol, {"BTC/USD": BTC}) == expected


def test_the_signature_is_the_documented_one() -> None:
    """Breaks authentication against clients that sign as Kraken documents it."""
    vector = json.loads(shared("captures/kraken_v2_docs_checksum_vectors.json").read_text())["rest_signature"]
    signed = sign(vector["private_key"], vector["uri_path"], vector["nonce"], vector["post_data"].encode())
    assert signed == vector["api_sign"]


def test_a_pair_over_rest_has_the_keys_of_a_recorded_one() -> None:
    """Breaks libraries that read Kraken's AssetPairs: a missing key is an exception there."""
    real = json.loads(shared("captures/kraken_rest_assetpairs_xbtusdt_20251111.json").read_text())["result"]["XBTUSDT"]
    ours = rest.asset_pairs({"XBTUSDT": Instrument("BTC/USDT", "kraken", 1, 8)})["XBTUSDT"]
    for name in ("altname", "wsname", "base", "quote", "pair_decimals", "lot_decimals", "lot_multiplier", "tick_size"):
        assert ours[name] == real[name]
    assert set(real) - set(ours) <= {"long_position_limit", "short_position_limit", "execution_venue"}


def test_depth_over_rest_looks_like_a_recorded_answer() -> None:
    """Breaks the fallback book: 5 and 3 decimals as text, whole seconds as a number."""
    recorded_row = json.loads(shared("captures/kraken_rest_depth_xbtusdt_20251111.json").read_text())["result"][
        "XBTUSDT"
    ]
    inst = Instrument("BTC/USDT", "kraken", 1, 8)
    price, quantity, second = recorded_row["asks"][0]
    px, qty = inst.ticks(Decimal(price)), inst.lots(Decimal(quantity))
    assert rest.depth(inst, [], [(px, qty, 1)], second * 10**9) == {"asks": [[price, quantity, second]], "bids": []}
