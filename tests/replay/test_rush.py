"""Frames that came in one read and are settled together, beside the same frames taken one by one."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path

import msgspec
import pytest

from deploy_trading_systems import build
from desk.config import Config
from desk.events import Answer, Event, Frame, LinkDown, LinkUp, Start
from desk.intents import Resync
from desk.io.config_file import canonical
from desk.io.journal import JournalWriter
from desk.messages import LinkSpec, Subscription
from desk.run.loop import Loop
from desk.run.modes import with_symbols
from desk.signals.score_log import ScoreLog
from desk.sim.market import SimMarket
from desk.sim.publish import Publisher
from desk.wire import kraken_venue_rest as rest
from desk.wire.kraken_venue import Topic

START = 1_795_132_800_000_000_000
SYMBOLS = ("BTC/USD", "ETH/USD")
EAGER = {"min_technical": 3.0, "max_break_even": 0.99, "cooldown_s": 1.0, "hold_s": 60.0, "conflict_wait_s": 0.5}


def reads(channels: tuple[str, ...], count: int, seed: int) -> list[list[Event]]:
    """Frames as reads bring them, one to thirty at one moment, and what comes between them."""
    market, dice = SimMarket(seed, START, symbols=SYMBOLS), random.Random(seed)
    source = Publisher(market, {symbol: market.instruments[symbol] for symbol in SYMBOLS})
    depth = {"book": 10, "level3": 10}
    topics = [Topic("instrument", "", 0), *(Topic(c, s, depth.get(c, 0)) for c in channels for s in SYMBOLS)]
    opening = [Frame(START, 0, source.open(topic, START)) for topic in topics]
    made: list[list[Event]] = [[LinkUp(START, 0)], opening]  # snapshots in one read too
    for symbol in SYMBOLS:
        rows = source.candles(symbol, 1, START, 720)
        raw = rest.result({rest.pair_key(symbol): rest.ohlc(market.instruments[symbol], rows), "last": 0})
        made.append([Answer(START, "OHLC", symbol, raw)])
    waiting: list[bytes] = []
    frames = 0
    while frames < count:
        now = market.next_at
        waiting += [data for _, data in source.advance(now)]
        if dice.random() < 0.1:
            waiting.append(b'{"channel":"heartbeat"}')
        if dice.random() < 0.004 and waiting:
            del waiting[dice.randrange(len(waiting))]  # lost on the way: a checksum will tell
            waiting += [source.open(topic, now) for topic in topics[1:] if topic.channel != "trade"]
        if dice.random() < 0.3 and waiting:
            made.append([Frame(now, 0, data) for data in waiting])
            frames += len(waiting)
            waiting = []
        if dice.random() < 0.001:
            made += [[LinkDown(now, 0, "closed")], [LinkUp(now, 0)]]
            made.append([Frame(now, 0, source.open(topic, now)) for topic in topics[1:]])
    return made


class Desk:
    """A whole desk without sockets, its journal in `folder`."""

    def __init__(self, folder: Path, channels: tuple[str, ...], config: Config) -> None:
        wanted = tuple(Subscription(c, s, 0 if c == "trade" else 10) for c in channels for s in SYMBOLS)
        links = (LinkSpec("public", wanted),)
        start = Start(START, "scalping", "test", "kraken", SYMBOLS, canonical(config), "", 1, "test", links)
        parts = build(start)
        self.engine, self.journal = parts.engine, JournalWriter(folder)
        self.scores = ScoreLog()
        self.resyncs: list[Resync] = []
        self.loop = Loop(parts.engine, parts.venue, parts.gate, self.journal, self.resyncs.append, moved=self.moved)
        self.loop.arrive(start, 0)

    def moved(self, inst: str) -> None:
        self.scores.apply(self.engine.watch.live[inst])

    def closed(self) -> bytes:
        self.journal.close({})
        return (self.journal.folder / "journal.bin").read_bytes()


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize(
    ("channels", "latency"),
    [
        (("book", "trade"), "configured"),
        (("level3", "trade"), "measured"),
        (("level3", "book", "trade", "ticker"), "measured"),
    ],
)
def test_frames_of_one_read_lead_to_the_same_journal_byte_for_byte(channels, latency, eager, tmp_path):
    """Every answer, order and fill, in the same order and with the same numbers. A desk that trades looks at each
    frame; one that only says no leaves most of them to the kernels.
    """
    plain = msgspec.to_builtins(with_symbols(Config(), SYMBOLS))
    if eager:
        plain["scalping_engine"] |= EAGER
        plain["fees"] |= {"maker_bps": 0.0, "taker_bps": 0.5}
    plain["paper"] |= {"latency": latency}
    config = msgspec.convert(plain, Config)
    one, many = (Desk(tmp_path / name, channels, config) for name in ("one", "many"))
    settled = frames = 0
    rush = many.engine.rush

    def counted(*args):
        nonlocal settled
        settled += (taken := rush(*args))
        return taken

    many.engine.rush = counted  # type: ignore[method-assign]
    decoded, decode = [0, 0], (one.engine.watch.codec.decode, many.engine.watch.codec.decode)

    def slowly(which, raw):
        decoded[which] += b'"type":"update"' in raw[:60] and not raw.startswith(b'{"channel":"ticker"')
        return decode[which](raw)

    one.engine.watch.codec.decode = partial(slowly, 0)  # type: ignore[method-assign]
    many.engine.watch.codec.decode = partial(slowly, 1)  # type: ignore[method-assign]
    for events in reads(channels, 6_000, seed=len(channels)):
        for event in events:
            one.loop.arrive(event, 0)
        if type(events[0]) is Frame:
            frames += len(events)
            many.loop.burst(events, [event.data for event in events], 0)
        else:
            many.loop.arrive(events[0], 0)
    assert (one.resyncs, one.scores.result()) == (many.resyncs, many.scores.result())
    assert one.loop.blotter.result() == many.loop.blotter.result()
    assert one.loop.blotter.result().orders > (3 if eager else -1)
    assert one.engine.watch.frames == many.engine.watch.frames
    assert one.resyncs
    assert one.closed() == many.closed()
    assert settled > (0.02 if eager else 0.5) * frames
    assert max(decoded) < 0.2 * frames, (decoded, frames)  # all of them of books in doubt, and of torn tapes
