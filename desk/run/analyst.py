"""The slow system's process: candles → analysis, evidence → bias, report; at start, on request, at the daily times.

In:  {"run": "now"}   {"hft": {"BTC/USDT": {"score": 12.5, "tier": "L3"}}}   end of input: finish and exit.
Out: {"stage": "candles", "symbol": "BTC/USDT", "done": 0, "of": 3}   {"bias": {…}}   {"report": {"symbol", "html",
"md", "json"}}   {"extra": "….pdf"}   {"error": {"symbol", "text"}}   {"warning": "…"}   {"scheduled": "…"} after a run.

One symbol's failure never costs the others. What to compute is handed in: the formulas live in the root program.
"""

from __future__ import annotations

import logging
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from desk.analysis.shape import MINUTE, Analysis, CandleSource, HftAverage
from desk.config import Config
from desk.errors import DeskError
from desk.events import TrendBias
from desk.io.ccxt_candles import CcxtCandles, ccxt_client
from desk.io.config_file import config_hash
from desk.io.history import FileHistory, RestHistory
from desk.io.report_index import write_index
from desk.io.reports import Origin, Written, slug
from desk.run.beside import Company
from desk.run.download import KRAKEN, KrakenPages
from desk.run.extras import make_extras
from desk.run.one_report import Analyse, Job, make
from desk.run.pool import each, tried, workers_for
from desk.run.schedule import DailyRuns, Due, state_name, zone_of
from desk.run.stored import STORE, StoredHistory, stored_at
from desk.run.version import version

log = logging.getLogger(__name__)
MakeBias = Callable[[Analysis, int, float], TrendBias]
Progress = Callable[[str, str, int, int], None]  # stage, symbol, done, of
IDLE_S = 1.0
WINDOW_NS = 15 * MINUTE
SYMBOLS_A_WORKER = 12  # 0.2 s each; 16 symbols took two processes as long as one (3.9 s)


class Analyst:
    """Analyses the configured symbols and writes their reports: many of them side by side, in processes."""

    def __init__(
        self,
        config: Config,
        source: CandleSource,
        analyse: Analyse,
        venue_name: str,
        simulated: bool,
        clock: Callable[[], int] = time.time_ns,
        seed: int | None = None,
    ) -> None:
        zone_of(config.time_zone)  # refuse a bad one now, not at the first report
        self.config, self.source, self.analyse = config, source, analyse
        self.venue_name, self.simulated, self.clock, self.seed = venue_name, simulated, clock, seed
        self.averages: dict[str, HftAverage] = {}
        settings = config.ultimate_analyzer
        self.company = Company(source.frames, settings.symbols, settings.recording)
        self.version = version()
        self.workers: int | None = None  # None: as many as are worth their start

    @property
    def folder(self) -> Path:
        return Path(self.config.ultimate_analyzer.report_dir)

    def work(self, symbol: str, progress: Callable[[str], None]) -> tuple[Analysis, Written]:
        """One symbol, from candles to files; raises a DeskError that says what to do."""
        return make(self.job(symbol, progress), progress)

    def job(self, symbol: str, progress: Callable[[str], None]) -> Job:
        """One symbol's candles, and all else that its analysis takes."""
        progress("candles")
        frames = self.company.candles(symbol)
        now = self.source.as_of(frames, self.clock())
        average = self.averages.get(symbol) if self.config.ultimate_analyzer.hft_integration else None
        beside = self.company.of(symbol, now)
        return Job(symbol, frames, now, average, beside, self.analyse, self.origin(symbol), self.config)

    def origin(self, symbol: str) -> Origin:
        """Where this symbol's numbers come from, and the command that asks for them again."""
        feed = f"embedded --seed {self.seed or 1}" if self.simulated else self.venue_name
        where = f"--candles {self.source.path}" if isinstance(self.source, FileHistory) else f"--feed {feed}"
        if isinstance(self.source, StoredHistory):
            where = self.source.option
        command = f"./run --mode ultimate --once --symbols {symbol} {where}"
        return Origin(
            self.venue_name,
            self.simulated,
            self.source.name,
            command,
            config_hash(self.config),
            self.config.time_zone,
            self.version,
        )

    def run(
        self,
        progress: Progress,
        finished: Callable[[Analysis, Written], None],
        failed: Callable[[str, str], None],
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """All symbols; each ends in `finished` or in `failed(symbol, one line)`. Stops between two when asked."""
        symbols = self.config.ultimate_analyzer.symbols
        self.company.begin()
        number = {symbol: i for i, symbol in enumerate(symbols)}

        def stage(name: str, symbol: str) -> None:
            progress(name, symbol, number[symbol], len(symbols))

        def fail(symbol: str, err: Exception) -> None:
            if isinstance(err, DeskError):
                failed(symbol, str(err))
                return
            log.error("analysis failed", extra={"symbol": symbol}, exc_info=err)
            failed(symbol, f"{symbol}: our own bug: {type(err).__name__}: {err}; the log holds the details")

        def jobs() -> Iterator[Job]:
            for symbol in symbols:
                if stop():
                    return
                found = tried(lambda name: self.job(name, lambda step: stage(step, name)), symbol)
                if isinstance(found, Exception):
                    fail(symbol, found)
                else:
                    yield found

        workers = workers_for(len(symbols), SYMBOLS_A_WORKER) if self.workers is None else self.workers

        def here(job: Job) -> tuple[Analysis, Written]:
            return make(job, lambda name: stage(name, job.symbol))

        for job, found in each(here if workers == 1 else make, jobs(), workers):
            if isinstance(found, Exception):
                fail(job.symbol, found)
                continue
            finished(*found)
            progress("done", job.symbol, number[job.symbol] + 1, len(symbols))
        self.index()

    def index(self) -> None:
        """The page over all reports; they stand without it, so its failure is only logged."""
        try:
            write_index(self.folder)
        except DeskError as e:
            log.warning("no index page", extra={"why": str(e)})


def candle_source(
    rest_url: str, candles: Path | None, symbols: tuple[str, ...], exchange: str = ""
) -> RestHistory | FileHistory | StoredHistory:
    """Files or a store when a path is given, ccxt's `exchange` when one is named, the venue's REST otherwise.

    What a real venue gives goes through the store, which is made for it: Kraken's REST has 720 candles of each
    interval, and evidence needs more of them than that.
    """
    if candles is not None:
        return stored_at(candles, symbols) or FileHistory(candles, symbols)
    if exchange:
        return StoredHistory(STORE, exchange, lambda: CcxtCandles(ccxt_client(exchange)))
    rest = RestHistory(rest_url)
    if KrakenPages(rest).venue == KRAKEN:
        return StoredHistory(STORE, KRAKEN, lambda: KrakenPages(rest))
    return rest


def run_analyst(
    config: Config,
    source: CandleSource,
    analyse: Analyse,
    make_bias: MakeBias,
    venue_name: str,
    simulated: bool,
    once: bool = False,
    lines_in: IO[bytes] | None = None,
    lines_out: IO[bytes] | None = None,
    clock: Callable[[], int] = time.time_ns,
    extras: tuple[str, ...] = (),
    seed: int | None = None,
) -> int:
    """The process: one analysis at start (which makes good for missed times), then on request and on schedule.

    Returns 0 when the input ends; with `once` after the first analysis, 1 when it made no report. Ctrl-C is the
    parent's to answer. Nothing but JSON lines goes to `lines_out` (standard output).
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    analyst = Analyst(config, source, analyse, venue_name, simulated, clock, seed)
    process = _Process(analyst, make_bias, lines_out, clock, extras)
    try:
        if once:
            process.analyse()
            return 0 if process.reports else 1
        process.listen(lines_in)
        process.serve()
    except BrokenPipeError:
        log.info("parent is gone")
    return 0


class _Process:
    """The conversation of run_analyst."""

    def __init__(
        self,
        analyst: Analyst,
        make_bias: MakeBias,
        lines_out: IO[bytes] | None,
        clock: Callable[[], int],
        extras: tuple[str, ...],
    ) -> None:
        self.analyst, self.make_bias, self.clock, self.extras = analyst, make_bias, clock, extras
        self.pages: list[Path] = []  # of this analysis
        self.out = lines_out if lines_out is not None else sys.stdout.buffer
        self.inbox: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.closed = threading.Event()
        self.reports = self.runs = 0
        config = analyst.config
        slots = config.ultimate_analyzer.schedule
        self.daily = DailyRuns(
            {"morning": slots.morning_analysis, "evening": slots.evening_analysis},
            config.time_zone,
            self._scheduled,
            lambda run_id, e: self.error("", f"the scheduled analysis {run_id} failed: {e}"),
            analyst.folder / state_name(slug(analyst.venue_name), config.ultimate_analyzer.symbols),
            clock,
        )

    def say(self, what: object) -> None:
        self.out.write(msgspec.json.encode(what) + b"\n")
        self.out.flush()

    def error(self, symbol: str, text: str) -> None:
        self.say({"error": {"symbol": symbol, "text": text}})

    def listen(self, lines_in: IO[bytes] | None) -> None:
        """Read the input in a thread of its own, unbuffered: a reader blocked in a buffer cannot be left at exit."""
        stream = lines_in if lines_in is not None else open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115

        def read() -> None:
            for line in iter(stream.readline, b""):
                try:
                    said = msgspec.json.decode(line)
                except msgspec.DecodeError:
                    said = None
                if isinstance(said, dict):
                    self.inbox.put(said)
                else:
                    log.error("not a JSON object on the input", extra={"line": line[:200]})
            self.closed.set()
            self.inbox.put(None)

        threading.Thread(target=read, name="input", daemon=True).start()

    def serve(self) -> None:
        """Until the input ends."""
        self.daily.check()  # a missed time is made good for now …
        if not self.runs:
            self.analyse()  # … and otherwise this is the analysis at start
        while not self.closed.is_set():
            try:
                said = self.inbox.get(timeout=IDLE_S)
            except queue.Empty:
                said = {}
            if said is not None:
                self.hear(said)
            self.daily.pending()

    def hear(self, said: dict[str, Any]) -> None:
        """One line of the parent."""
        if said.get("run") == "now":
            self.analyse()
        if "hft" in said:
            now = self.clock()
            try:
                heard = msgspec.convert(said["hft"], dict[str, dict[str, Any]])
                for symbol, average in heard.items():
                    plain = {"mean": average.get("score"), "begin": now - WINDOW_NS, "end": now, "symbol": symbol}
                    extra = {key: average[key] for key in ("tier", "samples", "begin", "end") if key in average}
                    self.analyst.averages[symbol] = msgspec.convert(plain | extra, HftAverage)
            except msgspec.ValidationError as e:
                log.error("an order-book average was not understood", extra={"why": str(e)})  # noqa: TRY400

    def analyse(self) -> None:
        """One analysis of every symbol, then the next time."""
        self.runs += 1
        self.pages.clear()
        self.analyst.run(
            lambda stage, symbol, done, of: self.say({"stage": stage, "symbol": symbol, "done": done, "of": of}),
            self._finished,
            self.error,
            self.closed.is_set,
        )
        self._draw()  # after the last bias: a page takes a second or two
        slot, at = self.daily.next_at()
        clock = self.daily.times[slot]
        self.say(
            {"scheduled": f"next analysis {clock} {self.analyst.config.time_zone} ({slot})", "slot": slot, "at": at}
        )

    def _draw(self) -> None:
        def warn(text: str) -> None:
            self.say({"warning": text})

        make_extras(self.pages, self.extras, lambda path: self.say({"extra": str(path)}), warn, self.closed.is_set)
        if self.extras:
            self.analyst.index()  # it names them

    def _scheduled(self, due: Due) -> None:
        if due.caught_up:
            self.say({"stage": due.caught_up, "symbol": "", "done": 0, "of": 0})
        self.analyse()

    def _finished(self, analysis: Analysis, written: Written) -> None:
        self.reports += 1
        self.pages.append(written.html)
        hours = self.analyst.config.ultimate_analyzer.bias_hours
        self.say({"bias": self.make_bias(analysis, analysis.ts, hours)})
        paths = {"html": written.html, "md": written.markdown, "json": written.json}
        self.say({"report": {"symbol": analysis.symbol} | {kind: str(path) for kind, path in paths.items()}})
