"""The engine and the venue's clock: measured from frames, acted on, the same in every replay."""

from __future__ import annotations

from decimal import Decimal

from desk.config import Risk
from desk.engine import Engine
from desk.events import ClockJump, Frame, LinkUp, Timer
from desk.intents import Place, Refuse, Submit
from desk.messages import LinkSpec, Side, Subscription
from desk.portfolio.portfolio import Portfolio
from desk.risk.account import Account
from desk.risk.rules import limits
from desk.signals.watch import Watch
from desk.strategies.base import Strategy
from desk.wire.kraken import KrakenCodec
from desk.wire.kraken_venue import pong
from desk.wire.ping import ping_number
from desk.wire.stamps import format_ns
from hft_signals import OrderBookAnalyzer

A = "BTC/USD@kraken"
SECOND = 1_000_000_000
T0 = 1_785_644_622 * SECOND
MILLI = 1_000_000


def answer(at: int, ahead: int) -> Frame:
    """The pong to a ping sent 10 ms before `at`, of a venue whose clock is `ahead`."""
    there = at - 5 * MILLI + ahead
    return Frame(at, 0, pong(ping_number(at - 10 * MILLI), there, there))


def book(at: int, stamp: int, kind: str = "update", symbol: str = "BTC/USD") -> Frame:
    text = (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{symbol}","bids":[{{"price":100.0,"qty":1.00000000}}],'
        f'"asks":[{{"price":100.1,"qty":1.00000000}}],"timestamp":"{format_ns(stamp)}"}}]}}'
    )
    return Frame(at, 0, text.encode())


class Wishes(Strategy):
    """Wishes the next of its list at each change of the book."""

    def __init__(self, *wishes: Place | None) -> None:
        self.wishes = list(wishes)

    def on_book(self, inst, view):
        wish = self.wishes.pop(0) if self.wishes else None
        return [] if wish is None else [wish]


def buy() -> Place:
    return Place(A, Side.BUY, 100_000_000, 1001)


def told(effects: list[object]) -> list[str]:
    return [effect.code for effect in effects if hasattr(effect, "code")]


def running(*strategies: Strategy) -> Engine:
    """A desk whose book is in step, the venue's clock not yet measured."""
    links = (LinkSpec("public", (Subscription("book", "BTC/USD", 10),)),)
    watch = Watch("kraken", links, KrakenCodec(), OrderBookAnalyzer().score, {"*": 0.5})
    portfolio = Portfolio(Decimal(10_000), watch.instruments)
    engine = Engine(watch, strategies, portfolio, Account(watch.instruments), limits(Risk()), 10 * SECOND)
    engine.step(LinkUp(T0, 0))
    engine.step(Timer(T0, "beat"))
    engine.step(book(T0, T0, "snapshot"))
    return engine


def test_no_entry_leaves_before_the_venues_clock_is_measured_and_one_does_after() -> None:
    """Fail closed: −1 stands for a number that is unknown; the pong's own number says when the ping was sent."""
    engine = running(Wishes(None, buy(), buy()))
    (refusal,) = engine.step(book(T0 + SECOND, T0 + SECOND))
    assert isinstance(refusal, Refuse)
    assert (refusal.rule, refusal.value, refusal.limit) == ("clock", -1.0, 2.0)
    assert engine.step(answer(T0 + 2 * SECOND, 12 * MILLI)) == []
    reading = engine.watch.time.reading
    assert reading is not None
    assert (reading.offset_ns, reading.uncertainty_ns) == (12 * MILLI, 5 * MILLI)
    (order,) = engine.step(book(T0 + 3 * SECOND, T0 + 3 * SECOND))
    assert isinstance(order, Submit)


def test_a_venue_three_seconds_ahead_is_said_and_entries_are_refused_but_not_exits() -> None:
    """A wrong clock must not keep us in a trade."""
    out = Place(A, Side.SELL, 100_000_000, 1000, reason="stop")
    engine = running(Wishes(None, buy(), out))
    assert told(engine.step(answer(T0 + SECOND, 3 * SECOND))) == ["CLOCK_WRONG"]
    (refusal,) = engine.step(book(T0 + 2 * SECOND, T0 + 5 * SECOND))
    assert isinstance(refusal, Refuse)
    assert (refusal.rule, refusal.value) == ("clock", 3.005)
    engine.seats[0].held[A] = engine.account.positions[A] = 100_000_000
    (order,) = engine.step(book(T0 + 3 * SECOND, T0 + 6 * SECOND))
    assert isinstance(order, Submit)


def test_a_frame_that_took_twenty_seconds_is_stale_evidence_though_it_came_just_now() -> None:
    """After a stall a backlog comes at once: its frames are new to us, and old."""
    engine = running(Wishes(None, buy(), buy()))
    engine.step(answer(T0 + SECOND, 0))
    now = T0 + 30 * SECOND
    (refusal,) = engine.step(book(now, now - 20 * SECOND))
    assert isinstance(refusal, Refuse)
    assert refusal.rule == "stale_book"
    assert abs(refusal.value - 20) < 0.01
    (order,) = engine.step(book(now + SECOND, now + SECOND))
    assert isinstance(order, Submit)


def test_a_heartbeat_behind_a_late_feed_is_as_late_as_the_feed() -> None:
    """It has no stamp of its own: the newest stamped frame of its connection speaks for it."""
    engine = running()
    engine.step(answer(T0 + SECOND, 0))
    market = engine.watch.markets[A]
    for at, late_s in ((T0 + 60 * SECOND, 20), (T0 + 90 * SECOND, 0)):
        engine.step(book(at, at - late_s * SECOND))
        engine.step(Timer(at, "beat"))
        engine.step(Frame(at + SECOND, 0, b'{"channel":"heartbeat"}'))
        market.now = at + 2 * SECOND
        assert round(market.age_ns / SECOND) == 1 + late_s


def test_when_the_machines_clock_was_set_entries_wait_for_a_new_measurement() -> None:
    """Intervals go on: the desk's own time does not jump; what was measured against it is not believed."""
    engine = running(Wishes(None, buy(), buy()))
    engine.step(answer(T0 + SECOND, 0))
    (tell,) = engine.step(ClockJump(T0 + 2 * SECOND, 3_600 * SECOND))
    assert tell.code == "CLOCK_JUMP"
    assert tell.text.startswith("CLOCK JUMP +3,600.0 s")
    (refusal,) = engine.step(book(T0 + 3 * SECOND, T0 + 3 * SECOND))
    assert isinstance(refusal, Refuse)
    assert refusal.rule == "clock"
    engine.step(answer(T0 + 4 * SECOND, 0))
    (order,) = engine.step(book(T0 + 5 * SECOND, T0 + 5 * SECOND))
    assert isinstance(order, Submit)


def test_a_pong_that_is_not_ours_measures_nothing() -> None:
    """A recording of another program holds its pongs too; a venue may answer without times."""
    engine = running()
    engine.step(Frame(T0 + SECOND, 0, pong(7, T0, T0)))
    engine.step(Frame(T0 + SECOND, 0, b'{"method":"pong","req_id":%d}' % ping_number(T0)))
    assert engine.watch.time.reading is None
