"""Memory that ends where the process may not go: a load or store one byte behind it kills the process at once.

Kernels check no bounds, so a wrong address of theirs usually reads a stranger's bytes in silence. Here every room ends
at the end of a page, and the page behind it is forbidden (mprotect PROT_NONE), as is the one before. In front of a room
lie watched bytes: a store there is found when they are looked at.
"""

from __future__ import annotations

import ctypes
import mmap

import numpy as np
from numpy.typing import NDArray

PAGE = mmap.PAGESIZE
WATCHED = 64  # bytes in front of what is placed
COLOUR = 0xA5
_libc = ctypes.CDLL(None, use_errno=True)


class Room:
    """At least `size` bytes between two forbidden pages; what is placed in it ends at its end."""

    def __init__(self, size: int) -> None:
        inner = -(-(size + WATCHED) // PAGE) * PAGE
        self._map = mmap.mmap(-1, inner + 2 * PAGE)
        self._all = np.frombuffer(self._map, np.uint8)
        first = int(self._all.ctypes.data)
        self.end = first + PAGE + inner
        for page in (first, self.end):
            if _libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(PAGE), 0):
                raise OSError(ctypes.get_errno(), "mprotect refused")
        self.bytes = self._all[PAGE:-PAGE]
        self.bytes[:] = COLOUR
        self._view = self.bytes.data
        self._want = bytes([COLOUR]) * WATCHED

    def put(self, data: bytes | memoryview, after: int = 0) -> int:
        """Copy `data` so that `after` more bytes fit behind it, colour what lies before; the address it begins at."""
        at = len(self._view) - after - len(data)
        self._view[at : at + len(data)] = data
        self._view[at - WATCHED : at] = self._want
        return self.end - after - len(data)

    def untouched(self, address: int) -> bool:
        """Whether the watched bytes before `address` are as they were coloured."""
        at = len(self._view) - (self.end - address)
        return bytes(self._view[at - WATCHED : at]) == self._want

    def words(self, count: int) -> NDArray[np.int64]:
        """The last `count` words as an array of zeros."""
        made = self.bytes[len(self._view) - 8 * count :].view(np.int64)
        made[:] = 0
        return made
