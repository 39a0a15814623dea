"""Market data of venues beside Kraken: Binance and Coinbase over our own wire formats, every other through ccxt.pro."""

from __future__ import annotations

from typing import Any

from desk.config import Config
from desk.io.binance_rest import PACE_S, binance_rest
from desk.io.ccxt_feed import LEVELS, client_of, load
from desk.messages import LinkSpec, Subscription
from desk.run.clock import now_ns
from desk.run.source import Source, probe
from desk.wire.venues import CCXT, WHOLE, wire_of

NO_CHECKSUM = "{}: no checksum at this venue; its numbers show that no message is missing, and nothing more"
UNVERIFIED = "{} through ccxt: no checksum at this venue: unverified, slower, books by level (tier L2)"
FEES = 'fees are those of "fees" in the configuration: set your own for {}'
NO_CANDLES = "no candles of {} are read: bars begin with the first trades; reports need --candles PATH"


def _notes(proof: str, name: str) -> tuple[str, ...]:
    return tuple(note.format(name) for note in (proof, NO_CANDLES, FEES))


def trade_links(name: str, symbols: tuple[str, ...], depth: int) -> tuple[LinkSpec, ...]:
    """One connection with every book, and then every tape."""
    wanted = [Subscription("book", symbol, depth) for symbol in symbols]
    return (LinkSpec(name, (*wanted, *(Subscription("trade", symbol) for symbol in symbols))),)


async def binance(config: Config, symbols: tuple[str, ...]) -> Source:
    """Binance spot: its stream of updates, and the REST depth that a book begins with. Raises FeedError as `probe`."""
    where = config.binance
    await probe(where.ws_url)
    return Source(
        feed="binance",
        venue="binance",
        symbols=symbols,
        links=trade_links("public", symbols, WHOLE),
        urls=(where.ws_url,),
        rest_url="",
        rest=binance_rest(where.rest_url, where.depth),
        pace_s=PACE_S,
        simulated=False,
        begin=now_ns(),
        silence_ns=wire_of("binance").policy.silence,
        notes=_notes(NO_CHECKSUM, "Binance"),
    )


async def coinbase(config: Config, symbols: tuple[str, ...]) -> Source:
    """Coinbase Advanced Trade: the stream brings its own snapshots. Raises FeedError as `probe`."""
    await probe(config.coinbase.ws_url)
    (link,) = trade_links("public", symbols, WHOLE)
    link = LinkSpec(link.name, (Subscription("heartbeats", ""), *link.wanted))  # they keep a quiet connection open
    return Source(
        feed="coinbase",
        venue="coinbase",
        symbols=symbols,
        links=(link,),
        urls=(config.coinbase.ws_url,),
        rest_url="",
        simulated=False,
        begin=now_ns(),
        silence_ns=wire_of("coinbase").policy.silence,
        notes=_notes(NO_CHECKSUM, "Coinbase"),
    )


async def ccxt(exchange: str, symbols: tuple[str, ...]) -> Source:
    """Any exchange that ccxt.pro has books of. Raises ConfigError and FeedError as `client_of` and `load`."""
    client = client_of(exchange)
    await load(client, symbols)
    return ccxt_source(client, symbols)


def ccxt_source(client: Any, symbols: tuple[str, ...]) -> Source:
    """The source of a client whose markets are loaded."""
    exchange: str = client.id
    return Source(
        feed=f"ccxt:{exchange}",
        venue=f"{CCXT}{exchange}",
        symbols=symbols,
        links=trade_links("ccxt", symbols, LEVELS),
        urls=("",),
        rest_url="",
        simulated=False,
        begin=now_ns(),
        silence_ns=0,
        notes=_notes(UNVERIFIED, exchange),
        client=client,
    )
