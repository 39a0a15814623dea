"""Variants tried: every rule that was ever looked at, because the best of many looks good by luck alone."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from desk.research.sharpe import variance_of
from desk.research.skill import Luck


class Trial(msgspec.Struct, frozen=True):
    """One rule on one symbol: its daily Sharpe ratio over `days` days when it was first tried, at `ts` (ns).

    Before costs: what a rule pays is no luck, and would make the ratios differ more than luck does.
    """

    ts: int
    symbol: str
    variant: str
    sharpe: float
    days: int


def luck(tried: Iterable[Trial], now: Iterable[Trial], symbol: str, symbols: int) -> Luck:
    """How many variants an answer about `symbol` must be discounted for, and the variance of their Sharpe ratios.

    All distinct variants ever tried on it, each counted once for every one of `symbols` watched: whoever looks at ten
    markets and takes the best has tried ten times as much. A variant tried again counts once, with its newest ratio.

    >>> old = [Trial(1, "BTC/USDT", "a", 0.1, 300), Trial(1, "BTC/USDT", "b", 0.0, 300)]
    >>> luck(old, [Trial(2, "BTC/USDT", "a", 0.2, 301)], "BTC/USDT", symbols=3)
    Luck(trials=6, variance=0.020000000000000004)
    """
    ratios = {t.variant: t.sharpe for t in (*tried, *now) if t.symbol == symbol}
    return Luck(max(1, len(ratios) * symbols), variance_of(list(ratios.values())))


def fresh(tried: Iterable[Trial], now: Iterable[Trial]) -> list[Trial]:
    """Those of `now` that no earlier line holds: what the ledger must still learn."""
    seen = {(t.symbol, t.variant) for t in tried}
    return [t for t in now if (t.symbol, t.variant) not in seen]
