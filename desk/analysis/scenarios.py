"""Bull, bear, range: the two prices that decide the next day, what lies behind them, and how likely each is.

The three are exclusive and complete: the upper trigger is reached first, the lower one first, or neither until the
expiry. Their probabilities come from past days (desk.research.outlook) or from a walk without drift, and say which.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from desk.analysis.candidates import tidy
from desk.analysis.chart import rounded
from desk.analysis.plan import Scenario
from desk.analysis.shape import DAY, Level

HORIZON_NS = DAY
NEAREST_ATR, FARTHEST_ATR = 0.5, 1.5  # where a level can be a trigger: nearer is noise, farther is another day
WITHOUT_LEVEL_ATR = 0.75
TARGET_ATR, FARTHEST_TARGET_ATR = 0.5, 2.0  # beyond the trigger
WITHOUT_TARGET_ATR = 1.0
INVALID_ATR = 0.5  # back from the trigger
RANGE_PER_SIGMA = math.sqrt(8.0 / math.pi)
MODEL, ALIKE, DAYS = "model", "past days alike", "past days"
TERMS = 400


class Edge(NamedTuple):
    """One side of the corridor: where its scenario begins and where it is done, each with its kind."""

    trigger: float
    trigger_kind: str
    target: float
    target_kind: str


class Corridor(NamedTuple):
    """The price, the daily ATR14, and the edges above and below."""

    last: float
    atr: float
    up: Edge
    down: Edge


class Odds(NamedTuple):
    """Shares 0..1 of (bull, bear, range), adding up to 1; `spans`: their 95 % intervals where they were counted."""

    shares: tuple[float, float, float]
    basis: str
    n: int = 0
    spans: tuple[tuple[float, float], ...] = ()


def corridor(last: float, atr: float, levels: Sequence[Level]) -> Corridor:
    """The nearest levels at 0.5–1.5 ATR on both sides; 0.75 ATR away where there is none.

    The target is the next level 0.5–2 ATR beyond the trigger, or 1 ATR beyond it.
    """
    return Corridor(last, atr, _edge(last, atr, levels, 1), _edge(last, atr, levels, -1))


def _edge(last: float, atr: float, levels: Sequence[Level], way: int) -> Edge:
    trigger, kind = _first(last, way, levels, NEAREST_ATR * atr, FARTHEST_ATR * atr) or _bare(
        last, way * WITHOUT_LEVEL_ATR, atr
    )
    target, what = _first(trigger, way, levels, TARGET_ATR * atr, FARTHEST_TARGET_ATR * atr) or _bare(
        trigger, way * WITHOUT_TARGET_ATR, atr
    )
    return Edge(trigger, kind, target, what)


def _first(origin: float, way: int, levels: Sequence[Level], near: float, far: float) -> tuple[float, str] | None:
    """The level nearest to `origin` in direction `way` whose distance lies between near and far."""
    found = [lv for lv in levels if near <= way * (lv.price - origin) <= far]
    best = min(found, key=lambda lv: (abs(lv.price - origin), lv.price), default=None)
    return (best.price, best.kind) if best else None


def _bare(origin: float, distance: float, atr: float) -> tuple[float, str]:
    """A price by distance alone; halfway to 0 where the distance would pass it."""
    price = origin + distance * atr
    return tidy(price if price > 0.0 else origin / 2.0), f"{abs(distance):g} ATR {'above' if distance > 0 else 'below'}"


def driftless(up: float, down: float, days: float = 1.0) -> tuple[float, float, float]:
    """Shares (up first, down first, neither) for a walk without drift; up, down > 0 in daily ATR, days > 0.

    The standard deviation of a day is ATR/√(8/π), since that is how far a Brownian day ranges (Feller 1951, "The
    asymptotic distribution of the range of sums of independent random variables"). With L = up + down, x = down/L and
    s = (π²/2)·(σ/L)²·days: up first = x + (2/π)·Σ (−1)ⁿ/n·sin(nπx)·e^(−n²s). Source of the series: Cox & Miller (1965),
    "The Theory of Stochastic Processes", 5.7. Below s = 10⁻⁴ nothing is reached.

    >>> [round(p, 4) for p in driftless(0.75, 0.75)], [round(p, 3) for p in driftless(0.5, 1.0, 1000.0)]
    ([0.231, 0.231, 0.5379], [0.667, 0.333, 0.0])
    """
    if not (up > 0.0 and down > 0.0 and days > 0.0):
        raise ValueError(f"barriers at {up} and {down} ATR, {days} days: all must be above 0")
    width = up + down
    s = math.pi**2 / 2.0 * days / (RANGE_PER_SIGMA * width) ** 2
    if s < 1e-4:
        return 0.0, 0.0, 1.0

    def first(x: float) -> float:
        sums = math.fsum(
            (-1.0) ** n / n * math.sin(n * math.pi * x) * math.exp(-n * n * s) for n in range(1, TERMS + 1)
        )
        return min(1.0, max(0.0, x + 2.0 / math.pi * sums))

    above, below = first(down / width), first(up / width)
    return above, below, max(0.0, 1.0 - above - below)


def model_odds(c: Corridor) -> Odds:
    """The odds of a walk without drift, for when too few past days are known."""
    return Odds(driftless((c.up.trigger - c.last) / c.atr, (c.last - c.down.trigger) / c.atr), MODEL)


def scenarios(c: Corridor, odds: Odds, now_ns: int, long_factor: float, short_factor: float) -> tuple[Scenario, ...]:
    """The three scenarios until a day from now; `…_factor`: what hybrid mode makes of scalps of that side."""
    percent = [int(p) for p in rounded([100.0 * share for share in odds.shares], 0)]
    spans: list[tuple[float | None, float | None]]
    spans = [(round(100.0 * low, 1), round(100.0 * high, 1)) for low, high in odds.spans] or [(None, None)] * 3
    size = f"{abs(c.up.trigger - c.down.trigger) / c.atr:.2f} ATR"
    rows = (
        ("bull", c.up, (tidy(c.up.trigger - INVALID_ATR * c.atr),), long_factor),
        ("bear", c.down, (tidy(c.down.trigger + INVALID_ATR * c.atr),), short_factor),
        ("range", None, (c.down.trigger, c.up.trigger), min(long_factor, short_factor)),
    )
    aside = {
        "bull": "stand aside if the trigger is passed and the next 15-minute candle closes back below it",
        "bear": "stand aside if the trigger is passed and the next 15-minute candle closes back above it",
        "range": f"stand aside if both edges lie too near for the cost of a round trip (they are {size} apart)",
    }
    return tuple(
        Scenario(
            kind=kind,
            trigger=edge.trigger if edge else None,
            trigger_kind=edge.trigger_kind if edge else "holds now",
            path=(c.last, edge.trigger, edge.target) if edge else (c.down.trigger, c.last, c.up.trigger),
            target=edge.target if edge else None,
            target_kind=edge.target_kind if edge else "",
            invalidation=invalid,
            probability_pct=percent[i],
            basis=odds.basis,
            n=odds.n,
            low_pct=spans[i][0],
            high_pct=spans[i][1],
            size_factor=factor,
            expires=now_ns + HORIZON_NS,
            stand_aside=aside[kind],
        )
        for i, (kind, edge, invalid, factor) in enumerate(rows)
    )
