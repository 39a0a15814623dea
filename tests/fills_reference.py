"""One market and one list of orders for two fill models: this project's paper venue and hftbacktest.

The market is a slice of a recorded Binance USD-M stream: depth updates and trades in the order of the venue's time
(`T`), each event a nanosecond after the one before where they share a millisecond. A row that repeats what its level
showed is left out: a book's reader cannot see it, while hftbacktest's probability models take it for a change.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from desk.instrument import Instrument
from desk.market.l2 import L2Book
from desk.messages import BookUpdate, Side, Trade
from desk.sim.queue import Levels, Orders

MS = 1_000_000
ENTRY, RESPONSE = 3 * MS + 500_001, 2 * MS  # no order arrives in the nanosecond of a market event
BTC = Instrument("BTC/USDT", "binance", px_decimals=1, qty_decimals=3)


class Row(NamedTuple):
    """A level's new quantity; `snapshot` rows open the slice."""

    ts: int
    side: Side
    px: int
    qty: int
    snapshot: bool


class Action(NamedTuple):
    """Something the trader does: `kind` is "rest" (post-only), "ioc" or "cancel"."""

    ts: int
    kind: str
    order_id: int
    side: Side
    px: int
    qty: int


class Traded(NamedTuple):
    """A fill at the venue's time; `left` lots of the order remain."""

    order_id: int
    ts: int
    px: int
    qty: int
    left: int


Event = list[Row] | Trade


class Books:
    """desk.sim.fills.BookAccess over one plain book."""

    def __init__(self) -> None:
        self.book = L2Book(depth=100_000)
        self.now = 0

    def levels(self, inst: str, side: Side, depth: int) -> Levels:
        return self.book.levels(side, depth)

    def queue(self, inst: str, side: Side, px: int) -> Orders | None:
        return None

    def stamp(self, inst: str) -> int:
        return self.now

    def ready(self, inst: str) -> bool:
        return True

    def instrument(self, inst: str) -> Instrument | None:
        return BTC

    def apply(self, rows: list[Row]) -> None:
        bids, asks = (tuple((r.px, r.qty) for r in rows if r.side is side) for side in (Side.BUY, Side.SELL))
        self.book.apply(BookUpdate(BTC.key, bids, asks, snapshot=rows[0].snapshot))
        self.now = rows[0].ts


def market(path: Path, seconds: float) -> list[Event]:
    """The first `seconds` after the snapshot of a recorded stream."""
    events: list[Event] = []
    quantities: dict[tuple[Side, int], int] = {}
    last = begin = end = joined = 0
    with gzip.open(path, "rt") as lines:
        raw = [json.loads(line.split(" ", 1)[1]) for line in lines]
    start = next(i for i, message in enumerate(raw) if "lastUpdateId" in message)
    for message in [raw[start], *sorted((m["data"] for m in raw if "data" in m), key=lambda m: m["T"])]:
        kind = message.get("e", "snapshot")
        if kind == "bookTicker" or (kind == "trade" and message["X"] != "MARKET"):
            continue
        snapshot = kind == "snapshot"
        if snapshot:
            joined, begin = message["lastUpdateId"], message["T"]
            end = begin + int(seconds * 1000)
        elif message["T"] > end:
            break
        elif message["T"] < begin or (kind == "depthUpdate" and message["u"] < joined):
            continue
        ts = last = max(message["T"] * MS, last + 1)
        if kind == "trade":
            side = Side.SELL if message["m"] else Side.BUY
            px, qty = BTC.ticks(_cut(message["p"], 1)), BTC.lots(_cut(message["q"], 3))
            events.append(Trade(BTC.key, px, qty, side, 0, ts))
            continue
        rows = []
        for side, name in ((Side.BUY, "bids" if snapshot else "b"), (Side.SELL, "asks" if snapshot else "a")):
            for px_text, qty_text in message[name]:
                px, qty = BTC.ticks(_cut(px_text, 1)), BTC.lots(_cut(qty_text, 3))
                if quantities.get((side, px), 0) != qty:
                    quantities[side, px] = qty
                    rows.append(Row(ts, side, px, qty, snapshot))
        if rows:
            events.append(rows)
    return events


def _cut(number: str, decimals: int) -> str:
    """The venue writes more zeros than the instrument has decimals."""
    whole, _, rest = number.partition(".")
    return f"{whole}.{rest[:decimals]}" if rest else whole


def resting(events: list[Event], seed: int) -> list[Action]:
    """Seeded post-only orders near the touch, 0.2 s apart on average, cancelled after 0.3 to 5 s.

    No two of them rest at one price and side together: there the models differ on purpose (desk.sim.fills).
    """
    dice, number = random.Random(seed), 0
    actions: list[Action] = []
    until: dict[tuple[Side, int], int] = {}
    for now, touch in _moments(events, dice, 0.2):
        side = dice.choice((Side.BUY, Side.SELL))
        px = touch[side] - side * dice.choice((0, 0, 0, 1, 2, 5))
        if until.get((side, px), 0) < now - 20 * MS:
            number += 1
            until[side, px] = now + dice.randint(300, 5_000) * MS
            actions.append(Action(now, "rest", number, side, px, dice.randint(1, 4_000)))
            actions.append(Action(until[side, px], "cancel", number, side, px, 0))
    return sorted(actions)


def taking(events: list[Event], seed: int) -> list[Action]:
    """Seeded IOC orders through up to 20 ticks of the other side, 0.5 s apart on average."""
    dice = random.Random(seed)
    actions: list[Action] = []
    for now, touch in _moments(events, dice, 0.5):
        side = dice.choice((Side.BUY, Side.SELL))
        px = touch[Side(-side)] + side * dice.randint(0, 20)
        actions.append(Action(now, "ioc", len(actions) + 1, side, px, dice.randint(1, 20_000)))
    return actions


def _moments(events: list[Event], dice: random.Random, mean_s: float) -> Iterator[tuple[int, dict[Side, int]]]:
    """Random moments and the touch of each."""
    books, now = Books(), 0
    last = events[-1]
    end = (last.ts_exch if isinstance(last, Trade) else last[0].ts) - 50 * MS  # answers come while the market lasts
    for event in events:
        ts = event.ts_exch if isinstance(event, Trade) else event[0].ts
        now = now or ts + 500 * MS
        while now < min(ts, end):
            yield now, {Side.BUY: books.book.bid, Side.SELL: books.book.ask}
            now += int(dice.expovariate(1 / mean_s) * 1000) * MS + MS
        if not isinstance(event, Trade):
            books.apply(event)


def event_array(events: list[Event], dtype: np.dtype, flags: dict[str, int]) -> np.ndarray:
    """The market in hftbacktest's own format: every event known locally 1 ms after it happened at the venue."""
    rows = []
    for event in events:
        if isinstance(event, Trade):
            ts, kind, said = event.ts_exch, flags["TRADE"], [(event.side, event.px, event.qty)]
        else:
            ts, kind = event[0].ts, flags["SNAPSHOT" if event[0].snapshot else "DEPTH"]
            said = [(row.side, row.px, row.qty) for row in event]
        for side, px, qty in said:
            what = kind | flags["BOTH"] | flags["BUY" if side is Side.BUY else "SELL"]
            rows.append((what, ts, ts + MS, px / 10, qty / 1000, 0, 0, 0.0))
    return np.array(rows, dtype)
