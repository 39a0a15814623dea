"""Compile every kernel of the analysis once, so that the first report does not wait for the compiler."""

from __future__ import annotations

import numpy as np

from desk.kernels.averages import ema, true_range, wilder
from desk.kernels.profile import spread_volume


def warm() -> None:
    """Call each kernel on a few numbers of the types it will meet; the machine code is then on disk.

    >>> warm()
    """
    few = np.array([1.0, 2.0, 3.0])
    ema(few, 2)
    wilder(few, 2)
    true_range(few, few, few)
    spread_volume(few, few + 1.0, few, 1.0, 1.0, 4)
