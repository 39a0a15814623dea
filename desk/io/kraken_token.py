"""Asks Kraken's REST for a WebSocket token. The token and the key are never logged."""

from __future__ import annotations

from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from desk.errors import Retryable
from desk.wire.kraken_auth import TOKEN_PATH, token_of, token_request

PATIENCE_S = 10.0


def fetch_token(rest_url: str, key: str, secret: str, nonce: int) -> str:
    """A token for one connection. Raises Retryable when the venue cannot be asked, Final when it refuses."""
    if not rest_url.startswith(("http://", "https://")):
        raise Retryable(f"{rest_url!r} is not an http address")
    headers, body = token_request(key, secret, nonce)
    request = Request(rest_url + TOKEN_PATH, data=body, headers=headers, method="POST")  # noqa: S310 - checked above
    try:
        with urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
            return token_of(answer.read())
    except HTTPError as err:
        return token_of(err.read())
    except (URLError, OSError) as err:
        raise Retryable(f"{rest_url}{TOKEN_PATH}: {err}") from err
