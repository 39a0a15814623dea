"""Binance and Coinbase on this machine: small servers that play a recording in the venue's own protocol.

They may lose one frame of it. Each keeps the book it has told of, so that it can give a snapshot at any moment, as the
venue does.
"""

from __future__ import annotations

import asyncio
import json

from aiohttp import WSMsgType, web

from desk.io.frames import read_frames
from desk.market.l2 import L2Book
from desk.market.sequence import DiffChain
from desk.messages import BookUpdate, Side
from desk.wire.binance import BinanceCodec
from desk.wire.coinbase import CoinbaseCodec

WHOLE = 1 << 30


class Server:
    """Runs one app on a free port; `async with` it."""

    def __init__(self, path, wanted, lose=(), step_s=0.003):
        self.frames = list(read_frames(path))
        self.wanted, self.lose, self.step_s = wanted, lose, step_s  # subscriptions to wait for; (symbol, nth update)
        self.books = {}  # by the venue's name: what it has told of
        self.sockets = {}
        self.counted = {}  # by name: updates it has told of
        self.player = None
        self.ended = asyncio.Event()
        app = web.Application()
        app.add_routes([web.get("/ws", self.accept), web.get("/api/v3/depth", self.depth)])
        self.runner = web.AppRunner(app, shutdown_timeout=0.2)

    async def __aenter__(self):
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.address = f"127.0.0.1:{self.runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_):
        if self.player is not None:
            self.player.cancel()
        await self.runner.cleanup()

    async def accept(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets[socket] = set()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    said = json.loads(message.data)
                    await self.answer(socket, said)
                    if self.player is None and len(self.sockets[socket]) >= self.wanted:
                        self.player = asyncio.create_task(self.play())
        finally:
            del self.sockets[socket]
        return socket

    async def play(self):
        for frame in self.frames:
            if await self.tell(frame):
                await asyncio.sleep(self.step_s)
        self.ended.set()

    def lost(self, name):
        """Whether this update of a symbol is one that never arrives."""
        self.counted[name] = self.counted.get(name, 0) + 1
        return (name, self.counted[name]) in self.lose

    async def depth(self, request):
        raise web.HTTPNotFound


def levels(book, codec, name):
    inst = codec.instruments[name]
    return [
        [[inst.px_text(px), inst.qty_text(qty)] for px, qty, _ in book.levels(side, WHOLE)]
        for side in (Side.BUY, Side.SELL)
    ]


class BinanceServer(Server):
    """Streams and the REST depth of the recorded symbols."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.codec, self.chains = BinanceCodec(), {}
        self.ready = asyncio.Condition()

    async def answer(self, socket, said):
        if said["method"] == "SUBSCRIBE":
            self.sockets[socket].update(said["params"])
        result = None if said["method"] != "LIST_SUBSCRIPTIONS" else sorted(self.sockets[socket])
        await socket.send_str(json.dumps({"result": result, "id": said["id"]}))

    async def tell(self, frame):
        if frame.direction == "R":
            rest = json.loads(frame.data)
            await self.take(self.codec.answer("depth", rest["symbol"], json.dumps(rest["body"]).encode()))
            return False
        await self.take(self.codec.decode(frame.data))
        stream = json.loads(frame.data)["stream"]
        if "@depth" in stream and self.lost(stream.partition("@")[0].upper()):
            return True
        listening = [socket for socket, streams in self.sockets.items() if stream in streams]
        for socket in listening:
            await socket.send_str(frame.data.decode())
        return bool(listening)

    async def take(self, messages):
        async with self.ready:
            for message in messages:
                if isinstance(message, BookUpdate):
                    name = message.inst.partition("@")[0]
                    chain = self.chains.setdefault(name, DiffChain(name))
                    for update in chain.apply(message):
                        self.books.setdefault(name, L2Book(WHOLE)).apply(update)
            self.ready.notify_all()

    async def depth(self, request):
        name = request.query["symbol"]
        async with self.ready:
            await self.ready.wait_for(lambda: name in self.books)
            bids, asks = levels(self.books[name], self.codec, name)
            return web.json_response({"lastUpdateId": self.chains[name].last, "bids": bids, "asks": asks})


class CoinbaseServer(Server):
    """The `level2` channel; every frame of a connection gets its next number, a lost one too."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.codec = CoinbaseCodec()
        self.numbers = {}
        self.when = ""  # the time of the recorded frame before
        for frame in self.frames:
            said = json.loads(frame.data)
            if said["channel"] == "l2_data" and said["events"][0]["type"] == "snapshot":
                self.take(frame.data)

    async def answer(self, socket, said):
        topics = self.sockets[socket]
        names = said.get("product_ids", ["heartbeats"])
        for name in names:
            topic = said["channel"], name
            if said["type"] == "unsubscribe":
                topics.discard(topic)
            elif topic not in topics:
                topics.add(topic)
                if topic[0] == "level2":
                    await self.send(socket, {"channel": "l2_data", "events": [self.snapshot(name)]})
        standing = {}
        for channel, name in sorted(topics):
            standing.setdefault(channel, []).append(name)
        await self.send(socket, {"channel": "subscriptions", "events": [{"subscriptions": standing}]})

    def snapshot(self, name):
        bids, asks = levels(self.books[name], self.codec, name)
        rows = [("bid", px, qty) for px, qty in bids] + [("offer", px, qty) for px, qty in asks]
        updates = [{"side": s, "event_time": self.when, "price_level": px, "new_quantity": qty} for s, px, qty in rows]
        return {"type": "snapshot", "product_id": name, "updates": updates}

    async def send(self, socket, said, *, lost=False):
        number = self.numbers[socket] = self.numbers.get(socket, -1) + 1
        if not lost:
            said = {"channel": said["channel"], "timestamp": self.when, **said}
            await socket.send_str(json.dumps({**said, "sequence_num": number}, separators=(",", ":")))

    async def tell(self, frame):
        said = json.loads(frame.data)
        if said["channel"] != "l2_data" or said["events"][0]["type"] == "snapshot":
            return False
        name = said["events"][0]["product_id"]
        self.take(frame.data)
        lost = self.lost(name)
        listening = [socket for socket, topics in self.sockets.items() if ("level2", name) in topics]
        for socket in listening:
            await self.send(socket, said, lost=lost)
        return bool(listening)

    def take(self, raw):
        self.when = json.loads(raw)["timestamp"]
        for message in self.codec.decode(raw):
            if isinstance(message, BookUpdate):
                name = message.inst.partition("@")[0]
                self.books.setdefault(name, L2Book(WHOLE)).apply(message)
