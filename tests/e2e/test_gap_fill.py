"""Prints lost on the way to the desk come back from the venue's REST, while a run goes on, and again in its replay."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from embedded_run import embedded_source, relay, scalping_run

from deploy_trading_systems import build
from desk.events import Answer, LinkDown
from desk.intents import Fetch, Resync, Tell
from desk.io.journal import read_session
from desk.run.exchange import EmbeddedExchange
from desk.run.replay import replay

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
    begun, cut, dropped, noticed, stop = time.monotonic(), [], [], [], asyncio.Event()

    def spoil(frame, client):
        printed = frame.startswith('{"channel":"trade"')
        if not printed or (cut and '"type":"snapshot"' in frame):
            return None if printed else frame
        if not cut and noticed and time.monotonic() - begun > CUT_AT:
            cut.append(True)
            asyncio.get_running_loop().call_later(AFTER_S, stop.set)
            client.transport.abort()
            return None
        if time.monotonic() - begun < DEAF_AT or f'"symbol":"{SICK}"' not in frame:
            return frame
        kept = noticed if len(dropped) == DROPPED else dropped
        kept.append(frame)
        return frame if kept is noticed else None

    async with relay(address.ws, spoil, lambda: AWAY_S * bool(cut)) as url:
        source = embedded_source(exchange, address, SYMBOLS, level3=False, url=url)
        begun = time.monotonic()
        await scalping_run(folder, source, RUN_S, stop).run()
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
