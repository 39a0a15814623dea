"""Levels: candidates merged where they agree, by distance, with the touches they have had."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from desk.analysis.candidates import Candidate
from desk.analysis.shape import Frame, Level

MOST = 12
NEAR_ATR = 0.15  # candidates within this of the lowest of their group are one level
TOUCH_ATR = 0.05  # a price this near has touched
AWAY_ATR = 0.25  # and must have been this far away before the next touch counts


def levels(last: float, atr: float | None, found: Sequence[Candidate], bars: Frame | None = None) -> tuple[Level, ...]:
    """At most 12 levels, nearest first. Distances in % of `last` and in daily ATR14 (None when that is unknown).

    `bars` count the touches. Without an ATR only equal prices are merged, and no touch can be defined.
    """
    merged = merge(found, NEAR_ATR * atr if atr else 0.0)
    out = []
    for group in sorted(merged, key=lambda g: (abs(_price(g) - last), _price(g)))[:MOST]:
        price = _price(group)
        kinds = tuple(dict.fromkeys(c.kind for c in group))
        count, newest = touches(bars, price, atr) if bars is not None and atr else (None, None)
        out.append(
            Level(
                price,
                " · ".join(kinds),
                100.0 * (price / last - 1.0),
                (price - last) / atr if atr else None,
                len(group) - 1,
                low=group[0].price,
                high=group[-1].price,
                kinds=kinds,
                touches=count,
                touched=newest,
                confluence=len(kinds),
            )
        )
    return tuple(out)


def merge(found: Sequence[Candidate], width: float) -> list[list[Candidate]]:
    """Groups of candidates, each at most `width` from its lowest to its highest price, in ascending order.

    >>> merge([Candidate(101.0, "b"), Candidate(100.0, "a"), Candidate(101.5, "c")], 1.0)
    [[Candidate(price=100.0, kind='a'), Candidate(price=101.0, kind='b')], [Candidate(price=101.5, kind='c')]]
    """
    groups: list[list[Candidate]] = []
    for c in sorted(found):
        if groups and c.price - groups[-1][0].price <= width:
            groups[-1].append(c)
        else:
            groups.append([c])
    return groups


def touches(bars: Frame, price: float, atr: float) -> tuple[int, int | None]:
    """(count, open time of the newest in ns): visits within 0.05 ATR, each after having been 0.25 ATR away.

    The candles that made a level count as a visit too.
    """
    close_by, away = TOUCH_ATR * atr, AWAY_ATR * atr
    near = (bars.low <= price + close_by) & (bars.high >= price - close_by)
    far = (bars.low > price + away) | (bars.high < price - away)
    told = np.flatnonzero(near | far)
    here = near[told]
    starts = told[here & ~np.concatenate(([False], here[:-1]))]
    return len(starts), int(bars.ts[starts[-1]]) if len(starts) else None


def _price(group: Sequence[Candidate]) -> float:
    """The middle member: a price somebody can look up, where a mean would be nobody's."""
    return group[(len(group) - 1) // 2].price
