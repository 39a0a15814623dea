"""A recording served again: verbatim, paced, stamped, and clear about what it does not hold."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from shared import shared
from venue_client import ask, until
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedOK

from desk.run.exchange import Address, serve_recording

pytestmark = pytest.mark.e2e
RECORDING = "captures/kraken_v2_book_ethusd_d25_20260802.frames.gz"


def recorded_frames() -> list[tuple[bytes, bytes]]:
    """(receive time, frame) of everything the venue sent."""
    with gzip.open(shared(RECORDING), "rb") as file:
        columns = [line.rstrip(b"\n").split(b"\t", 2) for line in file]
    return [(ts, frame) for ts, direction, frame in columns if direction == b"<"]


@pytest_asyncio.fixture
async def replayed(request: pytest.FixtureRequest) -> AsyncIterator[Address]:
    """A served recording; the parameter is (path or lines, speed)."""
    path, speed = request.param
    if isinstance(path, bytes):
        folder = request.getfixturevalue("tmp_path")
        (folder / "made.frames.gz").write_bytes(gzip.compress(path))
        path = folder / "made.frames.gz"
    else:
        path = shared(path)
    ready: asyncio.Future[Address] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    serving = asyncio.create_task(
        serve_recording(0, path, speed, announce=lambda address, *_: ready.set_result(address), until=stop)
    )
    yield await asyncio.wait_for(ready, 10)
    stop.set()
    await serving


async def everything(client: ClientConnection) -> list[bytes]:
    frames: list[bytes] = []

    async def read_on() -> None:
        while True:
            frames.append(await client.recv(decode=False))

    with pytest.raises(ConnectionClosedOK) as closed:
        await read_on()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1000, "end of recording")
    return frames


@pytest.mark.parametrize("replayed", [(RECORDING, 0.0)], indirect=True)
async def test_a_recording_comes_back_verbatim_to_every_client(replayed: Address) -> None:
    """Breaks replay: a frame that is not the recorded one proves nothing about the real venue."""
    async with connect(replayed.ws) as first, connect(replayed.ws) as second:
        for client in (first, second):
            await ask(client, "subscribe", channel="book", symbol=["ETH/USD"], depth=25)
            frames = await everything(client)
            assert frames == [frame for _, frame in recorded_frames()]
            assert len(frames) == 1170


LONG = b'-\t<\t{"channel":"book","type":"update","data":[{"symbol":"A/B"}],"pad":"%s"}\n' % (b"." * 1000) * 2000


@pytest.mark.parametrize("replayed", [(LONG, 0.0)], indirect=True)
async def test_a_client_that_reads_late_and_says_a_word_first_gets_all_to_the_close_frame(replayed: Address) -> None:
    """Breaks replays at full speed: a connection closed under bytes that nobody read yet is reset by the next word."""
    async with connect(replayed.ws, max_queue=1) as client:
        await ask(client, "subscribe", channel="book", symbol=["A/B"])
        await asyncio.sleep(0.3)  # what was sent is with the system by now, and most of it not with the client
        await client.send('{"method":"ping"}')
        assert len(await everything(client)) == 2001


@pytest.mark.parametrize("replayed", [(RECORDING, 0.0)], indirect=True)
async def test_a_stamped_client_gets_the_recorded_times(replayed: Address) -> None:
    """Breaks a replay's clock: without the recorded times nothing could be reproduced."""
    async with connect(replayed.ws, subprotocols=["stamped"]) as client:  # type: ignore[list-item]
        assert client.subprotocol == "stamped"
        await client.send('{"method":"ping"}')
        await ask(client, "subscribe", channel="book", symbol=["ETH/USD"], depth=25)
        assert await everything(client) == [ts + b"\t" + frame for ts, frame in recorded_frames()]


@pytest.mark.parametrize("replayed", [(RECORDING, 50.0)], indirect=True)
async def test_the_pace_is_the_recorded_one_divided_by_the_speed(replayed: Address) -> None:
    """Breaks replays watched by people, and time-outs that depend on the pace."""
    frames = recorded_frames()
    seconds = (int(frames[-1][0]) - int(frames[1][0])) / 1e9
    begun = asyncio.get_running_loop().time()
    async with connect(replayed.ws) as client:
        await ask(client, "subscribe", channel="book", symbol=["ETH/USD"], depth=25)
        assert len(await everything(client)) == 1170
    assert seconds / 50 <= asyncio.get_running_loop().time() - begun < seconds / 50 + 1.0


@pytest.mark.parametrize("replayed", [(RECORDING, 0.0)], indirect=True)
async def test_what_the_recording_does_not_hold_is_refused(replayed: Address) -> None:
    """Breaks a client that would wait for a symbol for ever; the refusal must say what there is."""
    async with connect(replayed.ws) as client:
        for number, (channel, symbol) in enumerate((("book", "BTC/USD"), ("trade", "ETH/USD"))):
            await ask(client, "subscribe", number, channel=channel, symbol=[symbol])
            refused = await until(client, req_id=number)
            assert refused["success"] is False
            assert "the recording holds book ETH/USD" in refused["error"]
        await client.send('{"method":"ping","req_id":9}')
        await until(client, method="pong", req_id=9)
    async with aiohttp.ClientSession() as web:
        async with web.get(f"{replayed.rest}/0/public/AssetPairs?pair=ETH/USD") as answer:
            pair = (await answer.json())["result"]["ETH/USD"]
        async with web.get(f"{replayed.rest}/0/public/Depth?pair=ETH/USD") as answer:
            assert "EService:Unavailable" in (await answer.json())["error"][0]
    assert (pair["pair_decimals"], pair["lot_decimals"]) == (2, 8)


BARE = (
    b'-\t<\t{"channel":"status","type":"update","data":[{"system":"online"}]}\n'
    b'-\t>\t{"method":"subscribe"}\n'
    b'-\t<\t{"channel":"book","type":"snapshot","data":[{"symbol":"A/B","bids":['
    + b",".join(b'{"price":%d.0,"qty":1.0}' % px for px in range(11))
    + b'],"asks":[],"checksum":1,"timestamp":"2026-08-02T04:23:43.191540Z"}]}\n'
    b'-\t<\t{"channel":"heartbeat"}\n'
)


@pytest.mark.parametrize("replayed", [(BARE, 0.0)], indirect=True)
async def test_a_recording_without_times_or_acknowledgements_gets_both(replayed: Address) -> None:
    """Breaks replays of captures that were stripped to their data: depth and clock must come from what is there."""
    begin = 1_785_644_623_191_540_000
    async with connect(replayed.ws, subprotocols=["stamped"]) as client:  # type: ignore[list-item]
        await ask(client, "subscribe", 4, channel="book", symbol=["A/B"], depth=10)
        frames = [frame.split(b"\t", 1) for frame in await everything(client)]
    assert [int(ts) for ts, _ in frames] == [begin, begin, begin + 1_000_000, begin + 2_000_000]
    ack = json.loads(frames[1][1])
    assert ack["result"] == {"channel": "book", "depth": 25, "snapshot": True, "symbol": "A/B"}
    assert ack["req_id"] == 4
    assert [frame for _, frame in frames if frame != frames[1][1]] == [
        line.split(b"\t", 2)[2] for line in BARE.splitlines() if line.split(b"\t")[1] == b"<"
    ]


@pytest.mark.parametrize("replayed", [(RECORDING, 1.0)], indirect=True)
async def test_a_client_that_leaves_and_comes_back_is_acknowledged_again(replayed: Address) -> None:
    """Breaks resynchronisation during a replay: the session would wait for an acknowledgement that never comes."""
    async with connect(replayed.ws) as client:
        await ask(client, "subscribe", 1, channel="book", symbol=["ETH/USD"])
        await until(client, channel="book", type="snapshot")
        for number, method in enumerate(("unsubscribe", "subscribe"), start=2):
            await ask(client, method, number, channel="book", symbol=["ETH/USD"])
            assert (await until(client, req_id=number))["result"]["depth"] == 25


@pytest.mark.parametrize(
    "replayed", [("captures/kraken_v1as2_book_5pairs_d1000_20210417a.frames.gz", 0.0)], indirect=True
)
async def test_a_thin_symbol_has_the_depth_of_the_file(replayed: Address) -> None:
    """Breaks thin books: cut to what their own snapshot held, they would lose the levels that come later."""
    async with connect(replayed.ws, max_size=None, close_timeout=0.1) as client:  # it leaves with frames unread
        await ask(client, "subscribe", channel="book", symbol=["OMG/USD", "BTC/CHF"])
        for symbol in ("OMG/USD", "BTC/CHF"):
            assert (await until(client, method="subscribe"))["result"] == {
                "channel": "book",
                "depth": 1000,
                "snapshot": True,
                "symbol": symbol,
            }
