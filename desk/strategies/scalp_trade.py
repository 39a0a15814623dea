"""One scalp under way, from its signal until it is flat again: what waits is withdrawn, what is held is left."""

from __future__ import annotations

from math import inf

from desk.handover import PlannedExit
from desk.intents import Intent, Place, Signal, Withdraw
from desk.messages import Side
from desk.signals.alignment import MODERATE_CONFLICT, STAND, STRONG_CONFLICT
from desk.signals.shape import Guard
from desk.strategies.base import BookView, View
from desk.strategies.exits import BOOK_TURNED, NO_PLAN, Bracket, exit_limit

SECOND = 1_000_000_000
COLLAR = 5  # price steps an exit may give up beyond the touch
RETRY = SECOND // 4  # an exit that did not fill is sent again after this long
EXPIRED = "expired"
FOREVER = 1 << 62


class ScalpTrade:
    """A signal, the bracket of what it filled, and the exit that is being tried. `leaving` is a decision, not a
    condition: once there is a reason to leave, the position is left though the price comes back. `rested`: the entry
    was one that waits in the book.
    """

    def __init__(self, signal: Signal, *, rested: bool = False) -> None:
        self.signal, self.rested = signal, rested
        self.bracket: Bracket | None = None
        self.leaving = ""
        self._exit_at = self._withdraw_at = 0  # not again before

    def filled(self, now: int, hold: int, defer: int) -> None:
        """Some of the entry traded: from now on there is something to lose, for `hold` ns at most."""
        if self.bracket is None and self.leaving != NO_PLAN:
            s = self.signal
            heeds = s.alignment not in (MODERATE_CONFLICT, STRONG_CONFLICT)
            self.bracket = Bracket(s.side, s.entry, s.stop, s.target, now + hold, s.hard_stop or s.stop, defer, heeds)

    @classmethod
    def taken_over(cls, inst: str, lots: int, plan: PlannedExit | None, now: int) -> ScalpTrade:
        """A position of an earlier session: left as it was planned, or at once when no plan fits it."""
        fits = plan if plan is not None and plan.side * lots > 0 else None
        trade = cls(_stand_in(inst, lots, fits, now))
        trade.bracket = Bracket.carried(fits) if fits is not None else None
        trade.leaving = "" if fits is not None else NO_PLAN
        return trade

    def over(self, view: View) -> bool:
        """Nothing works any more, and less than can be sold is held."""
        inst = self.signal.inst
        instrument = view.instrument(inst)
        least = instrument.qty_min if instrument else 1
        return abs(view.position(inst)) < least and not any(p.inst == inst for p in view.working.values())

    def guard(self, view: View) -> tuple[Guard, int] | None:
        """Where `mind` has nothing to do, and until when (ns); None: it has to be asked at every move of the book."""
        signal, bracket, inst = self.signal, self.bracket, self.signal.inst
        waits = any(place.inst == inst for place in view.working.values())
        until = signal.expires if waits else FOREVER
        if self.leaving or view.now >= until:
            return None
        if not view.position(inst):
            return (Guard(signal.side, -FOREVER, FOREVER, -STAND, inf), until) if waits else None
        return (bracket.guard, min(until, bracket.deadline)) if bracket is not None else None

    def mind(self, view: View, book: BookView | None, x: float | None, abort: bool) -> list[Intent]:
        """What to do now; `book`: None where it is not ready; x = side · effective score where it may be believed,
        `abort` when entries should not wait.
        """
        signal, bracket, now = self.signal, self.bracket, view.now
        held, instrument = view.position(signal.inst), view.instrument(signal.inst)
        working = {order_id: place for order_id, place in view.working.items() if place.inst == signal.inst}
        out: list[Intent] = []
        if bracket is not None and held and book is not None and not self.leaving:
            self.leaving = bracket.check(book.bid, book.ask, now, x) or ""
        unwanted = self.leaving or (EXPIRED if now >= signal.expires else "")
        if abort and not held:
            unwanted = unwanted or BOOK_TURNED
        if unwanted and now >= self._withdraw_at:
            entries = [order_id for order_id, place in working.items() if place.side == signal.side]
            out += [Withdraw(order_id, unwanted) for order_id in entries]
            self._withdraw_at = now + SECOND if entries else self._withdraw_at
        exiting = any(place.side != signal.side for place in working.values())
        if self.leaving and held * signal.side > 0 and not exiting and book is not None and now >= self._exit_at:
            self._exit_at = now + RETRY
            limit = exit_limit(signal.side, book.bid, book.ask, COLLAR * (instrument.tick if instrument else 1))
            because = {"entry": float(signal.entry), "bid": float(book.bid), "ask": float(book.ask)}
            because |= {"x": x} if x is not None else {}
            side = Side(-signal.side)
            out.append(Place(signal.inst, side, abs(held), limit, "ioc", reason=self.leaving, because=because))
        return out


def _stand_in(inst: str, lots: int, plan: PlannedExit | None, now: int) -> Signal:
    """What stands for the signal of a trade that an earlier session began: its side and prices, and nothing else."""
    return Signal(
        signal_id="taken-over",
        inst=inst,
        side=Side.BUY if lots > 0 else Side.SELL,
        entry=plan.entry if plan is not None else 0,
        stop=plan.stop if plan is not None else 0,
        target=plan.target if plan is not None else 0,
        qty=abs(lots),
        ts=now,
        expires=now,
        horizon=0,
        technical=0.0,
        hft=None,
        tier="",
        alignment="",
        size_factor=0.0,
        strength=0.0,
        cost_bps=0.0,
        net_target_bps=0.0,
        break_even=0.0,
        reasons=("taken over from an earlier session",),
    )
