"""The people's side of a run: console and analyst beside it, what they are shown, and the words that come back.

A command reaches the engine by one road, whoever says it: a line ("pause lunch") is understood, waits in the locked
inbox, and gets its time from the loop. Lines come from the terminal, or, where the console draws on it, from the
console's keys over a pipe of their own.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec

from desk.events import Command, TrendBias
from desk.projections.screen import Pressed, Screen
from desk.run.children import Child
from desk.run.clock import now_ns
from desk.run.commands import Commands, TerminalModes, print_line, terminal
from desk.run.loop import Loop
from desk.run.picture import Picture
from desk.run.safety import Safety
from desk.run.shared import Inbox, Shared

PICTURE_S = 0.25
HFT_S = 30.0  # how often the analyst hears the average order-book score

Spawn = Callable[[Coroutine[Any, Any, None]], object]


class People:
    """`now` is the run's time; `stop` ends the run."""

    def __init__(
        self, picture: Picture, loop: Loop, safety: Safety, stop: asyncio.Event, now: Callable[[], int]
    ) -> None:
        self.picture, self.loop, self.safety, self.stop, self.now = picture, loop, safety, stop, now
        self.console: Child | None = None
        self.analyst: Child | None = None
        self.shared: Shared[Screen] = Shared()
        self.inbox = Inbox()
        self.analysed = asyncio.Event()
        self._modes: TerminalModes | None = None

    async def start(
        self, console: list[str] | None, analyst: list[str] | None, logs: Path, spawn: Spawn, aside: Spawn
    ) -> None:
        """Start the processes, and listen to whoever may speak. `aside`: work whose end does not end the run."""
        engine_loop = asyncio.get_running_loop()
        self.inbox = Inbox(lambda: engine_loop.call_soon_threadsafe(self._drain))
        show = self.picture.say if console is not None else print_line
        commands = Commands(self.inbox, self.shared, lambda text: engine_loop.call_soon_threadsafe(show, text))
        typed = terminal()
        if console is not None and typed is not None and sys.stdout.isatty():
            self._modes = TerminalModes(typed)  # the console changes them, and may die before it puts them back
            self.console, keys = await Child.start_with_keys("console", console, logs / "console.log")
            aside(self._keys(keys, commands))
        elif console is not None:
            self.console = await Child.start("console", console, logs / "console.log", screen=True)
        if self._modes is None and typed is not None:
            commands.start(typed)
        if self.console is not None or typed is not None:
            spawn(self._draw())
        if analyst is not None:
            self.picture.analyst = "starting"
            self.analyst = await Child.start("analyst", analyst, logs / "analyst.log")
            aside(self._listen(self.analyst))
            aside(self._tell_averages(self.analyst))

    async def end(self, ended: int) -> None:
        """The last picture, and the children's end."""
        if self.console is not None:
            self.console.say(self.picture.screen(self.loop, ended))
        children = [child for child in (self.console, self.analyst) if child is not None]
        await asyncio.gather(*(child.stop() for child in children))
        if self._modes is not None:
            self._modes.restore()

    def _drain(self) -> None:
        """Take in what other threads posted; its time is now."""
        events, refused = self.inbox.take()
        if refused:
            self.picture.say(f"INBOX FULL: {refused} events of other threads were refused")
        now, account = self.now(), self.loop.engine.account
        for event in events:
            if isinstance(event, Command) and event.what == "stop":
                self.stop.set()  # the end of the run tells the engine
            elif (
                isinstance(event, Command)
                and event.what == "resume"
                and (account.killed or account.halted not in ("", "paused"))
            ):
                self.safety.rearm(event.why, now)
            else:
                self.loop.arrive(msgspec.structs.replace(event, ts=now), 0)

    async def _keys(self, keys: asyncio.StreamReader, commands: Commands) -> None:
        """What the console's keys say, until it ends."""
        while line := await keys.readline():
            said = msgspec.json.decode(line, type=Pressed)
            if said.look is not None:
                self.picture.look_at = said.look
                self._show()
            if said.line:
                commands.line(said.line)

    async def _draw(self) -> None:
        while True:
            self._show()
            await asyncio.sleep(PICTURE_S)

    def _show(self) -> None:
        screen = self.picture.screen(self.loop, now_ns())
        self.shared.publish(screen)
        if self.console is not None:
            self.console.say(screen)

    async def _listen(self, analyst: Child) -> None:
        async for said in analyst.lines():
            if "stage" in said:
                self.picture.analyst = f"{said['stage']} {said.get('symbol', '')}".strip()
            elif "bias" in said:
                bias = msgspec.convert(said["bias"], TrendBias)
                self.loop.arrive(msgspec.structs.replace(bias, ts=self.now()), 0)
            elif "report" in said:
                self.picture.reports += [said["report"][kind] for kind in ("html", "md", "json")]
            elif "extra" in said:
                self.picture.reports.append(said["extra"])
            elif "warning" in said:
                self.picture.say(str(said["warning"]))
            elif "error" in said:
                self.picture.say(f"analysis of {said['error']['symbol']}: {said['error']['text']}")
            elif "scheduled" in said:
                self.picture.analyst = str(said["scheduled"])
                self.analysed.set()
        self.picture.analyst = self.picture.analyst or "ended"

    async def _tell_averages(self, analyst: Child) -> None:
        while True:
            await asyncio.sleep(HFT_S)
            analyst.say({"hft": self.picture.scores.window()})
