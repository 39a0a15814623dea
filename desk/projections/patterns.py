"""What closed trades teach, as facts: how each kind of trade turned out, net of cost.

A trade is counted under its instrument and side, under its hour of entry (UTC) and under what ended it. Numbers are
per trade: mean net result in basis points of what was entered, and the shares behind it. n comes with every fact;
whether it suffices is for desk.research.metrics to say.
"""

from __future__ import annotations

import msgspec

from desk.knowledge import Fact
from desk.messages import Side
from desk.portfolio.position import ClosedTrade

HOUR_NS = 3_600_000_000_000
RELATION = "HAD_OUTCOME"


class _Tally(msgspec.Struct):
    n: int = 0
    wins: int = 0
    net_bps: float = 0.0
    fee_bps: float = 0.0
    held_s: float = 0.0
    ts: int = 0


class Patterns:
    """`apply` closed trades, `result` gives the facts. Kinds are few: instrument × side × (24 hours + reasons + 1)."""

    def __init__(self, source: str = "paper") -> None:
        self._source = source
        self._kinds: dict[tuple[str, str], _Tally] = {}

    def apply(self, trade: ClosedTrade) -> None:
        who = f"{trade.inst} {'long' if trade.side == Side.BUY else 'short'}"
        hour = trade.opened // HOUR_NS % 24
        for kind in ("closed trades", f"entered {hour:02d} UTC", f"ended by {trade.reason or 'unnamed order'}"):
            tally = self._kinds.setdefault((who, kind), _Tally())
            tally.n += 1
            tally.wins += trade.net > 0
            tally.net_bps += trade.net_bps
            tally.fee_bps += float(trade.fees / trade.entry_value) * 1e4
            tally.held_s += (trade.closed - trade.opened) / 1e9
            tally.ts = max(tally.ts, trade.closed)

    def result(self) -> list[Fact]:
        """One fact per kind of trade, sorted; the same trades give the same facts."""
        return [
            Fact(who, RELATION, kind, t.ts, t.n, _numbers(t), self._source)
            for (who, kind), t in sorted(self._kinds.items(), key=lambda item: item[0])
        ]


def _numbers(t: _Tally) -> dict[str, float]:
    return {
        "win_share": t.wins / t.n,
        "net_bps": t.net_bps / t.n,
        "fee_bps": t.fee_bps / t.n,
        "held_s": t.held_s / t.n,
    }
