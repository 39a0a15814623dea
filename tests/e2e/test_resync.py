"""One wrong digit on the way to the desk: that book alone is doubted, subscribed again and proven within a second."""

from __future__ import annotations

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from deploy_trading_systems import build
from desk.config import Config
from desk.events import Start
from desk.intents import Resync
from desk.io.config_file import canonical, config_hash
from desk.io.journal import JournalWriter, read_session
from desk.market.state import BookState
from desk.run.clock import now_ns
from desk.run.exchange import EmbeddedExchange
from desk.run.live import Plan, execute
from desk.run.modes import with_symbols
from desk.run.source import Source, kraken_links

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]
SYMBOLS = ("BTC/USDT", "ETH/USDT")
SICK = "BTC/USDT@embedded"


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


async def run_through(folder, spoil):
    """A scalping run of 7 s on an embedded exchange, with a relay between that spoils frames."""
    exchange = EmbeddedExchange(5, SYMBOLS)
    address = await exchange.start()
    counter = []

    async def relay(client):
        async with connect(address.ws, compression=None) as upstream:

            async def up():
                async for message in client:
                    await upstream.send(message)

            task = asyncio.create_task(up())
            try:
                async for message in upstream:
                    if (kept := spoil(message, counter)) is not None:
                        await client.send(kept)
            except ConnectionClosed:
                pass
            finally:
                task.cancel()

    config = with_symbols(Config(), SYMBOLS)
    async with serve(relay, "127.0.0.1", 0, compression=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v2"
        source = Source(
            feed="embedded",
            venue="embedded",
            symbols=SYMBOLS,
            links=kraken_links(config, SYMBOLS, level3=True),
            urls=(url, url),
            rest_url=address.rest,
            simulated=True,
            begin=now_ns(),
            silence_ns=5_000_000_000,
            key=exchange.credentials.key,
            secret=exchange.credentials.secret,
        )
        plan = Plan(
            mode="scalping",
            config_json=canonical(config),
            config_hash=config_hash(config),
            version="test",
            seed=5,
            duration_s=7.0,
            fee_tier="",
            console=None,
            analyst=None,
        )
        summary = await execute(plan, source, build, JournalWriter(folder))
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
    summary = await run_through(tmp_path / "s", spoil)
    tier = "L2" if channel == "book" else "L3"
    books = {(b["symbol"], b["tier"]): b for b in summary["books"]}
    sick = books["BTC/USDT", tier]
    assert (sick["crc_bad"], sick["resyncs"], sick["state"]) == (1, 1, "SYNCED")
    assert all((b["crc_bad"], b["resyncs"]) == (0, 0) for key, b in books.items() if key != ("BTC/USDT", tier))
    assert all(b["crc_ok"] > 5 for b in books.values())  # how many come is the market's business
    away, resyncs = replayed(tmp_path / "s", channel)
    assert [(r.channel, r.symbol) for r in resyncs] == [(channel, "BTC/USDT")]
    assert 0 < away <= 1.0
