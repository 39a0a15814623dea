"""The invented past: exact sums, one path for all symbols, and nothing that depends on who asks when."""

from __future__ import annotations

import numpy as np
import pytest

from desk.messages import Candle
from desk.sim.fundamental import MINUTE
from desk.sim.history import DAYS, History
from desk.sim.listing import ALL, LISTINGS
from desk.sim.tape import INTERVALS

START = 1_763_000_123_456_000_000
DAY = 1440 * MINUTE


@pytest.fixture(scope="module")
def past() -> History:
    return History(7, START)


def added_up(candles: list[Candle], begin: int, interval: int) -> Candle:
    """The bar of these minutes, by hand."""
    inside = [c for c in candles if begin <= c.begin < begin + interval]
    return Candle(
        inside[0].inst,
        begin,
        interval,
        inside[0].open,
        max(c.high for c in inside),
        min(c.low for c in inside),
        inside[-1].close,
        sum(c.volume for c in inside),
        sum(c.count for c in inside),
    )


@pytest.mark.parametrize("interval", [5, 15, 30, 60, 240, 1440, 10080])
def test_every_longer_candle_is_the_exact_sum_of_its_minutes(past: History, interval: int) -> None:
    """A trader who adds up the minutes must find the venue's own hours, days and weeks."""
    longer = past.candles("ETH/USDT", interval, START)
    for candle in (longer[-1], longer[len(longer) // 2]):
        end = candle.begin + candle.interval
        minutes = past.candles("ETH/USDT", 1, end, count=interval)
        assert len(minutes) == interval
        assert candle == added_up(minutes, candle.begin, candle.interval)


@pytest.mark.parametrize("interval", INTERVALS)
def test_candles_are_aligned_closed_contiguous_and_possible(past: History, interval: int) -> None:
    """A gap, an open bar among the closed, or a close above the high breaks every indicator after it."""
    candles = past.candles("BTC/USD", interval, START)
    length = interval * MINUTE
    assert len(candles) == {1440: 400, 10080: 57, 21600: 26}.get(interval, 720)
    assert [c.begin for c in candles] == [candles[0].begin + k * length for k in range(len(candles))]
    assert candles[0].begin % length == 0
    assert START - length < candles[-1].begin + length <= START
    for c in candles:
        assert (c.inst, c.interval) == ("BTC/USD@embedded", length)
        assert 0 < c.low <= min(c.open, c.close) <= max(c.open, c.close) <= c.high
        assert c.volume >= c.count * LISTINGS["BTC/USD"].inst.qty_min > 0


def test_the_past_ends_at_the_start_and_reaches_back_400_days(past: History) -> None:
    """Asking beyond either end must not invent bars."""
    assert past.candles("BTC/USD", 1, START + DAY) == past.candles("BTC/USD", 1, START)
    first = past.candles("BTC/USD", 1440, START)[0].begin
    assert first == (START // DAY - DAYS) * DAY
    assert past.candles("BTC/USD", 60, first + 3 * 3600 * 10**9, count=720)[0].begin == first
    assert past.candles("BTC/USD", 60, first) == []
    assert past.candles("BTC/USD", 60, START, count=0) == []


def test_the_same_seed_and_minute_make_the_same_past_in_any_order_of_questions() -> None:
    """Reports and tests are reproducible only if the past is."""
    one, two = History(7, START), History(7, START + 20 * 10**9)
    one.candles("BTC/USDT", 1440, START)
    for interval in (240, 1):
        assert one.candles("XRP/BTC", interval, START) == two.candles("XRP/BTC", interval, START)
    assert one.candles("XRP/BTC", 1, START) != History(8, START).candles("XRP/BTC", 1, START)


def test_tomorrow_shows_the_same_yesterday(past: History) -> None:
    """A report grades the plan of the day before: the day must still be the one that was planned for."""
    tomorrow = History(7, START + DAY)
    until = START - 3 * 3600 * 10**9
    assert tomorrow.candles("BTC/USDT", 15, until) == past.candles("BTC/USDT", 15, until)


def test_cross_rates_hang_together_within_a_few_bps(past: History) -> None:
    """Triangular and cross-pair strategies would otherwise find money that the simulation lost."""
    close = {
        s: np.array([c.close / 10 ** LISTINGS[s].inst.px_decimals for c in past.candles(s, 15, START)]) for s in ALL
    }
    usdt = close["BTC/USD"] / close["BTC/USDT"]
    assert np.abs(usdt - 1).max() < 30e-4
    for made, direct, tolerance in (
        (close["ETH/USD"] / close["ETH/USDT"], usdt, 4e-4),
        (close["XRP/USD"] / close["XRP/USDT"], usdt, 5e-4),
        (close["ETH/USD"] / close["BTC/USD"], close["ETH/BTC"], 6e-4),  # one tick of ETH/BTC is 3.4 bps
        (close["XRP/USD"] / close["BTC/USD"], close["XRP/BTC"], 12e-4),  # one of XRP/BTC 6 bps
    ):
        assert np.abs(made / direct - 1).max() < tolerance


def test_fundamentals_continue_where_the_past_ends(past: History) -> None:
    """The live market starts at these levels: a jump at the seam would be the first thing on every chart."""
    btc, eth, usdt = (past.fundamental(asset) for asset in ("BTC", "ETH", "USDT"))
    last = {s: past.candles(s, 1, START)[-1].close for s in ("BTC/USD", "ETH/BTC", "BTC/USDT")}
    assert last["BTC/USD"] / 10 == pytest.approx(btc, rel=1e-4)
    assert last["BTC/USDT"] / 10 == pytest.approx(btc / usdt, rel=1e-4)
    assert last["ETH/BTC"] / 1e5 == pytest.approx(eth / btc, rel=4e-4)
    assert past.fundamental("USD") == 1.0


def test_volume_follows_the_hour_of_the_day(past: History) -> None:
    """The report's volume by hour must have something to show."""
    hours = past.candles("BTC/USDT", 60, START)
    by_hour = np.zeros(24)
    for c in hours:
        by_hour[c.begin // (60 * MINUTE) % 24] += c.volume
    assert by_hour[14] > 1.5 * by_hour[4]


def test_an_unknown_symbol_or_interval_is_refused(past: History) -> None:
    """The server turns these into the venue's own error texts."""
    with pytest.raises(KeyError):
        past.candles("FOO/BAR", 1, START)
    with pytest.raises(ValueError, match="interval 7 min is not one of 1, 5"):
        past.candles("BTC/USD", 7, START)


def test_what_is_kept_stays_small(past: History) -> None:
    """Eight symbols of a year and more must fit beside everything else: 30 MB a symbol at most."""
    for interval in INTERVALS:
        past.candles("BTC/USDT", interval, START)
    kept = [*past._minutes["BTC/USDT"].values(), *past._hours["BTC/USDT"].values()]
    assert sum(part.ints.nbytes + part.turnover.nbytes for part in kept) < 3_000_000
