"""The candle store against the embedded exchange: its REST as Kraken's own, and through ccxt, give the same store."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from shared import ROOT

from desk.analysis.shape import FRAMES
from desk.io.candle_store import CandleStore
from desk.io.ccxt_candles import CcxtCandles, ccxt_client
from desk.io.history import RestHistory
from desk.run.clock import now_ns
from desk.run.download import KrakenPages, Outcome, Pages, download
from desk.run.exchange import Address, EmbeddedExchange

pytestmark = pytest.mark.e2e
SYMBOLS = ("BTC/USD", "ETH/USD")


@pytest_asyncio.fixture
async def exchange() -> AsyncIterator[Address]:
    running = EmbeddedExchange(seed=11, symbols=SYMBOLS)
    yield await running.start()
    await running.stop()


def through_ccxt(rest: str) -> CcxtCandles:
    """ccxt's own Kraken client, at our address and without its pauses."""
    client = ccxt_client("kraken")
    client.urls["api"]["public"] = client.urls["api"]["private"] = rest
    client.enableRateLimit = False
    return CcxtCandles(client)


async def stored(path: Path, pages: Pages, now: int) -> list[Outcome]:
    try:
        with CandleStore(path, write=True) as store:
            return await download(store, pages, SYMBOLS, list(FRAMES), None, now)
    finally:
        await pages.close()


def rows(path: Path) -> list[Any]:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        return db.execute(
            "SELECT symbol, interval_ns, ts, open, high, low, close, volume "
            "FROM candles c JOIN series s ON s.id=c.series ORDER BY 1, 2, 3"
        ).fetchall()


async def test_ccxt_and_our_own_rest_fill_the_same_store(exchange: Address, tmp_path: Path) -> None:
    """A client nobody here wrote reads the same numbers, six intervals of two symbols, bit for bit; no candle runs."""
    now = now_ns()
    own = await stored(tmp_path / "own.db", KrakenPages(RestHistory(exchange.rest)), now)
    ccxt = await stored(tmp_path / "ccxt.db", through_ccxt(exchange.rest), now)
    assert [o.error for o in own + ccxt] == [""] * 24
    assert {o.added.new for o in own if o.interval not in ("1d", "1w")} <= {719, 720}  # it has 400 days
    assert rows(tmp_path / "own.db") == rows(tmp_path / "ccxt.db")
    assert all(ts + interval <= now for _, interval, ts, *_ in rows(tmp_path / "own.db"))
    again = await stored(tmp_path / "own.db", KrakenPages(RestHistory(exchange.rest)), now)
    assert sum(o.added.new for o in again) == 0


async def test_a_symbol_that_is_not_there_costs_no_other(exchange: Address, tmp_path: Path) -> None:
    """Its error names it and what to check, in both clients."""
    for pages in (KrakenPages(RestHistory(exchange.rest)), through_ccxt(exchange.rest)):
        try:
            with CandleStore(tmp_path / f"{pages.venue}.db", write=True) as store:
                bad, good = await download(store, pages, ["NO/SUCH", "BTC/USD"], ["1h"], None, now_ns())
        finally:
            await pages.close()
        assert "NO/SUCH" in bad.error
        assert "check the symbol" in bad.error
        assert good.added.new >= 719


async def test_another_seed_s_market_is_refused(exchange: Address, tmp_path: Path) -> None:
    """Two simulated markets in one history would be a market that never was."""
    path = tmp_path / "a.db"
    now = now_ns()
    await stored(path, KrakenPages(RestHistory(exchange.rest)), now - 3 * FRAMES["1h"])
    other = EmbeddedExchange(seed=12, symbols=SYMBOLS)
    address = await other.start()
    try:
        got = await stored(path, KrakenPages(RestHistory(address.rest)), now)
    finally:
        await other.stop()
    refused = {(o.symbol, o.interval) for o in got if "holds another simulated market" in o.error}
    assert {(s, name) for s in SYMBOLS for name in ("5m", "15m", "1h")} <= refused


async def test_the_verb_downloads_and_tells_and_a_report_is_made_of_it(
    exchange: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """download, candles, scan and a report from the store, with no network but the loopback; SIMULATED stays said."""
    from deploy_trading_systems import main

    monkeypatch.chdir(tmp_path)

    async def run(*argv: str) -> tuple[int, str]:
        code = await asyncio.to_thread(main, list(argv))
        return code, capsys.readouterr().out

    code, out = await run("download", "btc/usd,ETH/USD", "--venue", exchange.rest, "--store", "c/x.db")
    assert code == 0
    assert out.count(" 0 missing at the venue") == 12
    code, out = await run("download", "BTC/USD", "NO/SUCH", "--venue", exchange.rest, "--store", "c/x.db", "--json")
    assert (code, {d["symbol"] for d in json.loads(out)["done"] if d["error"]}) == (1, {"NO/SUCH"})
    code, out = await run("candles", "--store", "c/x.db", "--json")
    assert len(json.loads(out)["rows"]) == 12
    code, out = await run("scan", "--store", "c/x.db", "--json")
    found = json.loads(out)["rows"]
    assert sorted(row["symbol"] for row in found) == ["BTC/USD", "ETH/USD"]
    assert all(row["below"]["price"] < row["last"] < row["above"]["price"] for row in found)
    words = ["--mode", "ultimate", "--once", "--candles", "c/x.db", "--symbols", "BTC/USD,NO/SUCH", "--json"]
    made = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "deploy_trading_systems.py"), *words, stdout=PIPE, stderr=PIPE
    )
    summary = json.loads((await made.communicate())[0])
    assert summary["simulated"]
    assert [problem[:8] for problem in summary["problems"]] == ["NO/SUCH:"]
    html, *_ = summary["reports"]
    assert "SIMULATED" in Path(html).read_text()  # noqa: ASYNC240
    assert len(summary["reports"]) == 3
