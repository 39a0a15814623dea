"""desk/analysis: trends, technicals, levels, the combination, costs and the drawing's geometry."""

from __future__ import annotations

import itertools
import math

import duckdb
import numpy as np
import pytest
from candles import START, flat, frames_of, walk
from hypothesis import given
from hypothesis import strategies as st
from shared import shared

from desk.analysis import combine, cost
from desk.analysis.candidates import candidates, prior_day, prior_period, round_numbers, swings, week_start
from desk.analysis.chart import chart, rounded, spread_out, waterfall
from desk.analysis.levels import levels
from desk.analysis.shape import DAY, FRAMES, Frame, HftAverage, Level, Timeframe, Weights
from desk.analysis.technical import momentum_rank, squeeze, technical, technical_score
from desk.analysis.timeframes import timeframe, timeframes, trend_score
from ultimate_crypto_analyzer import bars

HALF_HOUR = 30 * 60_000_000_000


def of(high: list[float], low: list[float], interval: str = "4h") -> Frame:
    """Candles from highs and lows, closing in the middle."""
    h, lo = np.array(high), np.array(low)
    middle = (h + lo) / 2
    ts = START + np.arange(len(h), dtype=np.int64) * FRAMES[interval]
    return Frame(ts, middle, h, lo, middle, np.ones(len(h)), FRAMES[interval], np.zeros(len(h), bool))


# --- timeframes


def test_the_trend_equals_its_formula_in_plain_python() -> None:
    """signals.md 6.5: T = 100·tanh((EMA12 − EMA26)/ATR14/2), computed here without the kernels."""
    f = walk(300, "1h", seed=3)
    c, h, lo = list(f.close), list(f.high), list(f.low)

    def ema(n: int) -> float:
        value = sum(c[:n]) / n
        for x in c[n:]:
            value += 2 / (n + 1) * (x - value)
        return value

    ranges = [max(h[i], c[i - 1]) - min(lo[i], c[i - 1]) for i in range(1, len(c))]
    atr = sum(ranges[:14]) / 14
    for r in ranges[14:]:
        atr = (atr * 13 + r) / 14
    row = timeframe("1h", f)
    assert row.trend == pytest.approx(100 * math.tanh((ema(12) - ema(26)) / atr / 2), rel=1e-9)
    assert row.atr == pytest.approx(atr)
    assert row.momentum_atr == pytest.approx((c[-1] - c[-11]) / atr)


def test_trends_point_where_the_price_went() -> None:
    """A sign error would make every bias the opposite of the market."""
    up, down = timeframe("1h", walk(300, "1h", drift=0.3)), timeframe("1h", walk(300, "1h", drift=-0.3))
    assert up.trend is not None
    assert up.trend > 20
    assert "up" in up.word
    assert down.trend is not None
    assert down.trend < -20
    assert "down" in down.word


def test_short_and_flat_frames_give_a_reason_instead_of_a_number() -> None:
    """0 would read as 'no trend'; nothing is known."""
    assert timeframe("1h", walk(59, "1h")).why == "59 closed candles, needs 60"
    assert timeframe("1h", None).why == "no candles"
    still = timeframe("1h", flat(300, "1h"))
    assert still.trend is None
    assert still.why == "the price has not moved"


def test_the_mtf_term_is_the_weighted_mean_and_needs_half_the_weight() -> None:
    """With 15m and 1h alone (0.40 of 1.00) the term must be absent."""
    rows = timeframes(frames_of(walk(90 * 288)))
    score, agreement, lost = trend_score(rows)
    t = {r.name: r.trend for r in rows}
    want = 0.15 * t["15m"] + 0.25 * t["1h"] + 0.3 * t["4h"] + 0.3 * t["1d"]  # type: ignore[operator]
    assert score == pytest.approx(want)
    assert agreement == pytest.approx(
        abs(sum(w * np.sign(t[k]) for k, w in (("15m", 0.15), ("1h", 0.25), ("4h", 0.3), ("1d", 0.3))))
    )
    assert lost == ""
    few = tuple(r for r in rows if r.name in ("15m", "1h"))
    assert trend_score(few)[0] is None
    most = tuple(r if r.name != "1d" else timeframe("1d", None) for r in rows)
    score, _, lost = trend_score(most)
    assert score is not None
    assert lost == "without 1d (no candles)"


# --- technicals


def test_rsi_and_percent_b_equal_the_skender_reference() -> None:
    """RSI 14 (Wilder) and Bollinger 20/2 with population sigma, last of 502 daily bars."""
    q = duckdb.sql(f"SELECT * FROM '{shared('market/reference/skender/quotes_default.csv')}'").df()
    ts = START + np.arange(len(q), dtype=np.int64) * DAY
    f = Frame(
        ts, *(q[c].to_numpy(float) for c in ("open", "high", "low", "close", "volume")), DAY, np.zeros(len(q), bool)
    )
    t = technical(f, "1d")
    assert t is not None
    rsi = duckdb.sql(f"SELECT * FROM '{shared('market/reference/skender/rsi.parquet')}'").df()
    bands = duckdb.sql(f"SELECT * FROM '{shared('market/reference/skender/bb.parquet')}'").df()
    assert t.rsi == pytest.approx(float(rsi["rsi"].iloc[-1]), abs=1e-6)
    upper, lower = float(bands["upperBand"].iloc[-1]), float(bands["lowerBand"].iloc[-1])
    assert t.percent_b == pytest.approx((float(f.close[-1]) - lower) / (upper - lower), abs=1e-6)
    adx = duckdb.sql(f"SELECT * FROM '{shared('market/reference/skender/adx.parquet')}'").df()
    assert t.adx == pytest.approx(float(adx["adx"].iloc[-1]), abs=1e-4)
    mfi = duckdb.sql(f"SELECT * FROM '{shared('market/reference/skender/mfi.parquet')}'").df()
    assert t.mfi == pytest.approx(float(mfi["mfi"].iloc[-1]), abs=1e-6)


def test_squeeze_momentum_is_the_end_of_a_fitted_line() -> None:
    """Against numpy's own least squares, and a squeeze that is on in calm and fires with the first wide bar."""
    f = walk(200, "4h", seed=5)
    _, momentum = squeeze(f)
    n = 20
    delta = [
        f.close[i]
        - ((f.high[i - 19 : i + 1].max() + f.low[i - 19 : i + 1].min()) / 2 + f.close[i - 19 : i + 1].mean()) / 2
        for i in range(n - 1, 200)
    ]
    slope, level = np.polyfit(np.arange(n), delta[-n:], 1)
    assert momentum[-1] == pytest.approx(level + slope * (n - 1))
    calm = [100.0 + 0.01 * (i % 2) for i in range(60)]
    quiet = of([c + 0.5 for c in calm], [c - 0.5 for c in calm])
    assert squeeze(quiet)[0] == "on"
    burst = of([*(c + 0.5 for c in calm), 110.0], [*(c - 0.5 for c in calm), 107.0])
    assert squeeze(burst)[0] == "fired"


def test_a_price_that_never_moves_has_no_technical_term() -> None:
    """0/0 in RSI and %B must become a reason."""
    t = technical(flat(100, "4h"), "4h")
    assert t is not None
    assert (t.rsi, t.percent_b, t.parts, technical_score(t)) == (None, None, {}, None)
    assert len(t.why) == 3
    assert technical(walk(59, "4h"), "4h") is None
    assert momentum_rank(np.zeros(5)) is None


@given(st.integers(0, 10_000))
def test_technical_parts_stay_in_range(seed: int) -> None:
    """A part beyond ±100 would carry more than its weight."""
    t = technical(walk(120, "4h", seed=seed), "4h")
    assert t is not None
    assert all(-100 <= v <= 100 for v in t.parts.values())


# --- levels


def test_prior_day_and_week_are_whole_and_before_now() -> None:
    """A level from today's running candle moves under the reader."""
    daily = frames_of(walk(24 * 30, "1h"))["1d"]
    now = START + 17 * DAY + 9 * 3_600_000_000_000  # a Thursday morning
    known = daily.upto(now)
    assert prior_day(known, now) == [
        (float(daily.high[16]), "prior day high"),
        (float(daily.low[16]), "prior day low"),
    ]
    monday = week_start(now)
    assert monday == START + 14 * DAY
    assert prior_period(known, monday - 7 * DAY, monday, "prior week") == [
        (float(daily.high[7:14].max()), "prior week high"),
        (float(daily.low[7:14].min()), "prior week low"),
    ]
    assert prior_day(known, now + 2 * DAY) == []
    assert prior_period(daily.upto(now, 5), monday - 7 * DAY, monday, "prior week") == []


def test_a_swing_needs_three_closed_bars_and_dies_when_broken() -> None:
    """A swing declared earlier would repaint; one already passed is no level any more."""
    high = [10.0, 11, 12, 15, 12, 11, 10]
    low = [h - 2 for h in high]
    assert swings(of(high, low), 9.0) == [(15.0, "swing high")]
    assert swings(of(high[:-1], low[:-1]), 9.0) == []
    assert swings(of([*high, 16.0], [*low, 9.0]), 9.0) == []
    mirrored = of([-x + 30 for x in low], [-x + 30 for x in high])
    assert swings(mirrored, 21.0) == [(15.0, "swing low")]


def test_at_most_twelve_levels_nearest_first() -> None:
    """The reader's table is bounded, and distance decides."""
    frames = frames_of(walk(40 * 288))
    now = frames["5m"].end
    last = float(frames["5m"].close[-1])
    got = levels(last, 1.0, candidates(frames, None, last, now))
    assert 1 <= len(got) <= 12
    away = [abs(g.distance_pct) for g in got]
    assert away == sorted(away)
    bare = levels(102.0, None, round_numbers(102.0))
    assert [(g.price, g.kind, g.distance_atr) for g in bare] == [(100.0, "round", None), (150.0, "round", None)]


# --- the combination


@given(st.lists(st.one_of(st.none(), st.floats(-100, 100)), min_size=4, max_size=4))
def test_contributions_add_up_exactly_and_coverage_decides(values: list[float | None]) -> None:
    """A waterfall whose steps do not reach the score is a lie, however small."""
    terms = combine.combine(*((v, "") for v in values), Weights())
    total = combine.score(terms)
    weights = dict(zip((40, 35, 20, 5), values, strict=True))
    covered = sum(w for w, v in weights.items() if v is not None) / 100
    assert combine.coverage(terms) == pytest.approx(covered)
    if covered < 0.75:
        assert total is None
        assert combine.label(total) == "INSUFFICIENT DATA"
    else:
        assert total == sum(t.contribution for t in terms if t.contribution is not None)
        want = sum(w * v for w, v in weights.items() if v is not None) / (covered * 100)
        assert total == pytest.approx(want, abs=1e-9)
        assert abs(total) <= 100 + 1e-9


def test_exactly_75_percent_is_enough() -> None:
    """40 + 35 points are three quarters; a float comparison must not lose them."""
    terms = combine.combine((10.0, ""), (10.0, ""), (None, ""), (None, ""), Weights())
    assert combine.coverage(terms) == 0.75
    assert combine.score(terms) == pytest.approx(10.0)


def test_the_order_book_term_is_an_average_and_must_be_fresh() -> None:
    """An old or future average says nothing about now."""
    average = HftAverage("BTC/USDT", 40.0, 10**18 - 900 * 10**9, 10**18, 900, "L3")
    assert combine.hft_part(average, 10**18) == (40.0, "average of 900 scores over 15.0 min, tier L3")
    assert combine.hft_part(average, 10**18 + HALF_HOUR) == (None, "the order-book average ended 30 min ago")
    assert combine.hft_part(average, 10**18 - 1)[0] is None
    assert combine.hft_part(None, 0)[0] is None


# --- costs


def test_break_even_rates_equal_the_published_table() -> None:
    """signals.md 8: W = 0.20 %, L = 0.10 %; costs in per cent and win rates per tier."""
    table = [(0.804, 301), (0.652, 251), (0.500, 200), (0.484, 195), (0.160, 87), (0.102, 67), (0.0, 33)]
    for percent, rate in table:
        assert round(100 * cost.break_even(0.20, 0.10, percent * 100)) == rate
    smallest = [round(r.target_pct, 2) for r in cost.routes(25.0, 40.0)]
    assert smallest == [2.46, 2.0, 1.54]  # the table's 2.47 and 2.01 hold 0.4 and 0.2 bps of spread besides


def test_sizes_follow_from_risk_and_stop_and_are_capped() -> None:
    """0.5 % of 10 000 with a stop of 1.5 × 100 at 10 000 is 50 / 1.5 % = 3 333, cut to the limit of 2 000."""
    row = Timeframe("4h", 0.3, 0.0, "flat", 0.0, 100.0, 1.0, 50.0, "")
    (got,) = cost.stop_rows((row,), 10_000.0, cost.routes(0, 0), 10_000.0, 20.0)
    assert got.sizes == pytest.approx((666.67, 1666.67, 2000.0), abs=0.01)
    assert got.capped == (False, False, True)
    assert got.break_even == pytest.approx((1 / 3,) * 3)
    assert (got.swing_sizes, got.swing_capped) == ((2000.0,) * 3, (True,) * 3)
    (free,) = cost.stop_rows((row,), 10_000.0, cost.routes(0, 0), 10_000.0, 1000.0)
    assert free.swing_sizes == pytest.approx((13_333.33, 23_333.33, 33_333.33), abs=0.01)  # 2, 3.5 and 5 % of equity


# --- the drawing


@given(st.lists(st.floats(-60, 60), min_size=1, max_size=6))
def test_rounded_parts_add_up_to_the_rounded_sum(parts: list[float]) -> None:
    """Shown numbers that do not add up look like an error, and are one."""
    got = rounded(parts)
    assert sum(round(10 * g) for g in got) == round(math.fsum(parts) * 10)
    assert all(abs(g - p) < 0.1 + 1e-9 for g, p in zip(got, parts, strict=True))


@given(st.lists(st.floats(0, 400), max_size=12).map(sorted))
def test_labels_keep_their_distance_and_their_order(wanted: list[float]) -> None:
    """Two labels on one line cannot be read."""
    got = spread_out(wanted, 14.0, 10.0, 400.0)
    assert all(b - a >= 14.0 - 0.11 for a, b in itertools.pairwise(got))


def test_the_chart_puts_prices_where_they_belong() -> None:
    """High prices at the top, everything inside the drawing."""
    f = walk(180, "4h")
    shown = [Level(float(f.close[-1]) * 1.001, "swing high", 0.1, None, 0), Level(1e9, "far", 1.0, None, 0)]
    c = chart(bars(f), None, shown, float(f.close[-1]), (1010, 520), (60, 190))
    assert c is not None
    assert all(k.top <= k.y <= k.y + k.height <= k.bottom + 1.01 for k in c.candles)
    assert all(c.left <= k.x <= c.right and k.top >= 0 and k.bottom <= 498.1 for k in c.candles)
    assert [m.kind for m in c.marks] == ["swing high"]
    assert c.marks[0].y < c.last_y
    assert chart((), None, (), 1.0, (100, 100), (10, 10)) is None


def test_waterfall_steps_join() -> None:
    """Each step begins where the last one ended; the last ends at the score."""
    terms = combine.combine((-30.0, ""), (50.0, ""), (80.0, ""), (None, ""), Weights())
    steps = waterfall(terms, 0.0, 200.0)
    assert [s.start for s in steps[1:]] == [s.stop for s in steps[:-1]]
    assert steps[-1].stop == combine.score(terms)
    assert len(steps) == 3


def test_rsi_vector() -> None:
    """signals.md 7: 70.4641 66.2496 … 57.9150 for the published closes, through the library call we use."""
    import pandas as pd
    import pandas_ta_classic as ta

    closes = [44.34, 44.09, 44.15, 43.61, 44.33, 44.83, 45.10, 45.42, 45.84, 46.08]
    closes += [45.89, 46.03, 45.61, 46.28, 46.28, 46.00, 46.03, 46.41, 46.22, 45.64]
    got = ta.rsi(pd.Series(closes), length=14, talib=False).dropna()
    assert list(got) == pytest.approx([70.4641, 66.2496, 66.4809, 69.3469, 66.2947, 57.9150], abs=1e-4)
