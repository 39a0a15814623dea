"""A venue that lies, stalls and resets, on loopback: what the desk's own feed does about it."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import struct
import time

import pytest
import uvloop
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.server import ServerProtocol

from desk.config import Config
from desk.events import Frame, LinkDown, LinkUp
from desk.io.websocket import MAX_FRAME, Feed
from desk.messages import Subscription
from desk.run.clock import now_ns
from desk.run.source import embedded
from desk.wire.kraken import KrakenCodec
from desk.wire.session import Policy, Session

pytestmark = pytest.mark.e2e
HEARTBEAT = '{"channel":"heartbeat"}'


async def watch(behave, seconds, bursts=None, **policy):
    """Run a feed for some seconds against a server that `behave`s; what it posted, and how often it was called."""
    posted, calls = [], []

    async def handle(connection):
        calls.append(time.monotonic())
        try:
            await connection.recv()
            await behave(connection, len(calls))
            await connection.wait_closed()
        except ConnectionClosed:
            pass

    async with serve(handle, "127.0.0.1", 0, compression=None, max_size=None) as server:
        port = server.sockets[0].getsockname()[1]
        session = Session(KrakenCodec(), [Subscription("book", "A/B", 10)], Policy(**policy), lambda n: 0)
        feed = Feed(0, session, f"ws://127.0.0.1:{port}/v2", lambda e, at: posted.append((time.monotonic(), e)), now_ns)
        if bursts is not None:
            feed.burst = lambda ts, link, frames, at: bursts.append((ts, frames))
        task = asyncio.create_task(feed.run())
        await asyncio.sleep(seconds)
        feed.stop()
        await asyncio.wait_for(task, 2)
    return posted, calls


def downs(posted):
    return [(at, event.why) for at, event in posted if isinstance(event, LinkDown)]


async def test_a_frozen_server_is_noticed_and_left():
    """TCP stays open and nothing comes: the missing heartbeat is the only sign (5 s live, 1 s here)."""

    async def freeze(connection, call):
        await connection.send(HEARTBEAT)

    posted, calls = await watch(freeze, 3.0, silence=1_000_000_000)
    heard = next(at for at, event in posted if isinstance(event, Frame))
    at, why = downs(posted)[0]
    assert "silent for" in why
    assert 0.9 < at - heard < 2.0
    assert len(calls) >= 2


def framed(*texts: str) -> bytes:
    return b"".join(bytes((0x81, len(text))) + text.encode() for text in texts)


@pytest.mark.parametrize("behind", [b"\x89\x00", b"\xff\xff\xff\xff"])
async def test_frames_of_a_read_arrive_though_the_last_of_it_is_not_for_us(behind):
    """A ping is answered by the library itself, and bytes that are no frame end the connection."""

    async def send(connection, call):
        if call == 1:
            connection.transport.write(framed(HEARTBEAT, HEARTBEAT, HEARTBEAT) + behind)

    posted, _ = await watch(send, 0.4)
    first = [event for _, event in posted][:4]
    assert [type(event) for event in first] == [LinkUp, Frame, Frame, Frame]
    assert bool(downs(posted)) is (behind[0] == 0xFF)


async def test_what_came_in_one_read_is_handed_on_together_and_in_order():
    """At the time of the first; an answer among them comes by itself."""
    made = [f'{{"channel":"ticker","n":{n}}}' for n in range(150)]
    made[100] = '{"method":"pong","req_id":1}'

    async def send(connection, call):
        connection.transport.write(framed(*made))

    bursts: list[tuple[int, list[bytes]]] = []
    posted, _ = await watch(send, 0.4, bursts)
    single = [event.data for _, event in posted if isinstance(event, Frame)]
    together = [data for _, frames in bursts for data in frames]
    assert sorted(single + together) == sorted(text.encode() for text in made)
    assert made[100].encode() in single
    assert together == [text.encode() for text in made if text.encode() in set(together)]
    assert max(len(frames) for _, frames in bursts) > 1
    assert [ts for ts, _ in bursts] == sorted(ts for ts, _ in bursts)


async def test_a_close_is_named_and_followed_by_a_reconnect_that_subscribes_again():
    """Maintenance closes are routine."""

    async def leave(connection, call):
        if call == 1:
            await connection.close(1012, "restart")

    posted, calls = await watch(leave, 2.0)
    assert "1012 restart" in downs(posted)[0][1]
    assert len(calls) == 2
    assert sum(isinstance(event, LinkUp) for _, event in posted) == 2


def test_a_reset_that_finds_bytes_waiting_is_noticed_on_uvloop():
    """uvloop then reads once more and never again: without a look at the socket only silence would tell (5 s)."""
    beat = b"\x81\x17" + HEARTBEAT.encode()

    async def go():
        posted, lost, loop = [], asyncio.Event(), asyncio.get_running_loop()

        def post(event, at):
            posted.append(event)
            if len(posted) == 2:  # the first heartbeat, in the loop's own read: what follows waits for its next look
                ours = feed._socket.underlying_transport.get_extra_info("socket").fileno()
                peer.send(beat)
                select.select([ours], [], [], 5)  # it is here
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.close()
                errors = select.poll()
                errors.register(ours, 0)
                errors.poll(5_000)  # and so is the reset
            elif isinstance(event, LinkDown):
                lost.set()

        with socket.create_server(("127.0.0.1", 0)) as server:
            server.setblocking(False)
            session = Session(KrakenCodec(), [Subscription("book", "A/B", 10)], Policy(), lambda n: 0)
            feed = Feed(0, session, f"ws://127.0.0.1:{server.getsockname()[1]}/v2", post, now_ns)
            task = asyncio.create_task(feed.run())
            peer, _ = await loop.sock_accept(server)
            protocol = ServerProtocol()
            protocol.receive_data(await loop.sock_recv(peer, 4096))
            protocol.send_response(protocol.accept(protocol.events_received()[0]))
            await loop.sock_sendall(peer, b"".join(protocol.data_to_send()))
            asked = 0
            while asked < 2:  # the subscription and a ping: the feed has nothing more to send, which would also tell it
                protocol.receive_data(await loop.sock_recv(peer, 4096))
                asked += len(protocol.events_received())
            await loop.sock_sendall(peer, beat)
            await asyncio.wait_for(lost.wait(), 20)
            feed.stop()
        await asyncio.wait_for(task, 20)
        return posted

    up, first, second, down = uvloop.run(go())[:4]
    assert (type(up), first.data, second.data) == (LinkUp, HEARTBEAT.encode(), HEARTBEAT.encode())
    assert down.why == "connection lost: Connection reset by peer"


async def test_bytes_that_are_not_utf8_arrive_as_they_are_and_keep_the_line():
    """The journal keeps them; the engine's decoder refuses them; the next frame counts."""

    async def garble(connection, call):
        await connection.send(b"\xff\xfe{", text=True)
        await connection.send(HEARTBEAT)

    posted, calls = await watch(garble, 1.0)
    assert [event.data for _, event in posted if isinstance(event, Frame)] == [b"\xff\xfe{", HEARTBEAT.encode()]
    assert len(calls) == 1


async def test_a_message_in_pieces_is_put_together():
    """Fragments are legal."""

    async def pieces(connection, call):
        async def parts():
            for part in ('{"channel":', '"heart', 'beat"}'):
                yield part

        await connection.send(parts())

    posted, _ = await watch(pieces, 0.7)
    assert [event.data for _, event in posted if isinstance(event, Frame)] == [HEARTBEAT.encode()]


async def test_a_frame_beyond_the_limit_ends_the_connection_with_its_reason():
    """16 MiB is far above any real snapshot; beyond it memory is at risk."""

    async def flood(connection, call):
        if call == 1:
            await connection.send("x" * (MAX_FRAME + 1))

    posted, calls = await watch(flood, 3.0)
    assert "larger than 16 MiB" in downs(posted)[0][1]
    assert not any(isinstance(event, Frame) for _, event in posted)
    assert len(calls) >= 2


async def test_a_message_beyond_the_limit_in_pieces_is_one_too():
    """Each piece is small enough; what is put together is not."""

    async def flood(connection, call):
        async def parts():
            for _ in range(3):
                yield "x" * (MAX_FRAME // 2)

        if call == 1:
            await connection.send(parts())

    posted, calls = await watch(flood, 2.0)
    assert "larger than 16 MiB" in downs(posted)[0][1]
    assert not any(isinstance(event, Frame) for _, event in posted)
    assert len(calls) >= 2


async def test_a_server_that_is_not_there_is_tried_again_and_named():
    """One reason with the address, no exception out of the feed."""
    session = Session(KrakenCodec(), [Subscription("book", "A/B", 10)], Policy(), lambda n: 0)
    posted = []
    feed = Feed(0, session, "ws://127.0.0.1:1/v2", lambda event, at: posted.append(event), now_ns)
    task = asyncio.create_task(feed.run())
    await asyncio.sleep(0.8)
    feed.stop()
    await asyncio.wait_for(task, 2)
    assert session.attempts >= 2
    assert "cannot connect to ws://127.0.0.1:1/v2" in posted[0].why


async def test_an_error_of_our_own_behind_the_callback_ends_the_feed_with_it():
    """A feed that goes on without its engine would look alive and be deaf."""

    async def beat(connection):
        await connection.recv()
        await connection.send(HEARTBEAT)
        await connection.wait_closed()

    def broken(event, received):
        if isinstance(event, Frame):
            raise ZeroDivisionError("a bug in the engine")

    async with serve(beat, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        session = Session(KrakenCodec(), [Subscription("book", "A/B", 10)], Policy(), lambda n: 0)
        feed = Feed(0, session, f"ws://127.0.0.1:{port}/v2", broken, now_ns)
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(feed.run(), 5)


async def test_a_venue_process_that_is_stopped_is_left_within_five_and_a_half_seconds(tmp_path):
    """SIGSTOP: its sockets stay open and even accept bytes. The policy that runs live, on a real clock."""
    source = await embedded(Config(), ("BTC/USDT",), 1, tmp_path / "exchange.log")
    posted, begun = [], asyncio.Event()

    def post(event, received):
        posted.append((time.monotonic(), event))
        if isinstance(event, Frame) and b'"snapshot"' in event.data:
            begun.set()

    session = Session(KrakenCodec(), [Subscription("book", "BTC/USDT", 10)], Policy(), lambda n: 0)
    feed = Feed(0, session, source.urls[0], post, now_ns)
    task = asyncio.create_task(feed.run())
    try:
        await asyncio.wait_for(begun.wait(), 10)
        os.kill(source.child.process.pid, signal.SIGSTOP)
        await asyncio.sleep(5.8)
    finally:
        os.kill(source.child.process.pid, signal.SIGCONT)
        feed.stop()
        await asyncio.wait_for(task, 12)
        await source.child.stop()
    at, why = downs(posted)[0]
    heard = max(then for then, event in posted if isinstance(event, Frame) and then <= at)  # later ones: it came back
    assert "silent for 5." in why
    assert 4.9 < at - heard <= 5.5
