"""Walk forward: choose on what was known, trade what came after, never the other way round.

Training grows from the first day; between it and the tested days lie the horizon (purge: no training outcome reaches
into the test) and 1 % of the days so far (embargo: what remembers longer). Source: López de Prado (2018), chapter 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import msgspec
import numpy as np
from numpy.typing import NDArray

EMBARGO = 0.01
FIRST = 180  # days of training before anything is tested
STEP = 60  # days of one test

Rows = NDArray[np.int64]


class Split(msgspec.Struct, frozen=True, eq=False):
    """Row numbers of one step: `train` may be looked at to choose, `test` is then traded."""

    train: Rows
    test: Rows


def splits(days: Rows, horizon: int, first: int = FIRST, step: int = STEP, embargo: float = EMBARGO) -> Iterator[Split]:
    """The steps over rows whose day numbers are `days` (T,), rising; gaps are allowed and count as time.

    A test spans `step` days, the first begins `first` days after day one; a training row's day + horizon + embargo is
    at or before the first day of its test. The last test may be shorter. Raises ValueError for times that do not rise.

    >>> for s in splits(np.arange(10), horizon=2, first=5, step=3):
    ...     print(s.train.tolist(), s.test.tolist())
    [0, 1, 2] [5, 6, 7]
    [0, 1, 2, 3, 4, 5] [8, 9]
    """
    if (np.diff(days) <= 0).any() or min(horizon, first, step) < 1:
        raise ValueError("days must rise, and horizon, first and step be at least one day")
    if not len(days):
        return
    begin = int(days[0]) + first
    while begin <= days[-1]:
        test = np.flatnonzero((days >= begin) & (days < begin + step))
        gap = horizon + ceil(embargo * (begin - int(days[0])))
        train = np.flatnonzero(days + gap <= begin)
        if len(test) and len(train):
            yield Split(train, test)
        begin += step
