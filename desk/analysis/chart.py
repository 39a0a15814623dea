"""Geometry of the report's drawings: pixels from prices, rounded to tenths. Drawing them is the template's work."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from desk.analysis.profile import nice_step
from desk.analysis.shape import Bar, Level, Profile, Term

LABEL_GAP = 14.0  # px between the baselines of two labels


class Candlestick(msgspec.Struct, frozen=True):
    """One candle: wick from `top` to `bottom` at the middle `x`; body at `y`, `height` high."""

    x: float
    top: float
    bottom: float
    y: float
    height: float
    up: bool


class Mark(msgspec.Struct, frozen=True):
    """A line at `y` with its label at `text_y` (moved apart from its neighbours)."""

    y: float
    text_y: float
    price: float
    kind: str


class VolumeBar(msgspec.Struct, frozen=True):
    """One bin of the profile, `width` px from the right edge of the plot."""

    y: float
    height: float
    width: float
    inside: bool
    poc: bool


class Chart(msgspec.Struct, frozen=True):
    """A candle chart with its profile: the plot lies between `left` and `right` of `width` px, labels beside it."""

    width: int
    height: int
    left: int
    right: int
    body_w: float
    candles: tuple[Candlestick, ...]
    profile: tuple[VolumeBar, ...]
    marks: tuple[Mark, ...]
    last_y: float
    grid: tuple[tuple[float, float], ...]  # (y, price)
    grid_digits: int
    times: tuple[tuple[float, int], ...]  # (x, ns)


class Step(msgspec.Struct, frozen=True):
    """One bar of the waterfall: from `x` for `width` px; `start`, `stop` are the running sums."""

    term: Term
    x: float
    width: float
    start: float
    stop: float
    stop_x: float


def chart(
    bars: Sequence[Bar],
    shape: Profile | None,
    levels: Sequence[Level],
    last: float,
    size: tuple[int, int],
    margins: tuple[int, int],
) -> Chart | None:
    """The bars, the profile behind them and the levels inside their range; None without bars.

    `size`: width and height in px; `margins`: px left (prices) and right (levels) of the plot.
    """
    if not bars:
        return None
    low, high = min(b.low for b in bars), max(b.high for b in bars)
    pad = 0.04 * (high - low) or 0.01 * high
    low, high = low - pad, high + pad
    width, height = size
    left, right = margins[0], width - margins[1]
    floor = height - 22.0  # the dates live below
    pitch = (right - left) / len(bars)

    def y(price: float) -> float:
        return round((high - price) / (high - low) * floor, 1)

    candles = tuple(
        Candlestick(
            round(left + (i + 0.5) * pitch, 1),
            y(b.high),
            y(b.low),
            y(max(b.open, b.close)),
            max(1.0, round(y(min(b.open, b.close)) - y(max(b.open, b.close)), 1)),
            b.close >= b.open,
        )
        for i, b in enumerate(bars)
    )
    shown = sorted((lv for lv in levels if low <= lv.price <= high), key=lambda lv: -lv.price)
    places = spread_out([y(lv.price) for lv in shown], LABEL_GAP, 10.0, floor - 2.0)
    marks = tuple(Mark(y(lv.price), t, lv.price, lv.kind) for lv, t in zip(shown, places, strict=True))
    step = nice_step(high - low, max(3, int(floor // 70)))
    lines = range(math.ceil(low / step), math.floor(high / step) + 1)
    grid = tuple((y(k * step), k * step) for k in lines if 8.0 <= y(k * step) <= floor - 4.0)
    digits = max(0, -math.floor(math.log10(step)))
    every = max(1, round(len(bars) / max(2.0, (right - left) / 130.0)))
    times = tuple((candles[i].x, bars[i].ts) for i in range(every // 2, len(bars), every))
    volume = profile_bars(shape, low, high, floor, 0.30 * (right - left)) if shape is not None else ()
    body = round(max(1.0, 0.64 * pitch), 1)
    return Chart(width, height, left, right, body, candles, volume, marks, y(last), grid, digits, times)


def profile_bars(shape: Profile, low: float, high: float, floor: float, longest: float) -> tuple[VolumeBar, ...]:
    """The bins between two prices; the fullest of all bins is `longest` px."""
    most = max(shape.volumes)
    scale = floor / (high - low)
    out = []
    for i, volume in enumerate(shape.volumes):
        bottom = shape.bottom + i * shape.width
        middle = bottom + shape.width / 2.0
        if volume <= 0.0 or not low <= bottom or not bottom + shape.width <= high:
            continue
        out.append(
            VolumeBar(
                round((high - bottom - shape.width) * scale, 1),
                round(max(0.8, shape.width * scale - 0.8), 1),
                round(longest * volume / most, 1),
                shape.val < middle < shape.vah,
                abs(middle - shape.poc) < shape.width / 4.0,
            )
        )
    return tuple(out)


def spread_out(wanted: Sequence[float], gap: float, top: float, bottom: float) -> list[float]:
    """Label positions in the given (ascending) order, at least `gap` apart, as near to `wanted` as the bounds allow.

    >>> spread_out([10.0, 12.0, 60.0], 15.0, 0.0, 100.0)
    [10.0, 25.0, 60.0]
    >>> spread_out([95.0, 96.0], 15.0, 0.0, 100.0)
    [85.0, 100.0]
    """
    out: list[float] = []
    for y in wanted:
        out.append(max(y, out[-1] + gap if out else top))
    limit = bottom
    for i in range(len(out) - 1, -1, -1):
        out[i] = round(min(out[i], limit), 1)
        limit = out[i] - gap
    return out


def waterfall(terms: Sequence[Term], left: float, right: float) -> tuple[Step, ...]:
    """The terms that have a contribution as steps on a scale from −100 (`left` px) to +100 (`right` px)."""
    out, total = [], 0.0
    for term in terms:
        if term.contribution is None:
            continue
        start, total = total, total + term.contribution
        a, b = (at(value, left, right) for value in (start, total))
        out.append(Step(term, min(a, b), max(1.0, round(abs(b - a), 1)), start, total, b))
    return tuple(out)


def at(value: float, left: float, right: float) -> float:
    """Where −100..+100 lies between two pixels.

    >>> at(0.0, 10.0, 30.0)
    20.0
    """
    return round(left + (value + 100.0) / 200.0 * (right - left), 1)


def rounded(parts: Sequence[float], digits: int = 1) -> list[float]:
    """Parts rounded so that they add up to their rounded sum (largest remainder): what is shown adds up as shown.

    >>> rounded([0.34, 0.34, 0.34]), rounded([-11.04, 5.55])
    ([0.4, 0.3, 0.3], [-11.0, 5.5])
    """
    unit = 10**digits
    floors = [math.floor(p * unit) for p in parts]
    short = round(math.fsum(parts) * unit) - sum(floors)
    order = sorted(range(len(parts)), key=lambda i: (floors[i] - parts[i] * unit, i))
    for i in order[:short]:
        floors[i] += 1
    return [f / unit for f in floors]
