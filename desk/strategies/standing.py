"""How long a strategy's last look at a symbol stands: while nothing it was made of changed, the next says the same."""

from __future__ import annotations

from desk.strategies.base import Pulse

OVER = -1  # no pulse's epoch


def stance(technical: float | None, needs: float) -> int | None:
    """The side a technical score allows: ±1, 0 while it is below `needs`, None before it is known.

    >>> [stance(score, 25.0) for score in (None, -24.9, 25.0, -60.0)]
    [None, 0, 1, -1]
    """
    if technical is None:
        return None
    return 0 if abs(technical) < needs else 1 if technical > 0 else -1


class Standing:
    """The market and the mind at the last look. Without a side, prices and the score change nothing."""

    __slots__ = ("epoch", "pulse", "side", "turn", "until")

    def __init__(self) -> None:
        self.pulse: Pulse | None = None
        self.side: int | None = None
        self.turn = self.until = 0
        self.end()

    def end(self) -> None:
        """Something happened: look again."""
        self.epoch = OVER

    def begin(self, pulse: Pulse | None, side: int | None, until: int) -> None:
        """A look was taken with this pulse; it stands until `until` (ns) at most. No pulse: the next frame ends it."""
        self.pulse = pulse
        if pulse is not None and pulse.kept:
            self.epoch, self.turn, self.side, self.until = pulse.epoch, pulse.turn, side, until
