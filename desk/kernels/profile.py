"""Volume at price from candles: each bar's volume spread evenly over its low–high range."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from desk.kernels.jit import kernel

Floats = NDArray[np.float64]

BLOCK = 512  # rows whose bins are found before their volumes are added


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

    The top edge belongs to the last bin; prices outside are not counted. Rows are added in four tables by turns, then
    those: neighbours often fall into one bin, and an addition would wait for the one before (2.5 -> 1.0 ns a row).

    >>> prices, volumes = np.array([1.0, 1.5, 4.0, 0.5]), np.array([2.0, 3.0, 5.0, 7.0])
    >>> [float(x) for x in price_histogram(prices, volumes, 1.0, 1.0, 3)]
    [5.0, 0.0, 5.0]
    """
    first, second, third, fourth = np.zeros(bins + 2), np.zeros(bins + 2), np.zeros(bins + 2), np.zeros(bins + 2)
    bin_of = np.empty(BLOCK, np.int32)
    for begin in range(0, len(price), BLOCK):
        prices, volumes = price[begin : begin + BLOCK], volume[begin : begin + BLOCK]
        count = len(prices)
        for k in range(count):  # many at once: nothing here depends on the row before
            place = (prices[k] - bottom) / width
            bin_of[k] = np.int32(place) if (place >= 0.0) & (place <= bins) else bins + 1
        fours = count - count % 4
        for k in range(0, fours, 4):
            first[np.uint32(bin_of[k])] += volumes[k]
            second[np.uint32(bin_of[k + 1])] += volumes[k + 1]
            third[np.uint32(bin_of[k + 2])] += volumes[k + 2]
            fourth[np.uint32(bin_of[k + 3])] += volumes[k + 3]
        for k in range(fours, count):
            first[np.uint32(bin_of[k])] += volumes[k]
    out = first + second + third + fourth
    out[bins - 1] += out[bins]
    return out[:bins]
