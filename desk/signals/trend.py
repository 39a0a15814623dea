"""What the slow system's bias does to a fast signal: nothing, half the size, or a veto."""

from __future__ import annotations

from typing import NamedTuple

from desk.events import TrendBias
from desk.messages import Side

BLOCKS_AT = -60.0
HALVES_AT = -20.0


class BiasEffect(NamedTuple):
    """`factor` on the size, 0 when it `blocks`; `why` in words for the signal's reasons."""

    factor: float
    blocks: bool
    needs_strong: bool
    why: str


NONE = BiasEffect(1.0, False, False, "no bias: no effect")


def bias_effect(side: Side, bias: TrendBias | None, now: int) -> BiasEffect:
    """The effect of `bias` on a signal of `side` at `now` (ns). With b = side · score:

    b ≤ −60 blocks; −60 < b ≤ −20 halves the size and asks for STRONG_ALIGNMENT; above, and once expired, no effect.

    >>> morning = TrendBias(0, "BTC/USD", 45.0, 100, "BULLISH", 1.0)
    >>> bias_effect(Side.SELL, morning, 50).factor, bias_effect(Side.BUY, morning, 50).factor
    (0.5, 1.0)
    >>> bias_effect(Side.SELL, morning, 100).why
    'bias +45 BULLISH expired: no effect'
    """
    if bias is None:
        return NONE
    said = f"bias {bias.score:+.0f} {bias.label}"
    if now >= bias.expires:
        return BiasEffect(1.0, False, False, f"{said} expired: no effect")
    along = side * bias.score
    if along <= BLOCKS_AT:
        return BiasEffect(0.0, True, False, f"{said} blocks this side")
    if along <= HALVES_AT:
        return BiasEffect(0.5, False, True, f"{said} leans against: half size, strong alignment only")
    return BiasEffect(1.0, False, False, f"{said} does not object")
