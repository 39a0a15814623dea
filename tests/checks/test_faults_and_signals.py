"""Faults in the real frames of five instruments: no score of a book that is not SYNCED, and no other one touched."""

from __future__ import annotations

import random
import re

import pytest
from shared import shared

from desk.events import Frame
from desk.io.frames import read_frames
from desk.market.seen import BookChanged
from desk.market.state import BookState, Fault
from desk.messages import LinkSpec, Subscription
from desk.signals.watch import Watch
from desk.wire.kraken import KrakenCodec
from hft_signals import OrderBookAnalyzer

CAPTURE = "captures/kraken_v1as2_book_5pairs_d1000_20210417a.frames.gz"
SYMBOLS = ("ADA/BTC", "BTC/CHF", "ETH/CHF", "OCEAN/BTC", "OMG/USD")
SICK = "ETH/CHF"
TRIES = 8
QTY = re.compile(rb'"qty":(\d)')


def recorded():
    """The book frames of the capture."""
    frames = [f.data for f in read_frames(shared(CAPTURE)) if f.direction == "<"]
    return [data for data in frames if b'"channel":"book"' in data]


def spoiled(fault, frames, at):
    """The frames with one fault in the sick symbol's frame number `at`."""
    mine = [i for i, data in enumerate(frames) if SICK.encode() in data and b'"type":"update"' in data]
    i, after = mine[at], mine[at + 1]
    made = list(frames)
    if fault == "drop":
        del made[i]
    elif fault == "duplicate":
        made.insert(i, made[i])
    elif fault == "swap":
        made[i], made[after] = made[after], made[i]
    elif fault == "wrong digit":
        made[i] = QTY.sub(lambda m: b'"qty":%d' % ((int(m[1]) + 1) % 10), made[i], count=1)
    elif fault == "stale snapshot":
        snapshot = next(data for data in frames if SICK.encode() in data and b'"type":"snapshot"' in data)
        made.insert(i, snapshot)
    return made


def walk(frames):
    """Through a watch, checking after every frame that scores come from SYNCED books; the watch, and the faults."""
    wanted = tuple(Subscription("book", symbol, 1000) for symbol in SYMBOLS)
    watch = Watch("kraken", (LinkSpec("public", wanted),), KrakenCodec(), OrderBookAnalyzer().score, {"*": 0.5})
    watch.link_up(0, 1)
    faults = []
    for i, data in enumerate(frames):
        now = i + 2
        for seen in watch.frame(Frame(now, 0, data)):
            if isinstance(seen, Fault):
                faults.append((i, seen))
                watch.resyncing(seen, now)
            assert not isinstance(seen, BookChanged) or watch.markets[seen.inst].ready
        for inst, market in watch.markets.items():
            assert inst not in watch.scores or market.tracks["book"].state is BookState.SYNCED
    return watch, faults


def proven(watch):
    """Checksums that were right and wrong, by symbol, of all but the sick one."""
    tracks = {inst: market.tracks["book"] for inst, market in watch.markets.items() if not inst.startswith(SICK)}
    return {inst: (track.crc_ok, track.crc_bad, track.state) for inst, track in tracks.items()}


@pytest.mark.parametrize("fault", ["drop", "duplicate", "swap", "wrong digit", "stale snapshot"])
def test_a_fault_in_one_symbol_ends_its_scores_in_that_message_and_touches_no_other(fault):
    """At random places: a doubted book never has a score, and the other four are proven as without the fault."""
    frames = recorded()
    clean, none = walk(frames)
    assert none == []
    updates = sum(SICK.encode() in data for data in frames) - 1
    dice, doubted = random.Random(5), 0
    for _ in range(TRIES):
        watch, faults = walk(spoiled(fault, frames, dice.randrange(updates - 1)))
        assert {seen.inst for _, seen in faults} <= {f"{SICK}@kraken"}
        assert proven(watch) == proven(clean)
        track = watch.markets[f"{SICK}@kraken"].tracks["book"]
        assert (track.state is BookState.SYNCED) == (f"{SICK}@kraken" in watch.scores)
        if faults:
            doubted += 1
            assert track.state is BookState.RESYNC  # nobody answers a recording's subscription
            assert track.crc_bad == 1
        if fault == "stale snapshot":
            assert (track.stale, faults) == (1, [])
    if fault in ("duplicate", "stale snapshot"):
        assert doubted == 0
    else:
        assert doubted > 0
