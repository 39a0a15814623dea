"""The technical score of closed minutes and the tape in machine code: one call a print.

What each word means is said in desk.signals.technical, which reads them. The VWAP is desk.indicators.volume.Vwap to the
bit. One block of memory in words of 8 bytes, zeros at first; the offsets below are bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import nan, sqrt

from desk.kernels import bar_indicators as one
from desk.kernels.bar_indicators import clip, take_bar
from desk.kernels.jit import kernel
from desk.kernels.memory import entry, load64, load_double, store64, store_double

DAY = 86_400_000_000_000
EMA, RSI, VWAP, BOLLINGER, SQUEEZE = 0.35, 0.20, 0.20, 0.10, 0.15  # shares of the score; ours
TICKS = 0.15  # share of the tick bars once they are warm; the minutes keep the rest
PRINTS = 20  # a tick bar

(
    # Integers.
    TAPE_FROM,  # ns, the first print in the VWAP; 0: none yet
    COVERED,  # ns, the end of the last bar in the VWAP
    SESSION,  # the UTC day of the VWAP, counted from 1 (1970-01-01); 0: none yet
    OPEN_PRINTS,  # in the tick bar that is being built
    WARM,  # 1: the minutes speak
    TICKS_WARM,
    # Doubles.
    VOLUME,  # of the session, 0: it has no average yet
    AVERAGE,
    SPREAD,  # Σ v·(p − average)²
    LAST,
    HIGH,  # of the tick bar
    LOW,
    TICKS_SAY,  # −1..+1
    PRICE_SAYS,  # where the last price stands between the bands of the VWAP, −1..+1
    SCORE,  # −100..+100, NaN before it is known
) = range(0, 15 * 8, 8)
MINUTE_BARS = 15 * 8
TICK_BARS = MINUTE_BARS + one.WORDS * 8
WORDS = TICK_BARS // 8 + one.WORDS


@kernel
def weigh_in(block: int, ts: int, px: float, qty: float) -> None:
    """Take a price into the session's VWAP."""
    session = ts // DAY + 1
    before = load64(block + SESSION)
    if session < before or qty <= 0.0:
        return
    begun = session == before and load_double(block + VOLUME) > 0.0
    volume = load_double(block + VOLUME) + qty if begun else qty
    value = load_double(block + AVERAGE) if begun else px
    spread = load_double(block + SPREAD) if begun else 0.0
    if begun:
        away = px - value
        value += away * qty / volume
        spread += qty * away * (px - value)
    store64(block + SESSION, session)
    store_double(block + VOLUME, volume)
    store_double(block + AVERAGE, value)
    store_double(block + SPREAD, spread)


@kernel
def place_price(block: int) -> float:
    """Where the last price stands between the bands: ±1 two deviations away, 0 while there are none."""
    volume = load_double(block + VOLUME)
    says = 0.0
    if volume > 0.0:
        sigma = sqrt(max(load_double(block + SPREAD), 0.0) / volume)
        if sigma != 0.0:
            says = clip((load_double(block + LAST) - load_double(block + AVERAGE)) / sigma / 2.0)
    store_double(block + PRICE_SAYS, says)
    return says


@kernel
def rate(block: int) -> float:
    """The score now, NaN before it is known."""
    price = place_price(block)
    if load64(block + WARM) == 0:
        store_double(block + SCORE, nan)
        return nan
    warm = load64(block + TICKS_WARM) != 0
    bars = block + MINUTE_BARS
    scale = 100.0 * (1.0 - TICKS) if warm else 100.0
    score = 0.0 + scale * EMA * load_double(bars + one.SAYS_EMA)
    score += scale * RSI * load_double(bars + one.SAYS_RSI)
    score += scale * VWAP * price
    score += scale * BOLLINGER * load_double(bars + one.SAYS_BOLLINGER)
    score += scale * SQUEEZE * load_double(bars + one.SAYS_SQUEEZE)
    if warm:
        score += 100.0 * TICKS * load_double(block + TICKS_SAY)
    store_double(block + SCORE, score)
    return score


@kernel
def take_print(block: int, ts: int, px: float, qty: float) -> float:
    """Take a print in and rate; one that a bar in the VWAP already holds changes nothing."""
    if ts < load64(block + COVERED):
        return load_double(block + SCORE)
    tape_from = load64(block + TAPE_FROM)
    store64(block + TAPE_FROM, tape_from if tape_from != 0 else ts)
    store_double(block + LAST, px)
    weigh_in(block, ts, px, qty)
    prints = load64(block + OPEN_PRINTS)
    high = px if prints == 0 else max(load_double(block + HIGH), px)
    low = px if prints == 0 else min(load_double(block + LOW), px)
    prints += 1
    store_double(block + HIGH, high)
    store_double(block + LOW, low)
    store64(block + OPEN_PRINTS, prints % PRINTS)
    if prints == PRINTS:
        bars = block + TICK_BARS
        if take_bar(bars, high, low, px):
            said = 0.0 + EMA * load_double(bars + one.SAYS_EMA)
            said += RSI * load_double(bars + one.SAYS_RSI)
            said += VWAP * place_price(block)
            said += BOLLINGER * load_double(bars + one.SAYS_BOLLINGER)
            said += SQUEEZE * load_double(bars + one.SAYS_SQUEEZE)
            store64(block + TICKS_WARM, 1)
            store_double(block + TICKS_SAY, said)
    return rate(block)


@kernel
def take_minute(block: int, begin: int, end: int, high: float, low: float, close: float, px: float, qty: float) -> int:
    """Take the next closed minute in, `px` its own average; call `rate` after the last one. Returns 1 once warm."""
    warm = take_bar(block + MINUTE_BARS, high, low, close)
    store64(block + WARM, warm)
    tape_from = load64(block + TAPE_FROM)
    if tape_from == 0 or end <= tape_from:
        weigh_in(block, begin, px, qty)
        store64(block + COVERED, end)
        store_double(block + LAST, load_double(block + LAST) if tape_from != 0 else close)
    return warm


@cache
def technical_entries() -> tuple[Callable[..., float], Callable[..., int], Callable[..., float]]:
    """`take_print`, `take_minute` and `rate` as bare entry points, compiled on first use."""
    return entry(take_print, "iidd", "d"), entry(take_minute, "iiiddddd"), entry(rate, "i", "d")
