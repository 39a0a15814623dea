"""One wrong digit on the way to the desk: that book alone is doubted, subscribed again and proven within a second."""

from __future__ import annotations

import asyncio

import pytest
from embedded_run import embedded_source, relay, scalping_run

from deploy_trading_systems import build
from desk.events import Start
from desk.intents import Resync
from desk.io.journal import read_session
from desk.market.state import BookState
from desk.run.exchange import EmbeddedExchange

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]
SYMBOLS = ("BTC/USDT", "ETH/USDT")
SICK = "BTC/USDT@embedded"
PROVEN = 50  # checksums of each book, more of which must be right
MOST_S = 45.0  # how long it takes for so many is the market's business, and the machine's


def digit(frame, counter):
    """After 40 updates of the sick symbol's L2 book, one of a level that the checksum covers, with another quantity."""
    if '"channel":"book","type":"update"' in frame and '"symbol":"BTC/USDT"' in frame:
        checksum = frame.partition('"checksum":')[2].partition(",")[0]
        covered = len(counter) >= 40 and checksum != counter[-1] and frame.count('"price"') == 1
        counter.append(checksum)
        if covered and "spoiled" not in counter:
            counter.append("spoiled")
            at = frame.index('"qty":') + 6
            return frame[:at] + "9" + frame[at:]
    return frame


def lost(frame, counter):
    """Five consecutive updates of the sick symbol's L3 book never arrive."""
    if '"channel":"level3","type":"update"' in frame and '"symbol":"BTC/USDT"' in frame:
        counter.append(1)
        if 40 <= len(counter) < 45:
            return None
    return frame


async def run_through(folder, spoil, channel):
    """A run on an embedded exchange, with a relay between that spoils frames, until the sick book is well again and
    every book has been proven often enough."""
    exchange = EmbeddedExchange(5, SYMBOLS)
    address = await exchange.start()
    counter, stop = [], asyncio.Event()

    async with relay(address.ws, lambda frame, client: spoil(frame, counter)) as url:
        run = scalping_run(folder, embedded_source(exchange, address, SYMBOLS, url=url), MOST_S, stop)
        markets = run.engine.watch.markets

        async def end():
            while True:
                await asyncio.sleep(0.1)
                tracks = [track for market in markets.values() for track in market.tracks.values()]
                well = SICK in markets and markets[SICK].tracks[channel].crc_bad
                if well and all(track.crc_ok > PROVEN and track.state is BookState.SYNCED for track in tracks):
                    return stop.set()

        ending = asyncio.create_task(end())
        summary = await run.run()
        ending.cancel()
    await exchange.stop()
    return summary


def replayed(folder, channel):
    """Walk the session again: seconds the sick book was not SYNCED after its first sync, and the resyncs asked for."""
    entries, _, _ = read_session(folder)
    assert isinstance(entries[0].event, Start)
    engine = build(entries[0].event).engine
    track = engine.watch.markets[SICK].tracks[channel]
    synced, since, away, resyncs = False, 0, 0, []
    for entry in entries:
        effects = engine.step(entry.event)
        resyncs += [effect for effect in effects if isinstance(effect, Resync)]
        now_synced = track.state is BookState.SYNCED
        if synced and not now_synced:
            since = entry.event.ts
        if since and now_synced:
            away, since = away + entry.event.ts - since, 0
        synced = synced or now_synced
    return away / 1e9, resyncs


@pytest.mark.parametrize(("spoil", "channel"), [(digit, "book"), (lost, "level3")])
async def test_a_spoiled_book_is_proven_again_within_a_second_and_the_others_never_notice(tmp_path, spoil, channel):
    """Doubted within the message, one resync of that channel and symbol alone, SYNCED again."""
    summary = await run_through(tmp_path / "s", spoil, channel)
    tier = "L2" if channel == "book" else "L3"
    books = {(b["symbol"], b["tier"]): b for b in summary["books"]}
    sick = books["BTC/USDT", tier]
    assert (sick["crc_bad"], sick["resyncs"], sick["state"]) == (1, 1, "SYNCED")
    assert all((b["crc_bad"], b["resyncs"]) == (0, 0) for key, b in books.items() if key != ("BTC/USDT", tier))
    assert all(b["crc_ok"] > PROVEN for b in books.values())
    away, resyncs = replayed(tmp_path / "s", channel)
    assert [(r.channel, r.symbol) for r in resyncs] == [(channel, "BTC/USDT")]
    assert 0 < away <= 1.0
