"""What a book costs: spread, depth within bands, the impact of sizes, by hour; medians over a regular grid of samples.

A sample is taken of the book as it stood at a grid time, so a busy second weighs as much as a quiet one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

import msgspec

from desk.analysis.findings import BookHour, DepthRow, Impact, Microstructure
from desk.instrument import Instrument

BANDS_BPS = (10.0, 25.0, 50.0)
SIZES = (1_000.0, 10_000.0, 50_000.0, 100_000.0)  # quote currency
HOUR = 3_600_000_000_000
Levels = Sequence[tuple[int, int, int]]  # (ticks, lots, orders), best first


class Sample(msgspec.Struct, frozen=True, gc=False):
    """One look at a book: depth by band and impact by size, each as (bid, ask) or (buy, sell); None where the levels
    held end before the band does, or before the size is filled."""

    ts: int
    spread_bps: float
    depth: tuple[tuple[float | None, float | None], ...]
    impact: tuple[tuple[float | None, float | None], ...]


def sample(ts: int, bids: Levels, asks: Levels, instrument: Instrument, sizes: Sequence[float] = SIZES) -> Sample:
    """Look at one proven, two-sided book. All levels that are known, best first; sizes in the quote currency."""
    mid = (bids[0][0] + asks[0][0]) / 2
    unit = instrument.price(1) * instrument.quantity(1)  # quote currency of one lot at one tick
    sides = (bids, asks)
    depth = tuple(tuple(_within(side, mid, bps, unit) for side in sides) for bps in BANDS_BPS)
    impact = tuple(tuple(_impact(side, mid, size / unit) for side in (asks, bids)) for size in sizes)
    spread = 1e4 * (asks[0][0] - bids[0][0]) / mid
    return Sample(ts, spread, depth, impact)  # type: ignore[arg-type]  # two sides each: mypy sees tuples of any length


def _within(side: Levels, mid: float, bps: float, unit: float) -> float | None:
    reach = mid * bps / 1e4
    if abs(side[-1][0] - mid) < reach:
        return None  # the book goes on below the levels we hold: the band may hold more
    return sum(px * qty for px, qty, _ in side if abs(px - mid) <= reach) * unit


def _impact(side: Levels, mid: float, value: float) -> float | None:
    """bps from the mid to the mean price of an order worth `value` (ticks × lots) against one side."""
    left = value
    lots = 0.0
    for px, qty, _ in side:
        if px * qty >= left:
            return 1e4 * abs(value / (lots + left / px) / mid - 1.0)
        left -= px * qty
        lots += qty
    return None


def microstructure(
    samples: Sequence[Sample], every_ns: int, unproven: int = 0, sizes: Sequence[float] = SIZES
) -> Microstructure | None:
    """The medians of samples that were all taken for these `sizes`; None without any."""
    if not samples:
        return None
    spreads = sorted(s.spread_bps for s in samples)
    depth = []
    for i, bps in enumerate(BANDS_BPS):
        bid, ask = ([d for s in samples if (d := s.depth[i][side]) is not None] for side in (0, 1))
        reached = min(len(bid), len(ask))
        known = 2 * reached >= len(samples)  # fewer are the moments of a narrow book, no picture of the whole
        depth.append(DepthRow(bps, *((_median(bid), _median(ask)) if known else (None, None)), reached))
    impact = []
    for i, size in enumerate(sizes):
        buy, sell = ([math.inf if (d := s.impact[i][side]) is None else d for s in samples] for side in (0, 1))
        filled = min(sum(map(math.isfinite, side)) for side in (buy, sell))
        impact.append(Impact(size, _median(buy), _median(sell), filled / len(samples)))
    hours: dict[int, list[Sample]] = {}
    for each in samples:
        hours.setdefault(each.ts // HOUR % 24, []).append(each)
    return Microstructure(
        begin=samples[0].ts,
        end=samples[-1].ts,
        every_ns=every_ns,
        samples=len(samples),
        unproven=unproven,
        spread_bps=median(spreads),
        spread_p95_bps=spreads[math.ceil(0.95 * len(spreads)) - 1],
        depth=tuple(depth),
        impact=tuple(impact),
        hours=tuple(_hour(hour, hours[hour]) for hour in sorted(hours)),
    )


def _hour(hour: int, samples: Sequence[Sample]) -> BookHour:
    both = [bid + ask for s in samples for bid, ask in s.depth[:1] if bid is not None and ask is not None]
    return BookHour(hour, len(samples), median(s.spread_bps for s in samples), _median(both))


def _median(values: Sequence[float]) -> float | None:
    """None without values, or where the middle one is a size that the book did not hold (infinite)."""
    return middle if values and math.isfinite(middle := median(values)) else None
