"""Measures a run while it goes, and a recorded session the same way: what trading brought, and what the scores know.

Two calls around every event, a comparison each while there is nothing to do; samples are taken from the beat. Nothing
of this is read by the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from math import nan

import msgspec

from desk.engine import Engine
from desk.events import Event, Timer
from desk.intents import Effect, Noted, Signal
from desk.market.state import Market
from desk.projections.markouts import Touch
from desk.projections.performance import TRADES_KEPT, PerformanceFold
from desk.projections.signal_health import KEPT, STEP, Row, SampleFold
from desk.signals.shape import Score

Decay = Callable[[float], float]  # seconds since a score was made → what is left of it, 0..1


class Observer:
    """`before` and `after` each event that `engine` steps through. `bounded`: keep hours, not everything."""

    def __init__(self, engine: Engine, decay: Decay, *, bounded: bool = True) -> None:
        self._watch, self._decay = engine.watch, decay
        self.performance = PerformanceFold(engine.watch.instruments, TRADES_KEPT if bounded else None)
        self.samples = SampleFold(KEPT if bounded else None)
        self.due = min(self.performance.markouts.due, self.samples.markouts.due)

    def before(self, ts: int) -> None:
        """An event later than `due` is about to be stepped: the books are as they were until now."""
        self.performance.markouts.look(ts, self._touch)
        self.samples.markouts.look(ts, self._touch)
        self._plan()

    def after(self, event: Event, effects: list[Effect]) -> None:
        """The event was stepped; a frame without effects may be left out."""
        self.performance.apply(event, effects, self._touch)
        for effect in effects:
            if isinstance(effect, Noted) and isinstance(effect.what, Signal):
                touch = self._touch(effect.what.inst)
                if touch is not None:
                    self.samples.signal(effect.what, touch[0] + touch[1])
        self._plan()
        if type(event) is Timer and event.key == "beat" and event.ts % STEP == 0:
            for market in self._watch.markets.values():
                self._sample(market, event.ts)

    def _plan(self) -> None:
        self.due = min(self.performance.markouts.due, self.samples.markouts.due)

    def _touch(self, inst: str) -> Touch | None:
        market = self._watch.markets.get(inst)
        return (market.bid, market.ask) if market is not None and market.ready else None

    def _sample(self, market: Market, ts: int) -> None:
        if not market.ready:
            return  # a slot left out is one not known
        score = self._watch.scores.get(market.inst)
        weight = self._decay(max(0, ts - score.ts) / 1e9) if score is not None else 0.0
        if score is None or weight <= 0.0:
            self.samples.sample(market.inst, "", ts, (market.mid, *(nan,) * 8))
            return
        self.samples.sample(market.inst, score.tier, ts, self._row(market.mid, score, weight))

    def _row(self, mid: float, score: Score, weight: float) -> Row:
        f = score.features
        other = msgspec.structs.replace(f, rho=-f.rho, bid_orders=f.ask_orders, ask_orders=f.bid_orders)
        return (
            mid,
            score.total * weight,
            score.direction * weight,
            score.imbalance * weight,
            nan if score.order_count is None else score.order_count * weight,
            score.spread * weight,
            score.total * weight * score.agreement,
            self._watch.score(other).total * weight,
            f.spread_bps,
        )
