"""desk/wire/ccxt_frames.py: what a ccxt client holds survives the way through our own frames, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.errors import DecodeError
from desk.messages import BookUpdate, Instruments, Side, Trades
from desk.wire.ccxt_frames import CcxtCodec, book_frame, number_text, trades_frame
from desk.wire.venues import LEAST, wire_of


def codec():
    return CcxtCodec("ccxt-okx", LEAST)


def test_a_book_is_a_whole_one_and_an_empty_level_is_none():
    """Some exchanges leave levels of quantity 0 in what ccxt hands out."""
    frame = book_frame("BTC/USD", 7, [[64_525.1, 0.5], [64_525.0, 0.0, 3]], [[64_526.0, 5.1e-05]])
    described, update = codec().decode(frame)
    assert isinstance(described, Instruments)
    assert update == BookUpdate(
        "BTC/USD@ccxt-okx",
        bids=((6_452_510_000_000, 50_000_000),),
        asks=((6_452_600_000_000, 5_100),),
        snapshot=True,
        ts_exch=7_000_000,
    )


def test_trades_carry_their_aggressor_and_no_number():
    """Ids of a hundred exchanges rise in a hundred ways: 0 says unknown."""
    frame = trades_frame("BTC/USD", [("sell", 64_525.1, 0.5, 9)], first=True)
    _, trades = codec().decode(frame)
    assert isinstance(trades, Trades)
    (trade,) = trades.trades
    assert (trade.side, trade.px, trade.qty, trade.trade_id, trade.ts_exch, trades.snapshot) == (
        Side.SELL,
        6_452_510_000_000,
        50_000_000,
        0,
        9_000_000,
        True,
    )


@given(st.floats(min_value=1e-6, max_value=1e6))
def test_a_number_s_text_is_the_number_to_ten_decimals(value):
    assert abs(float(number_text(value)) - value) <= 0.6e-10 + abs(value) * 1e-15
    assert "e" not in number_text(value)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b'{"ccxt":"x","symbol":"A/B"}',
        b'{"ccxt":"book","symbol":"A/B"}',
        b'{"ccxt":"book","symbol":"A/B","bids":[["0","1"]],"asks":[]}',
        b'{"ccxt":"book","symbol":"A/B","bids":[["nan","1"]],"asks":[]}',
        b'{"ccxt":"trades","symbol":"A/B","trades":[["both","1","1",1]]}',
    ],
)
def test_anything_else_is_refused_with_its_reason(raw):
    with pytest.raises(DecodeError):
        codec().decode(raw)


def test_every_venue_has_one_entry_that_says_what_proves_it():
    proofs = {name: wire_of(name).codec(()).proof for name in ("kraken", "embedded", "binance", "coinbase", "ccxt-okx")}
    assert proofs == {
        "kraken": "checksum",
        "embedded": "checksum",
        "binance": "updates",
        "coinbase": "frames",
        "ccxt-okx": "",
    }
