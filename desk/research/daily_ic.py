"""Beside each IC of days: what placebos of the same value reach, and how the IC fades as the horizon grows.

The ruler is that of the order-book score (desk.research.ic, placebo) with a day in place of a second. Tested days only.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from desk.analysis.evidence import Control, Fade, IcAfter, Interval, Skill
from desk.analysis.past import Past
from desk.analysis.shape import DAY, Flags, Floats
from desk.research.ic import half_life, quick
from desk.research.metrics import wilson
from desk.research.placebo import QUIET, Z99, placebos
from desk.research.skill import Days

EACH = 200  # placebos of a kind
AFTER = (1, 2, 3, 5, 8, 13, 21)  # days


def controls(values: Floats, tested: Flags, days: Days, ic: Interval | None, seed: int) -> tuple[Control, ...]:
    """One row per kind of placebo of these values on the tested days; none where there is no IC to stand beside."""
    if ic is None:
        return ()
    out = []
    for kind, made in placebos(values[tested], days.ahead[tested], days.horizon, seed, EACH).items():
        found = np.array([value for value, _ in made])
        low, high = np.quantile(found, (0.025, 0.975))
        far = int((np.abs(found) >= abs(ic.value)).sum())
        quiet = sum(abs(value) < QUIET * se for value, se in made)
        out.append(Control(kind, EACH, float(low), float(high), (far + 1) / (EACH + 1), quiet / EACH))
    return tuple(out)


def loud(skills: Iterable[Skill]) -> tuple[int, ...]:
    """Horizons at which fewer than 95 % of all placebos are quiet, by more than chance (99 %, Wilson)."""
    quiet: dict[int, float] = {}
    count: dict[int, int] = {}
    for s in skills:
        for c in s.controls:
            quiet[s.horizon_days] = quiet.get(s.horizon_days, 0.0) + c.quiet * c.n
            count[s.horizon_days] = count.get(s.horizon_days, 0) + c.n
    seen = ((horizon, wilson(round(quiet[horizon]), n, Z99)) for horizon, n in count.items())
    return tuple(horizon for horizon, share in seen if share is not None and share.high < 0.95)


def fade(key: str, name: str, then: Past, tested: Flags, seed: int, resamples: int) -> Fade:
    """The IC of a value of the tested days by horizon, and its half-life where three horizons in a row show one."""
    number = then.ts // DAY - int(then.ts[0]) // DAY
    values, log_px = (np.full(int(number[-1]) + 1, np.nan) for _ in range(2))  # a missing day stays one
    values[number] = np.where(tested, then.values[key], np.nan)
    log_px[number] = np.log(then.close)
    ics = [quick(values, log_px, 1.0, float(days)) for days in AFTER]
    after = tuple(
        IcAfter(days, one.ic and Interval(one.ic.value, one.ic.low, one.ic.high, one.ic.n), one.independent)
        for days, one in zip(AFTER, ics, strict=True)
    )
    found = half_life(values, log_px, 1.0, ics, seed, resamples)
    if found is None:
        why = "no three horizons in a row, falling from the peak on, whose whole interval lies above 0"
        return Fade(key, name, after, why=why)
    return Fade(key, name, after, found.value_s, found.low_s, found.high_s, round(found.peak_s), found.word)
