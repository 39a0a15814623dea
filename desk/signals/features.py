"""From the best levels of a book to the numbers its score needs: imbalance, orders near the touch, spread.

Pure functions of integers; a book that cannot be measured gets a refusal code instead of a number:
ONE_SIDED_BOOK, BOOK_CROSSED (locked included), ZERO_QUANTITY, ZERO_PRICE.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence
from math import exp

from desk.signals.shape import Features

Level = tuple[int, int, int]  # price in ticks, quantity in lots, resting orders (0 where the tier does not count them)

SECOND = 1_000_000_000
REACH_BPS = 2.0  # least distance from the touch at which a level's weight has fallen to 1/e
BAND_BPS = 10.0  # least width of the band in which orders are counted
WINDOW = 600 * SECOND
ENOUGH = 300  # spreads sampled before their median becomes the reference


def features(
    ts: int,
    inst: str,
    bids: Sequence[Level],
    asks: Sequence[Level],
    spread_ref_bps: float,
    spread_median_bps: float | None,
    tier: str,
    attested: bool = True,
) -> Features | str:
    """What the score needs to know of a book, or the code of why it cannot be known.

    `bids`, `asks`: best first, only levels that are proven (the top 10 under a checksum). With mid m and median spread
    s̃ (bps; the reference stands in until one is measured):
        ρ = (B−A)/(B+A),  B = Σ q·exp(−(b₀−p)/λ),  A = Σ q·exp(−(p−a₀)/λ),  λ = m·max(2, 2·s̃)/10⁴
        orders: those within W = m·max(10, 2·s̃)/10⁴ of their own best price; tiers L3 and L2C only
    Tier L1 uses the best level alone. Source: signals.md 3.1–3.3 of the design notes.

    >>> f = features(0, "BTC/USD@kraken", [(100_000, 30, 3)], [(100_001, 10, 1)], 0.5, None, "L3")
    >>> f.rho, f.bid_orders, f.ask_orders, round(f.spread_bps, 4)
    (0.5, 3, 1, 0.1)
    >>> features(0, "BTC/USD@kraken", [(100_000, 30, 3)], [], 0.5, None, "L3")
    'ONE_SIDED_BOOK'
    """
    if not bids or not asks:
        return "ONE_SIDED_BOOK"
    best_bid, best_ask = bids[0][0], asks[0][0]
    if best_ask <= best_bid:
        return "BOOK_CROSSED"
    if best_bid <= 0:
        return "ZERO_PRICE"
    if tier == "L1":
        bids, asks = bids[:1], asks[:1]
    mid = 0.5 * (best_bid + best_ask)
    wide = 2.0 * (spread_ref_bps if spread_median_bps is None else spread_median_bps)
    per_tick = -10_000.0 / (mid * max(REACH_BPS, wide))
    band = mid * max(BAND_BPS, wide) / 10_000.0
    bid_depth = ask_depth = 0.0
    bid_orders = ask_orders = 0
    for px, qty, orders in bids:
        if qty <= 0:
            return "ZERO_QUANTITY"
        away = best_bid - px
        bid_depth += qty * exp(away * per_tick)
        if away <= band:
            bid_orders += orders
    for px, qty, orders in asks:
        if qty <= 0:
            return "ZERO_QUANTITY"
        away = px - best_ask
        ask_depth += qty * exp(away * per_tick)
        if away <= band:
            ask_orders += orders
    counted = tier in ("L3", "L2C")
    return Features(
        ts,
        inst,
        (bid_depth - ask_depth) / (bid_depth + ask_depth),
        bid_orders if counted else None,
        ask_orders if counted else None,
        10_000.0 * (best_ask - best_bid) / mid,
        spread_ref_bps,
        tier,
        attested,
    )


class SpreadStats:
    """The quoted spread as a rolling median: one sample per second, over the last 10 minutes.

    At most 600 samples are kept; an update within a second already sampled changes nothing.

    >>> stats = SpreadStats()
    >>> for second in range(3):
    ...     stats.update(second * SECOND, 1.0 + second)
    >>> stats.median, stats.samples, stats.ref(0.5)
    (2.0, 3, 0.5)
    """

    __slots__ = ("_second", "_seen", "_sorted")

    def __init__(self) -> None:
        self._seen: deque[tuple[int, float]] = deque()
        self._sorted: list[float] = []
        self._second = -1

    def update(self, ts: int, spread_bps: float) -> None:
        """Take the first spread of each second in; `ts` ns, `spread_bps` > 0 (ValueError otherwise)."""
        second = ts // SECOND
        if second <= self._second:
            return
        if not 0.0 < spread_bps < 1e9:
            raise ValueError(f"a spread must be a positive number of bps, got {spread_bps}")
        self._second = second
        seen, ordered = self._seen, self._sorted
        while seen and seen[0][0] <= ts - WINDOW:
            del ordered[bisect_left(ordered, seen.popleft()[1])]
        seen.append((second * SECOND, spread_bps))
        insort(ordered, spread_bps)

    @property
    def due(self) -> int:
        """ns from which on the next spread is a sample."""
        return (self._second + 1) * SECOND

    @property
    def samples(self) -> int:
        """Spreads in the window."""
        return len(self._sorted)

    @property
    def median(self) -> float | None:
        """Median spread in bps; None before the first sample."""
        ordered, n = self._sorted, len(self._sorted)
        if not n:
            return None
        return ordered[n // 2] if n % 2 else 0.5 * (ordered[n // 2 - 1] + ordered[n // 2])

    def ref(self, default: float) -> float:
        """The spread to judge a spread by: the median once 300 are sampled, `default` (bps) before."""
        median = self.median
        return default if median is None or len(self._sorted) < ENOUGH else median
