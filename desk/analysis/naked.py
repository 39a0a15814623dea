"""Which days' POCs nobody had traded at again, at any past moment: one pass over the candles instead of one a day.

A day's profile never changes once the day is over, and once its POC has been traded it is naked no more. So every
moment's answer follows from two numbers a day; it is the answer that `profiles.sessions` gives for candles cut there.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from desk.analysis.profiles import PROFILE_BARS, SHOWN_SESSIONS, area, source
from desk.analysis.shape import DAY, Floats, Frame, Times


class NakedPocs(msgspec.Struct, frozen=True, eq=False):
    """The POCs of the whole UTC days of `frame`, all (D,), oldest first.

    `begin`: ns; `again`: number of the first bar after the day that traded at its POC, len(frame) where none did.
    """

    frame: Frame
    begin: Times
    poc: Floats
    again: Times

    def at(self, now_ns: int) -> list[float]:
        """The naked POCs at `now_ns`, oldest first, of the days that a report of that moment looks back on.

        Empty where the candles do not reach back 30 days: fewer days would be another kind under the same name.
        """
        frame = self.frame
        if not len(frame) or int(frame.ts[0]) > now_ns - SHOWN_SESSIONS * DAY:
            return []
        stop = int(np.searchsorted(frame.ts, now_ns - frame.interval_ns, side="right"))
        first = int(frame.ts[max(0, stop - PROFILE_BARS)])
        known = np.flatnonzero((self.begin >= first) & (self.begin < now_ns - now_ns % DAY))[-SHOWN_SESSIONS:]
        return [float(p) for p in self.poc[known[self.again[known] >= stop]]]


def naked_pocs(frames: Mapping[str, Frame]) -> NakedPocs | None:
    """For the candles that the daily profiles are made of (15m where they reach far enough, else 1h); None without."""
    found = source(frames)
    if found is None:
        return None
    name, frame = found
    rows = []
    for day in np.unique(frame.ts // DAY).tolist():
        start, stop = (int(i) for i in np.searchsorted(frame.ts, (day * DAY, (day + 1) * DAY)))
        made = area(frame.rows(start, stop), name, "", day * DAY, (day + 1) * DAY)
        if made is None:
            continue
        traded = (frame.low[stop:] <= made.poc) & (frame.high[stop:] >= made.poc)
        rows.append((day * DAY, made.poc, stop + int(np.argmax(traded)) if traded.any() else len(frame)))
    begin, poc, again = zip(*rows, strict=True) if rows else ((), (), ())
    return NakedPocs(frame, np.array(begin, np.int64), np.array(poc, np.float64), np.array(again, np.int64))
