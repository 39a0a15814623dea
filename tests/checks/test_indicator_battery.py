"""What every indicator must be, whatever it measures: causal, picklable, bounded by what it saw, quiet until warm.

A new indicator is one line in CASES.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.indicators.averages import Ema, Sma, Wilder
from desk.indicators.bands import Bollinger, Squeeze
from desk.indicators.momentum import Rsi
from desk.indicators.volatility import Atr, EwStd, EwVar
from desk.indicators.volume import Vwap

SECOND = 1_000_000_000


class Case(NamedTuple):
    """`feed` gives an indicator the i-th price; `warm` values make it speak; `constant` in gives this out."""

    name: str
    make: Callable[[], Any]
    feed: Callable[[Any, int, float], float | None]
    warm: int
    constant: Callable[[float], float]
    averages: bool = False


def plain(indicator: Any, i: int, x: float) -> float | None:
    return indicator.update(x)


def bar(indicator: Any, i: int, x: float) -> float | None:
    return indicator.update(x, x, x)


def trade(indicator: Any, i: int, x: float) -> float | None:
    return indicator.update(i * SECOND, x, 1.0 + i % 3)


CASES = [
    Case("sma", lambda: Sma(20), plain, 20, float, averages=True),
    Case("ema", lambda: Ema(9), plain, 9, float, averages=True),
    Case("wilder", lambda: Wilder(14), plain, 14, float, averages=True),
    Case("bollinger", lambda: Bollinger(20), plain, 20, float, averages=True),
    Case("vwap", Vwap, trade, 1, float, averages=True),
    Case("rsi", lambda: Rsi(14), plain, 15, lambda _: 50.0),
    Case("atr", lambda: Atr(14), bar, 15, lambda _: 0.0),
    Case("ewvar", lambda: EwVar(10), plain, 10, lambda _: 0.0),
    Case("ewstd", lambda: EwStd(10), plain, 10, lambda _: 0.0),
    Case("squeeze", lambda: Squeeze(20), bar, 39, lambda _: 0.0),
]
every = pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)


def prices(seed: int, n: int = 160) -> list[float]:
    steps = np.random.Generator(np.random.PCG64(seed)).normal(0, 25, n)
    return [float(x) for x in 60_000.0 + steps.cumsum()]


def run(case: Case, xs: list[float], indicator: Any = None, begin: int = 0) -> list[float | None]:
    indicator = indicator or case.make()
    return [case.feed(indicator, begin + i, x) for i, x in enumerate(xs)]


@every
def test_the_future_never_changes_the_past(case: Case) -> None:
    """Look-ahead makes a backtest lie: two futures, one past."""
    past = prices(1, 80)
    assert run(case, past + prices(2, 40))[:80] == run(case, past + prices(3, 40))[:80] == run(case, past)


@every
def test_pickling_changes_nothing(case: Case) -> None:
    """State goes to another process and into checkpoints, cold or warm."""
    xs = prices(4)
    whole = run(case, xs)
    for cut in (0, case.warm // 2, case.warm, 100):
        indicator = case.make()
        head = run(case, xs[:cut], indicator)
        assert head + run(case, xs[cut:], pickle.loads(pickle.dumps(indicator)), cut) == whole


@every
def test_it_says_nothing_until_warm_and_finite_numbers_ever_after(case: Case) -> None:
    """None, then numbers: never NaN, never None again."""
    values = run(case, prices(5))
    assert values[: case.warm - 1] == [None] * (case.warm - 1)
    assert all(v is not None and isfinite(v) for v in values[case.warm - 1 :])


@every
@pytest.mark.parametrize("level", [0.1, 1.0, 645_250.3, 1e-5])
def test_constant_in_constant_out(case: Case, level: float) -> None:
    values = run(case, [level] * 100)[case.warm - 1 :]
    assert values == pytest.approx([case.constant(level)] * len(values), rel=1e-12, abs=1e-12 * level)


@every
@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.01, 1e6), min_size=60, max_size=90))
def test_an_average_stays_within_what_it_saw(case: Case, xs: list[float]) -> None:
    """And nothing else leaves the finite numbers on any input."""
    for value in run(case, xs)[case.warm - 1 :]:
        assert value is not None
        assert isfinite(value)
        if case.averages:
            assert min(xs) * (1 - 1e-9) <= value <= max(xs) * (1 + 1e-9)


@every
def test_memory_does_not_grow_with_the_stream(case: Case) -> None:
    """A desk runs for weeks."""
    indicator = case.make()
    run(case, prices(6, 100), indicator)
    small = len(pickle.dumps(indicator))
    run(case, prices(7, 1500), indicator, 100)
    assert len(pickle.dumps(indicator)) <= small + 64
