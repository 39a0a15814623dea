"""The scalper's gates in machine code against the ones people read."""

from __future__ import annotations

from collections import Counter
from math import inf
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest
from hand_view import BTC, MINUTE, HandView

from desk import config
from desk.events import TrendBias
from desk.kernels import score as at
from desk.kernels.calm import guarded
from desk.kernels.gates import ANSWERS, EDGE_BELOW_COST, answer
from desk.messages import Side
from desk.signals.shape import Guard
from scalping_engine import ScalpingEngine

KEY = BTC.key


@pytest.mark.parametrize("seed", range(3))
def test_the_kernel_guards_a_trade_as_the_readable_guard_does(seed: int) -> None:
    """At the very prices and scores too: a stop that is reached must be looked at."""
    draw, words = Random(seed), np.zeros(at.WORDS, np.int64)
    doubles, met = words.view(np.float64), Counter[bool]()
    marks = [-60.0, -50.0, -20.0, 0.0, 20.0, inf, -inf]
    for _ in range(3_000):
        side, low, high = draw.choice([1, -1]), draw.randrange(95, 100), draw.randrange(101, 106)
        if side < 0:
            low, high = -high, -low
        guard = Guard(side, low, high, draw.choice(marks[:3] + marks[-1:]), draw.choice(marks[2:6]))
        bid, total = draw.randrange(93, 106), draw.choice([draw.uniform(-100, 100), *marks[:5]])
        ask = bid + draw.randrange(1, 4)
        for offset, value in zip((at.TRADED, at.LOW, at.HIGH, at.BID, at.ASK), (*guard[:3], bid, ask), strict=True):
            words[offset // 8] = value
        for offset, value in zip((at.X_LOW, at.X_HIGH, at.TOTAL), (*guard[3:], total), strict=True):
            doubles[offset // 8] = value
        ema = draw.choice([0.0, draw.uniform(-1, 1)])
        held = guard.holds(bid, ask, total, ema)
        assert bool(guarded(words.ctypes.data, ema)) == held
        met[held] += 1
    assert min(met[True], met[False]) > 300


class Touch:
    """A touch that may be anything."""

    def __init__(self, bid: int, ask: int) -> None:
        self.bid, self.ask = bid, ask


def scalper(draw: Random) -> ScalpingEngine:
    """Fees, stops and demands of any user."""
    scalping = config.ScalpingEngine(
        stop_atr=draw.uniform(0.5, 3.0), reward_to_risk=draw.uniform(1.5, 4.0), max_break_even=draw.uniform(0.35, 0.9)
    )
    maker, taker = draw.choice([(0.0, 0.0), (-1.0, 2.0), (0.0, 10.0), (16.0, 26.0)])
    return ScalpingEngine(
        [KEY], scalping, config.HybridMode(), config.HftSignals(), config.Risk(), maker, taker, is_hybrid=True
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_kernels_gates_say_what_the_readable_ones_say(seed: int) -> None:
    """On any touch, total, bias, range, experience: the same code, and every code is met."""
    draw, met = Random(seed), set()
    for _ in range(1_500):
        engine, view = scalper(draw), HandView(BTC)
        slot, view.now = engine.slots[KEY], 60 * MINUTE
        for filled in range(draw.randrange(40)):
            engine.experience.rested_one(filled % 3 > 0)
        side = draw.choice([Side.BUY, Side.SELL])
        for part in range(4):  # of what the gates hang on, one thing after the other changes
            slot.indicators = SimpleNamespace(technical=float(side), atr=draw.uniform(0.0, 400.0), contributions={})
            if part == 1:
                view.biases["BTC/USD"] = TrendBias(0, "BTC/USD", draw.uniform(-100, 100), view.now + 1, "X", 1.0)
            if part == 2:
                engine.experience.rested_one(draw.random() < 0.7)
            engine._given(slot, view)
            gates = slot.gates.of(side)
            bid = draw.choice([draw.randrange(1, 60), draw.randrange(90_000, 1_000_000)])
            touch = Touch(bid, bid + draw.choice([1, 2, 3, draw.randrange(1, 60)]))
            total, reference = draw.choice([draw.uniform(-100, 100), -20.0, 20.0, 60.0]), draw.uniform(0.01, 3.0)
            found = slot.gates.walk(slot.indicators, total, reference, touch, slot.standing, True, view.now)
            wanted = found[0] if isinstance(found[0], str) else ""
            assert ANSWERS[answer(gates.address, touch.bid, touch.ask, total, reference)] == wanted
            slot.standing.against = 0
            met.add(wanted)
    assert met == {ANSWERS[code] for code in range(EDGE_BELOW_COST + 1)}  # those behind do not hang on the market
