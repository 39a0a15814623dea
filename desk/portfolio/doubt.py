"""What is odd about our orders, in words for a person, and the questions to the venue that follow from it."""

from __future__ import annotations

from collections.abc import Iterator

from desk.events import Fill
from desk.intents import Enquire, Tell
from desk.portfolio.orders import DEADLINE, GRACE, SECOND, Order, Orders


def doubt(orders: Orders, order_id: str, why: str, cause: int) -> Iterator[Tell]:
    """An order's fate is unproven from here; said once."""
    if orders.doubt(order_id, why) is not None:
        text = f"order {order_id}: OUTCOME UNKNOWN ({why}); it stays reserved until the venue proves its fate"
        yield Tell("alarm", "ORDER_UNKNOWN", text, cause)


def enquire(orders: Orders, now: int, cause: int) -> Iterator[Tell | Enquire]:
    """Doubt what has had no answer for too long, and ask for what is in doubt."""
    for order in orders.overdue(now):
        yield from doubt(orders, order.order_id, f"no answer for {(DEADLINE + GRACE) // SECOND} s", cause)
    for order in orders.to_ask(now):
        yield Enquire(order.order_id, cause)


def oddity(order: Order | None, fill: Fill, cause: int) -> Tell | None:
    """What a fill, already counted, tells besides itself. An alarm means: no new risk until a person has looked."""
    if order is None:
        text = f"fill {fill.fill_id} is of order {fill.order_id}, which is none of ours: no entries until re-armed"
        return Tell("alarm", "EXTERNAL_ORDER", text, cause)
    if order.filled > order.place.qty:
        text = f"order {order.order_id} of {order.place.qty} lots was filled {order.filled}: no entries until re-armed"
        return Tell("alarm", "VENUE_MISMATCH", text, cause)
    if order.over:
        return Tell("warn", "LATE_FILL", f"order {order.order_id} was {order.state}: {fill.qty} lots more", cause)
    return None
