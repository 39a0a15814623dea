"""The embedded exchange as a process: a simulated market in real time, or a recording, behind Kraken's own protocol.

    GET  http://127.0.0.1:P/0/public/…      ws://127.0.0.1:P/v2

The market advances with the clock, action by action; everything it says is queued to the clients at once, so the book
that a client has read to the end is the market's own. Nothing in here is a real exchange: prices, orders and trades are
made by the order-flow model, free of fees, or come from the recording.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec
from aiohttp import web

from desk.errors import DeskError
from desk.instrument import Instrument
from desk.io.exchange import ExchangeSocket
from desk.io.exchange_rest import Credentials, ExchangeRest
from desk.io.frames import read_frames
from desk.io.recorded_exchange import RecordedExchange, survey
from desk.messages import Side
from desk.run.clock import now_ns
from desk.sim.listing import ALL
from desk.sim.market import SimMarket
from desk.sim.publish import Publisher
from desk.wire.kraken_venue import CandleRow, Print, TickerRow, Topic
from desk.wire.stamps import NS

HOST = "127.0.0.1"
SLICE_S = 0.02  # a market that fell behind catches up in pieces of this length, and clients get their turn between them
NAP_S = 0.25


class Address(NamedTuple):
    """Where a started exchange can be reached."""

    host: str
    port: int

    @property
    def rest(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://{self.host}:{self.port}/v2"


class Socket(Protocol):
    """A handler of the WebSocket route."""

    async def accept(self, request: web.Request) -> web.WebSocketResponse: ...

    async def close(self) -> None: ...


class SimVenue:
    """A simulated market with a clock, as the socket and the REST calls ask for it."""

    def __init__(self, market: SimMarket, instruments: Mapping[str, Instrument]) -> None:
        self.market = market
        self.instruments = instruments
        self.publisher = Publisher(market, instruments)

    def now(self) -> int:
        return now_ns()

    def open(self, topic: Topic) -> bytes:
        return self.publisher.open(topic, now_ns())

    def close(self, topic: Topic) -> None:
        self.publisher.close(topic)

    def levels(self, symbol: str, side: Side, depth: int) -> Sequence[tuple[int, int, int]]:
        return self.market.books[symbol].levels(side, depth)

    def tape(self, symbol: str, since: int, count: int) -> Sequence[Print]:
        return self.publisher.tape(symbol, since, count)

    def candles(self, symbol: str, interval: int, count: int) -> Sequence[CandleRow]:
        return self.publisher.candles(symbol, interval, now_ns(), count)

    def ticker(self, symbol: str) -> TickerRow:
        return self.publisher.ticker(symbol, now_ns())


class Port:
    """One listening port with a WebSocket and REST routes behind it."""

    def __init__(self, socket: Socket, rest: ExchangeRest) -> None:
        self.socket = socket
        app = web.Application(client_max_size=1 << 20)
        app.add_routes([web.get("/v2", socket.accept), web.get("/", socket.accept), *rest.routes()])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    async def open(self, host: str, port: int) -> Address:
        """Listen; port 0 takes any free one. Raises DeskError when the port cannot be had."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except (OSError, OverflowError) as err:
            await self._runner.cleanup()
            if isinstance(err, OSError) and err.errno == errno.EADDRINUSE:
                why = "is in use by another program. Choose another with --port N, or --port 0 for any free one"
            else:
                why = (
                    f"cannot be opened: {getattr(err, 'strerror', None) or err}. Choose a port from 1024 to 65535, or 0"
                )
            raise DeskError(f"port {port} on {host} {why}") from None
        return Address(host, self._runner.addresses[0][1])

    async def close(self) -> None:
        """Close every client's connection, then the port."""
        await self.socket.close()
        await self._runner.cleanup()


class EmbeddedExchange:
    """The simulated market behind its port, driven by the clock.

    `frozen` stops the market between two actions: clients that have read everything then hold exactly its books.
    """

    def __init__(self, seed: int = 1, symbols: tuple[str, ...] | None = None) -> None:
        offered = tuple(dict.fromkeys(symbols)) if symbols else ALL
        if unknown := [symbol for symbol in offered if symbol not in ALL]:
            raise DeskError(f"the embedded exchange does not list {', '.join(unknown)}. It lists {', '.join(ALL)}")
        self.market = SimMarket(seed, now_ns(), symbols=offered)
        self.venue = SimVenue(self.market, {symbol: self.market.instruments[symbol] for symbol in offered})
        self.credentials = Credentials()
        self.socket = ExchangeSocket(self.venue, self.credentials.valid)
        self.frozen = False
        rest = ExchangeRest(self.venue.instruments, self.venue, self.venue.now, self.credentials)
        self._port = Port(self.socket, rest)
        self._driver: asyncio.Task[None] | None = None

    async def start(self, port: int = 0, host: str = HOST) -> Address:
        address = await self._port.open(host, port)
        self._driver = asyncio.create_task(self._drive())
        return address

    async def stop(self) -> None:
        if self._driver is not None:
            self._driver.cancel()
            await asyncio.gather(self._driver, return_exceptions=True)
        await self._port.close()

    async def run_until(self, stop: asyncio.Event) -> None:
        """Wait for `stop`; raises what the market failed with, should it fail before."""
        assert self._driver is not None, "start the exchange first"
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((self._driver, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if self._driver.done():
            self._driver.result()

    async def _drive(self) -> None:
        market, publisher, publish = self.market, self.venue.publisher, self.socket.publish
        loop = asyncio.get_running_loop()
        while True:
            nap = NAP_S
            if not self.frozen:
                now, slice_end = now_ns(), loop.time() + SLICE_S
                while market.next_at <= now and loop.time() < slice_end:
                    for topic, frame in publisher.advance(now):
                        publish(topic, frame)
                nap = min(NAP_S, max(0.0, (market.next_at - now_ns()) / NS))
            await asyncio.sleep(nap)


async def serve(
    port: int,
    seed: int,
    symbols: tuple[str, ...] | None,
    host: str = HOST,
    announce: Callable[[Address, EmbeddedExchange], None] = lambda address, exchange: None,
    until: asyncio.Event | None = None,
) -> None:
    """Run the simulated market on a port until `until` is set (None: for ever); raises what ended it otherwise."""
    exchange = EmbeddedExchange(seed, symbols)
    address = await exchange.start(port, host)
    try:
        announce(address, exchange)
        await exchange.run_until(until or asyncio.Event())
    finally:
        await exchange.stop()


async def serve_recording(
    port: int,
    frames: Path,
    speed: float,
    host: str = HOST,
    announce: Callable[[Address, Mapping[str, Instrument], Credentials], None] = lambda address, pairs, credentials: (
        None
    ),
    until: asyncio.Event | None = None,
) -> None:
    """Serve a recording on a port until `until` is set (None: for ever); raises FeedError where it cannot be served."""
    reading = partial(read_frames, frames)
    contents = survey(reading, str(frames))
    credentials = Credentials()
    rest = ExchangeRest(contents.instruments, None, now_ns, credentials)
    opened = Port(RecordedExchange(reading, contents, speed), rest)
    address = await opened.open(host, port)
    try:
        announce(address, contents.instruments, credentials)
        await (until or asyncio.Event()).wait()
    finally:
        await opened.close()


def run_exchange(
    port: int = 0,
    seed: int = 1,
    symbols: tuple[str, ...] | None = None,
    child: bool = False,
    frames: Path | None = None,
    speed: float = 1.0,
) -> int:
    """The verb `exchange`: serve until Ctrl-C, or, as a child, until the parent is gone; returns the exit code.

    A child prints one JSON line and nothing else on stdout: {"ready":true,"port":…,"rest":…,"ws":…,"key":…,"secret":…},
    or {"ready":false,"error":…}. It ignores Ctrl-C, which is its parent's to handle, and ends when its stdin does.
    """
    if child:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _check_speed(speed, frames)
        asyncio.run(_until_stopped(port, seed, symbols, child, frames, speed))
    except KeyboardInterrupt:
        return 0
    except DeskError as err:
        if child:
            _tell(msgspec.json.encode({"ready": False, "error": str(err)}).decode())
        sys.stderr.write(f"exchange: {err}\n")
        return 2
    return 0


def _check_speed(speed: float, frames: Path | None) -> None:
    if not 0.0 <= speed <= 10_000.0:
        raise DeskError(f"speed {speed} is not between 0 and 10000; 1 is real time, 0 as fast as a client reads")
    if frames is None and speed != 1.0:
        raise DeskError("speed belongs to a recording: the simulated market runs in real time")


async def _until_stopped(
    port: int, seed: int, symbols: tuple[str, ...] | None, child: bool, frames: Path | None, speed: float
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM,) if child else (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C arrives as KeyboardInterrupt
            loop.add_signal_handler(number, stop.set)
    if child:
        threading.Thread(target=_wait_for_parent, args=(loop, stop), daemon=True).start()
    if frames is not None:
        source = f"recording {frames.name}, speed {speed:g}" if speed else f"recording {frames.name}, unpaced"
        await serve_recording(port, frames, speed, announce=partial(_announce, child, source), until=stop)
        return

    def announce(address: Address, exchange: EmbeddedExchange) -> None:
        _announce(
            child,
            f"SIMULATED market, seed {seed}, free of fees",
            address,
            exchange.venue.instruments,
            exchange.credentials,
        )

    await serve(port, seed, symbols, announce=announce, until=stop)


def _wait_for_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """End the exchange when stdin ends: the parent closed it, or died."""
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    with contextlib.suppress(RuntimeError):  # the loop is closed: there is nothing left to stop
        loop.call_soon_threadsafe(stop.set)


def _announce(
    child: bool, source: str, address: Address, instruments: Mapping[str, Instrument], credentials: Credentials
) -> None:
    if child:
        ready = {"ready": True, "port": address.port, "rest": address.rest, "ws": address.ws}
        _tell(msgspec.json.encode({**ready, "key": credentials.key, "secret": credentials.secret}).decode())
        return
    for line in _summary(source, address, instruments, credentials):
        _tell(line)


def _summary(
    source: str, address: Address, instruments: Mapping[str, Instrument], credentials: Credentials
) -> Iterator[str]:
    yield f"Embedded exchange: {source}"
    yield f"  WebSocket  {address.ws}    Kraken v2; subprotocol-free, any Kraken client"
    yield f"  REST       {address.rest}/0/public/AssetPairs"
    yield f"  symbols    {' '.join(instruments)}"
    yield f"  demo key   {credentials.key}"
    yield f"  secret     {credentials.secret}"
    yield "Ctrl-C stops it."


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
