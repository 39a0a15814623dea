"""A market-data connection: drives a sans-IO session over a real WebSocket, on picows.

The frame callback runs inside the event loop's read: the receive time is taken there, and the frame goes straight to
the engine, with no queue between; market data that came in one read goes there together. Where a server offers the
subprotocol "stamped" (a recording served again), each frame carries the time it was recorded, and keeps it.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable, Iterable
from socket import SO_ERROR, SOL_SOCKET
from time import perf_counter_ns

from picows import WSCloseCode, WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from desk.errors import DeskError
from desk.events import Event, Frame, LinkDown, LinkUp
from desk.wire.session import Close, Do, Open, Send, Session

CLOSE, DATA = WSMsgType.CLOSE, (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION)
MAX_FRAME = 16 << 20  # a full level3 snapshot is about 125 B an order
POLL_S = 0.1
TOGETHER = 128  # frames of one read that are handed on at once: the first does not wait long, all are in the cache


class Feed:
    """One link: connects, reconnects, subscribes, and posts LinkUp, Frame and LinkDown events.

    `burst` is given market data that came in one read: its time, this link's number, the frames, and perf_counter_ns
    when the first was there.
    """

    def __init__(
        self,
        number: int,
        session: Session,
        url: str,
        post: Callable[[Event, int], None],
        clock: Callable[[], int],
        token: Callable[[], Awaitable[str]] | None = None,
        burst: Callable[[int, int, list[bytes], int], None] | None = None,
        *,
        stamped: bool = False,
    ) -> None:
        self.number, self.session, self.url = number, session, url
        self.post, self.clock, self.token, self.stamped = post, clock, token, stamped
        self.burst = burst if burst is not None else self._one_by_one
        self.finished = asyncio.Event()  # a recording was served to its end
        self.last_error = ""
        self.stamp = 0  # the recorded time of the last frame, where frames carry one
        self.quiet = session.codec.quiet
        self._socket: WSTransport | None = None
        self.parts: list[bytes] = []
        self._watcher: asyncio.Task[None] | None = None
        self._stopping = False

    async def run(self) -> None:
        """Keep the link alive until `stop` or the end of a recording."""
        while not self._stopping and not self.finished.is_set():
            await self._do(self.session.woke(self.clock()))
            await asyncio.sleep(POLL_S)
            if self._socket is not None and (why := _broken(self._socket)):
                self._now(Close(why))
            if self._watcher is not None and self._watcher.done():
                self._watcher.result()  # what went wrong behind the callback is our own bug: it ends the run, loudly
        if self._watcher is not None:
            await self._watcher

    def stop(self) -> None:
        """Hang up for good."""
        self._stopping = True
        self.hang_up()

    def hang_up(self) -> None:
        """End this connection; the session opens another one."""
        if self._socket is not None:
            self._socket.disconnect()

    def resync(self, channel: str, symbol: str) -> None:
        """Subscribe to one book again."""
        for do in self.session.resync(channel, symbol, self.clock()):
            self._now(do)

    async def _do(self, what: Iterable[Do]) -> None:
        for do in what:
            if isinstance(do, Open):
                await self._open()
            else:
                self._now(do)

    def _now(self, do: Do) -> None:
        if isinstance(do, Send) and self._socket is not None:
            self._socket.send(WSMsgType.TEXT, do.raw)
        elif isinstance(do, Close):
            self.last_error = do.why
            if self._socket is not None:
                self._socket.disconnect(graceful=False)

    async def _open(self) -> None:
        try:
            token = await self.token() if self.token is not None else ""
            socket, listener = await ws_connect(
                lambda: _Listener(self, token),
                self.url,
                ssl_context=ssl.create_default_context() if self.url.startswith("wss") else None,
                websocket_handshake_timeout=self.session.policy.connect / 1e9,
                max_frame_size=MAX_FRAME,
                extra_headers={"Sec-WebSocket-Protocol": "stamped"} if self.stamped else None,
            )
        except (OSError, TimeoutError, WSError, DeskError) as err:
            self.lost(f"cannot connect to {self.url}: {str(err) or type(err).__name__}")
        else:
            self._watcher = asyncio.create_task(self._until_lost(socket, listener))

    async def _until_lost(self, socket: WSTransport, listener: WSListener) -> None:
        try:
            await socket.wait_disconnected()
        except (OSError, WSError) as err:
            self.lost(f"larger than {MAX_FRAME >> 20} MiB: {err}" if "max allowed size" in str(err) else str(err))
        else:
            self.lost(getattr(listener, "close", "") or "connection lost")

    # --- called by the listener

    def opened(self, socket: WSTransport, token: str) -> None:
        self._socket = socket
        if self._stopping:  # it was being opened when `stop` was called
            socket.disconnect()
        self.parts.clear()
        self.last_error = ""
        now = self.clock()
        self.post(LinkUp(self.stamp or now, self.number), perf_counter_ns())
        for do in self.session.opened(now, token):
            self._now(do)

    def frame(self, data: bytes, received: int) -> None:
        now = self.clock()
        ts = now
        if self.stamped:
            stamp, _, data = data.partition(b"\t")
            ts = self.stamp = int(stamp)
        if self.quiet and data.startswith(self.quiet):
            self.session.heard_at = now
        else:
            for do in self.session.received(data, now):
                self._now(do)
        self.post(Frame(ts, self.number, data), received)

    def _one_by_one(self, ts: int, link: int, frames: list[bytes], received: int) -> None:
        for data in frames:
            self.post(Frame(ts, link, data), received)

    def lost(self, why: str) -> None:
        self._socket = None
        now = self.clock()
        self.last_error = self.last_error or why
        for do in self.session.lost(now):
            self._now(do)
        if not self._stopping and not self.finished.is_set():
            self.post(LinkDown(self.stamp or now, self.number, self.last_error), perf_counter_ns())


def _broken(socket: WSTransport) -> str:
    """Why the system gave up a connection of which the loop has not told us; "" while it did not.

    A reset that finds bytes waiting is not seen otherwise: uvloop 0.22 answers an error on a descriptor of add_reader,
    which is how picows reads, with one last call of the reader and then watches the descriptor no more. Where that call
    reads bytes and not the error, only silence would be noticed, 5 s later.
    """
    handle = socket.underlying_transport.get_extra_info("socket")
    if handle is None or handle.fileno() < 0:
        return ""
    number = handle.getsockopt(SOL_SOCKET, SO_ERROR)
    return f"connection lost: {os.strerror(number)}" if number else ""


class _Listener(WSListener):
    def __init__(self, feed: Feed, token: str) -> None:
        super().__init__()
        self.feed, self.token = feed, token
        self.close = ""
        self.on_ws_frame, self._sweep = self._receiver()  # type: ignore[method-assign, assignment]

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.feed.opened(transport, self.token)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._sweep()

    def _receiver(self) -> tuple[Callable[[WSTransport, WSFrame], None], Callable[[], None]]:
        """`on_ws_frame`, and what hands on the frames it keeps. Closures: a method costs a frame 0.1 µs more."""
        feed, parts = self.feed, self.feed.parts
        quiet = b"" if feed.stamped else feed.quiet
        # What lies between begins so: half the cost of `startswith`. Nothing does where nothing is quiet.
        low, high = (quiet, quiet[:-1] + bytes((quiet[-1] + 1,))) if quiet else (b"", b"")
        together: list[bytes] = []  # of the read under way
        large = False  # one of them may be beyond the limit
        ts = received = 0  # when the first of them was here
        swept = True  # no sweep is on its way

        def hand_on() -> None:
            nonlocal together
            frames, together = together, []
            self._hand_on(frames, ts, received, large)

        def sweep() -> None:
            nonlocal swept
            swept = True
            if together:
                hand_on()

        def on_ws_frame(transport: WSTransport, frame: WSFrame) -> None:
            nonlocal ts, received, swept, large
            data = frame.get_payload_as_bytes()
            if low < data < high and frame.fin and not parts:
                # No other kind of frame begins so, and to ask for the kind costs 0.25 us; such a frame holds no answer.
                if not together:
                    received, ts = perf_counter_ns(), feed.clock()
                    large = len(data) + frame.tail_size > MAX_FRAME
                together.append(data)
                if frame.last_in_buffer or len(together) == TOGETHER:
                    hand_on()
                elif swept:
                    # The last frame of a read does not always come here: picows answers a ping by itself, and stops at
                    # bytes that are no frame.
                    swept = False
                    asyncio.get_running_loop().call_soon(sweep)
                return
            if together:
                hand_on()
            self._other(transport, frame, data)

        return on_ws_frame, sweep

    def _hand_on(self, frames: list[bytes], ts: int, received: int, large: bool) -> None:
        feed = self.feed
        if self.close:
            return  # nothing behind it counts
        feed.session.heard_at = ts
        if large and max(map(len, frames)) > MAX_FRAME:
            del frames[next(n for n, data in enumerate(frames) if len(data) > MAX_FRAME) :]
            self._too_large()
        if len(frames) > 1:
            feed.burst(ts, feed.number, frames, received)
        elif frames:
            feed.post(Frame(ts, feed.number, frames[0]), received)

    def _other(self, transport: WSTransport, frame: WSFrame, data: bytes) -> None:
        """A frame that is not plain market data, or not a whole message."""
        received, parts = perf_counter_ns(), self.feed.parts
        kind = frame.msg_type
        if kind == CLOSE:
            code, reason = frame.get_close_code(), bytes(frame.get_close_message() or b"")
            self.close = f"closed by the venue: {code:d} {reason.decode(errors='replace')}".strip()
            if self.feed.stamped and code == WSCloseCode.OK:
                self.feed.finished.set()
            transport.disconnect()
        elif kind in DATA:
            if self.close:
                return  # nothing behind it counts
            if sum(map(len, parts), len(data)) > MAX_FRAME:
                self._too_large()
                return
            if not frame.fin or parts:
                parts.append(data)
                if not frame.fin:
                    return
                data = b"".join(parts)
                parts.clear()
            self.feed.frame(data, received)

    def _too_large(self) -> None:
        """picows 2.3 refuses a frame beyond the limit, and gives it all the same where it is whole by then."""
        self.close = f"larger than {MAX_FRAME >> 20} MiB"
        self.feed.hang_up()
