"""A record of trades as it may be shown: results with their intervals and costs, never a win rate alone.

Money is exact and in each quote currency of its own; rates, ratios and basis points carry n and a 95 % interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec
import numpy as np

from desk.portfolio.fees import EXACT
from desk.projections.hourly import Tally, kinds
from desk.projections.performance import MARKOUT_S, FillRecord, Performance, TradeRecord
from desk.research.metrics import Expectancy, Interval, expectancy, mean_interval
from desk.research.signal_health import BPS, rate_alarm

ZERO = Decimal(0)


class Group(msgspec.Struct, frozen=True):
    """Trades under one heading. `expectancy` in bps of what was entered, net of fees; `sums` in the quote currency."""

    what: str
    which: str
    quote: str
    sums: Tally
    expectancy: Expectancy | None


class FillGroup(msgspec.Struct, frozen=True):
    """Fills of one role. In bps of their value, per fill: slippage against the mid decided on, takers' slippage beyond
    the touch, and markouts by seconds after the fill (None where nothing was known)."""

    role: str
    n: int
    slippage_bps: Interval | None
    beyond_bps: Interval | None
    markout_bps: dict[str, Interval | None]


class Row(msgspec.Struct, frozen=True):
    """One closed trade. Money in the quote currency; `markout` by seconds, summed over its fills, None if one is
    missing."""

    trade_id: str
    inst: str
    side: str
    opened: int
    closed: int
    exit: str
    entry_value: Decimal
    gross: Decimal
    fees: Decimal
    net: Decimal
    net_bps: float
    slippage: Decimal | None
    markout: dict[str, Decimal | None]


class TrackRecord(msgspec.Struct, frozen=True):
    """`totals`: a group for each quote currency; `groups`: by symbol, hour and exit; `trades`: one by one."""

    totals: tuple[Group, ...]
    groups: tuple[Group, ...]
    fills: tuple[FillGroup, ...]
    trades: tuple[Row, ...]
    times: dict[str, dict[str, float | None]]
    alarms: tuple[str, ...]


def track_record(performance: Performance, seed: int = 1) -> TrackRecord:
    """The whole record; intervals are bootstrapped, the same seed gives the same ones."""
    by_heading: dict[tuple[str, str, str], list[TradeRecord]] = {}
    for record in performance.trades:
        for what, which in (("all", "all"), *kinds(record.trade)):
            by_heading.setdefault((what, which, record.trade.quote), []).append(record)
    made = [_group(*heading, records, seed) for heading, records in sorted(by_heading.items(), key=lambda kv: kv[0])]
    totals = tuple(group for group in made if group.what == "all")
    return TrackRecord(
        totals=totals,
        groups=tuple(group for group in made if group.what != "all"),
        fills=_fills(performance, seed),
        trades=tuple(_row(record) for record in performance.trades),
        times=performance.times,
        alarms=tuple(
            alarm
            for group in totals
            if group.expectancy and (alarm := rate_alarm(f"trades in {group.quote}", group.expectancy.win_rate))
        ),
    )


def _group(what: str, which: str, quote: str, records: Sequence[TradeRecord], seed: int) -> Group:
    sums = Tally()
    for record in records:
        sums.add(record.trade, record.slippage)
    found = expectancy(np.array([record.trade.net_bps for record in records]), seed)
    return Group(what, which, quote, sums, found)


def _fills(performance: Performance, seed: int) -> tuple[FillGroup, ...]:
    records = [fill for record in performance.trades for fill in record.fills] + list(performance.open_fills)
    roles = {
        "making": [r for r in records if r.fill.maker],
        "taking": [r for r in records if not r.fill.maker],
        "entry": [r for r in records if r.reason == "entry"],
        "exit": [r for r in records if r.reason != "entry"],
    }
    return tuple(
        FillGroup(
            role,
            len(found),
            _mean_bps(((r.slippage, r) for r in found), seed),
            _mean_bps(((r.beyond, r) for r in found), seed),
            {f"{s} s": _mean_bps(((r.markout(i), r) for r in found), seed) for i, s in enumerate(MARKOUT_S)},
        )
        for role, found in roles.items()
        if found
    )


def _mean_bps(amounts: Iterable[tuple[Decimal | None, FillRecord]], seed: int) -> Interval | None:
    values = [float(amount / record.value) * BPS for amount, record in amounts if amount is not None]
    return mean_interval(np.array(values), seed) if values else None


def _row(record: TradeRecord) -> Row:
    trade = record.trade
    return Row(
        trade_id=trade.trade_id,
        inst=trade.inst,
        side="long" if trade.side > 0 else "short",
        opened=trade.opened,
        closed=trade.closed,
        exit=trade.reason or "unnamed order",
        entry_value=trade.entry_value,
        gross=trade.gross,
        fees=trade.fees,
        net=trade.net,
        net_bps=trade.net_bps,
        slippage=record.slippage,
        markout={f"{s} s": _sum(fill.markout(i) for fill in record.fills) for i, s in enumerate(MARKOUT_S)},
    )


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    total = ZERO
    for amount in amounts:
        if amount is None:
            return None
        total = EXACT.add(total, amount)
    return total
