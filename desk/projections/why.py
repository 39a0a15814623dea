"""Why there is no trade in a symbol, or why there was one: every gate with its numbers, from journal entries alone."""

from __future__ import annotations

from typing import Any

from desk.events import Event, TrendBias
from desk.intents import Effect, Tell
from desk.projections.arithmetic import change, told
from desk.projections.codes import CODES, GATES, bare, gate_of
from desk.projections.funnel import Funnel, FunnelFold, Said, Stage

PASSED, NO, NOT_ASKED = "passed", "NO", "not asked"
MEASURED: dict[str, tuple[tuple[str, str], ...]] = {  # what a gate that was passed looks at, where it was written down
    "freshness": (("age_s", "last proof {:.2f} s ago"),),
    "warm-up": (("bars", "{:.0f} closed bars"),),
    "score": (("technical", "technical score {:+.1f}"),),
    "filter": (
        ("score", "order book {:+.1f}"),
        ("effective", "{:+.1f} left of it"),
        ("spread_bps", "spread {:.2f} bps"),
    ),
}
LATCHES = {
    **dict.fromkeys(("PAUSE", "KILL", "HALT", "DAILY_LOSS", "DRAWDOWN", "EQUITY_UNKNOWN", "LOSING_STREAK"), True),
    **dict.fromkeys(("RESUME", "COOL_DOWN_OVER"), False),
}


class WhyFold:
    """`apply` entries in order up to the moment in question, then `answer`."""

    def __init__(self) -> None:
        self.funnels = FunnelFold()
        self.biases: dict[str, TrendBias] = {}
        self.latches: dict[str, str] = {}  # code → words, what stands in the way of every entry
        self.seq = self.ts = 0

    def apply(self, event: Event, effects: list[Effect], seq: int = 0) -> None:
        """Take one entry in."""
        self.seq, self.ts = seq, event.ts
        self.funnels.apply(event, effects, seq)
        if isinstance(event, TrendBias):
            self.biases[event.symbol] = event
        for effect in effects:
            if isinstance(effect, Tell) and (closes := LATCHES.get(effect.code)) is not None:
                if closes:
                    self.latches[effect.code] = effect.text
                elif effect.code == "COOL_DOWN_OVER":
                    self.latches.pop("LOSING_STREAK", None)
                else:
                    self.latches.clear()

    def answer(self, inst: str, now: int) -> dict[str, Any]:
        """The state of every gate of one instrument at `now` (ns), as JSON; prices in ticks, times in ns."""
        funnel = self.funnels.result(inst)
        no = funnel.now
        at = GATES.index(gate_of(no.code)) if no is not None else len(GATES)
        bias = self.biases.get(inst.rpartition("@")[0])
        return {
            "inst": inst,
            "now": now,
            "seq": self.seq,
            "code": no.code if no is not None else "SIGNAL" if funnel.looks else "",
            "since": no.since if no is not None else funnel.at,
            "said": funnel.at,
            "meaning": _meaning(no),
            "numbers": dict(no.because) if no is not None else {},
            "arithmetic": told(no.code, no.because) if no is not None else "",
            "change": change(no.code, no.because) if no is not None else "",
            "latches": dict(self.latches),
            "bias": {"score": bias.score, "label": bias.label, "expires": bias.expires} if bias is not None else None,
            "looks": funnel.looks,
            "signals": funnel.signals,
            "submitted": funnel.submitted,
            "filled": funnel.filled,
            "gates": [gate_state(stage, i, at, funnel) for i, stage in enumerate(funnel.stages)],
            "signal": funnel.signal,
        }


def gate_state(stage: Stage, index: int, at: int, funnel: Funnel) -> dict[str, Any]:
    """One gate at the last look: passed with its measure, NO with its calculation, or not asked, and its last no."""
    asked = index <= at and funnel.looks > 0
    state = NOT_ASKED if not asked else NO if index == at else PASSED
    if funnel.now is None and stage.gate in ("risk", "venue"):
        state = PASSED if funnel.submitted else NOT_ASKED
    last = stage.last
    text = ""
    if state == NO and funnel.now is not None:
        text = told(funnel.now.code, funnel.now.because)
    elif state == PASSED and funnel.now is not None:
        measured = MEASURED.get(stage.gate, ())
        text = ", ".join(form.format(funnel.now.because[n]) for n, form in measured if n in funnel.now.because)
    elif last is not None:
        text = told(last.code, last.because)
    return {
        "gate": stage.gate,
        "state": state,
        "reached": stage.reached,
        "stopped": stage.stopped,
        "codes": dict(sorted(stage.codes.items(), key=lambda item: (-item[1], item[0]))),
        "last_code": last.code if last is not None else "",
        "last_at": last.at if last is not None else 0,
        "text": text,
    }


def _meaning(no: Said | None) -> str:
    if no is None:
        return ""
    known = CODES.get(bare(no.code))
    return known.meaning if known is not None else ""
