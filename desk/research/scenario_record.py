"""Were the odds of the scenarios right? Each past day's odds come from the days before it; then it is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from desk.analysis.evidence import ScenarioRecord
from desk.analysis.plan import Scenario
from desk.analysis.scenarios import Corridor, Edge, model_odds
from desk.analysis.shape import Frame
from desk.research.metrics import wilson
from desk.research.outlook import LEAST, left
from desk.research.reactions import history, past_days

TESTED = 30  # days, below which a record would only be noise
KINDS = {"bull": 1, "bear": -1, "range": 0}  # the side on which the corridor is left


def scenario_records(
    frames: Mapping[str, Frame], scenarios: Sequence[Scenario], last: float, atr: float | None
) -> tuple[ScenarioRecord, ...]:
    """One record per kind for a corridor as wide as today's; empty where there are too few past days.

    `frames` hold nothing after the moment of the scenarios. Odds are (k + 1)/(n + 3) of all earlier days, as in
    `outlook.odds`; days do not overlap, so an outcome is known before the next odds are given.
    """
    triggers = {s.kind: s.trigger for s in scenarios}
    up, down = triggers.get("bull"), triggers.get("bear")
    bars = history(frames)
    if bars is None or up is None or down is None or not atr:
        return ()
    corridor = Corridor(last, atr, Edge(up, "", up, ""), Edge(down, "", down, ""))
    ways = left(bars, past_days(bars, frames.get("1d"))[::-1], corridor)
    ways = ways[ways != 2]  # both edges inside one candle: nobody knows which came first
    if len(ways) < LEAST + TESTED:
        return ()
    seen = np.arange(LEAST, len(ways))
    out = []
    for (kind, way), model in zip(KINDS.items(), model_odds(corridor).shares, strict=True):
        came = ways == way
        said = (np.cumsum(came)[seen - 1] + 1.0) / (seen + 3.0)
        outcome = came[seen]
        share = wilson(int(outcome.sum()), len(outcome))
        if share is not None:
            errors = float(((said - outcome) ** 2).mean()), float(((model - outcome) ** 2).mean())
            out.append(ScenarioRecord(kind, float(said.mean()), share, *errors))
    return tuple(out)
