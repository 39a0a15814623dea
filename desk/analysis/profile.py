"""Volume profile: where the volume traded, the value area around its peak, and where the price stands in it.

Value area: from the fullest bin (POC) add the larger of the next two bins above or below until 70 % is inside.
"""

from __future__ import annotations

import math

from desk.analysis.shape import Floats, Frame, Profile
from desk.kernels.profile import spread_volume
from desk.kernels.value_area import value_bins

MAX_BINS = 120
MIN_BARS = 48
SHARE = 0.70
LOOK_BACK = 12  # bars in which a poke out of value still counts


def nice_step(span: float, at_most: int) -> float:
    """The smallest of 1, 2, 5 × 10^k that cuts `span` into at most `at_most` parts.

    >>> nice_step(950.0, 100), nice_step(0.31, 100)
    (10.0, 0.005)
    """
    raw = span / at_most
    power = math.floor(math.log10(raw))
    for digit in (1, 2, 5, 10):
        step = float(f"{digit}e{power}")
        if step >= raw:
            return step
    raise AssertionError("10 × 10^floor(log10 x) is above x")


def value_area(volumes: Floats, share: float = SHARE, rows: int = 2) -> tuple[int, int, int, float]:
    """(POC, VAL, VAH, share inside) as bin numbers: the two-bin rule; a tie goes up.

    The POC is the fullest bin; among equals the one nearest the middle, then the lower. volumes: (N,), sum above 0.
    `rows`: how many bins are compared and added at a time; py-market-profile takes 1.

    >>> import numpy as np
    >>> value_area(np.array([1.0, 2, 4, 8, 12, 20, 15, 9, 5, 3, 1]))
    (5, 3, 7, 0.8)
    """
    poc, low, high, inside = value_bins(volumes, share, rows)
    return poc, low, high, inside / float(volumes.sum())


def profile(frame: Frame, name: str, least: int = MIN_BARS, at_most: int = MAX_BINS) -> Profile | None:
    """The profile of all bars of `frame`; None below `least` bars, without volume, or when the price never moved.

    Bins are 1, 2 or 5 × 10^k wide, at most `at_most`, aligned to multiples of their width. POC is the middle of its
    bin, VAL the lower edge of the lowest and VAH the upper edge of the highest bin of the value area.
    """
    if len(frame) < least:
        return None
    low, high = float(frame.low.min()), float(frame.high.max())
    if high <= low or float(frame.volume.sum()) <= 0.0:
        return None
    width = nice_step(high - low, at_most - 2)
    first = math.floor(low / width)
    bins = math.floor(high / width) - first + 1
    digits = max(0, -math.floor(math.log10(width)) + 1)  # edges are multiples of the width: say them without float dust
    bottom = round(first * width, digits)
    volumes = spread_volume(frame.low, frame.high, frame.volume, bottom, width, bins)
    poc, val, vah, share = value_area(volumes)
    return Profile(
        name,
        len(frame),
        int(frame.ts[0]),
        frame.end,
        bottom,
        width,
        tuple(float(v) for v in volumes),
        round(bottom + (poc + 0.5) * width, digits),
        round(bottom + val * width, digits),
        round(bottom + (vah + 1) * width, digits),
        share,
    )


def value_place(price: float, shape: Profile) -> str:
    """Where a price stands: "above value" | "upper value" | "lower value" | "below value"."""
    if price > shape.vah:
        return "above value"
    if price < shape.val:
        return "below value"
    return "upper value" if price >= shape.poc else "lower value"


def acceptance(closes: Floats, highs: Floats, lows: Floats, shape: Profile) -> tuple[float, str]:
    """(a, word): 1 "accepted" after two closes in a row outside value on one side; −0.5 "rejected" when the price poked
    out on the side of the POC where it closed, within the last 12 bars, and came back; else 0.3 "inside" or "testing".
    """
    last = float(closes[-1])
    side = 1 if last >= shape.poc else -1
    outside = closes > shape.vah if side > 0 else closes < shape.val
    if outside[-1]:
        return (1.0, "accepted") if len(outside) > 1 and outside[-2] else (0.3, "testing")
    poked = highs[-LOOK_BACK:] > shape.vah if side > 0 else lows[-LOOK_BACK:] < shape.val
    return (-0.5, "rejected") if poked.any() else (0.3, "inside")


def profile_score(frame: Frame, shape: Profile) -> tuple[float, str]:
    """(X, word): X = 100·clip(2(close − POC)/(VAH − VAL), −1, 1)·a, −100..+100 (signals.md 6.5, VP)."""
    a, word = acceptance(frame.close, frame.high, frame.low, shape)
    reach = 2.0 * (float(frame.close[-1]) - shape.poc) / (shape.vah - shape.val)
    return 100.0 * max(-1.0, min(1.0, reach)) * a, word
