"""Where a walk without drift would be a day from now, drawn beside the last closes: pixels from prices."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import msgspec

from desk.analysis.chart import LABEL_GAP, Mark, spread_out
from desk.analysis.shape import DAY, Bar

PAST = 42  # closes drawn before the cone
LEAST = 30  # closes a volatility needs
FLOOR = 24.0  # px below the plot, for the times


class Cone(msgspec.Struct, frozen=True):
    """The cone in px: outlines of one and two standard deviations as SVG paths, and their bounds at the end as prices.

    `marks` are labels at the right: the ones given that lie in the drawing, and the bounds ("68 %", "95 %").
    `bars`: how many candles the volatility comes from; `begin`: open time (ns) of the first close drawn.
    """

    line: str
    inner: str
    outer: str
    now_x: float
    right: float
    one: tuple[float, float]
    two: tuple[float, float]
    marks: tuple[Mark, ...]
    bars: int
    begin: int


def day_sigma(bars: Sequence[Bar], interval_ns: int) -> float | None:
    """Standard deviation of the log return over a day: √(Σr²/n · bars a day), without drift; None below 30 closes.

    >>> up = [Bar(i, 1.0, 1.0, 1.0, 2.0 ** (i % 2), 1.0) for i in range(40)]
    >>> round(day_sigma(up, DAY), 3)  # every day ln 2 up or down
    0.693
    """
    if len(bars) < LEAST:
        return None
    moves = [math.log(b.close / a.close) for a, b in itertools.pairwise(bars)]
    return math.sqrt(math.fsum(r * r for r in moves) / len(moves) * DAY / interval_ns)


def cone(
    bars: Sequence[Bar], interval_ns: int, marks: Sequence[tuple[float, str]], size: tuple[int, int], labels: int
) -> Cone | None:
    """The last closes and the cone of the next day in `size` px, of which `labels` px on the right are for names.

    `marks`: (price, name). None without a volatility.
    """
    sigma = day_sigma(bars, interval_ns)
    if not sigma:
        return None
    width, height = size
    right, floor = float(width - labels), height - FLOOR
    shown = bars[-PAST:]
    last = bars[-1].close
    now_x = round(right * 0.62, 1)
    two = (last * math.exp(-2.0 * sigma), last * math.exp(2.0 * sigma))
    one = (last * math.exp(-sigma), last * math.exp(sigma))
    low = min(two[0], *(b.close for b in shown))
    high = max(two[1], *(b.close for b in shown))
    pad = 0.04 * (high - low)

    def y(price: float) -> float:
        return round((high + pad - price) / (high - low + 2.0 * pad) * floor, 1)

    def outline(many: float) -> str:
        steps = [i / 24.0 for i in range(25)]
        xs = [round(now_x + (right - now_x) * t, 1) for t in steps]
        upper = [f"{x} {y(last * math.exp(many * sigma * math.sqrt(t)))}" for x, t in zip(xs, steps, strict=True)]
        lower = [f"{x} {y(last * math.exp(-many * sigma * math.sqrt(t)))}" for x, t in zip(xs, steps, strict=True)]
        return "M" + "L".join([*upper, *reversed(lower)]) + "Z"

    pitch = now_x / (len(shown) - 1)
    line = "M" + "L".join(f"{round(i * pitch, 1)} {y(b.close)}" for i, b in enumerate(shown))
    bounds = [*((price, "68 %") for price in one), *((price, "95 %") for price in two)]
    inside = sorted((m for m in (*marks, *bounds) if low <= m[0] <= high), key=lambda m: -m[0])
    places = spread_out([y(p) for p, _ in inside], LABEL_GAP, 10.0, floor - 2.0)
    named = tuple(Mark(y(p), t, p, kind) for (p, kind), t in zip(inside, places, strict=True))
    return Cone(line, outline(1.0), outline(2.0), now_x, right, one, two, named, len(bars), shown[0].ts)
