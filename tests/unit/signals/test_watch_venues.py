"""desk/signals/watch.py on venues without checksums: real captures, event by event, as a live run would see them."""

from __future__ import annotations

import json

import msgspec
import pytest
from shared import shared

from deploy_trading_systems import build
from desk.config import Config
from desk.events import Answer, Frame, LinkDown, LinkUp, Start, Timer
from desk.intents import Fetch, Resync, Tell
from desk.io.config_file import canonical, config_hash
from desk.io.frames import read_frames
from desk.market.state import BookState
from desk.run.modes import with_symbols
from desk.run.venue_sources import trade_links
from desk.run.verify_sequence import verify_sequence
from desk.wire.venues import WHOLE

BINANCE = "captures/binance_spot_depth_20211012a.frames.gz", ("NKN/USDT", "BLZ/ETH", "LRC/BTC", "RUNE/EUR")
COINBASE = (
    "captures/coinbase_advshape_l2_data_20210417a.frames.gz",
    ("BAND/GBP", "NU/GBP", "CRV/EUR", "SKL/USD", "YFI/BTC"),
)
SECOND = 1_000_000_000


def engine_of(venue, symbols):
    config = with_symbols(Config(), symbols)
    links = trade_links("public", symbols, WHOLE)
    start = Start(0, "scalping", venue, venue, symbols, canonical(config), config_hash(config), 1, "", links)
    engine = build(start).engine
    engine.step(start)
    return engine


class Rest(msgspec.Struct):
    symbol: str
    body: msgspec.Raw


def for_a_book(effect):
    return isinstance(effect, Resync) or (isinstance(effect, Fetch) and effect.call == "depth")


def walk(venue, capture, skip=()):
    """The engine after a capture, and everything it asked for on the way; `skip`: lines that never arrive."""
    path, symbols = capture
    engine, asked = engine_of(venue, symbols), []
    native = {symbol.replace("/", ""): symbol for symbol in symbols}
    engine.step(LinkUp(1, 0))
    for frame in read_frames(shared(path)):
        if frame.line in skip:
            continue
        event = Frame(frame.ts, 0, frame.data)
        if frame.direction == "R":
            rest = msgspec.json.decode(frame.data, type=Rest)
            event = Answer(frame.ts, "depth", native[rest.symbol], bytes(rest.body))
        asked += [effect for effect in engine.step(event) if for_a_book(effect)]
        for inst, market in engine.watch.markets.items():
            assert inst not in engine.watch.scores or market.track.state is BookState.SYNCED
    return engine, asked


@pytest.mark.parametrize(("venue", "capture", "join"), [("binance", BINANCE, ""), ("coinbase", COINBASE, "-")])
def test_the_live_path_ends_with_the_books_that_verify_book_proves(venue, capture, join):
    """And every book has a score by then, marked as not attested by a checksum."""
    engine, asked = walk(venue, capture)
    final = verify_sequence(shared(capture[0]))["final"]
    for symbol in capture[1]:
        market = engine.watch.markets[f"{symbol}@{venue}"]
        (track,), inst, proven = market.tracks.values(), market.instrument, final[symbol.replace("/", join)]
        assert (track.state, track.gaps, list(track.book.size())) == (BookState.SYNCED, 0, proven["levels"])
        assert (float(inst.px_text(market.bid)), float(inst.px_text(market.ask))) == (
            float(proven["best_bid"][0]),
            float(proven["best_ask"][0]),
        )
        score = engine.watch.scores[market.inst]
        assert (score.tier, score.features.attested, score.quality) == ("L2", False, 0.7)
    want = [("depth", symbol) for symbol in capture[1]] if venue == "binance" else []
    assert [(ask.call, ask.symbol) for ask in asked] == want


def test_a_lost_coinbase_frame_doubts_every_book_of_its_connection():
    """Frame 2000 is of one symbol; its number is missing for all five, and nobody else's snapshot comes again."""
    engine, asked = walk("coinbase", COINBASE, skip={2000})
    assert [(type(ask), ask.symbol) for ask in asked] == [(Resync, symbol) for symbol in COINBASE[1]]
    assert {ask.why for ask in asked} == {"public: expected sequence 2000, received 2001"}
    states = {market.track.state for market in engine.watch.markets.values()}
    assert (states, engine.watch.scores) == ({BookState.RESYNC}, {})


def test_a_lost_binance_update_asks_for_the_depth_of_that_symbol_alone():
    lines = [f.line for f in read_frames(shared(BINANCE[0])) if b'"s":"NKNUSDT"' in f.data and b"depthUpdate" in f.data]
    engine, asked = walk("binance", BINANCE, skip={lines[50]})
    assert [(ask.call, ask.symbol) for ask in asked[4:]] == [("depth", "NKN/USDT")]
    states = {inst: market.track.state for inst, market in engine.watch.markets.items()}
    assert states.pop("NKN/USDT@binance") is BookState.RESYNC
    assert set(states.values()) == {BookState.SYNCED}


def test_an_answer_that_never_comes_is_asked_for_again():
    """Ten seconds after the first; a venue's refusal is said, and asked again the same way."""
    engine = engine_of("binance", ("NKN/USDT",))
    engine.step(LinkUp(0, 0))
    engine.step(Timer(30 * SECOND, "beat"))
    ack = json.dumps({"result": None, "id": "sbook1xNKNUSDT"}).encode()
    (ask,) = engine.step(Frame(31 * SECOND, 0, ack))
    assert (ask.call, ask.symbol) == ("depth", "NKN/USDT")
    refused = engine.step(Answer(32 * SECOND, "depth", "NKN/USDT", b'{"code":-1121,"msg":"Invalid symbol."}'))
    assert [(type(e), e.code) for e in refused] == [(Tell, "BAD_ANSWER")]
    assert "Invalid symbol." in refused[0].text
    assert not [e for e in engine.step(Timer(40 * SECOND, "beat")) if isinstance(e, Fetch)]
    (again,) = [e for e in engine.step(Timer(42 * SECOND, "beat")) if isinstance(e, Fetch)]
    assert again.symbol == "NKN/USDT"


def test_a_reconnect_counts_from_0_again():
    """Coinbase numbers the frames of a connection, Binance's stream begins anywhere."""
    engine = engine_of("coinbase", ("A/B",))
    beat = b'{"channel":"heartbeats","timestamp":"2026-09-07T23:37:22Z","sequence_num":%d,"events":[]}'
    for now, up in ((1, LinkUp(1, 0)), (5, LinkUp(5, 0))):
        assert [e.code for e in engine.step(up)] == ["LINK_UP"]
        assert not engine.step(Frame(now + 1, 0, beat % 0))
        assert not engine.step(Frame(now + 2, 0, beat % 1))
        engine.step(LinkDown(now + 3, 0, "lost"))


def test_a_refusal_that_names_nothing_is_said_aloud():
    """Coinbase answers `error` without a channel or a symbol."""
    engine = engine_of("coinbase", ("A/B",))
    engine.step(LinkUp(1, 0))
    (tell,) = engine.step(Frame(2, 0, b'{"type":"error","message":"authentication failure"}'))
    assert (tell.level, tell.text) == ("alarm", "public: authentication failure")
