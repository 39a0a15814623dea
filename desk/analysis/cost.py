"""What a round trip costs, what must move to pay it, and how large a position a stop allows.

Percent of price unless the name says otherwise. Fees only: spread and slippage come on top and are not known here.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from desk.analysis.plan import EntryZone
from desk.analysis.shape import Timeframe
from desk.portfolio.fees import paying_rate

STOP_ATR = 1.5
REWARD = 2.0  # target : stop
RISKS_PCT = (0.1, 0.25, 0.5)  # of equity, per scalp
SWING_RISKS_PCT = (2.0, 3.5, 5.0)  # of equity, per trade of days to weeks


class Route(msgspec.Struct, frozen=True):
    """One way in and out: the fees of both sides in bps, and the smallest 2:1 target that pays at 55 % wins, in %."""

    name: str
    cost_bps: float
    target_pct: float


class StopRow(msgspec.Struct, frozen=True):
    """A stop of 1.5 ATR14 of one interval: distance, the 2:1 target, the win rates (0..1+) that break even per route,
    and the position in the quote currency at each risk; `capped` where the position limit is smaller. `swing_…`: the
    same at 2, 3.5 and 5 %."""

    interval: str
    atr: float
    stop: float
    stop_pct: float
    target_pct: float
    break_even: tuple[float, ...]
    sizes: tuple[float, ...]
    capped: tuple[bool, ...]
    swing_sizes: tuple[float, ...] = ()
    swing_capped: tuple[bool, ...] = ()


def break_even(target_pct: float, stop_pct: float, cost_bps: float) -> float:
    """The win rate at which target, stop and cost cancel: (L + c)/(W + L); above 1 it cannot pay.

    >>> round(break_even(0.20, 0.10, 80.4), 2)
    3.01
    """
    return paying_rate(target_pct, stop_pct, cost_bps / 100.0)


def routes(maker_bps: float, taker_bps: float) -> tuple[Route, ...]:
    """Taker–taker, maker–taker, maker–maker. Target: W = c / (1.5·0.55 − 0.5), from p·W − (1−p)·W/2 − c = 0.

    >>> [(r.cost_bps, round(r.target_pct, 2)) for r in routes(25.0, 40.0)]
    [(80.0, 2.46), (65.0, 2.0), (50.0, 1.54)]
    """
    rows = (("taker–taker", 2 * taker_bps), ("maker–taker", maker_bps + taker_bps), ("maker–maker", 2 * maker_bps))
    return tuple(Route(name, cost, max(0.0, cost) / 100.0 / (1.5 * 0.55 - 0.5)) for name, cost in rows)


def zone_break_evens(zones: Sequence[EntryZone], ways: Sequence[Route]) -> tuple[tuple[float, ...], ...]:
    """Per entry zone the win rates (0..1+) at which its target and stop pay each route's cost."""
    return tuple(tuple(break_even(z.target_pct, z.stop_pct, way.cost_bps) for way in ways) for z in zones)


def stop_rows(
    frames: Sequence[Timeframe], last: float, ways: Sequence[Route], equity: float, max_position_pct: float
) -> tuple[StopRow, ...]:
    """One row for each of 1h, 4h and 1d whose ATR is known, shortest first."""
    limit = equity * max_position_pct / 100.0
    out = []
    for row in sorted((f for f in frames if f.name in ("1h", "4h", "1d") and f.atr), key=lambda f: f.atr or 0.0):
        atr = row.atr or 0.0
        stop_pct = 100.0 * STOP_ATR * atr / last
        wished = [equity * risk / stop_pct for risk in RISKS_PCT]
        swing = [equity * risk / stop_pct for risk in SWING_RISKS_PCT]
        out.append(
            StopRow(
                row.name,
                atr,
                STOP_ATR * atr,
                stop_pct,
                REWARD * stop_pct,
                tuple(break_even(REWARD * stop_pct, stop_pct, way.cost_bps) for way in ways),
                tuple(min(size, limit) for size in wished),
                tuple(size > limit for size in wished),
                tuple(min(size, limit) for size in swing),
                tuple(size > limit for size in swing),
            )
        )
    return tuple(out)
