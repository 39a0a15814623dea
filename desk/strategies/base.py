"""What a strategy is: handlers that look at a read-only view and yield intents. Pick the handlers you need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Protocol

from desk.events import Ended, Fill, TrendBias
from desk.handover import PlannedExit
from desk.instrument import Instrument
from desk.intents import Intent, Place
from desk.market.nbbo import Inside
from desk.market.reading import MarketReading
from desk.market.trade_frames import Lent, TradeFrames
from desk.messages import Candle, Side, Trade
from desk.signals.breakout import BreakoutRecord
from desk.signals.shape import Guard, Score, Trend


class BookView(Protocol):
    """The best levels of one instrument, in ticks and lots. Ask `ready` first: everything else assumes it."""

    @property
    def ready(self) -> bool:
        """Synced, checksum-proven, two-sided, uncrossed, venue online."""
        ...

    @property
    def why(self) -> str:
        """Why it is not ready, as a refusal code ("BOOK_NOT_SYNCED", "BOOK_CROSSED", …); "" when it is."""
        ...

    @property
    def age_ns(self) -> int:
        """Time since the last proof that the book is current."""
        ...

    @property
    def bid(self) -> int: ...

    @property
    def ask(self) -> int: ...

    @property
    def mid(self) -> float: ...

    def touch(self, side: Side) -> int:
        """The price at which an order of this side would take at once: ask for BUY, bid for SELL."""
        ...


class Pulse(Protocol):
    """The score of a believed book as numbers, for a strategy that looks at every frame."""

    @property
    def kept(self) -> bool:
        """Whether the numbers are kept at every frame; where not, ask `View.score` each time."""
        ...

    @property
    def epoch(self) -> int:
        """Another number whenever something else than levels changed: belief, the instrument, the history of bars."""
        ...

    @property
    def turn(self) -> int:
        """Another number whenever a best price, the class of the total (at ±20 and ±60) or the reference changed."""
        ...

    @property
    def bid(self) -> int: ...

    @property
    def ask(self) -> int: ...

    @property
    def spread_ref_bps(self) -> float: ...

    @property
    def lag_ns(self) -> int:
        """How late the frame that made the score came, by the venue's clock; 0 where that cannot be known."""
        ...

    @property
    def ts(self) -> int: ...

    @property
    def total(self) -> float: ...

    @property
    def imbalance(self) -> float: ...

    def rest(
        self, until: int, turn: int | None, gates: int, prompt_ns: int, trend: Trend | None, guard: Guard | None
    ) -> None:
        """Frames that change none of this need not be told: before `until` (ns), with `turn` as it is (None: any) or
        another "no" of `gates` (desk.signals.gate_words; 0: none), within `guard` (None: anywhere), at most `prompt_ns`
        late. `trend` goes on meanwhile. Not where others watch too.
        """
        ...

    def rested(self) -> tuple[int, int, tuple[int, float, int]]:
        """The rest is over: (frames not told, the turn of the last, the trend then: ns felt, EMA, label)."""
        ...


class View(Protocol):
    """The engine as one seat sees it. Nothing here can be changed."""

    @property
    def now(self) -> int: ...

    def equity(self, inst: str) -> Decimal:
        """Cash plus positions at mark of the account that trades `inst`, in its quote currency."""
        ...

    def instrument(self, inst: str) -> Instrument | None: ...

    def book(self, inst: str) -> BookView: ...

    def score(self, inst: str) -> Score | None:
        """The latest order-book score of a believable book, None otherwise."""
        ...

    def reading(self, inst: str) -> MarketReading | None:
        """Order flow, tape, spread and orders near the touch as of now; None for an unknown instrument."""
        ...

    def inside(self, symbol: str) -> Inside | None:
        """Best bid and offer of a symbol over every venue of the run; None for a symbol no venue has."""
        ...

    def pulse(self, inst: str) -> Pulse | None:
        """The same score while it goes on, to be kept; None where nobody keeps one: ask `score` each time."""
        ...

    def closed(self, inst: str) -> list[Candle]:
        """Closed one-minute bars, oldest first: the venue's history, then our own from the tape. At most 500."""
        ...

    def bias(self, symbol: str) -> TrendBias | None:
        """The slow system's view, None when there is none or it has expired."""
        ...

    def position(self, inst: str) -> int:
        """Filled lots of this seat, signed."""
        ...

    def exposure(self, inst: str) -> int:
        """Filled and working lots of this seat, signed."""
        ...

    @property
    def working(self) -> Mapping[str, Place]:
        """This seat's orders that may still trade, by order id, oldest first; `qty` is what is left of each."""
        ...


class Strategy:
    """Does nothing until a handler is overridden. Same events in, same intents out."""

    def trades(self, inst: str) -> bool:
        """Whether this strategy may trade the instrument at all."""
        return False

    def wants_levels(self, inst: str) -> bool:
        """Whether to keep order flow level by level for the instrument (`View.reading`): costs every update of it."""
        return False

    def breakouts(self, inst: str) -> BreakoutRecord | None:
        """What became of the breaks that the strategy's filter judged; None when it has none."""
        return None

    def technical(self, inst: str) -> float | None:
        """The strategy's own score of a symbol, −100..+100, for screens; None when it has none."""
        return None

    def exits(self) -> Iterable[PlannedExit]:
        """How each open position is meant to be left, for a session that may have to take it over; `seat` is ours."""
        return ()

    def adopt(self, inst: str, lots: int, plan: PlannedExit | None, now: int) -> bool:
        """Mind a position of an earlier session from now on; `plan` is None when none was kept. False: not ours."""
        return False

    def numbers(self, inst: str) -> dict[str, float]:
        """What the strategy computed for a symbol (indicators, terms of its score), by name, for people."""
        return {}

    def on_book(self, inst: str, view: View) -> Iterable[Intent]:
        """The book of `inst` changed; its score is already new."""
        return ()

    def on_trade(self, trade: Trade, view: View) -> Iterable[Intent]:
        """A trade printed."""
        return ()

    def lends(self, inst: str) -> Lent | None:
        """What a kernel may move at prints of `inst` instead of `on_trade`, where nobody else trades; None: nothing.

        `on_trade` then only hears of prints that may do more than move numbers.
        """
        return None

    def on_prints(self, frames: TradeFrames, turned: bool, breaking: bool, now: int) -> None:
        """A kernel took prints in, and one of them `turned` the side that the lent score allows, or the lent breaks
        have to hear of them, `breaking`.
        """

    def on_bar(self, bar: Candle, view: View) -> Iterable[Intent]:
        """A one-minute bar closed, on the beat after it ended; it will never change again.

        While prints are missing no bar closes; filled from REST, the waiting bars close in one go. One that had to be
        closed without them has `gap` set: its high, low and volume are at best partial, its close is the last known.
        """
        return ()

    def on_timer(self, key: str, view: View) -> Iterable[Intent]:
        """The moment asked for by a Wake, or "beat" a few times a second."""
        return ()

    def on_bias(self, bias: TrendBias, view: View) -> Iterable[Intent]:
        """The slow system spoke."""
        return ()

    def on_fill(self, fill: Fill, view: View) -> Iterable[Intent]:
        """One of our orders traded; the position is already new."""
        return ()

    def on_ended(self, ended: Ended, view: View) -> Iterable[Intent]:
        """One of our orders is over."""
        return ()
