"""The single writer: one event in, its effects out. No clock, no sockets, no threads, no dice.

State first, then the strategies in the order of their seats; risk is the only door out. `now` is the time of the event
being handled. Everything that leaves carries the sequence number of the event that caused it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from typing import Any

import msgspec

from desk.events import (
    Accepted,
    Answer,
    ClockJump,
    Command,
    Ended,
    Event,
    Evidence,
    Fill,
    Frame,
    LinkDown,
    LinkUp,
    Sent,
    Start,
    Timer,
    TrendBias,
    Unanswered,
    Unknown,
)
from desk.intents import (
    CancelOrder,
    Checkpoint,
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
from desk.market.seen import Ask, BookChanged
from desk.market.state import RESCALED, Fault
from desk.messages import Candle, Side, Trade
from desk.portfolio.doubt import doubt, enquire, oddity
from desk.portfolio.orders import Orders
from desk.portfolio.portfolio import Portfolio
from desk.portfolio.position import quote_of
from desk.risk.account import Account
from desk.risk.checkpoint import handover, restore, state_hash
from desk.risk.commands import obey
from desk.risk.gate import judge
from desk.risk.rules import Limits, Market
from desk.risk.valuation import Valuation
from desk.signals.paths import PRINTS, RESTED, Seen
from desk.signals.watch import Watch
from desk.strategies.base import Strategy
from desk.strategies.flatten import flatten
from desk.strategies.seat import Seat, take_over

CHECKPOINT = 1_000  # events between two checkpoints, at least; every fill and every end of an order makes one too


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
            watch.live[inst].lone = len(strategies) == 1 and market.levels is None
            market.trade_frames.lend(strategies[0].lends(inst) if len(strategies) == 1 else None)
        self.life = Orders()
        self.quotes = tuple(dict.fromkeys(quote_of(inst) for inst in watch.markets))  # one account each
        self.valuation = Valuation(portfolio, account, limits, self.quotes)
        self.biases: dict[str, TrendBias] = {}
        self.now = self.seq = 0
        self._checked: tuple[int, str] = (0, "")  # the last checkpoint: its event, and the latch then
        self.flattening = False  # a person asked to be out of everything
        self.stopping = False  # the run ends: what is open is cancelled, and nothing else begins
        self.changed: list[str] = []  # instruments whose book this event changed: what the simulated venue is told
        self._prints: list[Trade] = []
        self._printed = 0  # the last event whose trades are in `Tape.printed`
        self._on: dict[type, Callable[[Any], Iterable[Effect]]] = {
            Start: self._start,
            Answer: lambda event: self._seen(watch.answer(event)),
            Unanswered: lambda event: self._seen(watch.unanswered(event)),
            LinkUp: lambda event: self._seen(watch.link_up(event.link, event.ts)),
            LinkDown: lambda event: self._seen(watch.link_down(event.link, event.why, event.ts)),
            Timer: self._timer,
            Sent: self._sent,
            Accepted: self._accepted,
            Fill: self._fill,
            Ended: self._ended,
            Unknown: lambda event: doubt(self.life, event.order_id, event.why, self.seq),
            Evidence: self._evidence,
            TrendBias: self._bias,
            ClockJump: self._jump,
            Command: self._command,
        }

    def step(self, event: Event) -> list[Effect]:
        """Everything the desk answers to one event, in order."""
        self.seq += 1
        self.now = now = event.ts
        if self.changed:
            self.changed.clear()
        if self._prints:
            self._prints.clear()
        if type(event) is Frame:  # nearly all are, and most of them are answered with nothing
            seen = self.watch.frame(event)
            return self._rested(self.watch.rested) if seen is RESTED else self._frame(seen)
        for seat in self.seats:
            seat.now = now
        return list(self._on[type(event)](event))

    @property
    def prints(self) -> list[Trade]:
        """Trades that this event brought: what the simulated venue is told."""
        if self._printed == self.seq and not self._prints:  # a kernel took them in: made when somebody asks
            self._prints += self.watch.tape.printed.trades
        return self._prints

    def rush(self, frames: list[bytes], begin: int, link: int, ts: int, minded: Set[str]) -> int:
        """`step` for these frames of one moment, from number `begin` on, while they lead to nothing but books that
        move (`changed`): how many. What is held or `minded` is not among them.
        """
        self.now = ts
        self.watch.rushed.mind(self.portfolio.holding | minded)
        taken = self.watch.rush(frames, begin, link, ts, alone=True)
        self.seq += taken
        self.changed[:] = self.watch.rushed.moved
        self._prints.clear()
        self._printed = 0
        return taken

    def behind(self) -> list[Effect] | None:
        """The answer to the frame behind a rush, where it has been read; None: `step` it."""
        left, self.watch.rushed.left = self.watch.rushed.left, None
        if left is None:
            return None
        self.seq += 1
        self.changed.clear()
        return self._frame(left)

    def _frame(self, seen: list[Seen]) -> list[Effect]:
        if seen is PRINTS:
            self._printed, tape = self.seq, self.watch.tape
            for seat in self.seats if tape.turned or tape.breaking else ():
                seat.strategy.on_prints(tape.printed, tape.turned, tape.breaking, self.now)
            return []
        for seat in self.seats:
            seat.now = self.now
        return self._seen(seen)

    def _rested(self, inst: str) -> list[Effect]:
        """A believed book moved and its strategy has nothing to add; what we hold of it has another value."""
        self.changed.append(inst)
        if self.portfolio.holds(inst):
            live = self.watch.live[inst]  # with the touch at hand
            return [*self.valuation.mark(inst, (live.bid + live.ask) / 2, self.now, self.seq)]
        return []

    def _start(self, event: Start) -> Iterator[Effect]:
        self.life.prefix = event.session
        if event.handover is not None:
            restore(event.handover, self.portfolio, self.account, self.life, event.ts, len(self.seats))
            for text in take_over(self.seats, event.handover, self.life, self.account.held, event.taken):
                yield Tell("alarm", "UNMINDED_POSITION", text, self.seq)
        self.valuation.day(event.ts)
        yield self._checkpoint()

    # --- the market

    def _seen(self, seen: list[Seen]) -> list[Effect]:
        out: list[Effect] = []
        for what in seen:
            if isinstance(what, BookChanged):
                self._book(what.inst, out)
            elif isinstance(what, Trade):
                self._prints.append(what)
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
                out.append(Tell(what.level, what.code, what.text, self.seq))
        return out

    def _book(self, inst: str, out: list[Effect]) -> None:
        self.changed.append(inst)
        market = self.watch.markets[inst]
        if market.levels is not None and market.ready:
            book, count = market.book, market.levels.levels
            market.levels.apply(self.now, book.levels(Side.BUY, count), book.levels(Side.SELL, count))
        if self.portfolio.holds(inst) and market.ready:
            out += self.valuation.mark(inst, market.mid, self.now, self.seq)
        for seat in self.seats:
            if intents := seat.strategy.on_book(inst, seat):
                out += self._answer(seat, intents)

    # --- time, the analyst, a person

    def _timer(self, event: Timer) -> Iterator[Effect]:
        if event.key != "beat":
            number, _, key = event.key.partition("/")
            seat = self.seats[int(number)]
            yield from self._answer(seat, seat.strategy.on_timer(key, seat))
            return
        yield from self._seen(self.watch.beat(event.ts))
        yield from enquire(self.life, self.now, self.seq)
        self.valuation.day(event.ts)
        yield from self.valuation.judged(self.now, self.seq)
        if self.flattening:
            yield from self._flatten()
        for seat in self.seats:
            yield from self._answer(seat, seat.strategy.on_timer("beat", seat))
        if self.seq - self._checked[0] >= CHECKPOINT or self.account.halted != self._checked[1]:
            yield self._checkpoint()

    def _checkpoint(self) -> Checkpoint:
        """The state now. On the beat and after what moves money, never for a frame of the market."""
        self._checked = self.seq, self.account.halted
        exits = (
            msgspec.structs.replace(plan, seat=seat.number) for seat in self.seats for plan in seat.strategy.exits()
        )
        now = handover(self.portfolio, self.account, self.life, exits)
        return Checkpoint(state_hash(now, self.account.killed, self.watch.markets.values()), now, self.seq)

    def _bias(self, event: TrendBias) -> Iterator[Effect]:
        self.biases[event.symbol] = event
        text = f"{event.symbol}: {event.label} {event.score:+.1f}"
        yield Tell("info", "BIAS", text, self.seq)
        for seat in self.seats:
            seat.biases[event.symbol] = event
            yield from self._answer(seat, seat.strategy.on_bias(event, seat))

    def _jump(self, event: ClockJump) -> Iterator[Effect]:
        self.watch.time.restart()  # no entries until it is measured again
        self.watch.rouse()
        text = f"CLOCK JUMP {event.by_ns / 1e9:+,.1f} s: the machine's clock was set, or the machine slept"
        yield Tell("alarm", "CLOCK_JUMP", f"{text}; no entries until the venue's clock is measured again", self.seq)

    def _command(self, event: Command) -> Iterator[Effect]:
        text, lifted = obey(self.account, event)
        self.flattening = self.flattening and not lifted
        yield Tell(
            "info" if event.what in ("resume", "stop", "mended") else "alarm", event.what.upper(), text, self.seq
        )
        if event.what in ("kill", "flatten", "stop"):
            for order_id in list(self.account.open_orders):
                yield CancelOrder(order_id, self.seq)
        if event.what == "flatten":
            self.flattening = True
            yield from self._flatten()
        elif event.what == "stop":
            self.stopping = True
            yield self._checkpoint()

    def _flatten(self) -> Iterator[Effect]:
        for seat in self.seats:
            yield from self._answer(seat, list(flatten(seat, self.watch)))

    # --- what the venue says of our orders

    def _sent(self, event: Sent) -> Iterable[Effect]:
        self.life.sent(event.order_id, event.ts)
        return ()

    def _accepted(self, event: Accepted) -> Iterator[Effect]:
        if self.life.accepted(event.order_id):
            yield Tell("info", "ORDER_FOUND", f"order {event.order_id}: the venue has it", self.seq)

    def _fill(self, event: Fill) -> Iterator[Effect]:
        repeated = self.portfolio.duplicates
        order = self.life.get(event.order_id)
        closed = self.portfolio.apply(event, order.place.reason if order is not None else "")
        if self.portfolio.duplicates > repeated:
            return  # reported again: it is in the books already
        self.life.filled(event)
        self.account.filled(event)
        if closed is not None:
            self.account.closed(closed, event.ts)
        yield from self.valuation.anew(event.inst, self.now, self.seq)
        odd = oddity(order, event, self.seq)
        if odd is not None:
            if odd.level == "alarm":
                self.account.halt(odd.code.lower(), odd.text)
            yield odd
        if order is not None:
            seat = self.seats[order.seat]
            seat.filled(event)
            yield from self._answer(seat, seat.strategy.on_fill(event, seat))
        yield self._checkpoint()

    def _ended(self, event: Ended) -> Iterator[Effect]:
        order = self.life.ended(event.order_id, event.why)
        if order is None:
            return  # said before, or of none of ours
        self.account.ended(event.order_id)
        self.portfolio.release(event.order_id)
        seat = self.seats[order.seat]
        seat.ended(event)
        yield from self._answer(seat, seat.strategy.on_ended(event, seat))
        yield self._checkpoint()

    def _evidence(self, event: Evidence) -> Iterator[Effect]:
        verdict = self.life.heard(event)
        if verdict == "open":
            yield from self._accepted(Accepted(event.ts, event.order_id))
        elif verdict:
            yield Tell("warn", "ORDER_RESOLVED", f"order {event.order_id}: {verdict}", self.seq)
            yield from self._ended(Ended(event.ts, event.order_id, f"rejected: {verdict}"))

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
        mid, free = market.mid if market.ready else 0.0, float(self.portfolio.free(instrument.quote))
        now = Market(instrument, market.ready, market.age_ns, mid, market.time.error_ns, free, seat.number)
        if self.stopping and not reduces:
            return Refuse(place, "halted", 1.0, 0.0, self.seq)
        refusal = judge(place, self.account, self.limits, self.now, now, reduces)
        if refusal is not None:
            return Refuse(place, refusal.rule, refusal.value, refusal.limit, self.seq)
        order_id = self.life.new(place, seat.number, self.now).order_id
        self.account.submitted(order_id, place, self.now, seat.number)
        self.portfolio.reserve(order_id, place)
        seat.working[order_id] = place
        return Submit(order_id, place, self.seq, seat.number)
