"""Does a signal know the next seconds: rank correlation with what follows, by horizon, and how fast that fades.

A sample is a value every `step` and the log price at the same moments; the return over a horizon of k steps begins at
the value's own moment. Values are compared on whole seconds only, so neighbouring returns overlap by all but a second:
intervals and t values allow for it, and n is counted in returns that do not overlap.
"""

from __future__ import annotations

from math import ceil, inf, log, sqrt

import msgspec
import numpy as np
from numpy.typing import NDArray

from desk.research.metrics import (
    Z95,
    Array,
    Interval,
    information_coefficient,
    observations_needed,
    ranks,
    stationary_blocks,
    word,
)

HORIZONS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
NEED = observations_needed(0.10)  # 900: what shows an IC of .10 at t = 3
DELAY_S = 0.5  # what nobody can act on: evidence must outlast it
T_EVIDENCE = 3.0  # several horizons are looked at: two standard errors would come by chance too often
FEWEST = 30  # returns that do not overlap, below which not even an interval is given
SHORTEST_LAG = 10  # seconds of memory that a t value allows for at the least
EVIDENCE, REVERSED, NO_EVIDENCE = "evidence", "evidence against", "no evidence"


class HorizonIC(msgspec.Struct, frozen=True):
    """One signal against one horizon. `ic.n` counts seconds, `independent` returns that do not overlap.

    `ic` is None below 30 of them; `t` is Newey–West's. `late`, `t_late`: the same of returns that begin half a second
    after the signal. `word` as in `metrics.word` with `need`. `says`: "evidence" when the word is MEASURED, the
    interval of `ic` lies above 0 and t_late ≥ 3; "evidence against" the same below 0; else "no evidence".
    """

    horizon_s: float
    ic: Interval | None
    t: float | None
    late: float | None
    t_late: float | None
    independent: int
    need: int
    word: str
    says: str


class HalfLife(msgspec.Struct, frozen=True):
    """Seconds in which the IC halves beyond its peak; `high` None: the data do not bound it.

    `word`: MEASURED when every IC of the fit is, else INSUFFICIENT DATA.
    """

    value_s: float
    low_s: float
    high_s: float | None
    peak_s: float
    word: str


def pairs(
    values: Array, log_px: Array, step_s: float, horizon_s: float, delay_s: float = 0.0
) -> tuple[Array, Array, NDArray[np.int64]]:
    """(value, log return from `delay_s` after it, index of it) at each whole second where both are known.

    values, log_px: (T,) float64 on one grid of `step_s` that begins on a whole second; NaN where not known.
    """
    wait, k, every = round(delay_s / step_s), round(horizon_s / step_s), round(1.0 / step_s)
    at = np.arange(0, max(len(values) - wait - k, 0), every)
    x, y = values[at], log_px[at + wait + k] - log_px[at + wait]
    known = np.isfinite(x) & np.isfinite(y)
    return x[known], y[known], at[known]


def standard_ranks(x: Array) -> Array | None:
    """Ranks with mean 0 and standard deviation 1; None for a constant or fewer than 3 values."""
    if len(x) < 3:
        return None
    a = ranks(x)
    a = a - a.mean()
    scale = sqrt(float(a @ a) / len(a))
    return a / scale if scale > 0 else None


def newey_west(x: Array, y: Array, lag: int) -> tuple[float, float] | None:
    """(IC, its standard error) from the regression of y's ranks on x's, errors correlated over `lag` observations.

    None where either is constant or there are fewer than 3 pairs.
    """
    a, b = standard_ranks(x), standard_ranks(y)
    return None if a is None or b is None else slope(a, b, lag)


def slope(a: Array, b: Array, lag: int) -> tuple[float, float]:
    """The same of standardised a and b: (mean of a·b, its standard error).

    se² = Σ_{|j|≤L} (1 − |j|/(L+1)) γ_j / n,  γ_j the autocovariance of a·(b − IC·a). Source: Newey & West (1987).
    """
    n = len(a)
    ic = float(a @ b) / n
    u = a * (b - ic * a)
    variance = float(u @ u) / n
    for j in range(1, min(lag, n - 1) + 1):
        variance += 2.0 * (1.0 - j / (lag + 1.0)) * float(u[j:] @ u[:-j]) / n
    return ic, sqrt(max(variance, 0.0) / n)


def lag_of(horizon_s: float) -> int:
    """Seconds over which products of a signal and its overlapping returns may be correlated: twice the horizon."""
    return max(SHORTEST_LAG, ceil(2 * horizon_s))


def quick(values: Array, log_px: Array, step_s: float, horizon_s: float) -> HorizonIC:
    """The IC with Newey–West's interval (IC ± 1.96 se): a millisecond for an hour; a bootstrap takes a hundred."""
    x, y, _ = pairs(values, log_px, step_s, horizon_s)
    independent = int(len(x) / max(1.0, horizon_s))
    found = newey_west(x, y, lag_of(horizon_s)) if independent >= FEWEST else None
    later = newey_west(*pairs(values, log_px, step_s, horizon_s, DELAY_S)[:2], lag_of(horizon_s)) if found else None
    if found is None or later is None:
        return HorizonIC(horizon_s, None, None, None, None, independent, NEED, word(independent, NEED), NO_EVIDENCE)
    ic, se = found
    half = Z95 * se
    return judged(
        HorizonIC(
            horizon_s=horizon_s,
            ic=Interval(ic, max(-1.0, ic - half), min(1.0, ic + half), len(x)),
            t=ic / se if se > 0 else None,
            late=later[0],
            t_late=later[0] / later[1] if later[1] > 0 else None,
            independent=independent,
            need=NEED,
            word=word(independent, NEED),
            says=NO_EVIDENCE,
        )
    )


def measured(
    values: Array, log_px: Array, step_s: float, horizon_s: float, seed: int, resamples: int = 400
) -> HorizonIC:
    """The same with a stationary-bootstrap interval: mean block twice the horizon, at least 10 s."""
    simple = quick(values, log_px, step_s, horizon_s)
    if simple.ic is None:
        return simple
    x, y, _ = pairs(values, log_px, step_s, horizon_s)
    interval = information_coefficient(x, y, float(lag_of(horizon_s)), seed, resamples)
    return judged(msgspec.structs.replace(simple, ic=interval))


def judged(one: HorizonIC) -> HorizonIC:
    """The same with what it says.

    Half a second late, because a mid between stale quotes catches up within that time whoever knows what: a market in
    which nobody knows anything has an IC of .02 at half a second (mean of 80 seeds), and none beyond.
    """
    says = NO_EVIDENCE
    if one.word == "MEASURED" and one.ic is not None and one.t_late is not None:
        if one.ic.low > 0 and one.t_late >= T_EVIDENCE:
            says = EVIDENCE
        elif one.ic.high < 0 and one.t_late <= -T_EVIDENCE:
            says = REVERSED
    return msgspec.structs.replace(one, says=says)


def half_life(
    values: Array, log_px: Array, step_s: float, ics: list[HorizonIC], seed: int, resamples: int = 200
) -> HalfLife | None:
    """ln 2 / −b of the least-squares line ln IC(h) = a + b·h from the peak to the last IC whose interval is above 0.

    The interval comes from the same fit on stationary-bootstrap resamples of all horizons together. None unless three
    horizons from the peak on are above 0 and the line falls.
    """
    above: list[tuple[float, float, bool]] = []  # (horizon, IC, measured) of one unbroken stretch
    for entry in ics:
        if entry.ic is not None and entry.ic.low > 0:
            above.append((entry.horizon_s, entry.ic.value, entry.word == "MEASURED"))
        elif above:
            break
    peak = max(range(len(above)), key=lambda i: above[i][1], default=0)
    fitted = np.array(above[peak:])
    if len(fitted) < 3:
        return None
    h = fitted[:, 0]
    value = _halving(h, fitted[:, 1])
    if value == inf:
        return None
    said = "MEASURED" if fitted[:, 2].all() else "INSUFFICIENT DATA"
    drawn = _halvings(values, log_px, step_s, h, seed, resamples)
    low, high = np.quantile(drawn, (0.025, 0.975), method="inverted_cdf")
    return HalfLife(value, min(float(low), value), None if high == inf else float(high), float(h[0]), said)


def _halvings(values: Array, log_px: Array, step_s: float, h: Array, seed: int, resamples: int) -> Array:
    """Half-lives of resamples; ∞ where the line does not fall."""
    shortest = pairs(values, log_px, step_s, float(h[-1]))[2]  # where even the longest return is known
    x = values[shortest]
    ys = [log_px[shortest + round(s / step_s)] - log_px[shortest] for s in h.tolist()]
    usable = np.isfinite(x) & np.logical_and.reduce([np.isfinite(y) for y in ys])
    a = ranks(x[usable])
    bs = [ranks(y[usable]) for y in ys]
    drawn = [
        _halving(h, np.array([float(np.corrcoef(a[i], b[i])[0, 1]) for b in bs]))
        for i in stationary_blocks(len(a), float(lag_of(float(h[-1]))), seed, resamples)
    ]
    return np.array(drawn)


def _halving(h: Array, ic: Array) -> float:
    if not (ic > 0).all():
        return inf
    slope = float(np.polyfit(h, np.log(ic), 1)[0])
    return log(2.0) / -slope if slope < 0 else inf
