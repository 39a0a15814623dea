"""A whole desk in this process, as a run has it: engine, paper venue, loop, journal, blotter, picture; no sockets."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter_ns

from benchmarks.stream import START
from deploy_trading_systems import build
from desk.config import Config
from desk.events import Event, Frame, LinkUp, Start
from desk.intents import Effect
from desk.io.config_file import canonical, config_hash
from desk.io.journal import JournalWriter
from desk.messages import LinkSpec, Subscription
from desk.run.loop import Loop
from desk.run.modes import with_symbols
from desk.run.picture import Picture
from desk.run.source import Source

CHANNELS = ("instrument", "trade", "ohlc", "book", "level3")


class Desk:
    """Fed with frames of the embedded market; `depth` is that of both books."""

    def __init__(
        self,
        opening: Sequence[bytes] = (),
        symbols: tuple[str, ...] = ("BTC/USD",),
        depth: int = 10,
        begin: int = START,
    ) -> None:
        config = with_symbols(Config(), symbols)
        wanted = tuple(
            Subscription(channel, symbol, depth if channel in ("book", "level3") else 0)
            for symbol in symbols
            for channel in CHANNELS
        )
        links = (LinkSpec("market", wanted),)
        start = Start(
            begin, "scalping", "embedded", "embedded", symbols, canonical(config), config_hash(config), 1, "benchmark",
            links,
        )  # fmt: skip
        source = Source(
            feed="embedded", venue="embedded", symbols=symbols, links=links, urls=("",), rest_url="", simulated=True,
            silence_ns=0, begin=begin,
        )  # fmt: skip
        self.picture = Picture("scalping", source, "benchmark", begin, config.hft_signals.weights)
        parts = build(start)
        self.engine = parts.engine
        self._folder = tempfile.TemporaryDirectory()
        self.journal = JournalWriter(Path(self._folder.name) / "session")
        self.loop = Loop(
            self.engine, parts.venue, parts.gate, self.journal, lambda effect: None, self._effects, moved=self._moved
        )
        self.now = begin
        self.opening = [frame for frame in opening if b'"type":"snapshot"' in frame[:60]]
        self.loop.arrive(start, 0)

    def open(self) -> None:
        """A connection opens and its snapshots arrive."""
        self.loop.arrive(LinkUp(self.now, 0), perf_counter_ns())
        for frame in self.opening:
            self.frame(frame)

    def frame(self, data: bytes, ts: int = 0) -> int:
        """One frame arrives, at `ts` or a millisecond after the last."""
        self.now = ts or self.now + 1_000_000
        self.loop.arrive(Frame(self.now, 0, data), perf_counter_ns())
        return 0

    def burst(self, frames: list[bytes]) -> None:
        """Many frames arrive in one read."""
        self.now += 1_000_000
        self.loop.burst([Frame(self.now, 0, data) for data in frames], frames, perf_counter_ns())

    def _moved(self, inst: str) -> None:
        self.picture.scores.apply(self.engine.watch.live[inst])

    def _effects(self, event: Event, effects: list[Effect]) -> None:
        self.picture.see(self.engine, event, effects)
