"""Our place in a queue: exact where the book shows its orders (L3), modelled where it shows sums (L2). SIMULATED.

L2. Everything displayed at our price when we arrive is ahead of us. A trade at our price of v lots shortens that by v;
what is left of the trade after those ahead is ours. When the level shrinks by c lots that no trade explains, somebody
cancelled, ahead of us or behind: the model decides.

    risk_averse   behind us, always, as far as there was anybody: ahead ← min(ahead, shown). The default.
    log           p = f(behind) / (f(behind) + f(ahead)), f(x) = ln(1 + x): the share of c that was behind us
    log2          p = f(behind) / f(behind + ahead), f(x) = ln(1 + x)
    power:n       p = f(behind) / (f(behind) + f(ahead)), f(x) = xⁿ
    power2:n      p = f(behind) / f(behind + ahead), f(x) = xⁿ
    power3:n      p = 1 − (ahead / (ahead + behind))ⁿ
    optimistic    ahead of us, always: p = 0

with quantities in units of the base currency, behind = shown before − ahead, and

    ahead ← min(ahead − (1 − p)·c + min(behind − p·c, 0), shown)

Sources: hftbacktest 2.4 (RiskAdverseQueueModel, ProbQueueModel and its functions), which follows Rigtorp, "Estimating
order queue position" (2013); the fills are equal to the lot (tests/checks/test_fills_match_hftbacktest.py). That
includes an oddity of log and power: a level that shrinks by more than p leaves behind us puts less than nothing ahead,
and the next trade then fills more than it traded. `optimistic` is ours, and stops at nobody ahead.

L3. The orders that were at our price when we arrived are known by id; we move up exactly as they shrink and leave.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from math import floor, inf, log, nan
from typing import Protocol

from desk.errors import ConfigError
from desk.messages import Side

Levels = Sequence[tuple[int, int, int]]  # (price, quantity, orders), best first
Orders = Sequence[tuple[str, int]]  # (order id, quantity), first in line first
Behind = Callable[[float, float], float]  # (ahead, behind) in units of the base currency → p

PAST = 64  # states of an L3 queue, and prints at its price, that a late print is compared with


class Place(Protocol):
    """Where one order of ours stands."""

    ahead: float

    def traded(self, volume: int, ts: int, book_ts: int) -> int:
        """`volume` lots traded at our price, at the venue's time `ts`; the book shows its time `book_ts`.

        Returns the lots that came through to us. 0 for a time that is not known.
        """
        ...


# --- L2: a modelled place


class RiskAverse:
    """Moves up by trades, and when the level shows less than we thought was ahead."""

    __slots__ = ("_before", "ahead")

    def __init__(self, ahead: float) -> None:
        self.ahead = self._before = ahead

    def traded(self, volume: int, ts: int, book_ts: int) -> int:
        if 0 < ts <= book_ts:  # the book has shown it already: our place is what it left of the one before that
            self._before, reached = _passed(self._before, volume)
            self.ahead = min(self.ahead, self._before)
            return reached
        self.ahead, reached = _passed(self.ahead, volume)
        return reached

    def changed(self, before: int, after: int) -> None:
        """Our level showed `before` lots and shows `after`."""
        self._before = self.ahead
        self.ahead = min(self.ahead, after)


class Probable(RiskAverse):
    """Moves up by a share of every cancel too; trades since the level last changed are no cancels."""

    __slots__ = ("_behind", "_counted", "_least", "_unit")

    def __init__(self, ahead: float, behind: Behind, unit: int, least: float) -> None:
        super().__init__(ahead)
        self._behind, self._unit, self._least, self._counted = behind, unit, least, 0

    def traded(self, volume: int, ts: int, book_ts: int) -> int:
        if not 0 < ts <= book_ts:
            self._counted += volume
        return super().traded(volume, ts, book_ts)

    def changed(self, before: int, after: int) -> None:
        cancelled = before - after - self._counted
        self._counted = 0
        ahead = self._before = self.ahead
        if cancelled > 0:
            behind = before - ahead
            p = self._behind(ahead / self._unit, behind / self._unit)
            ahead = max(ahead - (1.0 - p) * cancelled + min(behind - p * cancelled, 0.0), self._least)
        self.ahead = min(after, ahead)  # in this order a p that is not a number leaves all that is shown ahead of us


def _passed(ahead: float, volume: int) -> tuple[float, int]:
    """(ahead after the trade, lots that came through): a whole lot from half a lot on."""
    ahead -= volume
    reached = floor(0.5 - ahead)
    return (0.0, reached) if reached > 0 else (ahead, 0)


def _log(x: float) -> float:
    return log(1.0 + x) if x > -1.0 else nan


def _ratio(f: Callable[[float], float]) -> Behind:
    def behind(ahead: float, after: float) -> float:
        return _divided(f(after), f(after) + f(ahead))

    return behind


def _share(f: Callable[[float], float]) -> Behind:
    def behind(ahead: float, after: float) -> float:
        return _divided(f(after), f(after + ahead))

    return behind


def _power(n: float) -> Callable[[float], float]:
    def f(x: float) -> float:
        return float(x**n) if x >= 0.0 or n.is_integer() else nan

    return f


def _third(n: float) -> Behind:
    f = _power(n)

    def behind(ahead: float, after: float) -> float:
        return 1.0 - f(_divided(ahead, ahead + after))

    return behind


def _divided(part: float, whole: float) -> float:
    """A share; 1 where there is nothing to share."""
    if whole:
        return part / whole
    return 1.0 if part else nan


NewPlace = Callable[[int, int], RiskAverse]  # (lots ahead, lots in one unit of the base currency) → our place


def queue_model(name: str) -> NewPlace:
    """The L2 model of this name; raises ConfigError for another one.

    >>> place = queue_model("log")(60, 1)
    >>> place.changed(before=100, after=80)  # 20 cancelled, 60 ahead of us and 40 behind
    >>> round(place.ahead, 3)
    49.492
    >>> queue_model("risk_averse")(60, 1).traded(75, ts=0, book_ts=0)
    15
    """
    kind, _, text = name.partition(":")
    if kind == "risk_averse" and not text:
        return lambda ahead, unit: RiskAverse(ahead)
    behind: Behind | None = None
    if not text:
        plain: dict[str, Behind] = {"optimistic": lambda a, b: 0.0, "log": _ratio(_log), "log2": _share(_log)}
        behind = plain.get(kind)
    elif (n := _exponent(text)) > 0:
        powers: dict[str, Behind] = {"power": _ratio(_power(n)), "power2": _share(_power(n)), "power3": _third(n)}
        behind = powers.get(kind)
    if behind is None:
        raise ConfigError(
            [
                f'$.paper.queue_model: "{name}" is none of risk_averse, log, log2, power:n, power2:n, power3:n '
                "(n above 0, as in power:3), optimistic"
            ]
        )
    model, least = behind, 0.0 if kind == "optimistic" else -inf
    return lambda ahead, unit: Probable(ahead, model, unit, least)


def _exponent(text: str) -> float:
    """n of "power:n"; 0 for what is not a number from 0 to 100."""
    try:
        n = float(text)
    except ValueError:
        return 0.0
    return n if 0 < n <= 100 else 0.0


# --- L3: an exact place


class Fifo:
    """Moves up exactly as the orders that were there before us shrink and leave.

    A print and the change of the book that it caused come by different ways, in either order. The venue's times say
    which book a print met: the last one before it. What traded at our price since that book, less what was ahead of
    us in it, is ours.

    >>> place = Fifo([("a", 5), ("b", 7)], ts=10)
    >>> place.traded(6, ts=20, book_ts=10), place.traded(8, ts=21, book_ts=10)  # 12 were ahead, 14 traded
    (0, 2)
    >>> place.read([("late", 9)], ts=21)  # the book now shows it: the two are gone, and one came behind us
    >>> place.ahead, place.traded(4, ts=30, book_ts=21)
    (0, 4)
    """

    __slots__ = ("_ids", "_past", "_prints", "ahead")

    def __init__(self, orders: Orders, ts: int) -> None:
        self._ids = {order_id for order_id, _ in orders}
        self.ahead: float = sum(qty for _, qty in orders)
        self._past: deque[tuple[int, int]] = deque([(ts, int(self.ahead))], PAST)
        self._prints: deque[tuple[int, int]] = deque(maxlen=PAST)

    def read(self, orders: Orders, ts: int) -> None:
        """The orders at our price in the book of the venue's time `ts`. Who came after us never stands before us."""
        ahead = 0
        for order_id, qty in orders:
            if order_id not in self._ids:
                break
            ahead += qty
        if ahead == self.ahead and self._past[-1][0] >= ts:
            return
        self.ahead = ahead
        if self._past[-1][0] >= ts:  # the same moment, or a venue that does not say
            self._past.pop()
        self._past.append((ts, ahead))

    def traded(self, volume: int, ts: int, book_ts: int) -> int:
        ts = ts or self._past[-1][0] + 1
        since, ahead = self._past[0]
        for at, held in reversed(self._past):
            if at < ts:
                since, ahead = at, held
                break
        before = sum(lots for at, lots in self._prints if since < at <= ts)
        self._prints.append((ts, volume))
        return max(before + volume - ahead, 0) - max(before - ahead, 0)


# --- what we see of a level, and what we took from it


class Taken:
    """Displayed quantity our own orders used up on one side of a book, per level, until the level shows another.

    The book is not told of our simulated fills, so without this the same displayed lots could fill us twice. A level
    that sinks `SLACK` levels deeper than we ever walked is forgotten: what comes back from there is new.
    """

    __slots__ = ("_levels", "_walked")
    SLACK = 10

    def __init__(self) -> None:
        self._levels: dict[int, tuple[int, int]] = {}  # price → (displayed, used)
        self._walked = 0

    @property
    def depth(self) -> int:
        """Levels that have to be looked at after a change of the book; 0 while nothing is used up."""
        return self._walked + self.SLACK if self._levels else 0

    def left(self, px: int, shown: int) -> int:
        """What is still to be had of `shown` lots displayed at this price."""
        displayed, used = self._levels.get(px, (shown, 0))
        return shown - used if displayed == shown else shown

    def take(self, px: int, shown: int, lots: int, level: int) -> None:
        """Use up `lots` of the `shown` ones at the `level`-th best price (from 0)."""
        self._walked = max(self._walked, level + 1) if self._levels else level + 1
        self._levels[px] = (shown, shown - self.left(px, shown) + lots)

    def changed(self, levels: Levels) -> None:
        """Forget every price that is gone or shows another quantity among the best `depth` levels now."""
        shown = {px: qty for px, qty, _ in levels}
        self._levels = {px: had for px, had in self._levels.items() if shown.get(px) == had[0]}


def shown_at(px: int, side: Side, levels: Iterable[tuple[int, int, int]]) -> int | None:
    """Lots displayed at a price on its side, 0 for a price between levels; None when the book does not show so deep.

    >>> bids = [(100, 5, 2), (98, 7, 1)]
    >>> shown_at(100, Side.BUY, bids), shown_at(99, Side.BUY, bids), shown_at(101, Side.BUY, bids)
    (5, 0, 0)
    >>> shown_at(97, Side.BUY, bids) is None
    True
    """
    for level_px, qty, _ in levels:
        if level_px == px:
            return qty
        if (px - level_px) * side > 0:
            return 0
    return None
