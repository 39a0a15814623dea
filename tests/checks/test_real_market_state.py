"""Market state built from real recordings equals what the exchanges themselves published."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from itertools import pairwise

import duckdb
import numpy as np
import pytest
from recorded_run import run_recording
from shared import shared

from desk.config import Risk
from desk.engine import Engine
from desk.events import Frame
from desk.instrument import Instrument
from desk.io.frames import read_frames
from desk.market.bars import MINUTE, MinuteBars
from desk.market.clock import VenueClock
from desk.market.flow import WINDOWS
from desk.market.l2 import L2Book
from desk.market.tape import TradeTape
from desk.market.touches import Touches
from desk.messages import BookUpdate, Candle, LinkSpec, Side, Subscription, Trade, Trades
from desk.portfolio.portfolio import Portfolio
from desk.risk.account import Account
from desk.risk.rules import limits
from desk.signals.watch import Watch
from desk.strategies.base import Strategy
from desk.wire.kraken import KrakenCodec
from hft_signals import OrderBookAnalyzer

SECOND = 1_000_000_000
KRAKEN = Instrument("BTC/USDT", "kraken", px_decimals=1, qty_decimals=8)
BINANCE = Instrument("XRP/ETH", "binance", px_decimals=8, qty_decimals=8)


def rows(path, columns, order=""):
    return duckdb.sql(f"SELECT {columns} FROM '{shared(path)}' {order}").fetchall()


def trades(path, inst, ts):
    """The file's prints, numbers read through their shortest decimal text: exact."""
    return [
        Trade(
            inst.key,
            inst.ticks(repr(price)),
            inst.lots(repr(qty)),
            Side.BUY if side == "buy" else Side.SELL,
            number,
            time,
        )
        for time, price, qty, side, number in rows(path, f"{ts}, price, qty, side, trade_id", "ORDER BY trade_id")
    ]


def candles(prints, inst):
    """Closed minutes with trades, by begin; the last is closed by the clock."""
    bars, closed = MinuteBars(inst.key), []
    for each in prints:
        closed += bars.trade(each)
    closed += bars.clock(prints[-1].ts_exch + 2 * MINUTE)
    assert bars.late == 0
    return {bar.begin: bar for bar in closed if bar.count}


def test_bars_from_krakens_trades_are_krakens_own_bars():
    """139 of 139 whole minutes in open, high, low, close, volume, count, and the VWAP when cut to its decimals.

    The recording begins inside a 140th minute, which is left out. Venue and tape agree digit by digit.
    """
    prints = trades("market/ticks/kraken_xbtusdt_trades_20251110_a.parquet", KRAKEN, "ts_ns")
    ours, tape, vwap = candles(prints, KRAKEN), TradeTape(KRAKEN.key, session=MINUTE), {}
    for each in prints:
        assert tape.apply(each)
        vwap[tape.begin] = tape.vwap_cut
    partial = min(ours)
    theirs = {}
    path = "market/reference/kraken_xbtusdt_1m_ohlc_20251110_a.parquet"
    for ts, open_, high, low, close, mean, volume, count in rows(
        path, "ts, open, high, low, close, vwap, volume, count"
    ):
        if count and ts * 1_000_000 > partial:
            prices = (KRAKEN.ticks(repr(px)) for px in (open_, high, low, close))
            begin = ts * 1_000_000
            cut = KRAKEN.ticks(repr(mean))
            theirs[begin] = (Candle(KRAKEN.key, begin, MINUTE, *prices, KRAKEN.lots(repr(volume)), count, cut), cut)
    assert {begin: (bar, vwap[begin]) for begin, bar in ours.items() if begin != partial} == theirs
    assert len(theirs) == 139
    assert (tape.prints, tape.gaps, tape.duplicates) == (488, (), 0)
    assert tape.delta == sum(each.side * each.qty for each in prints)


def test_a_repeated_page_and_a_lost_page_are_seen_on_the_real_tape():
    """The same prints twice change nothing; a page left out is one hole, and its prints, late, fill it."""
    prints = trades("market/ticks/kraken_xbtusdt_trades_20251110_a.parquet", KRAKEN, "ts_ns")
    whole, torn = TradeTape(KRAKEN.key), TradeTape(KRAKEN.key)
    for each in [*prints, *prints[-100:]]:
        whole.apply(each)
    for each in [*prints[:200], *prints[300:]]:
        torn.apply(each)
    assert (whole.prints, whole.duplicates) == (488, 100)
    assert torn.gaps == ((prints[200].trade_id, prints[299].trade_id),)
    for each in prints[200:300]:
        torn.apply(each)
    assert (torn.gaps, torn.delta, torn.vwap_cut) == ((), whole.delta, whole.vwap_cut)
    now = prints[-1].ts_exch
    assert torn.volumes(60 * 10**9, now) == whole.volumes(60 * 10**9, now)


def test_bars_from_binances_trades_are_the_published_bars():
    """1 478 of 1 478 minutes with trades in open, high, low, close and volume."""
    prints = trades("market/ticks/binance_xrpeth_aggtrades_2019-10-11.parquet", BINANCE, "ts * 1000000")
    ours = {
        begin: (bar.open, bar.high, bar.low, bar.close, bar.volume) for begin, bar in candles(prints, BINANCE).items()
    }
    path = "market/reference/binance_xrpeth_1m_from_trades_2019-10-11.parquet"
    theirs = {
        ts * 1_000_000: (*(BINANCE.ticks(repr(px)) for px in prices), BINANCE.lots(repr(volume)))
        for ts, *prices, volume in rows(path, "ts, open, high, low, close, volume")
    }
    assert ours == theirs
    assert len(theirs) == 1478


def test_flow_explains_the_same_moves_and_not_the_next_ones_on_a_real_stock():
    """AAPL, first half hour of 2012-06-21, 14 205 best quotes in event time: ΔP on OFI in bins of 100 and 500 events.

    Measured R² .291 and .284 (whole days of the same file: .46 and .49); against the flow of the bin before, below .01.
    The band is wide enough for another rule at the edges of bins, too narrow for a wrong sign, side or inequality.
    """
    touches = rows("market/reference/lobster_aapl_20120621_book1_0930_1000.parquet", "bid, bid_size, ask, ask_size")
    made, e = Touches(), []
    for at, touch in enumerate(touches, start=1):
        made.apply(at, *touch)
        e.append(made.flow.sum(1, at))
    by_formula = [
        (b2 >= b) * q2 - (b2 <= b) * q - (a2 <= a) * r2 + (a2 >= a) * r
        for (b, q, a, r), (b2, q2, a2, r2) in pairwise(touches)
    ]
    assert e == [0, *by_formula]
    mid = np.array([(bid + ask) / 2 for bid, _, ask, _ in touches])
    for size, r_squared in ((100, 0.291), (500, 0.284)):
        bins = len(by_formula) // size
        ofi = np.array(by_formula[: bins * size], dtype=float).reshape(bins, size).sum(axis=1)
        move = np.diff(mid[: bins * size + 1 : size])
        assert np.corrcoef(ofi, move)[0, 1] ** 2 == pytest.approx(r_squared, abs=0.05)
        assert np.polyfit(ofi, move, 1)[0] > 0
        assert np.corrcoef(ofi[:-1], move[1:])[0, 1] ** 2 < 0.01


def decoded(path, kind):
    codec = KrakenCodec()
    for frame in read_frames(path):
        if frame.direction == "<":
            yield from ((frame.ts, each) for each in codec.decode(frame.data) if isinstance(each, kind))


def test_the_desk_keeps_flow_and_spread_of_its_proven_book(tmp_path):
    """A recorded ETH/USD session through the whole desk: its rolling flow and spread equal a plain book's, batch.

    What is compared is the desk's own wiring: one update missed, doubled or taken from another book would differ.
    """
    path = shared("captures/kraken_v2_book_ethusd_d25_20260802.frames.gz")
    market = run_recording(path, tmp_path / "s").engine.watch.markets["ETH/USD@kraken"]
    book, touches = L2Book(depth=25), []
    for ts, update in decoded(path, BookUpdate):
        book.apply(update)
        touches.append((ts, *book.bids.best(1)[0], *book.asks.best(1)[0]))
    now = touches[-1][0]
    events = [
        (at, (b2 >= b) * q2 - (b2 <= b) * q - (a2 <= a) * r2 + (a2 >= a) * r)
        for (_, b, q, a, r), (at, b2, q2, a2, r2) in pairwise(touches)
    ]
    sums = [sum(e for at, e in events if at > now - window) for window in WINDOWS]
    assert [market.flow.sum(window, now) for window in WINDOWS] == sums
    assert any(sums)
    stood = sum((ask - bid) * (until - at) for (at, bid, _, ask, _), (until, *_) in pairwise(touches))
    assert market.spread.mean(now) == pytest.approx(stood / (now - touches[0][0]))  # 39 s: less than the window
    assert market.spread.max(now) == max(ask - bid for _, bid, _, ask, _ in touches)


class Levels(Strategy):
    """Asks for level flow and for nothing else, and reads it after each change of the book."""

    def __init__(self):
        self.read = []

    def wants_levels(self, inst):
        return True

    def on_book(self, inst, view):
        seen = view.reading(inst)
        self.read.append((view.now, seen.level_flow, seen.touch_flow(WINDOWS[2])))
        return ()


def test_a_strategy_that_asks_for_level_flow_reads_the_formula_over_the_real_book():
    """Every 50th of the recording's updates, against the sum over a plain book's history; level 1 is the touch."""
    path = shared("captures/kraken_v2_book_ethusd_d25_20260802.frames.gz")
    codec, strategy = KrakenCodec(), Levels()
    links = (LinkSpec("recording", (Subscription("book", "ETH/USD", 25),)),)
    watch = Watch("kraken", links, codec, OrderBookAnalyzer().score, {"*": 0.5})
    portfolio = Portfolio(Decimal(1), watch.instruments)
    engine = Engine(watch, [strategy], portfolio, Account(watch.instruments), limits(Risk()), SECOND)
    for frame in read_frames(path):
        if frame.direction == "<":
            engine.step(Frame(frame.ts, 0, frame.data))
    book, history = L2Book(depth=25), []
    for ts, update in decoded(path, BookUpdate):
        book.apply(update)
        history.append((ts, book.bids.best(5), book.asks.best(5)))
    assert [ts for ts, _, _ in history] == [ts for ts, _, _ in strategy.read]
    for last in range(50, len(history), 50):
        now, levels, touch = strategy.read[last]
        inside = [at for at in range(last + 1) if history[at][0] > now - WINDOWS[2]]
        depth = sum(level[1] for at in inside for side in history[at][1:] for level in side) / (10 * len(inside))
        sums = [sum(_flow(history[at - 1], history[at], m) for at in inside if at) for m in range(5)]
        assert levels == pytest.approx([each / depth for each in sums], rel=1e-12)
        assert touch == sums[0]


def _flow(before, after, m):
    """Cont, Kukanov, Stoikov's e at level m, as the paper writes it."""
    (b, q, *_), (a, r, *_) = before[1][m], before[2][m]
    (b2, q2, *_), (a2, r2, *_) = after[1][m], after[2][m]
    return (b2 >= b) * q2 - (b2 <= b) * q - (a2 <= a) * r2 + (a2 >= a) * r


def test_the_desk_keeps_the_tape_of_its_trades(tmp_path):
    """500 real prints through the whole desk: the tape holds each once, and its delta and VWAP are theirs."""
    path = shared("captures/kraken_trades_btcusdt_20251110a.frames.gz")
    tape = run_recording(path, tmp_path / "s").engine.watch.markets["BTC/USDT@kraken"].tape
    prints = {each.trade_id: each for _, message in decoded(path, Trades) for each in message.trades}
    assert (tape.prints, tape.gaps) == (len(prints), ())
    assert len(prints) == 500
    assert tape.delta == sum(each.side * each.qty for each in prints.values())
    value, volume = sum(each.px * each.qty for each in prints.values()), sum(each.qty for each in prints.values())
    assert (tape.volume, tape.vwap_cut) == (volume, value // volume)


@pytest.mark.parametrize("name", ["cm_ethusd_perp", "spot_btcusdt"])
def test_a_clock_known_to_be_behind_is_found_behind(name):
    """Two recordings of one machine, of two engines of Binance, documented as about 1.27 s behind the exchange.

    Five minutes of stamped messages: both say at least 1.27 s, they agree within 10 ms, and no jump is seen.
    """
    clock = VenueClock()
    with gzip.open(shared(f"market/l2/hftbacktest_{name}_20240808.jsonl.gz"), "rt") as lines:
        for line in lines:
            ts, _, body = line.partition(" ")
            if stamp := (json.loads(body).get("data") or {}).get("E"):
                assert not clock.heard(stamp * 1_000_000, int(ts))
    low = clock.offset_ns - clock.uncertainty_ns
    assert low == pytest.approx(1_273_500_000, abs=5_000_000)
    assert abs(clock.drift_ppm) < 20
    assert clock.jumps == 0
