"""What damaged frames are given to, and what must hold of each: see benchmarks.fuzz."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.guarded import Room
from benchmarks.stream import frames
from benchmarks.whole import Desk
from desk.errors import DecodeError
from desk.events import Frame
from desk.instrument import Instrument
from desk.kernels import l2_scan
from desk.kernels import l3_words as at
from desk.kernels import rush as where
from desk.kernels.crc import TABLES
from desk.kernels.streak import LOTS, NOTED, ROWS_AT, TIMES
from desk.kernels.trade_frame import trade_frame_entry
from desk.market.bars import MinuteBars
from desk.market.gaps import TradeRepair
from desk.market.l2 import L2Book
from desk.market.l3 import L3Book
from desk.market.order_block import EVENTS, FRAME
from desk.market.raw_l2 import FALLBACK, RawL2Book
from desk.market.raw_l3 import RawL3Book
from desk.market.tape import SECOND, TradeTape
from desk.market.trade_frames import Lent, TradeFrames, workspace
from desk.messages import BookUpdate, Instruments, LinkSpec, OrdersUpdate, Side, Subscription, Trade, Trades
from desk.signals.breakout import BreakoutWatch
from desk.signals.technical import LightweightIndicators
from desk.signals.watch import Watch
from desk.wire.kraken import KrakenCodec
from hft_signals import OrderBookAnalyzer

First = TypeVar("First", BookUpdate, OrdersUpdate, Trades)
SLOT = 1 << 20  # bytes for the frame being tried, in a file its parent can read
TABLES_AT = int(TABLES.ctypes.data)


class Target(ABC):
    """What damaged frames are given to; `tried` compares one and says whether it was read."""

    every = 500  # frames after which the target is opened again

    def __init__(self, channels: tuple[str, ...]) -> None:
        self.stream = frames(channels, 10, 3000)
        self.codec = KrakenCodec()
        self.worst_ns = 0

    def opening(self, kind: type[First]) -> tuple[Instrument, First]:
        """What the first frame of the stream says: the instrument, and its snapshot."""
        described, first = self.codec.decode(self.stream[0])
        assert isinstance(described, Instruments)
        assert isinstance(first, kind)
        return described.instruments[0], first

    @abstractmethod
    def again(self) -> None:
        """Back to a state in which frames mean something."""

    @abstractmethod
    def tried(self, frame: bytes) -> bool:
        """Whether this frame was read."""

    def timed(self, call: Callable[..., int], *args: Any) -> int:
        began = time.thread_time_ns()
        code = call(*args)
        self.worst_ns = max(self.worst_ns, time.thread_time_ns() - began)
        return code


class BookTarget(Target):
    """RawL2Book's kernel on guarded memory, beside L2Book."""

    def __init__(self) -> None:
        super().__init__(("book",))
        inst, self.first = self.opening(BookUpdate)
        self.raw, self.typed = RawL2Book(10), L2Book(10)
        self.raw.describe(inst.px_decimals, inst.qty_decimals, inst.symbol)
        self.held = Room(self.raw._book.nbytes)
        self.work = Room(l2_scan.WORK_BYTES)
        self.head = bytes(self.raw._work.cast("B")[: l2_scan.BIDS_AT])

    def again(self) -> None:
        self.typed.apply(self.first)
        self.raw.apply(self.first)
        block = self.raw._book
        self.raw._book_at = self.held.put(block.cast("B"))
        self.raw._book = self.held.bytes[-block.nbytes :].view(np.int64).data
        self.known = self.raw._book.tobytes()

    def tried(self, frame: bytes) -> bool:
        if len(frame) > l2_scan.FRAME_BYTES:
            return False  # RawL2Book.feed does not let it in
        raw, pad = self.raw, l2_scan.WORK_BYTES - l2_scan.FRAME_AT - l2_scan.FRAME_BYTES
        self.work.put(frame, pad)
        work = self.work.put(self.head, l2_scan.FRAME_AT - l2_scan.BIDS_AT + len(frame) + pad)
        code = self.timed(raw._read, raw._book_at, work, TABLES_AT, len(frame))
        assert self.work.untouched(work), "written in front of the workspace"
        assert self.held.untouched(raw._book_at), "written in front of the book"
        if code == FALLBACK:
            assert raw._book.tobytes() == self.known, "a FALLBACK changed the book"
            return False
        (update,) = self.codec.decode(frame)  # raises where the kernel read what the decoder refuses
        assert isinstance(update, BookUpdate)
        assert (raw.claimed, raw.ts_exch) == (-1 if update.checksum is None else update.checksum, update.ts_exch)
        self.typed.apply(update)
        assert raw.computed == self.typed.checksum
        assert all(raw.levels(side, 10) == self.typed.levels(side, 10) for side in Side)
        self.known = raw._book.tobytes()
        return True


class GuardedL3(RawL3Book):
    """An L3 book whose block ends at a forbidden page."""

    def _allocate(self, count: int) -> NDArray[np.int64]:
        self.held = Room(8 * count)
        self.held.put(bytes(8 * count))
        return self.held.words(count)


class OrdersTarget(Target):
    """RawL3Book's kernel on guarded memory, beside L3Book."""

    def __init__(self) -> None:
        super().__init__(("level3",))
        inst, self.first = self.opening(OrdersUpdate)
        self.raw, self.typed = GuardedL3(10), L3Book(10)
        self.raw.describe(inst.px_decimals, inst.qty_decimals, inst.symbol)
        self.source, self.buffer, self.rows = Room(SLOT), Room(FRAME + at.PAD), Room(EVENTS * at.ROW)
        self.rows_at = self.rows.put(bytes(EVENTS * at.ROW))

    def again(self) -> None:
        self.typed.apply(self.first)
        self.raw.apply(self.first)
        self.raw._put(at.ROWS, self.rows_at)
        self.known = self._state()

    def _state(self) -> tuple[bytes, ...]:
        """Orders, levels, slots and rows as they lie in memory, and what the header says of them."""
        raw = self.raw
        block = raw._words[(raw._get(at.FIRST_ORDER) - raw._header + at.ROW) // 8 :]
        told = (at.SUM, at.UNKNOWN, at.CLAIMED, at.COMPUTED, at.TS, at.ASKS_REGISTER, at.FREE_ORDER, at.FREE_LEVEL)
        sides = [each + side for each in (at.WORST, at.BEST, at.ORDERS) for side in (0, 8)]
        return block.tobytes(), repr([raw._get(each) for each in (*told, *sides)]).encode()

    def tried(self, frame: bytes) -> bool:
        raw = self.raw
        fits = len(frame) <= FRAME
        buffer = self.buffer.put(frame, at.PAD) if fits else self.buffer.end - FRAME - at.PAD
        raw._put(at.BUFFER, buffer)
        code = self.timed(raw._read, raw._header, self.source.put(frame), len(frame))
        assert not fits or self.buffer.untouched(buffer), "written in front of the frame's copy"
        assert self.rows.untouched(self.rows_at), "written in front of the rows"
        assert raw.held.untouched(raw._header - at.ROW), "written in front of the book"
        if code == at.FULL:  # as RawL3Book.feed does
            raw._grow(sum(raw.size()) + 2 * EVENTS, 2 * EVENTS)
            raw._put(at.ROWS, self.rows_at)
            return self.tried(frame)
        if code == FALLBACK:
            assert self._state() == self.known, "a FALLBACK changed the book"
            return False
        (update,) = self.codec.decode(frame)
        assert isinstance(update, OrdersUpdate)
        assert (raw.claimed, raw.ts_exch) == (update.checksum, update.ts_exch)
        self.typed.apply(update)
        assert (raw.computed, raw.size(), raw.unknown) == (self.typed.checksum, self.typed.size(), self.typed.unknown)
        assert all(raw.levels(side, 10) == self.typed.levels(side, 10) for side in Side)
        self.known = self._state()
        return True


class DeskTarget(Target):
    """Engine, books and decoder as a run has them; every channel of a symbol. Read is what was not called bad."""

    every = 50  # a doubted book takes nothing more before its snapshot

    def __init__(self) -> None:
        super().__init__(("book", "level3", "trade", "ohlc", "ticker"))
        self.desk = Desk(self.stream)

        self.read: list[bytes] = []
        self.number = 0

    def again(self) -> None:
        self.desk.open()

    def tried(self, frame: bytes) -> bool:
        """Every other frame arrives by itself, the others by four in one read."""
        watch = self.desk.engine.watch
        bad = watch.bad_frames
        self.number += 1
        if self.number % 2:
            self.timed(self.desk.frame, frame)
        else:
            self.read.append(frame)
        if len(self.read) == 4:
            self.timed(self.desk.burst, self.read)
            self.read = []
        return watch.bad_frames == bad


class RushTarget(Target):
    """The kernel that finds the book of a frame, on frames that end at a forbidden page, beside frame by frame."""

    every = 5

    def __init__(self) -> None:
        super().__init__(("book", "level3", "ohlc"))
        wanted = tuple(Subscription(channel, "BTC/USD", 10) for channel in ("book", "level3"))
        links, score = (LinkSpec("bench", wanted),), OrderBookAnalyzer().score
        self.rushed, self.single = (Watch("kraken", links, KrakenCodec(), score, {"*": 0.5}) for _ in range(2))
        self.room, self.list = Room(SLOT), np.zeros(5, np.int64)  # as CPython lays them out: kernels/rush
        self.now = 0

    def again(self) -> None:
        for watch in (self.rushed, self.single):
            watch.link_up(0, self.now)
            for frame in self.stream[:2]:
                watch.frame(Frame(self.now, 0, frame))

    def tried(self, frame: bytes) -> bool:
        self.now += 1_000_000
        size = len(frame)
        header = np.zeros(where.BYTES // 8, np.int64)
        header[where.LENGTH // 8] = size
        self.list[where.LENGTH // 8] = 1
        item = np.array([self.room.put(header.tobytes() + frame + b"\0")])
        self.list[where.ITEMS // 8] = item.ctypes.data
        watch, rushed = self.rushed, self.rushed.rushed
        watch.heard[0] = self.now
        taken = self.timed(lambda: rushed.take(int(self.list.ctypes.data), 0, self.now, alone=False))
        read = taken > 0 or rushed.left is not None
        if not read:
            watch.frame(Frame(self.now, 0, frame))
        self.single.frame(Frame(self.now, 0, frame))
        assert self._state(watch) == self._state(self.single)
        return read

    def _state(self, watch: Watch) -> list[object]:
        (market,) = watch.markets.values()
        tracks = market.tracks.values()
        return [dict(watch.scores), market.why, *((t.state, t.crc_ok, t.crc_bad, t.book.checksum) for t in tracks)]


class Prints:
    """What prints move, for TradesTarget."""

    def __init__(self, inst: Instrument) -> None:
        tape = TradeTape(inst.key)
        self.repair = TradeRepair(inst.key, tape, MinuteBars(inst.key))
        self.indicators, self.breaks = LightweightIndicators(), BreakoutWatch()
        self.frames = TradeFrames(inst.key, self.repair.streak)
        self.frames.scan_in(workspace())
        self.frames.describe(inst)
        self.frames.lend(Lent(self.indicators.block, self.breaks.block, 25.0))

    def begin(self, first: Trade) -> None:
        """So that a frame that begins with this print may go on."""
        self.repair._streak.end()
        ends = first.ts_exch + SECOND
        self.repair._streak.begin(first.trade_id - 1, first.ts_exch, ends, ends + SECOND, first.px)

    def told(self, trade: Trade, now: int) -> None:
        """One print by itself, of a streak or not at all."""
        if self.repair._streak.take(trade):
            self.indicators.trade(trade.ts_exch or now, trade.px, trade.qty)
            self.breaks.trade(now, trade.px)

    @property
    def state(self) -> list[bytes]:
        words = self.repair._streak._words
        sums = words[: ROWS_AT // 8].tobytes() + words[ROWS_AT // 8 + 1 :].tobytes()
        rows = self.repair.tape.recent._block
        times, lots = (rows[column >> 3 :][: rows[NOTED >> 3]] for column in (TIMES, LOTS))
        return [bytes(part) for part in (sums, times, lots, self.indicators.block, self.breaks.block)]


class TradesTarget(Target):
    """The kernel that takes a frame of trades, on frames that end at a forbidden page, beside print by print."""

    every = 100

    def __init__(self) -> None:
        super().__init__(("trade",))
        self.inst, _ = self.opening(Trades)
        self.source, self.now = Room(SLOT), 0

    def again(self) -> None:
        self.raw, self.plain = Prints(self.inst), Prints(self.inst)

    def tried(self, frame: bytes) -> bool:
        self.now += 1
        try:
            messages = self.codec.decode(frame)
        except DecodeError:
            messages = []
        trades = [trade for each in messages if isinstance(each, Trades) and not each.snapshot for trade in each.trades]
        if trades:
            self.raw.begin(trades[0])
            self.plain.begin(trades[0])
        before, frames = self.raw.state, self.raw.frames
        if not self.timed(trade_frame_entry(), frames.address, self.source.put(frame), len(frame), self.now):
            assert self.raw.state == before, "a frame that was not taken changed something"
            return False
        assert frames.trades == trades
        for trade in trades:
            self.plain.told(trade, self.now)
        assert self.raw.state == self.plain.state
        return True


TARGETS: dict[str, Callable[[], Target]] = {
    "book": BookTarget, "level3": OrdersTarget, "trades": TradesTarget, "rush": RushTarget,
    "desk": DeskTarget,
}  # fmt: skip
