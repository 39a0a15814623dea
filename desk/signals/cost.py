"""What a round trip costs and how often it must win to pay for itself. Fees decide most scalps."""

from __future__ import annotations

from desk.portfolio.fees import paying_rate


def round_trip_bps(maker_bps: float, taker_bps: float, spread_bps: float, entry_maker: bool, exit_maker: bool) -> float:
    """Cost of entering and leaving in bps of the price: both fees, and half the spread for each taking leg.

    >>> round_trip_bps(25, 40, 0.4, False, False), round_trip_bps(25, 40, 0.4, True, False)
    (80.4, 65.2)
    """
    entry = maker_bps if entry_maker else taker_bps + 0.5 * spread_bps
    leave = maker_bps if exit_maker else taker_bps + 0.5 * spread_bps
    return entry + leave


def break_even_win_rate(win: float, loss: float, cost: float) -> float:
    """p* = (L+c)/(W+L): the share of trades that must win for nothing to be lost. Above 1 no win rate is enough.

    `win`, `loss`, `cost` in one unit (bps or percent), W + L > 0. Below 0 only when a rebate exceeds the loss.

    >>> break_even_win_rate(20.0, 10.0, 0.0), round(break_even_win_rate(0.20, 0.10, 0.652), 2)
    (0.3333333333333333, 2.51)
    """
    if not (win >= 0.0 and loss >= 0.0 and win + loss > 0.0):
        raise ValueError(f"win and loss must not be negative and not both 0, got {win} and {loss}")
    return paying_rate(win, loss, cost)


def net_per_trade(win_rate: float, win: float, loss: float, cost: float) -> float:
    """Expected result of one trade, in the unit of its arguments: p·W − (1−p)·L − c.

    >>> round(net_per_trade(0.75, 0.20, 0.10, 0.804), 3)
    -0.679
    """
    return win_rate * win - (1.0 - win_rate) * loss - cost


def smallest_paying_target(win_rate: float, reward_to_risk: float, cost: float) -> float | None:
    """The smallest W that breaks even at this win rate when L = W / reward_to_risk; None when none can.

    >>> round(smallest_paying_target(0.55, 2.0, 0.804), 2), smallest_paying_target(0.3, 2.0, 0.804)
    (2.47, None)
    """
    edge = win_rate - (1.0 - win_rate) / reward_to_risk
    return cost / edge if edge > 0.0 else None
