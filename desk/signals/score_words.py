"""The memory in which a kernel keeps the score of one book (desk.kernels.score), read as the objects people know."""

from __future__ import annotations

from math import inf

import numpy as np

from desk.kernels import score as at
from desk.signals.alignment import LEAN, STAND
from desk.signals.shape import Features, Formula, Score

LABELS = (
    "NEUTRAL",
    "MODERATE_BUY",
    "STRONG_BUY",
    "STRONG_SELL",
    "MODERATE_SELL",
)  # by class; negative ones from behind


class ScoreWords:
    """One book's features and score, as the kernel left them, and the rest of the strategy that watches it."""

    __slots__ = ("_array", "_formula", "address", "doubles", "inst", "tier", "words")

    def __init__(self, inst: str, tier: str, formula: Formula) -> None:
        self.inst, self.tier, self._formula = inst, tier, formula
        self._array = np.zeros(at.WORDS, np.int64)
        self.address = int(self._array.ctypes.data)
        self.words: memoryview[int] = self._array.data
        self.doubles: memoryview[float] = self._array.view(np.float64).data  # type: ignore[assignment]
        self.words[at.COUNTED // 8] = tier == "L3"
        self.words[at.CODE // 8] = at.UNMEASURED
        weights, thresholds = formula.weights, formula.thresholds
        for offset, value in (
            (at.BY_IMBALANCE, weights.imbalance), (at.BY_COUNT, weights.order_count), (at.BY_SPREAD, weights.spread),
            (at.MODERATE, thresholds.moderate), (at.STRONG, thresholds.strong), (at.LEAN, LEAN), (at.STAND, STAND),
        ):  # fmt: skip
            self.doubles[offset // 8] = value

    def judge_by(self, reference_bps: float, median_bps: float | None) -> None:
        """The spreads of now: what a spread is judged by, and the median (None: the reference stands in for it).

        Raises ValueError unless the reference is a positive number. Takes effect when the book is scored next.
        """
        if not 0.0 < reference_bps < inf:
            raise ValueError(f"{self.inst}: the reference spread must be a positive number of bps, got {reference_bps}")
        wide = 2.0 * (reference_bps if median_bps is None else median_bps)
        if (self.doubles[at.REFERENCE // 8], self.doubles[at.WIDE // 8]) != (reference_bps, wide):
            self.doubles[at.REFERENCE // 8], self.doubles[at.WIDE // 8] = reference_bps, wide
            self.words[at.CODE // 8] = (
                self.words[at.CODE // 8] or at.UNMEASURED
            )  # measured again, though no level changed
            self.words[at.TURN // 8] += 1

    def follow(self, before: memoryview[int]) -> None:
        """Go on counting where another book's words stood; nobody rests yet."""
        for offset in (at.SCORES, at.TS):
            self.words[offset // 8] = before[offset // 8]
        self.words[at.REST_UNTIL // 8] = 0

    @property
    def code(self) -> str:
        """Why there is no score, "" when there is one."""
        return at.CODES[self.words[at.CODE // 8]]

    def score(self, ts: int) -> Score:
        """The score measured last, as of `ts`."""
        words, tier = self.words, self.tier
        counted = words[at.COUNTED // 8]
        (
            rho, spread_bps, imbalance, order_count, spread, spread_quality, direction, total, agreement
        ) = self.doubles[at.RHO // 8 : at.BID // 8].tolist()  # fmt: skip
        features = Features(
            ts,
            self.inst,
            rho,
            words[at.BID_ORDERS // 8] if counted else None,
            words[at.ASK_ORDERS // 8] if counted else None,
            spread_bps,
            self.doubles[at.REFERENCE // 8],
            tier,
        )
        return Score(
            ts,
            self.inst,
            tier,
            total,
            imbalance,
            order_count if counted else None,
            spread,
            spread_quality,
            direction,
            agreement,
            self._formula.quality[tier],
            LABELS[words[at.CLASS // 8]],
            features,
        )
