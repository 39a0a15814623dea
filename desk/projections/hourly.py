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
    """Sums over trades of one quote currency. `slippage` is of the `slipped` trades where it is known."""

    n: int = 0
    wins: int = 0
    losses: int = 0
    gross: Decimal = ZERO
    fees: Decimal = ZERO
    net: Decimal = ZERO
    entered: Decimal = ZERO
    slippage: Decimal = ZERO
    slipped: int = 0
    won: Decimal = ZERO
    lost: Decimal = ZERO

    def add(self, trade: ClosedTrade, slippage: Decimal | None) -> None:
        """Count one more closed trade."""
        add = EXACT.add
        self.n += 1
        self.gross, self.fees, self.net = (
            add(self.gross, trade.gross),
            add(self.fees, trade.fees),
            add(self.net, trade.net),
        )
        self.entered = add(self.entered, trade.entry_value)
        if trade.net > 0:
            self.wins += 1
            self.won = add(self.won, trade.net)
        elif trade.net < 0:
            self.losses += 1
            self.lost = add(self.lost, trade.net)
        if slippage is not None:
            self.slipped += 1
            self.slippage = add(self.slippage, slippage)

    @property
    def payoff(self) -> float | None:
        """Mean win / mean loss; None without both."""
        if not self.wins or not self.losses:
            return None
        return float(self.won / self.wins) / float(-self.lost / self.losses)


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
