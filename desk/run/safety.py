"""The kill switch at work: the latch beside the sessions becomes commands, and what the engine decides becomes latches.

    another process:  ./run kill  ─▶ latch.json ─▶ look ─▶ Command("kill") ─▶ engine: cancel all, no entries
    the console's key or a breaker ─▶ engine ─▶ see ─▶ latch.json ─▶ begin, at the next start: still latched

A breaker's latch outlives the run where its market does: an account at the embedded exchange begins anew each time, and
there is nothing left to protect. A person's kill outlives everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from desk.errors import JournalError
from desk.events import Command
from desk.intents import Effect, Tell
from desk.io import latch
from desk.io.latch import DAY_NS, REARMS_A_DAY, Latch

BREAKERS = ("DAILY_LOSS", "DRAWDOWN", "EQUITY_UNKNOWN")


class Safety:
    """One per run; `folder` holds the sessions and the latch, `command` reaches the engine."""

    def __init__(self, folder: Path, command: Callable[[Command], None], *, breakers_stay: bool) -> None:
        self._folder, self._command, self._breakers_stay = folder, command, breakers_stay
        self._known = Latch()
        self._stamp = 0

    def begin(self, now: int) -> None:
        """Obey the latch before anything else happens. Raises JournalError when a kill could not be kept."""
        held = latch.prove(self._folder)
        if held.halted.startswith("daily_loss") and held.since // DAY_NS != now // DAY_NS:
            held = latch.expire(self._folder)  # a new day, as while running
        self._stamp = latch.changed(self._folder)
        self._known = Latch(rearmed=held.rearmed)
        if held.halted and self._breakers_stay:
            self._command(Command(now, "halt", held.halted))
        self._obey(held, now)

    def look(self, now: int) -> None:
        """A few times a second: has a person pulled the switch, or lifted it?"""
        stamp = latch.changed(self._folder)
        if stamp != self._stamp:
            self._stamp = stamp
            self._obey(latch.read(self._folder), now)

    def rearm(self, why: str, now: int) -> None:
        """A person re-arms from inside the run: written to the latch, so that it counts like any other, then obeyed."""
        try:
            latch.rearm(self._folder, why, now)
        except JournalError as err:
            self._command(Command(now, "note", str(err)))
        else:
            self.look(now)

    def see(self, effects: Iterable[Effect], now: int) -> None:
        """What the engine decided is kept: a kill by the console's key, a breaker that tripped."""
        for effect in effects:
            if not isinstance(effect, Tell):
                continue
            if effect.code == "KILL" and not self._known.killed:
                self._keep(latch.kill, effect.text, now)
            elif effect.code in BREAKERS and self._breakers_stay:
                self._keep(latch.halt, f"{effect.code.lower()}: {effect.text}", now)

    def _keep(self, write: Callable[[Path, str, int], Latch], why: str, now: int) -> None:
        try:
            self._known, self._stamp = write(self._folder, why, now), latch.changed(self._folder)
        except JournalError as err:  # the engine has stopped already; what is lost is the memory over a restart
            self._command(Command(now, "note", str(err)))

    def _obey(self, held: Latch, now: int) -> None:
        """What changed in the latch since it was last looked at, as commands."""
        before, self._known = self._known, held
        if held.killed and not before.killed:
            self._command(Command(now, "kill", held.killed))
        if held.flatten and not before.flatten:
            self._command(Command(now, "flatten", held.killed))
        if held.open and held.rearmed[-1:] != before.rearmed[-1:]:
            if held.rearms_since(now - DAY_NS) > REARMS_A_DAY:
                self._known = before
                self._command(Command(now, "note", f"re-arming number {REARMS_A_DAY + 1} within a day needs a restart"))
            else:
                self._command(Command(now, "resume", held.why))
