"""The embedded exchange's REST: Kraken's public market data calls and the token of its private WebSocket channels.

    GET  /0/public/{SystemStatus,Time,Assets,AssetPairs,Ticker,OHLC,Depth,Trades}
    POST /0/private/GetWebSocketsToken     form or JSON body with `nonce`, headers API-Key and API-Sign

Refusals are Kraken's: HTTP status 200 and a non-empty `error`. The key and secret are a demonstration pair, printed at
the start of the exchange: they open nothing but the order-by-order feed of a simulation.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from desk.instrument import Instrument
from desk.messages import Side
from desk.wire import kraken_venue_rest as wire
from desk.wire.kraken_auth import sign
from desk.wire.kraken_venue import INTERVALS, CandleRow, Print, TickerRow
from desk.wire.stamps import NS

DEMO_KEY = "DEMO-KEY-of-the-embedded-exchange-opens-nothing-else"
DEMO_SECRET = base64.b64encode(hashlib.sha512(b"demo secret of the embedded exchange").digest()).decode()
TOKEN_S = 900
TOKEN_PATH = "/0/private/GetWebSocketsToken"  # noqa: S105 - a path, not a secret
ARGUMENTS = "EGeneral:Invalid arguments"


class MarketData(Protocol):
    """The market's answers, each from one moment; prices in ticks, quantities in lots, times in ns."""

    def levels(self, symbol: str, side: Side, depth: int) -> Sequence[tuple[int, int, int]]:
        """(price, quantity, order count), best first."""
        ...

    def tape(self, symbol: str, since: int, count: int) -> Sequence[Print]:
        """At most `count` prints: the first after `since`, or, when `since` is 0, the last; oldest first."""
        ...

    def candles(self, symbol: str, interval: int, count: int) -> Sequence[CandleRow]:
        """The last `count` candles of `interval` minutes, oldest first, the last one running."""
        ...

    def ticker(self, symbol: str) -> TickerRow: ...


class Credentials:
    """Who may ask for a token, which nonces were used, and which tokens are still good."""

    def __init__(self, key: str = DEMO_KEY, secret: str = DEMO_SECRET) -> None:
        self.key, self.secret = key, secret
        self._last_nonce = 0
        self._good_until: dict[str, float] = {}  # token → monotonic seconds

    def refusal(self, key: str, signature: str, path: str, nonce: str, body: bytes) -> str | None:
        """Why a private request is refused, in Kraken's words; None when it may be answered. Uses up its nonce."""
        if not _same(key, self.key):
            return "EAPI:Invalid key"
        if not _same(signature, sign(self.secret, path, nonce, body)):
            return "EAPI:Invalid signature"
        if not nonce.isascii() or not nonce.isdigit() or len(nonce) > 20 or int(nonce) <= self._last_nonce:
            return "EAPI:Invalid nonce"
        self._last_nonce = int(nonce)
        return None

    def new_token(self) -> str:
        now = time.monotonic()
        self._good_until = {token: until for token, until in self._good_until.items() if until > now}
        token = secrets.token_urlsafe(33)
        self._good_until[token] = now + TOKEN_S
        return token

    def valid(self, token: str) -> bool:
        """Whether a subscription may use the token now."""
        return self._good_until.get(token, 0.0) > time.monotonic()


class ExchangeRest:
    """The handlers of the REST routes. Without a market (a recording) only names, precisions and tokens are served."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        market: MarketData | None,
        now: Callable[[], int],
        credentials: Credentials,
    ) -> None:
        self.instruments, self.market, self.now, self.credentials = instruments, market, now, credentials

    def routes(self) -> list[web.RouteDef]:
        """What to add to an application's router."""
        public: dict[str, Callable[[Mapping[str, str]], bytes]] = {
            "SystemStatus": lambda _: wire.result(wire.system_status(self.now())),
            "Time": lambda _: wire.result(wire.server_time(self.now())),
            "Assets": lambda _: wire.result(wire.assets(self.instruments.values())),
            "AssetPairs": self._asset_pairs,
            "Ticker": self._ticker,
            "OHLC": self._ohlc,
            "Depth": self._depth,
            "Trades": self._trades,
        }
        routes = [
            web.route(method, f"/0/public/{name}", _handler(answer))
            for name, answer in public.items()
            for method in ("GET", "POST")  # Kraken takes both
        ]
        return [
            *routes,
            web.post(TOKEN_PATH, self._token),
            web.route("*", "/0/{call:.*}", _unknown),
        ]

    # --- public

    def _asset_pairs(self, query: Mapping[str, str]) -> bytes:
        found = self._pairs(query)
        return wire.failure("EQuery:Unknown asset pair") if found is None else wire.result(wire.asset_pairs(found))

    def _ticker(self, query: Mapping[str, str]) -> bytes:
        found = self._pairs(query)
        if found is None:
            return wire.failure("EQuery:Unknown asset pair")
        if self.market is None:
            return _UNAVAILABLE
        return wire.result({key: wire.ticker(inst, self.market.ticker(inst.symbol)) for key, inst in found.items()})

    def _pairs(self, query: Mapping[str, str]) -> dict[str, Instrument] | None:
        """The pairs that a request names, all when it names none; None when one of them is unknown."""
        names = query.get("pair")
        if not names:
            return {wire.pair_key(symbol): inst for symbol, inst in self.instruments.items()}
        found = {}
        for name in names.split(","):
            pair = wire.find_pair(name.strip(), self.instruments)
            if pair is None:
                return None
            found[pair[0]] = self.instruments[pair[1]]
        return found

    def _ohlc(self, query: Mapping[str, str]) -> bytes:
        asked = self._one(query, "interval", 1, "since", 0)
        if isinstance(asked, bytes):
            return asked
        key, inst, market, interval, since = asked
        if interval not in INTERVALS:
            return wire.failure(ARGUMENTS)
        rows = market.candles(inst.symbol, interval, wire.OHLC_MAX + 1)
        closed_at = rows[-2].begin // NS if len(rows) > 1 else 0
        later = [row for row in rows if row.begin // NS > since] if since else rows
        return wire.result({key: wire.ohlc(inst, later), "last": closed_at})

    def _depth(self, query: Mapping[str, str]) -> bytes:
        asked = self._one(query, "count", 100, "count", 100)
        if isinstance(asked, bytes):
            return asked
        key, inst, market, count, _ = asked
        if not 1 <= count <= wire.DEPTH_MAX:
            return wire.failure(f"{ARGUMENTS}:count")
        bids, asks = (market.levels(inst.symbol, side, count) for side in (Side.BUY, Side.SELL))
        return wire.result({key: wire.depth(inst, bids, asks, self.now())})

    def _trades(self, query: Mapping[str, str]) -> bytes:
        asked = self._one(query, "count", wire.TRADES_MAX, "since", 0)
        if isinstance(asked, bytes):
            return asked
        key, inst, market, count, since = asked
        if not 1 <= count <= wire.TRADES_MAX:
            return wire.failure(f"{ARGUMENTS}:count")
        if 0 < since < 10**12:  # seconds are accepted as well as ns
            since *= NS
        prints = market.tape(inst.symbol, since, count)
        last = prints[-1].ts if prints else since
        return wire.result({key: wire.trades(inst, prints), "last": str(last)})

    def _one(
        self, query: Mapping[str, str], first: str, usual_first: int, second: str, usual_second: int
    ) -> tuple[str, Instrument, MarketData, int, int] | bytes:
        """One pair and two whole numbers of a request, or the refusal."""
        name = query.get("pair", "")
        pair = wire.find_pair(name, self.instruments) if name else None
        if pair is None:
            return wire.failure("EQuery:Unknown asset pair" if name else ARGUMENTS)
        if self.market is None:
            return _UNAVAILABLE
        numbers = query.get(first, str(usual_first)), query.get(second, str(usual_second))
        if not all(n.isascii() and n.isdigit() and len(n) <= 20 for n in numbers):
            return wire.failure(ARGUMENTS)
        return pair[0], self.instruments[pair[1]], self.market, int(numbers[0]), int(numbers[1])

    # --- private

    async def _token(self, request: web.Request) -> web.Response:
        body = await request.read()
        nonce = _nonce(request, body)
        headers = request.headers
        key, signature = headers.get("API-Key", ""), headers.get("API-Sign", "")
        if error := self.credentials.refusal(key, signature, TOKEN_PATH, nonce, body):
            return _json(wire.failure(error))
        return _json(wire.result({"token": self.credentials.new_token(), "expires": TOKEN_S}))


def _same(given: str, expected: str) -> bool:
    """Equality that takes the same time wherever the difference is; headers may hold any bytes."""
    return hmac.compare_digest(given.encode(errors="surrogateescape"), expected.encode())


def _nonce(request: web.Request, body: bytes) -> str:
    """The nonce of a form or JSON body; empty when there is none."""
    if request.content_type != "application/json":
        return _form(body).get("nonce", "")
    try:
        return str(msgspec.json.decode(body, type=dict[str, object]).get("nonce", ""))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""


def _form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


def _handler(answer: Callable[[Mapping[str, str]], bytes]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        query = dict(request.query)
        if request.method == "POST":
            query |= _form(await request.read())
        return _json(answer(query))

    return handle


async def _unknown(_: web.Request) -> web.Response:
    return _json(wire.failure("EGeneral:Unknown method"))


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


_UNAVAILABLE = wire.failure("EService:Unavailable: a recording holds no market data for REST")
