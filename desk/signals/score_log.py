"""What the order-book score did over a run, per symbol: last, range and time-averages. Bounded, O(1) a score.

Of the scores of one moment the last one counts: frames that came in one read stand in a book together.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from desk.signals.live_score import LiveScore
from desk.signals.shape import Score

WINDOW_NS = 900_000_000_000  # what the analyst is told covers up to this


class _Mark(NamedTuple):
    """A run's sums at one moment."""

    since: int
    area: float
    n: int


class _Run:
    __slots__ = ("area", "before", "count", "first", "highest", "live", "lowest", "marks", "since", "total")

    def __init__(self, live: LiveScore, total: float) -> None:
        self.live, self.count, self.total = live, live.count, total
        self.lowest = self.highest = total  # up to the moment before this one
        self.before = 0  # moments
        self.area = 0.0
        self.first = self.since = live.ts
        self.marks = deque((_Mark(live.ts, 0.0, 0),))

    def take(self, ts: int, total: float) -> None:
        """The next score."""
        if ts != self.since:
            self.area += self.total * (ts - self.since)
            self.lowest, self.highest = min(self.lowest, self.total), max(self.highest, self.total)
            self.before += 1
        self.since, self.total = ts, total

    @property
    def n(self) -> int:
        return self.before + 1

    @property
    def last(self) -> Score:
        score = self.live.last
        assert score is not None  # there was one, or there would be no run
        return score


class ScoreLog:
    """Fold of scores; each counts once at most, however often it is told."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}

    def apply(self, live: LiveScore) -> None:
        """A market's book moved: take its newest score in, if it has one."""
        if not live.known:
            return
        run = self._runs.get(live.inst)
        if run is None:
            self._runs[live.inst] = _Run(live, live.latest)
        elif run.count != live.count:
            run.count = live.count
            run.take(live.ts, live.latest)

    def average(self, inst: str) -> float | None:
        """Time-weighted mean of the whole run, None without a span."""
        run = self._runs.get(inst)
        if run is None or run.since == run.first:
            return None
        return run.area / (run.since - run.first)

    def window(self) -> dict[str, dict[str, Any]]:
        """Per symbol the time-weighted mean of up to the last 15 minutes, with its span (ns), count and tier.

        Call it at an even pace: each call is where a later window may begin.
        """
        out = {}
        for inst, run in self._runs.items():
            while len(run.marks) > 1 and run.marks[0].since < run.since - WINDOW_NS:
                run.marks.popleft()
            begin = run.marks[0]
            if run.since > begin.since:
                mean = (run.area - begin.area) / (run.since - begin.since)
                span = {"begin": begin.since, "end": run.since, "samples": run.n - begin.n}
                out[inst.rpartition("@")[0]] = {"score": mean, "tier": run.last.tier} | span
            if run.since > run.marks[-1].since:
                run.marks.append(_Mark(run.since, run.area, run.n))
        return out

    def result(self) -> dict[str, dict[str, Any]]:
        """Per instrument key: the last score with its components, and the range of the totals."""
        return {
            inst: {
                "n": run.n,
                "last": round(run.last.total, 3),
                "label": run.last.label,
                "tier": run.last.tier,
                "imbalance": round(run.last.imbalance, 3),
                "order_count": None if run.last.order_count is None else round(run.last.order_count, 3),
                "spread": round(run.last.spread, 3),
                "min": round(min(run.lowest, run.total), 3),
                "max": round(max(run.highest, run.total), 3),
                "mean": None if (mean := self.average(inst)) is None else round(mean, 3),
            }
            for inst, run in self._runs.items()
        }
