"""What a venue has against an order whatever its book says: steps, minimums, kinds it does not know."""

from __future__ import annotations

from desk.instrument import Instrument
from desk.intents import Place
from desk.risk.rules import takes_orders


def fault(place: Place, instrument: Instrument | None) -> str:
    """The reason to reject this order, with its numbers; "" when there is none."""
    if instrument is None:
        return f"unknown instrument {place.inst}"
    if place.tif not in ("ioc", "gtc"):
        return f'time in force "{place.tif}" is neither "ioc" nor "gtc"'
    if place.post_only and place.tif == "ioc":
        return "an IOC order cannot be post-only"
    for px in (place.px, place.trigger) if place.trigger else (place.px,):
        if px <= 0 or px % instrument.tick:
            return f"price {instrument.px_text(px)} is not a multiple of {instrument.px_text(instrument.tick)}"
    if place.trigger and place.tif != "ioc":
        return "a stop order becomes an IOC order at its collar: its time in force must be ioc"
    if (place.px - place.trigger) * place.side < 0 and place.trigger:
        return (
            f"the collar {instrument.px_text(place.px)} lies before its trigger {instrument.px_text(place.trigger)}: "
            "the order could not trade when it is triggered"
        )
    if place.qty <= 0 or place.qty % instrument.lot:
        return f"quantity {instrument.qty_text(place.qty)} is not a multiple of {instrument.qty_text(instrument.lot)}"
    if place.qty < instrument.qty_min:
        return f"quantity {instrument.qty_text(place.qty)} is below {instrument.qty_text(instrument.qty_min)}"
    cost = instrument.notional(place.px, place.qty)
    if cost < instrument.cost_min:
        return f"cost {cost.normalize():f} is below {instrument.cost_min}"
    if not takes_orders(instrument.status, place.post_only):
        return f"{instrument.symbol} is {instrument.status}"
    return ""
