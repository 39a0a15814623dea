"""How long orders take, stage by stage: a fold over journal entries, in the time of the events.

With the paper venue these are the latencies that its settings say, and the waits of the simulated queue: SIMULATED.
"""

from __future__ import annotations

from collections.abc import Iterable

from desk.events import Accepted, Ended, Event, Fill
from desk.intents import CancelOrder, Effect, Submit
from desk.projections.latency import Percentiles

STAGES = ("order_accepted", "first_fill_taking", "first_fill_resting", "order_ended", "cancel_ended")


class OrderTimes:
    """`apply` every entry; `stages` are histograms of ns from an order or cancel being sent to its answer."""

    def __init__(self) -> None:
        self.stages = {stage: Percentiles() for stage in STAGES}
        self._sent: dict[str, int] = {}
        self._unfilled: dict[str, None] = {}
        self._cancelled: dict[str, int] = {}

    def apply(self, event: Event, effects: Iterable[Effect]) -> None:
        if isinstance(event, Accepted):
            self._add("order_accepted", self._sent.get(event.order_id), event.ts)
        elif isinstance(event, Fill):
            if event.order_id in self._unfilled:
                del self._unfilled[event.order_id]
                stage = "first_fill_resting" if event.maker else "first_fill_taking"
                self._add(stage, self._sent.get(event.order_id), event.ts)
        elif isinstance(event, Ended):
            self._add("order_ended", self._sent.pop(event.order_id, None), event.ts)
            self._add("cancel_ended", self._cancelled.pop(event.order_id, None), event.ts)
            self._unfilled.pop(event.order_id, None)
        for effect in effects:
            if isinstance(effect, Submit):
                self._sent[effect.order_id] = event.ts
                self._unfilled[effect.order_id] = None
            elif isinstance(effect, CancelOrder) and effect.order_id in self._sent:
                self._cancelled.setdefault(effect.order_id, event.ts)

    def _add(self, stage: str, since: int | None, now: int) -> None:
        if since is not None:
            self.stages[stage].add(now - since)

    def result(self) -> dict[str, dict[str, float | None]]:
        """Percentiles in µs with the count, of each stage that was ever measured."""
        return {stage: {"n": float(h.count), **h.result()} for stage, h in self.stages.items() if h.count}
