"""Volume at price from candles: each bar's volume spread evenly over its low–high range."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from desk.kernels.jit import kernel

Floats = NDArray[np.float64]


@kernel
def spread_volume(low: Floats, high: Floats, volume: Floats, bottom: float, width: float, bins: int) -> Floats:
    """Volume per price bin, (bins,): bin i is [bottom + i·width, bottom + (i+1)·width), the last one with its top edge.

    A bar gives each bin the share of its range that lies inside it; a bar without range gives all to one bin. What lies
    outside the bins is not counted, so choose bottom and bins to hold every low and high.

    >>> out = spread_volume(np.array([1.0, 2.5]), np.array([3.0, 2.5]), np.array([8.0, 1.0]), 1.0, 1.0, 3)
    >>> [float(x) for x in out]
    [4.0, 5.0, 0.0]
    """
    out = np.zeros(bins)
    for k in range(len(volume)):
        first = (low[k] - bottom) / width
        last = (high[k] - bottom) / width
        if last <= first:
            i = int(np.floor(first))
            if i == bins and first == bins:
                i = bins - 1
            if 0 <= i < bins:
                out[i] += volume[k]
            continue
        density = volume[k] / (last - first)
        for i in range(max(0, int(np.floor(first))), min(bins, int(np.floor(last)) + 1)):
            inside = min(last, i + 1.0) - max(first, float(i))
            if inside > 0.0:
                out[i] += density * inside
    return out


@kernel
def price_histogram(price: Floats, volume: Floats, bottom: float, width: float, bins: int) -> Floats:
    """Volume per bin of single prices (trades, closes): (bins,), bin i is [bottom + i·width, bottom + (i+1)·width).

    The top edge belongs to the last bin; prices outside are not counted.

    >>> prices, volumes = np.array([1.0, 1.5, 4.0, 0.5]), np.array([2.0, 3.0, 5.0, 7.0])
    >>> [float(x) for x in price_histogram(prices, volumes, 1.0, 1.0, 3)]
    [5.0, 0.0, 5.0]
    """
    out = np.zeros(bins + 1)
    for k in range(len(price)):
        place = (price[k] - bottom) / width
        if 0.0 <= place <= bins:
            out[int(place)] += volume[k]
    out[bins - 1] += out[bins]
    return out[:bins]
