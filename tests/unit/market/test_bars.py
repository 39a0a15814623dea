"""desk/market/bars.py: bars from trades equal the exchange's own, and a closed bar never changes."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from shared import shared

from desk.io.frames import read_frames
from desk.market.bars import MINUTE, MinuteBars
from desk.messages import Candle, Side, Trade, Trades
from desk.wire.kraken import KrakenCodec

INST = "X/Y@v"


def trade(minute, px, qty=1, second=0):
    return Trade(INST, px, qty, Side.BUY, 0, minute * MINUTE + second * 1_000_000_000)


def test_candles_from_real_trades_equal_krakens_own():
    """220 of 220 minutes in open, high, low, close, volume, count and cut VWAP: real trades, the venue's own rows."""
    codec, bars, closed = KrakenCodec(), MinuteBars("BTC/USDT@kraken"), []
    for frame in read_frames(shared("captures/kraken_trades_btcusdt_20251110a.frames.gz")):
        for message in codec.decode(frame.data) if frame.direction == "<" else ():
            for each in message.trades if isinstance(message, Trades) else ():
                closed += bars.trade(each)
    rows = json.loads(shared("captures/kraken_trades_btcusdt_20251110a_ohlc1m_expected.json").read_text())["rows"]
    inst = codec.instruments["BTC/USDT"]
    ours = {c.begin // 1_000_000_000: c for c in [*closed, bars.running]}
    for begin, o, h, low, c, vwap, volume, count in rows:
        bar = ours[begin]
        assert [inst.px_text(px) for px in (bar.open, bar.high, bar.low, bar.close)] == [o, h, low, c]
        assert (inst.qty_text(bar.volume), bar.count, inst.px_text(bar.vwap)) == (volume, count, vwap)
    assert len(rows) == 220


def test_a_late_trade_never_repaints_a_closed_bar():
    """Signals come from closed bars: one that changes afterwards would have lied."""
    bars = MinuteBars(INST)
    bars.trade(trade(1, 10))
    closed = bars.trade(trade(2, 11))
    before = list(bars.closed)
    assert bars.trade(trade(1, 99)) == []
    assert (closed, bars.closed, bars.late) == (before, before, 1)


def test_a_running_bar_is_provisional_and_only_closing_makes_it_final():
    """Who reads `closed` never sees a bar that can still change; each bar is handed out once."""
    bars, handed = MinuteBars(INST), []
    for second, px in enumerate((10, 14, 9, 12)):
        handed += bars.trade(trade(1, px, 2, second))
        assert (bars.closed, bars.running.close) == ([], px)
    handed += bars.clock(2 * MINUTE + 2_000_000_000)
    assert handed == bars.closed == [Candle(INST, MINUTE, MINUTE, 10, 14, 9, 12, 8, 4, 45 // 4)]
    assert bars.clock(2 * MINUTE + 3_000_000_000) == []


def test_a_bar_that_the_venue_began_has_no_vwap_of_ours():
    """Its first trades were never seen: a number from the rest would be wrong."""
    bars = MinuteBars(INST)
    bars.seed((Candle(INST, 0, MINUTE, 5, 5, 5, 5, 1, 1), Candle(INST, MINUTE, MINUTE, 5, 5, 5, 5, 100, 7)))
    bars.trade(trade(1, 11))
    bars.trade(trade(2, 12))
    bars.trade(trade(2, 13))
    bars.trade(trade(3, 1))
    assert [bar.vwap for bar in bars.closed] == [0, 0, 12]


def test_minutes_without_a_trade_are_flat_at_the_last_close():
    """As Kraken's own candles have them, with volume and count 0."""
    bars = MinuteBars(INST)
    bars.trade(trade(1, 10, 3))
    flat = bars.trade(trade(4, 12))[1:]
    assert flat == [Candle(INST, m * MINUTE, MINUTE, 10, 10, 10, 10, 0, 0) for m in (2, 3)]


def test_the_clock_closes_a_quiet_minute_only_after_its_grace():
    """A print under way when the minute ends still belongs to it."""
    bars = MinuteBars(INST)
    bars.trade(trade(1, 10))
    assert bars.clock(2 * MINUTE + 1_000_000_000) == []
    assert [c.begin for c in bars.clock(2 * MINUTE + 1_600_000_000)] == [MINUTE]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=40))
def test_bars_keep_their_own_invariants(prints):
    """High and low bracket open and close, times rise by one minute, volume is the sum of its trades."""
    bars = MinuteBars(INST)
    for minute, px, qty in sorted(prints, key=lambda p: p[0]):
        bars.trade(trade(minute, px, qty))
    every = [*bars.closed, bars.running]
    assert all(c.low <= min(c.open, c.close) <= max(c.open, c.close) <= c.high for c in every)
    assert all(c.low <= c.vwap <= c.high for c in every if c.count)
    assert all(b.begin - a.begin == MINUTE for a, b in pairwise(every))
    assert sum(c.volume for c in every) == sum(qty for _, _, qty in prints)
