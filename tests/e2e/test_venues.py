"""Binance, Coinbase and any exchange of ccxt.pro, live: whole runs against servers on this machine."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest
from embedded_run import scalping_run
from shared import shared
from venue_servers import BinanceServer, CoinbaseServer

from deploy_trading_systems import build
from desk.config import BinanceConfig, CoinbaseConfig, Config
from desk.intents import Fetch, Resync
from desk.io.ccxt_feed import load
from desk.io.journal import read_session
from desk.io.recorder import Recorder
from desk.market.state import BookState
from desk.messages import Side
from desk.run.exchange import EmbeddedExchange
from desk.run.modes import with_symbols
from desk.run.replay import replay
from desk.run.venue_sources import binance, ccxt_source, coinbase
from desk.run.verify_book import verify_book

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]
BINANCE = "captures/binance_spot_depth_20211012a.frames.gz"
COINBASE = "captures/coinbase_advshape_l2_data_20210417a.frames.gz"


async def run(folder, config, source, server):
    """A scalping run until the server has nothing more to tell, and a moment for what is still asked; its summary."""
    stop = asyncio.Event()

    async def end():
        await server.ended.wait()
        await asyncio.sleep(1.0)
        stop.set()

    ending = asyncio.create_task(end())
    recorder = Recorder(folder.parent / "recordings", source.venue, source.links, "test", 1)
    server.run = scalping_run(folder, source, 30.0, stop, config, recorder=recorder)
    summary = await server.run.run()
    ending.cancel()
    assert server.ended.is_set()
    return summary


def for_a_book(effect):
    return isinstance(effect, Resync) or (isinstance(effect, Fetch) and effect.call == "depth")


def replayed(folder):
    """The session again: the engine at its end, what it asked for, and the books' states with a score or without."""
    assert replay(folder, lambda start: build(start).engine)["equal"]
    entries, _, _ = read_session(folder)
    engine = build(entries[0].event).engine
    asked, seen = [], []
    for entry in entries:
        effects = engine.step(entry.event)
        asked += [effect for effect in effects if for_a_book(effect)]
        for inst, market in engine.watch.markets.items():
            (track,) = market.tracks.values()
            moment = (inst, track.state, inst in engine.watch.scores)
            if not seen or moment not in seen[-len(engine.watch.markets) :]:
                seen.append(moment)
    return engine, asked, seen


def tops(engine):
    """By the venue's own name of a symbol: best levels as numbers, and how many there are."""
    found = {}
    for market in engine.watch.markets.values():
        book, inst = market.book, market.instrument
        best = [
            [inst.px_text(px), inst.qty_text(qty)]
            for px, qty, _ in book.levels(Side.BUY, 1) + book.levels(Side.SELL, 1)
        ]
        found[inst.symbol] = [[float(px), float(qty)] for px, qty in best], list(book.size())
    return found


def expected(name, symbols, join):
    said = json.loads(shared("captures/expected_final_state.json").read_text())[name]
    return {
        symbol: (
            [[float(number) for number in said[symbol.replace("/", join)][side]] for side in ("best_bid", "best_ask")],
            said[symbol.replace("/", join)]["levels"],
        )
        for symbol in symbols
    }


async def test_binance_loses_an_update_and_its_book_is_joined_again_from_a_fresh_snapshot(tmp_path):
    """Doubted at the next update, no score meanwhile, REST asked, joined by U and u; the other book never notices."""
    symbols = ("NKN/USDT", "LRC/BTC")
    path = shared(BINANCE)
    async with BinanceServer(path, wanted=4, lose={("NKNUSDT", 60)}) as server:
        where = BinanceConfig(ws_url=f"ws://{server.address}/ws", rest_url=f"http://{server.address}")
        config = with_symbols(Config(binance=where), symbols)
        summary = await run(tmp_path / "s", config, await binance(config, symbols), server)
    books = {book["symbol"]: book for book in summary["books"]}
    assert [books[s]["state"] for s in symbols] == ["SYNCED", "SYNCED"]
    assert [(books[s]["proof"], books[s]["gaps"], books[s]["resyncs"]) for s in symbols] == [
        ("updates", 1, 1),
        ("updates", 0, 0),
    ]
    engine, asked, seen = replayed(tmp_path / "s")
    assert tops(engine) == expected("binance_spot_depth_20211012a", symbols, "")
    assert [(ask.call, ask.symbol) for ask in asked][-1] == ("depth", "NKN/USDT")
    (recorded,) = summary["recordings"]
    proof = verify_book(Path(recorded))
    assert (proof["gaps"], proof["undecodable"], proof["problem"]) == (1, 0, "")
    assert {name: book["levels"] for name, book in proof["final"].items()} == {
        symbol.replace("/", ""): levels for symbol, (_, levels) in tops(engine).items()
    }
    assert not [moment for moment in seen if moment[2] and moment[1] is not BookState.SYNCED]


async def test_coinbase_loses_a_frame_and_every_book_of_that_connection_is_subscribed_again(tmp_path):
    """A frame's number counts for all of them: which book lost something, nobody can say."""
    symbols = ("CRV/EUR", "NU/GBP")
    path = shared(COINBASE)
    async with CoinbaseServer(path, wanted=5, lose={("CRV-EUR", 100)}) as server:
        config = with_symbols(Config(coinbase=CoinbaseConfig(ws_url=f"ws://{server.address}/ws")), symbols)
        summary = await run(tmp_path / "s", config, await coinbase(config, symbols), server)
    books = {book["symbol"]: book for book in summary["books"]}
    assert {(b["proof"], b["gaps"], b["resyncs"], b["state"]) for b in books.values()} == {("frames", 1, 1, "SYNCED")}
    engine, asked, seen = replayed(tmp_path / "s")
    assert tops(engine) == expected("coinbase_level2_20210417a", symbols, "-")
    assert [(type(ask), ask.symbol) for ask in asked] == [(Resync, symbol) for symbol in symbols]
    assert not [moment for moment in seen if moment[2] and moment[1] is not BookState.SYNCED]


async def test_any_exchange_of_ccxt_pro_is_a_feed_marked_unverified(tmp_path):
    """ccxt.pro's Kraken client, pointed at the embedded exchange: its book is the market's, and nothing proves it."""
    ccxt = pytest.importorskip("ccxt.pro", reason="ccxt is not installed")
    logging.getLogger("ccxt").setLevel(logging.ERROR)
    symbols = ("BTC/USD", "ETH/USD")
    exchange = EmbeddedExchange(seed=11, symbols=symbols)
    address = await exchange.start()
    client = ccxt.kraken()
    ws = f"ws://{address.host}:{address.port}"
    client.urls["api"]["ws"].update(publicV2=f"{ws}/v2", privateV2=f"{ws}/v2", public=ws, private=ws)
    client.urls["api"]["public"] = client.urls["api"]["private"] = address.rest
    await load(client, symbols)
    source = ccxt_source(client, symbols)
    quiet = Quiet(exchange)
    summary = await run(tmp_path / "s", with_symbols(Config(), symbols), source, quiet)
    held = tops(replayed(tmp_path / "s")[0])
    for symbol in symbols:
        inst, book = exchange.venue.instruments[symbol], exchange.market.books[symbol]
        best = [(inst.px_text(px), inst.qty_text(qty)) for side in Side for px, qty, _ in book.levels(side, 1)]
        assert held[symbol][0] == [[float(px), float(qty)] for px, qty in best]
    await exchange.stop()
    assert "no checksum at this venue: unverified" in source.notes[0]
    for book in summary["books"]:
        assert (book["venue"], book["tier"], book["state"], book["proof"]) == ("ccxt-kraken", "L2", "SYNCED", "")
        assert (book["crc_ok"], book["seq_ok"], book["resyncs"]) == (0, 0, 0)
    assert summary["bad_frames"] == 0


class Quiet:
    """An exchange that trades until every book was scored a few times, and then stands still."""

    def __init__(self, exchange):
        self.exchange, self.ended, self.run = exchange, asyncio.Event(), None
        self.task = asyncio.create_task(self.freeze())

    async def freeze(self):
        for _ in range(200):
            await asyncio.sleep(0.1)
            scores = self.run.picture.scores.result() if self.run else {}
            if len(scores) == 2 and min(score["n"] for score in scores.values()) > 5:
                break
        self.exchange.frozen = True
        self.ended.set()
