"""Double entry: every movement of an asset leaves one account and reaches another, so each asset's sum is always zero.

    owner ── start ──▶ free ◀── release ── reserved
                        │  ▲     reserve ──▶
              bought or │  │ received
              paid      ▼  │
                       market          fees ◀── free

`free` + `reserved` is what we have of an asset. An order that rests reserves what it may cost: a buy its price and the
worst fee in the quote currency, a sell the base currency it would deliver. On a paper account that may sell what it
does not hold, free base falls below zero: that is the short. Amounts are exact Decimals.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from desk.errors import DeskError
from desk.events import Fill
from desk.handover import Position
from desk.intents import Place
from desk.messages import Side
from desk.portfolio.fees import EXACT, money

ZERO = Decimal(0)
OWNER, FREE, RESERVED, MARKET, FEES = ACCOUNTS = ("owner", "free", "reserved", "market", "fees")


class Held(msgspec.Struct):
    """What one working order keeps from being spent: lots still open, and the amount of which asset."""

    place: Place
    left: int
    asset: str
    amount: Decimal


class Ledger:
    """All assets of one run. `worst_fee_bps` is what a buy reserves for fees (0 or more)."""

    def __init__(self, worst_fee_bps: Decimal = ZERO) -> None:
        self._balances: dict[str, dict[str, Decimal]] = {}
        self._held: dict[str, Held] = {}
        self._fee = EXACT.add(Decimal(1), EXACT.scaleb(max(worst_fee_bps, ZERO), -4))

    # --- what happened

    def open(self, asset: str, amount: Decimal) -> None:
        """The owner pays in."""
        self._post(asset, OWNER, FREE, amount)

    def restore(self, p: Position) -> None:
        """What a position of an earlier session moved in all: its base, what was paid for it, its fees."""
        base, quote = assets(p.inst)
        self._post(base, MARKET, FREE, EXACT.scaleb(Decimal(p.qty), -p.qty_decimals))
        self._post(quote, FREE, MARKET, money(p.bought_units - p.sold_units, p.decimals))
        self._post(quote, FREE, FEES, p.fees)

    def fill(self, fill: Fill, px_decimals: int, qty_decimals: int) -> None:
        """Base against quote, and the fee; what the order had reserved for this part is free again first."""
        base, quote = assets(fill.inst)
        held = self._held.get(fill.order_id)
        if held is not None:
            self._keep(fill.order_id, held.place, max(0, held.left - fill.qty), px_decimals, qty_decimals)
        lots = EXACT.scaleb(Decimal(fill.qty), -qty_decimals)
        value = money(fill.px * fill.qty, px_decimals + qty_decimals)
        giver, taker = (MARKET, FREE) if fill.side is Side.BUY else (FREE, MARKET)
        self._post(base, giver, taker, lots)
        self._post(quote, taker, giver, value)
        self._post(quote, FREE, FEES, fill.fee)

    def reserve(self, order_id: str, place: Place, px_decimals: int, qty_decimals: int) -> None:
        """An order leaves: what it may cost cannot be spent twice."""
        self._keep(order_id, place, place.qty, px_decimals, qty_decimals)

    def release(self, order_id: str) -> None:
        """An order is over; one that is not known has nothing to release."""
        held = self._held.pop(order_id, None)
        if held is not None:
            self._post(held.asset, RESERVED, FREE, held.amount)

    # --- what we have

    def balance(self, asset: str, account: str) -> Decimal:
        return self._balances.get(asset, {}).get(account, ZERO)

    def total(self, asset: str) -> Decimal:
        """Free and reserved."""
        return EXACT.add(self.balance(asset, FREE), self.balance(asset, RESERVED))

    def assets(self) -> list[str]:
        """Every asset that ever moved, in order of first movement."""
        return list(self._balances)

    def check(self) -> None:
        """Raise AssertionError unless each asset adds up to zero and what is reserved is that of the working orders."""
        wanted: dict[str, Decimal] = {}
        for held in self._held.values():
            wanted[held.asset] = EXACT.add(wanted.get(held.asset, ZERO), held.amount)
        for asset, accounts in self._balances.items():
            total = ZERO
            for amount in accounts.values():
                total = EXACT.add(total, amount)
            assert total == 0, f"{asset}: {total} came from nowhere"
            assert accounts[RESERVED] == wanted.get(asset, ZERO), f"{asset}: reserved is not its orders'"
            assert accounts[RESERVED] >= 0, f"{asset}: less than nothing is reserved"

    def _keep(self, order_id: str, place: Place, left: int, px_decimals: int, qty_decimals: int) -> None:
        """Reserve exactly what `left` lots of an order may still cost."""
        self.release(order_id)
        base, quote = assets(place.inst)
        if place.side is Side.BUY:
            asset = quote
            amount = EXACT.multiply(money(place.px * left, px_decimals + qty_decimals), self._fee)
        else:
            asset, amount = base, EXACT.scaleb(Decimal(left), -qty_decimals)
        self._post(asset, FREE, RESERVED, amount)
        self._held[order_id] = Held(place, left, asset, amount)

    def _post(self, asset: str, giver: str, taker: str, amount: Decimal) -> None:
        if not amount.is_finite():
            raise DeskError(f"{asset}: {amount} is not an amount")
        accounts = self._balances.setdefault(asset, dict.fromkeys(ACCOUNTS, ZERO))
        accounts[giver] = EXACT.subtract(accounts[giver], amount)
        accounts[taker] = EXACT.add(accounts[taker], amount)


def assets(inst: str) -> tuple[str, str]:
    """(base, quote) of an instrument's key.

    >>> assets("BTC/USDT@kraken")
    ('BTC', 'USDT')
    """
    base, _, quote = inst.rpartition("@")[0].partition("/")
    return base, quote
