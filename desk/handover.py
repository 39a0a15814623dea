"""What a desk holds, owes and has out there at one moment: enough to go on from after a crash. Plain data.

Written into the journal with every checkpoint, and into the first entry of the session that takes it over. Quantities
in lots, prices in ticks, times in ns; money exact in the quote currency.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from desk.messages import Side


class Position(msgspec.Struct, frozen=True):
    """What we hold of one instrument now. `qty` lots and `cost` units are signed: below 0 is a (simulated) short.

    `realised` is price gains of what was closed, before `fees`; both in the quote currency, since the account began.
    `bought`, `sold` (lots) and their `_units` are running totals; `trade_*` belong to the trade that is open.
    """

    inst: str
    px_decimals: int
    qty_decimals: int
    qty: int = 0
    cost: int = 0
    realised: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    bought: int = 0
    sold: int = 0
    bought_units: int = 0
    sold_units: int = 0
    opened: int = 0
    trade_in: int = 0
    trade_in_units: int = 0
    trade_out_units: int = 0
    trade_fees: Decimal = Decimal(0)

    @property
    def decimals(self) -> int:
        """A unit is 10**-decimals of the quote currency."""
        return self.px_decimals + self.qty_decimals

    @property
    def avg(self) -> float | None:
        """Average entry in ticks, for screens; None when flat."""
        return self.cost / self.qty if self.qty else None


class Working(msgspec.Struct, frozen=True):
    """An order whose end is not known: `qty` as it was sent, `filled` of it. `state` as in desk.portfolio.orders."""

    order_id: str
    seat: int
    inst: str
    side: Side
    qty: int
    px: int
    tif: str
    post_only: bool
    reason: str
    filled: int
    state: str
    trigger: int = 0


class PlannedExit(msgspec.Struct, frozen=True):
    """How a strategy means to leave a position (desk.strategies.exits.Bracket says what each of these does).

    `deadline` is its time stop; `tightened`: the stop has moved once; `hard`: the stop that nothing defers; `stop_by`:
    until when the stop is deferred, 0 before it was reached; `heeds`: it listens to the book's objections.
    """

    seat: int
    inst: str
    side: Side
    entry: int
    stop: int
    target: int
    deadline: int
    hard: int
    defer: int = 0
    heeds: bool = True
    tightened: bool = False
    stop_by: int = 0


class Handover(msgspec.Struct, frozen=True):
    """A desk's money, positions, orders and latches.

    `starts` and `cash` by quote currency; `last`: price of the last fill by instrument; `seats`: (seat, instrument,
    lots); `purses`: (day's start, peak, now, realised today) by quote currency, as the breakers count them; `fills` and
    `trades` counted since the account began. A person's kill is not here: it has a memory of its own, beside the
    sessions.
    """

    starts: dict[str, Decimal]
    cash: dict[str, Decimal]
    positions: tuple[Position, ...] = ()
    last: dict[str, int] = {}
    seats: tuple[tuple[int, str, int], ...] = ()
    exits: tuple[PlannedExit, ...] = ()
    orders: tuple[Working, ...] = ()
    purses: dict[str, tuple[float, float, float, float]] = {}
    day: int | None = None
    streak: int = 0
    cooldown_until: int = 0
    halted: str = ""
    halted_why: str = ""
    fills: int = 0
    trades: int = 0

    @property
    def held(self) -> dict[str, int]:
        """Lots by instrument, what is flat left out."""
        return {p.inst: p.qty for p in self.positions if p.qty}
