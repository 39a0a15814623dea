"""What tests ask of a venue over its WebSocket, and how they wait for its answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection


async def ask(client: ClientConnection, method: str, req_id: int = 1, **params: Any) -> None:
    await client.send(json.dumps({"method": method, "params": params, "req_id": req_id}))


async def until(client: ClientConnection, **wanted: Any) -> dict[str, Any]:
    """The next frame that has these values, whatever comes before it."""
    while True:
        frame = json.loads(await asyncio.wait_for(client.recv(), 5))
        if all(frame.get(name) == value for name, value in wanted.items()):
            return frame  # type: ignore[no-any-return]
