"""Where a run's market data comes from: the embedded exchange, Kraken, or a recording served again.

The other venues are in desk.run.venue_sources.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from desk.config import Config
from desk.errors import DeskError, FeedError
from desk.intents import Fetch
from desk.io.frames import read_frames
from desk.io.kraken_rest import PACE_S, fetch_token, kraken_rest
from desk.io.recorded_exchange import survey
from desk.messages import LinkSpec, Subscription
from desk.run.children import Child
from desk.run.clock import now_ns
from desk.sim.rehearsal import Rehearsal
from desk.wire.budget import check, split

START_PATIENCE_S = 30.0
PROBE_S = 5.0


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One market-data source, ready to be connected to."""

    feed: str
    venue: str
    symbols: tuple[str, ...]
    links: tuple[LinkSpec, ...]
    urls: tuple[str, ...]  # by link
    rest_url: str  # of Kraken's public REST, for candles and tokens; "" where the source has none
    rest: Mapping[str, Callable[[Fetch], bytes]] = {}  # what the engine may ask of its REST, by call
    pace_s: float = 0.0  # from the end of one such call to the next
    simulated: bool
    stamped: bool = False
    begin: int = 0  # ns, the time of the first frame; the recording's own clock where it has one
    silence_ns: int
    key: str = ""
    secret: str = ""
    notes: tuple[str, ...] = ()
    child: Child | None = None
    rehearsal: Rehearsal | None = None  # the market itself, where no socket is between it and us
    speed: float = 1.0  # of a rehearsal; 0: as fast as it goes
    client: Any = None  # of ccxt.pro, in the place of sockets of our own

    async def close(self) -> None:
        """Stop what serves this source."""
        if self.child is not None:
            await self.child.stop()
        if self.client is not None:
            await self.client.close()

    def token(self, link: int) -> Callable[[], Awaitable[str]] | None:
        """How to get the token of a link that needs one: fresh per connection, never logged."""
        if not self.key or not _needs_token(self.links[link]):  # a recording asks for none
            return None
        return lambda: asyncio.to_thread(fetch_token, self.rest_url, self.key, self.secret, now_ns())


def _needs_token(link: LinkSpec) -> bool:
    return any(sub.channel == "level3" for sub in link.wanted)


def kraken_links(config: Config, symbols: tuple[str, ...], *, level3: bool) -> tuple[LinkSpec, ...]:
    """The public links (instrument, trade, ticker, candles, book) and, with a key, the level3 links.

    Raises ConfigError, with the numbers, for more than Kraken's limits allow.
    """
    wanted = [Subscription("instrument", "")]
    book_depth, order_depth = config.venue.book_depth, config.venue.level3_depth
    for channel, depth, interval in (("trade", 0, 0), ("ticker", 0, 0), ("ohlc", 0, 1), ("book", book_depth, 0)):
        wanted += [Subscription(channel, symbol, depth, interval) for symbol in symbols]
    links = split("public", wanted)
    if level3:
        links += split("level3", [Subscription("level3", symbol, order_depth) for symbol in symbols])
    check(links)
    return links


async def embedded(config: Config, symbols: tuple[str, ...], seed: int, logs: Path) -> Source:
    """Start the embedded exchange in its own process and describe it."""
    links = kraken_links(config, symbols, level3=True)
    args = ["exchange", "--port", "0", "--seed", str(seed), "--symbols", ",".join(symbols), "--child"]
    child, ready = await _serve("embedded exchange", args, logs)
    return Source(
        feed="embedded",
        venue="embedded",
        symbols=symbols,
        links=links,
        urls=(ready["ws"],) * len(links),
        rest_url=ready["rest"],
        rest=kraken_rest(ready["rest"]),
        simulated=True,
        begin=now_ns(),
        silence_ns=int(config.venue.silence_s * 1e9),
        key=ready["key"],
        secret=ready["secret"],
        child=child,
    )


def rehearsal(config: Config, symbols: tuple[str, ...], seed: int, speed: float) -> Source:
    """The embedded market in this process and in its own time: the same seed gives the same session at any speed."""
    made = Rehearsal(seed, symbols, config.venue.book_depth, config.venue.level3_depth)
    return Source(
        feed="embedded",
        venue="embedded",
        symbols=symbols,
        links=(made.link,),
        urls=(),
        rest_url="",
        simulated=True,
        stamped=True,
        begin=made.begin,
        silence_ns=int(config.venue.silence_s * 1e9),
        rehearsal=made,
        speed=speed,
    )


async def kraken(config: Config, symbols: tuple[str, ...]) -> Source:
    """Kraken itself. Raises FeedError when it cannot be reached, with the way to the embedded feed."""
    key, secret = os.environ.get(config.venue.key_env, ""), os.environ.get(config.venue.secret_env, "")
    level3 = bool(key and secret)
    links = kraken_links(config, symbols, level3=level3)  # before the network: what does not fit is refused first
    await probe(config.venue.ws_url)
    notes = (
        () if level3 else (f"no {config.venue.key_env}: books by level (tier L2); a key with WebSocket access adds L3",)
    )
    return Source(
        feed="kraken",
        venue="kraken",
        symbols=symbols,
        links=links,
        urls=tuple(config.venue.ws_l3_url if _needs_token(link) else config.venue.ws_url for link in links),
        rest_url=config.venue.rest_url,
        rest=kraken_rest(config.venue.rest_url),
        pace_s=PACE_S,
        simulated=False,
        begin=now_ns(),
        silence_ns=int(config.venue.silence_s * 1e9),
        key=key,
        secret=secret,
        notes=notes,
    )


async def probe(url: str) -> None:
    """Raise FeedError unless something listens at the address."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    try:
        async with asyncio.timeout(PROBE_S):
            _, writer = await asyncio.open_connection(parts.hostname, port)
            writer.close()
    except (OSError, TimeoutError) as err:
        why = str(err) or f"no answer within {PROBE_S:.0f} s"
        raise FeedError(
            f"{parts.hostname}:{port} cannot be reached ({why}). Check the network, or run without one: --feed embedded"
        ) from err


async def recording(path: Path, speed: float, symbols: tuple[str, ...], logs: Path) -> Source:
    """Serve a recording again in its own process. Raises FeedError for a file that holds no market data."""
    contents = survey(lambda: read_frames(path), str(path))
    recorded = tuple(dict.fromkeys(symbol for _, symbol in contents.topics if symbol))
    missing = [symbol for symbol in symbols if symbol not in recorded]
    if missing:
        raise FeedError(f"{path}: {', '.join(missing)} not in it; it holds {', '.join(recorded)}")
    kept = symbols or recorded
    wanted = tuple(
        Subscription(
            channel,
            symbol,
            depth=size if channel in ("book", "level3") else 0,
            interval=(size or 1) if channel == "ohlc" else 0,
        )
        for (channel, symbol), size in contents.topics.items()
        if symbol in kept
    )
    args = ["exchange", "--port", "0", "--frames", str(path), "--speed", str(speed), "--child"]
    child, ready = await _serve("recording server", args, logs)
    return Source(
        feed=f"replay:{path}",
        venue="kraken",
        symbols=kept,
        links=(LinkSpec("recording", wanted),),
        urls=(ready["ws"],),
        rest_url="",
        simulated=False,
        stamped=True,
        begin=contents.begin,
        silence_ns=120_000_000_000,  # a recording may hold long silences of its own
        child=child,
    )


async def _serve(name: str, args: list[str], logs: Path) -> tuple[Child, dict[str, Any]]:
    """Start a server of ours and wait for its address. Raises DeskError with its own words when it cannot serve."""
    child = await Child.start(name, args, logs)
    ready = await child.first(START_PATIENCE_S)
    if not ready["ready"]:
        await child.stop()
        raise DeskError(f"{name}: {ready['error']}")
    return child, ready
