"""How long a strategy's last look at a symbol stands: while nothing it was made of changed, the next says the same."""

from __future__ import annotations

from typing import Protocol

from desk.signals.alignment import LEAN
from desk.signals.gate_words import GateWords
from desk.signals.shape import Guard, Trend
from desk.strategies.base import Pulse

OVER = -1  # no pulse's epoch
UNASKED = 1 << 62  # no pulse's turn


def stance(technical: float | None, needs: float) -> int | None:
    """The side a technical score allows: ±1, 0 while it is below `needs`, None before it is known.

    >>> [stance(score, 25.0) for score in (None, -24.9, 25.0, -60.0)]
    [None, 0, 1, -1]
    """
    if technical is None:
        return None
    return 0 if abs(technical) < needs else 1 if technical > 0 else -1


class Mind(Protocol):
    """Whose trend goes on while the strategy rests (hft_signals.HFTIntegrator)."""

    def lend(self) -> Trend | None: ...

    def take_back(self, felt: int, ema: float, label: int) -> None: ...


class Gates(Protocol):
    """Who knows what a side's gates hang on (desk.strategies.scalp_gates); a conflict keeps out for `wait_ns`."""

    wait_ns: int

    def of(self, side: int) -> GateWords: ...


class Standing:
    """The market and the mind at the last look, whose answer was `code`. Without a side, prices and the score change
    nothing. `against`: ns since when the book is against the side, 0 while it is not. `behind`: the "no" of the gates
    that the market does not move, "" for none; `guard`: where the trade under way has nothing to do.

    While it stands the strategy rests where it may: frames end in the kernel, which answers and counts them and goes on
    with the trend that `mind` lent it, until one of them could lead to more than a "no".
    """

    __slots__ = (
        "_counts", "_gates", "_mind", "_prompt", "_told", "against", "behind", "code", "epoch", "guard", "pulse",
        "side", "turn", "until",
    )  # fmt: skip

    def __init__(self, mind: Mind | None, prompt_ns: int, gates: Gates | None) -> None:
        self.code = ""
        self.pulse: Pulse | None = None
        self.side: int | None = None
        self.turn = self.until = self.against = 0
        self.behind = ""
        self.guard: Guard | None = None
        self._mind, self._prompt, self._gates = mind, prompt_ns, gates
        self._counts: dict[str, int] = {}
        self._told: dict[str, int] = {}  # of them, up to the last `news`
        self.end()

    def end(self) -> None:
        """Something happened: look again."""
        self.epoch = OVER
        self.rouse()

    def objects(self, x: float | None, now: int) -> bool:
        """Whether the book is against the side, kept in `against`; x = side · effective score."""
        self.against = (self.against or now) if x is not None and x <= -LEAN else 0
        return self.against > 0

    def begin(
        self,
        pulse: Pulse | None,
        side: int | None,
        until: int,
        known: bool = True,
        behind: str = "",
        guard: Guard | None = None,
    ) -> None:
        """A look was taken with this pulse; it stands until `until` (ns) at most. No pulse: the next frame ends it.

        The gates know what they hang on; without gates the strategy is asked at every turn. `known`: `code` is the
        answer at the score of now; where it is not, the next frame asks.
        """
        self.pulse, self.behind, self.guard = pulse, behind, guard
        if pulse is not None and pulse.kept and (known or not side or self._gates is not None):
            self.epoch, self.turn, self.side, self.until = pulse.epoch, pulse.turn if known else UNASKED, side, until
            self.rest()

    def turned(self, side: int | None) -> None:
        """Another side, or other bars: where a look still stands the gates, which know what is new, answer again."""
        self.rouse()
        pulse = self.pulse
        if pulse is None or pulse.epoch != self.epoch or side is None or (side and self._gates is None):
            self.end()
            return
        self.side, self.turn = side, UNASKED
        if not side:
            self.code = "WEAK_TECHNICAL"
        self.rest()

    def resumed(self, now: int) -> Pulse | None:
        """End of a rest: the pulse where the last look still stands at `now`, else None."""
        self.rouse()
        pulse = self.pulse
        if pulse is None or pulse.epoch != self.epoch or now >= self.until or pulse.lag_ns > self._prompt:
            return None
        if self._gates is not None and self.code == "HFT_CONFLICT" and now - self.against >= self._gates.wait_ns:
            return None  # a conflict that has lasted is no answer any more
        if self.guard is None:
            return pulse
        total = pulse.total  # which the trend, not known yet, may believe
        return pulse if self.guard.holds(pulse.bid, pulse.ask, total, total) else None

    def rest(self) -> None:
        """Leave the next frames alone, as long as nothing changes."""
        if (pulse := self.pulse) is not None:
            trend = self._mind.lend() if self._mind is not None else None
            if trend is not None or self._mind is None:
                gates, said = 0, "" if self.turn == UNASKED else self.code
                if self.side and self._gates is not None:
                    gates = self._gates.of(self.side).ask(said, self.against, self.behind)
                turn = self.turn if self.side else None
                pulse.rest(self.until, turn, gates, self._prompt, trend, self.guard)

    def rouse(self) -> None:
        """Take back what was lent."""
        if (pulse := self.pulse) is None:
            return
        frames, turn, trend = pulse.rested()
        if frames:
            counted = [(self.code, frames)]
            if not self.side:
                self.against = 0  # no side, no objection
            else:
                self.turn = turn
                if self._gates is not None:
                    self.code, self.against, counted = self._gates.of(self.side).heard()
            for code, n in counted:
                self._counts[code] = self._counts.get(code, 0) + n
            if self._mind is not None:
                self._mind.take_back(*trend)

    def said(self, code: str) -> int:
        """The answer to one more look; returns how many there were."""
        self.rouse()
        self.code = code
        self._counts[code] = self._counts.get(code, 0) + 1
        return sum(self._counts.values())

    def said_again(self) -> None:
        """The same answer to one more look."""
        self._counts[self.code] = self._counts.get(self.code, 0) + 1
        if not self.side:
            self.against = 0

    def news(self) -> dict[str, int]:
        """How often each answer was given since this was last asked."""
        self.rouse()
        fresh = {code: n - self._told.get(code, 0) for code, n in self._counts.items() if n > self._told.get(code, 0)}
        self._told = self._counts.copy()
        return fresh

    @property
    def counts(self) -> dict[str, int]:
        """How often each answer was given."""
        self.rouse()
        return self._counts
