"""The past days most like now, and what followed them: an illustration with its base rate, not a forecast.

A day is six numbers known at its close: the three terms of the score, the price's move over 1 and 10 days in standard
deviations of the 20 days before, and that deviation's rank among the last 250. Distance: root mean square difference
of the six, each in standard deviations over all past days.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from desk.analysis.evidence import Nearest, PastDay
from desk.analysis.past import Past
from desk.analysis.shape import DAY, Floats
from desk.analysis.timeframes import rank
from desk.research.metrics import expectancy, wilson
from desk.research.skill import days_of
from desk.research.walkforward import Rows

FEATURES = ("timeframes", "volume profile", "technicals", "1-day move", "10-day move", "volatility rank")
COUNT = 20
FEWEST = 100  # past days to choose from
APART = 5  # days between two that are shown: a week of one episode is not seven likenesses
SIGMA_DAYS, MOVE_DAYS, RANK_DAYS = 20, 10, 250


def features(past: Past) -> Floats:
    """(M, 6): each row from candles that had closed by its day's end; NaN where one is not known."""
    m = len(past)
    table = np.full((m, len(FEATURES)), np.nan)
    table[:, :3] = np.stack([past.values[key] for key in ("mtf", "profile", "technical")], axis=1)
    if m <= SIGMA_DAYS:
        return table
    moves = np.diff(np.log(past.close))
    sigma = sliding_window_view(moves, SIGMA_DAYS).std(axis=1)  # sigma[j] ends at row j + 20
    safe = np.where(sigma > 0.0, sigma, np.nan)
    table[SIGMA_DAYS:, 3] = moves[SIGMA_DAYS - 1 :] / safe
    back = np.log(past.close[SIGMA_DAYS:] / past.close[SIGMA_DAYS - MOVE_DAYS : m - MOVE_DAYS])
    table[SIGMA_DAYS:, 4] = back / (safe * MOVE_DAYS**0.5)
    table[SIGMA_DAYS:, 5] = [rank(sigma[max(0, j + 1 - RANK_DAYS) : j + 1]) for j in range(len(sigma))]
    return table


def nearest(past: Past, horizons: tuple[int, ...], seed: int) -> Nearest | None:
    """The 20 days before the newest row that are most like it, at least 5 days apart; None below 100 to choose from.

    Only days whose outcome over every horizon was known at the newest row. The same seed gives the same intervals.
    """
    table = features(past)
    if not len(past) or not np.isfinite(table[-1]).all():
        return None
    ahead = {h: days_of(past, h).ahead for h in horizons}
    usable = np.isfinite(table).all(axis=1) & np.isfinite(np.stack(list(ahead.values()))).all(axis=0)
    rows = np.flatnonzero(usable & (past.ts + max(horizons) * DAY <= past.ts[-1]))
    if len(rows) < FEWEST:
        return None
    spread = table[rows].std(axis=0)
    scaled = table / np.where(spread > 0.0, spread, 1.0)
    away = np.sqrt(((scaled[rows] - scaled[-1]) ** 2).mean(axis=1))
    chosen = _spaced(past.ts[rows] // DAY, away)
    days = tuple(
        PastDay(
            int(past.ts[rows[i]]),
            float(away[i]),
            float(past.values["score"][rows[i]]),
            {str(h): float(ahead[h][rows[i]]) for h in horizons},
        )
        for i in chosen
    )
    up, always, mean = {}, {}, {}
    for h in horizons:
        after = ahead[h][rows[chosen]]
        share, result = wilson(int((after > 0.0).sum()), len(after)), expectancy(after, seed)
        if share is not None and result is not None:
            up[str(h)], mean[str(h)] = share, result.net
        always[str(h)] = float((ahead[h][rows] > 0.0).mean())
    return Nearest(days, FEATURES, up, always, mean, _usual(scaled[rows], away))


def _spaced(numbers: Rows, away: Floats) -> Rows:
    """Positions of the nearest days, nearest first, none within 5 days of a nearer one."""
    taken: list[int] = []
    for i in np.argsort(away, kind="stable").tolist():
        if all(abs(int(numbers[i] - numbers[j])) >= APART for j in taken):
            taken.append(i)
            if len(taken) == COUNT:
                break
    return np.array(taken, np.int64)


def _usual(scaled: Floats, away: Floats) -> float:
    """The share of past days farther from their own 20 nearest, on average, than now is from its."""
    count = min(COUNT, len(away) - 1)
    squares = (scaled**2).sum(axis=1)
    apart = np.sqrt(np.maximum(squares[:, None] + squares[None, :] - 2.0 * scaled @ scaled.T, 0.0) / scaled.shape[1])
    np.fill_diagonal(apart, np.inf)
    typical = np.partition(apart, count - 1, axis=1)[:, :count].mean(axis=1)
    return float((typical > np.partition(away, count - 1)[:count].mean()).mean())
