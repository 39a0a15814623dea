"""Candles of any exchange that ccxt lists, page by page, oldest first.

ccxt paces its own requests. What may pass (network, rate limit, maintenance) is asked for again; what will not is said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from typing import Any

import numpy as np

from desk.analysis.shape import FRAMES, Frame, frame
from desk.errors import ConfigError, Final, Retryable

PATIENCE_S = (1.0, 2.0, 4.0, 8.0, 16.0)  # waits before the second and the later attempts
USUAL_LIMIT = 500  # candles a page, where ccxt does not know


def ccxt_client(exchange: str) -> Any:
    """A ccxt client that fetches candles. Raises ConfigError for an exchange that it does not know or has none of."""
    import ccxt.async_support as ccxt  # 0.5 s, and only for those who ask for it

    if exchange not in ccxt.exchanges:
        near = get_close_matches(exchange.lower(), ccxt.exchanges, n=3, cutoff=0.7)
        fix = f"did you mean {' or '.join(near)}?" if near else f"it knows {', '.join(ccxt.exchanges)}"
        raise ConfigError([f"--venue {exchange}: ccxt knows no such exchange; {fix}"])
    client = getattr(ccxt, exchange)()
    if not client.has.get("fetchOHLCV"):
        raise ConfigError(
            [f"--venue {exchange}: it gives no candles through ccxt; name another or ./run import a file"]
        )
    return client


class CcxtCandles:
    """Pages of an exchange's candles. `page` raises Retryable or Final with the exchange's words in one line."""

    def __init__(self, client: Any, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self.client, self.sleep = client, sleep
        self.venue: str = client.id

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.venue} through ccxt"

    def offers(self, name: str) -> bool:
        """Whether the exchange has candles of this interval ("5m" … "1w")."""
        return name in (self.client.timeframes or {})

    def span(self, name: str) -> int:
        """The time that one page holds, ns."""
        return self._limit() * FRAMES[name]

    def _limit(self) -> int:
        known = ((self.client.features or {}).get("spot") or {}).get("fetchOHLCV") or {}
        return int(known.get("limit") or USUAL_LIMIT)

    async def page(self, symbol: str, name: str, since_ns: int) -> Frame:
        """The first candles from `since_ns` on, oldest first, the running one among them; none where there are none."""
        rows = await self._ask(f"{symbol} {name}", symbol, name, since_ns // 1_000_000)
        try:
            table = np.array([[float("nan") if x is None else x for x in row[:6]] for row in rows], np.float64)
            ts = np.array([int(row[0]) for row in rows], np.int64) * 1_000_000
        except (TypeError, ValueError, IndexError) as err:
            raise Final(f"{symbol} {name} at {self.name}: a candle is not [time, 5 numbers] ({err})") from err
        table = table.reshape(-1, 6)
        order = np.unique(ts, return_index=True)[1]  # some exchanges answer newest first, or one candle twice
        columns = {c: table[order, i] for i, c in enumerate(("open", "high", "low", "close", "volume"), 1)}
        return frame(f"{symbol} {name} at {self.name}", FRAMES[name], {"ts": ts[order], **columns})

    async def _ask(self, place: str, symbol: str, name: str, since_ms: int) -> list[list[Any]]:
        import ccxt.async_support as ccxt

        for wait in (*PATIENCE_S, None):
            try:
                rows: list[list[Any]] = await self.client.fetch_ohlcv(symbol, name, since_ms, self._limit())
            except ccxt.NetworkError as err:
                if wait is None:
                    raise Retryable(
                        f"{place} at {self.name}: {_words(err)}; try again later: it goes on there"
                    ) from err
            except Exception as err:  # ccxt's own tree, and bugs of a hundred exchanges
                raise Final(f"{place} at {self.name}: {_words(err)}; check the symbol") from err
            else:
                return rows
            await self.sleep(wait)
        raise AssertionError("the last wait is None")

    async def close(self) -> None:
        """Hang up."""
        await self.client.close()


def _words(err: Exception) -> str:
    """An error in one short line."""
    return f"{type(err).__name__} {' '.join(str(err).split())}"[:200].strip()
