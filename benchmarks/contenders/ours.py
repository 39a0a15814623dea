"""The desk itself: bytes to a proven book, by frame and in batches, with the score, and through the whole engine."""

from __future__ import annotations

from benchmarks.contenders import Contender, Given, Result, Work
from benchmarks.contenders.measure import load, spent

INST, SYMBOL = "BTC/USD@kraken", "BTC/USD"


def by_frame(channel: str) -> Contender:
    """The hot path alone: a frame's bytes into the book, one call each, and its checksum compared."""

    def prepare(given: Given) -> Work:
        from desk.market.raw_l2 import RawL2Book
        from desk.market.raw_l3 import READ, RawL3Book
        from desk.messages import BookUpdate, OrdersUpdate
        from desk.wire.kraken import KrakenCodec

        data = load(given)

        def work() -> Result:
            codec = KrakenCodec()
            book = RawL2Book(given["depth"]) if channel == "book" else RawL3Book(given["depth"])
            proven = 0

            def go() -> None:
                nonlocal proven
                for message in codec.decode(data[0]):
                    if isinstance(message, (BookUpdate, OrdersUpdate)):
                        inst = codec.instruments[SYMBOL]
                        book.describe(inst.px_decimals, inst.qty_decimals, inst.symbol)
                        book.apply(message)  # type: ignore[arg-type]
                        proven += book.checksum == message.checksum
                feed = book.feed
                for raw in data[1:]:
                    if feed(raw) == READ:
                        proven += book.claimed == book.computed

            result = spent(go, len(data))
            return {**result, "proven": proven, "wrong": len(data) - proven, "final": book.checksum}

        return work

    return prepare


def by_message(channel: str) -> Contender:
    """The readable path: every frame through the typed decoder, then the same book."""

    def prepare(given: Given) -> Work:
        from desk.market.state import Track
        from desk.messages import BookUpdate, OrdersUpdate
        from desk.wire.kraken import KrakenCodec

        data = load(given)

        def work() -> Result:
            codec, track = KrakenCodec(), Track(INST, channel, 0, given["depth"])

            def go() -> None:
                for i, raw in enumerate(data):
                    for message in codec.decode(raw):
                        if isinstance(message, (BookUpdate, OrdersUpdate)):
                            track.apply(message, i)

            result = spent(go, len(data))
            return {**result, "proven": track.crc_ok, "wrong": track.crc_bad, "final": track.book.checksum}

        return work

    return prepare


def in_batches(given: Given) -> Work:
    """Many frames a call: what `verify-book` does with a recording's text."""
    from desk.market.raw_l2 import Lines, RawL2Book
    from desk.messages import BookUpdate
    from desk.wire.kraken import KrakenCodec

    data = load(given)
    text = b"\n".join(data[1:]) + b"\n"

    def work() -> Result:
        codec = KrakenCodec()
        book = RawL2Book(given["depth"])
        proven = 0

        def go() -> None:
            nonlocal proven
            for message in codec.decode(data[0]):
                if isinstance(message, BookUpdate):
                    inst = codec.instruments[SYMBOL]
                    book.describe(inst.px_decimals, inst.qty_decimals, inst.symbol)
                    book.apply(message)
            proven = book.claimed == book.computed
            lines = Lines(text)
            taken = book.feed_all(lines, 0)
            proven += taken.proven

        result = spent(go, len(data))
        return {**result, "proven": proven, "wrong": len(data) - proven, "final": book.checksum}

    return work


def scored(channel: str) -> Contender:
    """Bytes to a proven book, its features and its score, after every frame."""

    def prepare(given: Given) -> Work:
        from desk.events import Frame
        from desk.messages import LinkSpec, Subscription
        from desk.signals.watch import Watch
        from desk.wire.kraken import KrakenCodec
        from hft_signals import OrderBookAnalyzer

        data = load(given)
        links = (LinkSpec("bench", (Subscription(channel, SYMBOL, given["depth"]),)),)
        events = [Frame(i, 0, raw) for i, raw in enumerate(data)]

        def work() -> Result:
            watch = Watch("kraken", links, KrakenCodec(), OrderBookAnalyzer().score, {"*": 0.5})

            def go() -> None:
                for event in events:
                    watch.frame(event)

            result = spent(go, len(data))
            track = watch.markets[INST].tracks[channel]
            return {**result, "proven": track.crc_ok, "wrong": track.crc_bad, "final": track.book.checksum}

        return work

    return prepare
