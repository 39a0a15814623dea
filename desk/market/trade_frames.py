"""Frames of trades as nearly all of them come: read, and taken in everywhere, in one call (desk.kernels.trade_frame).

Where one strategy watches alone, what it keeps of prints is lent: the technical score, and what it knows of breaks. A
frame that could lead to more than numbers in memory is refused with nothing changed, and goes print by print through
the decoder, desk.market and the strategy's `on_trade`, which end in the same state.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from desk.instrument import Instrument
from desk.kernels import tape_scan
from desk.kernels import trade_frame as at
from desk.messages import Side, Trade

WORDS = tape_scan.ROW // 8
SIDES = (Side.SELL, Side.BUY)
OPEN, ABOUT, NEEDS, BOOK, SCORE = (word // 8 for word in (at.OPEN, at.ABOUT, at.NEEDS, at.BOOK, at.SCORE))
NEWEST, COUNT, LOWEST, HIGHEST = (word // 8 for word in (at.NEWEST, at.COUNT, at.LOWEST, at.HIGHEST))


class Lent(NamedTuple):
    """Of a strategy: the memory of its technical score (desk.kernels.technical) and of what it knows of breaks
    (desk.kernels.trade_frame), and `needs`, the score from which it takes a side.
    """

    technical: NDArray[np.int64]
    breaks: NDArray[np.int64]
    needs: float


def workspace() -> NDArray[np.int64]:
    """Where frames are scanned, 20 KB, and the prints of the last one stay: one for all readers that take turns."""
    return np.zeros(tape_scan.WORK_BYTES // 8, np.int64)


class TradeFrames:
    """The reader of one instrument's frames: `address` is its memory, for desk.kernels.trade_frame, which takes none
    until it has room for them, the instrument is described and a strategy has lent what it keeps.
    """

    __slots__ = ("_about", "_array", "_doubles", "_lent", "_newest", "_words", "_work", "address", "inst")

    def __init__(self, inst: str, streak: int) -> None:
        self.inst = inst
        self._array = np.zeros(at.READER_WORDS, np.int64)
        self._words: memoryview[int] = self._array.data
        self._doubles: memoryview[float] = self._words.cast("B").cast("d")
        self.address = int(self._array.ctypes.data)
        self._words[at.STREAK // 8] = streak
        self._about = self._work = np.zeros(0, np.int64)
        self._lent: Lent | None = None
        self._newest = 0

    # --- what is known

    def scan_in(self, work: NDArray[np.int64]) -> None:
        """The `workspace` to scan frames in; other readers may use it between frames."""
        self._work, self._words[at.WORK // 8] = work, int(work.ctypes.data)
        self._open()

    def lend(self, lent: Lent | None) -> None:
        """What a strategy keeps of prints, to be moved here; None: nobody lends anything."""
        self._lent = lent  # kept alive as long as a kernel may write there
        if lent is not None:
            self._words[at.TECHNICAL // 8] = int(lent.technical.ctypes.data)
            self._words[at.BREAKS // 8] = int(lent.breaks.ctypes.data)
            self._doubles[NEEDS] = lent.needs
        self._open()

    def describe(self, instrument: Instrument | None) -> None:
        """The decimals of the instrument; None: its frames are not for us any more."""
        self._words[ABOUT] = 0
        if instrument is not None:
            about = tape_scan.described(instrument.symbol, instrument.px_decimals, instrument.qty_decimals)
            if about is not None:
                self._about, self._words[ABOUT] = about, int(about.ctypes.data)
        self._open()

    def _open(self) -> None:
        self._words[OPEN] = self._work.size > 0 and self._words[ABOUT] != 0 and self._lent is not None

    def trust(self, book: int, score: int) -> None:
        """Addresses of the believed book's record and of the score's words, where its touch stands; 0: nowhere."""
        self._words[BOOK], self._words[SCORE] = book, score

    # --- what was read

    @property
    def newest(self) -> int:
        """The number of the newest print that strategies were told of, 0 before the first."""
        return max(self._newest, self._words[NEWEST])

    @newest.setter
    def newest(self, number: int) -> None:
        self._newest = number

    @property
    def extent(self) -> tuple[int, int]:
        """Lowest and highest price of the last frame."""
        return self._words[LOWEST], self._words[HIGHEST]

    @property
    def prices(self) -> list[int]:
        """Those of its prints, in order; ask before the next one is scanned."""
        prices: list[int] = self._work[tape_scan.PX : self._words[COUNT] * WORDS : WORDS].tolist()
        return prices

    @property
    def trades(self) -> list[Trade]:
        """The prints of the last frame; ask before the next one is scanned."""
        rows = self._work[: self._words[COUNT] * WORDS].tolist()
        made = []
        for row in range(0, len(rows), WORDS):
            px, qty, bought, number, ts = rows[row : row + WORDS]
            made.append(Trade(self.inst, px, qty, SIDES[bought], number, ts))
        return made
