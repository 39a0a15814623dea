"""desk/kernels: each kernel equals a plain Python twin written from its definition, and public reference values."""

from __future__ import annotations

import math

import duckdb
import numpy as np
import pytest
from shared import shared

from desk.kernels import indicators
from desk.kernels.averages import ema, true_range, wilder
from desk.kernels.candles import gather
from desk.kernels.exits import first_exits
from desk.kernels.profile import price_histogram, spread_volume
from desk.kernels.warm import warm


def ema_twin(values: list[float], n: int) -> list[float]:
    out = [sum(values[:n]) / n]
    for x in values[n:]:
        out.append(x * 2 / (n + 1) + out[-1] * (1 - 2 / (n + 1)))
    return out


def wilder_twin(values: list[float], n: int) -> list[float]:
    out = [sum(values[:n]) / n]
    for x in values[n:]:
        out.append((out[-1] * (n - 1) + x) / n)
    return out


def spread_twin(low, high, volume, bottom, width, bins):
    """Overlap of [low, high] with each bin, bin by bin."""
    out = [0.0] * bins
    for lo, hi, v in zip(low, high, volume, strict=True):
        for i in range(bins):
            left, right = bottom + i * width, bottom + (i + 1) * width
            if hi == lo:
                if left <= lo < right or (i == bins - 1 and lo == right):
                    out[i] += v
            else:
                out[i] += v * max(0.0, min(hi, right) - max(lo, left)) / (hi - lo)
    return out


def series(n: int, seed: int) -> np.ndarray:
    return 100 + np.cumsum(np.random.Generator(np.random.PCG64(seed)).normal(0, 1, n))


@pytest.mark.parametrize("n", [1, 2, 12, 26])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_averages_equal_their_twins(n: int, seed: int) -> None:
    """A wrong smoothing constant or seed shifts every trend."""
    values = series(200, seed)
    assert ema(values, n) == pytest.approx(ema_twin(list(values), n), rel=1e-12)
    assert wilder(values, n) == pytest.approx(wilder_twin(list(values), n), rel=1e-12)


def test_fewer_values_than_the_length_give_an_empty_average() -> None:
    """Out-of-bounds reads in machine code return rubbish instead of failing."""
    assert len(ema(series(11, 1), 12)) == len(wilder(series(11, 1), 12)) == 0
    assert len(true_range(*(np.array([1.0]),) * 3)) == 0


def test_ema_and_atr_equal_the_skender_reference() -> None:
    """EMA 20 and ATR 14 of a public library whose authors checked them against spreadsheets."""
    quotes = duckdb.sql(f"SELECT * FROM '{shared('market/reference/skender/quotes_default.csv')}'").df()
    high, low, close = (quotes[c].to_numpy(float) for c in ("high", "low", "close"))
    table = duckdb.sql(f"SELECT * FROM '{shared('market/reference/skender/ema.parquet')}'").df()
    theirs = table["ema"].to_numpy(float)
    assert ema(close, 20) == pytest.approx(theirs[19:], abs=1e-8)
    table = duckdb.sql(f"SELECT * FROM '{shared('market/reference/skender/atr.parquet')}'").df()
    theirs = table["atr"].to_numpy(float)
    ours = wilder(true_range(high, low, close), 14)
    first = int(np.flatnonzero(np.isfinite(theirs))[0])
    assert first == 14
    assert ours == pytest.approx(theirs[first:], abs=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_spread_volume_equals_its_twin_and_loses_nothing(seed: int) -> None:
    """Volume that falls between bins moves the POC."""
    dice = np.random.Generator(np.random.PCG64(seed))
    low = dice.uniform(10, 20, 60)
    high = low + np.where(dice.uniform(size=60) < 0.2, 0.0, dice.exponential(1.5, 60))
    volume = dice.exponential(5, 60)
    ours = spread_volume(low, high, volume, 9.0, 0.37, 60)
    assert ours == pytest.approx(spread_twin(low, high, volume, 9.0, 0.37, 60), abs=1e-9)
    assert math.fsum(ours) == pytest.approx(math.fsum(volume), rel=1e-12)


def test_a_bar_on_the_top_edge_joins_the_last_bin() -> None:
    """The highest price of a series lies on the edge of the last bin; it must not fall out or write past the end."""
    edge = np.array([3.0])
    assert list(spread_volume(edge, edge, np.array([2.0]), 1.0, 1.0, 2)) == [0.0, 2.0]


def exit_twin(high, low, begin, end, down, up):
    """The first bar that reaches either price, written as the sentence says it."""
    for i in range(begin, end):
        if high[i] >= up and low[i] <= down:
            return 2, i
        if high[i] >= up:
            return 1, i
        if low[i] <= down:
            return -1, i
    return 0, end


@pytest.mark.parametrize("seed", range(5))
def test_first_exits_equal_their_twin(seed: int) -> None:
    """Every touch, reaction, scenario and grade stands on this one question."""
    dice = np.random.Generator(np.random.PCG64(seed))
    low = series(80, seed)
    high = low + dice.exponential(1.0, 80)
    begin = dice.integers(0, 81, 200)
    end = np.minimum(80, begin + dice.integers(0, 40, 200))
    middle = low[np.minimum(begin, 79)] + dice.normal(0, 1, 200)
    down, up = middle - dice.exponential(1.0, 200), middle + dice.exponential(1.0, 200)
    down[::7], up[::11] = -np.inf, np.inf
    side, bar = first_exits(high, low, begin, end, down, up)
    twins = [exit_twin(high, low, *row) for row in zip(begin, end, down, up, strict=True)]
    assert list(zip(side.tolist(), bar.tolist(), strict=True)) == twins
    assert {s for s, _ in twins} == {-1, 0, 1, 2}


def test_warm_compiles_every_kernel_of_the_analysis() -> None:
    """A kernel that warm() forgets makes the first report wait for the compiler."""
    warm()
    made = (indicators._six, indicators.directional, indicators.supertrend, price_histogram, first_exits, gather)
    for kernel in (ema, wilder, true_range, spread_volume, *made):
        assert kernel.signatures, kernel


@pytest.mark.parametrize("seed", [1, 2])
def test_a_histogram_of_prices_equals_numpys(seed: int) -> None:
    """Same bins, same edges: the top edge belongs to the last bin, what lies outside is not counted."""
    dice = np.random.Generator(np.random.PCG64(seed))
    prices, volumes = np.round(dice.normal(100, 3, 5003), 2), dice.exponential(1, 5003)  # no whole number of blocks
    want, _ = np.histogram(prices, bins=40, range=(95.0, 105.0), weights=volumes)
    assert price_histogram(prices, volumes, 95.0, 0.25, 40) == pytest.approx(want)
