"""Where trading itself moves a fee tier: the 30-day volume grows with every round trip, and the fees fall with it."""

from __future__ import annotations

from typing import NamedTuple

from desk.config import FeeListing, FeeTier

DAYS = 30  # venues look back this long


class Climb(NamedTuple):
    """`tiers`: (day, line of the listing) from that day on, 0 the first. `maker_bps` and
    `taker_bps`: means of the 30 days. `volume`: traded in them, in the currency of the listing.
    """

    tiers: tuple[tuple[int, FeeTier], ...]
    maker_bps: float
    taker_bps: float
    volume: float

    @property
    def reached(self) -> FeeTier:
        """The tier at the end, which the same trading keeps."""
        return self.tiers[-1][1]


def tier_of(listing: FeeListing, volume: float) -> FeeTier:
    """The last line of a listing that this 30-day volume reaches; the first one below all of them."""
    lines = sorted(listing.tiers, key=lambda tier: tier.volume)
    return next((tier for tier in reversed(lines) if tier.volume <= volume), lines[0])


def climb(listing: FeeListing, trips_per_day: float, notional: float, volume: float = 0.0) -> Climb:
    """The tiers of 30 days in which `trips_per_day` round trips of `notional` are made: 2·trips·notional a day.

    Each day pays the tier of the volume that its start looks back on; `volume` was traded in the 30 days before,
    evenly, and drops out day by day. Raises ValueError unless trips and notional are positive.

    >>> from desk.config import KRAKEN_PRO
    >>> found = climb(KRAKEN_PRO, trips_per_day=75, notional=1_000)
    >>> found.volume, found.reached.volume, [(day, tier.volume) for day, tier in found.tiers]
    (4500000.0, 500000.0, [(0, 0.0), (1, 100000.0), (4, 500000.0)])
    """
    if not (trips_per_day > 0.0 and notional > 0.0 and volume >= 0.0):
        raise ValueError(f"trips and notional must be positive, got {trips_per_day} and {notional}, volume {volume}")
    daily = 2.0 * trips_per_day * notional
    tiers: list[tuple[int, FeeTier]] = []
    maker = taker = 0.0
    for day in range(DAYS):
        tier = tier_of(listing, daily * day + volume * (DAYS - day) / DAYS)
        if not tiers or tiers[-1][1] != tier:
            tiers.append((day, tier))
        maker, taker = maker + tier.maker_bps / DAYS, taker + tier.taker_bps / DAYS
    return Climb(tuple(tiers), maker, taker, daily * DAYS)
