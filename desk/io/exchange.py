"""The embedded exchange's WebSocket: Kraken v2 towards clients, a small protocol towards the market behind it.

Kept towards every client: `status` first; one acknowledgement per symbol, before its snapshot; a snapshot before its
updates; nothing of a topic after its unsubscribe is acknowledged; a heartbeat each second from the first subscription
on. Frames wait in a queue of the client's own: one that does not read is cut off when its queue is full, and never
slows the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from aiohttp import ClientConnectionResetError, WSCloseCode, WSMsgType, web

from desk.instrument import Instrument
from desk.wire import kraken_venue as wire
from desk.wire.kraken_venue import Topic

MAX_REQUEST = 1 << 20  # bytes
MAX_WAITING = 16 << 20  # bytes of one client's unread frames; the largest level3 snapshots are a few MB
HEARTBEAT_S = 1.0
GOODBYE_S = 1.0  # a client that does not answer a close frame holds up nobody's exit
log = logging.getLogger(__name__)


class Venue(Protocol):
    """The market behind the socket. Every answer is immediate and belongs to one moment."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """By symbol."""
        ...

    def now(self) -> int:
        """ns since 1970 UTC."""
        ...

    def open(self, topic: Topic) -> bytes:
        """The snapshot frame of a topic, which is published from here on; each `open` is matched by one `close`."""
        ...

    def close(self, topic: Topic) -> None: ...


class Line:
    """One connected client: what it follows, and what it has yet to read."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.BaseTransport | None) -> None:
        self.socket, self.transport = socket, transport
        self.topics: dict[tuple[str, str, int], Topic] = {}
        self.beat: asyncio.TimerHandle | None = None
        self.waiting = 0
        self.cut = False
        self._frames: deque[bytes] = deque()
        self._wake = asyncio.Event()

    def send(self, frame: bytes) -> None:
        """Queue a frame; a client whose queue is full is cut off."""
        if self.cut:
            return
        self.waiting += len(frame)
        if self.waiting > MAX_WAITING:
            self._cut_off()
            return
        self._frames.append(frame)
        self._wake.set()

    def _cut_off(self) -> None:
        # A close frame would wait behind what the client does not read: only aborting frees the memory at once.
        log.warning("client too slow", extra={"waiting_bytes": self.waiting})
        self.cut = True
        self._frames.clear()
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    async def write(self) -> None:
        """Send queued frames in order until the connection ends."""
        frames = self._frames
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while frames:
                    frame = frames.popleft()
                    await self.socket.send_frame(frame, WSMsgType.TEXT)
                    self.waiting -= len(frame)
        except (ClientConnectionResetError, ConnectionResetError):
            return


class ExchangeSocket:
    """The handler of the WebSocket route. `valid_token` judges the tokens of level3 subscriptions."""

    def __init__(self, venue: Venue, valid_token: Callable[[str], bool]) -> None:
        self.venue, self.valid_token = venue, valid_token
        self.subscribers: dict[Topic, dict[Line, None]] = {}  # a dict keeps the order in which they came
        self.lines: dict[Line, None] = {}
        self.connections = 0

    def publish(self, topic: Topic, frame: bytes) -> None:
        """Hand a frame to everybody who follows the topic."""
        for line in self.subscribers.get(topic, ()):
            line.send(frame)

    async def accept(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one client until it leaves."""
        socket = web.WebSocketResponse(timeout=GOODBYE_S, max_msg_size=MAX_REQUEST, decode_text=False)
        await socket.prepare(request)
        line = Line(socket, request.transport)
        self.lines[line] = None
        self.connections += 1
        line.send(wire.status((self.connections << 32) | (self.venue.now() & 0xFFFFFFFF)))
        writer = asyncio.create_task(line.write())
        try:
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    self._answer(line, bytes(message.data))
        finally:
            self._drop(line)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return socket

    async def close(self) -> None:
        """Say goodbye to every client."""
        goodbyes = (line.socket.close(code=WSCloseCode.GOING_AWAY, message=b"exchange stopped") for line in self.lines)
        await asyncio.gather(*goodbyes, return_exceptions=True)

    def _drop(self, line: Line) -> None:
        line.cut = True
        if line.beat is not None:
            line.beat.cancel()
        for topic in line.topics.values():
            self._leave(line, topic)
        line.topics.clear()
        self.lines.pop(line, None)

    def _leave(self, line: Line, topic: Topic) -> None:
        followers = self.subscribers[topic]
        del followers[line]
        if not followers:
            del self.subscribers[topic]
        self.venue.close(topic)

    # --- requests

    def _answer(self, line: Line, raw: bytes) -> None:
        time_in = self.venue.now()
        request = wire.read_request(raw)
        if isinstance(request, wire.Ping):
            line.send(wire.pong(request.req_id, time_in, self.venue.now()))
        elif isinstance(request, wire.Malformed):
            line.send(wire.refusal(request.error, request.method, "", request.req_id, time_in, self.venue.now()))
        else:
            answer = self._subscribe if request.method == "subscribe" else self._unsubscribe
            for symbol in request.symbols if request.channel != "instrument" else ("",):
                if error := answer(line, request, symbol, time_in):
                    now = self.venue.now()
                    line.send(wire.refusal(error, request.method, symbol, request.req_id, time_in, now))

    def _subscribe(self, line: Line, request: wire.Subscribe, symbol: str, time_in: int) -> str | None:
        topic = wire.topic_of(request, symbol, self.venue.instruments)
        if isinstance(topic, str):
            return topic
        if topic.channel == "level3" and not self.valid_token(request.token):
            return "ESession:Invalid session"
        seat = _seat(topic)
        if seat in line.topics:
            return "Already subscribed"
        snapshot = request.snapshot if request.snapshot is not None else topic.channel != "trade"
        frame = self.venue.open(topic)
        line.topics[seat] = topic
        self.subscribers.setdefault(topic, {})[line] = None
        line.send(wire.ack("subscribe", topic, snapshot, request.req_id, time_in, self.venue.now()))
        if snapshot:
            line.send(frame)
        if line.beat is None:
            self._beat_later(line)
        return None

    def _unsubscribe(self, line: Line, request: wire.Subscribe, symbol: str, time_in: int) -> str | None:
        topic = line.topics.get((request.channel, symbol, (request.interval or 1) if request.channel == "ohlc" else 0))
        if topic is None or (request.depth and request.depth != topic.detail):
            return "Subscription not found"
        del line.topics[_seat(topic)]
        self._leave(line, topic)
        line.send(wire.ack("unsubscribe", topic, False, request.req_id, time_in, self.venue.now()))
        return None

    def _beat_later(self, line: Line) -> None:
        def beat() -> None:
            line.send(wire.HEARTBEAT)
            self._beat_later(line)

        line.beat = asyncio.get_running_loop().call_later(HEARTBEAT_S, beat)


def _seat(topic: Topic) -> tuple[str, str, int]:
    """What a connection can hold once: a symbol has one depth, but may have candles of several lengths."""
    return topic.channel, topic.symbol, topic.detail if topic.channel == "ohlc" else 0
