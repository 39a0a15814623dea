"""How far each look at a symbol came: a fold over journal entries, gate by gate, live or years later.

    looks ▶ feed ▶ book ▶ freshness ▶ warm-up ▶ score ▶ filter ▶ bias ▶ edge ▶ room ▶ signal ▶ risk ▶ venue ▶ filled

A strategy says its "no" on the beat, when it is another and once a second while it lasts, each time with the answers to
all looks since (`Decline.counts`). So every look is counted, but those since the last word: at most a second of them.
Exits are no looks and pass no gate: they are not in the funnel.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from desk.events import Ended, Event, Fill
from desk.intents import Decline, Effect, Noted, Refuse, Signal, Submit
from desk.projections.codes import GATES, gate_of

SIGNAL = "SIGNAL"
ENTRIES_KEPT = 4_096  # orders whose end is still waited for


class Said(msgspec.Struct, frozen=True):
    """A gate's "no": its code, the numbers, when it was last said, since when without a break, in which entry (0: not
    known, live)."""

    code: str
    because: dict[str, float]
    at: int
    since: int
    seq: int


class Stage(msgspec.Struct, frozen=True):
    """One gate: how many came to it, how many it stopped, its codes with their counts, and its last "no"."""

    gate: str
    reached: int
    stopped: int
    codes: dict[str, int]
    last: Said | None


class Funnel(msgspec.Struct, frozen=True):
    """One symbol. `now` is what the last look came to: a "no", or None after a signal; `at` ns of the last word."""

    inst: str
    looks: int
    signals: int
    submitted: int
    filled: int
    stages: tuple[Stage, ...]
    now: Said | None
    signal: Signal | None
    at: int


class _Symbol:
    __slots__ = ("asked", "at", "codes", "counted", "filled", "held", "last", "now", "said", "signal", "signals")

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self.last: dict[str, Said] = {}  # by gate
        self.now: Said | None = None
        self.signal: Signal | None = None
        self.signals = self.asked = self.filled = self.at = self.held = 0
        self.counted = 0  # looks that are in `codes` or `signals`
        self.said = ""  # the last "no" of the strategy itself


class FunnelFold:
    """`apply` every entry in order, ask `result` of a symbol at any time. Cheap where an entry says nothing."""

    def __init__(self) -> None:
        self._symbols: dict[str, _Symbol] = {}
        self._entries: dict[str, str] = {}  # order → instrument, entries that have not traded yet

    def apply(self, event: Event, effects: Iterable[Effect], seq: int = 0) -> None:
        """Take one entry in."""
        if isinstance(event, Fill):
            self._filled(event)
        elif isinstance(event, Ended):
            inst = self._entries.pop(event.order_id, None)
            why = event.why.partition(":")[0]
            if inst is not None and why in ("denied", "rejected"):
                self._stopped(inst, "LAST_GATE" if why == "denied" else "REJECTED", {}, event.ts, seq)
        for effect in effects:
            if isinstance(effect, Noted):
                if isinstance(effect.what, Decline):
                    self._declined(effect.what, event.ts, seq)
                else:
                    self._signalled(effect.what, event.ts)
            elif isinstance(effect, Refuse):
                place = effect.place
                if self._of(place.inst).held * place.side >= 0:
                    numbers = {"value": effect.value, "limit": effect.limit}
                    self._stopped(place.inst, f"RISK_{effect.rule.upper()}", numbers, event.ts, seq)
            elif isinstance(effect, Submit):
                self._submitted(effect)

    def symbols(self) -> list[str]:
        """The instruments that were looked at."""
        return list(self._symbols)

    def result(self, inst: str) -> Funnel:
        """The funnel of one instrument; all zeros for one that was never looked at."""
        symbol = self._symbols.get(inst) or _Symbol()
        by_gate: dict[str, dict[str, int]] = {gate: {} for gate in GATES}
        for code, count in symbol.codes.items():
            by_gate[gate_of(code)][code] = count
        looks = left = symbol.counted
        stages = []
        for gate, codes in by_gate.items():
            if gate == "risk":
                left = symbol.asked + sum(codes.values())  # an order a look: what passed "room" wished for one
            stopped = sum(codes.values())
            stages.append(Stage(gate, left, stopped, codes, symbol.last.get(gate)))
            left -= stopped
        return Funnel(
            inst, looks, symbol.signals, symbol.asked, symbol.filled, tuple(stages), symbol.now, symbol.signal,
            symbol.at,
        )  # fmt: skip

    def _of(self, inst: str) -> _Symbol:
        symbol = self._symbols.get(inst)
        if symbol is None:
            symbol = self._symbols[inst] = _Symbol()
        return symbol

    def _declined(self, decline: Decline, ts: int, seq: int) -> None:
        symbol = self._of(decline.inst)
        for code, n in decline.counts.items():
            if code != SIGNAL:  # signals tell of themselves
                symbol.codes[code] = symbol.codes.get(code, 0) + n - (code == decline.code)
                symbol.counted += n
        symbol.counted += decline.code not in decline.counts
        self._stopped(decline.inst, decline.code, decline.because, ts, seq)

    def _stopped(self, inst: str, code: str, because: dict[str, float], ts: int, seq: int) -> None:
        symbol = self._of(inst)
        symbol.codes[code] = symbol.codes.get(code, 0) + 1
        since = symbol.now.since if symbol.now is not None and symbol.now.code == code else ts
        symbol.now = symbol.last[gate_of(code)] = Said(code, because, ts, since, seq)
        symbol.at = ts

    def _signalled(self, signal: Signal, ts: int) -> None:
        symbol = self._of(signal.inst)
        symbol.signals += 1
        symbol.counted += 1
        symbol.signal, symbol.now, symbol.at = signal, None, ts

    def _submitted(self, submit: Submit) -> None:
        place, symbol = submit.place, self._of(submit.place.inst)
        if symbol.held * place.side < 0:
            return  # an exit
        symbol.asked += 1
        self._entries[submit.order_id] = place.inst
        if len(self._entries) > ENTRIES_KEPT:
            del self._entries[next(iter(self._entries))]

    def _filled(self, fill: Fill) -> None:
        symbol = self._of(fill.inst)
        symbol.held += fill.side * fill.qty
        if self._entries.pop(fill.order_id, None) is not None:
            symbol.filled += 1
