"""What every two-sided book can say of itself, whatever its levels hold."""

from __future__ import annotations

from typing import Protocol


class Sorted(Protocol):
    """One side: signed prices (bids negated), best first."""

    @property
    def keys(self) -> list[int]: ...

    def clear(self) -> None: ...


class TwoSided:
    """Bids and asks of one instrument."""

    __slots__ = ()
    bids: Sorted
    asks: Sorted

    def clear(self) -> None:
        self.bids.clear()
        self.asks.clear()

    @property
    def one_sided(self) -> bool:
        return not self.bids.keys or not self.asks.keys

    @property
    def crossed(self) -> bool:
        """Best bid at or above best ask (locked counts); False while a side is empty."""
        return not self.one_sided and -self.bids.keys[0] >= self.asks.keys[0]

    @property
    def flaw(self) -> str:
        """The code of why no score can be had of it, "" for a sound book."""
        if self.one_sided:
            return "ONE_SIDED_BOOK"
        return "BOOK_CROSSED" if self.crossed else ""

    def outside(self, px: int) -> bool:
        """Whether a price lies outside of the touch; False while a side is empty."""
        return not self.one_sided and not self.bid <= px <= self.ask

    @property
    def bid(self) -> int:
        return -self.bids.keys[0]

    @property
    def ask(self) -> int:
        return self.asks.keys[0]
