"""A scalping run in this process on an embedded exchange of the test's own, straight or through a relay that spoils."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from deploy_trading_systems import build
from desk.config import Config
from desk.io.config_file import canonical, config_hash
from desk.io.journal import JournalWriter
from desk.io.kraken_rest import kraken_rest
from desk.run.clock import now_ns
from desk.run.exchange import Address, EmbeddedExchange
from desk.run.live import Plan, Run
from desk.run.modes import with_symbols
from desk.run.source import Source, kraken_links

Spoil = Callable[[str, ServerConnection], str | None]


@asynccontextmanager
async def relay(upstream: str, spoil: Spoil, delay_s: Callable[[], float] = lambda: 0.0) -> AsyncIterator[str]:
    """The address of a line to `upstream`: what the venue sends goes through `spoil`, which gives None to lose it."""

    async def carry(client: ServerConnection) -> None:
        await asyncio.sleep(delay_s())
        async with connect(upstream, compression=None) as venue:

            async def ask() -> None:
                async for message in client:
                    await venue.send(message)

            asking = asyncio.create_task(ask())
            try:
                async for message in venue:
                    if (kept := spoil(str(message), client)) is not None:
                        await client.send(kept)
            except ConnectionClosed:
                pass
            finally:
                asking.cancel()

    async with serve(carry, "127.0.0.1", 0, compression=None) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v2"


def embedded_source(
    exchange: EmbeddedExchange, address: Address, symbols: tuple[str, ...], *, level3: bool = True, url: str = ""
) -> Source:
    """The exchange as a source, reached at `url` where that is another than its own."""
    links = kraken_links(Config(), symbols, level3=level3)
    return Source(
        feed="embedded",
        venue="embedded",
        symbols=symbols,
        links=links,
        urls=(url or address.ws,) * len(links),
        rest_url=address.rest,
        rest=kraken_rest(address.rest),
        simulated=True,
        begin=now_ns(),
        silence_ns=5_000_000_000,
        key=exchange.credentials.key if level3 else "",
        secret=exchange.credentials.secret if level3 else "",
    )


def scalping_run(
    folder: Path,
    source: Source,
    duration_s: float,
    stop: asyncio.Event | None = None,
    config: Config | None = None,
    **given: Any,
) -> Run:
    """A run of at most `duration_s`, recorded in `folder`, with no console and no analyst beside it."""
    config = with_symbols(config or Config(), source.symbols)
    plan = Plan(
        mode="scalping",
        config_json=canonical(config),
        config_hash=config_hash(config),
        version="test",
        seed=5,
        duration_s=duration_s,
        fee_tier="",
        console=None,
        analyst=None,
    )
    return Run(plan, source, build, JournalWriter(folder), stop or asyncio.Event(), **given)
