"""The scalper's gates in machine code against the ones people read."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace

import pytest
from hand_view import BTC, MINUTE, HandView

from desk import config
from desk.events import TrendBias
from desk.kernels.gates import ANSWERS, answer
from desk.messages import Side
from scalping_engine import ScalpingEngine

KEY = BTC.key


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
            slot.indicators = SimpleNamespace(atr=draw.uniform(0.0, 400.0), contributions={})  # type: ignore[assignment]
            if part == 1:
                view.biases["BTC/USD"] = TrendBias(0, "BTC/USD", draw.uniform(-100, 100), view.now + 1, "X", 1.0)
            if part == 2:
                engine.experience.rested_one(draw.random() < 0.7)
            engine._given(slot, view)
            gates = slot.gates.of(side)
            bid = draw.choice([draw.randrange(1, 60), draw.randrange(90_000, 1_000_000)])
            touch = Touch(bid, bid + draw.choice([1, 2, 3, draw.randrange(1, 60)]))
            total, reference = draw.choice([draw.uniform(-100, 100), -20.0, 20.0, 60.0]), draw.uniform(0.01, 3.0)
            found = engine._walk(slot, view, BTC, float(side), total, reference, touch)  # type: ignore[arg-type]
            wanted = found[0] if isinstance(found[0], str) else ""
            assert ANSWERS[answer(gates.address, touch.bid, touch.ask, total, reference)] == wanted
            slot.standing.against = 0
            met.add(wanted)
    assert met == set(ANSWERS)
