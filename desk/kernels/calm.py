"""After a frame has been read: what nobody has to look at is noted here and ends here.

A book's *record* is a block of words of its own that stays where it is while the book moves: where the book is, whether
its frames may be read as bytes, and what was proven. Behind the score's words (desk.kernels.score) stand those of a
*rest*: until when, and under what conditions, the one strategy that watches the book has nothing to add. While it
rests, its trend goes on here: `feel` is hft_signals.HFTIntegrator.feel to the last bit.
"""

from __future__ import annotations

from math import exp

from desk.kernels import score as at
from desk.kernels.gates import look
from desk.kernels.jit import kernel
from desk.kernels.memory import load64, load_double, store64, store_double
from desk.kernels.touch import touch

READ = 1
CALM, MOVED, FULL, RESTING = 4, 8, 16, 32  # bits beside READ, see `note`

# The record of a book: byte offsets.
(
    BOOK,  # address of the book
    WORK,  # L2: addresses of its workspace and of the checksum's tables
    TABLES,
    READABLE,  # 1: its frames may be read as bytes
    UNTIL,  # ns: before, a frame that only moves levels has to be looked at by nobody but those who trade on it
    PROVEN,  # frames whose checksum was right
    AT,  # ns, when the newest of them came
    STAMPED,  # ns, the newest time that a frame gave itself
) = range(0, 8 * 8, 8)
RECORD_WORDS = 8


@kernel
def note(record: int, memory: int, now: int, claimed: int, computed: int, stamp: int, sound: int) -> int:
    """READ, and what is settled: CALM, nobody else has to look at the frame; then MOVED, the believed book moved;
    FULL, the touches need room before the next one; RESTING, its strategy rests.

    memory: the score's words, 0 for a book that is not the believed one. sound: whether it is two-sided and uncrossed.
    A frame that is not CALM has left no trace here.
    """
    if claimed < 0 or claimed != computed or now >= load64(record + UNTIL) or sound == 0:
        return READ
    if memory == 0:
        prove(record, now, stamp)
        return READ | CALM
    news = load64(memory + at.NEWS)
    if news & (at.WRONG | at.UNCLAIMED | at.REFUSED) or now < load64(memory + at.TS):
        return READ
    prove(record, now, stamp)
    store64(memory + at.TS, now)
    store64(memory + at.SCORES, load64(memory + at.SCORES) + 1)
    said = READ | CALM | MOVED
    if news & at.TOUCHED and touched(memory, now):
        said |= FULL
    if rests(record, memory, now):
        said |= RESTING
    return said


@kernel
def prove(record: int, now: int, stamp: int) -> None:
    """One more frame that was right."""
    store64(record + PROVEN, load64(record + PROVEN) + 1)
    store64(record + AT, now)
    store64(record + STAMPED, stamp or load64(record + STAMPED))


@kernel
def touched(memory: int, now: int) -> int:
    """The book's best price or size is another: what desk.kernels.touch.touch says of it."""
    bid, bid_qty = load64(memory + at.BID), load64(memory + at.BID_QTY)
    ask, ask_qty = load64(memory + at.ASK), load64(memory + at.ASK_QTY)
    return touch(load64(memory + at.TOUCHES), now, bid, bid_qty, ask, ask_qty)


@kernel
def rests(record: int, memory: int, now: int) -> bool:
    """Whether the strategy may go on resting at this frame; if so, the trend has felt it and it is counted."""
    if now >= load64(memory + at.REST_UNTIL):
        return False
    stamp = load64(record + STAMPED)
    if stamp != 0 and now - stamp > load64(memory + at.LATE):
        return False
    tau_s = load_double(memory + at.TAU_S)
    ema = felt(memory, now, tau_s)
    if load64(memory + at.TRADED) != 0 and not guarded(memory, ema):
        return False
    answered, turn = load64(memory + at.REST_TURN), load64(memory + at.TURN)
    if answered >= 0 and not same(memory, now, answered != turn):
        return False
    if tau_s > 0.0:
        feel(memory, now, ema)
    store64(memory + at.REST_TURN, turn if answered >= 0 else answered)
    store64(memory + at.RESTED, load64(memory + at.RESTED) + 1)
    return True


@kernel
def guarded(memory: int, ema: float) -> bool:
    """Whether the trade under way has nothing to do at this touch, total and trend (desk.signals.shape.Guard)."""
    side = load64(memory + at.TRADED)
    px = side * load64(memory + (at.BID if side > 0 else at.ASK))
    total = load_double(memory + at.TOTAL)
    x = side * total
    quiet = load_double(memory + at.X_LOW) < x and x <= load_double(memory + at.X_HIGH)
    return (quiet or not ema * total > 0.0) and load64(memory + at.LOW) < px and px < load64(memory + at.HIGH)


@kernel
def same(memory: int, now: int, turned: bool) -> bool:
    """Whether the look that a strategy with a side takes at this frame needs nobody but a kernel."""
    gates = load64(memory + at.GATES)
    if gates == 0:
        return not turned
    bid, ask = load64(memory + at.BID), load64(memory + at.ASK)
    return look(gates, turned, now, bid, ask, load_double(memory + at.TOTAL), load_double(memory + at.REFERENCE))


@kernel
def felt(memory: int, now: int, tau_s: float) -> float:
    """The trend's next step, ema + (1 − exp(−dt/tau))·(imbalance − ema); 0 without a trend."""
    if tau_s <= 0.0:
        return 0.0
    ema = load_double(memory + at.EMA)
    dt_s = max(0, now - load64(memory + at.FELT)) / 1e9
    return ema + (1.0 - exp(-dt_s / tau_s)) * (load_double(memory + at.IMBALANCE) - ema)


@kernel
def feel(memory: int, now: int, ema: float) -> None:
    """Go on to this step of the trend, and to its label."""
    store64(memory + at.FELT, now)
    store_double(memory + at.EMA, ema)
    label, total = load64(memory + at.LABEL), load_double(memory + at.TOTAL)
    moderate, strong = load_double(memory + at.LABEL_MODERATE), load_double(memory + at.LABEL_STRONG)
    rank = abs(label)
    inner, outer = 0.0 if rank == 0 else moderate if rank == 1 else strong, moderate if rank == 0 else strong
    size = abs(total) if rank == 0 else total if label > 0 else -total
    stays = inner - at.HYSTERESIS <= size and (rank == 2 or size < outer + at.HYSTERESIS)
    store64(memory + at.LABEL, label if stays else at.side_of(total, moderate, strong))
