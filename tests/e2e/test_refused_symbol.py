"""A symbol that the venue refuses is red; the other one runs, is proven and scored, also after a reconnect."""

from __future__ import annotations

import asyncio

import pytest
from embedded_run import embedded_source, scalping_run

from desk.intents import Tell
from desk.io.journal import read_session
from desk.run.clock import now_ns
from desk.run.exchange import EmbeddedExchange

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]
SYMBOLS = ("BTC/USDT", "FOO/BAR")


def hang_up(exchange):
    for line in exchange.socket.lines:
        line.transport.abort()


async def test_the_others_run_beside_a_refused_symbol(tmp_path, caplog):
    """Each link refuses it without naming a channel: said once, and shown. No token is ever written down."""
    exchange = EmbeddedExchange(5, SYMBOLS[:1])
    address = await exchange.start()
    run = scalping_run(tmp_path / "session", embedded_source(exchange, address, SYMBOLS), 5.0)
    asyncio.get_running_loop().call_later(2.0, hang_up, exchange)
    with caplog.at_level(0):
        summary = await run.run()
    tokens = list(exchange.credentials._good_until)
    await exchange.stop()
    assert len(tokens) == 2  # fetched anew for each connection that needs one
    written = b"".join(path.read_bytes() for path in (tmp_path / "session").iterdir()) + caplog.text.encode()
    assert b"Currency pair not supported" in written
    assert not any(token.encode() in written for token in tokens)
    entries, _, _ = read_session(tmp_path / "session")
    told = [effect for entry in entries for effect in entry.effects if isinstance(effect, Tell)]
    refused = [tell.text for tell in told if tell.code == "SUBSCRIPTION_REFUSED"]
    assert len(refused) == 4
    assert sorted(set(refused)) == [
        "FOO/BAR level3: Currency pair not supported FOO/BAR",
        "FOO/BAR trade, ticker, ohlc, book: Currency pair not supported FOO/BAR",
    ]
    states = {(row["symbol"], row["tier"]): (row["state"], row["crc_ok"] > 3) for row in summary["books"]}
    assert states == {
        ("BTC/USDT", "L3"): ("SYNCED", True),
        ("BTC/USDT", "L2"): ("SYNCED", True),
        ("FOO/BAR", "L3"): ("DOWN", False),
        ("FOO/BAR", "L2"): ("DOWN", False),
    }
    rows = {row.symbol: row.state for row in run.picture.screen(run.loop, now_ns()).symbols}
    assert rows == {"BTC/USDT": "SYNCED", "FOO/BAR": "refused"}
    assert "BTC/USDT@embedded" in summary["scores"]
    assert [feed.session.pending for feed in run.feeds] == [[], []]
