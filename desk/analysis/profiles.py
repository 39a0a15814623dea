"""Volume profiles by day and over rolling windows, the POCs nobody has traded at since, and the nodes of a profile.

A day's bins come from that day's own range, so a profile never changes once its day is over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from desk.analysis.findings import Area, Node, Profiles
from desk.analysis.profile import profile
from desk.analysis.shape import DAY, Frame, Profile

SOURCES = ("15m", "1h")  # the finer one where it reaches far enough
ENOUGH_DAYS = 14
LEAST_BARS = 12  # of a day or a window
BINS = 60
SHOWN_SESSIONS = 30
PROFILE_BARS = SHOWN_SESSIONS * 96  # that many days in quarters of an hour
WINDOWS = (("24 h", DAY), ("7 d", 7 * DAY))
PROMINENT = 0.10  # of the POC's volume


def area(bars: Frame, interval: str, name: str, begin: int, end: int) -> Area | None:
    """The profile of `bars` in short, None where they make none."""
    made = profile(bars, interval, LEAST_BARS, BINS)
    if made is None:
        return None
    return Area(name, begin, end, made.bars, made.poc, made.val, made.vah, float(bars.volume.sum()), None)


def sessions(frame: Frame, interval: str, now_ns: int) -> tuple[list[Area], Area | None]:
    """(whole UTC days, oldest first, with what became of their POC; the running day's).

    A day counts when the data begin no later than it does. A POC is naked while no later bar's low–high holds it.
    """
    days = np.unique(frame.ts // DAY)
    today = now_ns // DAY
    done: list[Area] = []
    running: Area | None = None
    for day in days.tolist():
        if day * DAY < int(frame.ts[0]):
            continue
        start, stop = (int(i) for i in np.searchsorted(frame.ts, (day * DAY, (day + 1) * DAY)))
        name = str(np.datetime64(day, "D"))
        found = area(frame.rows(start, stop), interval, name, day * DAY, min((day + 1) * DAY, now_ns))
        if found is None:
            continue
        if day >= today:
            running = found
            continue
        traded = (frame.low[stop:] <= found.poc) & (frame.high[stop:] >= found.poc)
        done.append(replace(found, naked=not traded.any()))
    return done, running


def rolling(frame: Frame, interval: str, now_ns: int) -> list[Area]:
    """The last 24 hours and 7 days, each only where the data reach back that far."""
    out = []
    for name, span in WINDOWS:
        begin = now_ns - span
        start = int(np.searchsorted(frame.ts, begin))
        if int(frame.ts[0]) > begin:
            continue
        found = area(frame.rows(start, len(frame)), interval, name, begin, now_ns)
        if found is not None:
            out.append(found)
    return out


def source(frames: Mapping[str, Frame]) -> tuple[str, Frame] | None:
    """(name, frame) that days are made of: 15m where they span 14 days, else the longer of 15m and 1h; None without."""
    found = [(name, frames[name]) for name in SOURCES if name in frames and len(frames[name])]
    if not found:
        return None
    spans = [f.end - int(f.ts[0]) for _, f in found]
    enough = [i for i, span in enumerate(spans) if span >= ENOUGH_DAYS * DAY]
    return found[enough[0] if enough else spans.index(max(spans))]


def profiles(frames: Mapping[str, Frame], now_ns: int, composite: Profile | None) -> Profiles | None:
    """Days and windows of the newest 30 days closed by `now_ns`, and the nodes of `composite`; None without bars."""
    found = source({name: frames[name].upto(now_ns, PROFILE_BARS) for name in SOURCES if name in frames})
    if found is None:
        return None
    name, frame = found
    done, running = sessions(frame, name, now_ns)
    marks = nodes(composite) if composite is not None else ()
    return Profiles(name, tuple(done[-SHOWN_SESSIONS:]), running, tuple(rolling(frame, name, now_ns)), marks)


def nodes(shape: Profile) -> tuple[Node, ...]:
    """High and low volume nodes with a prominence of at least 10 % of the POC's volume, lowest price first."""
    volumes = np.array(shape.volumes)
    most = float(volumes.max())
    out = []
    ends = np.concatenate(([0.0], volumes, [0.0]))  # nothing trades beyond: a peak may lie at the edge
    for kind, values, shift in (("HVN", ends, 1), ("LVN", -volumes, 0)):
        for i, height in prominences(values.tolist()):
            if height >= PROMINENT * most:
                bin_ = i - shift
                price = shape.bottom + (bin_ + 0.5) * shape.width
                out.append(Node(kind, price, float(volumes[bin_]) / most, height / most))
    return tuple(sorted(out, key=lambda n: n.price))


def prominences(values: Sequence[float]) -> list[tuple[int, float]]:
    """(place, prominence) of every peak inside: how far one must go down before going higher, on the better side.

    A flat top counts once, at its middle; the ends of the row are no peaks. Definition as in topography.

    >>> prominences([0.0, 3.0, 1.0, 5.0, 5.0, 5.0, 4.0, 4.5, 0.0])
    [(1, 2.0), (4, 5.0), (7, 0.5)]
    """
    out = []
    left, right = _valleys(values), _valleys(values[::-1])[::-1]
    i = 1
    while i < len(values) - 1:
        end = i
        while end < len(values) - 1 and values[end + 1] == values[i]:
            end += 1
        if values[i - 1] < values[i] and end < len(values) - 1 and values[end + 1] < values[i]:
            out.append(((i + end) // 2, values[i] - max(left[i], right[end])))
        i = end + 1
    return out


def _valleys(values: Sequence[float]) -> list[float]:
    """For each place the lowest value between it and the next higher one before it, or the beginning."""
    out = []
    higher: list[tuple[float, float]] = []  # (value, its own answer), falling: what a later one must look back over
    for value in values:
        lowest = value
        while higher and higher[-1][0] <= value:
            lowest = min(lowest, higher.pop()[1])
        higher.append((value, lowest))
        out.append(lowest)
    return out
