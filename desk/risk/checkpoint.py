"""The state of a desk as one value: to prove that a replay came to the same, and to go on from after a crash."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import msgspec

from desk.handover import Handover, PlannedExit
from desk.market.state import Market
from desk.portfolio.orders import Orders, working
from desk.portfolio.portfolio import Portfolio
from desk.risk.account import Account, Purse

_encoder = msgspec.msgpack.Encoder(order="deterministic")


def handover(portfolio: Portfolio, account: Account, orders: Orders, exits: Iterable[PlannedExit]) -> Handover:
    """What is held, owed and out there now."""
    return Handover(
        starts=dict(portfolio.starts),
        cash=portfolio.cash,
        positions=tuple(portfolio.positions()),
        last=portfolio.last_prices,
        seats=tuple((seat, inst, lots) for (seat, inst), lots in account.held.items() if lots),
        exits=tuple(exits),
        orders=tuple(working(order) for order in orders.live),
        purses={quote: (p.day_start, p.peak, p.equity, p.realised) for quote, p in account.purses.items()},
        day=account.day,
        streak=account.streak,
        cooldown_until=account.cooldown_until,
        halted=account.halted,
        halted_why=account.halted_why,
        fills=portfolio.fills,
        trades=portfolio.trades,
    )


def state_hash(now: Handover, killed: str, markets: Iterable[Market]) -> str:
    """blake2b of the handover, the kill and every book (its checksum of ten levels a side, or why it has none).

    Numbers go in as msgpack has them: integers and text exactly, the breakers' floats by their bits.
    """
    books = [(m.inst, m.book.bid, m.book.ask, m.book.checksum) if m.ready else (m.inst, m.why) for m in markets]
    return blake2b(_encoder.encode((now, killed, books)), digest_size=16).hexdigest()


def restore(
    earlier: Handover, portfolio: Portfolio, account: Account, orders: Orders, now: int, seats: int = 1
) -> None:
    """Go on from an earlier session: its money, positions and losses are ours, its live orders are in doubt.

    What belonged to a seat that is not among our `seats` is the first one's. A day that has passed since begins anew in
    the breakers' count (`account.new_day`).
    """
    portfolio.restore(earlier)
    for order in earlier.orders:
        seat = order.seat if order.seat < seats else 0
        taken = orders.take_over(msgspec.structs.replace(order, seat=seat), now)
        if not taken.left:
            continue
        account.submitted(taken.order_id, msgspec.structs.replace(taken.place, qty=taken.left), now, taken.seat)
        portfolio.reserve(taken.order_id, taken.place)
    account.positions.update(earlier.held)
    for number, inst, lots in earlier.seats:
        whose = (number if number < seats else 0, inst)
        account.held[whose] = account.held.get(whose, 0) + lots
    for inst, px in earlier.last.items():
        account.marked(inst, px)
    account.purses.update({quote: Purse(*counts) for quote, counts in earlier.purses.items()})
    account.day, account.streak, account.cooldown_until = earlier.day, earlier.streak, earlier.cooldown_until
    if earlier.halted:
        account.halt(earlier.halted, earlier.halted_why)
