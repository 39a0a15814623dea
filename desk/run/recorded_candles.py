"""Candles from the prints of a recording: only those that are proven whole.

Venues number their trades one by one. A candle is whole when the numbers of its trades follow each other and the
trades just before and just after it are in the recording too; any other is left out, as a gap. So neither a lost
connection nor the recording's ends make a candle that the market did not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from desk.analysis.resample import MONDAY
from desk.analysis.shape import FRAMES, Frame, frame
from desk.errors import DecodeError, FeedError
from desk.instrument import Instrument
from desk.io.frames import RecordedFrame
from desk.messages import Instruments, Trades
from desk.run.captures import frames_of
from desk.wire.recording import FRAMES as SUFFIX
from desk.wire.recording import MANIFEST
from desk.wire.venues import wire_of


class Print(NamedTuple):
    """A trade as the candles need it: ns by the venue's clock, price, exact quantity."""

    ts: int
    px: float
    qty: Decimal


def is_recording(path: Path) -> bool:
    """Whether frames are there, rather than candles."""
    return any(path.rglob(f"*{SUFFIX}")) if path.is_dir() else path.name.endswith(SUFFIX)


def recorded_prints(path: Path, venue: str, symbols: tuple[str, ...]) -> dict[str, dict[int, Print]]:
    """Every numbered trade of a recording: symbol → number → print. Raises FeedError where two have one number."""
    codec = wire_of(venue).codec(symbols)
    instruments: dict[str, Instrument] = {}
    out: dict[str, dict[int, Print]] = {}
    for data in _received(frames_of(path)):
        try:
            messages = codec.decode(data)
        except DecodeError:
            continue  # what it held shows as a hole in the numbers
        for message in messages:
            if isinstance(message, Instruments):
                instruments |= {i.key: i for i in message.instruments}
            elif isinstance(message, Trades):
                for t in message.trades:
                    inst = instruments[t.inst]
                    if not t.trade_id:
                        raise FeedError(f"{path}: {venue} does not number its trades; whether one is lost is unknown")
                    held = out.setdefault(inst.symbol, {})
                    new = Print(t.ts_exch, inst.price(t.px), Decimal(inst.qty_text(t.qty)))
                    if held.setdefault(t.trade_id, new) != new:
                        raise FeedError(
                            f"{path}: two trades of {inst.symbol} have the number {t.trade_id}: "
                            "recordings of different markets; name one of them"
                        )
    return out


def _received(frames: Iterable[RecordedFrame]) -> Iterable[bytes]:
    return (f.data for f in frames if f.direction == "<")


def whole_candles(place: str, prints: Mapping[int, Print], interval: int) -> Frame:
    """The candles of `interval` ns that the numbered prints prove whole; minutes without a trade are absent."""
    phase = MONDAY if interval == FRAMES["1w"] else 0
    buckets: dict[int, list[int]] = {}
    for number in sorted(prints):
        buckets.setdefault((prints[number].ts - phase) // interval, []).append(number)
    rows = []
    for bucket in sorted(buckets):
        numbers = buckets[bucket]
        first, last = numbers[0], numbers[-1]
        if last - first + 1 != len(numbers) or first - 1 not in prints or last + 1 not in prints:
            continue
        px = [prints[n].px for n in numbers]
        volume = float(sum((prints[n].qty for n in numbers), Decimal(0)))
        rows.append((bucket * interval + phase, px[0], max(px), min(px), px[-1], volume))
    table = np.array(rows, dtype=[("ts", "i8"), *((c, "f8") for c in ("open", "high", "low", "close", "volume"))])
    return frame(place, interval, {c: table[c] for c in table.dtype.names or ()})


def venue_of(path: Path) -> tuple[str, tuple[str, ...]]:
    """(venue, symbols) of a recording of ours, by the manifests in it or else by its folder's name.

    Raises FeedError where neither tells, or where there are several venues.
    """
    manifests = (
        list(path.rglob(f"*{MANIFEST}"))
        if path.is_dir()
        else [path.with_name(path.name.removesuffix(SUFFIX) + MANIFEST)]
    )
    venues, symbols = set(), set()
    for file in manifests:
        if file.exists():
            said = msgspec.json.decode(file.read_bytes())
            venues.add(str(said["venue"]))
            symbols |= set(said["symbols"])
    if not venues:
        venues = {part for part in path.absolute().parts if part in ("kraken", "embedded", "binance", "coinbase")}
    if len(venues) != 1:
        found = f"of {', '.join(sorted(venues))}" if venues else "that does not say of which venue"
        raise FeedError(f"{path}: a recording {found}; name one venue's folder, or add --venue")
    return venues.pop(), tuple(sorted(symbols))
