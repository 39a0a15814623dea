"""Instruments: how a venue writes prices and quantities, as exact integers.

A price is an integer count of 10**-px_decimals of the quote currency ("ticks"), a quantity an integer count of
10**-qty_decimals of the base currency ("lots"). The wire text of a number and its integer carry the same digits, so
checksums, books and money stay exact. `tick` is the smallest step a venue accepts for an order, in those ticks.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Instrument(msgspec.Struct, frozen=True, gc=False):
    """One market at one venue; `key` ("BTC/USD@kraken") is its name everywhere inside the desk.

    >>> btc = Instrument("BTC/USD", "kraken", px_decimals=1, qty_decimals=8)
    >>> btc.key, btc.px_text(645250), btc.qty_text(53807066), btc.ticks("64525.0")
    ('BTC/USD@kraken', '64525.0', '0.53807066', 645250)
    """

    symbol: str
    venue: str
    px_decimals: int
    qty_decimals: int
    tick: int = 1
    lot: int = 1
    qty_min: int = 1
    cost_min: Decimal = Decimal(0)
    status: str = "online"

    @property
    def key(self) -> str:
        return f"{self.symbol}@{self.venue}"

    @property
    def base(self) -> str:
        return self.symbol.partition("/")[0]

    @property
    def quote(self) -> str:
        return self.symbol.partition("/")[2]

    def price(self, ticks: float) -> float:
        """Ticks as a float price in the quote currency: for features and screens, never for money."""
        return float(ticks) / float(10**self.px_decimals)

    def quantity(self, lots: float) -> float:
        """Lots as a float quantity in the base currency: for features and screens, never for money."""
        return float(lots) / float(10**self.qty_decimals)

    def px_text(self, ticks: int) -> str:
        """The wire text of a price: fixed point with all its decimals."""
        return fixed(ticks, self.px_decimals)

    def qty_text(self, lots: int) -> str:
        """The wire text of a quantity: fixed point with all its decimals."""
        return fixed(lots, self.qty_decimals)

    def ticks(self, price: str | Decimal) -> int:
        """A price as ticks; raises ValueError when it has more decimals than the instrument."""
        return _scaled(Decimal(price), self.px_decimals, self.symbol, "price")

    def lots(self, quantity: str | Decimal) -> int:
        """A quantity as lots; raises ValueError when it has more decimals than the instrument."""
        return _scaled(Decimal(quantity), self.qty_decimals, self.symbol, "quantity")

    def notional(self, ticks: int, lots: int) -> Decimal:
        """Exact value of `lots` at `ticks` in the quote currency.

        >>> Instrument("BTC/USD", "kraken", 1, 8).notional(645250, 50_000_000)
        Decimal('32262.500000000')
        """
        return Decimal(ticks * lots).scaleb(-(self.px_decimals + self.qty_decimals))


def fixed(value: int, decimals: int) -> str:
    """An integer of 10**-decimals as fixed-point text.

    >>> fixed(5100, 8), fixed(-15, 1), fixed(7, 0)
    ('0.00005100', '-1.5', '7')
    """
    sign = "-" if value < 0 else ""
    digits = str(abs(value)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else f"{sign}{digits}"


def _scaled(value: Decimal, decimals: int, symbol: str, what: str) -> int:
    scaled = value.scaleb(decimals)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{symbol}: {what} {value} has more than {decimals} decimals")
    return int(scaled)


def split_key(key: str) -> tuple[str, str]:
    """("BTC/USD", "kraken") from "BTC/USD@kraken"."""
    symbol, _, venue = key.rpartition("@")
    return symbol, venue
