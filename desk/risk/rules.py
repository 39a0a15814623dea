"""One function per limit: it looks at a wish and returns None, or the number that broke which limit.

Written `if not (value <= limit)`, because NaN is neither above nor below anything: what cannot be compared is refused.
A rule has no memory and changes nothing. Its name is the code a person sees: RISK_ORDER_SIZE.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import msgspec

from desk.config import Risk
from desk.instrument import Instrument
from desk.intents import Place
from desk.messages import Side
from desk.risk.account import Account, Purse

SECOND = 1_000_000_000
CLOCK = 2 * SECOND  # beyond it the venue's time and ours cannot be compared, and no one signs anything


class Limits(msgspec.Struct, frozen=True):
    """The limits in force. `_pct` are percent of the day's starting equity of the account in question."""

    max_order: float
    trade_risk_pct: float
    max_position_pct: float
    max_strategy_pct: float
    max_gross_pct: float
    orders_per_s: int
    orders_per_min: int
    daily_loss_pct: float
    max_drawdown_pct: float
    max_losses: int
    cooldown_ns: int
    stale_ns: int
    clock_ns: int = CLOCK


class Market(msgspec.Struct, frozen=True, gc=False):
    """What the rules need to know now; `mid` in ticks, anything while the book is not ready; `free` cash unreserved.

    `clock_ns`: the farthest the venue's clock may be from ours, None until measured.
    """

    instrument: Instrument
    ready: bool
    age_ns: int
    mid: float
    clock_ns: int | None
    free: float = inf
    seat: int = 0


Broken = tuple[float, float] | None
Rule = Callable[[Place, Account, Limits, int, Market], Broken]


def limits(risk: Risk, stale_s: float = 10.0) -> Limits:
    """The limits of a configuration; `stale_s` is hft_signals.stale_s, the age at which a book is not evidence."""
    return Limits(
        max_order=risk.max_order_quote,
        trade_risk_pct=risk.max_trade_risk_pct,
        max_position_pct=risk.max_position_pct,
        max_strategy_pct=risk.max_strategy_pct,
        max_gross_pct=risk.max_gross_pct,
        orders_per_s=risk.orders_per_s,
        orders_per_min=risk.orders_per_min,
        daily_loss_pct=risk.daily_loss_pct,
        max_drawdown_pct=risk.max_drawdown_pct,
        max_losses=risk.max_consecutive_losses,
        cooldown_ns=round(risk.cooldown_s * SECOND),
        stale_ns=round(stale_s * SECOND),
    )


# --- what makes an order impossible: asked of exits too


def min_size(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """At least the instrument's minimum quantity (lots) and minimum cost (quote currency, at the order's price)."""
    least = max(m.instrument.qty_min, 1)
    if p.qty < least:
        return p.qty, least
    cost = m.instrument.notional(p.px, p.qty)
    return None if cost >= m.instrument.cost_min else (float(cost), float(m.instrument.cost_min))


def off_grid(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """Price and quantity are multiples of the venue's steps: (what is left over, 0); a price is above 0."""
    if p.px <= 0:
        return p.px, 0
    over = p.px % m.instrument.tick or p.qty % m.instrument.lot
    return (over, 0) if over else None


# --- what keeps us from new risk


def killed(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """Nobody pulled the kill switch, or a person re-armed it."""
    return (1, 0) if a.killed else None


def halted(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """No breaker is open (account.halted_why says which and why), and the journal can be written."""
    return (1, 0) if a.halted or a.unrecorded else None


def consecutive_losses(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """Fewer losing trades in a row than the limit; the cool-down of desk.risk.breakers starts the count again."""
    return None if a.streak < lim.max_losses else (a.streak, lim.max_losses)


def cooling_down(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """Seconds left of a cool-down: it lasts its whole time, also when a trade that was still open has won since."""
    return None if now >= a.cooldown_until else ((a.cooldown_until - now) / SECOND, 0)


def not_trading(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """The instrument takes orders of this kind: (0, 1) when its status says no."""
    return None if takes_orders(m.instrument.status, p.post_only) else (0, 1)


def book_not_ready(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """The book is synced, proven, two-sided and uncrossed: (0, 1) when it is not."""
    return None if m.ready else (0, 1)


def stale_book(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """Age of the last proof that the book is current, in seconds. From the future is as bad as old."""
    return None if 0 <= m.age_ns <= lim.stale_ns else (m.age_ns / SECOND, lim.stale_ns / SECOND)


def clock(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """Seconds that the venue's clock may be from ours at most, offset and uncertainty; unmeasured is refused."""
    error = float("nan") if m.clock_ns is None else m.clock_ns
    return None if error <= lim.clock_ns else (error / SECOND, lim.clock_ns / SECOND)


def order_size(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """Value of the order at its price or the mid, whichever is dearer, in the quote currency."""
    price = max(m.mid, p.px)  # in this order a NaN mid stays NaN; max(px, NaN) would be px
    value = p.qty * price / 10.0 ** (m.instrument.px_decimals + m.instrument.qty_decimals)
    return None if value <= lim.max_order else (value, lim.max_order)


def trade_risk(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """What is lost when the trade leaves at its stop, before costs; an order without a stop has no such number."""
    if not p.stop:
        return None
    lost = abs(p.px - p.stop) * p.qty / 10.0 ** (m.instrument.px_decimals + m.instrument.qty_decimals)
    limit = _share(a, m, lim.trade_risk_pct)
    return None if lost <= limit else (lost, limit)


def funds(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """A buy is paid from cash that no other order has reserved (paper accounts may sell short, so sells are not)."""
    if p.side is not Side.BUY:
        return None
    cost = p.qty * p.px / 10.0 ** (m.instrument.px_decimals + m.instrument.qty_decimals)
    return None if cost <= m.free else (cost, m.free)


def strategy(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """The gross exposure of the strategy that asks, over all its instruments."""
    value = a.gross(m.instrument.quote, m.mid, p, m.seat)
    limit = _share(a, m, lim.max_strategy_pct)
    return None if value <= limit else (value, limit)


def position(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """Value of the instrument's position if every working order and this one fill against us."""
    value, limit = a.worst(p.inst, m.mid, p), _share(a, m, lim.max_position_pct)
    return None if value <= limit else (value, limit)


def gross(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """The same summed over all instruments of the account."""
    value, limit = a.gross(m.instrument.quote, m.mid, p), _share(a, m, lim.max_gross_pct)
    return None if value <= limit else (value, limit)


def order_rate(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """Orders in the last second and the last minute, this one included."""
    for span, limit in ((SECOND, lim.orders_per_s), (60 * SECOND, lim.orders_per_min)):
        count = a.orders_since(now - span) + 1
        if count > limit:
            return count, limit
    return None


def loss_today(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """Percent lost since the day began; see `loss_pct`."""
    value = loss_pct(a.purse(m.instrument.quote))
    return None if value <= lim.daily_loss_pct else (value, lim.daily_loss_pct)


def drawdown(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """Percent below the highest equity so far."""
    value = drawdown_pct(a.purse(m.instrument.quote))
    return None if value <= lim.max_drawdown_pct else (value, lim.max_drawdown_pct)


def self_cross(p: Place, a: Account, lim: Limits, now: int, m: Market) -> Broken:
    """Our own bids and asks do not meet: (this price, the price of our working order it would trade with)."""
    own = a.crossed_by(p)
    return (p.px, own.px) if own is not None else None


ALWAYS_RULES: tuple[Rule, ...] = (min_size, off_grid)
ENTRY_RULES: tuple[Rule, ...] = (
    killed,
    halted,
    consecutive_losses,
    cooling_down,
    not_trading,
    book_not_ready,
    stale_book,
    clock,
    order_size,
    trade_risk,
    funds,
    position,
    strategy,
    gross,
    order_rate,
    loss_today,
    drawdown,
    self_cross,
)


# --- numbers shared with the breakers


def takes_orders(status: str, post_only: bool) -> bool:
    """Whether a venue's instrument status lets a new order in.

    >>> takes_orders("online", False), takes_orders("post_only", False), takes_orders("cancel_only", True)
    (True, False, False)
    """
    return status in ("online", "limit_only") or (status == "post_only" and post_only)


def loss_pct(purse: Purse | None) -> float:
    """Percent lost since the day's start: of equity, or of closed trades if that is worse. NaN when unknown."""
    if purse is None or not purse.day_start > 0:
        return float("nan")
    loss = purse.day_start - purse.equity
    loss = max(loss, -purse.realised)  # in this order a NaN loss stays NaN
    return 100.0 * loss / purse.day_start


def drawdown_pct(purse: Purse | None) -> float:
    """Percent below the peak. NaN when unknown."""
    if purse is None or not purse.peak > 0:
        return float("nan")
    return 100.0 * (purse.peak - purse.equity) / purse.peak


def _share(a: Account, m: Market, pct: float) -> float:
    purse = a.purse(m.instrument.quote)
    return purse.day_start * pct / 100.0 if purse is not None else float("nan")
