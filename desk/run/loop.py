"""The loop around the engine: one event at a time, written down before anything leaves.

Time comes with the events. Before an event of time t is handled, everything that was due by t happens first, in order:
timers the strategies asked for, the simulated venue's answers, and the beat. A live run and a replay of its recording
therefore see the same sequence, at any speed.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence, Set
from time import perf_counter_ns
from typing import Any, Protocol

from desk.engine import Engine
from desk.events import Command, Ended, Event, Fill, Frame, Sent, Start, Timer
from desk.intents import CancelOrder, Effect, Enquire, Fetch, Resync, Submit, Wake
from desk.io.journal import JournalWriter
from desk.messages import Trade
from desk.projections.blotter import BlotterFold
from desk.projections.latency import Percentiles
from desk.risk.last_gate import LastGate
from desk.run.observe import Observer

BEAT = 250_000_000
FLUSH = 50_000_000
GUARDED = (Start, Fill, Ended, Command)  # what the last gate hears of, and what is written before anything follows
LEAP = 60_000_000_000  # a jump in time longer than this is crossed with one beat, not thousands


class SimulatedVenue(Protocol):
    """A venue that lives in this process: told of the market, answering through `due`."""

    @property
    def next_at(self) -> int | None: ...

    def perform(self, effect: Submit | CancelOrder | Enquire, now: int) -> None: ...

    @property
    def minding(self) -> Set[str]:
        """Instruments whose book has to be told at every step, not once a moment: something of ours hangs on it."""
        ...

    def due(self, now: int) -> list[Event]: ...

    def on_book(self, inst: str, now: int) -> None: ...

    def on_trade(self, trade: Trade, now: int) -> None: ...

    def report(self) -> dict[str, Any]:
        """What its fills assume, and the band between pessimistic and optimistic queue models."""
        ...


class Loop:
    """Feeds the engine, records, performs."""

    def __init__(
        self,
        engine: Engine,
        venue: SimulatedVenue,
        gate: LastGate,
        journal: JournalWriter,
        resync: Callable[[Resync], None],
        watch_effect: Callable[[Event, list[Effect]], None] = lambda event, effects: None,
        fetch: Callable[[Fetch], None] = lambda effect: None,
        observer: Observer | None = None,
        moved: Callable[[str], None] = lambda inst: None,
    ) -> None:
        self.engine, self.venue, self.gate, self.journal, self.resync = engine, venue, gate, journal, resync
        self.watch_effect, self.fetch, self.observer, self.moved = watch_effect, fetch, observer, moved
        self.blotter = BlotterFold(engine.watch.instruments)
        self.tick_to_signal = Percentiles()
        self.feed_latency = Percentiles()  # the venue's stamp to our receipt, one sample a book and beat
        self.now = 0
        self._inbox: deque[Event] = deque()
        self._running = False
        self._timers: list[tuple[int, int, str]] = []
        self._asked = 0
        self._next_beat = 0
        self._flushed = 0
        self._decided = 0
        self._broken = False  # the engine knows that the journal cannot be written

    def arrive(self, event: Event, received: int) -> None:
        """Something came from outside; `received` is perf_counter_ns at that moment."""
        self.until(event.ts)
        self.post(event)
        if type(event) is Frame and (self.engine.changed or self.engine.prints):
            self.tick_to_signal.add(self._decided - received)

    def burst(self, events: list[Frame], frames: list[bytes], received: int) -> None:
        """Frames that came in one read, at one moment: as if each had arrived by itself. `frames`: their bytes."""
        at, last, lone = 0, len(events), len(self.engine.seats) == 1
        while at < last:
            self.until(events[at].ts)
            if lone:
                at += self._rush(events, frames, at, received)
            if at < last:
                self.arrive(events[at], received)
                at += 1

    def _rush(self, events: list[Frame], frames: list[bytes], at: int, received: int) -> int:
        """Handle the frames from the one numbered `at` on that a kernel settles, and the next if it was read with
        them; returns how many.
        """
        engine, observer, ts = self.engine, self.observer, events[at].ts
        if observer is not None and ts > observer.due:
            observer.before(ts)
        taken = engine.rush(frames, at, events[at].link, ts, self.venue.minding)
        self._decided = perf_counter_ns()
        self.now = max(self.now, ts)
        if taken:
            self.journal.append_quiet(engine.seq, events[at : at + taken])
            self._tell_venue(ts)
            if engine.changed:
                self.tick_to_signal.add(self._decided - received, taken)
        if (effects := engine.behind()) is not None:
            self._run(events[at + taken], effects)
            self.tick_to_signal.add(self._decided - received)
            return taken + 1
        self._flush()
        return taken

    @property
    def due(self) -> int:
        """ns, when something happens by itself: a beat, a timer, an answer of the venue; 0 before the first event."""
        at = self._next_beat
        if self._timers:
            at = min(at, self._timers[0][0])
        venue_at = self.venue.next_at
        return at if venue_at is None else min(at, venue_at)

    def until(self, ts: int) -> None:
        """Let everything happen that is due by `ts`."""
        if self._next_beat == 0 or ts - self._next_beat > LEAP:
            self._next_beat = ts - ts % BEAT + BEAT
        while True:
            at = self.due
            if at > ts:
                break
            venue_at, timer_at = self.venue.next_at, self._timers[0][0] if self._timers else None
            at = max(at, self.now)
            if venue_at is not None and venue_at <= at:
                for event in self.venue.due(at):
                    self.post(event)
            elif timer_at is not None and timer_at <= at:
                self.post(Timer(at, heapq.heappop(self._timers)[2]))
            else:
                self._next_beat += BEAT
                self.post(Timer(at, "beat"))
                for lag in self.engine.watch.time.sampled:
                    self.feed_latency.add(lag)
        self.now = max(self.now, ts)

    def post(self, event: Event) -> None:
        """Handle one event, and those that it causes, in order."""
        self._inbox.append(event)
        if not self._running:
            self._run()

    def _run(self, event: Event | None = None, effects: Sequence[Effect] = ()) -> None:
        """Handle what waits; before it, an event that the engine has answered with these effects."""
        self._running = True
        try:
            if event is not None:
                self._decided = perf_counter_ns()
                self._answered(event, list(effects))
            while self._inbox:
                self._handle(self._inbox.popleft())
        finally:
            self._running = False
        self._flush()

    def _flush(self) -> None:
        if self.now - self._flushed >= FLUSH:
            self._flushed = self.now
            self._record()

    def _record(self) -> None:
        """Write what waits, and let the engine know when the journal breaks or can be written again."""
        whole = self.journal.flush()
        if whole is self._broken:
            self._broken = not whole
            lost = f"{self.journal.lost} entries of the market are missing in it" if self.journal.lost else "complete"
            word = Command(self.now, "mended", f"the journal continues, {lost}")
            self.post(word if whole else Command(self.now, "broken", self.journal.broken))

    def _handle(self, event: Event) -> None:
        engine, observer = self.engine, self.observer
        if observer is not None and event.ts > observer.due:
            observer.before(event.ts)
        effects = engine.step(event)
        self._decided = perf_counter_ns()
        self._answered(event, effects)

    def _answered(self, event: Event, effects: list[Effect]) -> None:
        """Write an event and its answer down, tell the venue, perform."""
        engine, observer = self.engine, self.observer
        self.now = max(self.now, event.ts)
        self.journal.append(engine.seq, event, effects)
        if observer is not None and (effects or type(event) is not Frame):
            observer.after(event, effects)
        if type(event) in GUARDED:
            self.gate.see(event)
            _ = (
                self.journal.flush() or self.journal.spare()
            )  # what a venue said of our money survives this process from here on
        self._tell_venue(event.ts)
        if effects:
            self.blotter.apply(event, effects)
            self.watch_effect(event, effects)
            for effect in effects:
                self._perform(effect, event.ts)
        elif not isinstance(event, (Frame, Timer)):
            self.blotter.apply(event, effects)
            self.watch_effect(event, effects)

    def _tell_venue(self, ts: int) -> None:
        for inst in self.engine.changed:
            self.venue.on_book(inst, ts)
            self.moved(inst)
        for trade in self.engine.prints:
            self.venue.on_trade(trade, ts)

    def _perform(self, effect: Effect, now: int) -> None:
        if isinstance(effect, Submit):
            if not self._written(effect):  # the intent is in the file before the order leaves
                self._inbox.append(Ended(now, effect.order_id, "denied: the journal cannot be written"))
            elif why := self.gate.judge(effect, self.engine.watch.instruments.get(effect.place.inst), now):
                self._inbox.append(Ended(now, effect.order_id, f"denied: {why}"))
            else:
                self.venue.perform(effect, now)
                self._inbox.append(Sent(now, effect.order_id))
        elif isinstance(effect, (CancelOrder, Enquire)):
            if isinstance(effect, CancelOrder) and not self.journal.flush():
                self.journal.spare()  # a cancel leaves in any case
            self.venue.perform(effect, now)
        elif isinstance(effect, Wake):
            self._asked += 1
            heapq.heappush(self._timers, (max(effect.at, now), self._asked, effect.key))
        elif isinstance(effect, Resync):
            self.resync(effect)
        elif isinstance(effect, Fetch):
            self.fetch(effect)

    def _written(self, order: Submit) -> bool:
        """Whether the disk has the intent; what only reduces a position may use the reserve."""
        return self.journal.flush(sync=True) or (self.gate.reduces(order.place) and self.journal.spare())
