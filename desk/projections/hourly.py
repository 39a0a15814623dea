"""Closed trades added up: by hour of entry (UTC), by instrument, by what ended them. Money exact."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from desk.portfolio.fees import EXACT
from desk.portfolio.position import ClosedTrade
from desk.projections.patterns import HOUR_NS

ZERO = Decimal(0)


class Tally(msgspec.Struct):
    """Sums over trades of one quote currency. `slippage` is of the `slipped` trades where it is known.

    `won_bps`, `lost_bps`: net results in bps of what each trade entered.
    """

    n: int = 0
    wins: int = 0
    losses: int = 0
    gross: Decimal = ZERO
    fees: Decimal = ZERO
    net: Decimal = ZERO
    slippage: Decimal = ZERO
    slipped: int = 0
    won_bps: float = 0.0
    lost_bps: float = 0.0

    def add(self, trade: ClosedTrade, slippage: Decimal | None) -> None:
        """Count one more closed trade."""
        add = EXACT.add
        self.n += 1
        self.gross, self.fees, self.net = (
            add(self.gross, trade.gross),
            add(self.fees, trade.fees),
            add(self.net, trade.net),
        )
        if trade.net > 0:
            self.wins += 1
            self.won_bps += trade.net_bps
        elif trade.net < 0:
            self.losses += 1
            self.lost_bps += trade.net_bps
        if slippage is not None:
            self.slipped += 1
            self.slippage = add(self.slippage, slippage)

    @property
    def payoff(self) -> float | None:
        """Mean win / mean loss, of bps; None without both."""
        if not self.wins or not self.losses:
            return None
        return self.won_bps / self.wins / (-self.lost_bps / self.losses)

    @property
    def net_bps(self) -> float:
        """Mean net result of a trade, bps of what it entered; 0 without one."""
        return (self.won_bps + self.lost_bps) / self.n if self.n else 0.0


def kinds(trade: ClosedTrade) -> Iterable[tuple[str, str]]:
    """Under which headings a trade is counted: (what, which).

    >>> from desk.messages import Side
    >>> d = Decimal(1)
    >>> t = ClosedTrade("t1", "BTC/USD@kraken", Side.BUY, 1, d, d, d, d, d, d, d, 9 * HOUR_NS + 5, 10 * HOUR_NS, "stop")
    >>> list(kinds(t))
    [('symbol', 'BTC/USD@kraken'), ('hour', '09 UTC'), ('exit', 'stop')]
    """
    yield "symbol", trade.inst
    yield "hour", f"{trade.opened // HOUR_NS % 24:02d} UTC"
    yield "exit", trade.reason or "unnamed order"
