"""The order-book score in machine code: desk.signals.features and hft_signals to the last bit, where the frame is read.

Both stay the readable source; tests hold this against them on every recorded frame and on random books. The same
operations in the same order on the same libm: nothing here may be "simplified".

One block of memory a book, in words of 8 bytes; the offsets below are bytes. A book's kernel copies its best levels
there (`keep`, `level`) and calls `measure`. What a refused book scored before stays: it was the last score there was.
"""

from __future__ import annotations

from math import exp, log10

from desk.kernels.jit import kernel
from desk.kernels.memory import load64, load_double, store64, store_double

TAKEN = 10  # levels a side that a matching checksum proves
LEVEL = 32  # bytes: price, quantity, orders, weight of the price (a double, see `weigh`)
REACH_BPS, BAND_BPS = 2.0, 10.0  # as in desk.signals.features
RAMP, HYSTERESIS = 10.0, 5.0  # as in hft_signals

# Given, rewritten only when it changes: doubles, except COUNTED.
(
    COUNTED,  # 1: the book knows its orders
    REFERENCE,  # spread to judge a spread by, bps
    WIDE,  # twice the median spread, bps
    BY_IMBALANCE,  # weights
    BY_COUNT,
    BY_SPREAD,
    MODERATE,  # thresholds of the classes
    STRONG,
    LEAN,  # |total| from which strategies heed the book, and heed it fully
    STAND,
    # Found: integers.
    NEWS,  # what is to be looked at after a frame, see below; 0 for most
    CODE,  # why there is no score, see below; 0 when there is one
    TURN,  # counts what may change a mind: another best price, another band of the total
    STAMP,  # the frame's own time, ns
    CLASS,  # −2 strong sell … 2 strong buy
    SIDE,  # of the total against LEAN and STAND, as CLASS
    BID_ORDERS,
    ASK_ORDERS,
    # Found: doubles.
    RHO,
    SPREAD_BPS,
    IMBALANCE,
    ORDER_COUNT,
    SPREAD,
    SPREAD_QUALITY,
    DIRECTION,
    TOTAL,
    AGREEMENT,
    # The touch that was measured last.
    BID,
    BID_QTY,
    ASK,
    ASK_QTY,
    COUNT_BIDS,
    COUNT_ASKS,
    # Kept by desk.kernels.calm: the scores there were, the newest one's time (ns), and the rest of a strategy.
    SCORES,
    TS,
    REST_UNTIL,  # ns; 0: it does not rest
    REST_TURN,  # the TURN its last answer was for; -1: it answers the same at any
    GATES,  # what it asks at another TURN (desk.kernels.gates); 0: itself
    LATE,  # ns between a frame's time and ours beyond which it has to look
    RESTED,  # frames it rested through
    FELT,  # ns, the newest score in its trend
    LABEL,  # its stable class, as CLASS
    EMA,  # doubles from here on: its trend,
    TAU_S,  # and that one's time constant; 0: it has none
    LABEL_MODERATE,  # the thresholds of its classes
    LABEL_STRONG,
    TRADED,  # the side of its trade, which has nothing to do while LOW < TRADED·price < HIGH; 0: it has none
    LOW,  # ticks
    HIGH,
    X_LOW,  # doubles: and while X_LOW < TRADED·total ≤ X_HIGH
    X_HIGH,
    PER_TICK,  # double: what the weights kept with the levels were made for
    TOUCHES,  # the address of the market's touches (desk.kernels.touch)
    # Kept from one score to the next, because it seldom changes: doubles, except those about orders.
    BID_DEPTH,
    ASK_DEPTH,
    BIDS_NEAR,  # orders
    ASKS_NEAR,
    REACH,  # ticks from the best price within which they are counted
    JUDGED,  # the reference whose logarithm comes next
    LOG_REFERENCE,
    LOG_SPREAD,  # of SPREAD_BPS
) = range(0, 61 * 8, 8)
BID_LEVELS = 61 * 8
ASK_LEVELS = BID_LEVELS + TAKEN * LEVEL
WORDS = (ASK_LEVELS + TAKEN * LEVEL) // 8
BIDS, ASKS, BOTH = 1, 2, 3  # bits: sides

TOUCHED, WRONG, UNCLAIMED, REFUSED = 1, 2, 4, 8  # bits of NEWS: another touch, checksum wrong or absent, no score
ONE_SIDED, CROSSED, ZERO_PRICE, ZERO_QUANTITY, UNMEASURED = 1, 2, 3, 4, 5
CODES = ("", "ONE_SIDED_BOOK", "BOOK_CROSSED", "ZERO_PRICE", "ZERO_QUANTITY", "UNMEASURED")  # as desk.signals.features


@kernel
def keep(at: int, value: int) -> int:
    """Store a word; 1 when it is another than before.

    Always stored: behind a branch, LLVM lost the first store of the vectorised loop over a side's levels.
    """
    before = load64(at)
    store64(at, value)
    return 1 if before != value else 0


@kernel
def level(levels: int, i: int, px: int, qty: int, orders: int) -> int:
    """Keep the i-th best level of a side; returns how many of its words are news."""
    at = levels + i * LEVEL
    moved = keep(at, px)
    store_double(at + 24, -1.0 if moved else load_double(at + 24))
    return moved + keep(at + 8, qty) + keep(at + 16, orders)


@kernel
def attest(memory: int, claimed: int, computed: int, stamp: int) -> bool:
    """Begin the news of a frame: its time, and whether its checksum lets the book be measured (−1: it has none)."""
    store64(memory + STAMP, stamp)
    news = UNCLAIMED if claimed < 0 else 0 if claimed == computed else WRONG
    store64(memory + NEWS, news)
    return news != WRONG


@kernel
def clip(x: float, limit: float) -> float:
    """x within ±limit."""
    return limit if x > limit else max(x, -limit)


@kernel
def weigh(levels: int, count: int, per_tick: float, reach: int, anew: int) -> tuple[float, int]:
    """(Σ q·exp(away·per_tick), orders at most `reach` ticks away) of a side; −1 for a level without quantity.

    Weights are kept with their levels; `anew`: none of them is for this best price and `per_tick`.
    """
    best = load64(levels)
    depth = 0.0
    orders = 0
    for i in range(count):
        at = levels + i * LEVEL
        away = abs(best - load64(at))
        qty = load64(at + 8)
        if qty <= 0:
            return -1.0, 0
        weight = load_double(at + 24)
        if anew or weight < 0.0:
            weight = exp(away * per_tick)
        store_double(at + 24, weight)
        depth += qty * weight
        if away <= reach:
            orders += load64(at + 16)
    for i in range(count, TAKEN):
        store_double(levels + i * LEVEL + 24, -1.0)
    return depth, orders


@kernel
def side_of(total: float, inner: float, outer: float) -> int:
    """−2…2: beyond −outer, beyond −inner, between, beyond inner, beyond outer; boundaries belong outside."""
    size = abs(total)
    rank = 0 if size < inner else 1 if size < outer else 2
    return rank if total > 0 else -rank


@kernel
def refuse(memory: int, code: int) -> int:
    """No score, and why; what was scored before stays. Strategies have to look again."""
    store64(memory + CODE, code)
    store_double(memory + PER_TICK, 0.0)  # nothing kept is for these levels
    store64(memory + NEWS, load64(memory + NEWS) | REFUSED)
    store64(memory + TURN, load64(memory + TURN) + 1)
    return code


@kernel
def weigh_side(memory: int, side: int, count: int, per_tick: float, reach: int, anew: int) -> bool:
    """Weigh a side (its bit) and keep what comes of it; False for a level without quantity."""
    levels = BID_LEVELS if side == BIDS else ASK_LEVELS
    depth, orders = weigh(memory + levels, count, per_tick, reach, anew)
    store_double(memory + (BID_DEPTH if side == BIDS else ASK_DEPTH), depth)
    store64(memory + (BIDS_NEAR if side == BIDS else ASKS_NEAR), orders)
    return depth >= 0.0


@kernel
def measure(memory: int, changed: int) -> int:
    """Features and score of the levels kept; returns CODE. changed: the sides (bits) whose levels are others than at
    the last measure; what nothing of it changed keeps its score.
    """
    if changed == 0 and load64(memory + CODE) == 0:
        return 0
    bids, asks = load64(memory + COUNT_BIDS), load64(memory + COUNT_ASKS)
    if bids == 0 or asks == 0:
        return refuse(memory, ONE_SIDED)
    bid, ask = load64(memory + BID_LEVELS), load64(memory + ASK_LEVELS)
    if ask <= bid:
        return refuse(memory, CROSSED)
    if bid <= 0:
        return refuse(memory, ZERO_PRICE)
    mid = 0.5 * (bid + ask)
    wide = load_double(memory + WIDE)
    per_tick = -10_000.0 / (mid * max(REACH_BPS, wide))
    band = mid * max(BAND_BPS, wide) / 10_000.0
    reach = int(band) if band < 4e18 else 4_000_000_000_000_000_000  # whole ticks: compared exactly, as Python does
    anew = 1 if per_tick != load_double(memory + PER_TICK) else 0
    anew += (bid != load64(memory + BID)) + (ask != load64(memory + ASK)) + (reach != load64(memory + REACH))
    store_double(memory + PER_TICK, per_tick)
    store64(memory + REACH, reach)
    if (anew or changed & BIDS) and not weigh_side(memory, BIDS, bids, per_tick, reach, anew):
        return refuse(memory, ZERO_QUANTITY)
    if (anew or changed & ASKS) and not weigh_side(memory, ASKS, asks, per_tick, reach, anew):
        return refuse(memory, ZERO_QUANTITY)
    bid_depth, ask_depth = load_double(memory + BID_DEPTH), load_double(memory + ASK_DEPTH)
    rho = (bid_depth - ask_depth) / (bid_depth + ask_depth)
    spread_bps = 10_000.0 * (ask - bid) / mid
    if spread_bps != load_double(memory + SPREAD_BPS):
        store_double(memory + LOG_SPREAD, log10(spread_bps))
    store_double(memory + RHO, rho)
    store_double(memory + SPREAD_BPS, spread_bps)
    bid_orders, ask_orders = load64(memory + BIDS_NEAR), load64(memory + ASKS_NEAR)
    store64(memory + BID_ORDERS, bid_orders)
    store64(memory + ASK_ORDERS, ask_orders)
    total = combine(memory, rho, bid_orders, ask_orders)
    side = side_of(total, load_double(memory + LEAN), load_double(memory + STAND))
    moved = keep(memory + BID, bid) + keep(memory + ASK, ask)
    resized = keep(memory + BID_QTY, load64(memory + BID_LEVELS + 8))
    resized += keep(memory + ASK_QTY, load64(memory + ASK_LEVELS + 8))
    if keep(memory + SIDE, side) + keep(memory + CODE, 0) + moved:
        store64(memory + TURN, load64(memory + TURN) + 1)
    if moved + resized:
        store64(memory + NEWS, load64(memory + NEWS) | TOUCHED)
    return 0


@kernel
def combine(memory: int, rho: float, bid_orders: int, ask_orders: int) -> float:
    """The components of hft_signals and their sum; every one is stored, the total returned. LOG_SPREAD is known."""
    reference = load_double(memory + REFERENCE)
    if reference != load_double(memory + JUDGED):
        store_double(memory + LOG_REFERENCE, log10(reference))
        store_double(memory + JUDGED, reference)
    by_imbalance, by_count = load_double(memory + BY_IMBALANCE), load_double(memory + BY_COUNT)
    imbalance = 100.0 * rho
    count = 0.0
    direction = imbalance
    pressure = (by_imbalance + by_count) * imbalance
    agreement = 1.0
    if load64(memory + COUNTED):
        count = 100.0 * clip(log10(float(bid_orders + 2)) - log10(float(ask_orders + 2)), 1.0)
        pressure = by_imbalance * imbalance + by_count * count
        direction = clip(pressure / (by_imbalance + by_count), 100.0)
        size = abs(by_imbalance * imbalance) + abs(by_count * count)
        agreement = abs(pressure) / size if size else 0.0
    quality = 100.0 * clip(load_double(memory + LOG_REFERENCE) - load_double(memory + LOG_SPREAD), 1.0)
    spread = quality * (clip(direction / RAMP, 1.0) if quality >= 0.0 else direction / 100.0) + 0.0
    total = clip(pressure + load_double(memory + BY_SPREAD) * spread, 100.0) + 0.0
    store_double(memory + IMBALANCE, imbalance)
    store_double(memory + ORDER_COUNT, count)
    store_double(memory + SPREAD, spread)
    store_double(memory + SPREAD_QUALITY, quality)
    store_double(memory + DIRECTION, direction)
    store_double(memory + TOTAL, total)
    store_double(memory + AGREEMENT, agreement)
    store64(memory + CLASS, side_of(total, load_double(memory + MODERATE), load_double(memory + STRONG)))
    return total
