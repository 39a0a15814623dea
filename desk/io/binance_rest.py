"""The REST call a Binance book begins with: its whole depth."""

from __future__ import annotations

from collections.abc import Callable
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from desk.errors import Retryable
from desk.intents import Fetch
from desk.wire.binance import depth_path

PATIENCE_S = 10.0
PACE_S = 0.6  # 100 calls a minute, of a weight of 50 each, are under Binance's 6000
BANNED_S = 60.0  # where the venue refuses us for asking too often and does not say for how long
TOO_OFTEN = (418, 429)


class TooOften(Retryable):
    """The venue counts our calls and wants none for `wait_s` seconds."""

    def __init__(self, why: str, wait_s: float) -> None:
        super().__init__(why)
        self.wait_s = wait_s


def binance_rest(rest_url: str, limit: int) -> dict[str, Callable[[Fetch], bytes]]:
    """What the engine may ask Binance's REST, by call: a book's depth, see `fetch_depth`."""
    return {"depth": lambda ask: fetch_depth(rest_url, ask.symbol, limit)}


def fetch_depth(rest_url: str, symbol: str, limit: int) -> bytes:
    """The venue's answer, verbatim, an error of its own too. Raises Retryable when it cannot be asked.

    1000 levels weigh 50 of the 6000 a minute that an address may ask for.
    """
    url = rest_url.rstrip("/") + quote(depth_path(symbol, limit), safe="/?&=")
    if urlsplit(url).scheme not in ("http", "https"):
        raise Retryable(f"{url!r} is not an http address; check $.binance.rest_url")
    try:
        with urlopen(Request(url), timeout=PATIENCE_S) as answer:  # noqa: S310 - checked above
            return bytes(answer.read())
    except HTTPError as err:
        if err.code in TOO_OFTEN:
            said = err.headers.get("Retry-After", "")
            wait_s = float(said) if said.isdecimal() else BANNED_S
            raise TooOften(f"{url}: HTTP {err.code}, asked too often; waiting {wait_s:.0f} s", wait_s) from err
        return bytes(err.read())
    except (URLError, OSError) as err:
        raise Retryable(f"{url}: {err}") from err
