"""Prove a recording of Bitstamp's single orders by the exchange's own snapshots in it.

    <ms> order_created {"price": "236.47", "amount": "2.00000000", "id": 65595247, "order_type": 0, …}
    <ms> order_changed …   <ms> order_deleted …   <ms> trade …
    <ms> order_book {"bids": [["236.47", "1.78855669"], …], "asks": […]}       the exchange's best 20, every 3.5 s

The recording begins without a book, so orders from before it are missing in the first hour. A snapshot is right when
best bid and ask agree in price and quantity. One that does not, but agrees with the book as it was before the last
event, was taken while that event was on its way: it is counted apart, with the time between the two lines. The fast
path is given each event as a frame of Kraken's.
"""

from __future__ import annotations

import gzip
import itertools
import zlib
from pathlib import Path
from typing import Any

import msgspec

from desk.errors import FeedError
from desk.instrument import Instrument
from desk.messages import OrderEvent, OrdersUpdate, Side
from desk.run.twin import Twin, in_words, paths
from desk.wire.kraken_venue import orders as orders_frame

KINDS = {"order_created": "add", "order_changed": "modify", "order_deleted": "delete"}
OTHERS = ("order_book", "trade")
INST = Instrument("BTC/USD", "bitstamp", 2, 8)
WHOLE = 1 << 30  # levels
HOUR = 3_600_000
Touch = tuple[tuple[int, int], tuple[int, int]]


class Order(msgspec.Struct, gc=False):
    """An order line's JSON, or a snapshot's."""

    id: int = 0
    price: str | float = ""
    amount: str | float = ""
    order_type: int = 0
    bids: tuple[tuple[str, str], ...] = ()
    asks: tuple[tuple[str, str], ...] = ()


_order = msgspec.json.Decoder(Order).decode


def is_order_log(path: Path) -> bool:
    """Whether the first line is one of these."""
    try:
        with gzip.open(path, "rt") as file:
            words = file.readline(4096).split(" ", 2)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError):
        return False
    return len(words) == 3 and words[0].isdigit() and words[1] in (*KINDS, *OTHERS)


def verify_orders(path: Path) -> dict[str, Any]:
    """What the recording proves, as plain data.

    By hour: `snapshots`, those that are `right`, and those `between` (see above). `misses` names every snapshot after
    the first hour that is not right, 0-based line first. Raises FeedError for a file that cannot be read.
    """
    twin = Twin("level3", WHOLE)
    hours: list[dict[str, int]] = []
    misses: list[dict[str, Any]] = []
    first = line = events = changed = 0
    before = now = None
    try:
        with gzip.open(path, "rt") as file:
            for line, text in enumerate(file):
                stamp, kind, body = text.split(" ", 2)
                ts = int(stamp)
                first = first or ts
                said = _order(body)
                if kind in KINDS:
                    events += 1
                    update = _update(kind, said, ts)
                    twin.apply(update, INST, orders_frame(INST, update))
                    if not twin.book.one_sided:
                        before, now, changed = now, _touch(twin), ts
                elif kind == "order_book":
                    hour = (ts - first) // HOUR
                    hours += [{"snapshots": 0, "right": 0, "between": 0} for _ in range(hour + 1 - len(hours))]
                    theirs = _levels(said.bids[0]), _levels(said.asks[0])
                    right, between = now == theirs, now != theirs and before == theirs
                    hours[hour]["snapshots"] += 1
                    hours[hour]["right"] += right
                    hours[hour]["between"] += between
                    if hour and not right:
                        misses.append({"line": line, "between": between, "ms_after_the_event": ts - changed})
    except (OSError, EOFError, zlib.error, ValueError, msgspec.MsgspecError) as err:
        raise FeedError(f"{path}, line {line + 1}: not a log of Bitstamp's orders, or damaged ({err})") from None
    return {"file": path.name, "venue": "bitstamp", "events": events, "hours": hours, "misses": misses,
            "problem": "", "paths": paths([twin])}  # fmt: skip


def _update(kind: str, said: Order, ts: int) -> OrdersUpdate:
    """One order event; a number as id becomes one of Kraken's form."""
    digits = f"{said.id:016d}"
    order_id = f"O{digits[:5]}-{digits[5:10]}-{digits[10:]}"
    event = OrderEvent(KINDS[kind], order_id, INST.ticks(str(said.price)), INST.lots(str(said.amount)), ts * 1_000_000)
    bids, asks = ((), (event,)) if said.order_type else ((event,), ())
    return OrdersUpdate(INST.key, bids, asks, snapshot=False, checksum=0, ts_exch=ts * 1_000_000)


def _touch(twin: Twin) -> Touch:
    (bid,), (ask,) = (twin.book.levels(side, 1) for side in Side)
    return bid[:2], ask[:2]


def _levels(row: tuple[str, str]) -> tuple[int, int]:
    return INST.ticks(row[0]), INST.lots(row[1])


def describe(result: dict[str, Any]) -> str:
    """The same for a person."""
    lines = [f"{result['file']} ({result['venue']}): {result['events']:,} order events"]
    for hour, each in zip(itertools.count(), result["hours"]):
        lines.append(
            f"  hour {hour}: best bid and ask right in {each['right']:,} of {each['snapshots']:,} of the exchange's "
            f"snapshots, {each['between']} taken before the last event"
        )
    lines += [
        f"  line {miss['line']}: taken {miss['ms_after_the_event']} ms after an event it does not hold yet"
        if miss["between"]
        else f"  line {miss['line']}: differs"
        for miss in result["misses"]
    ]
    return "\n".join([*lines, f"  {in_words(result['paths'])}"])
