"""Reaction rates of levels, out of sample: each past day's levels, known at its start, judged by what followed.

Every kind is compared with random levels: for each of its levels three prices on the same day whose distance from the
price is drawn from the same kind's other days, on a random side. What is left is what the kind itself knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from desk.analysis.candidates import SWING_BARS, candidates
from desk.analysis.levels import NEAR_ATR, levels
from desk.analysis.naked import NakedPocs, naked_pocs
from desk.analysis.plan import Reaction
from desk.analysis.profile import profile
from desk.analysis.shape import DAY, Floats, Frame, Level
from desk.analysis.timeframes import atr as true_ranges
from desk.analysis.turns import turns
from desk.research.metrics import Interval, trades_needed, wilson, word

MOST_DAYS = 180
LEAST_DAYS = 30
PROFILE_BARS = 720  # as in the analysis: a shorter profile would be another kind
RANDOMS = 3  # per level
SEED = 20_240_501
NEED = trades_needed(0.60)  # touches that tell a rate of 60 % from a coin
ANY, CONFLUENT = "any level", "two kinds or more"
Indices = NDArray[np.int64]


class Start(NamedTuple):
    """A past moment: time, first bar after it, the price then, and the daily ATR14 known then."""

    ts: int
    bar: int
    last: float
    atr: float


class Seen(NamedTuple):
    """Levels of past days as columns (N,): which kind, which day, and the price."""

    kind: Indices
    day: Indices
    price: Floats


def history(frames: Mapping[str, Frame]) -> Frame | None:
    """The candles to measure on: hourly when they reach back 60 days, else 4-hourly; None below 30 days of either."""
    for name, least in (("1h", 2 * LEAST_DAYS), ("4h", LEAST_DAYS), ("1h", LEAST_DAYS)):
        bars = frames.get(name)
        if bars is not None and len(bars) and bars.end - int(bars.ts[0]) >= least * DAY:
            return bars
    return None


def past_days(bars: Frame, daily: Frame | None) -> list[Start]:
    """The same time of day on the days before, newest first, at most 180, each with a whole day of candles after it."""
    ranges = true_ranges(daily) if daily is not None else np.empty(0)
    if daily is None or not len(ranges):
        return []
    closes = daily.ts[-len(ranges) :] + DAY
    out = []
    for ts in range(bars.end - DAY, max(int(bars.ts[0]), bars.end - (MOST_DAYS + 1) * DAY), -DAY):
        bar = int(np.searchsorted(bars.ts, ts))
        day = int(np.searchsorted(closes, ts, side="right")) - 1
        if bar and day >= 0 and ts - int(closes[day]) < DAY and ranges[day] > 0:
            out.append(Start(ts, bar, float(bars.close[bar - 1]), float(ranges[day])))
    return out


def levels_then(frames: Mapping[str, Frame], start: Start, naked: NakedPocs | None) -> tuple[Level, ...]:
    """The levels a report of that moment would have shown. A kind whose look-back is not all there is left out, and so
    are the book's clusters: books are not kept."""
    then = {name: frames[name].upto(start.ts) for name in ("1h", "4h", "1d") if name in frames}
    hourly = then.get("1h")
    shape = profile(hourly, "1h") if hourly is not None and len(hourly) == PROFILE_BARS else None
    if "4h" in then and len(then["4h"]) < SWING_BARS:
        del then["4h"]
    pocs = naked.at(start.ts) if naked is not None else ()
    return levels(start.last, start.atr, candidates(then, shape, start.last, start.ts, pocs))


def reactions(frames: Mapping[str, Frame]) -> tuple[Reaction, ...]:
    """One record per kind seen on past days, sorted by name after "any level" and "two kinds or more".

    `frames` hold nothing later than now; as many days as they reach back, at most 180. The same frames, the same draw.
    """
    bars = history(frames)
    days = past_days(bars, frames.get("1d")) if bars is not None else []
    if bars is None or not days:
        return ()
    days.reverse()
    naked = naked_pocs(frames)
    found = [
        (kind, day, level.price)
        for day, start in enumerate(days)
        for level in levels_then(frames, start, naked)
        for kind in (ANY, *((CONFLUENT,) if level.confluence > 1 else ()), *level.kinds)
    ]
    order = [ANY, CONFLUENT, *sorted({kind for kind, _, _ in found} - {ANY, CONFLUENT})]
    number = {kind: i for i, kind in enumerate(order)}
    found.sort(key=lambda row: number[row[0]])
    seen = Seen(
        np.array([number[kind] for kind, _, _ in found], np.int64),
        np.array([day for _, day, _ in found], np.int64),
        np.array([price for _, _, price in found], np.float64),
    )
    real, drawn = count(bars, days, seen, len(order)), count(bars, days, _random(days, seen, len(order)), len(order))
    return tuple(record(kind, *real[i], *drawn[i], len(order)) for i, kind in enumerate(order))


def record(kind: str, held: int, n: int, random_held: int, random_n: int, looks: int = 1) -> Reaction:
    """The two rates, their difference with its 95 % interval, and what may be said of it after `looks` at such records.

    Of twenty kinds that know nothing one differs at 95 % by chance: the words ask for 1 − 0.05/looks (Bonferroni).

    >>> record("POC", 130, 200, 300, 600).says, record("POC", 118, 200, 300, 600, 20).says
    ('turned more often than random levels', 'no difference from random levels shown')
    """
    rate, other = wilson(held, n), wilson(random_held, random_n)
    gap = newcombe(rate, other) if rate and other else None
    z = NormalDist().inv_cdf(1.0 - 0.025 / looks)
    strict, stricter = wilson(held, n, z), wilson(random_held, random_n, z)
    sure = newcombe(strict, stricter) if strict and stricter else None
    said = word(n, NEED)
    if gap is None or sure is None or sure.low <= 0.0 <= sure.high:
        says = "no difference from random levels shown" if gap else "not measured: no touches in the history"
    else:
        says = f"turned {'more' if gap.value > 0 else 'less'} often than random levels"
    return Reaction(
        kind,
        n,
        held,
        rate.value if rate else None,
        rate.low if rate else None,
        rate.high if rate else None,
        random_n,
        other.value if other else None,
        gap.value if gap else None,
        gap.low if gap else None,
        gap.high if gap else None,
        said,
        says,
    )


def best_measured(records: Sequence[Reaction], kinds: Sequence[str]) -> Reaction | None:
    """The record with the most touches among a level's kinds; None when none was touched."""
    known = [r for r in records if r.kind in kinds and r.n]
    return max(known, key=lambda r: (r.n, r.kind), default=None)


def newcombe(a: Interval, b: Interval) -> Interval:
    """The difference a − b of two independent shares with its 95 % interval from their Wilson bounds.

    Source: Newcombe (1998), "Interval estimation for the difference between independent proportions", method 10;
    his example 56/70 − 48/80 is 0.2000 [0.0524, 0.3339].

    >>> i = newcombe(wilson(56, 70), wilson(48, 80))
    >>> round(i.value, 4), round(i.low, 4), round(i.high, 4)
    (0.2, 0.0524, 0.3339)
    """
    gap = a.value - b.value
    low = gap - sqrt((a.value - a.low) ** 2 + (b.high - b.value) ** 2)
    high = gap + sqrt((a.high - a.value) ** 2 + (b.value - b.low) ** 2)
    return Interval(gap, low, high, min(a.n, b.n))


def random_prices(last: Floats, atr: Floats, reach: Floats, dice: np.random.Generator) -> Floats:
    """For each (last, atr) a price at a distance drawn from `reach` (in ATR), on a random side: (N,) float64.

    On the other side where it would not be above 0.
    """
    distance = reach[dice.integers(0, len(reach), size=len(last))] * atr
    price = last + (2 * dice.integers(0, 2, size=len(last)) - 1) * distance
    return np.where(price > 0.0, price, last + distance)


def _random(days: Sequence[Start], seen: Seen, kinds: int) -> Seen:
    """Random levels on the same days as `seen`, three for each, kind by kind in the order of time."""
    dice = np.random.Generator(np.random.PCG64(SEED))
    last, atr = (np.array(x)[seen.day] for x in ([d.last for d in days], [d.atr for d in days]))
    reach = np.abs(seen.price - last) / atr
    rows = [np.repeat(np.flatnonzero(seen.kind == kind), RANDOMS) for kind in range(kinds)]
    drawn = [random_prices(last[i], atr[i], reach[i], dice) for i in rows if len(i)]
    row = np.concatenate(rows)
    return Seen(seen.kind[row], seen.day[row], np.concatenate(drawn))


def count(bars: Frame, days: Sequence[Start], seen: Seen, kinds: int) -> list[tuple[int, int]]:
    """(held, decided) per kind. A price still being decided from an earlier day is not a second touch."""
    ts, bar = (np.array(x, np.int64) for x in ([d.ts for d in days], [d.bar for d in days]))
    last, atr = (np.array(x) for x in ([d.last for d in days], [d.atr for d in days]))
    end, day = np.searchsorted(bars.ts, ts + DAY), seen.day
    result = turns(bars, bar[day], end[day], last[day], seen.price, atr[day])
    running: dict[int, list[tuple[float, int]]] = {}
    out = [(0, 0)] * kinds
    decided = np.flatnonzero((result.code == 1) | (result.code == 2))
    columns = (seen.kind, seen.day, seen.price, result.code, result.touch, result.decided)
    for kind, at, price, code, touch, until in zip(*(c[decided].tolist() for c in columns), strict=True):
        others = [(p, stop) for p, stop in running.get(kind, ()) if stop >= touch]
        running[kind] = others
        if any(abs(p - price) <= NEAR_ATR * days[at].atr for p, _ in others):
            continue
        others.append((price, until))
        held, n = out[kind]
        out[kind] = held + (code == 1), n + 1
    return out
