"""Tick to decision: `Engine.step` with everything the scalping mode runs, a clock around every call (0.1 µs)."""

from __future__ import annotations

import time
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from benchmarks.contenders import Contender, Given, Result, Work
from benchmarks.contenders.measure import load, spent
from benchmarks.stream import START, minutes

if TYPE_CHECKING:  # the peers' environment has nothing of what these need
    from desk.events import Event
    from desk.intents import Effect

SYMBOL, INST = "BTC/USD", "BTC/USD@kraken"


def engine(*, trades: bool) -> Contender:
    """Every frame of the stream, from the first update on, a millisecond apart, at fees that no trade pays. `trades`:
    at the times that the frames bear, free of fees, at a venue that fills every order at its limit at once.

    In it: book proven, features, score, flow, tape, bars, indicators warmed up on the 720 minutes before the stream,
    the scalper's gates, declines and exits, what is held at its newest value, risk. Not in it: socket, journal, paper
    venue, console, the first snapshots. Four times a second of the events' time the desk beats, as in a run: between
    frames, so a figure of its own; what the venue answers is none.
    """

    def prepare(given: Given) -> Work:
        return _work(given, trades)

    return prepare


def _stamps(frames: list[bytes]) -> list[int]:
    """The newest time that each frame and those before it bear, ns."""
    now, found = START, []
    for raw in frames:
        at = raw.rfind(b'"timestamp":"')
        if at > 0:
            stamp = datetime.fromisoformat(raw[at + 13 : raw.index(b'"', at + 13)].decode())
            now = max(now, int(stamp.timestamp()) * 1_000_000_000 + stamp.microsecond * 1_000)
        found.append(now)
    return found


def answers(effects: list[Effect], now: int) -> list[Event]:
    """Of a venue that fills everything at its limit."""
    from desk.events import Accepted, Ended, Fill
    from desk.intents import CancelOrder, Submit

    told: list[Event] = []
    for effect in effects:
        if isinstance(effect, Submit):
            place, name = effect.place, effect.order_id
            fill = Fill(now, f"f{name}", name, place.inst, place.side, place.px, place.qty, Decimal(0), False)
            told += [Accepted(now, name), fill, Ended(now, name, "filled")]
        elif isinstance(effect, CancelOrder):
            told.append(Ended(now, effect.order_id, "cancelled"))
    return told


def _work(given: Given, trades: bool) -> Work:
    import msgspec

    from deploy_trading_systems import build
    from desk.config import Config
    from desk.events import Answer, Frame, LinkUp, Start, Timer
    from desk.io.config_file import canonical
    from desk.messages import LinkSpec, Subscription
    from desk.run.loop import BEAT
    from desk.run.modes import with_symbols

    data = load(given)
    first = [raw for raw in data[:4] if b'"type":"snapshot"' in raw[:60]]
    channels = [raw.split(b'"', 4)[3].decode() for raw in first]
    wanted = tuple(Subscription(c, SYMBOL, 0 if c == "trade" else given["depth"]) for c in channels)
    plain = msgspec.to_builtins(with_symbols(Config(), (SYMBOL,)))
    if trades:
        plain["fees"] |= {"maker_bps": 0.0, "taker_bps": 0.0}
    config = canonical(msgspec.convert(plain, Config))
    start = Start(1, "scalping", "bench", "kraken", (SYMBOL,), config, "", 1, "bench", (LinkSpec("public", wanted),))
    count = len(data) - len(first)
    after = data[len(first) :]
    times = _stamps(after) if trades else [START + 1_000_000 * i for i in range(1, count + 1)]
    events: list[Event] = [Frame(ts, 0, raw) for ts, raw in zip(times, after, strict=True)]
    events += [Timer(ts, "beat") for ts in range(START + BEAT, events[-1].ts, BEAT)]
    events.sort(key=lambda event: (event.ts, type(event) is Frame))  # what is due happens first
    opening = [start, LinkUp(START, 0), *(Frame(START, 0, raw) for raw in first)]
    opening.append(Answer(START, "OHLC", SYMBOL, minutes(SYMBOL)))
    clock = time.perf_counter_ns

    def work() -> Result:
        desk = build(start).engine
        for event in opening:
            desk.step(event)
        took: list[int] = []
        beats: list[int] = []
        apart = decided = held = 0

        def go() -> None:
            nonlocal apart, decided, held
            for event in events:
                began = clock()
                effects = desk.step(event)
                ended = clock()
                (took if type(event) is Frame else beats).append(ended - began)
                decided += len(effects)
                if not trades:
                    continue
                for answer in answers(effects, event.ts):
                    desk.step(answer)
                held += type(event) is Frame and desk.portfolio.holds(INST)
                apart += clock() - ended

        result = spent(go, count)
        result["us"] -= (sum(beats) + apart) / 1000 / count
        took.sort()
        at: Result = {
            name: took[int(q * (len(took) - 1))] / 1000 for name, q in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))
        }
        (track,) = desk.watch.markets[INST].tracks.values()
        at |= {"frames/s": 1e6 / result["us"], "answers": decided, "beat µs": sum(beats) / len(beats) / 1000}
        if trades:
            at |= {"orders": desk.life.sent_out, "held %": 100 * held / count}
        return {**result, **at, "proven": track.crc_ok, "wrong": track.crc_bad, "final": track.book.checksum}

    return work
