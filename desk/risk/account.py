"""What the gate looks at: positions, orders out there, losses, latches. Kept by the engine, read by the rules.

Floats here are for comparing with limits; the exact money is the portfolio's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import inf

import msgspec

from desk.events import Fill
from desk.instrument import Instrument
from desk.intents import Place
from desk.portfolio.position import ClosedTrade, quote_of
from desk.portfolio.seen import SeenFills

DAY_NS = 86_400_000_000_000
SEATS_REMEMBERED = 8_192  # orders whose strategy is known: more than may be open and late together
ORDERS_REMEMBERED = 1024  # more than a minute's limit may be (600), so a count over a minute is never cut short


class Purse(msgspec.Struct):
    """One quote currency's equity now, at the day's start and at its peak; `realised` is today's closed net result."""

    day_start: float
    peak: float
    equity: float
    realised: float = 0.0


class Account:
    """All strategies together. `instruments` is live. Quantities in lots, money in the quote currency."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self.positions: dict[str, int] = {}
        self.seats: dict[str, int] = {}  # order → the strategy's seat, for its orders out there and their late fills
        self.held: dict[tuple[int, str], int] = {}  # (seat, instrument) → lots
        self.open_orders: dict[str, Place] = {}  # what is still to be filled: quantities shrink with partial fills
        self.order_times: deque[int] = deque(maxlen=ORDERS_REMEMBERED)
        self.purses: dict[str, Purse] = {}
        self.day: int | None = None  # days since 1970 UTC
        self.streak = 0  # losing trades in a row
        self.cooldown_until = 0
        self.halted = ""  # code of the latch, "" when armed
        self.halted_why = ""
        self.killed = ""  # the person's reason, "" when not
        self.unrecorded = ""  # why the journal cannot be written, "" while it can
        self.last_trade: ClosedTrade | None = None
        self._instruments = instruments
        self._prices: dict[str, float] = {}
        self._seen = SeenFills()

    # --- what happened

    def submitted(self, order_id: str, place: Place, now: int, seat: int = 0) -> None:
        """An order left for the venue; it counts as filled against us until its end is known."""
        self.open_orders[order_id] = place
        self.seats[order_id] = seat
        if len(self.seats) > SEATS_REMEMBERED:
            del self.seats[next(iter(self.seats))]
        self.order_times.append(now)
        if not self.positions.get(place.inst):
            self._prices[place.inst] = place.px  # what is not held is not marked either: its last price may be old

    def ended(self, order_id: str) -> None:
        """The venue will do nothing more for this order."""
        self.open_orders.pop(order_id, None)

    def filled(self, fill: Fill) -> None:
        """A fill, also a late one, changes the position; a repeated one (same fill_id) changes nothing."""
        if not self._seen.first(fill):
            return
        held = self.positions.get(fill.inst, 0)
        self.positions[fill.inst] = held + fill.side * fill.qty
        whose = (self.seats.get(fill.order_id, 0), fill.inst)
        self.held[whose] = self.held.get(whose, 0) + fill.side * fill.qty
        if not held:
            self._prices[fill.inst] = fill.px
        place = self.open_orders.get(fill.order_id)
        if place is None:
            return
        if place.qty > fill.qty:
            self.open_orders[fill.order_id] = msgspec.structs.replace(place, qty=place.qty - fill.qty)
        else:
            del self.open_orders[fill.order_id]

    def closed(self, trade: ClosedTrade, now: int) -> None:
        """A trade is over: a net loss lengthens the streak, anything else ends it."""
        self.last_trade = trade
        self.streak = self.streak + 1 if trade.net < 0 else 0
        purse = self.purse(trade.quote)
        if purse is not None:
            purse.realised += float(trade.net)

    def marked(self, inst: str, px_ticks: float) -> None:
        """The price at which `inst` is valued from now on."""
        self._prices[inst] = px_ticks

    def valued(self, equity: Decimal | float, quote: str = "") -> None:
        """Equity of one account now; NaN is kept and trips the breaker. Without a purse (roll_day) nothing happens."""
        purse = self.purse(quote)
        if purse is not None:
            purse.equity = value = float(equity)
            if value > purse.peak:
                purse.peak = value

    def new_day(self, now: int) -> bool:
        """Whether `now` lies in another UTC day than the last roll_day; True before the first."""
        return self.day != now // DAY_NS

    def roll_day(self, now: int, equity: Decimal | float, quote: str = "") -> None:
        """Start the day of one account at this equity: losses count from here, a daily-loss latch is lifted.

        The peak stays: drawdown does not forget overnight. `quote` "" is an account for every currency that has none
        of its own, which is right while all instruments share one.
        """
        value = float(equity)
        self.day = now // DAY_NS
        purse = self.purses.get(quote)
        if purse is None:
            self.purses[quote] = Purse(value, value, value)
        else:
            purse.day_start = purse.equity = value
            purse.realised = 0.0
            purse.peak = max(purse.peak, value)
        if self.halted == "daily_loss":
            self.halted = self.halted_why = ""

    # --- latches

    def halt(self, code: str, why: str) -> None:
        """Stop new risk. The first latch stays until it is lifted; only a pause gives way to a breaker."""
        if self.halted in ("", "paused"):
            self.halted, self.halted_why = code, why

    def kill(self, why: str) -> None:
        """Stop new risk until a person re-arms, whatever else happens."""
        self.killed = why or "killed"

    def rearm(self, why: str) -> str:
        """A person's decision to trade again; what it lifted, in words, "" when nothing.

        A pause is lifted by any word. Everything else needs a reason (it is kept in the journal with the command):
        without one it stays. A lifted daily loss or drawdown counts from the equity of now, or it would trip again at
        once; lifting a pause or a kill changes no count.
        """
        lifted = []
        reasoned = bool(why.strip())
        if self.halted == "paused" or (self.halted and reasoned):
            lifted.append(self.halted_why)
            self._count_from_now(self.halted)
            self.halted = self.halted_why = ""
        if self.killed and reasoned:
            lifted.append(f"killed: {self.killed}")
            self.killed = ""
        if self.cooldown_until and reasoned:
            lifted.append(f"cool-down after {self.streak} losing trades")
            self.streak = self.cooldown_until = 0
        return " and ".join(lifted)

    def state(self, now: int) -> str:
        """The breaker in words: "armed", "cooling 120 s", "halted: …", "killed: …"."""
        if self.killed:
            return f"killed: {self.killed}"
        if self.unrecorded:
            return f"halted: {self.unrecorded}"
        if self.halted:
            return f"halted: {self.halted_why}"
        if self.cooldown_until > now:
            return f"cooling {-(-(self.cooldown_until - now) // 1_000_000_000)} s"
        return "armed"

    # --- what it adds up to

    def purse(self, quote: str) -> Purse | None:
        """The account of a quote currency, else the common one, else None."""
        return self.purses.get(quote) or self.purses.get("")

    def worst(self, inst: str, mid: float | None = None, extra: Place | None = None, seat: int | None = None) -> float:
        """Largest value `inst` may reach if every working order fills against us, `extra` among them; of one `seat`
        where it is given.

        max(|position + all buys| at their dearest, |position − all sells| at their dearest), never below the mark, in
        the quote currency. NaN when no price is known: no limit is above NaN.
        """
        instrument = self._instruments.get(inst)
        held = self.positions.get(inst, 0) if seat is None else self.held.get((seat, inst), 0)
        mark = self._prices.get(inst) if mid is None else mid
        long, short = held, -held
        dear_long = dear_short = mark if mark is not None and 0 < mark < inf else float("nan")
        for place in self._working(inst, extra, seat):  # max(NaN, x) is NaN, max(x, NaN) is x: the NaN must come first
            if place.side > 0:
                long += place.qty
                dear_long = max(dear_long, place.px)
            else:
                short += place.qty
                dear_short = max(dear_short, place.px)
        if instrument is None:
            return float("nan")
        ticks_lots = max(abs(long) * dear_long, abs(short) * dear_short)
        return ticks_lots / 10.0 ** (instrument.px_decimals + instrument.qty_decimals)

    def gross(
        self, quote: str = "", mid: float | None = None, extra: Place | None = None, seat: int | None = None
    ) -> float:
        """Σ of `worst` over the instruments of one account; `mid` is the price of `extra`'s instrument."""
        purse = self.purse(quote)
        names = dict.fromkeys(self.positions)
        names.update(dict.fromkeys(p.inst for p in self.open_orders.values()))
        if extra is not None:
            names[extra.inst] = None
        return sum(
            self.worst(inst, mid, extra, seat)
            if extra is not None and inst == extra.inst
            else self.worst(inst, seat=seat)
            for inst in names
            if self.purse(quote_of(inst)) is purse
        )

    def orders_since(self, ts: int) -> int:
        """Orders sent after `ts`."""
        count = 0
        for sent in reversed(self.order_times):
            if sent <= ts:
                break
            count += 1
        return count

    def _count_from_now(self, latch: str) -> None:
        for purse in self.purses.values():
            if latch == "daily_loss":
                purse.day_start, purse.realised = purse.equity, 0.0
            elif latch == "drawdown":
                purse.peak = purse.equity

    def _working(self, inst: str, extra: Place | None, seat: int | None) -> Iterator[Place]:
        for order_id, place in self.open_orders.items():
            if place.inst == inst and (seat is None or self.seats.get(order_id, 0) == seat):
                yield place
        if extra is not None:
            yield extra

    def crossed_by(self, place: Place) -> Place | None:
        """Our own working order that `place` would trade with, if any; a stop that waits is in nobody's way."""
        for own in self.open_orders.values():
            meets = own.inst == place.inst and own.side != place.side and (place.px - own.px) * place.side >= 0
            if meets and not own.trigger and not place.trigger:
                return own
        return None
