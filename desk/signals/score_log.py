"""What the order-book score did over a run, per symbol: last, range and time-average. Bounded, O(1) a score."""

from __future__ import annotations

from typing import Any

from desk.signals.shape import Score


class _Run:
    __slots__ = ("area", "first", "high", "last", "low", "n", "since")

    def __init__(self, score: Score) -> None:
        self.last = score
        self.low = self.high = score.total
        self.n = 0
        self.area = 0.0
        self.first = self.since = score.ts


class ScoreLog:
    """Fold of scores; equal consecutive objects count once."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}

    def apply(self, score: Score) -> None:
        run = self._runs.get(score.inst)
        if run is None:
            run = self._runs[score.inst] = _Run(score)
        elif run.last is score:
            return
        else:
            run.area += run.last.total * (score.ts - run.since)
            run.since = score.ts
            run.last = score
            run.low, run.high = min(run.low, score.total), max(run.high, score.total)
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
