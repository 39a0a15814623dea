"""Paper accounts, positions and PnL that add up to the last digit.

One account per quote currency: each starts with the same cash, is marked and reported on its own, and is never added
to another (a dollar is not a tether). SIMULATED: a spot account here may sell what it does not hold, free of margin and
of borrowing cost; a short is a negative position whose proceeds are in the cash.

Identities, exact at every moment (`check` proves them):
    cash     = starting cash + Σ sold − Σ bought − Σ fees
    equity   = cash + Σ position · mark = starting cash + realised + unrealised − fees
    position = Σ signed fills, each fill id once
    ledger:    every asset sums to zero over its accounts (desk.portfolio.ledger); free + reserved = what we have
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import inf

from desk.errors import DeskError
from desk.events import Fill
from desk.handover import Handover
from desk.instrument import Instrument
from desk.intents import Place
from desk.portfolio.fees import EXACT, money
from desk.portfolio.ledger import FREE, Ledger, assets
from desk.portfolio.position import ClosedTrade, Position, after, quote_of
from desk.portfolio.seen import SeenFills

ZERO = Decimal(0)


class Portfolio:
    """Apply fills, mark prices, ask for equity. `instruments` is live: it may grow after construction."""

    def __init__(
        self, cash: Decimal, instruments: Mapping[str, Instrument], worst_fee_bps: Decimal = Decimal(0)
    ) -> None:
        self.ledger = Ledger(worst_fee_bps)
        self._start = cash
        self.starts: dict[str, Decimal] = {}  # by quote currency: where its account began
        self._instruments = instruments
        self._positions: dict[str, Position] = {}
        self._marks: dict[str, float] = {}
        self._values: dict[str, Decimal] = {}  # position · mark, until either changes
        self._units: dict[str, Decimal] = {}  # what a tick is worth of it, until it changes
        self._last: dict[str, int] = {}  # price of the last fill, for what was never marked
        self._held: dict[str, dict[str, None]] = {}  # by quote: instruments with a position, in order of opening
        self._seen = SeenFills()
        self._cash: dict[str, Decimal] = {}
        self._fees: dict[str, Decimal] = {}
        self._realised: dict[str, Decimal] = {}
        self.fills = 0
        self.trades = 0

    @property
    def duplicates(self) -> int:
        """Fills that came again and were ignored."""
        return self._seen.duplicates

    # --- what happened

    def open(self, quote: str) -> None:
        """Open the account of a quote currency with its starting cash; opening it again changes nothing."""
        if quote not in self._cash:
            self._cash[quote] = self.starts[quote] = self._start
            self.ledger.open(quote, self._start)
            self._fees[quote] = self._realised[quote] = ZERO
            self._held[quote] = {}

    def restore(self, earlier: Handover) -> None:
        """Go on with the accounts and positions of an earlier session. Before anything else happens."""
        for quote, start in earlier.starts.items():
            self.open(quote)
            self.ledger.open(quote, EXACT.subtract(start, self.starts[quote]))
            self.starts[quote], self._cash[quote] = start, earlier.cash[quote]
        for p in earlier.positions:
            quote = quote_of(p.inst)
            self._positions[p.inst] = p
            self._last[p.inst] = earlier.last[p.inst]
            self._fees[quote] = EXACT.add(self._fees[quote], p.fees)
            self._realised[quote] = EXACT.add(self._realised[quote], p.realised)
            if p.qty:
                self._held[quote][p.inst] = None
            self.ledger.restore(p)
        self.fills, self.trades = earlier.fills, earlier.trades

    def apply(self, fill: Fill, reason: str = "") -> ClosedTrade | None:
        """Apply a fill once; the trade it closed when the position is back to flat (or through it), else None.

        `reason` is the order's, kept in the closed trade. A fill id seen before is counted and ignored. Raises
        DeskError for a fill that cannot be accounted: an unknown instrument, a price or quantity that is not positive,
        an instrument whose decimals changed after it traded.
        """
        position = self._position_for(fill)
        if not self._seen.first(fill):
            return None
        new, closed = after(position, fill, reason, f"t{self.trades + 1}")
        quote = quote_of(fill.inst)
        self.open(quote)
        delta = money(-fill.side * fill.px * fill.qty, position.decimals)
        self._cash[quote] = EXACT.subtract(EXACT.add(self._cash[quote], delta), fill.fee)
        self.ledger.fill(fill, position.px_decimals, position.qty_decimals)
        self._fees[quote] = EXACT.add(self._fees[quote], fill.fee)
        self._realised[quote] = EXACT.add(self._realised[quote], EXACT.subtract(new.realised, position.realised))
        self._positions[fill.inst] = new
        self._last[fill.inst] = fill.px
        self._values.pop(fill.inst, None)
        self._units.pop(fill.inst, None)
        if new.qty:
            self._held[quote][fill.inst] = None
        else:
            self._held[quote].pop(fill.inst, None)
            self._marks.pop(fill.inst, None)  # nobody marks what is not held: the next position must not start on it
        self.fills += 1
        self.trades += closed is not None
        return closed

    def mark(self, inst: str, px_ticks: float) -> None:
        """Value `inst` at this price (ticks, halves welcome) until the next, or until the position is flat.

        Raises ValueError unless 0 < price < ∞.
        """
        if not 0 < px_ticks < inf:
            raise ValueError(f"{inst}: a mark of {px_ticks} ticks is not a price")
        self._marks[inst] = px_ticks
        self._values.pop(inst, None)

    def marked_at(self, inst: str) -> float | None:
        """The mark of what is held, in ticks; None before its first."""
        return self._marks.get(inst)

    def reserve(self, order_id: str, place: Place) -> None:
        """An order leaves: its cost is reserved until `release`. An instrument nobody described reserves nothing."""
        known = self._instruments.get(place.inst)
        if known is not None:
            self.ledger.reserve(order_id, place, known.px_decimals, known.qty_decimals)

    def release(self, order_id: str) -> None:
        """An order is over."""
        self.ledger.release(order_id)

    # --- what we have

    def free(self, quote: str) -> Decimal:
        """Cash that no working order has reserved."""
        return self.ledger.balance(quote, FREE)

    @property
    def cash(self) -> dict[str, Decimal]:
        """Cash by quote currency (a copy)."""
        return dict(self._cash)

    @property
    def last_prices(self) -> dict[str, int]:
        """Price of the last fill by instrument (a copy)."""
        return dict(self._last)

    @property
    def fees(self) -> dict[str, Decimal]:
        """Fees paid by quote currency (a copy)."""
        return dict(self._fees)

    @property
    def realised(self) -> dict[str, Decimal]:
        """Price gains of everything closed, before fees, by quote currency (a copy)."""
        return dict(self._realised)

    def position(self, inst: str) -> Position:
        """The position in `inst`, flat when it never traded."""
        found = self._positions.get(inst)
        if found is not None:
            return found
        known = self._instruments.get(inst)
        return Position(inst, known.px_decimals, known.qty_decimals) if known else Position(inst, 0, 0)

    def holds(self, inst: str) -> bool:
        """Whether `position(inst)` is not flat; asked at every move of its book."""
        found = self._positions.get(inst)
        return found is not None and found.qty != 0

    @property
    def holding(self) -> set[str]:
        """Instruments whose position is not flat."""
        return {inst for inst, position in self._positions.items() if position.qty}

    def positions(self) -> list[Position]:
        """Everything that ever traded, in order of first fill; flat ones too (their realised PnL and fees count)."""
        return list(self._positions.values())

    def value(self, inst: str) -> Decimal:
        """Position times mark, signed, in the quote currency. Without a mark the last fill's price stands in."""
        value = self._values.get(inst)
        if value is not None:
            return value
        p = self._positions.get(inst)
        if p is None or not p.qty:
            return ZERO
        unit = self._units.get(inst)
        if unit is None:
            self._units[inst] = unit = EXACT.scaleb(Decimal(p.qty), -p.decimals)
        mark = self._marks.get(inst) or self._last[inst]
        self._values[inst] = value = EXACT.multiply(Decimal(mark), unit)  # Decimal(float) is exact
        return value

    def unrealised(self, inst: str) -> Decimal:
        """Value less cost, before fees; 0 when flat."""
        p = self._positions.get(inst)
        return EXACT.subtract(self.value(inst), money(p.cost, p.decimals)) if p is not None else ZERO

    def equity(self, quote: str = "") -> Decimal:
        """Cash plus positions at mark of one quote currency's account.

        The quote may be left out while there is at most one account. Raises ValueError when there are several:
        accounts in different currencies have no sum.
        """
        quote = quote or self._only()
        total = self._cash.get(quote, self._start)
        for inst in self._held.get(quote, ()):
            total = EXACT.add(total, self.value(inst))
        return total

    def gross(self, quote: str = "") -> Decimal:
        """Σ |position · mark| of one quote currency's account."""
        total = ZERO
        for inst in self._held.get(quote or self._only(), ()):
            total = EXACT.add(total, abs(self.value(inst)))
        return total

    def pnl(self, quote: str = "") -> Decimal:
        """Equity less starting cash: net of fees."""
        quote = quote or self._only()
        return EXACT.subtract(self.equity(quote), self.starts.get(quote, self._start))

    def check(self) -> None:
        """Raise AssertionError unless the identities of this module hold exactly."""
        for quote, cash in self._cash.items():
            flow = unrealised = ZERO
            for inst, p in self._positions.items():
                if quote_of(inst) != quote:
                    continue
                assert p.qty == p.bought - p.sold, f"{inst}: position is not the sum of its fills"
                assert (p.qty == 0) <= (p.cost == 0), f"{inst}: flat with a cost"
                assert (inst in self._held[quote]) == (p.qty != 0), f"{inst}: held or not"
                flow = EXACT.add(flow, EXACT.subtract(money(p.sold_units - p.bought_units, p.decimals), p.fees))
                unrealised = EXACT.add(unrealised, self.unrealised(inst))
            start = self.starts[quote]
            assert cash == EXACT.add(start, flow), f"{quote}: cash is not start + fills − fees"
            pnl = EXACT.add(EXACT.subtract(self._realised[quote], self._fees[quote]), unrealised)
            assert self.equity(quote) == EXACT.add(start, pnl), f"{quote}: equity identity"
        self.ledger.check()
        for quote, cash in self._cash.items():
            coins = EXACT.subtract(self.ledger.total(quote), self._coins(quote))
            assert coins == cash, f"{quote}: the ledger holds {coins}, the account {cash}"
        for asset in self.ledger.assets():
            if asset not in self._cash:
                assert self.ledger.total(asset) == self._coins(asset), f"{asset}: the ledger is not the positions' sum"

    def _coins(self, asset: str) -> Decimal:
        """What all positions hold of an asset that is their base currency."""
        total = ZERO
        for inst, p in self._positions.items():
            if assets(inst)[0] == asset:
                total = EXACT.add(total, EXACT.scaleb(Decimal(p.qty), -p.qty_decimals))
        return total

    def _only(self) -> str:
        if len(self._cash) > 1:
            raise ValueError(f"name the account: equity exists in {', '.join(self._cash)} and they have no sum")
        return next(iter(self._cash), "")

    def _position_for(self, fill: Fill) -> Position:
        instrument = self._instruments.get(fill.inst)
        if instrument is None:
            raise DeskError(f"{fill.inst}: fill {fill.fill_id} is of an instrument nobody has described")
        if fill.qty <= 0 or fill.px <= 0:
            raise DeskError(f"{fill.inst}: fill {fill.fill_id} of {fill.qty} lots at {fill.px} ticks is not a trade")
        known = (instrument.px_decimals, instrument.qty_decimals)
        position = self._positions.get(fill.inst)
        if position is None:
            return Position(fill.inst, *known)
        if (position.px_decimals, position.qty_decimals) != known:
            raise DeskError(
                f"{fill.inst}: decimals changed from {position.px_decimals}, {position.qty_decimals} to"
                f" {known[0]}, {known[1]} after it traded; restart to account in the new ones"
            )
        return position
