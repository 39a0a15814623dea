"""How often our own resting entries fill: the measured part of the comparison between taking and resting."""

from __future__ import annotations

from desk.signals.timing import Prior

WORTH = 20  # resting entries that the assumption counts for until there are own ones


class Experience:
    """P_fill of entry timing: (filled + 20·p₀)/(rested + 20), the assumption p₀ worn away by what happened.

    >>> experience = Experience()
    >>> for filled in (True, True, False, True, True):
    ...     experience.rested_one(filled)
    >>> experience.prior.fill_probability, experience.rested
    (0.56, 5)
    """

    __slots__ = ("_assumed", "filled", "prior", "rested")

    def __init__(self, assumed: Prior | None = None) -> None:
        self._assumed = assumed or Prior()
        self.prior = self._assumed
        self.rested = self.filled = 0

    def rested_one(self, filled: bool) -> None:
        """A resting entry is over; `filled` when any of it traded."""
        self.rested += 1
        self.filled += filled
        share = (self.filled + WORTH * self._assumed.fill_probability) / (self.rested + WORTH)
        self.prior = self._assumed._replace(fill_probability=share)
