"""Did the price turn at a level? One definition, for the record of a kind and for the grade of a plan.

A level is touched when the price comes within 0.05 ATR of it from where it stood. It held when the price then moves
0.5 ATR back before it moves 0.5 ATR beyond, and is broken otherwise: a walk without memory holds half of the time.
What the touching candle did on the near side is not counted, since it may have done it before the touch; a candle that
moves both ways counts as broken. Both rules treat a random level alike.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from desk.analysis.levels import TOUCH_ATR
from desk.analysis.shape import DAY, Floats, Frame
from desk.kernels.exits import first_exits

REACTS_ATR = 0.5
DECIDES_NS = 3 * DAY  # after the touch; later the question is left open
HELD, BROKEN, UNTOUCHED, OPEN, AT_PRICE = "held", "broken", "untouched", "open", "at the price"
WORDS = (UNTOUCHED, HELD, BROKEN, OPEN, AT_PRICE)
Indices = NDArray[np.int64]


class Turns(NamedTuple):
    """Per level (N,): `code` into WORDS, the touching bar and the deciding bar (meaningful where there was one)."""

    code: Indices
    touch: Indices
    decided: Indices


def turns(bars: Frame, begin: Indices, end: Indices, last: Floats, prices: Floats, atr: Floats) -> Turns:
    """What became of each level: touched in bars [begin, end), decided within three days of it.

    begin, end: (N,) int64 bar numbers; last: (N,) the price when the level was known; prices, atr: (N,).
    """
    resists = prices > last
    close_by, move = TOUCH_ATR * atr, REACTS_ATR * atr
    never = np.full(len(prices), np.inf)
    side, touch = first_exits(
        bars.high,
        bars.low,
        begin,
        end,
        np.where(resists, -never, prices + close_by),
        np.where(resists, prices - close_by, never),
    )
    touched = side != 0
    at = np.minimum(touch, len(bars) - 1)
    passed = np.where(resists, bars.high[at] >= prices + move, bars.low[at] <= prices - move)
    until = np.searchsorted(bars.ts, bars.ts[at] + DECIDES_NS)
    start = np.minimum(at + 1, until)
    out, decided = first_exits(bars.high, bars.low, start, until, prices - move, prices + move)
    back = np.where(resists, out == -1, out == 1)
    code = np.select(
        [np.abs(prices - last) <= close_by, ~touched, passed, out == 0, back], [4, 0, 2, 3, 1], default=2
    ).astype(np.int64)
    return Turns(code, touch, np.where(passed, touch, decided))
