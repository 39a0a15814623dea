"""Fills already applied: a repeated execution report changes nothing."""

from __future__ import annotations

from desk.events import Fill

REMEMBERED = 1_000_000
"""Fill ids kept; the oldest is forgotten beyond it (30 orders a minute for 23 days)."""


class SeenFills:
    """Tells the first report of a fill from its repetitions. Ids are unique per venue, so the venue is part of them."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._ids: dict[tuple[str, str], None] = {}
        self._remembered = remembered
        self.duplicates = 0

    def first(self, fill: Fill) -> bool:
        """True once per fill; later calls with the same fill_id and venue are counted as duplicates."""
        key = (fill.inst.rpartition("@")[2], fill.fill_id)
        if key in self._ids:
            self.duplicates += 1
            return False
        self._ids[key] = None
        if len(self._ids) > self._remembered:
            del self._ids[next(iter(self._ids))]
        return True
