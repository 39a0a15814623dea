"""Private calls wait for a proven clock, and are refused while it is wrong."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from desk.errors import Retryable
from desk.market.venue_time import VenueTime

PATIENCE_S = 5.0  # for the first measurement: the public connection's first ping is answered within one round
LOOK_S = 0.05


def guarded(
    call: Callable[[], Awaitable[str]], time: VenueTime, patience_s: float = PATIENCE_S
) -> Callable[[], Awaitable[str]]:
    """The same call, made only while the venue's clock is within its limit of ours.

    Raises Retryable with the clock's numbers otherwise: the connection that asked is tried again later.
    """

    async def ask() -> str:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while time.error_ns is None:  # noqa: ASYNC110 - the market knows no asyncio
                    await asyncio.sleep(LOOK_S)
        if refusal := time.refusal:
            raise Retryable(refusal)
        return await call()

    return ask
