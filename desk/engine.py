"""The single writer: one event in, its effects out. No clock, no sockets, no threads, no dice.

State first, then the strategies in the order of their seats; risk is the only door out. `now` is the time of the event
being handled. Everything that leaves carries the sequence number of the event that caused it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from desk.events import (
    Accepted,
    Answer,
    ClockJump,
    Command,
    Ended,
    Event,
    Fill,
    Frame,
    LinkDown,
    LinkUp,
    Start,
    Timer,
    TrendBias,
    Unanswered,
)
from desk.intents import (
    CancelOrder,
    Decline,
    Effect,
    Fetch,
    Intent,
    Noted,
    Place,
    Refuse,
    Resync,
    Signal,
    Submit,
    Tell,
    Wake,
    Withdraw,
)
from desk.market.flow import LevelFlow
from desk.market.inside import InsideMarkets
from desk.market.seen import Ask, Word
from desk.market.state import RESCALED, Fault
from desk.messages import Candle, Side, Trade
from desk.portfolio.portfolio import Portfolio
from desk.portfolio.position import quote_of
from desk.risk import breakers
from desk.risk.account import Account
from desk.risk.gate import judge
from desk.risk.rules import Limits
from desk.risk.rules import Market as MarketNow
from desk.signals.watch import BookChanged, Seen, Watch
from desk.strategies.base import Strategy
from desk.strategies.flatten import flatten
from desk.strategies.seat import Seat

LATE_FILLS = 4_096  # ended orders whose late fills are still accounted


class Engine:
    """The desk's mind. Same events in, same effects out."""

    def __init__(
        self,
        watch: Watch,
        strategies: Sequence[Strategy],
        portfolio: Portfolio,
        account: Account,
        limits: Limits,
        stale_ns: int,
    ) -> None:
        self.watch, self.portfolio, self.account, self.limits = watch, portfolio, account, limits
        self.inside = InsideMarkets(watch.markets, stale_ns)
        self.seats = [Seat(i, s, watch, portfolio, stale_ns, self.inside) for i, s in enumerate(strategies)]
        for inst, market in watch.markets.items():
            if any(strategy.wants_levels(inst) for strategy in strategies):
                market.levels = LevelFlow()
        self.owner: dict[str, Seat] = {}
        self.reasons: dict[str, str] = {}  # order id → why it was placed, for the trade it closes
        self._over: deque[str] = deque()
        self.quotes = tuple(dict.fromkeys(quote_of(inst) for inst in watch.markets))  # one account each
        for quote in self.quotes:
            portfolio.open(quote)
        self.biases: dict[str, TrendBias] = {}
        self.now = self.seq = self.orders = 0
        self.flattening = False  # a person asked to be out of everything
        self.changed: list[str] = []  # instruments whose book this event changed: what the simulated venue is told
        self.prints: list[Trade] = []
        self._on: dict[type, Callable[[Any], Iterable[Effect]]] = {
            Start: self._start,
            Answer: lambda event: self._seen(watch.answer(event)),
            Unanswered: lambda event: self._seen(watch.unanswered(event)),
            LinkUp: lambda event: self._seen(watch.link_up(event.link, event.ts)),
            LinkDown: lambda event: self._seen(watch.link_down(event.link, event.why, event.ts)),
            Timer: self._timer,
            Accepted: lambda event: (),
            Fill: self._fill,
            Ended: self._ended,
            TrendBias: self._bias,
            ClockJump: self._jump,
            Command: self._command,
        }

    def step(self, event: Event) -> list[Effect]:
        """Everything the desk answers to one event, in order."""
        self.seq += 1
        self.now = event.ts
        self.changed.clear()
        self.prints.clear()
        for seat in self.seats:
            seat.now = event.ts
        if type(event) is Frame:  # nearly all are, and most of them are answered with nothing
            return self._seen(self.watch.frame(event))
        return list(self._on[type(event)](event))

    def _start(self, event: Start) -> Iterator[Effect]:
        for quote in self.quotes:
            self.account.roll_day(event.ts, self.portfolio.equity(quote), quote)
        return iter(())

    # --- the market

    def _seen(self, seen: list[Seen]) -> list[Effect]:
        out: list[Effect] = []
        for what in seen:
            if isinstance(what, BookChanged):
                self._book(what.inst, out)
            elif isinstance(what, Trade):
                self.prints.append(what)
                for seat in self.seats:
                    if intents := seat.strategy.on_trade(what, seat):
                        out += self._answer(seat, intents)
            elif isinstance(what, Candle):
                for seat in self.seats:
                    out += self._answer(seat, seat.strategy.on_bar(what, seat))
            elif isinstance(what, Fault):
                call, symbol = self.watch.resyncing(what, self.now), what.inst.rpartition("@")[0]
                heal = Resync(what.link, what.channel, symbol, what.why, self.seq)
                out.append(Fetch(call, symbol, self.seq) if call else heal)
            elif isinstance(what, Ask):
                symbol = what.inst.rpartition("@")[0]
                out.append(Fetch(what.call, symbol, self.seq, what.since, what.count))
            else:
                out.append(self._tell(what))
        return out

    def _book(self, inst: str, out: list[Effect]) -> None:
        self.changed.append(inst)
        market = self.watch.markets[inst]
        if market.levels is not None and market.ready:
            book, count = market.book, market.levels.levels
            market.levels.apply(self.now, book.levels(Side.BUY, count), book.levels(Side.SELL, count))
        if self.portfolio.holds(inst) and market.ready:
            out += self._value(inst, market.mid)
        for seat in self.seats:
            if intents := seat.strategy.on_book(inst, seat):
                out += self._answer(seat, intents)

    def _value(self, inst: str, mid: float) -> Iterator[Effect]:
        """Mark what we hold to the market, and let the breakers look at the result."""
        self.portfolio.mark(inst, mid)
        self.account.marked(inst, mid)
        quote = quote_of(inst)
        self.account.valued(self.portfolio.equity(quote), quote)
        yield from self._breakers()

    def _breakers(self) -> Iterator[Effect]:
        change = breakers.watch(self.account, self.limits, self.now)
        if change is not None:
            yield Tell(change.level, change.code, change.text, self.seq)

    def _tell(self, word: Word) -> Tell:
        return Tell(word.level, word.code, word.text, self.seq)

    # --- time, the analyst, a person

    def _timer(self, event: Timer) -> Iterator[Effect]:
        if event.key != "beat":
            number, _, key = event.key.partition("/")
            seat = self.seats[int(number)]
            yield from self._answer(seat, seat.strategy.on_timer(key, seat))
            return
        yield from self._seen(self.watch.beat(event.ts))
        if self.account.new_day(event.ts):
            for quote in self.quotes:
                self.account.roll_day(event.ts, self.portfolio.equity(quote), quote)
        yield from self._breakers()
        if self.flattening:
            yield from self._flatten()
        for seat in self.seats:
            yield from self._answer(seat, seat.strategy.on_timer("beat", seat))

    def _bias(self, event: TrendBias) -> Iterator[Effect]:
        self.biases[event.symbol] = event
        text = f"{event.symbol}: {event.label} {event.score:+.1f}"
        yield Tell("info", "BIAS", text, self.seq)
        for seat in self.seats:
            seat.biases[event.symbol] = event
            yield from self._answer(seat, seat.strategy.on_bias(event, seat))

    def _jump(self, event: ClockJump) -> Iterator[Effect]:
        self.watch.time.restart()  # no entries until it is measured again
        text = f"CLOCK JUMP {event.by_ns / 1e9:+,.1f} s: the machine's clock was set, or the machine slept"
        yield Tell("alarm", "CLOCK_JUMP", f"{text}; no entries until the venue's clock is measured again", self.seq)

    def _command(self, event: Command) -> Iterator[Effect]:
        text = event.why
        if event.what == "pause":
            self.account.halt("paused", text or "paused by a person")
        elif event.what == "resume":
            lifted = self.account.rearm(text)
            self.flattening = self.flattening and not lifted
            text = f"lifted: {lifted}" if lifted else "nothing lifted: re-arming needs a reason"
        elif event.what == "kill":
            self.account.kill(text or "killed by a person")
        elif event.what == "halt":  # what a breaker decided in an earlier session
            code, _, text = text.partition(": ")
            self.account.halt(code, text)
        yield Tell("info" if event.what in ("resume", "stop") else "alarm", event.what.upper(), text, self.seq)
        if event.what in ("kill", "flatten", "stop"):
            for order_id in list(self.account.open_orders):
                yield CancelOrder(order_id, self.seq)
        if event.what == "flatten":
            self.flattening = True
            yield from self._flatten()

    def _flatten(self) -> Iterator[Effect]:
        for seat in self.seats:
            yield from self._answer(seat, list(flatten(seat, self.watch)))

    # --- what the venue says of our orders

    def _fill(self, event: Fill) -> Iterator[Effect]:
        seat = self.owner[event.order_id]
        closed = self.portfolio.apply(event, self.reasons.get(event.order_id, ""))
        self.account.filled(event)
        seat.filled(event)
        if closed is not None:
            self.account.closed(closed, event.ts)
        quote = quote_of(event.inst)
        self.account.valued(self.portfolio.equity(quote), quote)
        yield from self._breakers()
        yield from self._answer(seat, seat.strategy.on_fill(event, seat))

    def _ended(self, event: Ended) -> Iterator[Effect]:
        self.account.ended(event.order_id)
        self.portfolio.release(event.order_id)
        seat = self.owner[event.order_id]
        seat.ended(event)
        self._over.append(event.order_id)
        if len(self._over) > LATE_FILLS:  # a late fill must still find its seat; for ever would be a leak
            forgotten = self._over.popleft()
            self.owner.pop(forgotten, None)
            self.reasons.pop(forgotten, None)
        yield from self._answer(seat, seat.strategy.on_ended(event, seat))

    # --- risk is the only door out

    def _answer(self, seat: Seat, intents: Iterable[Intent]) -> Iterator[Effect]:
        for intent in intents:
            if isinstance(intent, Place):
                yield self._place(seat, intent)
            elif isinstance(intent, (Signal, Decline)):
                yield Noted(intent, self.seq)
            elif isinstance(intent, Wake):
                yield Wake(intent.at, f"{seat.number}/{intent.key}")  # timers go back to the seat that asked
            elif isinstance(intent, Withdraw) and intent.order_id in seat.working:
                yield CancelOrder(intent.order_id, self.seq)

    def _place(self, seat: Seat, place: Place) -> Effect:
        held = seat.position(place.inst)
        reduces = held * place.side < 0 and seat.leaving(place.inst, place.side) + place.qty <= abs(held)
        market = self.watch.markets[place.inst]
        market.now = self.now
        instrument = market.instrument
        if instrument is None:
            return Refuse(place, "unknown_instrument", 0.0, 0.0, self.seq)
        if market.barred == RESCALED:  # its quantities mean something else now: not even an exit may guess
            return Refuse(place, RESCALED.lower(), 0.0, 0.0, self.seq)
        now = MarketNow(
            instrument=instrument,
            ready=market.ready,
            age_ns=market.age_ns,
            mid=market.mid if market.ready else 0.0,
            clock_ns=market.time.error_ns,
            free=float(self.portfolio.free(instrument.quote)),
            seat=seat.number,
        )
        refusal = judge(place, self.account, self.limits, self.now, now, reduces)
        if refusal is not None:
            return Refuse(place, refusal.rule, refusal.value, refusal.limit, self.seq)
        self.orders += 1
        order_id = f"o{self.orders}"
        self.account.submitted(order_id, place, self.now, seat.number)
        self.portfolio.reserve(order_id, place)
        seat.working[order_id] = place
        self.reasons[order_id] = place.reason
        self.owner[order_id] = seat
        return Submit(order_id, place, self.seq)
