"""The peers in process: the same frames as bytes in, their own book out."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import msgspec

from benchmarks.contenders import Contender, Given, Result, Work
from benchmarks.contenders.measure import load, spent, text_crc

LESS = "no checksum, no cut to depth: levels the venue dropped stay"  # its book is not compared


class Level(msgspec.Struct, gc=False):
    price: Decimal
    qty: Decimal


class Book(msgspec.Struct, gc=False):
    bids: list[Level]
    asks: list[Level]
    checksum: int


class BookFrame(msgspec.Struct, gc=False):
    data: tuple[Book]


def order_book(given: Given) -> Work:
    """The C library `order-book` behind msgspec's typed decoder with Decimals; its own checksum, every frame."""
    from order_book import OrderBook

    data = load(given)
    decode = msgspec.json.Decoder(BookFrame).decode

    def work() -> Result:
        book = OrderBook(max_depth=given["depth"], max_depth_strict=True, checksum_format="KRAKEN")
        proven = 0

        def go() -> None:
            nonlocal proven
            bids, asks, checksum = book.bids, book.asks, book.checksum
            for raw in data:
                (update,) = decode(raw).data
                for side, levels in ((bids, update.bids), (asks, update.asks)):
                    for level in levels:
                        if level.qty:
                            side[level.price] = level.qty
                        elif level.price in side:
                            del side[level.price]
                proven += checksum() == update.checksum

        result = spent(go, len(data))
        return {**result, "proven": proven, "wrong": len(data) - proven, "final": book.checksum()}

    return work


def kraken_sdk(given: Given) -> Work:
    """python-kraken-sdk's `SpotOrderBookClient`: json, its book, its checksum of every update."""
    from kraken.spot import SpotOrderBookClient

    data = load(given)

    def work() -> Result:
        seen: list[dict[str, Any]] = []

        class Client(SpotOrderBookClient):  # type: ignore[misc]
            async def on_book_update(self, pair: str, message: dict[str, Any]) -> None:
                seen.append(message)

        async def go() -> Result:
            client = Client(depth=given["depth"])
            know_decimals(client)
            ack = {"method": "subscribe", "result": {"channel": "book", "symbol": "BTC/USD"}, "success": True}
            await client.on_message(ack)
            loop = asyncio.get_running_loop()

            async def feed() -> None:
                for raw in data:
                    await client.on_message(json.loads(raw))

            task = feed()

            def run() -> None:  # to its end without the loop: nothing in it waits
                try:
                    task.send(None)
                except StopIteration:
                    return
                raise RuntimeError("python-kraken-sdk waited for the network: it asked for a new snapshot")

            result = spent(run, len(data))
            assert loop.is_running()
            return {**result, "proven": len(seen), "wrong": len(data) - len(seen), "final": sdk_crc(client)}

        return asyncio.run(go())

    return work


def know_decimals(client: Any) -> None:
    """It asks REST for the pair's decimals on the first snapshot: answer from here."""

    def pairs(pair: Any = None) -> dict[str, Any]:
        return {"BTC/USD": {"pair_decimals": 1, "lot_decimals": 8}}

    client._SpotOrderBookClient__market.get_asset_pairs = pairs


def sdk_crc(client: Any) -> int:
    """The checksum of the book it holds."""
    held = client.get(pair="BTC/USD")
    asks, bids = ([(px, str(qty)) for px, (qty, *_) in list(held[side].items())[:10]] for side in ("ask", "bid"))
    return text_crc(asks, bids)


def nautilus(channel: str) -> Contender:
    """nautilus_trader's Rust `OrderBook`, fed with deltas that msgspec's typed decoder made; it checks no checksum."""

    def prepare(given: Given) -> Work:
        data = load(given)

        def work() -> Result:
            book = NautilusBook(channel)
            apply = book.apply

            def go() -> None:
                for raw in data:
                    apply(raw)

            return {**spent(go, len(data)), "does less": LESS}

        return work

    return prepare


class Row(msgspec.Struct, gc=False):
    price: float
    qty: float


class Rows(msgspec.Struct, gc=False):
    bids: list[Row]
    asks: list[Row]


class Order(msgspec.Struct, gc=False):
    order_id: str
    limit_price: float
    order_qty: float
    event: str = "add"


class Orders(msgspec.Struct, gc=False):
    bids: list[Order]
    asks: list[Order]


class RowsFrame(msgspec.Struct, gc=False):
    data: tuple[Rows]


class OrdersFrame(msgspec.Struct, gc=False):
    data: tuple[Orders]


class NautilusBook:
    """A nautilus book that takes Kraken frames; nothing in it cuts to the subscribed depth."""

    def __init__(self, channel: str) -> None:
        from nautilus_trader.model import data, enums, identifiers, objects
        from nautilus_trader.model.book import OrderBook

        self.inst = identifiers.InstrumentId.from_str("BTC/USD.KRAKEN")
        levels = channel == "book"
        self.book = OrderBook(self.inst, enums.BookType.L2_MBP if levels else enums.BookType.L3_MBO)
        self.decode: Any = msgspec.json.Decoder(RowsFrame if levels else OrdersFrame).decode
        self.apply = self._rows if levels else self._orders
        self.delta, self.order, self.deltas = data.OrderBookDelta, data.BookOrder, data.OrderBookDeltas
        self.price, self.size = objects.Price, objects.Quantity
        self.buy, self.sell = enums.OrderSide.BUY, enums.OrderSide.SELL
        self.act = {"add": enums.BookAction.ADD, "modify": enums.BookAction.UPDATE, "delete": enums.BookAction.DELETE}
        self.ids: dict[str, int] = {}

    def _rows(self, raw: bytes) -> None:
        (update,) = self.decode(raw).data
        made = [
            self.delta(
                self.inst,
                self.act["modify"] if row.qty else self.act["delete"],
                self.order(side, self.price(row.price, 1), self.size(row.qty, 8), 0),
                0,
                0,
                0,
                0,
            )
            for side, rows in ((self.buy, update.bids), (self.sell, update.asks))
            for row in rows
        ]
        self.book.apply_deltas(self.deltas(self.inst, made))

    def _orders(self, raw: bytes) -> None:
        (update,) = self.decode(raw).data
        ids = self.ids
        made = [
            self.delta(
                self.inst,
                self.act[order.event],
                self.order(
                    side,
                    self.price(order.limit_price, 1),
                    self.size(order.order_qty, 8),
                    ids.setdefault(order.order_id, len(ids) + 1),
                ),
                0,
                0,
                0,
                0,
            )
            for side, orders in ((self.buy, update.bids), (self.sell, update.asks))
            for order in orders
        ]
        if made:
            self.book.apply_deltas(self.deltas(self.inst, made))
