"""One walk for every contender that computes on candles, and the comparison of what they made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

BEGIN = 1_704_067_200_000_000_000  # 2024-01-01, a Monday
MINUTE = 60_000_000_000
ROWS = 695 * 1440  # a million, and whole days


def walk(rows: int, seed: int = 1) -> dict[str, Any]:
    """Columns ts, open, high, low, close, volume of minutes of a seeded random walk (SIMULATED)."""
    dice = np.random.Generator(np.random.PCG64(seed))
    close = 100.0 * np.exp(np.cumsum(dice.normal(0.0, 0.001, rows)))
    begin = np.concatenate(([100.0], close[:-1]))
    return {
        "ts": BEGIN + np.arange(rows, dtype=np.int64) * MINUTE,
        "open": begin,
        "high": np.maximum(begin, close) * 1.0005,
        "low": np.minimum(begin, close) * 0.9995,
        "close": close,
        "volume": dice.exponential(10.0, rows),
    }


def save(columns: dict[str, Any], path: Path) -> Path:
    """Named arrays in numpy's own file format, read again with `load`."""
    np.savez(path, **columns)
    return path


def load(path: Path) -> dict[str, Any]:
    """What `save` wrote."""
    with np.load(path) as held:
        return {name: held[name] for name in held.files}


def difference(ours: Path, theirs: Path) -> tuple[int, str]:
    """How many arrays both answers name, and the first of them that is not the same; "" where all are.

    The same: as long, NaN in the same places, and within 1e-6 (or a billionth of the value, where that is more).
    """
    if not theirs.exists():
        return 0, "no answer was kept"
    mine, other = load(ours), load(theirs)
    shared = [name for name in mine if name in other]
    for name in shared:
        a, b = mine[name], np.asarray(other[name], np.float64)
        if a.shape != b.shape:
            return len(shared), f"{name}: {len(b)} values, ours {len(a)}"
        if not np.allclose(a, b, rtol=1e-9, atol=1e-6, equal_nan=True):
            return len(shared), f"{name} differs from ours by up to {np.nanmax(np.abs(a - b)):g}"
    return len(shared), ""
