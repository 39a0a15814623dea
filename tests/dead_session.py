"""A session on the simulated market that nobody ends: its journal is left as a kill leaves it."""

from __future__ import annotations

import msgspec

from deploy_trading_systems import build
from desk.config import Config, ScalpingEngine
from desk.events import Start
from desk.io.config_file import canonical, config_hash
from desk.io.journal import JournalWriter
from desk.run.loop import Loop
from desk.run.modes import with_symbols
from desk.run.version import version
from desk.sim.rehearsal import BEGIN, Rehearsal

SYMBOLS = ("BTC/USDT", "ETH/USDT")


def engine_of(start):
    """What a replay builds."""
    return build(start).engine


def begin(folder, name="a1", taken=None):
    """A desk at its first entry, and its market; `taken` is the recovery that it goes on from. Holds last a minute."""
    market = Rehearsal(1, SYMBOLS)
    config = with_symbols(Config(scalping_engine=ScalpingEngine(hold_s=60.0)), SYMBOLS)
    text, digest = canonical(config), config_hash(config)
    start = Start(BEGIN, "scalping", "embedded", "embedded", SYMBOLS, text, digest, 1, version(), (market.link,), name)
    if taken is not None:
        start = msgspec.structs.replace(start, handover=taken.handover, taken=taken.session)
    parts = build(start)
    journal = JournalWriter(folder)
    resync = lambda effect: market.resync(effect.channel, effect.symbol)  # noqa: E731
    loop = Loop(parts.engine, parts.venue, parts.gate, journal, resync)
    loop.arrive(start, 0)
    for event in taken.events(BEGIN) if taken is not None else ():
        loop.arrive(event, 0)
    return loop, market


def run(folder, seconds, name="a1", taken=None, until=lambda loop: False):
    """That session for some seconds of the market's time, or `until` something."""
    loop, market = begin(folder, name, taken)
    for event in market.events(seconds):
        loop.arrive(event, 0)
        if until(loop):
            break
    loop.journal.flush()
    loop.journal._close()
    return loop
