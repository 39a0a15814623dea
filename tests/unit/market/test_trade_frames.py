"""desk/market/trade_frames.py: a frame in one call leaves what its prints leave, told one by one; or nothing at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import numpy as np

from desk.instrument import Instrument
from desk.kernels import score
from desk.kernels import streak as streak_words
from desk.kernels import trade_frame as at
from desk.kernels.calm import CALM, READABLE, RECORD_WORDS
from desk.kernels.memory import BYTES
from desk.kernels.trade_frame import trade_frame_entry
from desk.market.bars import MINUTE, MinuteBars
from desk.market.gaps import TradeRepair
from desk.market.tape import SLOW, TradeTape
from desk.market.trade_frames import Lent, TradeFrames, workspace
from desk.messages import Candle, Side, Trade
from desk.signals.breakout import BreakoutWatch
from desk.signals.technical import NEEDS, LightweightIndicators
from desk.strategies.standing import stance
from desk.wire.kraken_venue import Print, trades

INST = Instrument("X/Y", "v", px_decimals=1, qty_decimals=2)
SECOND = 1_000_000_000
BEGIN = 1_000_000 * MINUTE
BID, ASK = 9_985, 10_020  # of the book, which does not move
SIDE_FROM = 6.0
STEPS = (0,) * 8 + (1, -1, 4, -4, 15, -15, 15, -15)
WAITS = (0,) * 30 + (SECOND // 2, SECOND, SECOND, 9 * SECOND)
LOTS = (7,) * 20 + (500,) * 20 + (2**59,)
NUMBERS = (1,) * 80 + (0, 2)  # after the newest: repeated, or one is left out, which comes with the next print


class Desk:
    """Tape, bars, breaks and score of one instrument, and a reader of its frames."""

    def __init__(self) -> None:
        tape = TradeTape(INST.key)
        self.repair = TradeRepair(INST.key, tape, MinuteBars(INST.key))
        self.indicators, self.breaks = LightweightIndicators(), BreakoutWatch()
        bars = [
            Candle(INST.key, BEGIN - (NEEDS - i) * MINUTE, MINUTE, 9_999, 10_012 + i % 3, 9_990, 9_998 + i % 5, 900, 9)
            for i in range(NEEDS)
        ]
        self.indicators.follow(bars)
        self.breaks.follow(bars, 12.5)
        self.frames = TradeFrames(INST.key, self.repair.streak)
        self.frames.scan_in(workspace())
        self.frames.describe(INST)
        self.frames.lend(Lent(self.indicators.block, self.breaks.block, SIDE_FROM))
        self.book, self.touch = np.zeros(RECORD_WORDS, np.int64), np.zeros(score.WORDS, np.int64)
        self.book[READABLE // 8], self.touch[score.BID // 8], self.touch[score.ASK // 8] = 1, BID, ASK
        self.frames.trust(int(self.book.ctypes.data), int(self.touch.ctypes.data))

    def read(self, frame: bytes, now: int) -> int:
        return trade_frame_entry()(self.frames.address, id(frame) + BYTES, len(frame), now)

    def told(self, trade: Trade, now: int) -> float | None:
        """What every print does, one by one."""
        self.repair.take(trade, now, snapshot=False)
        technical = self.indicators.trade(trade.ts_exch or now, trade.px, trade.qty)
        self.breaks.trade(now, trade.px)
        return technical

    @property
    def memory(self) -> list[bytes]:
        """All that a kernel may write to, but for the reader's own."""
        streak, recent = self.repair._streak, self.repair.tape.recent
        noted = recent._words[0]
        rows = [recent._block[column >> 3 :][:noted] for column in (streak_words.TIMES, streak_words.LOTS)]
        words = (streak._words, self.indicators._words, self.breaks._words)
        return [bytes(each) for each in (*words, *rows)]

    @property
    def mind(self) -> object:
        watch = self.breaks
        return watch.record, watch._last, watch._open, bytes(watch._words[:3]), bytes(self.indicators._words)

    @property
    def market(self) -> object:
        tape, bars = self.repair.tape, self.repair.bars
        sums = tape.last_id, tape.now, tape.prints, tape.delta, tape.volume, tape.vwap, tape.gaps
        return sums, tape.volumes(SLOW, tape.now), bars.running, bars.closed, bars.late


def frames(dice: Random) -> Iterator[tuple[int, list[Trade]]]:
    """When each frame comes, and its prints."""
    number, missing, px = 100, 0, 10_000
    now = ts = BEGIN + 40 * SECOND
    for _ in range(60):
        now += dice.choice((0, 1, 1, 5, 200)) * SECOND
        rows = []
        for _ in range(dice.choice((1, 1, 2, 3, 6))):
            ts, px, ahead = ts + dice.choice(WAITS), max(1, px + dice.choice(STEPS)), dice.choice(NUMBERS)
            when = ts - SECOND if dice.random() < 0.02 else ts
            this, missing = (missing, 0) if missing else (number + ahead, number + 1 if ahead == 2 else 0)
            number = max(number, this)
            rows.append(Trade(INST.key, px, dice.choice(LOTS), dice.choice(list(Side)), this, when))
        yield now, rows


def test_a_frame_in_one_call_is_the_same_as_its_prints_one_by_one():
    """Numbers late and twice, other minutes, sums beyond a word; breaks that begin, come back and end."""
    met: Counter[str] = Counter()
    for seed in range(60):
        fast, plain, dice = Desk(), Desk(), Random(seed)
        for now, told in frames(dice):
            frame = trades(INST, [Print(t.px, t.qty, t.side, t.trade_id, "limit", t.ts_exch) for t in told])
            before, side = fast.memory, stance(plain.indicators.technical, SIDE_FROM)
            said = fast.read(frame, now)
            sides = [stance(plain.told(trade, now), SIDE_FROM) for trade in told]
            prices, turned = [trade.px for trade in told], any(each != side for each in sides)
            if said:
                outside, breaking = not BID <= min(prices) <= max(prices) <= ASK, said & at.BREAKING > 0
                wanted = CALM | at.PRINTED | at.TURNED * turned | at.OUTSIDE * outside
                assert said == wanted | at.BREAKING * breaking
                assert fast.frames.prices == prices
                for px in prices if breaking else ():
                    fast.breaks.trade(now, px)
                assert (fast.frames.trades, fast.frames.extent) == (told, (min(prices), max(prices)))
                assert fast.frames.newest == told[-1].trade_id
                kinds = {"outside": outside, "turned": turned, "and back": turned and sides[-1] == side}
                kinds |= {"several": len(told) > 1, "a break is open": bool(plain.breaks._open), "breaking": breaking}
                met.update(kind for kind, is_so in kinds.items() if is_so)
            else:
                assert fast.memory == before
                for trade in told:
                    fast.told(trade, now)
                met["refused"] += 1
            assert fast.mind == plain.mind
            assert fast.repair.settle(now) == plain.repair.settle(now)
            if dice.random() < 0.3:
                assert fast.market == plain.market
        assert fast.market == plain.market
    assert len(met) == 7, met
    assert min(met.values()) > 10, met


def test_nothing_is_read_before_the_instrument_is_described_and_a_strategy_lends_and_after_either_ends():
    """And a price within the touch is certain only where a believed book says so."""
    desk, now = Desk(), BEGIN

    def read() -> int:
        """One more print."""
        number = desk.repair.tape.last_id + 1 or 1
        frame = trades(INST, [Print(10_000, 7, Side.BUY, number, "market", now)])
        return desk.read(frame, now)

    for number in (7, 8):
        desk.told(Trade(INST.key, 10_000, 7, Side.BUY, number, now), now)
        desk.repair.settle(now)
    assert read() == CALM | at.PRINTED
    desk.book[READABLE // 8] = 0
    assert read() == CALM | at.PRINTED | at.OUTSIDE
    desk.frames.trust(0, 0)
    assert read() == CALM | at.PRINTED | at.OUTSIDE
    desk.frames.describe(None)
    assert read() == 0
    desk.frames.describe(INST)
    assert read() == CALM | at.PRINTED | at.OUTSIDE
    desk.frames.lend(None)
    assert read() == 0
    assert desk.repair.tape.prints == 6


def test_readers_that_take_turns_share_where_they_scan():
    """What a frame said stands until the next one is scanned; a reader without such a place reads nothing."""
    pair, work = [Desk(), Desk()], workspace()
    for desk in pair:
        desk.frames = TradeFrames(INST.key, desk.repair.streak)
        desk.frames.describe(INST)
        desk.frames.lend(Lent(desk.indicators.block, desk.breaks.block, SIDE_FROM))
        desk.frames.trust(int(desk.book.ctypes.data), int(desk.touch.ctypes.data))
    for number in range(7, 12):
        for px, desk in zip((10_000, 10_001), pair, strict=True):
            told = Trade(INST.key, px, number, Side.BUY, number, BEGIN)
            if number < 9:
                desk.told(told, BEGIN)
                desk.repair.settle(BEGIN)
                continue
            frame = trades(INST, [Print(px, number, Side.BUY, number, "market", BEGIN)])
            if number == 9:
                assert desk.read(frame, BEGIN) == 0
                desk.frames.scan_in(work)
            assert desk.read(frame, BEGIN) == CALM | at.PRINTED
            assert (desk.frames.trades, desk.frames.newest) == ([told], number)
    assert [desk.repair.tape.volumes(SLOW, BEGIN) for desk in pair] == [(sum(range(7, 12)), 0)] * 2


def test_a_frame_that_comes_back_inside_and_breaks_the_range_again_is_for_the_filter():
    """Each print comes from the one before it, not from the last frame."""
    out, now = 10_100, BEGIN
    again = [Print(px, 7, Side.BUY, 9 + n, "market", now) for n, px in enumerate((out, 10_000, out))]
    for count in (2, 3):
        desk = Desk()
        for number in (7, 8):
            desk.told(Trade(INST.key, out, 7, Side.BUY, number, now), now)
            desk.repair.settle(now)
        assert desk.breaks.young(Side.BUY, now) is None
        assert (desk.read(trades(INST, again[:count]), now) & at.BREAKING > 0) is (count == 3)


def test_a_frame_that_is_cut_short_or_that_one_print_spoils_changes_nothing():
    desk, now = Desk(), BEGIN
    for number in (7, 8):
        desk.told(Trade(INST.key, 10_000, 7, Side.BUY, number, now), now)
        desk.repair.settle(now)
    good = [Print(10_000 + n, 7, Side.BUY, 9 + n, "market", now) for n in range(128)]
    before = desk.memory
    frame = trades(INST, good[:3])
    spoiled = [trades(INST, [*good[:2], bad]) for bad in (good[1], good[3], Print(10_000, 7, Side.BUY, 11, "fok", now))]
    for each in [*(frame[:size] for size in range(len(frame))), *spoiled, trades(INST, good + good)]:
        assert (desk.read(each, now), desk.memory == before) == (0, True)
    assert desk.read(frame, now)
