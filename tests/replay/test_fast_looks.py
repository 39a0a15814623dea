"""The desk that reads scores as words, looks again only when something turned and takes whole frames of prints in one
call, beside the one that does none of it.
"""

from __future__ import annotations

import re
from random import Random

import msgspec
import pytest

from benchmarks.contenders.whole_engine import answers
from deploy_trading_systems import build
from desk.config import Config
from desk.engine import Engine
from desk.events import Accepted, Answer, Ended, Event, Fill, Frame, LinkDown, LinkUp, Start, Timer, TrendBias
from desk.intents import Noted, Signal
from desk.io.config_file import canonical
from desk.kernels.tape_scan import TRADE
from desk.messages import LinkSpec, Subscription
from desk.run.modes import with_symbols
from desk.signals.shape import Features, Score
from desk.sim.market import SimMarket
from desk.sim.publish import Publisher
from desk.strategies.standing import Standing
from desk.wire import kraken_venue_rest as rest
from desk.wire.kraken_venue import Topic
from hft_signals import score
from scalping_engine import ScalpingEngine

START = 1_795_132_800_000_000_000
SECOND = 1_000_000_000
SYMBOL, KEY = "BTC/USD", "BTC/USD@kraken"
EAGER = {"min_technical": 3.0, "max_break_even": 0.99, "cooldown_s": 0.25, "hold_s": 60.0}
EAGER |= {"conflict_wait_s": 0.1, "false_breakout": "skip"}


def stream(channels: tuple[str, ...], count: int, symbols: tuple[str, ...] = (SYMBOL,)) -> list[Event]:
    """Snapshots, history, then frames with beats, biases, a lost frame and a lost connection among them."""
    market = SimMarket(7, START, symbols=symbols)
    source = Publisher(market, {symbol: market.instruments[symbol] for symbol in symbols})
    topics = [Topic(c, symbol, 0 if c == "trade" else 10) for c in channels for symbol in symbols]
    topics.insert(0, Topic("instrument", "", 0))
    events: list[Event] = [LinkUp(START, 0), *(Frame(START, 0, source.open(topic, START)) for topic in topics)]
    for symbol in symbols:
        rows = rest.ohlc(market.instruments[symbol], source.candles(symbol, 1, START, 720))
        events.append(Answer(START, "OHLC", symbol, rest.result({rest.pair_key(symbol): rows, "last": 0})))
    beat = START + SECOND // 4
    while len(events) < count:
        now = market.next_at
        if now >= beat:
            if beat // SECOND % 60 > 3:  # now and then a process has no time for its beats
                events.append(Timer(beat, "beat"))
            beat += SECOND // 4
        frames = [Frame(now, 0, data) for _, data in source.advance(now)]
        if len(events) % 1_500 < len(frames):  # lost on the way, and found by the checksum
            frames = [Frame(now, 0, source.open(topic, now)) for topic in topics[1:] if topic.channel != "trade"]
            events.append(TrendBias(now, SYMBOL, -45.0 if len(events) % 2 else 70.0, now + 20 * SECOND, "X", 1.0))
        events += frames
        if len(events) // 4_000 > (len(events) - len(frames)) // 4_000:
            events += [LinkDown(now, 0, "closed"), LinkUp(now, 0)]
            events += [Frame(now, 0, source.open(topic, now)) for topic in topics[1:]]
    return events


def by_objects(features: Features) -> Score:
    """The same score by a function that does not say so: no kernel may stand in for it."""
    return score(features)


def desk(
    by_kernel: bool,
    channels: tuple[str, ...],
    scalping: dict[str, object] = EAGER,
    taker: float = 0.5,
    symbols: tuple[str, ...] = (SYMBOL,),
) -> Engine:
    config = msgspec.to_builtins(with_symbols(Config(), symbols))
    config["scalping_engine"] |= scalping
    config["fees"] |= {"maker_bps": 0.0, "taker_bps": taker}
    wanted = tuple(Subscription(c, symbol, 0 if c == "trade" else 10) for c in channels for symbol in symbols)
    text = canonical(msgspec.convert(config, Config))
    start = Start(START, "hybrid", "test", "kraken", symbols, text, "", 1, "test", (LinkSpec("public", wanted),))
    engine = build(start).engine
    if not by_kernel:
        for live in engine.watch.live.values():
            live._score = by_objects
            live.market.trade_frames.lend(None)
    engine.step(start)
    return engine


@pytest.mark.parametrize("channels", [("book", "trade"), ("level3", "trade"), ("level3", "book", "trade")])
def test_words_and_short_looks_answer_exactly_as_objects_and_full_looks_do(channels):
    """Every effect, score, gate count and flow; a look that is skipped though its answer changed would differ here."""
    fast, full = desk(True, channels), desk(False, channels)
    said = looks = 0
    labels: list[str] = []
    events = stream(channels, 9_000)
    events.append(Timer(events[-1].ts, "beat"))  # in the end a look, with all that was felt
    for number, event in enumerate(events):
        pending = [event]
        while pending:
            one = pending.pop(0)
            effects = fast.step(one)
            assert full.step(one) == effects
            pending += answers(effects, one.ts)
            said += sum(isinstance(effect, Noted) for effect in effects)
            labels += [e.what.alignment for e in effects if isinstance(e, Noted) and isinstance(e.what, Signal)]
        if number % 7 == 0:  # scores that nobody asks for are never made
            assert dict(full.watch.scores) == dict(fast.watch.scores)
        mine, other = fast.watch.markets[KEY], full.watch.markets[KEY]
        assert (mine.why, mine.contradicted) == (other.why, other.contradicted)
        assert mine.flow.sum(5 * SECOND, event.ts) == other.flow.sum(5 * SECOND, event.ts)
        assert fast.portfolio.marked_at(KEY) == full.portfolio.marked_at(KEY)
        assert fast.watch.live[KEY].spreads.median == full.watch.live[KEY].spreads.median
        looks += fast.watch.live[KEY].kept
    mine, other = (engine.watch.markets[KEY] for engine in (fast, full))
    assert mine.flow.zscore(event.ts) == other.flow.zscore(event.ts)
    ours, theirs = fast.seats[0].strategy, full.seats[0].strategy
    assert ours.funnel == theirs.funnel
    assert ours.slots[KEY].integrator.at(fast.now) == theirs.slots[KEY].integrator.at(full.now)
    assert fast.life.sent_out > 5
    assert "MODERATE_CONFLICT" in labels
    assert ours.slots[KEY].breaks.record == theirs.slots[KEY].breaks.record
    assert said > 20
    assert looks > 5_000
    assert not full.watch.live[KEY].kept


def test_what_one_symbol_trades_is_part_of_the_answer_for_the_other(monkeypatch):
    """One trade at a time, at a venue that takes its time and ends every third order without a fill: a kernel that
    answers for the one must hear of the other's end.
    """
    channels, symbols = ("book", "trade"), (SYMBOL, "ETH/USD")
    scalping = EAGER | {"max_concurrent_signals": 1}
    fast, full = (desk(by_kernel, channels, scalping, symbols=symbols) for by_kernel in (True, False))
    looked = {id(engine.seats[0].strategy): 0 for engine in (fast, full)}
    look = ScalpingEngine._look

    def counted(strategy, slot, view, *, say=False):
        looked[id(strategy)] += not say
        return look(strategy, slot, view, say=say)

    monkeypatch.setattr(ScalpingEngine, "_look", counted)
    coming: list[tuple[int, Event]] = []
    for number, event in enumerate(stream(channels, 9_000, symbols)):
        told = [one for due, one in coming if due <= number]
        coming = [(due, one) for due, one in coming if due > number]
        for one in [*(msgspec.structs.replace(one, ts=event.ts) for one in told), event]:
            effects = fast.step(one)
            assert full.step(one) == effects
            for answer in answers(effects, one.ts):
                refused = isinstance(answer, (Accepted, Fill)) and int(answer.order_id[1:]) % 3 == 0
                late = 400 if isinstance(answer, Ended) and answer.why == "filled" else 30
                coming += [] if refused else [(number + late, answer)]
    assert fast.seats[0].strategy.funnel == full.seats[0].strategy.funnel
    counts = [fast.seats[0].strategy.funnel[f"{symbol}@kraken"] for symbol in symbols]
    assert all(min(each["MAX_CONCURRENT"], each["ALREADY_IN_POSITION"], each["COOLDOWN"]) > 5 for each in counts)
    ours, theirs = looked.values()
    assert ours < 0.5 * theirs


def sweeping(events: list[Event], seed: int) -> list[Event]:
    """The same, but the prints wander off, leave the touch and the range, and come in other frames: several in one,
    overtaken by the next, twice.
    """
    dice, out, away, waits = Random(seed), list[Event](), 0, b""

    def moved(price: re.Match[bytes]) -> bytes:
        nonlocal away
        away += dice.choices((0, 30, -30, 400, -400), (40, 1, 1, 1, 1))[0] - away // 4
        ticks = int(price[1].replace(b".", b"")) + away
        return b'"price":%d.%d' % divmod(ticks, 10)

    for event in events:
        if not isinstance(event, Frame) or not event.data.startswith(TRADE):
            out.append(event)
            continue
        data, luck = re.sub(rb'"price":([0-9.]+)', moved, event.data), dice.random()
        if waits and luck < 0.85:
            data, waits = waits[:-2] + b"," + data[len(TRADE) :], b""
        elif luck < 0.3:
            waits = data
            continue
        out.append(Frame(event.ts, 0, data))
        if waits:  # overtaken: its numbers were missing until now
            out.append(Frame(event.ts, 0, waits))
            waits = b""
        if luck > 0.98:
            out.append(Frame(event.ts, 0, data))
    return out


def rescaled(pairs: Event, events: list[Event]) -> list[Event]:
    """The instrument again, with one more decimal of quantities, and events that have it."""
    assert isinstance(pairs, Frame)
    out: list[Event] = [Frame(events[0].ts, 0, re.sub(rb'"qty_precision":8', b'"qty_precision":9', pairs.data))]
    for event in events:
        frame = isinstance(event, Frame)
        out.append(Frame(event.ts, 0, re.sub(rb'("qty":[0-9.]+)', rb"\g<1>0", event.data)) if frame else event)
    return out


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_frame_of_prints_in_one_call_is_the_same_as_each_of_them_told(seed):
    """Every effect, and all that prints leave behind: tape, bars, breaks, the technical score, a book in doubt. In the
    end the decimals are others, and prints count no more.
    """
    fast, full = (desk(True, ("book", "trade"), EAGER | {"min_technical": 35.0}) for _ in range(2))
    full.watch.markets[KEY].trade_frames.lend(None)
    mine, other = fast.watch.markets[KEY], full.watch.markets[KEY]
    ours, theirs = fast.seats[0].strategy.slots[KEY], full.seats[0].strategy.slots[KEY]
    several = turned = doubted = refused = 0
    events = sweeping(stream(("book", "trade"), 6_000), seed)
    for number, event in enumerate([*events[:-200], *rescaled(events[1], events[-200:])]):
        pending = [event]
        while pending:
            one = pending.pop(0)
            doubt = mine.contradicted
            effects = fast.step(one)
            assert full.step(one) == effects
            assert full.prints == fast.prints
            taken = fast._printed == fast.seq
            refused += bool(fast.prints) and not taken
            several += taken and len(fast.prints) > 1
            turned += taken and fast.watch.tape.turned
            doubted += taken and doubt != mine.contradicted
            pending += answers(effects, one.ts)
        assert (mine.contradicted, mine.why) == (other.contradicted, other.why)
        assert ours.indicators.numbers == theirs.indicators.numbers
        assert (ours.breaks.record, ours.breaks._last) == (theirs.breaks.record, theirs.breaks._last)
        if number % 100 == 0:  # not always: prints wait to be told
            assert (mine.bars.closed, mine.bars.running) == (other.bars.closed, other.bars.running)
            now = mine.tape.now
            assert mine.tape.volumes(10 * SECOND, now) == other.tape.volumes(10 * SECOND, now)
            assert (mine.tape.delta, mine.tape.gaps) == (other.tape.delta, other.tape.gaps)
    assert fast.seats[0].strategy.funnel == full.seats[0].strategy.funnel
    assert full._printed == 0
    assert mine.barred == "DECIMALS_CHANGED"
    assert (several > 100, turned > 0, doubted > 100, refused > 20, fast.life.sent_out > 5) == (True,) * 5


@pytest.mark.parametrize("channels", [("book", "trade"), ("level3", "book", "trade")])
def test_where_every_answer_is_no_the_strategy_looks_on_the_beat_and_hardly_at_a_frame(channels, monkeypatch):
    """Prints turn the side and bars the range while the kernel answers: not one look more, not one effect other."""
    asking = {"min_technical": 25.0, "max_break_even": 0.5, "conflict_wait_s": 5.0}
    fast, full = desk(True, channels, asking, taker=20.0), desk(False, channels, asking, taker=20.0)
    looked = {id(engine.seats[0].strategy): 0 for engine in (fast, full)}
    turns = [0]
    look, turned = ScalpingEngine._look, Standing.turned

    def counted(strategy, slot, view, *, say=False):
        looked[id(strategy)] += not say
        return look(strategy, slot, view, say=say)

    def counted_turn(standing, side):
        turns[0] += standing.pulse is not None and standing.pulse.kept
        turned(standing, side)

    monkeypatch.setattr(ScalpingEngine, "_look", counted)
    monkeypatch.setattr(Standing, "turned", counted_turn)
    for event in stream(channels, 9_000):
        assert fast.step(event) == full.step(event)
    ours, theirs = looked.values()
    assert ours < 0.01 * theirs
    assert turns[0] > 15
    assert fast.seats[0].strategy.funnel == full.seats[0].strategy.funnel
    assert {"HFT_CONFLICT", "WIDE_SPREAD", "WEAK_TECHNICAL", "EDGE_BELOW_COST"} < set(
        fast.seats[0].strategy.funnel[KEY]
    )
