"""What the same measurement says of signals that cannot know anything: the ruler is checked beside every result.

Each placebo keeps the returns as they were. `sign-shuffled`: the signal with a random sign at every second; `shifted`:
the signal moved round the sample by a random time, its own memory kept. At most 5 % of their |t| may reach 2. The
mirrored book (both sides exchanged) is no dice: its score must be the score with the other sign, to the last digit.
"""

from __future__ import annotations

import msgspec
import numpy as np

from desk.research.ic import lag_of, slope, standard_ranks
from desk.research.metrics import Array, Interval, wilson

SHUFFLED, SHIFTED = "sign-shuffled", "shifted"
EACH = 50  # placebos of a kind for each horizon
Z99 = 2.5758293035489004  # standard normal quantile at 0.995
QUIET = 2.0  # |t| of nothing, 95 % of the time
LEAST_SHIFT = 60  # observations; a shorter one would leave part of the signal's memory in place


class Placebos(msgspec.Struct, frozen=True):
    """`quiet`: share of placebos with |t| < 2. `red`: that share is below 95 % by more than chance (99 % Wilson).

    `mirrored`: the largest |score of the mirrored book + score|, None where no book was mirrored; red above 1e-9.
    """

    quiet: Interval | None
    mirrored: float | None
    red: bool


def placebos(x: Array, y: Array, horizon: float, seed: int, each: int = EACH) -> dict[str, list[tuple[float, float]]]:
    """(IC, its standard error) of `each` placebos by kind, made of the signal's ranks; empty for a constant.

    x, y: (n,) a signal and the return after it; `horizon` in observations.
    """
    a, b, n, lag = standard_ranks(x), standard_ranks(y), len(x), lag_of(horizon)
    if a is None or b is None:
        return {}
    rng = np.random.Generator(np.random.PCG64(seed))
    least = min(max(LEAST_SHIFT, lag), n // 3)
    signs = [a * np.where(rng.random(n) < 0.5, -1.0, 1.0) for _ in range(each)]
    moved = [np.roll(a, int(rng.integers(least, n - least + 1))) for _ in range(each)]
    return {kind: [slope(one, b, lag) for one in made] for kind, made in ((SHUFFLED, signs), (SHIFTED, moved))}


def placebo_ts(x: Array, y: Array, horizon_s: float, seed: int) -> list[float]:
    """t values of all placebos of a signal, one value a second."""
    return [ic / se for made in placebos(x, y, horizon_s, seed).values() for ic, se in made if se > 0]


def judge(ts: list[float], score: Array, mirror: Array) -> Placebos:
    """Of all placebos of one signal; score, mirror: (T,) float64, NaN where there was none."""
    few = sum(abs(t) < QUIET for t in ts)
    quiet, wide = wilson(few, len(ts)), wilson(few, len(ts), Z99)
    both = np.isfinite(score) & np.isfinite(mirror)
    mirrored = float(np.max(np.abs(score[both] + mirror[both]))) if both.any() else None
    red = (wide is not None and wide.high < 0.95) or (mirrored is not None and mirrored > 1e-9)
    return Placebos(quiet, mirrored, red)
