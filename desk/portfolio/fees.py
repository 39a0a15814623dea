"""What a trade costs: exact fees, and the win rate they demand."""

from __future__ import annotations

from decimal import ROUND_CEILING, Context, Decimal

import msgspec

from desk.config import Fees

EXACT = Context(prec=120)
"""Money is added and scaled in this context, never in a thread's own: 120 digits, so nothing real is ever rounded."""

FEE_STEP = Decimal("1e-8")


def money(units: int, decimals: int) -> Decimal:
    """An integer count of 10**-decimals of the quote currency as an exact Decimal.

    `units` is Σ ticks·lots of one instrument, `decimals` its px_decimals + qty_decimals.

    >>> money(645250 * 50_000_000, 9)
    Decimal('32262.500000000')
    """
    return EXACT.scaleb(Decimal(units), -decimals)


class FeeSchedule(msgspec.Struct, frozen=True):
    """One tier of one venue, in basis points a side; negative is a rebate. Called with a notional it gives the fee.

    fee = notional · bps / 10⁴, in the quote currency, rounded up to 1e-8 (towards +∞: a fee is never rounded in our
    favour, a rebate neither).

    >>> kraken = FeeSchedule(maker_bps=Decimal(25), taker_bps=Decimal(40))
    >>> kraken(Decimal("1000"), maker=True), kraken(Decimal("0.00001"), maker=False)
    (Decimal('2.50000000'), Decimal('4E-8'))
    """

    maker_bps: Decimal = Decimal(0)
    taker_bps: Decimal = Decimal(0)

    def __call__(self, notional: Decimal, maker: bool) -> Decimal:
        fee = EXACT.multiply(notional, EXACT.scaleb(self.maker_bps if maker else self.taker_bps, -4))
        return fee.quantize(FEE_STEP, ROUND_CEILING, EXACT)

    def round_trip_bps(self, maker_in: bool, maker_out: bool) -> float:
        """Fees of entering and leaving, in basis points of the notional.

        >>> FeeSchedule(Decimal(25), Decimal(40)).round_trip_bps(maker_in=True, maker_out=False)
        65.0
        """
        return float(self.maker_bps if maker_in else self.taker_bps) + float(
            self.maker_bps if maker_out else self.taker_bps
        )


def schedule(fees: Fees, embedded: bool) -> FeeSchedule:
    """The tier in force: free on the embedded exchange unless the configuration asks to feel a real venue's."""
    if embedded and fees.embedded == "free":
        return FeeSchedule()
    # str first: Decimal(0.1) would carry the float's 55 digits into every fee
    return FeeSchedule(Decimal(str(fees.maker_bps)), Decimal(str(fees.taker_bps)))


def paying_rate(win: float, loss: float, cost: float) -> float:
    """p* = (L+c)/(W+L): the share of trades that must win for target, stop and cost to add up to nothing.

    All in one unit; above 1 no win rate pays. Raises ZeroDivisionError when W + L is 0. Source: signals.md, section 8.

    >>> round(paying_rate(0.20, 0.10, 0.652), 2)
    2.51
    """
    return (loss + cost) / (win + loss)


def break_even(win_bps: float, loss_bps: float, cost_bps: float) -> float | None:
    """`paying_rate` in basis points of the notional, the cost of the whole round trip; None when W + L is not positive.

    >>> round(break_even(20.0, 10.0, 80.4), 3)
    3.013
    """
    return paying_rate(win_bps, loss_bps, cost_bps) if win_bps + loss_bps > 0 else None
