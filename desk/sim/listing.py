"""What the embedded exchange lists: its instruments, and how each of them trades.

Decimals, minimum quantity and minimum cost are Kraken's. `half_bps` and the sizes are chosen so that spreads and depths
are of the order of a large venue's; where one tick is wider than that (ETH/BTC, XRP/BTC) the tick decides.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from desk.instrument import Instrument

VENUE = "embedded"


class Listing(msgspec.Struct, frozen=True, gc=False):
    """One instrument and its habits; quantities in units of the base currency, distances in bps of the price.

    `rate`: order events a second from outside, before they excite each other. `takers`: share of them that trade.
    `size`: median quantity of an order near the touch. `inner_bps`, `inner`: how far the busy part of the book reaches,
    and how many orders a side it holds. `span`: reach of the patient part in ticks; `grid`: ticks between the round
    prices that orders like. `minute_trades`, `minute_volume`: how many prints and how much base volume this makes in a
    median minute, as measured; the past is made to look the same.
    """

    inst: Instrument
    rate: float
    takers: float
    half_bps: float
    inner_bps: float
    inner: int
    span: int
    grid: int
    size: float
    minute_trades: float
    minute_volume: float

    @property
    def symbol(self) -> str:
        return self.inst.symbol


def _listed(symbol: str, decimals: int, qty_min: int, cost_min: str) -> Instrument:
    return Instrument(symbol, VENUE, decimals, 8, qty_min=qty_min, cost_min=Decimal(cost_min))


BTC, ETH, XRP = 5_000, 100_000, 200_000_000  # smallest quantities in lots: 0.00005, 0.001, 2
_LISTINGS = (
    Listing(_listed("BTC/USDT", 1, BTC, "0.5"), 14.0, 0.08, 0.30, 1.4, 15, 4_000, 10, 0.06, 184, 6.1),
    Listing(_listed("ETH/USDT", 2, ETH, "0.5"), 13.0, 0.08, 0.42, 1.8, 15, 1_300, 5, 1.1, 162, 96),
    Listing(_listed("XRP/USDT", 5, XRP, "0.5"), 11.0, 0.08, 0.75, 2.6, 15, 900, 4, 2_400, 142, 184_000),
    Listing(_listed("BTC/USD", 1, BTC, "0.5"), 15.0, 0.08, 0.26, 1.3, 16, 4_000, 10, 0.08, 189, 8.3),
    Listing(_listed("ETH/USD", 2, ETH, "0.5"), 14.0, 0.08, 0.40, 1.7, 15, 1_300, 5, 1.3, 174, 124),
    Listing(_listed("XRP/USD", 5, XRP, "0.5"), 12.0, 0.08, 0.70, 2.5, 15, 900, 4, 2_800, 154, 230_000),
    Listing(_listed("XRP/BTC", 8, XRP, "0.00002"), 8.0, 0.08, 2.0, 12.0, 14, 300, 1, 1_600, 103, 79_000),
    Listing(_listed("ETH/BTC", 5, ETH, "0.00002"), 9.0, 0.08, 1.0, 8.0, 14, 300, 1, 0.9, 112, 48),
)
LISTINGS: dict[str, Listing] = {listing.symbol: listing for listing in _LISTINGS}
ALL: tuple[str, ...] = tuple(LISTINGS)
