"""The calls the desk makes to Kraken's REST beside its sockets: a WebSocket token, history to warm up on, and
the trades and depths that its socket did not prove.

The token and the key are never logged.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from desk.errors import Retryable
from desk.intents import Fetch
from desk.wire.kraken_auth import TOKEN_PATH, token_of, token_request

PATIENCE_S = 10.0
PACE_S = 1.05  # Kraken counts about one public call a second per address


def fetch_token(rest_url: str, key: str, secret: str, nonce: int) -> str:
    """A token for one connection. Raises Retryable when the venue cannot be asked, Final when it refuses."""
    headers, body = token_request(key, secret, nonce)
    return token_of(_ask(rest_url + TOKEN_PATH, headers, body))


def kraken_rest(rest_url: str) -> dict[str, Callable[[Fetch], bytes]]:
    """What the engine may ask Kraken's public REST, by call: one-minute candles (the last 720), prints, a depth.

    Each gives the venue's answer verbatim, an error of its own too, and raises Retryable when it cannot be asked.
    """
    public = f"{rest_url}/0/public"
    return {
        "OHLC": lambda ask: _ask(f"{public}/OHLC?pair={quote(ask.symbol)}&interval=1", {}, None),
        "Trades": lambda ask: _ask(f"{public}/Trades?pair={quote(ask.symbol)}&since={ask.since}&count=1000", {}, None),
        "Depth": lambda ask: _ask(f"{public}/Depth?pair={quote(ask.symbol)}&count={ask.count}", {}, None),
    }


def _ask(url: str, headers: dict[str, str], body: bytes | None) -> bytes:
    if not url.startswith(("http://", "https://")):
        raise Retryable(f"{url!r} is not an http address")
    request = Request(url, data=body, headers=headers)  # noqa: S310 - checked above
    try:
        with urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
            return bytes(answer.read())
    except HTTPError as err:
        return bytes(err.read())
    except (URLError, OSError) as err:
        raise Retryable(f"{url}: {err}") from err
