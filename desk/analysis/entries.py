"""Entry zones: where an entry would rest, with its stop by ATR, its target, and what the order book says of the moment.

A zone says where, never whether: whether a side has evidence is the verdict's business.
"""

from __future__ import annotations

from collections.abc import Sequence

from desk.analysis.candidates import tidy
from desk.analysis.cost import REWARD, STOP_ATR
from desk.analysis.levels import TOUCH_ATR
from desk.analysis.plan import EntryZone
from desk.analysis.shape import Level, Timeframe

NEAREST_ATR, FARTHEST_ATR = 0.1, 2.0  # daily ATR between the price and a zone
PER_SIDE = 2
NO_BOOK = "no book: no timing"


def entries(
    last: float, atr: float | None, levels: Sequence[Level], frames: Sequence[Timeframe], book: float | None
) -> tuple[EntryZone, ...]:
    """Up to two zones below the price for longs and two above it for shorts, nearest first, longs before shorts.

    Stop 1.5 ATR14 of 4h (of 1d without it) beyond the level; target the next level at least as far away as the stop,
    else twice the stop's distance. atr: daily ATR14; `book`: the order-book score's fresh 15-minute average or None.
    """
    row = next((f for name in ("4h", "1d") for f in frames if f.name == name and f.atr), None)
    if row is None or not row.atr or not atr:
        return ()
    out = []
    for way in (1, -1):
        near, far = NEAREST_ATR * atr, FARTHEST_ATR * atr
        at = sorted((lv for lv in levels if near <= way * (last - lv.price) <= far), key=lambda lv: -way * lv.price)
        out += [_zone(way, lv, atr, row.atr, row.name, levels, book) for lv in at[:PER_SIDE]]
    return tuple(zone for zone in out if zone.stop > 0.0 and zone.target > 0.0)


def _zone(
    way: int, level: Level, atr: float, stop_atr: float, interval: str, levels: Sequence[Level], book: float | None
) -> EntryZone:
    entry, risk = level.price, STOP_ATR * stop_atr
    beyond = [lv for lv in levels if way * (lv.price - entry) >= risk]
    best = min(beyond, key=lambda lv: (abs(lv.price - entry), lv.price), default=None)
    target = best.price if best else tidy(entry + way * REWARD * risk)
    action, why = timing(None if book is None else way * book)
    return EntryZone(
        side="long" if way > 0 else "short",
        low=tidy((level.low or entry) - TOUCH_ATR * atr),
        high=tidy((level.high or entry) + TOUCH_ATR * atr),
        entry=entry,
        kind=level.kind,
        stop=tidy(entry - way * risk),
        stop_pct=100.0 * risk / entry,
        target=target,
        target_pct=100.0 * abs(target - entry) / entry,
        target_kind=best.kind if best else f"{REWARD:g} times the stop",
        reward=abs(target - entry) / risk,
        atr_interval=interval,
        timing=action,
        timing_why=why,
    )


def timing(x: float | None) -> tuple[str, str]:
    """(action, why) from x = side · order-book average, −100..+100, None without a book (signals.md 6.2).

    The average speaks of the last 15 minutes; the fast system decides the second.

    >>> [timing(x)[0] for x in (20.0, 0.0, -20.0, -60.0, None)]
    ['JOIN', 'JOIN', 'WAIT', 'ABORT', 'no book: no timing']
    """
    if x is None:
        return NO_BOOK, "no fresh order-book average was given"
    said = f"order-book average {x:+.0f} for this side"
    if x <= -60.0:
        return "ABORT", f"{said}: strongly against it"
    if x <= -20.0:
        return "WAIT", f"{said}: against it"
    if x < 20.0:
        return "JOIN", f"{said}: undecided; rest at the touch, wait while the spread is wide"
    return "JOIN", f"{said}: with it; rest at the touch"
