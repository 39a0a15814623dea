"""Swings of the price and the breaks of them, as they became known.

A swing high is a high above those of three bars on each side; it is known only when the third bar after it has closed,
and only then can a close break it. So what is said of a moment never changes afterwards.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from desk.analysis.findings import Break, Structure, Swing
from desk.analysis.shape import Floats, Frame

SIDE = 3  # bars on each side
SHOWN_SWINGS, SHOWN_BREAKS = 8, 3


def peaks(values: Floats, side: int = SIDE) -> NDArray[np.intp]:
    """Where a value is above the `side` values before and the `side` after it; a tie is no peak.

    >>> peaks(np.array([1.0, 3.0, 2.0, 5.0, 5.0, 4.0, 6.0]), 1).tolist()
    [1]
    """
    if len(values) < 2 * side + 1:
        return np.empty(0, dtype=np.intp)
    windows = sliding_window_view(values, 2 * side + 1)
    middle = windows[:, side]
    around = np.maximum(windows[:, :side].max(axis=1), windows[:, side + 1 :].max(axis=1))
    return np.flatnonzero(middle > around) + side


def swings(frame: Frame, side: int = SIDE) -> list[Swing]:
    """Every confirmed swing, in the order of its bar; a bar that is both gives its high first."""
    found = [(int(i), True) for i in peaks(frame.high, side)] + [(int(i), False) for i in peaks(-frame.low, side)]
    out: list[Swing] = []
    before: dict[bool, float] = {}
    for i, high in sorted(found, key=lambda s: (s[0], not s[1])):
        price = float(frame.high[i] if high else frame.low[i])
        last = before.get(high)
        label = "" if last is None else _label(price, last, high)
        before[high] = price
        out.append(Swing(int(frame.ts[i]), price, high, label, int(frame.ts[i + side]) + frame.interval_ns))
    return out


def _label(price: float, before: float, high: bool) -> str:
    """ "HH" … "LL"; a swing equal to the one before is the weaker of its kind: no new extreme was made."""
    if high:
        return "HH" if price > before else "LH"
    return "LL" if price < before else "HL"


def breaks(frame: Frame, found: list[Swing]) -> tuple[list[Break], float | None, float | None]:
    """(breaks, above, below): every close beyond the newest known swing, and the swings not yet broken at the end."""
    out: list[Break] = []
    level: dict[bool, float | None] = {True: None, False: None}
    waiting = iter(sorted(found, key=lambda s: s.known))
    swing = next(waiting, None)
    for ts, close in zip((frame.ts + frame.interval_ns).tolist(), frame.close.tolist(), strict=True):
        for up in (True, False):
            price = level[up]
            if price is not None and (close > price if up else close < price):
                same = not out or out[-1].up == up
                out.append(Break(ts, price, up, "continuation" if same else "reversal"))
                level[up] = None
        while swing is not None and swing.known <= ts:
            level[swing.high] = swing.price
            swing = next(waiting, None)
    return out, level[True], level[False]


def structure(frame: Frame, name: str, side: int = SIDE) -> Structure:
    """Swings, breaks and the word for the last two of each kind: "up" after HH and HL, "down" after LH and LL."""
    found = swings(frame, side)
    broken, above, below = breaks(frame, found)
    highs = [s.label for s in found if s.high]
    lows = [s.label for s in found if not s.high]
    last = (highs[-1] if highs else "", lows[-1] if lows else "")
    word = "unknown" if "" in last else {("HH", "HL"): "up", ("LH", "LL"): "down"}.get(last, "mixed")
    return Structure(name, word, tuple(found[-SHOWN_SWINGS:]), tuple(broken[-SHOWN_BREAKS:]), above, below)
