"""Prints lost on the way to the desk come back from the venue's REST, while a run goes on, and again in its replay."""

from __future__ import annotations

import asyncio
import json
import signal
import time

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from deploy_trading_systems import build
from desk.config import Config
from desk.events import Answer, LinkDown
from desk.intents import Fetch, Resync, Tell
from desk.io.config_file import canonical, config_hash
from desk.io.journal import JournalWriter, read_session
from desk.run.clock import now_ns
from desk.run.exchange import EmbeddedExchange
from desk.run.live import Plan, execute
from desk.run.modes import with_symbols
from desk.run.replay import replay
from desk.run.source import Source, kraken_links

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]
SYMBOLS = ("BTC/USDT", "ETH/USDT")
SICK = "BTC/USDT"
DEAF_AT = 1.0  # seconds into the run, the next frames of prints of the sick symbol are lost
DROPPED = 2
CUT_AT = 3.2  # the connection breaks, not before the lost prints are noticed
AWAY_S = 1.2
AFTER_S = 7.0  # from the break to the end of the run
RUN_S = 30.0  # at most: how long a print takes to come is the market's business


async def through_a_bad_line(folder):
    """A run whose line loses prints, then breaks, and comes back without its snapshots of trades; the venue's tape."""
    exchange = EmbeddedExchange(5, SYMBOLS)
    address = await exchange.start()
    begun, cut, dropped, noticed = time.monotonic(), [], [], []

    def passes(frame, back):
        printed = frame.startswith('{"channel":"trade"')
        if not printed or (back and '"type":"snapshot"' in frame):
            return not printed
        if time.monotonic() - begun < DEAF_AT or f'"symbol":"{SICK}"' not in frame:
            return True
        if len(dropped) == DROPPED:
            noticed.append(frame)
            return True
        dropped.append(frame)
        return False

    async def relay(client):
        back = bool(cut)
        await asyncio.sleep(AWAY_S * back)
        async with connect(address.ws, compression=None) as upstream:

            async def up():
                async for message in client:
                    await upstream.send(message)

            task = asyncio.create_task(up())
            try:
                async for message in upstream:
                    if passes(message, back):
                        await client.send(message)
                    if not cut and noticed and '"trade"' in message and time.monotonic() - begun > CUT_AT:
                        cut.append(True)
                        asyncio.get_running_loop().call_later(AFTER_S, signal.raise_signal, signal.SIGINT)
                        client.transport.abort()
                        break
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
            links=kraken_links(config, SYMBOLS, level3=False),
            urls=(url,),
            rest_url=address.rest,
            simulated=True,
            begin=now_ns(),
            silence_ns=5_000_000_000,
        )
        plan = Plan(
            mode="scalping",
            config_json=canonical(config),
            config_hash=config_hash(config),
            version="test",
            seed=5,
            duration_s=RUN_S,
            fee_tier="",
            console=None,
            analyst=None,
        )
        begun = time.monotonic()
        await execute(plan, source, build, JournalWriter(folder))
    printed = {symbol: exchange.market.tape(symbol) for symbol in SYMBOLS}
    await exchange.stop()
    return printed


async def test_lost_prints_are_filled_from_rest_and_the_run_replays_equal(tmp_path):
    """Every number between the first and the last is on the tape once, with the venue's volume and aggressors."""
    printed = await through_a_bad_line(tmp_path / "s")
    entries, _, _ = read_session(tmp_path / "s")
    engine = build(entries[0].event).engine
    effects, most, proven = [], 0, {}
    for entry in entries:
        effects += engine.step(entry.event)
        proven |= {
            inst: True for inst, m in engine.watch.markets.items() if m.tracks["book"].usable(entry.event.ts) == 100
        }
        most = max(most, sum(b - a + 1 for a, b in engine.watch.markets[f"{SICK}@embedded"].tape.gaps))
    assert most > 0, "the line lost nothing: this test has shown nothing"
    assert sum(isinstance(entry.event, LinkDown) for entry in entries) == 1
    for symbol in SYMBOLS:
        market = engine.watch.markets[f"{symbol}@embedded"]
        tape = market.tape
        assert market.repair.whole
        first = tape.first_id
        theirs = [trade for trade in printed[symbol] if first <= trade.trade_id <= tape.last_id]
        assert tape.prints == len(theirs) == tape.last_id - first + 1
        assert tape.delta == sum(trade.side * trade.qty for trade in theirs)
    assert engine.watch.markets[f"{SICK}@embedded"].repair.filled >= most
    asked = [effect for effect in effects if isinstance(effect, Fetch)]
    assert [effect.symbol for effect in asked if effect.call == "Trades"].count(SICK) >= 1
    assert any(isinstance(entry.event, Answer) and entry.event.call == "Trades" for entry in entries)
    said = [effect.code for effect in effects if isinstance(effect, Tell)]
    assert "TRADES_MISSING" in said
    assert "TRADES_FILLED" in said
    assert "AUDIT_FAILED" not in json.dumps(said)
    assert not any(isinstance(effect, Resync) for effect in effects)
    assert len(proven) == len(SYMBOLS), "the levels below the checksum were proven by REST"
    assert replay(tmp_path / "s", lambda start: build(start).engine)["equal"]
