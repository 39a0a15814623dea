"""The value area of a volume profile: the bins around the fullest one that hold a share of the volume."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from desk.kernels.jit import kernel

Floats = NDArray[np.float64]


@kernel
def value_bins(volumes: Floats, share: float, rows: int) -> tuple[int, int, int, float]:
    """(POC, lowest, highest, volume inside) as bin numbers; a tie goes up.

    The POC is the fullest bin, among equals the one nearest the middle, then the lower. From there the larger of the
    next `rows` bins above or below is added until `share` (0..1) of the volume is inside. volumes: (N,), sum above 0.

    >>> value_bins(np.array([1.0, 2, 4, 8, 12, 20, 15, 9, 5, 3, 1]), 0.7, 2)
    (5, 3, 7, 64.0)
    """
    top = len(volumes) - 1
    poc, total = 0, 0.0
    for i in range(len(volumes)):
        total += volumes[i]
        nearer = abs(i - top / 2.0) < abs(poc - top / 2.0)
        if volumes[i] > volumes[poc] or (volumes[i] == volumes[poc] and nearer):
            poc = i
    low = high = poc
    inside = volumes[poc]
    while inside < share * total and (low > 0 or high < top):
        above, below = (0.0 if high < top else -1.0), (0.0 if low > 0 else -1.0)
        for i in range(high + 1, min(top, high + rows) + 1):
            above += volumes[i]
        for i in range(max(0, low - rows), low):
            below += volumes[i]
        if above >= below:
            high, inside = min(top, high + rows), inside + above
        else:
            low, inside = max(0, low - rows), inside + below
    return poc, low, high, inside
