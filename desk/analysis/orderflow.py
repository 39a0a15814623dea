"""Order flow of a tape: delta, cumulative delta, and the footprint of the newest buckets.

Volumes are summed as integer lots and told in base units. The aggressor is the venue's word: a buy lifted the ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from desk.analysis.findings import Cell, FlowBar, OrderFlow
from desk.analysis.profile import nice_step
from desk.analysis.shape import MINUTE
from desk.instrument import Instrument
from desk.market.tape import TradeTape
from desk.messages import Side, Trade

CELLS = 40  # at most, over the price range of all trades
SHOWN = 12  # buckets whose footprint is kept
IMBALANCE = 3  # times the opposite, diagonally


class _Bucket:
    """The sums of one bucket, in lots, by price cell."""

    __slots__ = ("begin", "buys", "delta", "high", "low", "sells", "trades")

    def __init__(self, begin: int) -> None:
        self.begin = begin
        self.buys: dict[int, int] = {}
        self.sells: dict[int, int] = {}
        self.trades = self.delta = self.low = self.high = 0

    def add(self, trade: Trade, cell: int) -> None:
        side = self.buys if trade.side is Side.BUY else self.sells
        side[cell] = side.get(cell, 0) + trade.qty
        self.trades += 1
        self.delta += trade.qty if trade.side is Side.BUY else -trade.qty
        self.low, self.high = min(self.low, self.delta), max(self.high, self.delta)

    @property
    def cells(self) -> list[int]:
        return sorted(self.buys.keys() | self.sells.keys())

    def volume(self, cell: int) -> int:
        return self.buys.get(cell, 0) + self.sells.get(cell, 0)


def once(trades: Iterable[Trade], inst: str) -> tuple[list[Trade], int]:
    """(the trades in the venue's order of time, each once; how many were printed again)."""
    tape, kept, repeated = TradeTape(inst), [], 0
    for trade in trades:
        if tape.apply(trade):
            kept.append(trade)
        else:
            repeated += 1
    return sorted(kept, key=lambda t: t.ts_exch), repeated  # stable: equal times stay in their order of arrival


def order_flow(trades: Sequence[Trade], instrument: Instrument, bucket_ns: int = 5 * MINUTE) -> OrderFlow | None:
    """What the tape of one instrument says in buckets of the venue's time; None without trades.

    A footprint cell is 1, 2 or 5 × 10^k ticks high, at most 40 over the whole range.
    """
    tape, repeated = once(trades, instrument.key)
    if not tape:
        return None
    low, high = min(t.px for t in tape), max(t.px for t in tape)
    step = max(1, round(nice_step(high - low, CELLS))) if high > low else 1
    buckets: list[_Bucket] = []
    for trade in tape:
        begin = trade.ts_exch - trade.ts_exch % bucket_ns
        if not buckets or buckets[-1].begin != begin:
            buckets.append(_Bucket(begin))
        buckets[-1].add(trade, trade.px // step)
    bars = []
    running = bought = 0
    for bucket in buckets:
        running += bucket.delta
        buy = sum(bucket.buys.values())
        bought += buy
        fullest = max(bucket.cells, key=lambda c: (bucket.volume(c), -c))
        bars.append(
            FlowBar(
                begin=bucket.begin,
                trades=bucket.trades,
                buy=instrument.quantity(buy),
                sell=instrument.quantity(buy - bucket.delta),
                delta=instrument.quantity(bucket.delta),
                low=instrument.quantity(bucket.low),
                high=instrument.quantity(bucket.high),
                cvd=instrument.quantity(running),
                poc=_middle(fullest, step, instrument),
            )
        )
    volume = 2 * bought - running
    return OrderFlow(
        begin=tape[0].ts_exch,
        end=tape[-1].ts_exch,
        trades=len(tape),
        duplicates=repeated,
        buy=instrument.quantity(bought),
        sell=instrument.quantity(bought - running),
        delta=instrument.quantity(running),
        imbalance=running / volume if volume else 0.0,
        step=instrument.price(step),
        bucket_ns=bucket_ns,
        bars=tuple(bars),
        footprint=tuple(cell for bucket in buckets[-SHOWN:] for cell in footprint(bucket, step, instrument)),
    )


def _middle(cell: int, step: int, instrument: Instrument) -> float:
    return instrument.price(cell * step + (step - 1) / 2)


def footprint(bucket: _Bucket, step: int, instrument: Instrument) -> list[Cell]:
    """The cells of one bucket, lowest first, with their diagonal imbalances (see Cell)."""
    out = []
    for cell in bucket.cells:
        buy, sell = bucket.buys.get(cell, 0), bucket.sells.get(cell, 0)
        below, above = bucket.sells.get(cell - 1, 0), bucket.buys.get(cell + 1, 0)
        word = ""
        if below and buy >= IMBALANCE * below:
            word = "buy"
        elif above and sell >= IMBALANCE * above:
            word = "sell"
        price = _middle(cell, step, instrument)
        out.append(Cell(bucket.begin, price, instrument.quantity(sell), instrument.quantity(buy), word))
    return out
