"""Prices that may matter, each with its kind: volume at price, prior periods, swings, anchored VWAP, round numbers.

A new kind is a new row in `candidates`; merging, touches, reaction rates and grades follow by themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from desk.analysis.findings import Cluster
from desk.analysis.profiles import nodes
from desk.analysis.shape import DAY, Frame, Profile

SWING_SIDE = 3  # bars on each side that must be lower (higher); a swing is known only after they closed
SWING_BARS = 180
VWAP_BARS = 24  # hours an anchored VWAP needs before its band means anything
WEEK_PHASE = 4 * DAY  # 1970-01-01 was a Thursday; our weeks begin on Monday


class Candidate(NamedTuple):
    """One price and what it is."""

    price: float
    kind: str


def candidates(
    frames: Mapping[str, Frame],
    shape: Profile | None,
    last: float,
    now_ns: int,
    naked: Sequence[float] = (),
    clusters: Sequence[Cluster] = (),
) -> list[Candidate]:
    """Every candidate known at `now_ns` from `frames`, which hold nothing later.

    `shape`: the profile of the newest hours; `naked`: POCs of past days that were not traded again; `clusters`: what a
    recorded book held.
    """
    daily, hourly = frames.get("1d"), frames.get("1h")
    monday, month = week_start(now_ns), month_start(now_ns)
    return [
        *value_area_edges(shape),
        *volume_nodes(shape),
        *(Candidate(poc, "naked POC") for poc in naked),
        *prior_day(daily, now_ns),
        *prior_period(daily, week_start(monday - 1), monday, "prior week"),
        *prior_period(daily, month_start(month - 1), month, "prior month"),
        *swings(frames.get("4h"), last),
        *anchored_vwap(hourly, monday, "week VWAP"),
        *anchored_vwap(hourly, month, "month VWAP"),
        *round_numbers(last),
        *(Candidate(c.price, "book cluster") for c in clusters),
    ]


def value_area_edges(shape: Profile | None) -> list[Candidate]:
    """POC, VAH and VAL of the profile."""
    if shape is None:
        return []
    return [Candidate(shape.poc, "POC"), Candidate(shape.vah, "VAH"), Candidate(shape.val, "VAL")]


def volume_nodes(shape: Profile | None) -> list[Candidate]:
    """HVN and LVN of the profile. The fullest bin is the POC already: twice the same fact is no confluence."""
    if shape is None:
        return []
    return [Candidate(tidy(n.price), n.kind) for n in nodes(shape) if abs(n.price - shape.poc) > shape.width / 2.0]


def week_start(now_ns: int) -> int:
    """Monday 00:00 UTC of the week of `now_ns`."""
    return now_ns - (now_ns - WEEK_PHASE) % (7 * DAY)


def month_start(now_ns: int) -> int:
    """00:00 UTC on the first of the month of `now_ns`.

    >>> month_start(1_709_208_000_000_000_000) == 1_706_745_600_000_000_000  # 2024-02-29 12:00 → 2024-02-01
    True
    """
    return int(np.datetime64(now_ns, "ns").astype("datetime64[M]").astype("datetime64[ns]").astype(np.int64))


def prior_day(daily: Frame | None, now_ns: int) -> list[Candidate]:
    """High and low of the last whole UTC day before now; nothing when that day is not in the data."""
    today = now_ns - now_ns % DAY
    return prior_period(daily, today - DAY, today, "prior day")


def prior_period(daily: Frame | None, begin: int, end: int, name: str) -> list[Candidate]:
    """High and low of [begin, end) in whole days; nothing unless every day of it is in the data."""
    if daily is None:
        return []
    first, stop = (int(i) for i in np.searchsorted(daily.ts, (begin, end)))
    if (stop - first) * DAY != end - begin:
        return []
    high, low = float(daily.high[first:stop].max()), float(daily.low[first:stop].min())
    return [Candidate(high, f"{name} high"), Candidate(low, f"{name} low")]


def swings(bars: Frame | None, last: float) -> list[Candidate]:
    """Highs above and lows below `last` with three lower (higher) bars on each side that no later bar has passed."""
    if bars is None or len(bars) < 2 * SWING_SIDE + 1:
        return []
    out = []
    for sign, values, kind in ((1.0, bars.high, "swing high"), (-1.0, bars.low, "swing low")):
        v = sign * values[-SWING_BARS:]
        windows = sliding_window_view(v, SWING_SIDE).max(axis=1)
        left, right = windows[: -SWING_SIDE - 1], windows[SWING_SIDE + 1 :]
        later = np.maximum.accumulate(v[::-1])[::-1]
        middle = v[SWING_SIDE:-SWING_SIDE]
        after = later[SWING_SIDE + 1 : len(v) - SWING_SIDE + 1]
        found = middle[(middle > left) & (middle > right) & (middle > after) & (middle > sign * last)]
        out += [Candidate(float(sign * x), kind) for x in found]
    return out


def anchored_vwap(bars: Frame | None, anchor: int, name: str) -> list[Candidate]:
    """VWAP since `anchor` and one volume-weighted σ on both sides, from typical prices (H+L+C)/3 of candles.

    Trades would give it exactly; candles are what every history has. Nothing below 24 bars, without volume, or when the
    data begins after the anchor. Rounded to 7 significant digits.
    """
    if bars is None or not len(bars) or int(bars.ts[0]) > anchor:
        return []
    since = slice(int(np.searchsorted(bars.ts, anchor)), None)
    volume = bars.volume[since]
    total = float(volume.sum())
    if len(volume) < VWAP_BARS or total <= 0.0:
        return []
    typical = (bars.high[since] + bars.low[since] + bars.close[since]) / 3.0
    mean = float(typical @ volume) / total
    sigma = math.sqrt(float((typical - mean) ** 2 @ volume) / total)
    rows = ((mean, name), (mean + sigma, f"{name} +1σ"), (mean - sigma, f"{name} −1σ"))
    return [Candidate(tidy(price), kind) for price, kind in rows if price > 0.0]


def round_numbers(last: float) -> list[Candidate]:
    """The multiples of 5 × 10^(k−1) on both sides of the price, k its decimal magnitude.

    >>> [c.price for x in (63_250.0, 0.5123) for c in round_numbers(x)]
    [60000.0, 65000.0, 0.5, 0.55]
    """
    power = math.floor(math.log10(last)) - 1
    count = math.floor(last / float(f"5e{power}"))
    return [Candidate(float(f"{5 * k}e{power}"), "round") for k in (count, count + 1) if k > 0]


def tidy(price: float) -> float:
    """A computed price to 7 significant digits: the float dust of a sum never reaches a report."""
    return float(f"{price:.7g}")
