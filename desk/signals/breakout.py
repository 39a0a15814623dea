"""The false-breakout filter: a range breaks, and the order flow either believes it or does not.

A break is a print beyond the highest high (lowest low) of the last 20 closed minutes, coming from inside. An entry in
its direction within 30 s is asked for at least three of four votes, all in the direction of the break:

    pressure   EMA of the imbalance component ≥ 10
    flow       order-flow imbalance at the touch over 10 s, z ≥ 0.5
    tape       (V_buy − V_sell)/(V_buy + V_sell) over 10 s ≥ 0.2
    calm       spread ≤ 2·reference, and no print back inside the range within the first 2 s

What is not known votes no. Source: signals.md 6.4; what a range is, and the 30 s, are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import msgspec
import numpy as np

from desk.kernels import trade_frame as at
from desk.market.reading import MarketReading
from desk.messages import Candle, Side

SECOND = 1_000_000_000
RANGE_BARS = 20
YOUNG = 30 * SECOND
SETTLES = 2 * SECOND  # a print back inside later than this is an ordinary pull-back
FLOW_WINDOW = 10 * SECOND
HORIZON = 300 * SECOND  # a break that has gone nowhere by then is neither real nor false
NEEDED = 3
PRESSURE, FLOW_Z, TAPE, WIDE = 10.0, 0.5, 0.2, 2.0
FAR = 1 << 62  # beyond any price or time that a kernel reads
LAST_PX, LOW, HIGH, FLOOR, SINCE, UNTIL = (
    word // 8 for word in (at.LAST_PX, at.LOW, at.HIGH, at.FLOOR, at.SINCE, at.UNTIL)
)


class Evidence(NamedTuple):
    """What the book and the tape show at one moment, signed as the market is; None where it is not known."""

    pressure: float | None
    flow_z: float | None
    tape: float | None
    spread_bps: float
    spread_ref_bps: float


def evidence(pressure: float | None, flow: MarketReading | None, bid: int, ask: int, spread_ref_bps: float) -> Evidence:
    """What is seen now: `pressure` of the score, `flow` of the market, the touch in ticks."""
    z = flow.touch_flow_z if flow is not None else None
    tape = flow.tape_imbalance(FLOW_WINDOW) if flow is not None else None
    return Evidence(pressure, z, tape, 20_000.0 * (ask - bid) / (ask + bid), spread_ref_bps)


class Break(msgspec.Struct):
    """A level left behind: `at` ns, `level` in ticks, `back` once a print came back inside while it was settling.

    `reach`: ticks beyond the level that make it real, and as many back inside that make it false; 0 when not measured.
    """

    side: Side
    level: int
    at: int
    reach: float = 0.0
    back: bool = False
    believed: bool | None = None

    def votes(self, now: int, seen: Evidence) -> dict[str, bool]:
        """The four votes at `now`; `calm` cannot be given before the break has settled.

        >>> seen = Evidence(-12.0, -0.9, -0.1, 0.4, 0.5)
        >>> Break(Side.SELL, 1000, at=0).votes(2 * SECOND, seen)
        {'pressure': True, 'flow': True, 'tape': False, 'calm': True}
        """
        return {
            "pressure": _along(self.side, seen.pressure, PRESSURE),
            "flow": _along(self.side, seen.flow_z, FLOW_Z),
            "tape": _along(self.side, seen.tape, TAPE),
            "calm": now - self.at >= SETTLES and not self.back and seen.spread_bps <= WIDE * seen.spread_ref_bps,
        }


class BreakoutRecord(msgspec.Struct):
    """What became of the breaks that were judged 2 s after they began: real when the price went on by one ATR, false
    when it first came back by one. `undecided` did neither in five minutes; `unjudged` were over before.
    """

    believed_real: int = 0
    believed_false: int = 0
    doubted_real: int = 0
    doubted_false: int = 0
    undecided: int = 0
    unjudged: int = 0

    @property
    def decided(self) -> int:
        return self.believed_real + self.believed_false + self.doubted_real + self.doubted_false

    @property
    def base_rate(self) -> float | None:
        """Real breaks among all: what trading every break would have; None without any."""
        return _ratio(self.believed_real + self.doubted_real, self.decided)

    @property
    def precision(self) -> float | None:
        """Real ones among those the filter believed; None when it believed none."""
        return _ratio(self.believed_real, self.believed_real + self.believed_false)

    @property
    def recall(self) -> float | None:
        """Believed ones among the real; None without a real one."""
        return _ratio(self.believed_real, self.believed_real + self.doubted_real)

    @property
    def lift(self) -> float | None:
        """Precision over the base rate: above 1 the filter helps; None where either is not known or the base is 0.

        >>> BreakoutRecord(believed_real=6, believed_false=2, doubted_real=2, doubted_false=6).lift
        1.5
        """
        precision, base = self.precision, self.base_rate
        return precision / base if precision is not None and base else None


class BreakoutWatch:
    """The breaks of one instrument: found and resolved by prints, so quotes that flicker break nothing.

    Most prints say nothing of any break. Which ones do not stands in `block`, for a kernel that takes those in
    (desk.kernels.trade_frame).

    >>> watch = BreakoutWatch()
    >>> watch.range = (90, 110)
    >>> for second, px in enumerate((105, 111, 109)):
    ...     watch.trade(second * SECOND, px)
    >>> watch.young(Side.BUY, now=2 * SECOND).back, watch.young(Side.SELL, now=2 * SECOND)
    (True, None)
    """

    __slots__ = ("_high", "_last", "_low", "_open", "_settles", "_words", "block", "reach", "record")

    def __init__(self) -> None:
        self.block = np.zeros(at.BREAK_WORDS, np.int64)
        self._words: memoryview[int] = self.block.data
        self.reach = 0.0
        self.record = BreakoutRecord()
        self._last: dict[Side, Break] = {}
        self._open: list[Break] = []  # not resolved yet, oldest first
        self._settles = 0  # ns, until when a print may show that a break came back
        self.range = None

    @property
    def range(self) -> tuple[int, int] | None:
        """Lowest low and highest high, None while there are too few bars."""
        return (self._low, self._high) if self._high else None

    @range.setter
    def range(self, ends: tuple[int, int] | None) -> None:
        self._low, self._high = ends or (0, 0)  # nothing is below 0, and nothing comes from there
        self._tell(self._words[SINCE])

    def follow(self, bars: Sequence[Candle], reach: float | None) -> None:
        """The closed bars have changed; `reach` is one ATR in ticks, None before it is known."""
        last = bars[-RANGE_BARS:]
        self.range = (min([b.low for b in last]), max([b.high for b in last])) if len(last) == RANGE_BARS else None
        self.reach = reach or 0.0

    def trade(self, now: int, px: int) -> None:
        """Take a print in."""
        before, self._words[LAST_PX] = self._words[LAST_PX], _word(px)
        stirred = self._settles > 0 or bool(self._open)
        if now <= self._settles:
            for one in self._last.values():
                if now - one.at <= SETTLES and one.side * (px - one.level) <= 0:
                    one.back = True
        else:
            self._settles = 0
        if self._open:
            self._open = [one for one in self._open if not self._resolved(one, now, px)]
        low, high = self._low, self._high
        if px > high >= before > 0:
            self._broken(Side.BUY, high, now)
        elif px < low <= before:
            self._broken(Side.SELL, low, now)
        if stirred or self._settles or now > self._words[UNTIL]:
            self._tell(now)

    def _broken(self, side: Side, level: int, now: int) -> None:
        if self._again(side, level) or self.young(side, now):
            return  # the same level again, or a step of the same move
        self._last[side] = Break(side, level, now, self.reach)
        self._settles = max(self._settles, now + SETTLES)
        if self.reach > 0.0:
            self._open.append(self._last[side])

    def _again(self, side: Side, level: int) -> bool:
        """Whether the last break of this side was of the same level."""
        last = self._last.get(side)
        return last is not None and last.level == level

    def _tell(self, now: int) -> None:
        """Write down which prints, from now on, would leave every break as it is."""
        floor, ceiling, until = -FAR, FAR, FAR
        for one in self._open:
            within = ceil(min(one.reach, FAR)) - 1
            floor, ceiling = max(floor, one.level - within), min(ceiling, one.level + within)
            until = min(until, one.at + HORIZON)
        for one in self._last.values():
            if not one.back and now - one.at <= SETTLES:  # a print back inside would be noted
                floor = max(floor, one.level + 1) if one.side > 0 else floor
                ceiling = min(ceiling, one.level - 1) if one.side < 0 else ceiling
        for side, level, word in ((Side.SELL, self._low, LOW), (Side.BUY, self._high, HIGH)):
            step = self.young(side, now)
            self._words[word] = side * FAR if step or self._again(side, level) else _word(level)
            until = min(until, step.at + YOUNG - 1) if step else until
        for word, value in enumerate((floor, ceiling, now, until), FLOOR):
            self._words[word] = _word(value)

    def young(self, side: Side, now: int) -> Break | None:
        """The break that an entry of this side would follow."""
        last = self._last.get(side)
        return last if last is not None and now - last.at < YOUNG else None

    def settled(self, now: int) -> list[Break]:
        """Breaks to be judged now, for the record: set `believed` of each. One not judged while young never is."""
        return [one for one in self._open if one.believed is None and SETTLES <= now - one.at < YOUNG]

    def _resolved(self, one: Break, now: int, px: int) -> bool:
        beyond, record = one.side * (px - one.level), self.record
        if now - one.at > HORIZON:
            record.undecided += 1
        elif -one.reach < beyond < one.reach:
            return False
        elif one.believed is None:
            record.unjudged += 1
        elif one.believed:
            record.believed_real += beyond > 0
            record.believed_false += beyond < 0
        else:
            record.doubted_real += beyond > 0
            record.doubted_false += beyond < 0
        return True


def _word(value: int) -> int:
    """`value` as far as a kernel reads it: a venue may write any number."""
    return max(-FAR, min(value, FAR))


def _along(side: Side, value: float | None, least: float) -> bool:
    return value is not None and side * value >= least


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
