"""EMA 9/21, RSI 14, ATR 14, Bollinger 20/2 and squeeze of one kind of bar in machine code: desk.indicators to the bit.

Those classes stay the readable source; a test feeds both the same bars. The same operations in the same order on the
same libm: nothing here may be "simplified". The squeeze's Bollinger band is the other one, so it is computed once.

One block of memory, in words of 8 bytes, zeros at first; the offsets below are bytes, and the values doubles except
BARS and ON.
"""

from __future__ import annotations

from math import pow, sqrt, tanh

from desk.kernels.exact_sum import PARTIALS, grow, rounded
from desk.kernels.jit import kernel
from desk.kernels.memory import load64, load_double, store64, store_double

N_FAST, N_SLOW, N_WILDER, N = 9, 21, 14, 20  # N: the window of Bollinger, Keltner and squeeze
RSI_BARS, MOMENTUM_BARS = N_WILDER + 1, 2 * N - 1  # bars until these speak; the momentum is the last to
WIDTH, KELTNER = 2.0, 1.5
(
    BARS,  # taken in
    FAST,  # averages; the sum until there are enough bars
    SLOW,
    UP,
    DOWN,
    ATR,
    ATR_N,
    RSI,
    MIDDLE,
    SIGMA,
    ON,  # 1: Bollinger lies inside Keltner
    MOMENTUM,
    CLOSE,
    EXPONENT,  # 2.0; in memory, because LLVM would make a product of pow(x, 2.0), which is not always the same double
    # What they say, −1..+1; see `says`.
    SAYS_EMA,
    SAYS_RSI,
    SAYS_BOLLINGER,
    SAYS_SQUEEZE,
) = range(0, 18 * 8, 8)
CLOSES = 18 * 8  # the last N of each, the oldest at BARS % N once they are full
HIGHS, LOWS, HEIGHTS = CLOSES + N * 8, CLOSES + 2 * N * 8, CLOSES + 3 * N * 8
SCRATCH = CLOSES + 4 * N * 8
WORDS = SCRATCH // 8 + PARTIALS


@kernel
def average(at: int, count: int, n: int, alpha: float, x: float) -> float:
    """Take the `count`-th value into an average seeded with the mean of the first n; the sum until then."""
    before = load_double(at)
    if count > n:
        after = before + alpha * (x - before)
    else:
        after = before + x
        if count == n:
            after = after / n
    store_double(at, after)
    return after


@kernel
def clip(x: float) -> float:
    """x within ±1."""
    return 1.0 if x > 1.0 else max(x, -1.0)


@kernel
def band(block: int, oldest: int) -> None:
    """Mean and population deviation of CLOSES, measured from the oldest: a constant window has exactly 0."""
    scratch = block + SCRATCH
    first = load_double(block + CLOSES + oldest * 8)
    count = 0
    for i in range(N):
        count = grow(scratch, count, load_double(block + CLOSES + i * 8) - first)
    mean = rounded(scratch, count) / N
    exponent = load_double(block + EXPONENT)
    count = 0
    for i in range(N):
        count = grow(scratch, count, pow(load_double(block + CLOSES + i * 8) - first - mean, exponent))
    store_double(block + SIGMA, sqrt(rounded(scratch, count) / N))
    store_double(block + MIDDLE, first + mean)


@kernel
def line_end(block: int, oldest: int) -> float:
    """The least-squares line through HEIGHTS, read at its newest."""
    scratch = block + SCRATCH
    middle = 0.5 * (N - 1)
    count = 0
    for i in range(N):
        count = grow(scratch, count, load_double(block + HEIGHTS + i * 8))
    mean = rounded(scratch, count) / N
    count = 0
    for i in range(N):
        at = (oldest + i) % N
        count = grow(scratch, count, (i - middle) * load_double(block + HEIGHTS + at * 8))
    slope = rounded(scratch, count) * 12.0 / (N * (N * N - 1.0))
    return mean + slope * middle


@kernel
def take_bar(block: int, high: float, low: float, close: float) -> int:
    """Take the next closed bar in; returns 1 once every indicator speaks, and what each says is kept."""
    bars = load64(block + BARS) + 1
    slot = (bars - 1) % N
    last = load_double(block + CLOSE)
    store64(block + BARS, bars)
    store_double(block + CLOSE, close)
    store_double(block + CLOSES + slot * 8, close)
    store_double(block + HIGHS + slot * 8, high)
    store_double(block + LOWS + slot * 8, low)
    average(block + FAST, bars, N_FAST, 2.0 / (N_FAST + 1), close)
    average(block + SLOW, bars, N_SLOW, 2.0 / (N_SLOW + 1), close)
    if bars > 1:  # the first bar has no change and no true range
        change = close - last
        up = average(block + UP, bars - 1, N_WILDER, 1.0 / N_WILDER, max(change, 0.0))
        down = average(block + DOWN, bars - 1, N_WILDER, 1.0 / N_WILDER, max(-change, 0.0))
        store_double(block + RSI, 100.0 * up / (up + down) if up + down > 0.0 else 50.0)
        reach = max(high, last) - min(low, last)
        average(block + ATR, bars - 1, N_WILDER, 1.0 / N_WILDER, reach)
        average(block + ATR_N, bars - 1, N, 1.0 / N, reach)
    if bars < N:
        return 0
    oldest = bars % N
    band(block, oldest)
    highest, lowest = high, low
    for i in range(N):
        highest = max(highest, load_double(block + HIGHS + i * 8))
        lowest = min(lowest, load_double(block + LOWS + i * 8))
    middle = load_double(block + MIDDLE)
    store_double(block + HEIGHTS + slot * 8, close - 0.5 * (0.5 * (highest + lowest) + middle))
    upper = middle + WIDTH * load_double(block + SIGMA)
    store64(block + ON, 1 if upper - middle < KELTNER * load_double(block + ATR_N) else 0)
    if bars < MOMENTUM_BARS:
        return 0
    store_double(block + MOMENTUM, line_end(block, oldest))
    says(block)
    return 1


@kernel
def says(block: int) -> None:
    """Each −1..+1, 0 where no movement leaves it undefined; a squeeze that is on has no direction yet."""
    atr, sigma, on = load_double(block + ATR), load_double(block + SIGMA), load64(block + ON)
    ema = tanh((load_double(block + FAST) - load_double(block + SLOW)) / atr) if atr != 0.0 else 0.0
    squeeze = tanh(load_double(block + MOMENTUM) / atr) if atr != 0.0 and on == 0 else 0.0
    place = 0.0
    if sigma != 0.0:
        percent = 0.5 + (load_double(block + CLOSE) - load_double(block + MIDDLE)) / (2.0 * WIDTH * sigma)
        place = clip(2.0 * percent - 1.0)
    store_double(block + SAYS_EMA, ema)
    store_double(block + SAYS_RSI, (load_double(block + RSI) - 50.0) / 50.0)
    store_double(block + SAYS_BOLLINGER, place)
    store_double(block + SAYS_SQUEEZE, squeeze)
