"""When to leave a position: pure rules of prices and time that any strategy composes.

A long leaves at the bid and a short at the ask, so those are the prices compared. Prices in ticks, times in ns.
"""

from __future__ import annotations

from math import ceil, inf

from desk.handover import PlannedExit
from desk.messages import Side
from desk.signals.shape import Guard
from desk.signals.timing import ENDS, EXIT_NOW, HOLD, HONOUR_STOP, TIGHTEN, TIGHTENS, stop_advice, tightened

TAKE_PROFIT, STOP, TIME_STOP, BOOK_TURNED = "take_profit", "stop", "time_stop", "book_turned"
NO_PLAN = "no_plan"  # taken over from an earlier session that left no plan: out at once
SECOND = 1_000_000_000
SCALP_HOLD, CYCLE_HOLD = (60.0, 900.0), (30.0, 300.0)  # seconds that a scalp and a cycled position may be held


def stopped(side: Side, stop: int, bid: int, ask: int) -> bool:
    """The price at which the position could leave has reached its stop."""
    return bid <= stop if side > 0 else ask >= stop


def reached(side: Side, target: int, bid: int, ask: int) -> bool:
    """The price at which the position could leave has reached its target."""
    return bid >= target if side > 0 else ask <= target


def overdue(deadline: int, now: int) -> bool:
    """The position has been held for as long as it was meant to."""
    return now >= deadline


def hold_ns(hold_s: float, within: tuple[float, float]) -> int:
    """How long a position is held at most. Raises ValueError for a hold outside of what its kind may be.

    >>> hold_ns(45.0, CYCLE_HOLD)
    45000000000
    """
    least, most = within
    if not least <= hold_s <= most:
        raise ValueError(f"a hold of {hold_s:g} s is outside of {least:g} to {most:g} s")
    return round(hold_s * SECOND)


def exit_reason(side: Side, stop: int, target: int, deadline: int, bid: int, ask: int, now: int) -> str | None:
    """Why to leave now: "stop", "take_profit", "time_stop", in this order of precedence, or None to stay.

    >>> exit_reason(Side.BUY, 90, 120, 1000, 100, 101, 5), exit_reason(Side.SELL, 110, 80, 1000, 108, 110, 5)
    (None, 'stop')
    """
    if stopped(side, stop, bid, ask):
        return STOP
    if reached(side, target, bid, ask):
        return TAKE_PROFIT
    return TIME_STOP if overdue(deadline, now) else None


def bracket_prices(side: Side, entry: int, risk: float, reward_to_risk: float, tick: int = 1) -> tuple[int, int] | None:
    """(stop, target) around an entry: `risk` and its multiple, each rounded away from the entry to whole `tick`s.

    The target is never nearer than reward_to_risk times the stop. None when a price would fall to 0: too coarse a tick.

    >>> bracket_prices(Side.BUY, 1000, 10.2, 2.0), bracket_prices(Side.SELL, 1000, 10.2, 2.0, 5)
    ((989, 1022), (1015, 970))
    """
    down = max(1, ceil(risk / tick))
    up = ceil(down * reward_to_risk)
    stop, target = entry - side * down * tick, entry + side * up * tick
    return (stop, target) if min(stop, target) > 0 else None


def hard_stop(entry: int, stop: int, share: float, tick: int = 1) -> int:
    """The stop behind a stop, that nothing defers: `share` of the risk beyond it, in whole `tick`s, above 0.

    >>> hard_stop(1000, 990, 0.25, 2), hard_stop(1000, 1010, 0.25), hard_stop(4, 1, 1.0)
    (986, 1013, 1)
    """
    beyond = ceil(abs(entry - stop) * share / tick) * tick
    return stop + beyond if stop > entry else max(stop - beyond, min(stop, tick))


def exit_limit(side: Side, bid: int, ask: int, collar: int) -> int:
    """Limit price that leaves a position at once, at most `collar` ticks worse than the touch.

    >>> exit_limit(Side.BUY, 100, 101, 5), exit_limit(Side.SELL, 100, 101, 5)
    (95, 106)
    """
    return max(1, bid - collar) if side > 0 else ask + collar


class Bracket:
    """The exits of one position, and what the book may do to them.

    TIGHTEN halves the way to the stop, at most once; EXIT_NOW ends the position. HOLD defers the stop once, for at most
    `defer` ns from when it was first reached and never beyond `hard`, the price for which the size was computed: what
    the trade may lose does not change. Neither stop ever moves away from the price. A position entered against the book
    (`heeds` False) hears its objections only after it has once let go: it was known, and paid for by the size.

    >>> bracket = Bracket(Side.BUY, 1000, 990, 1020, deadline=10**9)
    >>> bracket.check(1001, 1002, 0, x=-30.0), bracket.stop, bracket.check(995, 996, 1, x=0.0)
    (None, 995, 'stop')
    """

    __slots__ = ("deadline", "defer", "entry", "hard", "heeds", "side", "stop", "stop_by", "target", "tightened")

    def __init__(
        self,
        side: Side,
        entry: int,
        stop: int,
        target: int,
        deadline: int,
        hard: int | None = None,
        defer: int = 0,
        heeds: bool = True,
    ) -> None:
        hard = stop if hard is None else hard
        if not side * hard <= side * stop < side * entry < side * target:
            raise ValueError(
                f"hard stop {hard}, stop {stop}, entry {entry} and target {target} do not bracket a {side.name}"
            )
        self.side, self.entry, self.stop, self.target, self.deadline = side, entry, stop, target, deadline
        self.hard, self.defer, self.heeds = hard, defer, heeds
        self.tightened = False
        self.stop_by = 0  # ns until which the stop is deferred; 0 before it was reached

    @classmethod
    def carried(cls, plan: PlannedExit) -> Bracket:
        """The exits of a position that was taken over; a stop that had moved stays where it was."""
        side, entry = plan.side, plan.entry
        hard = min(side * plan.hard, side * entry - 1) * side
        bracket = cls(side, entry, entry - side, plan.target, plan.deadline, hard, plan.defer, plan.heeds)
        bracket.stop, bracket.hard = plan.stop, plan.hard
        bracket.tightened, bracket.stop_by = plan.tightened, plan.stop_by
        return bracket

    def plan(self, inst: str) -> PlannedExit:
        """The same as plain data, for whoever takes the position over; the seat is not ours to know."""
        return PlannedExit(
            0,
            inst,
            self.side,
            self.entry,
            self.stop,
            self.target,
            self.deadline,
            self.hard,
            self.defer,
            self.heeds,
            self.tightened,
            self.stop_by,
        )

    @property
    def guard(self) -> Guard:
        """While the book stays within, and before the deadline, `check` answers None and changes nothing.

        >>> Bracket(Side.SELL, 1000, 1010, 980, deadline=10**9).guard
        Guard(side=<Side.SELL: -1>, low=-1010, high=-980, x_low=-20.0, x_high=inf)
        """
        side = self.side
        within = (ENDS if self.tightened else TIGHTENS, inf) if self.heeds else (-inf, TIGHTENS)
        return Guard(side, side * self.stop, side * self.target, *within)

    def check(self, bid: int, ask: int, now: int, x: float | None = None) -> str | None:
        """Why to leave now, or None; x = position side · effective score, None when there is none to believe."""
        advice = stop_advice(x)
        self.heeds = self.heeds or (x is not None and advice in (HONOUR_STOP, HOLD))
        reason = exit_reason(self.side, self.stop, self.target, self.deadline, bid, ask, now)
        if reason == STOP and self._deferred(bid, ask, now, advice):
            return TIME_STOP if overdue(self.deadline, now) else None
        if reason is not None or not self.heeds:
            return reason
        if advice == EXIT_NOW:
            return BOOK_TURNED
        if advice == TIGHTEN and not self.tightened:
            self.stop = tightened(self.side, self.stop, bid if self.side > 0 else ask)
            self.tightened = True
        return None

    def _deferred(self, bid: int, ask: int, now: int, advice: str) -> bool:
        if advice != HOLD or stopped(self.side, self.hard, bid, ask):
            return False
        self.stop_by = self.stop_by or now + self.defer
        return now < self.stop_by
