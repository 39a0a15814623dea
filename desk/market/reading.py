"""Order flow, tape and spread of one instrument as a strategy or a person reads them: read-only, at one moment.

Everything is kept O(1) per event where it happens (flow.py, tape.py, spread.py) and looked at here when asked.
"""

from __future__ import annotations

from desk.market.flow import orders_within
from desk.market.state import Market
from desk.messages import Side

TAPE_WINDOW = 60_000_000_000


class MarketReading:
    """What `market` shows at `now` ns; prices in ticks, quantities in lots, None where it cannot be known."""

    __slots__ = ("_market", "_now")

    def __init__(self, market: Market, now: int) -> None:
        self._market, self._now = market, now

    # --- the touch and the levels behind it

    def touch_flow(self, window: int) -> int | None:
        """Order-flow imbalance at the best quotes over the last `window` ns (at most 30 s), lots."""
        return self._market.flow.sum(window, self._now)

    @property
    def touch_flow_z(self) -> float | None:
        """The 10 s sum against its own last ten minutes, in standard deviations."""
        return self._market.flow.zscore(self._now)

    @property
    def level_flow(self) -> tuple[float, ...] | None:
        """Order-flow imbalance of the best levels over 10 s, best first, in mean levels.

        Kept only for instruments that some strategy named in `levels`; None for others.
        """
        levels = self._market.levels
        return None if levels is None else levels.normalised(self._now)

    def orders_within(self, side: Side, ticks: int) -> tuple[int, int] | None:
        """(orders, lots) at most `ticks` from that side's best price; orders are 0 on tiers that do not count them."""
        return orders_within(self._market.book, side, ticks) if self._market.ready else None

    # --- the tape: times are the venue's

    @property
    def delta(self) -> int:
        """Lots bought minus lots sold by aggressors since the tape began."""
        return self._market.tape.delta

    def tape_imbalance(self, window: int = TAPE_WINDOW) -> float | None:
        """(V_buy − V_sell) / (V_buy + V_sell) of the last `window` ns (at most 60 s), in [−1, 1]."""
        return self._market.tape.imbalance(window, self._venue_now)

    @property
    def vwap(self) -> int | None:
        """The session's average price cut to whole ticks, as Kraken publishes it."""
        return self._market.tape.vwap_cut

    @property
    def _venue_now(self) -> int:
        reading = self._market.time.reading
        return self._now + reading.offset_ns if reading is not None else self._now

    # --- the spread

    @property
    def spread_mean(self) -> float | None:
        """Ticks, weighted by the time each spread stood, over the last minute."""
        return self._market.spread.mean(self._now)

    @property
    def spread_max(self) -> int | None:
        """The widest of that minute, ticks."""
        return self._market.spread.max(self._now)
