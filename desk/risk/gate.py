"""The only door to a venue: each rule looks at the wish, the first that is broken is the answer."""

from __future__ import annotations

from math import isfinite

import msgspec

from desk.intents import Place
from desk.risk.account import Account
from desk.risk.rules import ALWAYS_RULES, ENTRY_RULES, Limits, Market

UNKNOWN = -1.0
"""Stands for a number that could not be computed (no price, no equity): the wish is refused, NaN stays inside."""


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """The rule that said no, our number and its limit; −1 for a number that is unknown."""

    rule: str
    value: float
    limit: float


def judge(place: Place, account: Account, limits: Limits, now: int, market: Market, reduces: bool) -> Refusal | None:
    """None to approve, or the first rule that refuses. Changes nothing.

    A wish that only `reduces` a position is refused only when no venue could take it (below the minimum, off the
    grid): a limit must never keep us in a trade.
    """
    for rule in ALWAYS_RULES if reduces else ALWAYS_RULES + ENTRY_RULES:
        if broken := rule(place, account, limits, now, market):
            value, limit = (float(x) if isfinite(x) else UNKNOWN for x in broken)
            return Refusal(rule.__name__, value, limit)
    return None
