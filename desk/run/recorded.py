"""A recording read for the analyzer: books sampled on a grid, tapes collected; what they say is desk.analysis' to tell.

Kraken (v2, and v1) by checksum, Binance and Coinbase by their numbers: a book that is in doubt is not sampled until its
next snapshot. The grid is that of the receive times; where a recording was made by another clock than the world's, or
by none, the venue's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, islice
from pathlib import Path

from msgspec.structs import replace

from desk.analysis.clusters import Looks
from desk.analysis.findings import Checks, Microstructure, Recorded
from desk.analysis.microstructure import SIZES, Sample, microstructure, sample
from desk.analysis.orderflow import order_flow
from desk.analysis.shape import MINUTE
from desk.errors import DecodeError, FeedError, GapError
from desk.instrument import Instrument
from desk.io.frames import RecordedFrame
from desk.market.numbered import TRACKS, CountedTrack
from desk.market.sequence import FrameCount
from desk.market.state import BookState, Track
from desk.messages import Ack, BookUpdate, Message, Numbered, Side, Trade, Trades
from desk.run.final_state import offered
from desk.run.recorded_days import frames_until
from desk.run.verify_book import LOOK, speaks_v1
from desk.run.verify_sequence import frame_messages, venue_among
from desk.wire.binance import BinanceCodec
from desk.wire.coinbase import CoinbaseCodec
from desk.wire.kraken import KrakenCodec
from desk.wire.kraken_v1 import KrakenV1Codec
from desk.wire.venues import LEAST, WHOLE

SECOND = 1_000_000_000
UPDATE = b'{"channel":"book","type":"update","data":[{"symbol":"'
OTHER = tuple(b'{"channel":"%s"' % name for name in (b"level3", b"ohlc", b"ticker", b"heartbeat", b"status"))
EPOCH = 1_000_000_000 * SECOND  # 2001: a receive time before it is another clock
ALL = 1 << 20  # levels: more than any book holds
AnyCodec = KrakenCodec | KrakenV1Codec | BinanceCodec | CoinbaseCodec
Symbols = tuple[str, ...]


class _Watched:
    """One book of the recording, looked at whenever the grid says so."""

    def __init__(self, track: Track, instrument: Instrument, every_ns: int, sizes: Sequence[float]) -> None:
        self.track, self.instrument, self.every, self.sizes = track, instrument, every_ns, sizes
        self.samples: list[Sample] = []
        self.looks = Looks(instrument)
        self.unproven = 0
        self.next = 0  # ns, the next grid time; 0 before the first message

    def look(self, now: int) -> None:
        """Sample every grid time up to `now` with the book as it still is."""
        if not self.next and now:
            self.next = now - now % self.every + self.every
        while 0 < self.next <= now:
            book = self.track.book
            if self.track.state is BookState.SYNCED and not book.one_sided and not book.crossed:
                bids, asks = book.levels(Side.BUY, ALL), book.levels(Side.SELL, ALL)
                self.samples.append(sample(self.next, bids, asks, self.instrument, self.sizes))
                self.looks.look(self.next, bids, asks)
            else:
                self.unproven += 1
            self.next += self.every

    def checks(self) -> Checks:
        """How often the venue's checksum was compared, up to the last grid time."""
        track = self.track
        return Checks(max(0, self.next - self.every), track.crc_ok + track.crc_bad, track.crc_bad, track.unchecked)


class _Reading:
    """Books and tapes while the frames go by."""

    def __init__(self, codec: AnyCodec, depth: int | None, every_ns: int, sizes: Sequence[float]) -> None:
        self.codec, self.depth, self.every, self.sizes = codec, depth, every_ns, sizes
        self.books: dict[str, _Watched] = {}
        self.depths: dict[str, int] = {}
        self.trades: dict[str, list[Trade]] = {}

    def read(self, frame: RecordedFrame) -> None:
        """One frame of the venue: an update of a known book as bytes, everything else decoded."""
        data, now = frame.data, frame.ts or 0
        if now > EPOCH:
            for each in self.books.values():
                each.look(now)
        if data.startswith(OTHER):
            return
        if now > EPOCH and data.startswith(UPDATE):
            symbol = data[len(UPDATE) : data.find(b'"', len(UPDATE))].decode(errors="replace")
            watched = self.books.get(symbol)
            if watched is not None and watched.track.read(data, now)[0]:
                return
        try:
            messages = self.decode(frame)
        except DecodeError:
            return
        for message in messages:
            self.take(message, now)

    def decode(self, frame: RecordedFrame) -> list[Message]:
        return self.codec.decode(frame.data) if frame.direction == "<" else []

    def take(self, message: Message, received: int) -> None:
        if isinstance(message, Ack) and message.success and message.depth and message.channel == "book":
            self.depths[message.symbol] = message.depth
        elif isinstance(message, Trades):
            for trade in message.trades:
                self.trades.setdefault(trade.inst.rpartition("@")[0], []).append(trade)
        elif isinstance(message, BookUpdate):
            watched = self.of(message)
            if received <= EPOCH:
                watched.look(message.ts_exch)
            if (fault := watched.track.apply(message, received)) is not None:
                self.doubted(watched.track, fault.why, received)

    def doubted(self, track: Track, why: str, now: int) -> None:
        """A book cannot be believed any more; a checksum's heals with its next snapshot."""

    def of(self, update: BookUpdate) -> _Watched:
        symbol = update.inst.rpartition("@")[0]
        if symbol not in self.books:
            instrument = self.codec.instruments[symbol]
            levels = max(len(update.bids), len(update.asks))
            depth = self.depths.get(symbol) or self.depth or offered("book", levels)
            track = self.track(update.inst, depth)
            track.describe(instrument)
            self.books[symbol] = _Watched(track, instrument, self.every, self.sizes)
        return self.books[symbol]

    def track(self, inst: str, depth: int) -> Track:
        return Track(inst, "book", 0, depth)


class _Numbered(_Reading):
    """Of a venue whose numbers prove its books: a gap ends them until another snapshot comes."""

    def __init__(self, codec: BinanceCodec | CoinbaseCodec, every_ns: int, sizes: Sequence[float]) -> None:
        super().__init__(codec, WHOLE, every_ns, sizes)
        self.wire = codec
        self.count = FrameCount(codec.venue)

    def decode(self, frame: RecordedFrame) -> list[Message]:
        return frame_messages(self.wire, frame)

    def take(self, message: Message, received: int) -> None:
        if not isinstance(message, Numbered):
            super().take(message, received)
            return
        if message.number == 0 and self.count.next > 1:  # another connection begins
            self.count = FrameCount(self.wire.venue)
            self._lost("another connection", received)
        try:
            self.count.apply(message)
        except GapError as err:
            self._lost(str(err), received)

    def doubted(self, track: Track, why: str, now: int) -> None:
        """Nothing that follows counts before another snapshot."""
        track.resubscribed(why, now)

    def _lost(self, why: str, received: int) -> None:
        for watched in self.books.values():
            if isinstance(watched.track, CountedTrack) and watched.track.lost(why, received) is not None:
                self.doubted(watched.track, why, received)

    def track(self, inst: str, depth: int) -> Track:
        track = TRACKS[self.wire.proof](inst, "book", 0, depth)
        track.wants()  # its snapshot is in the recording
        return track


def _reading(
    first: list[RecordedFrame], depth: int | None, every_ns: int, sizes: Sequence[float], of: Symbols
) -> _Reading:
    """For the venue that the first frames show."""
    if speaks_v1(first):
        return _Reading(KrakenV1Codec(), depth, every_ns, sizes)
    venue = venue_among(first)
    if venue == "binance":
        return _Numbered(BinanceCodec("binance", of), every_ns, sizes)
    if venue == "coinbase":
        return _Numbered(CoinbaseCodec("coinbase", of, LEAST), every_ns, sizes)
    return _Reading(KrakenCodec(), depth, every_ns, sizes)


def recorded(
    path: Path,
    every_ns: int = SECOND,
    sizes: Sequence[float] = SIZES,
    bucket_ns: int = 5 * MINUTE,
    depth: int | None = None,
    until: int | None = None,
    symbols: Symbols = (),
) -> dict[str, Recorded]:
    """What a recording (a file, or a folder of files) says, by symbol, in the order of their names.

    `until`: ns; nothing received later is looked at, and of a recorder's folder only that day and the one before.
    `depth` is taken where the recording holds no acknowledgement. `symbols` tell where a venue's own names part
    ("BTCUSDT"). A file that is cut off gives what came before the cut. Raises FeedError when nothing can be read, or
    nothing in it is a book or trade of Kraken, Binance or Coinbase.
    """
    frames = frames_until(path, until)
    first = list(islice(frames, LOOK))
    reading = _reading(first, depth, every_ns, sizes, symbols)
    _read_all(reading, chain(first, frames))
    out: dict[str, Recorded] = {}
    for symbol in sorted(reading.books.keys() | reading.trades.keys()):
        watched, trades = reading.books.get(symbol), reading.trades.get(symbol, [])
        book = told(watched, every_ns, sizes) if watched is not None else None
        tape = order_flow(trades, reading.codec.instruments[symbol], bucket_ns) if trades else None
        out[symbol] = Recorded(str(path), book, tape, checks=watched.checks() if watched is not None else None)
    if not out:
        raise FeedError(f"{path}: no book or trade of Kraken, Binance or Coinbase in it; is it of another venue?")
    return out


def told(watched: _Watched, every_ns: int, sizes: Sequence[float]) -> Microstructure | None:
    """What the samples of one book say, and where large orders stood at its end."""
    book = microstructure(watched.samples, every_ns, watched.unproven, sizes)
    return book and replace(book, clusters=watched.looks.clusters())


def _read_all(reading: _Reading, frames: Iterable[RecordedFrame]) -> None:
    taken = False
    try:
        for frame in frames:
            if frame.direction in ("<", "R"):
                reading.read(frame)
            taken = True
    except FeedError:
        if not taken:
            raise
