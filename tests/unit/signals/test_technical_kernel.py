"""The kernels of the technical score against the readable indicators: the same doubles, to the last bit."""

from __future__ import annotations

from fractions import Fraction
from math import fsum, tanh
from random import Random

import numpy as np
from hand_view import MINUTE
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.indicators.averages import Ema
from desk.indicators.bands import Bollinger, Squeeze
from desk.indicators.momentum import Rsi
from desk.indicators.volatility import Atr
from desk.indicators.volume import Vwap
from desk.kernels.exact_sum import PARTIALS, grow, rounded
from desk.kernels.memory import entry
from desk.messages import Candle
from desk.signals.technical import PRINTS, SHARES, TICKS, LightweightIndicators


class Plain:
    """One kind of bar by the classes of desk.indicators, and what they say of a direction."""

    def __init__(self) -> None:
        self.fast, self.slow, self.rsi, self.atr = Ema(9), Ema(21), Rsi(14), Atr(14)
        self.bollinger, self.squeeze = Bollinger(20, 2.0), Squeeze(20)

    def update(self, high: float, low: float, close: float) -> None:
        for each in (self.fast, self.slow, self.rsi, self.bollinger):
            each.update(close)
        self.atr.update(high, low, close)
        self.squeeze.update(high, low, close)

    def says(self, price: float) -> dict[str, float] | None:
        fast, slow, rsi, atr, momentum = (i.value for i in (self.fast, self.slow, self.rsi, self.atr, self.squeeze))
        if fast is None or slow is None or rsi is None or atr is None or momentum is None:
            return None
        place = self.bollinger.percent_b
        return {
            "ema": tanh((fast - slow) / atr) if atr else 0.0,
            "rsi": (rsi - 50.0) / 50.0,
            "vwap": price,
            "bollinger": clip(2.0 * place - 1.0) if place is not None else 0.0,
            "squeeze": tanh(momentum / atr) if atr and not self.squeeze.on else 0.0,
        }


class Reference:
    """The whole score, read top to bottom."""

    def __init__(self, bars: list[Candle]) -> None:
        self.minutes, self.ticks, self.vwap = Plain(), Plain(), Vwap()
        self.prints: list[float] = []
        self.tick_says: float | None = None
        self.last, self.covered = 0.0, 0
        for bar in bars:
            self.bar(bar, history=True)

    def bar(self, bar: Candle, *, history: bool) -> None:
        self.minutes.update(float(bar.high), float(bar.low), float(bar.close))
        if history:
            average = float(bar.vwap) or (float(bar.high) + float(bar.low) + float(bar.close)) / 3.0
            self.vwap.update(bar.begin, average, float(bar.volume))
            self.last, self.covered = float(bar.close), bar.begin + bar.interval

    def price(self) -> float:
        z = self.vwap.z(self.last)
        return clip(z / 2.0) if z is not None else 0.0

    def trade(self, ts: int, px: int, qty: int) -> None:
        if ts < self.covered:
            return
        self.last = float(px)
        self.vwap.update(ts, float(px), float(qty))
        self.prints.append(float(px))
        if len(self.prints) == PRINTS:
            self.ticks.update(max(self.prints), min(self.prints), self.prints[-1])
            self.prints.clear()
            if (says := self.ticks.says(self.price())) is not None:
                self.tick_says = added([share * says[name] for name, share in SHARES.items()])

    def technical(self) -> float | None:
        says = self.minutes.says(self.price())
        if says is None:
            return None
        scale = 100.0 if self.tick_says is None else 100.0 * (1.0 - TICKS)
        terms = [scale * share * says[name] for name, share in SHARES.items()]
        return added(terms if self.tick_says is None else [*terms, 100.0 * TICKS * self.tick_says])


def clip(x: float) -> float:
    return min(1.0, max(x, -1.0))


def added(terms: list[float]) -> float:
    """From left to right, rounded each time: what `sum` does since Python 3.12 is better, and another number."""
    total = 0.0
    for term in terms:
        total += term
    return total


def walk(seed: int, moves: bool) -> tuple[list[Candle], list[tuple[int, int, int]]]:
    """Bars of a market that sleeps now and then, and the prints of an hour and a half after it, over a midnight."""
    dice, px, bars = Random(seed), 1_000_000, []
    begin = 24 * 60 * MINUTE * 20 - 100 * MINUTE
    for i in range(60):
        step = dice.choice((0, 3, 40, 900)) if moves else 0
        prices = [px := max(1, px + dice.randint(-step, step)) for _ in range(4)]
        volume = dice.choice((0, 7, 10**9))
        vwap = dice.choice((0, prices[1]))
        bars.append(
            Candle("X/Y@v", begin + i * MINUTE, MINUTE, prices[0], max(prices), min(prices), px, volume, 4, vwap)
        )
    prints = []
    ts = begin + 59 * MINUTE
    for _ in range(60 * PRINTS):
        ts += dice.randint(0, 2 * MINUTE * 60 // 1000)
        step = dice.choice((0, 1, 250)) if moves else 0
        px = max(1, px + dice.randint(-step, step))
        prints.append((ts, px, dice.choice((1, 5_000, 10**9))))
    return bars, prints


@settings(deadline=None)
@given(seed=st.integers(0, 2**32), moves=st.booleans())
def test_the_kernel_says_what_the_readable_indicators_say_to_the_last_bit(seed: int, moves: bool) -> None:
    """Minutes that close between the prints included; a market that stands still has deviations of exactly 0."""
    bars, prints = walk(seed, moves)
    fast, plain = LightweightIndicators(), Reference(bars)
    fast.follow(bars)
    assert fast.technical == plain.technical()
    for ts, px, qty in prints:
        end = bars[-1].begin + 2 * MINUTE
        if ts >= end:
            bars.append(Candle("X/Y@v", end - MINUTE, MINUTE, px, px + 3, max(1, px - 5), px, 9, 9))
            fast.follow(bars)
            plain.bar(bars[-1], history=False)
        fast.trade(ts, px, qty)
        plain.trade(ts, px, qty)
        assert fast.technical == plain.technical()
    assert fast.atr == plain.minutes.atr.value
    numbers = fast.numbers
    assert numbers.get("percent_b") == plain.minutes.bollinger.percent_b
    assert (numbers["ema_9"], numbers["ema_21"]) == (plain.minutes.fast.value, plain.minutes.slow.value)
    assert (numbers["rsi_14"], numbers["squeeze"]) == (plain.minutes.rsi.value, plain.minutes.squeeze.value)
    assert (fast.vwap.value, fast.vwap.sigma) == (plain.vwap.value, plain.vwap.sigma)


@settings(deadline=None)
@given(st.lists(st.floats(-1e200, 1e200), max_size=40))
def test_a_sum_is_rounded_once_as_fsum_does(values: list[float]) -> None:
    memory = np.zeros(PARTIALS)
    add, end, count = entry(grow, "iid"), entry(rounded, "ii", "d"), 0
    for value in values:
        count = add(int(memory.ctypes.data), count, value)
    total = end(int(memory.ctypes.data), count)
    assert total == fsum(values)
    assert total == float(sum(map(Fraction, values)))
