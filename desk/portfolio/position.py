"""One position at average cost, in integers: what a fill does to it, and the trade that is over when it is flat again.

Everything is counted in ticks·lots ("units": 10**-(px_decimals + qty_decimals) of the quote currency). When part of a
position closes, its share of the cost is rounded to a whole unit and the rest stays in the position, so realised plus
unrealised is exact whatever the rounding; at flat the rounding is zero.
"""

from __future__ import annotations

from decimal import Context, Decimal
from functools import cache

import msgspec

from desk.events import Fill
from desk.handover import Position as Position
from desk.messages import Side
from desk.portfolio.fees import EXACT, FEE_STEP, money

_AVERAGE = Context(prec=28)


class ClosedTrade(msgspec.Struct, frozen=True):
    """A position from flat to flat. `side` BUY was long; `qty` lots; money in the quote currency, exact.

    `entry`, `exit`: average prices, to 28 digits. net = gross − fees. `reason` is the last order's.
    `trade_id` counts closed trades ("t1", "t2", …).
    """

    trade_id: str
    inst: str
    side: Side
    qty: int
    entry: Decimal
    exit: Decimal
    entry_value: Decimal
    exit_value: Decimal
    gross: Decimal
    fees: Decimal
    net: Decimal
    opened: int
    closed: int
    reason: str = ""

    @property
    def quote(self) -> str:
        return quote_of(self.inst)

    @property
    def net_bps(self) -> float:
        """Net result in basis points of what was entered."""
        return float(self.net / self.entry_value) * 1e4


def after(position: Position, fill: Fill, reason: str, trade_id: str) -> tuple[Position, ClosedTrade | None]:
    """The position after a fill, and the trade it closed, if it did.

    A fill larger than the position closes it and opens the other side; its fee is shared by quantity (the closing
    share rounded to 1e-8 or the fee's own last digit, the rest stays with the new trade: nothing is lost).
    """
    held = position.qty
    if held * fill.side >= 0:
        return _grown(position, fill, fill.qty, fill.fee), None
    closing = min(abs(held), fill.qty)
    rest = fill.qty - closing
    fee = _share(fill.fee, closing, fill.qty) if rest else fill.fee
    shrunk = _shrunk(position, fill, closing, fee)
    if shrunk.qty:
        return shrunk, None
    closed = _closed(shrunk, Side.BUY if held > 0 else Side.SELL, fill.ts, reason, trade_id)
    flat = msgspec.structs.replace(
        shrunk, opened=0, trade_in=0, trade_in_units=0, trade_out_units=0, trade_fees=Decimal(0)
    )
    return (_grown(flat, fill, rest, EXACT.subtract(fill.fee, fee)) if rest else flat), closed


def _grown(p: Position, fill: Fill, qty: int, fee: Decimal) -> Position:
    units = fill.px * qty
    return msgspec.structs.replace(
        p,
        qty=p.qty + fill.side * qty,
        cost=p.cost + fill.side * units,
        opened=p.opened if p.qty else fill.ts,
        trade_in=p.trade_in + qty,
        trade_in_units=p.trade_in_units + units,
        **_totals(p, fill.side, qty, units, fee),
    )


def _shrunk(p: Position, fill: Fill, qty: int, fee: Decimal) -> Position:
    units = fill.px * qty
    # the closed share of the cost, to the nearest unit; exact when everything closes
    cost = _nearest(p.cost * qty, abs(p.qty))
    gain = -fill.side * units - cost  # long: proceeds − cost; short: −(paid) − (negative cost)
    return msgspec.structs.replace(
        p,
        qty=p.qty + fill.side * qty,
        cost=p.cost - cost,
        realised=EXACT.add(p.realised, money(gain, p.decimals)),
        trade_out_units=p.trade_out_units + units,
        **_totals(p, fill.side, qty, units, fee),
    )


def _totals(p: Position, side: int, qty: int, units: int, fee: Decimal) -> dict[str, int | Decimal]:
    fees = {"fees": EXACT.add(p.fees, fee), "trade_fees": EXACT.add(p.trade_fees, fee)}
    if side > 0:
        return {"bought": p.bought + qty, "bought_units": p.bought_units + units, **fees}
    return {"sold": p.sold + qty, "sold_units": p.sold_units + units, **fees}


def _closed(p: Position, side: Side, ts: int, reason: str, trade_id: str) -> ClosedTrade:
    gross = money(side * (p.trade_out_units - p.trade_in_units), p.decimals)
    return ClosedTrade(
        trade_id=trade_id,
        inst=p.inst,
        side=side,
        qty=p.trade_in,
        entry=_AVERAGE.divide(money(p.trade_in_units, p.px_decimals), Decimal(p.trade_in)),
        exit=_AVERAGE.divide(money(p.trade_out_units, p.px_decimals), Decimal(p.trade_in)),
        entry_value=money(p.trade_in_units, p.decimals),
        exit_value=money(p.trade_out_units, p.decimals),
        gross=gross,
        fees=p.trade_fees,
        net=EXACT.subtract(gross, p.trade_fees),
        opened=p.opened,
        closed=ts,
        reason=reason,
    )


def _nearest(numerator: int, denominator: int) -> int:
    """numerator / denominator to the nearest integer, halves up; denominator above 0."""
    return (2 * numerator + denominator) // (2 * denominator)


def _share(fee: Decimal, part: int, whole: int) -> Decimal:
    """fee · part / whole, with no more digits after the point than the fee has, or 8."""
    exponent = fee.as_tuple().exponent
    step = min(Decimal(1).scaleb(exponent), FEE_STEP) if isinstance(exponent, int) else FEE_STEP
    return EXACT.divide(EXACT.multiply(fee, Decimal(part)), Decimal(whole)).quantize(step, context=EXACT)


@cache
def quote_of(inst: str) -> str:
    """The currency an instrument is paid in.

    >>> quote_of("BTC/USDT@kraken")
    'USDT'
    """
    return inst.rpartition("@")[0].partition("/")[2]
