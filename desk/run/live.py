"""One run from start to end: a source, the engine's loop, the analyst and the console beside it, a summary last."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from desk.config import Config
from desk.errors import DeskError
from desk.events import Answer, ClockJump, Command, Event, Frame, LinkDown, LinkUp, Start, Unanswered
from desk.intents import Effect, Fetch, Resync
from desk.io.ccxt_feed import CcxtFeed
from desk.io.journal import JournalWriter
from desk.io.recorder import Recorder
from desk.io.websocket import Feed
from desk.run.clock import JumpDetector, now_ns, wall_ns
from desk.run.courier import Courier
from desk.run.loop import Loop
from desk.run.observe import Observer
from desk.run.parts import Parts
from desk.run.people import People
from desk.run.picture import Picture
from desk.run.private import guarded
from desk.run.recovery import Recovery, describe, session_prefix
from desk.run.rehearse import RehearsalFeed
from desk.run.safety import Safety
from desk.run.source import Source
from desk.run.spin import Spin
from desk.run.stop import stop_signal
from desk.wire.budget import Budget
from desk.wire.recording import rest_answer
from desk.wire.session import Session
from desk.wire.venues import wire_of

TICK_S = 0.05
LATCH_S = 0.05  # a kill written by another process is obeyed after at most this
SWITCH_S = 0.0005  # the recorder's thread gives way to a frame after this, not after Python's 5 ms
HISTORY_S = 20.0  # for the instrument of a symbol to become known
SETTLE_NS = 2_000_000_000  # for the venue's last answers after a stop


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What this run is to do."""

    mode: str
    config_json: str
    config_hash: str
    version: str
    seed: int
    duration_s: float | None
    fee_tier: str
    console: list[str] | None  # arguments of the console process, None for no console
    analyst: list[str] | None  # arguments of the analyst process, None for none
    spin: bool = False  # the loop never sleeps


class Run:
    """A run in progress."""

    def __init__(
        self,
        plan: Plan,
        source: Source,
        build: Callable[[Start], Parts],
        journal: JournalWriter,
        stop: asyncio.Event,
        recorder: Recorder | None = None,
        recovery: Recovery | None = None,
    ) -> None:
        self.plan, self.source, self.stop, self.recorder, self.recovery = plan, source, stop, recorder, recovery
        self.started = now_ns()
        self.start = Start(
            source.begin,
            plan.mode,
            source.feed,
            source.venue,
            source.symbols,
            plan.config_json,
            plan.config_hash,
            plan.seed,
            plan.version,
            source.links,
            "" if source.stamped else session_prefix(source.begin),
            recovery.handover if recovery is not None else None,
            recovery.session if recovery is not None else "",
        )
        self.parts = build(self.start)
        weights = msgspec.json.decode(plan.config_json, type=Config).hft_signals.weights
        self.engine = self.parts.engine
        self.picture = Picture(plan.mode, source, plan.fee_tier, self.started, weights)
        self.journal = journal
        self.courier = Courier(source.rest, source.pace_s, lambda event: self._post(event, 0), now_ns)
        parts, observer = self.parts, Observer(self.engine, self.parts.decay)
        self.loop = Loop(
            self.engine,
            parts.venue,
            parts.gate,
            self.journal,
            self._resync,
            self._effects,
            self._fetch,
            observer,
            self._moved,
        )
        kept = not (source.simulated or source.stamped)
        self.safety = Safety(journal.folder.parent, lambda command: self.loop.arrive(command, 0), breakers_stay=kept)
        self.budget = Budget()
        self.feeds: list[Feed | RehearsalFeed | CcxtFeed] = [self._feed(number) for number in range(len(source.links))]
        self.people = People(self.picture, self.loop, self.safety, stop, self._now)
        self._clock = JumpDetector(wall_ns(), now_ns())
        self._tasks: list[asyncio.Task[None]] = []
        self._asides: list[asyncio.Task[None]] = []
        self.spin = Spin()

    def _feed(self, number: int) -> Feed | RehearsalFeed | CcxtFeed:
        if self.source.rehearsal is not None:
            return RehearsalFeed(self.source.rehearsal, self._post, self.source.speed, self.plan.duration_s)
        if self.source.client is not None:
            return CcxtFeed(number, self.source.client, self.source.symbols, self._post, now_ns, _jitter)
        link, wire = self.source.links[number], wire_of(self.source.venue)
        policy = msgspec.structs.replace(wire.policy, silence=self.source.silence_ns)
        session = Session(wire.codec(self.source.symbols), list(link.wanted), policy, _jitter, self.budget)
        token = self.source.token(number)
        feed = Feed(
            number,
            session,
            self.source.urls[number],
            self._post,
            now_ns,
            guarded(token, self.engine.watch.time) if token is not None else None,
            self._burst,
            stamped=self.source.stamped,
        )
        feed.stamp = self.source.begin if self.source.stamped else 0
        return feed

    def _now(self) -> int:
        return self.loop.now if self.source.stamped else now_ns()

    # --- the run

    async def run(self) -> dict[str, Any]:
        """From the first event to the summary."""
        self.loop.arrive(self.start, 0)
        self._take_over()
        self.safety.begin(self.source.begin)
        for note in self.source.notes:
            self.picture.say(note)
        logs = self.journal.folder
        await self.people.start(self.plan.console, self.plan.analyst, logs, self._spawn, self._aside)
        if self.recorder is not None:
            self.recorder.start(self.picture.say)
        gc.collect()
        gc.freeze()  # what lives now lives to the end: later collections need not look at it
        gc.set_threshold(50_000, 20, 100)
        sys.setswitchinterval(SWITCH_S)
        if self.plan.spin:
            self.spin.start()
        for feed in self.feeds:
            self._spawn(feed.run())
        if not self.source.stamped:
            self._spawn(self._tick())
        self._spawn(self._watch_latch())
        self._spawn(self.courier.run())
        if "OHLC" in self.source.rest:
            self._aside(self._history())
        watchers: list[asyncio.Task[Any]] = [asyncio.create_task(self.stop.wait())]
        watchers += [asyncio.create_task(feed.finished.wait()) for feed in self.feeds]
        watchers += self._tasks
        wall = None if self.source.rehearsal else self.plan.duration_s  # a rehearsal's duration is in its own time
        await asyncio.wait(watchers, timeout=wall, return_when=asyncio.FIRST_COMPLETED)
        for task in (*self._tasks, *self._asides):
            if task.done() and not task.cancelled() and (err := task.exception()) is not None:
                raise err
        return await self._end()

    def _take_over(self) -> None:
        """Tell the engine what became of the orders it took over, and a person what was found."""
        if self.recovery is None:
            return
        for event in self.recovery.events(self.source.begin):
            self.loop.arrive(event, 0)
        for line in describe(self.recovery):
            self.picture.say(line.strip())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Work whose end does not end the run."""
        self._asides.append(asyncio.create_task(work))

    async def _end(self) -> dict[str, Any]:
        ended = now_ns()
        self.spin.stop()
        for feed in self.feeds:
            feed.stop()
        at = self.loop.now if self.source.stamped else ended
        self.loop.arrive(Command(at, "stop", "the run ends"), 0)
        self.loop.until(at + SETTLE_NS)
        self.journal.flush()  # the summary speaks of all of it
        summary = self.picture.summary(self.loop, ended)
        summary["taken_over"] = self.start.taken or None
        await self._close_recorder(summary)
        self.journal.close(summary)
        summary["effect_hash"] = self.journal.effect_hash
        for task in (*self._tasks, *self._asides):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._asides, return_exceptions=True)
        await self.people.end(ended)
        return summary

    async def _close_recorder(self, summary: dict[str, Any]) -> None:
        summary["recordings"] = []
        if self.recorder is not None:
            await asyncio.to_thread(self.recorder.close)
            summary["recordings"] = self.recorder.files
            summary["problems"] += [self.recorder.problem] if self.recorder.problem else []

    # --- what arrives

    def _post(self, event: Event, received: int) -> None:
        if type(event) is Frame:
            if self.recorder is not None:
                self.recorder.take(event)
        elif isinstance(event, Answer) and event.call == "depth" and self.recorder is not None:
            if (kept := rest_answer(event.ts, 0, event.symbol, event.data)) is not None:
                self.recorder.take(kept)
        elif isinstance(event, LinkUp):
            self.picture.links.up(event.link, now_ns())
        elif isinstance(event, LinkDown):
            self.picture.links.down(event.link, now_ns())
        self.loop.arrive(event, received)

    def _burst(self, ts: int, link: int, frames: list[bytes], received: int) -> None:
        events = [Frame(ts, link, data) for data in frames]
        if self.recorder is not None:
            self.recorder.take_all(events)
        self.loop.burst(events, frames, received)

    def _moved(self, inst: str) -> None:
        self.picture.scores.apply(self.engine.watch.live[inst])

    def _effects(self, event: Event, effects: list[Effect]) -> None:
        self.picture.see(self.engine, event, effects)
        self.safety.see(effects, event.ts)

    async def _watch_latch(self) -> None:
        while True:
            await asyncio.sleep(LATCH_S)
            self.safety.look(self._now())

    def _resync(self, effect: Resync) -> None:
        self.feeds[effect.link].resync(effect.channel, effect.symbol)

    def _fetch(self, effect: Fetch) -> None:
        if why := self.courier.take(effect):
            self.loop.post(Unanswered(self.loop.now, effect.call, effect.symbol, why))

    async def _tick(self) -> None:
        while True:
            # At the moment when something is due: later, the next frame would wait for it. Timers count milliseconds.
            await asyncio.sleep(min(TICK_S, max(1e-3, (self.loop.due - now_ns()) / 1e9)))
            now = now_ns()
            if by := self._clock.look(wall_ns(), now):
                self.loop.arrive(ClockJump(now, by), 0)
            self.loop.until(now)

    async def _history(self) -> None:
        """Hand the venue's last 720 minutes to the engine, symbol by symbol, once their decimals are known."""
        for symbol in self.source.symbols:
            key = f"{symbol}@{self.source.venue}"
            try:
                async with asyncio.timeout(HISTORY_S):
                    while key not in self.engine.watch.instruments:  # noqa: ASYNC110 - the engine knows no asyncio
                        await asyncio.sleep(TICK_S)
                raw = await self.courier.ask(Fetch("OHLC", symbol, 0))
            except (DeskError, TimeoutError) as err:
                self.picture.say(f"{symbol}: no history to warm up on ({err or 'the symbol is unknown'})")
                continue
            self._post(Answer(now_ns(), "OHLC", symbol, raw), 0)


def _jitter(most: int) -> int:
    return random.randint(0, most)  # noqa: S311 - spreads reconnects, guards nothing


async def execute(
    plan: Plan,
    source: Source,
    build: Callable[[Start], Parts],
    journal: JournalWriter,
    recorder: Recorder | None = None,
    recovery: Recovery | None = None,
) -> dict[str, Any]:
    """Run to the end, to Ctrl-C or to SIGTERM; the summary either way."""
    try:
        return await Run(plan, source, build, journal, stop_signal(), recorder, recovery).run()
    finally:
        if recorder is not None:
            recorder.close()  # nothing to do after a proper end; a run that failed keeps its frames
