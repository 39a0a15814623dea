"""What the movable chart reads: the candles, the profile and the levels as plain values for JSON."""

from __future__ import annotations

from typing import Any

from desk.analysis.shape import Analysis


def chart_data(a: Analysis, digits: int) -> dict[str, Any]:
    """Bars with `time` in seconds, volumes beside them, levels by price and first kind; `digits` of a price.

    `last` is the close of the finest candles: it may be newer than the last bar.
    """
    shape = a.profile
    return {
        "digits": digits,
        "last": a.last,
        "bars": [
            {"time": b.ts // 10**9, "open": b.open, "high": b.high, "low": b.low, "close": b.close} for b in a.bars
        ],
        "volumes": [b.volume for b in a.bars],
        "levels": [{"price": lv.price, "kind": lv.kind.split(" · ")[0]} for lv in a.levels],
        "profile": shape
        and {
            "bottom": shape.bottom,
            "width": shape.width,
            "volumes": shape.volumes,
            "poc": shape.poc,
            "val": shape.val,
            "vah": shape.vah,
        },
    }


def decimals(a: Analysis) -> int:
    """The fewest decimals that write the chart's closes exactly, at most 8."""
    closes = [b.close for b in a.bars[-60:]] + [a.last]
    return next((d for d in range(8) if all(abs(c - round(c, d)) < 1e-9 * c for c in closes)), 8)
