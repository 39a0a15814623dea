"""One-minute bars: the venue's history first, then our own from the tape, by the venue's time.

A trade belongs to floor(ts_exch / 60 s). A closed bar never changes: a trade that comes later for it is counted as late
and changes nothing. A minute without a trade becomes a flat bar of volume 0 at the previous close, as Kraken's own REST
candles have it (kraken.md 2.3).

While prints are known to be missing, desk.market.gaps holds the bars open. A bar that had to be closed without them
says so (`Candle.gap`), and stays as it was closed: what comes later for it is counted in `missed`.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from desk.market.streak import Prints
from desk.messages import Candle, Trade

MINUTE = 60_000_000_000
KEEP = 500
GRACE = 1_500_000_000  # ns after the minute's end until it is closed by the clock: trades still on their way arrive


class MinuteBars:
    """Closed bars of one instrument (at most `KEEP`, oldest first): final; and the running one: provisional."""

    __slots__ = ("_running", "_value", "closed", "gap_until", "hear", "inst", "late", "missed")

    def __init__(self, inst: str) -> None:
        self.inst = inst
        self.hear: Callable[[bool], None] = _nothing  # before anything is read (or, True, changed): prints may wait
        self.closed: list[Candle] = []
        self._running: Candle | None = None
        self.late = 0
        self._value: int | None = None  # Σ px·qty of the running bar; None where the venue began it
        self.missed: dict[int, int] = {}  # begin of a kept bar → prints of it that came too late for it
        self.gap_until = 0  # ns: a bar that begins up to here is closed with a gap

    @property
    def running(self) -> Candle | None:
        """The bar that goes on, None before the first."""
        self.hear(False)
        return self._running

    def seed(self, candles: tuple[Candle, ...], *, keep: bool = False) -> None:
        """Take the venue's history: every bar of one minute but the last, which is still running.

        A bar we have closed ourselves stays as it is, and so does a running one that is not older than the history's:
        strategies may have acted on them. With `keep`, our bars stay whatever the history says: the prints they wait
        for are on their way.
        """
        self.hear(True)
        history = sorted((c for c in candles if c.interval == MINUTE and c.inst == self.inst), key=lambda c: c.begin)
        if not history:
            return
        if self._running is None or (history[-1].begin > self._running.begin and not keep):
            older, self._running = history[:-1], history[-1]
            self._value = None
            self.closed = []  # there is a hole between our bars and the history's end: the history spans it
        else:
            older = [c for c in history if c.begin < self._running.begin]
        known = {c.begin for c in self.closed}
        merged = sorted([*self.closed, *(c for c in older if c.begin not in known)], key=lambda c: c.begin)
        self.closed = merged[-KEEP:]

    def trade(self, trade: Trade) -> list[Candle]:
        """Add a print; returns the bars that it closed."""
        self.hear(True)
        begin = trade.ts_exch - trade.ts_exch % MINUTE
        run = self._running
        if run is not None and begin < run.begin:
            self.miss(trade)
            return []
        done = self._close_before(begin)
        run = self._running
        px, qty = trade.px, trade.qty
        if run is None or (run.count == 0 and run.volume == 0):  # opened by the clock: the first print makes its prices
            self._value = px * qty
            self._running = Candle(self.inst, begin, MINUTE, px, px, px, px, qty, 1, px if qty else 0)
        else:
            value = self._value = None if self._value is None else self._value + px * qty
            volume = run.volume + qty
            self._running = Candle(
                self.inst,
                run.begin,
                MINUTE,
                run.open,
                max(run.high, px),
                min(run.low, px),
                px,
                volume,
                run.count + 1,
                value // volume if value and volume else 0,
            )
        return done

    def add(self, prints: Prints) -> None:
        """Take in a streak of prints of the running minute, which has one already."""
        run = self._running
        assert run is not None  # `open` said so when the streak began
        value = self._value = None if self._value is None else self._value + prints.value
        volume = run.volume + prints.volume
        self._running = Candle(
            self.inst,
            run.begin,
            MINUTE,
            run.open,
            max(run.high, prints.high),
            min(run.low, prints.low),
            prints.close,
            volume,
            run.count + prints.number,
            value // volume if value and volume else 0,
        )

    def turn(self, prints: Prints) -> list[Candle]:
        """Take in the first prints of a later minute; returns the bars that they closed."""
        begin = prints.newest - prints.newest % MINUTE
        done = self._close_before(begin)
        self._value = prints.value
        px = (prints.open, prints.high, prints.low, prints.close)
        average = prints.value // prints.volume if prints.value else 0
        self._running = Candle(self.inst, begin, MINUTE, *px, prints.volume, prints.number, average)
        return done

    @property
    def open(self) -> Candle | None:
        """The running bar if it has prints; one that the clock began has no prices of its own yet."""
        run = self._running
        return run if run is not None and run.count and run.volume else None

    def miss(self, trade: Trade) -> None:
        """A print that comes too late to be in its bar."""
        begin = trade.ts_exch - trade.ts_exch % MINUTE
        self.late += 1
        self.missed[begin] = self.missed.get(begin, 0) + 1
        if len(self.missed) > KEEP:
            del self.missed[min(self.missed)]

    def clock(self, now: int) -> list[Candle]:
        """Close what the clock has passed, with a grace for prints under way; returns the bars closed."""
        begin = (now - GRACE) - (now - GRACE) % MINUTE
        if self._running is not None and self._running.begin < begin:  # prints that wait are of the running bar
            self.hear(True)
        return self._close_before(begin)

    def _close_before(self, begin: int) -> list[Candle]:
        done: list[Candle] = []
        run = self._running
        if run is None or run.begin >= begin:
            return done
        missing = (begin - run.begin) // MINUTE
        if missing > KEEP:  # a hole longer than all we keep: the old bars say nothing about now
            self.closed.clear()
            self._running = None
            return done
        while run.begin < begin:
            gap = run.begin <= self.gap_until or run.begin in self.missed
            done.append(msgspec.structs.replace(run, gap=True) if gap else run)
            px = run.close
            run = Candle(self.inst, run.begin + MINUTE, MINUTE, px, px, px, px, 0, 0)
        self._running = run
        self.closed.extend(done)
        del self.closed[:-KEEP]
        return done


def _nothing(changes: bool) -> None:
    """Nobody takes prints in beside us."""
