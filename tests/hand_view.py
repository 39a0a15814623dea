"""A desk small enough to set by hand: one seat's view whose book, bars, score and orders a test writes down.

It settles like the engine: `take` registers what a strategy places, `fill` and `end` change position and orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import SimpleNamespace

from desk.events import Ended, Fill, TrendBias
from desk.instrument import Instrument
from desk.intents import Intent, Place
from desk.messages import Candle, Side
from desk.signals.shape import Features, Guard, Score, Trend
from hft_signals import score

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
BTC = Instrument("BTC/USD", "kraken", px_decimals=1, qty_decimals=8, qty_min=10_000)


class HandBook:
    """A touch in ticks and what may be said of it."""

    def __init__(self, bid: int, ask: int) -> None:
        self.bid, self.ask = bid, ask
        self.why = ""
        self.age_ns = 0

    @property
    def ready(self) -> bool:
        return self.why == ""

    @property
    def mid(self) -> float:
        return (self.bid + self.ask) / 2

    def touch(self, side: Side) -> int:
        return self.ask if side is Side.BUY else self.bid


class HandReading:
    """Order flow and tape as a test writes them down."""

    def __init__(self, touch_flow_z: float | None = None, tape: float | None = None) -> None:
        self.touch_flow_z, self.tape = touch_flow_z, tape

    def tape_imbalance(self, window: int) -> float | None:
        return self.tape


class HandPulse(SimpleNamespace):
    """A kernel that rested for `frames`, as a test says: desk.strategies.base.Pulse."""

    kept, epoch, turn, lag_ns, frames = True, 3, 7, 0, 0

    def rest(
        self, until: int, turn: int | None, gates: int, prompt_ns: int, trend: Trend | None, guard: Guard | None
    ) -> None:
        self.left = until, turn, gates

    def rested(self) -> tuple[int, int, tuple[int, float, int]]:
        frames, self.frames = self.frames, 0
        return frames, self.turn, (0, 0.0, 0)


class HandView:
    """desk.strategies.base.View, every part of it a plain attribute."""

    def __init__(self, *instruments: Instrument, bid: int = 1_000_000, ask: int = 1_000_001) -> None:
        self.now = 0
        self.purse = Decimal(10_000)
        self.instruments = {i.key: i for i in instruments or (BTC,)}
        self.books = {key: HandBook(bid, ask) for key in self.instruments}
        self.scores: dict[str, Score] = {}
        self.history: dict[str, list[Candle]] = {key: [] for key in self.instruments}
        self.readings: dict[str, HandReading] = {}
        self.biases: dict[str, TrendBias] = {}
        self.held: dict[str, int] = {}
        self.orders: dict[str, Place] = {}
        self._count = 0

    def equity(self, inst: str) -> Decimal:
        return self.purse

    def instrument(self, inst: str) -> Instrument | None:
        return self.instruments.get(inst)

    def book(self, inst: str) -> HandBook:
        return self.books[inst]

    def score(self, inst: str) -> Score | None:
        return self.scores.get(inst)

    def pulse(self, inst: str) -> None:
        return None

    def reading(self, inst: str) -> HandReading | None:
        return self.readings.get(inst)

    def closed(self, inst: str) -> list[Candle]:
        return self.history[inst]

    def bias(self, symbol: str) -> TrendBias | None:
        bias = self.biases.get(symbol)
        return bias if bias is not None and bias.expires > self.now else None

    def position(self, inst: str) -> int:
        return self.held.get(inst, 0)

    def exposure(self, inst: str) -> int:
        return self.position(inst) + sum(p.side * p.qty for p in self.orders.values() if p.inst == inst)

    @property
    def working(self) -> Mapping[str, Place]:
        return self.orders

    # --- what a test does to it

    def press(self, rho: float, inst: str = BTC.key, tier: str = "L3") -> None:
        """A book leaning by `rho` as of now, counts along with it."""
        counts = (30, 10) if rho > 0 else (10, 30) if rho < 0 else (20, 20)
        book = self.books[inst]
        spread = 10_000.0 * (book.ask - book.bid) / book.mid
        self.scores[inst] = score(Features(self.now, inst, rho, *counts, spread, spread, tier))

    def take(self, intents: Iterable[Intent]) -> list[str]:
        """Send what was placed; the ids of the new orders."""
        made = []
        for intent in intents:
            if isinstance(intent, Place):
                self._count += 1
                self.orders[f"o{self._count}"] = intent
                made.append(f"o{self._count}")
        return made

    def fill(self, order_id: str, lots: int | None = None) -> Fill:
        """Trade all of an order, or `lots` of it, at its limit."""
        place = self.orders[order_id]
        lots = place.qty if lots is None else lots
        self.held[place.inst] = self.position(place.inst) + place.side * lots
        self.orders[order_id] = Place(
            place.inst, place.side, place.qty - lots, place.px, place.tif, place.post_only, place.reason
        )
        return Fill(self.now, f"f{order_id}{lots}", order_id, place.inst, place.side, place.px, lots, Decimal(0), False)

    def end(self, order_id: str, why: str = "filled") -> Ended:
        """The venue will do nothing more for this order."""
        del self.orders[order_id]
        return Ended(self.now, order_id, why)


def climbing(count: int, inst: str = BTC.key, start: int = 990_000, step: int = 200, reach: int = 150) -> list[Candle]:
    """Closed minutes that rise (or fall) by `step` ticks with a pull-back every third, oldest first."""
    bars, close = [], start
    for i in range(count):
        before, close = close, close + (step if i % 3 else -step // 2)
        high, low = max(before, close) + reach, min(before, close) - reach
        bars.append(Candle(inst, i * MINUTE, MINUTE, before, high, low, close, 50_000_000 + 1_000_000 * (i % 7), 10))
    return bars
