"""Divergences: two swings of the price in a row that an oscillator denies, told when the second one is confirmed.

lows     price lower, oscillator higher: regular bullish     price higher, oscillator lower: hidden bullish
highs    price higher, oscillator lower: regular bearish     price lower, oscillator higher: hidden bearish
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from desk.analysis.findings import Divergence
from desk.analysis.shape import Floats, Frame
from desk.analysis.structure import SIDE, peaks

WIDEST = 60  # bars between the two swings


def divergences(frame: Frame, oscillator: Floats, name: str, side: int = SIDE) -> list[Divergence]:
    """All of them, in the order in which they became known. oscillator: (T,), NaN where it is not defined yet."""
    out = []
    for bullish, prices in ((True, frame.low), (False, frame.high)):
        for a, b in pairwise(peaks(-prices if bullish else prices, side).tolist()):
            if b - a > WIDEST or not np.isfinite(oscillator[a]):
                continue
            price, reading = float(prices[b] - prices[a]), float(oscillator[b] - oscillator[a])
            if price * reading < 0.0:
                further = price < 0.0 if bullish else price > 0.0
                known = int(frame.ts[b + side]) + frame.interval_ns
                out.append(Divergence(name, bullish, not further, int(frame.ts[a]), int(frame.ts[b]), known))
    return sorted(out, key=lambda d: (d.known, d.bullish))
