"""How large: the risk limit decides, alignment and bias turn the size inside it, lots are exact."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from desk.instrument import Instrument
from desk.signals.alignment import LARGEST_FACTOR

LEAST_RISK, MOST_RISK = 0.001, 0.005  # fraction of equity a scalp may lose at its stop


class Size(NamedTuple):
    """`lots` to trade, or 0 and `why` not; `at_risk`: quote lost at the stop, costs included; `limit`: what may be."""

    lots: int
    why: str
    at_risk: Decimal
    limit: Decimal


def scalp_size(
    instrument: Instrument,
    equity: Decimal,
    risk_fraction: float,
    entry: int,
    stop: int,
    cost_bps: float,
    factor: float,
    bias_factor: float = 1.0,
    max_notional: Decimal | None = None,
) -> Size:
    """floor_lot(min(base·factor·bias, cap)): `cap` is the most that risk and notional allow, `base` = cap/1.5.

    A lot risks |entry−stop| plus its round-trip cost; cap = min(equity·risk_fraction / that, max_notional / entry). So
    the strongest alignment (×1.5) uses the whole limit, the ordinary case two thirds, and no factor breaks it.
    `entry`, `stop` in ticks. Codes of a 0: NO_EQUITY, VETOED, BELOW_MIN_QTY, BELOW_MIN_NOTIONAL. Raises ValueError
    when the risk is outside 0.1–0.5 % or the stop is at the entry.

    >>> btc = Instrument("BTC/USD", "kraken", px_decimals=1, qty_decimals=8)
    >>> scalp_size(btc, Decimal(10_000), 0.005, 1_000_000, 999_000, 0.0, 1.5)
    Size(lots=50000000, why='', at_risk=Decimal('50.0000000000'), limit=Decimal('50.000'))
    >>> scalp_size(btc, Decimal(10_000), 0.005, 1_000_000, 999_000, 0.0, 1.0).lots
    33333333
    """
    if not LEAST_RISK <= risk_fraction <= MOST_RISK:
        raise ValueError(f"risk per trade {risk_fraction} is outside {LEAST_RISK}..{MOST_RISK} of the equity")
    if entry == stop or entry <= 0:
        raise ValueError(f"{instrument.symbol}: entry {entry} and stop {stop} leave no risk to size by")
    limit = equity * _exact(risk_fraction)
    none = Decimal(0)
    if limit <= 0:
        return Size(0, "NO_EQUITY", none, limit)
    turn = min(_exact(factor) * _exact(bias_factor), _exact(LARGEST_FACTOR))
    if turn <= 0:
        return Size(0, "VETOED", none, limit)
    unit = Decimal(1).scaleb(-(instrument.px_decimals + instrument.qty_decimals))  # quote per tick and lot
    loss = (abs(entry - stop) + entry * _exact(cost_bps) / 10_000) * unit
    if loss <= 0:  # a rebate above the stop distance: only the notional limits
        loss = unit
    cap = limit / loss
    if max_notional is not None:
        cap = min(cap, max_notional / (entry * unit))
    lots = int(min(cap / _exact(LARGEST_FACTOR) * turn, cap))
    lots -= lots % instrument.lot
    if lots <= 0 or lots < instrument.qty_min:
        return Size(0, "BELOW_MIN_QTY", none, limit)
    if instrument.notional(entry, lots) < instrument.cost_min:
        return Size(0, "BELOW_MIN_NOTIONAL", none, limit)
    return Size(lots, "", loss * lots, limit)


def _exact(x: float) -> Decimal:
    return Decimal(repr(x))
