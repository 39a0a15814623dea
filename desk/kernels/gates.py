"""The scalper's gates in machine code, as far as they hang on the touch and the score: what does the next look say?

`answer` is `desk.strategies.scalp_gates.ScalpGates.walk`, in the same operations and order; a test holds one against
the other. What the gates are given does not change while the strategy rests: words of 8 bytes.
"""

from __future__ import annotations

from math import ceil

from desk.kernels.jit import kernel
from desk.kernels.memory import load64, load_double, store64

PLAN, WIDE_SPREAD, HFT_CONFLICT, BIAS_BLOCKS, BIAS_NEEDS_STRONG, TICK_TOO_COARSE, EDGE_BELOW_COST = range(7)
ANSWERS = (
    "", "WIDE_SPREAD", "HFT_CONFLICT", "BIAS_BLOCKS", "BIAS_NEEDS_STRONG_ALIGNMENT", "TICK_TOO_COARSE",
    "EDGE_BELOW_COST", "COOLDOWN", "MAX_CONCURRENT", "ALREADY_IN_POSITION",
)  # fmt: skip

(
    SAID,  # the answer of the last look
    SIDE,  # 1 or -1
    TICK,
    BLOCKED,  # 1: the bias forbids the side
    STRONGLY,  # 1: it asks for strong alignment
    RISK,  # doubles from here on: ticks from entry to stop
    RATIO,  # of the target to it
    ROOM,  # spreads that a stop is away at least
    RANGE,  # average range of a bar, ticks
    MAKER_BPS,
    TAKER_BPS,
    FILLS,  # share of resting entries that fill; what the others lose, of the range; and the filled, of the spread
    DRIFT,
    ADVERSE,
    WIDE,  # times the reference from which a spread is wide
    LEAN,  # x from which the book counts, and counts in full
    STAND,
    DEAREST,  # highest share of trades that must win
    WAIT_NS,  # for which a conflict keeps an entry out
    AGAINST,  # ns since when the book has been against the side, 0 when it is not
    BEHIND,  # the "no" of the gates behind these, which the market does not move; PLAN: they have none
) = range(0, 21 * 8, 8)
COUNTS = 21 * 8  # looks by answer since they were last asked for
GATE_WORDS = 21 + len(ANSWERS)


@kernel
def look(gates: int, turned: bool, now: int, bid: int, ask: int, total: float, reference_bps: float) -> bool:
    """One look more: its answer is kept and counted. False, nothing done, where that is not for a kernel to give: an
    entry, or a conflict that has lasted. `turned`: the touch or the class of the total is another than at the last one.
    """
    said, against = load64(gates + SAID), load64(gates + AGAINST)
    if turned:
        said = answer(gates, bid, ask, total, reference_bps)
    if said == HFT_CONFLICT:
        against = against or now
        if now - against >= load64(gates + WAIT_NS):
            return False
    elif turned:
        against = 0
    if said == PLAN:
        said = load64(gates + BEHIND)
        if said == PLAN:
            return False
    store64(gates + SAID, said)
    store64(gates + AGAINST, against)
    store64(gates + COUNTS + said * 8, load64(gates + COUNTS + said * 8) + 1)
    return True


@kernel
def answer(gates: int, bid: int, ask: int, total: float, reference_bps: float) -> int:
    """What the gates say at this touch, of a book with this total; x = side·total ≤ −LEAN is a conflict."""
    side = load64(gates + SIDE)
    x = side * total
    if x <= -load_double(gates + LEAN):
        return HFT_CONFLICT
    tick = load64(gates + TICK)
    maker_bps, taker_bps = load_double(gates + MAKER_BPS), load_double(gates + TAKER_BPS)
    spread = ask - bid
    bps = 10_000.0 / ((bid + ask) / 2)
    spread_bps = spread * bps
    take = spread_bps + taker_bps - maker_bps
    drift = (1.0 - load_double(gates + FILLS)) * load_double(gates + DRIFT) * (load_double(gates + RANGE) * bps)
    rest = drift + load_double(gates + ADVERSE) * spread_bps
    taking = take < rest
    improving = not taking and x >= load_double(gates + STAND) and spread // tick >= 2
    wide = spread_bps > load_double(gates + WIDE) * reference_bps
    if wide and not taking and not improving and x < load_double(gates + LEAN):
        return WIDE_SPREAD
    if load64(gates + BLOCKED):
        return BIAS_BLOCKS
    if load64(gates + STRONGLY) and x < load_double(gates + STAND):
        return BIAS_NEEDS_STRONG
    entry = ask if taking == (side > 0) else bid
    if improving:
        entry += side * tick
    risk = max(load_double(gates + RISK), load_double(gates + ROOM) * spread)
    down = max(1, ceil(risk / tick))
    up = ceil(down * load_double(gates + RATIO))
    stop, target = entry - side * down * tick, entry + side * up * tick
    if min(stop, target) <= 0:
        return TICK_TOO_COARSE
    half = 0.5 * spread_bps
    cost = ((taker_bps + half) if taking else maker_bps) + (taker_bps + half)
    win, loss = abs(target - entry) * 10_000.0 / entry, abs(entry - stop) * 10_000.0 / entry
    return EDGE_BELOW_COST if (loss + cost) / (win + loss) > load_double(gates + DEAREST) else PLAN
