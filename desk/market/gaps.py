"""Prints that are missing from a tape: the bars are held, REST is asked, and what cannot be had is marked.

A hole is seen by its trade numbers (a print whose number is not the next one), at once when a connection came back and
its snapshot does not reach back to what we knew. From the moment that prints may be missing

    - the tape names the numbers (`TradeTape.gaps`);
    - the bars are held: none is closed, and the prints after the hole wait beside them;
    - REST is asked for everything since the last print before the hole, page by page, and again after a failure.

Whole again, all waiting prints enter the bars in the order of their numbers, and the bars close as if nothing had
happened, each of them once. A gap that is not closed within a minute of connection closes the bars as they are, marked
(`Candle.gap`): strategies waited long enough, and what is filled later belongs to the tape alone.

While nothing is missing, a minute that a later print has ended is closed on the beat (four a second), or by the next
print that is not the next in number of that minute: no frame pays for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from desk.market.bars import MinuteBars
from desk.market.seen import Ask, Word
from desk.market.streak import Prints, Streak
from desk.market.tape import TradeTape
from desk.messages import Candle, Trade

SECOND = 1_000_000_000
SETTLE = SECOND // 2  # a print that was overtaken by another may still come by itself
BLIND = 3 * SECOND  # a connection that came back says within this what printed last
PATIENCE = 60 * SECOND  # ns of connection for which bars are held
UNHEARD = 30 * SECOND  # a question without any answer is asked again
SLOWEST = 60 * SECOND  # between two questions that fail
ABSENT = 3  # answers that reach over a hole and do not hold it, until it is believed that there is nothing
PAGE = 1_000  # prints, the longest answer
HELD = 50_000  # prints that may wait beside the bars


class TradeRepair:
    """Keeps the tape and the bars of one instrument whole; the only one who puts prints into them.

    Venues that do not number their trades (`trade_id` 0) show no holes, and are passed through.
    """

    __slots__ = (
        "_absent", "_ask_at", "_asked", "_done", "_from", "_held", "_next", "_said", "_streak", "_tries", "bars",
        "begun", "blind", "filled", "inst", "opened", "since", "tape", "up", "why",
    )  # fmt: skip

    def __init__(self, inst: str, tape: TradeTape, bars: MinuteBars) -> None:
        self.inst, self.tape, self.bars = inst, tape, bars
        self.up = True  # the connection that brings the prints
        self.begun = False  # a first message of numbered prints was taken in
        self.blind = False  # the connection came back, and nothing has said yet what printed meanwhile
        self.opened = 0  # ns, since when the bars are held; 0 while they are not
        self.since = 0  # ns of the venue, the last print before the oldest hole
        self.filled = 0  # prints that REST brought
        self.why = ""  # what REST failed with last, "" when it did not
        self._from = 0  # the first trade number that the bars may hold
        self._held: list[Trade] = []  # prints that wait for those before them
        self._next: Prints | None = None  # of the minute after the running bar's, which ends when they are put into it
        self._done: list[Candle] = []  # bars that were closed and not told yet
        self._asked = self._ask_at = self._tries = self._absent = 0
        self._said = False  # a person was told of this gap
        self._streak = Streak(tape.recent.address)  # never while bars are held or a hole is open
        tape.hear = bars.hear = self._tell

    @property
    def streak(self) -> int:
        """The address at which a kernel may take prints in, as `take` and `settle` would: see desk.market.streak."""
        return self._streak.address

    @property
    def whole(self) -> bool:
        """Nothing is known to be missing."""
        return self.up and not self.blind and not self.tape.open_holes

    # --- the connection

    def link_down(self, now: int) -> None:
        """The prints' connection is gone: whatever prints from here on is missing until it is filled."""
        self.up = False
        self._tell(True)
        if self.begun:
            self._hold(self.tape.now, now)

    def link_up(self, now: int) -> None:
        """It is back: the numbers of the first prints will show what is missing."""
        self.up = True
        self._tell(True)
        if self.begun:
            self.blind = True
            self.opened, self._ask_at = now, now + BLIND

    def _hold(self, since: int, now: int) -> None:
        self.opened = self.opened or now
        self.since = min(self.since, since) if self.since else since

    # --- prints

    def take(self, trade: Trade, now: int, *, snapshot: bool) -> Sequence[Candle]:
        """A print from the socket; the bars it closed. Call `settle` after the last one of a message."""
        if self._streak.take(trade):
            return ()
        closed = self._take(trade, now, snapshot)
        return [*self._drained(), *closed]

    def _take(self, trade: Trade, now: int, snapshot: bool) -> Sequence[Candle]:
        tape, before, holes = self.tape, self.tape.now, self.tape.open_holes
        if not tape.apply(trade):
            return ()
        if tape.open_holes > holes and trade.trade_id == tape.last_id:
            self._hold(before, now)
            self._ask_at = now + SETTLE
        if (snapshot and not self.begun) or 0 < trade.trade_id < self._from:
            return ()  # a snapshot repeats prints from before the tape began: the venue's candles hold them
        if self.opened:
            self._held.append(trade)
            return ()
        done = self.bars.trade(trade)
        if trade.trade_id == tape.last_id:
            self._go_on()
        return done

    def _go_on(self) -> None:
        """From now on prints may come in a streak."""
        tape, run = self.tape, self.bars.open
        if self.begun and not tape.open_holes and run is not None:
            minute, ends = run.interval, tape.ends
            until, limit = min(run.begin + minute, ends), min(run.begin + 2 * minute, ends)
            self._streak.begin(tape.last_id, max(tape.now, run.begin), until, limit, run.close)

    def _tell(self, changes: bool) -> None:
        """Tape and bars hear of the prints they were not told one by one. Before they change the streak is over, and
        the running bar too where prints of the next minute wait.
        """
        running, following = self._streak.end() if changes else self._streak.told()
        if running is not None:
            self.tape.add(running)
            self.bars.add(running)
        if following is not None:
            self.tape.add(following)
            self._next = following if self._next is None else self._next.and_then(following)
        if changes and self._next is not None:
            self._done += self.bars.turn(self._next)
            self._next = None

    def _drained(self) -> list[Candle]:
        done, self._done = self._done, []
        return done

    def settle(self, now: int) -> list[Candle | Word | Ask]:
        """A message of prints is taken in; the bars that were waiting for it."""
        if not self.begun and self.tape.last_id:
            self.begun, self._from = True, self.tape.first_id
        self.blind = False
        return self._mended(now) if (self.opened or self._said) and self.whole else []

    def _release(self, now: int) -> list[Candle]:
        """Let the waiting prints into the bars, in order, and the clock close what it has passed."""
        self._tell(True)
        done = self._drained()
        for trade in sorted(self._held, key=attrgetter("trade_id")):
            done += self.bars.trade(trade)
        self._held.clear()
        self.opened = 0
        return done + self.bars.clock(now)

    # --- time

    def beat(self, now: int) -> list[Candle | Word | Ask]:
        """A few times a second: bars the clock closes, questions that are due, bars that waited long enough."""
        made: list[Candle | Word | Ask] = []
        self.tape.recent.settle()  # now, rather than when a print has to wait for it
        if not self.opened and (self._next is not None or self._streak.ahead):
            self._tell(True)
            self._go_on()
        made += self._drained()
        if not self.opened:
            made += self.bars.clock(now)
        elif self.up and (now - self.opened >= PATIENCE or len(self._held) > HELD):
            made += self._give_up(now)
        unheard = not self._asked or now - self._asked >= UNHEARD
        if self.up and (self.blind or self.tape.open_holes) and now >= self._ask_at and unheard:
            made += self._ask(now)
        return made

    def _give_up(self, now: int) -> list[Candle | Word | Ask]:
        holes = self.tape.gaps
        after = [trade.ts_exch for trade in self._held if not holes or trade.trade_id > holes[-1][1]]
        self.bars.gap_until = min(after, default=now)
        text = f"{self.inst}: bars closed without missing trades, marked as gaps ({self.why or 'no answer from REST'})"
        return [Word("warn", "BARS_INCOMPLETE", text), *self._release(now)]

    def _ask(self, now: int) -> list[Candle | Word | Ask]:
        self._asked = now
        said, self._said = self._said, True
        ask = Ask("Trades", self.inst, since=max(self.since - 1, 0))  # the print before the hole comes along
        if said:
            return [ask]
        return [Word("warn", "TRADES_MISSING", f"{self.inst}: {self._missing()}; asking REST"), ask]

    def _missing(self) -> str:
        holes = self.tape.gaps
        if not holes:
            return "trades since the connection was lost are unknown"
        count = sum(last - first + 1 for first, last in holes)
        return f"{count} trades missing, {holes[0][0]} to {holes[-1][1]}"

    # --- what REST says

    def answered(self, trades: tuple[Trade, ...], now: int) -> list[Candle | Word | Ask]:
        """Prints from REST, oldest first: those in a hole are taken in, and those nobody else will tell."""
        self._asked = 0
        for trade in trades:
            if self.tape.lacks(trade.trade_id) or (self.blind and trade.trade_id > self.tape.last_id):
                self.tape.apply(trade)
                self.filled += 1
                if self.opened:
                    self._held.append(trade)
                else:
                    self.bars.miss(trade)  # its bar is closed, or has prints that are newer
        self.blind = self.blind and len(trades) >= PAGE
        if self.whole:
            return self._mended(now)
        first, last = self.tape.gaps[0] if self.tape.open_holes else (self.tape.last_id + 1, 0)
        newest = trades[-1] if trades else None
        if newest is None or newest.trade_id < first:
            if newest is None or newest.ts_exch <= self.since:
                return self.failed("its answer does not reach that far yet", now)
            self.since, self._tries, self._ask_at = newest.ts_exch, 0, now  # the next page
            return []
        self._absent += 1  # the answer reaches over the hole
        if self._absent < ABSENT:
            return self.failed(f"its answer holds none of {first} to {last}", now)
        self.tape.forgo()
        self._absent, self._ask_at = 0, now
        return self._mended(now) if self.whole else []

    def _mended(self, now: int) -> list[Candle | Word | Ask]:
        self.since = self._tries = self._absent = 0
        self.why = ""
        made: list[Candle | Word | Ask] = []
        if self._said:
            text = f"{self.inst}: nothing is missing any more; trades filled from REST so far {self.filled}"
            lost = f", given up {self.tape.lost}" if self.tape.lost else ""
            made.append(Word("info", "TRADES_FILLED", text + lost))
            self._said = False
        return made + (self._release(now) if self.opened else [])

    def failed(self, why: str, now: int) -> list[Candle | Word | Ask]:
        """REST could not be asked, or refused: the gap stays marked, and is asked for again, more and more slowly."""
        self._asked = 0
        if self.whole:  # the socket brought them meanwhile
            return []
        first, self.why = not self._tries, why
        wait = min(SLOWEST, SECOND << min(self._tries, 6))
        self._tries += 1
        self._ask_at = now + wait
        if not first:
            return []
        text = f"{self.inst}: {self._missing()}, marked in tape and bars until REST answers: {why}"
        return [Word("warn", "TRADES_UNFILLED", text)]
