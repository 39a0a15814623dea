"""Candles for tests: seeded walks on a regular grid, and the ladder of longer ones made from them."""

from __future__ import annotations

import numpy as np

from desk.analysis.resample import ladder
from desk.analysis.shape import FRAMES, Frame, frame

START = 1_704_067_200_000_000_000  # Monday 2024-01-01 00:00 UTC


def walk(n: int, interval: str = "5m", seed: int = 7, start: float = 100.0, drift: float = 0.0) -> Frame:
    """n candles of a random walk with plausible highs, lows and volumes; drift in per cent a bar."""
    dice = np.random.Generator(np.random.PCG64(seed))
    close = start * np.exp(np.cumsum(dice.normal(drift / 100, 0.002, n)))
    opened = np.concatenate(([start], close[:-1]))
    high = np.maximum(opened, close) * np.exp(np.abs(dice.normal(0, 0.001, n)))
    low = np.minimum(opened, close) * np.exp(-np.abs(dice.normal(0, 0.001, n)))
    ts = START + np.arange(n, dtype=np.int64) * FRAMES[interval]
    columns = {"ts": ts, "open": opened, "high": high, "low": low, "close": close, "volume": dice.exponential(10, n)}
    return frame("walk", FRAMES[interval], columns)


def flat(n: int, interval: str = "5m", price: float = 100.0, volume: float = 1.0) -> Frame:
    """n candles that never move."""
    ts = START + np.arange(n, dtype=np.int64) * FRAMES[interval]
    same = np.full(n, price)
    columns = {"ts": ts, "open": same, "high": same, "low": same, "close": same, "volume": np.full(n, volume)}
    return frame("flat", FRAMES[interval], columns)


def without(f: Frame, rows: list[int]) -> Frame:
    """The same candles with some rows missing."""
    keep = np.ones(len(f), bool)
    keep[rows] = False
    return Frame(
        *(column[keep] for column in (f.ts, f.open, f.high, f.low, f.close, f.volume)), f.interval_ns, f.thin[keep]
    )


def frames_of(fine: Frame) -> dict[str, Frame]:
    """Every interval the fine candles can give."""
    return ladder(fine)
