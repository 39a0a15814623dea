"""The market inside the embedded exchange: books, tapes and candles of its instruments, moved action by action.

A pure function of seed, start and the times it is told: the same calls give the same happenings, whether time advances
in one step or in many, and whichever other symbols are live. Symbols share nothing but the fundamentals.
"""

from __future__ import annotations

from heapq import heappush, heapreplace
from typing import Literal

import msgspec

from desk.instrument import Instrument
from desk.messages import Candle, Side
from desk.sim.flow import Flow
from desk.sim.fundamental import MINUTE, Fundamentals
from desk.sim.history import History
from desk.sim.listing import ALL, LISTINGS
from desk.sim.matching import Happening, MatchingBook, Printed
from desk.sim.tape import Bar, Tape

WARM = 10  # minutes that a market has traded before anybody sees it
ROWS = 720  # candles, as Kraken answers
NEVER = 2**63 - 1
CATCH_UP = 300_000_000_000  # ns


class Live(msgspec.Struct, gc=False):
    """One symbol that trades."""

    number: int  # in ALL: the order of what happens at the same time
    flow: Flow
    book: MatchingBook
    tape: Tape
    past: dict[int, tuple[int, list[Bar]]] = {}  # bars before the tape, by interval: how many were asked for, and they


class Books(dict[str, MatchingBook]):
    """The books of the live symbols; looking up another listed one opens it."""

    def __init__(self, market: SimMarket) -> None:
        super().__init__()
        self._market = market

    def __missing__(self, symbol: str) -> MatchingBook:
        self._market.open(symbol)
        return self[symbol]


class SimMarket:
    """The simulated market as it is at `now`, beginning at `start_ns`.

    `symbols` trade from the start (opening one takes about 0.2 s); any other listed symbol starts to when it is first
    asked for, as if it had traded all along. `instruments` holds all that are listed. `edge` scales what informed
    traders make of what they know about the next seconds; 0 makes a market whose book says nothing about the future.

    When `advance` is told to make up for more than `catch_up_ns` (a suspended process), it does not live through the
    missing time: books are made anew at the end of it, the minutes between get the bars the history would have shown,
    and `skipped_ns` counts the time.

    >>> market = SimMarket(seed=7, start_ns=1_763_000_000_000_000_000, symbols=("BTC/USD",))
    >>> batches = market.advance(market.now + 2_000_000_000)
    >>> len(batches) > 10, market.books["BTC/USD"].depth(Side.BUY) >= 120
    (True, True)
    """

    def __init__(
        self,
        seed: int,
        start_ns: int,
        symbols: tuple[str, ...] = ALL,
        edge: float = 1.0,
        *,
        catch_up_ns: int = CATCH_UP,
    ) -> None:
        self.seed, self.start_ns, self.edge, self.catch_up_ns = seed, start_ns, edge, catch_up_ns
        self.now = start_ns
        self.skipped_ns = 0
        self.born = start_ns // MINUTE - WARM
        self.fundamentals = Fundamentals(seed, self.born)
        self.history = History(seed, self.born * MINUTE, self.fundamentals)
        self.instruments: dict[str, Instrument] = {symbol: listing.inst for symbol, listing in LISTINGS.items()}
        self.books = Books(self)
        self._live: dict[str, Live] = {}
        self._by_number: dict[int, Live] = {}
        self._due: list[tuple[int, int]] = []  # heap of (next action, number)
        for symbol in symbols:
            self.open(symbol)

    # --- moving

    @property
    def next_at(self) -> int:
        """When something happens next; `NEVER` while no symbol is live."""
        return self._due[0][0] if self._due else NEVER

    def open(self, symbol: str) -> None:
        """Make a listed symbol live, warmed up to `now`; nothing if it is. Raises KeyError for one not listed."""
        if symbol in self._live:
            return
        listing = LISTINGS[symbol]
        late = self.now - self.start_ns > self.catch_up_ns
        born = self.now // MINUTE - WARM if late else self.born
        book = MatchingBook(
            symbol,
            self.seed + born,
            tick=listing.inst.tick,
            trade_id=(born * 60 - 1_400_000_000) * 4,  # ids of a market started later are higher
        )
        before = self.history.rows(symbol, 1, born, 1)
        flow = Flow(listing, book, self.fundamentals, born * MINUTE, self.edge)
        live = Live(ALL.index(symbol), flow, book, Tape(born, before[-1].close))
        flow.settle(born * MINUTE)
        while flow.next_at <= self.now:
            _record(live, flow.act())
        self._live[symbol] = self._by_number[live.number] = live
        self.books[symbol] = book
        heappush(self._due, (flow.next_at, live.number))

    def advance(self, until_ns: int, limit: int | None = None) -> list[list[Happening]]:
        """Everything that happens up to and including `until_ns`, in order of time: one batch for each atomic action.

        At most `limit` batches, the rest next time; `now` says how far it came.
        """
        out: list[list[Happening]] = []
        if self._due and until_ns - self.now > self.catch_up_ns:
            out = self._leap(until_ns)
        due = self._due
        while due and due[0][0] <= until_ns:
            if limit is not None and len(out) >= limit:
                return out
            at, number = due[0]
            live = self._by_number[number]
            happened = live.flow.act()
            heapreplace(due, (live.flow.next_at, number))
            self.now = at
            if happened:
                _record(live, happened)
                out.append(happened)
        self.now = max(self.now, until_ns)
        return out

    def submit(
        self,
        symbol: str,
        side: Side,
        qty: int,
        now: int,
        px: int | None = None,
        *,
        tif: Literal["gtc", "ioc"] = "gtc",
        post_only: bool = False,
    ) -> tuple[str, list[Happening]]:
        """An order from outside, at a limit or (without `px`) at the market: its id, and what it did at once.

        It stands in line with everybody else's. Advance to `now` first. Raises ValueError below the minimum quantity.
        """
        self.open(symbol)
        live, inst = self._live[symbol], self.instruments[symbol]
        if qty < inst.qty_min:
            raise ValueError(
                f"{symbol}: quantity {inst.qty_text(qty)} is below the minimum {inst.qty_text(inst.qty_min)}"
            )
        now = max(now, self.now)
        order_id = live.book.ids.next()
        if px is None:
            out = live.book.market(side, qty, now)
        else:
            out = live.book.limit(side, px, qty, now, tif=tif, post_only=post_only, order_id=order_id)
        live.flow.forget(out)
        _record(live, out)
        return order_id, out

    def cancel(self, symbol: str, order_id: str, now: int) -> list[Happening]:
        """Take back an order from outside; empty when there is none of that id (any more)."""
        self.open(symbol)
        live = self._live[symbol]
        return [] if live.flow.owns(order_id) else live.book.cancel(order_id, max(now, self.now))

    # --- reading

    def tape(self, symbol: str, since_id: int = 0, since_ns: int = 0, count: int | None = None) -> list[Printed]:
        """Trades after an id and after a time, oldest first, the latest `count`; the last half hour or more is kept."""
        self.open(symbol)
        return self._live[symbol].tape.recent(since_id, since_ns, count)

    def bars(self, symbol: str, interval: int, now: int, count: int = ROWS) -> list[Bar]:
        """The last `count` bars of `interval` minutes, oldest first; the last one is running at `now`. Read only.

        From the tape since the market opened, from the history before; a bar in which both meet is the sum of both.
        """
        self.open(symbol)
        live = self._live[symbol]
        live.tape.roll(min(now, self.now) // MINUTE)
        recent = live.tape.rows(interval)
        if len(recent) > count:
            return recent[-count:]
        asked, past = live.past.get(interval, (0, []))
        if asked < count:  # a long past of long bars takes a quarter of a second: only when somebody asks for it
            past = self.history.rows(symbol, interval, live.tape.born, count)
            live.past[interval] = count, past
        if past and recent and past[-1].begin == recent[0].begin:
            met = past[-1].copy()
            met.take(recent[0])
            return [*past[:-1], met, *recent[1:]][-count:]
        return [*past, *recent][-count:]

    def candles(self, symbol: str, interval: int, now: int, count: int = ROWS) -> list[Candle]:
        """`bars` as a venue reports them: the last row is the running candle, as in Kraken's REST OHLC."""
        inst = self.instruments[symbol].key
        return [bar.candle(inst, interval) for bar in self.bars(symbol, interval, now, count)]

    # --- inside

    def _leap(self, until_ns: int) -> list[list[Happening]]:
        """Be at `until_ns` without having lived through the time before: one batch a symbol makes its book anew."""
        out = []
        for _, number in sorted(self._due, key=lambda due: due[1]):
            live = self._by_number[number]
            tape, minute = live.tape, until_ns // MINUTE
            tape.roll(self.now // MINUTE)
            if minute > tape.next:
                tape.leap(self.history.rows(live.book.symbol, 1, minute, minute - tape.next))
            happened = live.flow.settle(until_ns)
            _record(live, happened)
            out.append(happened)
        self._due = [(self._by_number[number].flow.next_at, number) for _, number in self._due]
        self._due.sort()
        self.skipped_ns += until_ns - self.now
        self.now = until_ns
        return out


def _record(live: Live, happened: list[Happening]) -> None:
    for happening in happened:
        if type(happening) is Printed:
            live.tape.add(happening)
