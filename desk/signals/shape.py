"""The shapes between a book and its score: what is measured, and what a score says.

The library knows these shapes; the formula itself is `hft_signals.py`, handed down by `build` as a callable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from desk.config import Thresholds, Weights


class Features(msgspec.Struct, frozen=True, gc=False):
    """The order book now, as the score needs it (signals.md, section 3).

    `rho` −1..1: distance-weighted imbalance (B−A)/(B+A). `bid_orders`, `ask_orders`: resting orders within the band of
    their own best price; None below tier L3/L2C. `spread_bps`, `spread_ref_bps`: 10⁴(a₀−b₀)/m and its rolling median.
    `tier`: "L3" | "L2C" | "L2" | "L1". `attested`: all of it lies under a matching checksum.
    """

    ts: int
    inst: str
    rho: float
    bid_orders: int | None
    ask_orders: int | None
    spread_bps: float
    spread_ref_bps: float
    tier: str
    attested: bool = True


class Score(msgspec.Struct, frozen=True, gc=False):
    """The shared order-book score: `total` is the literal weighted sum of the components, −100..+100.

    `direction` is D of signals.md 3.3, `quality` the tier's Q, `agreement` A 0..1, `label` the class of `total`.
    """

    ts: int
    inst: str
    tier: str
    total: float
    imbalance: float
    order_count: float | None
    spread: float
    spread_quality: float
    direction: float
    agreement: float
    quality: float
    label: str
    features: Features


class Formula(msgspec.Struct, frozen=True):
    """What can be configured of the one formula of `hft_signals.py`; `quality`: Q by tier.

    A `ScoreFn` that has a `formula` says that it is that formula, and that a kernel may compute it in its place.
    """

    weights: Weights
    thresholds: Thresholds
    quality: dict[str, float]


class Guard(NamedTuple):
    """While the book stays within, a trade of this `side` has nothing to do: low < side · (the price at which it could
    leave) < high, in ticks, and x_low < side · total ≤ x_high, where the trend has the total's sign: else the total is
    not believed.
    """

    side: int
    low: int
    high: int
    x_low: float
    x_high: float

    def holds(self, bid: int, ask: int, total: float, ema: float) -> bool:
        """Whether the book is within, `ema` being its trend.

        >>> guard = Guard(1, 90, 120, -20.0, 100.0)
        >>> [guard.holds(91, 93, total, ema) for total, ema in ((-19.0, -1.0), (-21.0, -1.0), (-21.0, 1.0))]
        [True, False, True]
        """
        px = self.side * (bid if self.side > 0 else ask)
        quiet = self.x_low < self.side * total <= self.x_high or not ema * total > 0.0
        return quiet and self.low < px < self.high


class Trend(NamedTuple):
    """The state of `hft_signals.HFTIntegrator` that goes on while nobody reads it: ns felt, EMA, its time constant, the
    stable label (−2 strong sell … 2 strong buy) and the thresholds of its classes.
    """

    felt: int
    ema: float
    tau_s: float
    label: int
    moderate: float
    strong: float


ScoreFn = Callable[[Features], Score]


def formula_of(score: ScoreFn) -> Formula | None:
    """The formula of a `ScoreFn`, or of the object whose method it is; None for any other function."""
    formula = getattr(getattr(score, "__self__", score), "formula", None)
    return formula if isinstance(formula, Formula) else None
