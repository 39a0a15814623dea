"""A recorded session served again over the same WebSocket, frame by frame, byte by byte.

Every client gets the recording from its beginning: the `status` that opened it at once, the rest from its first
subscribe request on, at the recorded pace divided by `speed` (0: as fast as the client reads). Acknowledgements come as
recorded; where a requested topic has none, one is made, with the smallest depth that holds the file's largest snapshot.
After the last frame the socket closes with 1000, "end of recording". Nothing else is sent, no heartbeat of our own; a
ping is answered, except to clients of the subprotocol `stamped`.

`stamped` clients get every frame behind its receive time in ns and a tab, so a replay keeps the clock of its recording:
    1785644622178672600\t{"channel":"status",…}
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from desk.errors import FeedError
from desk.instrument import Instrument
from desk.wire import kraken_venue as wire
from desk.wire.kraken_venue import BOOK_DEPTHS, LEVEL3_DEPTHS, Topic
from desk.wire.stamps import NS, parse_ns

STAMPED = "stamped"
SILENT_STEP = 1_000_000  # ns between frames whose time nobody noted
NO_TIME = 1_000_000_000 * NS  # where the recording has no time at all
_TIME = re.compile(rb'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)"')
_CHANNEL = re.compile(rb'"channel":"([a-z0-9]{1,20})"')
MAX_REQUEST = 1 << 20  # bytes
GOODBYE_S = 1.0  # for a client to close too when we stop
READ_ON_S = 60.0  # for a client to read what the system holds for it (some MB), and the end of the recording behind it
_BREATH = 64  # frames sent in one go before other clients get their turn
_PIECE = 1 << 16  # bytes written at once to a client that is served without a pace
_AHEAD = 1 << 20  # bytes written and not yet taken by the system, beyond which the client is waited for
_KEPT = 32 << 20  # bytes of a recording that are kept as they were written, for the next client
_WAIT_S = 0.0005


class Recorded(Protocol):
    """One line of a recording."""

    @property
    def ts(self) -> int | None: ...

    @property
    def direction(self) -> str: ...

    @property
    def data(self) -> bytes: ...


Frames = Callable[[], Iterator[Recorded]]  # a fresh reading of the recording, from its first line


class Contents(NamedTuple):
    """What a recording holds: which topics, which of them acknowledged, and when it begins."""

    topics: dict[tuple[str, str], int]  # (channel, symbol) → depth or interval, 0 where it does not apply
    acknowledged: frozenset[tuple[str, str]]
    instruments: dict[str, Instrument]
    begin: int


class _Entry(msgspec.Struct):
    symbol: str = ""
    bids: tuple[msgspec.Raw, ...] = ()
    asks: tuple[msgspec.Raw, ...] = ()
    interval: int = 0


class _Data(msgspec.Struct):
    channel: str
    data: tuple[_Entry, ...] = ()


class _Result(msgspec.Struct):
    channel: str = ""
    symbol: str = ""


class _Ack(msgspec.Struct):
    method: str = ""
    success: bool = False
    result: _Result = msgspec.field(default_factory=_Result)


def survey(frames: Frames, name: str) -> Contents:
    """Read a recording once. Raises FeedError when it holds no Kraken v2 market data."""
    topics: dict[tuple[str, str], int] = {}
    acknowledged: set[tuple[str, str]] = set()
    decimals: dict[str, tuple[int, int]] = {}
    begin: int | None = None
    told: int | None = None
    first = True
    for frame in frames():
        if frame.direction != "<":
            continue
        if first:
            begin, first = frame.ts, False
        if told is None and begin is None and (found := _TIME.search(frame.data)):
            told = parse_ns(found[1].decode())
        _note(frame.data, topics, acknowledged, decimals)
    if not topics:
        raise FeedError(
            f"{name}: no Kraken v2 market data in it. Give a recording of book, level3, trade or ohlc frames"
        )
    for channel, offered in (("book", BOOK_DEPTHS), ("level3", LEVEL3_DEPTHS)):
        # One depth for the whole file: a thin symbol's snapshot is shorter than what was subscribed.
        largest = max((size for topic, size in topics.items() if topic[0] == channel), default=0)
        depth = next((d for d in offered if d >= largest), offered[-1])
        topics |= {topic: depth for topic in topics if topic[0] == channel}
    instruments = {symbol: Instrument(symbol, "kraken", *places) for symbol, places in decimals.items()}
    return Contents(topics, frozenset(acknowledged), instruments, begin if begin is not None else told or NO_TIME)


def _note(
    raw: bytes,
    topics: dict[tuple[str, str], int],
    acknowledged: set[tuple[str, str]],
    decimals: dict[str, tuple[int, int]],
) -> None:
    """Add what one frame shows. Frames that are not Kraken v2 show nothing: they are served all the same."""
    try:
        if b'"method":"subscribe"' in raw:
            ack = msgspec.json.decode(raw, type=_Ack)
            if ack.success:
                acknowledged.add((ack.result.channel, ack.result.symbol))
            return
        found = _CHANNEL.search(raw)
        channel = found[1].decode() if found else ""
        if channel == "instrument":
            topics.setdefault((channel, ""), 0)
        if channel not in ("book", "level3", "trade", "ticker", "ohlc"):
            return
        entries = msgspec.json.decode(raw, type=_Data).data
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return
    for entry in entries:
        topic = channel, entry.symbol
        size = entry.interval or max(_levels(channel, entry.bids), _levels(channel, entry.asks))
        topics[topic] = max(size, topics.get(topic, 0)) if b'"type":"snapshot"' in raw else topics.get(topic, size)
        if channel != "ticker":  # its volume and vwap have decimals of their own
            px, qty = decimals.get(entry.symbol, (0, 0))
            decimals[entry.symbol] = max(px, _places(raw, _PRICE)), max(qty, _places(raw, _QUANTITY))


_PRICE = re.compile(rb'"(?:price|limit_price|close)":\d+\.(\d+)')
_QUANTITY = re.compile(rb'"(?:qty|order_qty|volume)":\d+\.(\d+)')


def _places(raw: bytes, number: re.Pattern[bytes]) -> int:
    found = number.search(raw)
    return len(found[1]) if found else 0


def _levels(channel: str, rows: tuple[msgspec.Raw, ...]) -> int:
    """Price levels of one side of a snapshot: rows of a book, different prices of orders."""
    if channel != "level3":
        return len(rows)
    return len({found[0] for row in rows if (found := re.search(rb'"limit_price":[0-9.]+', bytes(row)))})


def text_head(size: int) -> bytes:
    """The head of an unmasked, final WebSocket text frame of `size` bytes (RFC 6455, 5.2).

    >>> text_head(5).hex(), text_head(200).hex(), text_head(70_000).hex()
    ('8105', '817e00c8', '817f0000000000011170')
    """
    if size < 126:
        return bytes((0x81, size))
    return b"\x81\x7e" + size.to_bytes(2, "big") if size < 1 << 16 else b"\x81\x7f" + size.to_bytes(8, "big")


class RecordedExchange:
    """The handler of the WebSocket route over a recording."""

    def __init__(self, frames: Frames, contents: Contents, speed: float) -> None:
        self.frames, self.contents, self.speed = frames, contents, speed
        self.sockets: dict[web.WebSocketResponse, None] = {}
        self.poured: dict[bool, list[bytes]] = {}  # what a client got without a pace, by whether it was stamped

    async def accept(self, request: web.Request) -> web.WebSocketResponse:
        """Serve the recording to one client."""
        socket = web.WebSocketResponse(
            timeout=READ_ON_S, max_msg_size=MAX_REQUEST, decode_text=False, protocols=(STAMPED,)
        )
        await socket.prepare(request)
        self.sockets[socket] = None
        run = _Run(self, socket, request.transport)
        playing, listening = asyncio.create_task(run.play()), asyncio.create_task(run.listen())
        try:
            await asyncio.wait((playing, listening), return_when=asyncio.FIRST_COMPLETED)
            if playing.done():
                code, why = playing.result()
                # While another task still receives, aiohttp's close() does not wait for the client to close too: it
                # ends the connection at once, and the next word of the client resets it with the last frames unread.
                listening.cancel()
                await asyncio.wait((listening,))
                await socket.close(code=code, message=why)
            else:
                listening.result()
        except ConnectionResetError:
            pass
        finally:
            del self.sockets[socket]
            playing.cancel()
            listening.cancel()
            await asyncio.gather(playing, listening, return_exceptions=True)
        return socket

    async def close(self) -> None:
        """Say goodbye to every client."""
        await asyncio.gather(*map(_say_goodbye, self.sockets), return_exceptions=True)


async def _say_goodbye(socket: web.WebSocketResponse) -> None:
    async with asyncio.timeout(GOODBYE_S):
        await socket.close(code=WSCloseCode.GOING_AWAY, message=b"exchange stopped")


class _Run:
    """One client's way through the recording."""

    def __init__(
        self, exchange: RecordedExchange, socket: web.WebSocketResponse, transport: asyncio.Transport | None
    ) -> None:
        self.contents, self.speed, self.socket, self.transport = exchange.contents, exchange.speed, socket, transport
        self.poured = exchange.poured
        self.stamped = socket.ws_protocol == STAMPED
        self.now = exchange.contents.begin
        self._asked = asyncio.Event()  # a subscription came that the recording serves
        self._answered = set(self.contents.acknowledged)  # topics whose subscription needs no word of ours
        self._frames = self._timed(exchange.frames())
        self._next = next(self._frames, None)

    def _timed(self, frames: Iterator[Recorded]) -> Iterator[tuple[int, bytes]]:
        """What the venue sent, each frame with a time."""
        last: int | None = None
        for frame in frames:
            if frame.direction != "<":
                continue
            following = self.contents.begin if last is None else last + SILENT_STEP
            last = following if frame.ts is None else frame.ts
            yield last, frame.data

    async def _send(self, frame: bytes) -> None:
        await self.socket.send_frame(b"%d\t%s" % (self.now, frame) if self.stamped else frame, WSMsgType.TEXT)

    async def listen(self) -> None:
        """Answer requests until the client leaves."""
        async for message in self.socket:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY) and await self.answer(bytes(message.data)):
                self._asked.set()

    async def _greet(self) -> None:
        """Send the frames that a venue sends before anybody asked."""
        while self._next is not None and b'"channel":"status"' in self._next[1][:40]:
            self.now, frame = self._next
            self._next = next(self._frames, None)
            await self._send(frame)

    async def answer(self, raw: bytes) -> bool:
        """Answer a request where the recording does not; True when it is a subscription that the recording serves."""
        request = wire.read_request(raw)
        if isinstance(request, wire.Ping):
            if not self.stamped:
                await self._send(wire.pong(request.req_id, self.now, self.now))
            return False
        if isinstance(request, wire.Malformed):
            await self._refuse(request.error, request.method, "", request.req_id)
            return False
        served = False
        for symbol in request.symbols if request.channel != "instrument" else ("",):
            topic = request.channel, symbol
            if topic not in self.contents.topics and topic not in self.contents.acknowledged:
                held = ", ".join(f"{channel} {name}".strip() for channel, name in self.contents.topics)
                error = f"Currency pair not supported {symbol[:40]}: the recording holds {held}, not {request.channel}"
                await self._refuse(error, request.method, symbol, request.req_id)
                continue
            if request.method == "unsubscribe":
                self._answered.discard(topic)
            else:
                served = True
                if topic in self._answered:
                    continue
                self._answered.add(topic)
            made = Topic(request.channel, symbol, self.contents.topics.get(topic, 0))
            await self._send(wire.ack(request.method, made, True, request.req_id, self.now, self.now))
        return served

    async def _refuse(self, error: str, method: str, symbol: str, req_id: int | None) -> None:
        await self._send(wire.refusal(error, method, symbol, req_id, self.now, self.now))

    async def _pour(self, transport: asyncio.Transport) -> None:
        """The rest of the recording as fast as the client reads: many frames a write, each framed here."""
        kept = self.poured.get(self.stamped)
        for piece in kept if kept is not None else self._pieces():
            transport.write(piece)
            await asyncio.sleep(0)
            while transport.get_write_buffer_size() > _AHEAD and not transport.is_closing():  # noqa: ASYNC110
                await asyncio.sleep(_WAIT_S)
        self._next = None

    def _pieces(self) -> Iterator[bytes]:
        """The rest of the recording as it is written; kept for the next client where it is not large."""
        made: list[bytes] = []
        piece: list[bytes] = []
        size = total = 0
        while self._next is not None:
            self.now, frame = self._next
            self._next = next(self._frames, None)
            data = b"%d\t%s" % (self.now, frame) if self.stamped else frame
            piece.append(text_head(len(data)) + data)
            size += len(data)
            if size >= _PIECE or self._next is None:
                total += size
                whole = b"".join(piece)
                if total <= _KEPT:
                    made.append(whole)
                else:
                    made.clear()
                yield whole
                piece.clear()
                size = 0
        if total <= _KEPT:
            self.poured[self.stamped] = made

    async def play(self) -> tuple[int, bytes]:
        """Send the recording at its pace, from the first subscription on; what the close frame is to say."""
        loop = asyncio.get_running_loop()
        sent = 0
        try:
            await self._greet()
            await self._asked.wait()
            begun_at, begun = loop.time(), self._next[0] if self._next else self.now
            if not self.speed and self.transport is not None:
                await self._pour(self.transport)
            while self._next is not None:
                at, frame = self._next
                wait = (at - begun) / NS / (self.speed or 1e9) - (loop.time() - begun_at)
                if wait > 0.0:
                    await asyncio.sleep(wait)
                elif sent % _BREATH == 0:
                    await asyncio.sleep(0)
                self.now = at
                self._next = next(self._frames, None)
                await self._send(frame)
                sent += 1
        except FeedError as err:
            return WSCloseCode.INTERNAL_ERROR, str(err).encode()[:120]
        return WSCloseCode.OK, b"end of recording"
