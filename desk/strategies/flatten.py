"""Out of everything: what the kill switch sends when a person asked to be flat."""

from __future__ import annotations

from collections.abc import Iterator

from desk.intents import Place
from desk.messages import Side
from desk.signals.watch import Watch
from desk.strategies.exits import exit_limit
from desk.strategies.seat import Seat

COLLAR_BPS = 20  # how much worse than the touch a flattening order may trade; what is left is tried again
FLATTEN = "flatten"


def flatten(seat: Seat, watch: Watch) -> Iterator[Place]:
    """An IOC for each position of a seat that has no exit working and whose book can be believed.

    Dust below the venue's minimum stays: no venue would take it. A book that is not ready is asked again at the next
    beat; a price nobody can prove is no price to leave at.
    """
    for inst, held in seat.held.items():
        market = watch.markets.get(inst)
        instrument = watch.instruments.get(inst)
        if not held or market is None or instrument is None or not market.ready:
            continue
        side = Side.SELL if held > 0 else Side.BUY
        qty = abs(held) - abs(held) % instrument.lot
        if qty < max(instrument.qty_min, 1) or seat.leaving(inst, side):
            continue
        tick = instrument.tick
        collar = max(1, market.touch(side) * COLLAR_BPS // 10_000 // tick) * tick
        limit = exit_limit(Side(-side), market.bid, market.ask, collar)
        yield Place(inst, side, qty, limit, "ioc", reason=FLATTEN, because={"held": float(held)})
