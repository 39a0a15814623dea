"""The scores as they stood at every half second, with the mids beside them, and what followed each signal issued.

Raw material of `desk.research.signal_health`; nothing is computed here, and memory is bounded. A sample is taken when
the desk's own beat says so, from the state of that moment alone, so a replay takes the same ones.
"""

from __future__ import annotations

from array import array
from collections import deque
from math import nan

import msgspec

from desk.intents import Signal
from desk.projections.markouts import Markouts, Moment

STEP = 500_000_000  # ns between samples; scores are judged on whole seconds, mids are needed in between
STEP_S = 0.5
COLUMNS = ("mid", "score", "direction", "imbalance", "order_count", "spread", "confidence", "mirror", "spread_bps")
SCORE = COLUMNS.index("score")
WIDTH = len(COLUMNS)
KEPT = 4 * 7200  # samples of one instrument and tier: four hours, 2 MB
SIGNALS_KEPT = 10_000
AFTER_S = (1, 5, 30, 60, 300)

Row = tuple[float, ...]  # one number a column; NaN where there was none
NOTHING = (nan,) * WIDTH


class Samples:
    """One instrument on one tier. `rows` is flat, `WIDTH` numbers a sample, from slot `first` (slot · STEP = ts) on."""

    __slots__ = ("_kept", "first", "inst", "rows", "tier")

    def __init__(self, inst: str, tier: str, slot: int, kept: int | None) -> None:
        self.inst, self.tier, self._kept = inst, tier, kept
        self.first = slot - slot % 2  # a whole second
        self.rows = array("d")

    def __len__(self) -> int:
        return len(self.rows) // WIDTH

    def add(self, slot: int, row: Row) -> None:
        """The sample of this slot; slots that were left out are NaN, one that was taken already is ignored."""
        missing = slot - self.first - len(self)
        if missing < 0:
            return
        if self._kept is not None and missing >= self._kept:
            self.first, self.rows, missing = slot - slot % 2, array("d"), slot % 2
        self.rows.extend(NOTHING * missing)
        self.rows.extend(row)
        if self._kept is not None and len(self) >= self._kept + self._kept // 4:
            drop = (len(self) - self._kept) // 2 * 2
            del self.rows[: drop * WIDTH]
            self.first += drop


class Issued(msgspec.Struct, frozen=True):
    """A signal, bid + ask when it was issued, and what they were `AFTER_S` later."""

    signal: Signal
    twice_mid: int
    moment: Moment


class SampleFold:
    """`sample` each instrument at each slot, `signal` with each signal; `kept` samples an instrument, None for all."""

    def __init__(self, kept: int | None = KEPT) -> None:
        self.samples: dict[tuple[str, str], Samples] = {}
        self.markouts = Markouts(tuple(s * 1_000_000_000 for s in AFTER_S))
        self.issued: deque[Issued] = deque(maxlen=SIGNALS_KEPT)
        self._kept = kept

    def sample(self, inst: str, tier: str, ts: int, row: Row) -> None:
        """What was known at `ts`, a multiple of STEP. `tier` of the score; "" when there is none."""
        slot = ts // STEP
        if tier and (inst, tier) not in self.samples:
            self.samples[inst, tier] = Samples(inst, tier, slot, self._kept)
        for (of, on), samples in self.samples.items():
            if of == inst:  # other tiers go on being told the mid: it is what their last scores are judged by
                samples.add(slot, row if on == tier else row[:SCORE] + NOTHING[SCORE:])

    def signal(self, signal: Signal, twice_mid: int) -> None:
        """A strategy issued a signal, with the book at bid + ask = `twice_mid`."""
        self.issued.append(Issued(signal, twice_mid, self.markouts.note(signal.inst, signal.ts)))
