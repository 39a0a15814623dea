"""What the order-book score did over a run, per symbol: last, range and time-average. Bounded, O(1) a score."""

from __future__ import annotations

from typing import Any

from desk.signals.live_score import LiveScore
from desk.signals.shape import Score


class _Run:
    __slots__ = ("area", "count", "first", "high", "live", "low", "n", "since", "total")

    def __init__(self, live: LiveScore, total: float) -> None:
        self.live, self.count, self.total = live, live.count, total
        self.low = self.high = total
        self.n = 0
        self.area = 0.0
        self.first = self.since = live.ts

    @property
    def last(self) -> Score:
        score = self.live.last
        assert score is not None  # there was one, or there would be no run
        return score


class ScoreLog:
    """Fold of scores; each counts once, however often it is told."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}

    def apply(self, live: LiveScore) -> None:
        """A market's book moved: take its newest score in, if it has one."""
        if not live.known:
            return
        run, ts, total = self._runs.get(live.inst), live.ts, live.latest
        if run is None:
            run = self._runs[live.inst] = _Run(live, total)
        elif run.count == live.count:
            return
        else:
            run.area += run.total * (ts - run.since)
            run.since, run.count, run.total = ts, live.count, total
            if total < run.low:
                run.low = total
            elif total > run.high:
                run.high = total
        run.n += 1

    def average(self, inst: str) -> float | None:
        """Time-weighted mean since the last `restart`, None without a span."""
        run = self._runs.get(inst)
        if run is None or run.since == run.first:
            return None
        return run.area / (run.since - run.first)

    def window(self) -> dict[str, dict[str, Any]]:
        """Per symbol the average with its span (ns) and tier: what the analyst is told."""
        return {
            inst.rpartition("@")[0]: {
                "score": mean, "tier": run.last.tier, "begin": run.first, "end": run.since, "samples": run.n
            }
            for inst, run in self._runs.items()
            if (mean := self.average(inst)) is not None
        }  # fmt: skip

    @property
    def span(self) -> int:
        """The longest window so far, ns."""
        return max((run.since - run.first for run in self._runs.values()), default=0)

    def restart(self) -> None:
        """Begin a new window for the averages; range and counts go on."""
        for run in self._runs.values():
            run.area, run.first = 0.0, run.since

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
                "min": round(run.low, 3),
                "max": round(run.high, 3),
                "mean": None if (mean := self.average(inst)) is None else round(mean, 3),
            }
            for inst, run in self._runs.items()
        }
