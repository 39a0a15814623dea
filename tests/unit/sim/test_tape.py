"""The tape and its bars: every length says what its own trades say."""

from __future__ import annotations

import numpy as np
import pytest

from desk.messages import Side
from desk.sim.fundamental import MINUTE
from desk.sim.matching import Printed
from desk.sim.tape import KEPT, Bar, Tape

BORN = 29_000_003  # not at the beginning of a longer bucket


def trade(number: int, at: float, px: int, qty: int = 1) -> Printed:
    """`at` in minutes after BORN."""
    return Printed("A/B", Side.BUY, "o", px, qty, int((BORN + at) * MINUTE), number, "limit")


def test_bars_of_every_length_are_those_of_the_trades_themselves() -> None:
    """Bars made from bars must not differ from bars made from trades, whenever they were looked at."""
    dice = np.random.default_rng(1)
    tape, trades = Tape(BORN, 500), []
    at = 0.0
    for number in range(1, 1200):
        at += float(dice.exponential(0.4))
        trades.append(trade(number, at, int(500 + dice.integers(-9, 10)), int(dice.integers(1, 50))))
        tape.add(trades[-1])
        if dice.random() < 0.02:
            tape.rows(int(dice.choice([5, 15, 60])))  # looking in between must change nothing
    for interval in (1, 5, 15, 60, 240):
        for row in tape.rows(interval):
            inside = [t for t in trades if row.begin <= t.ts // MINUTE < row.begin + interval]
            assert row.begin % interval == 0
            assert (row.count, row.volume) == (len(inside), sum(t.qty for t in inside))
            if inside:
                px = [t.px for t in inside]
                assert (row.open, row.high, row.low, row.close) == (px[0], max(px), min(px), px[-1])
                assert row.vwap == sum(t.px * t.qty for t in inside) // row.volume
        begins = [row.begin for row in tape.rows(interval)]
        assert begins == list(range(begins[0], begins[-1] + 1, interval))


def test_a_minute_without_a_trade_is_flat_at_the_close_before_it() -> None:
    """As Kraken's REST candles: volume 0, count 0, vwap 0; even before the first trade."""
    tape = Tape(BORN, 500)
    tape.add(trade(1, 1.5, 510))
    tape.roll(BORN + 3)
    assert [(b.open, b.high, b.low, b.close, b.volume, b.count, b.vwap) for b in tape.rows(1)] == [
        (500, 500, 500, 500, 0, 0, 0),
        (510, 510, 510, 510, 1, 1, 510),
        (510, 510, 510, 510, 0, 0, 0),
        (510, 510, 510, 510, 0, 0, 0),
    ]
    assert [(b.open, b.high, b.close) for b in tape.rows(15)] == [(510, 510, 510)]


def test_recent_trades_are_found_by_id_by_time_and_by_number() -> None:
    """A REST client pages with these."""
    tape = Tape(BORN, 500)
    for number in range(1, KEPT + 101):
        tape.add(trade(number, number / 1000, 500))
    assert [t.trade_id for t in tape.recent(count=2)] == [KEPT + 99, KEPT + 100]
    assert [t.trade_id for t in tape.recent(since_id=KEPT + 98)] == [KEPT + 99, KEPT + 100]
    third_last = tape.recent(count=3)[0]
    assert [t.trade_id for t in tape.recent(since_ns=third_last.ts)] == [KEPT + 99, KEPT + 100]
    assert len(tape.recent()) == KEPT
    assert tape.recent(count=0) == []


def test_a_leap_takes_whole_minutes_and_only_the_next_ones() -> None:
    """Bars out of place would shift every longer bar after them."""
    tape = Tape(BORN, 500)
    tape.roll(BORN)
    tape.leap([Bar(BORN + 1, 500, 520, 490, 515, 7, 3, 3600.0)])
    tape.roll(BORN + 2)
    assert [b.close for b in tape.rows(1)] == [500, 515, 515]
    with pytest.raises(ValueError, match="does not continue"):
        tape.leap([Bar(BORN + 9, 1, 1, 1, 1, 1, 1, 1.0)])
