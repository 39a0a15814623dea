"""What the machine's book keeps of itself beside its levels: whether its frames may be read as bytes, what was proven.

The words stay where they are while the book moves (desk.kernels.calm), so `address` may be held on to.
"""

from __future__ import annotations

import numpy as np

from desk.kernels import calm

FOREVER = (1 << 63) - 1


class Record:
    """One book's record: `address` is its memory, by which a kernel finds the book (desk.kernels.rush)."""

    __slots__ = ("_array", "_words", "address")

    def __init__(self) -> None:
        self._array = np.zeros(calm.RECORD_WORDS, np.int64)
        self._words: memoryview[int] = self._array.data
        self.address = int(self._array.ctypes.data)

    def place(self, book: int, work: int = 0, tables: int = 0) -> None:
        """Where the book is from now on."""
        words = self._words
        words[calm.BOOK // 8], words[calm.WORK // 8], words[calm.TABLES // 8] = book, work, tables

    @property
    def readable(self) -> bool:
        """Whether a kernel may read frames; before, it reads none."""
        return bool(self._words[calm.READABLE // 8])

    @readable.setter
    def readable(self, readable: bool) -> None:
        self._words[calm.READABLE // 8] = readable

    @property
    def until(self) -> int:
        """ns: before, a frame that only moves levels changes nothing but the score."""
        return self._words[calm.UNTIL // 8]

    @until.setter
    def until(self, until: int) -> None:
        self._words[calm.UNTIL // 8] = until

    @property
    def proven(self) -> int:
        """Frames whose checksum was right."""
        return self._words[calm.PROVEN // 8]

    @proven.setter
    def proven(self, proven: int) -> None:
        self._words[calm.PROVEN // 8] = proven

    @property
    def at(self) -> int:
        """ns, the last frame that proved the book."""
        return self._words[calm.AT // 8]

    @at.setter
    def at(self, at: int) -> None:
        self._words[calm.AT // 8] = at

    @property
    def stamped(self) -> int:
        """ns, the newest time that a frame gave itself."""
        return self._words[calm.STAMPED // 8]

    @stamped.setter
    def stamped(self, stamped: int) -> None:
        self._words[calm.STAMPED // 8] = max(-FOREVER, min(stamped, FOREVER))  # a venue may claim any
