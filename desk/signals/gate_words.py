"""What the scalper's gates hang on besides the touch and the score, where a kernel can ask it (desk.kernels.gates)."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

import numpy as np

from desk.kernels import gates as at
from desk.signals.alignment import LEAN, STAND
from desk.signals.timing import WIDE, Prior

ANSWERS = {code: number for number, code in enumerate(at.ANSWERS)}

_LAYOUT = Struct("=4q13dq")
_COUNTS = at.COUNTS // 8
_NONE: memoryview[int] = np.zeros(len(at.ANSWERS), np.int64).data


class Given(NamedTuple):
    """Of one side: `blocked` and `strongly` by a bias; `risk` to the stop and a bar's `range` in ticks."""

    side: int
    tick: int
    blocked: bool
    strongly: bool
    risk: float
    ratio: float
    room: float
    range: float
    maker_bps: float
    taker_bps: float
    prior: Prior
    dearest: float
    wait_ns: int


class GateWords:
    """A block of memory that does not move; `address` is where."""

    __slots__ = ("_array", "_bytes", "_doubles", "_words", "address")

    def __init__(self) -> None:
        self._array = np.zeros(at.GATE_WORDS, np.int64)
        self._words: memoryview[int] = self._array.data
        self._bytes = self._array.view(np.uint8).data
        self._doubles: memoryview[float] = self._array.view(np.float64).data  # type: ignore[assignment]
        self.address = int(self._array.ctypes.data)

    def tell(self, given: Given) -> None:
        """What the gates are given."""
        *known, prior, dearest, wait_ns = given
        _LAYOUT.pack_into(self._bytes, 8, *known, *prior, WIDE, LEAN, STAND, dearest, wait_ns)

    def ranges(self, risk: float, range_: float) -> None:
        """Another bar: ticks to the stop, and a bar's range."""
        self._doubles[at.RISK // 8], self._doubles[at.RANGE // 8] = risk, range_

    def ask(self, said: str, against: int, behind: str) -> int:
        """The address, with the last answer ("": not known), since when the book is against the side (ns, 0: it is
        not) and what the gates behind say, whatever the market does ("": nothing). 0 for an answer that the kernel does
        not know.
        """
        if said not in ANSWERS:
            return 0
        words = self._words
        words[at.SAID // 8], words[at.AGAINST // 8], words[at.BEHIND // 8] = ANSWERS[said], against, ANSWERS[behind]
        return self.address

    def heard(self) -> tuple[str, int, list[tuple[str, int]]]:
        """The answer now, since when the book is against the side, and how often each answer was given since."""
        words = self._words
        counted = [(code, n) for code, n in zip(at.ANSWERS, words[_COUNTS:].tolist(), strict=True) if n]
        words[_COUNTS:] = _NONE
        return at.ANSWERS[words[at.SAID // 8]], words[at.AGAINST // 8], counted
