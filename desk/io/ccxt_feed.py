"""Books and trades of any exchange that ccxt.pro knows, turned into frames of our own (desk.wire.ccxt_frames).

ccxt keeps the books and the connections itself; a frame here is what it holds after a message. It checks no checksum
and, but for a few exchanges, no sequence: what comes this way is unverified, whatever the exchange.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from time import perf_counter_ns
from typing import Any

from desk.errors import ConfigError, FeedError
from desk.events import Event, Frame, LinkDown, LinkUp
from desk.wire.budget import ATTEMPT_WINDOW, ATTEMPTS, Window
from desk.wire.ccxt_frames import SIDES, book_frame, trades_frame
from desk.wire.retry import SECOND, Backoff

LEVELS = 25  # a side, of what ccxt holds
SILENCE = 60 * SECOND  # no message about any symbol: there is no heartbeat to tell a quiet market from a dead line
POLL_S = 0.5
START_S = 30.0


def client_of(exchange: str) -> Any:
    """A ccxt.pro client. Raises ConfigError for an exchange that it does not know or has no books of."""
    import ccxt.pro  # 0.5 s, and only for those who ask for it

    if exchange in ccxt.pro.exchanges and (client := getattr(ccxt.pro, exchange)()).has.get("watchOrderBook"):
        return client
    known = [name for name in ccxt.pro.exchanges if getattr(ccxt.pro, name)().has.get("watchOrderBook")]
    raise ConfigError([f"--feed ccxt:{exchange}: ccxt.pro has no books of it; it has them of {', '.join(known)}"])


async def load(client: Any, symbols: tuple[str, ...]) -> None:
    """Read the exchange's list of markets; the client is closed when that fails.

    Raises FeedError when it cannot be read, ConfigError for symbols that are not in it.
    """
    try:
        async with asyncio.timeout(START_S):
            markets = await client.load_markets()
    except Exception as err:  # whatever ccxt raises, its own bugs too: there is no feed
        await client.close()
        raise FeedError(
            f"{client.id} cannot be reached through ccxt ({_words(err)}). "
            "Check the network, or run without one: --feed embedded"
        ) from err
    if missing := [symbol for symbol in symbols if symbol not in markets]:
        await client.close()
        raise ConfigError([f"--symbols {symbol}: {client.id} has no such market in ccxt" for symbol in missing])


class CcxtFeed:
    """One link: watches every symbol, begins again after a failure, and posts LinkUp, Frame and LinkDown events."""

    def __init__(
        self,
        number: int,
        client: Any,
        symbols: tuple[str, ...],
        post: Callable[[Event, int], None],
        clock: Callable[[], int],
        jitter: Callable[[int], int],
        silence: int = SILENCE,
    ) -> None:
        self.number, self.client, self.symbols = number, client, symbols
        self.post, self.clock, self.silence = post, clock, silence
        self.backoff = Backoff(jitter)
        self.attempts = Window(ATTEMPTS, ATTEMPT_WINDOW)
        self.finished = asyncio.Event()  # never: an exchange has no end
        self.stopping = asyncio.Event()
        self._up = False
        self._heard_at = 0
        self._told: set[str] = set()  # symbols whose first trades, from before we watched, have come

    async def run(self) -> None:
        """Keep watching until `stop`."""
        try:
            while not self.stopping.is_set():
                began = self._heard_at = self.clock()
                why = await self._watch()
                if self.stopping.is_set():
                    return
                now = self.clock()
                if self._up:
                    self._up = False
                    self.post(LinkDown(now, self.number, why), perf_counter_ns())
                await self.client.close()
                wait = max(self.backoff.failed(now - began), self.attempts.free_at(now) - now)
                self.attempts.take(now + wait)
                await self._pause(wait / SECOND)
        finally:
            await self.client.close()

    def stop(self) -> None:
        """Hang up for good."""
        self.stopping.set()

    def resync(self, channel: str, symbol: str) -> None:
        """Nothing to do: every frame is a whole book."""

    async def _watch(self) -> str:
        """Watch everything until something fails; why it did."""
        self._told.clear()
        watched = [self._books, self._trades] if self.client.has.get("watchTrades") else [self._books]
        tasks = [asyncio.create_task(self._forever(watch, symbol)) for symbol in self.symbols for watch in watched]
        try:
            while not self.stopping.is_set():
                done, _ = await asyncio.wait(tasks, timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED)
                if done:
                    return done.pop().result()
                if (silent := self.clock() - self._heard_at) >= self.silence:
                    return f"silent for {silent / SECOND:.1f} s"
            return "stopped"
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _forever(self, watch: Callable[[str], Coroutine[Any, Any, bytes]], symbol: str) -> str:
        """One kind of message of one symbol, until ccxt raises; its words. What our own side raises goes through."""
        while True:
            try:
                raw = await watch(symbol)
            except Exception as err:  # noqa: BLE001 - ccxt raises its own tree, and bugs of a hundred exchanges
                return f"{symbol}: {_words(err)}"
            received = perf_counter_ns()
            self._heard_at = now = self.clock()
            if not self._up:
                self._up = True
                self.post(LinkUp(now, self.number), received)
            self.post(Frame(now, self.number, raw), received)

    async def _books(self, symbol: str) -> bytes:
        book = await self.client.watch_order_book(symbol)
        return book_frame(symbol, book["timestamp"] or 0, book["bids"][:LEVELS], book["asks"][:LEVELS])

    async def _trades(self, symbol: str) -> bytes:
        trades = await self.client.watch_trades(symbol)
        rows = [
            (trade["side"], trade["price"], trade["amount"], trade["timestamp"] or 0)
            for trade in trades
            if trade["side"] in SIDES and trade["price"] and trade["amount"]  # some exchanges leave the side out
        ]
        first = symbol not in self._told
        self._told.add(symbol)
        return trades_frame(symbol, rows, first=first)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            return


def _words(err: Exception) -> str:
    """An error in one short line."""
    return f"{type(err).__name__} {' '.join(str(err).split())}"[:160].strip()
