"""Prices worth knowing, by distance: value area, prior day and week, swings nobody has broken, round numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from desk.analysis.shape import DAY, Frame, Level, Profile

MOST = 12
SWING_SIDE = 3  # bars on each side that must be lower (higher); a swing is known only after they closed
SWING_BARS = 180
NEAR_ATR = 0.15
WEEK_PHASE = 4 * DAY  # 1970-01-01 was a Thursday; our weeks begin on Monday


def levels(
    last: float, atr: float | None, frames: Mapping[str, Frame], shape: Profile | None, now_ns: int
) -> tuple[Level, ...]:
    """At most 12 levels, nearest first. Distances in % of `last` and in daily ATR14 (None when that is unknown)."""
    found: dict[float, list[str]] = {}
    for price, kind in [
        *_value(shape),
        *prior_day(frames.get("1d"), now_ns),
        *prior_week(frames.get("1d"), now_ns),
        *swings(frames.get("4h"), last),
        *round_numbers(last),
    ]:
        found.setdefault(price, []).append(kind)
    nearest = sorted(found, key=lambda p: (abs(p - last), p))[:MOST]
    out = []
    for price in nearest:
        near = sum(1 for p in found if p != price and atr and abs(p - price) <= NEAR_ATR * atr)
        gap = (price - last) / atr if atr else None
        out.append(Level(price, " · ".join(found[price]), 100.0 * (price / last - 1.0), gap, near))
    return tuple(out)


def _value(shape: Profile | None) -> list[tuple[float, str]]:
    return [] if shape is None else [(shape.poc, "POC"), (shape.vah, "VAH"), (shape.val, "VAL")]


def prior_day(daily: Frame | None, now_ns: int) -> list[tuple[float, str]]:
    """High and low of the last whole UTC day before now; nothing when that day is not in the data."""
    today = now_ns - now_ns % DAY
    if daily is None or not len(daily) or int(daily.ts[-1]) != today - DAY:
        return []
    return [(float(daily.high[-1]), "prior day high"), (float(daily.low[-1]), "prior day low")]


def prior_week(daily: Frame | None, now_ns: int) -> list[tuple[float, str]]:
    """High and low of the last whole week, Monday to Sunday UTC; nothing unless all seven days are in the data."""
    monday = now_ns - (now_ns - WEEK_PHASE) % (7 * DAY)
    if daily is None:
        return []
    days = (daily.ts >= monday - 7 * DAY) & (daily.ts < monday)
    if int(days.sum()) != 7:
        return []
    return [(float(daily.high[days].max()), "prior week high"), (float(daily.low[days].min()), "prior week low")]


def swings(bars: Frame | None, last: float) -> list[tuple[float, str]]:
    """Highs above and lows below `last` with three lower (higher) bars on each side that no later bar has passed."""
    if bars is None or len(bars) < 2 * SWING_SIDE + 1:
        return []
    high, low = bars.high[-SWING_BARS:], bars.low[-SWING_BARS:]
    out: list[tuple[float, str]] = []
    for i in range(SWING_SIDE, len(high) - SWING_SIDE):
        around = [*range(i - SWING_SIDE, i), *range(i + 1, i + SWING_SIDE + 1)]
        if high[i] > last and high[i] > np.max(high[around]) and high[i] > np.max(high[i + 1 :]):
            out.append((float(high[i]), "swing high"))
        if low[i] < last and low[i] < np.min(low[around]) and low[i] < np.min(low[i + 1 :]):
            out.append((float(low[i]), "swing low"))
    return out


def round_numbers(last: float) -> list[tuple[float, str]]:
    """The multiples of 5 × 10^(k−1) on both sides of the price, k its decimal magnitude.

    >>> round_numbers(63_250.0), round_numbers(0.5123)
    ([(60000.0, 'round'), (65000.0, 'round')], [(0.5, 'round'), (0.55, 'round')])
    """
    power = math.floor(math.log10(last)) - 1
    count = math.floor(last / float(f"5e{power}"))
    return [(float(f"{5 * k}e{power}"), "round") for k in (count, count + 1) if k > 0]
