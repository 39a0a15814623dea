"""What a trade costs: exact fees, and the win rate they demand."""

from __future__ import annotations

from decimal import ROUND_CEILING, Context, Decimal

import msgspec

from desk.config import FeeListing, Fees
from desk.portfolio.climb import tier_of
from desk.wire.stamps import parse_ns

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
    name: str = ""

    def at(self, ts: int) -> FeeSchedule:
        """Itself: a tier that never changes."""
        return self

    def describe(self) -> str:
        """In words.

        >>> FeeSchedule(Decimal("0.5"), Decimal(40), "my tier").describe()
        'my tier: maker 0.5, taker 40 bps of the notional, in the quote currency'
        """
        rates = f"maker {self.maker_bps:f}, taker {self.taker_bps:f} bps of the notional, in the quote currency"
        return f"{self.name}: {rates}" if self.name else rates

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


class Tariff:
    """The tier of one 30-day volume by date: `at(ts)` is the one in force then.

    What the run itself trades does not move the tier. Before the first listing its tier holds: there is no older one.

    >>> tariff = Tariff(Fees(volume_30d=60_000.0))
    >>> tariff.at(0).describe()
    'Kraken Pro from 50,000 in 30 days (listing of 2026-05-30): maker 14, taker 24 bps of the notional, in the quote \
currency'
    """

    def __init__(self, fees: Fees) -> None:
        volume = fees.volume_30d or 0.0
        self._tiers = [(_since(listing), _tier(listing, volume)) for listing in sorted(fees.listings, key=_since)]

    def at(self, ts: int) -> FeeSchedule:
        found = self._tiers[0][1]
        for since, tier in self._tiers:
            if since <= ts:
                found = tier
        return found


def listing_at(fees: Fees, ts: int) -> FeeListing:
    """The listing in force at `ts` (ns); before the first one, that one."""
    listings = sorted(fees.listings, key=_since)
    return next((listing for listing in reversed(listings) if _since(listing) <= ts), listings[0])


def _since(listing: FeeListing) -> int:
    return parse_ns(f"{listing.since}T00:00:00Z")


def _tier(listing: FeeListing, volume: float) -> FeeSchedule:
    """The line of a listing that this volume reaches, as a schedule with its name."""
    line = tier_of(listing, volume)
    name = f"{listing.name} from {line.volume:,.0f} in 30 days (listing of {listing.since})"
    return FeeSchedule(_bps(line.maker_bps), _bps(line.taker_bps), name)


def _bps(value: float) -> Decimal:
    """Exactly what the configuration says: str first, Decimal(0.1) would carry the float's 55 digits into every fee."""
    return Decimal(repr(value).removesuffix(".0"))


def tariff(fees: Fees, embedded: bool) -> Tariff | FeeSchedule:
    """What a run pays: nothing on the embedded exchange, unless the configuration asks to feel a real venue's tier."""
    if embedded and fees.embedded == "free":
        return FeeSchedule(name="fee-free tier of the simulated market")
    if fees.volume_30d is not None:
        return Tariff(fees)
    return FeeSchedule(_bps(fees.maker_bps), _bps(fees.taker_bps), fees.tier)


def in_force(fees: Fees, ts: int) -> Fees:
    """The same configuration with the tier of a real venue in force at `ts` (ns) filled in.

    >>> in_force(Fees(volume_30d=60_000.0), ts=0).taker_bps
    24.0
    """
    tier = tariff(fees, embedded=False).at(ts)
    return msgspec.structs.replace(
        fees, tier=tier.name, maker_bps=float(tier.maker_bps), taker_bps=float(tier.taker_bps)
    )


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
