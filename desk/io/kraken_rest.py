"""The calls the desk makes to Kraken's REST beside its sockets: a WebSocket token, history to warm up on, and
the trades and depths that its socket did not prove.

The token and the key are never logged.
"""

from __future__ import annotations

from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from desk.errors import Retryable
from desk.wire.kraken_auth import TOKEN_PATH, token_of, token_request

PATIENCE_S = 10.0


def fetch_token(rest_url: str, key: str, secret: str, nonce: int) -> str:
    """A token for one connection. Raises Retryable when the venue cannot be asked, Final when it refuses."""
    headers, body = token_request(key, secret, nonce)
    return token_of(_ask(rest_url + TOKEN_PATH, headers, body))


def fetch_minutes(rest_url: str, symbol: str) -> bytes:
    """The venue's answer about its last 720 one-minute candles, verbatim. Raises Retryable when it cannot be asked."""
    return _ask(f"{rest_url}/0/public/OHLC?pair={quote(symbol)}&interval=1", {}, None)


def fetch_trades(rest_url: str, symbol: str, since: int) -> bytes:
    """The venue's answer about at most 1000 prints after `since` (ns), verbatim. Raises Retryable."""
    return _ask(f"{rest_url}/0/public/Trades?pair={quote(symbol)}&since={since}&count=1000", {}, None)


def fetch_depth(rest_url: str, symbol: str, count: int) -> bytes:
    """The venue's answer about the best `count` levels a side, verbatim. Raises Retryable."""
    return _ask(f"{rest_url}/0/public/Depth?pair={quote(symbol)}&count={count}", {}, None)


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
