"""desk/engine.py, watch and seat: one event in, its answers out, in order, and only through risk."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from desk.config import Risk
from desk.engine import Engine
from desk.events import Command, Ended, Evidence, Fill, Frame, LinkDown, LinkUp, Sent, Start, Timer, TrendBias, Unknown
from desk.intents import CancelOrder, Enquire, Noted, Place, Refuse, Resync, Submit, Tell, Wake
from desk.intents import Decline as Why
from desk.market.state import BookState
from desk.messages import LinkSpec, Side, Subscription
from desk.portfolio.orders import PLACES
from desk.portfolio.portfolio import Portfolio
from desk.risk.account import Account
from desk.risk.rules import limits
from desk.signals.watch import Watch
from desk.strategies.base import Strategy
from desk.wire.kraken import KrakenCodec
from hft_signals import OrderBookAnalyzer

A, B = "BTC/USD@kraken", "ETH/USD@kraken"
SECOND = 1_000_000_000


class Scripted(Strategy):
    """Answers each call of a handler with the next intents of its script, and writes down what it saw."""

    def __init__(self, **script):
        self.script = {name: list(steps) for name, steps in script.items()}
        self.seen = []

    def _next(self, name, what):
        self.seen.append((name, what))
        steps = self.script.get(name, [])
        return steps.pop(0) if steps else ()

    def on_book(self, inst, view):
        return self._next("book", inst)

    def on_trade(self, trade, view):
        return self._next("trade", trade.trade_id)

    def on_bar(self, bar, view):
        return self._next("bar", bar.begin)

    def on_timer(self, key, view):
        return self._next("timer", key)

    def on_fill(self, fill, view):
        return self._next("fill", (fill.fill_id, view.position(fill.inst), view.exposure(fill.inst)))

    def on_ended(self, ended, view):
        return self._next("ended", ended.why)

    def on_bias(self, bias, view):
        return self._next("bias", view.bias(bias.symbol))


def desk(*strategies):
    channels = [Subscription("book", s, 10) for s in ("BTC/USD", "ETH/USD")]
    channels += [Subscription("trade", "BTC/USD"), Subscription("ohlc", "BTC/USD", 0, 1)]
    watch = Watch(
        "kraken", (LinkSpec("public", tuple(channels)),), KrakenCodec(), OrderBookAnalyzer().score, {"*": 0.5}
    )
    engine = Engine(
        watch,
        strategies,
        Portfolio(Decimal(10_000), watch.instruments),
        Account(watch.instruments),
        limits(Risk()),
        10 * SECOND,
    )
    engine.step(LinkUp(1, 0))
    engine.step(Timer(1, "beat"))
    watch.time.pong(1, 1, 1, 1)  # the venue's clock is measured, and is ours
    return engine


def frame(ts, text):
    return Frame(ts, 0, text.encode())


def book(ts, symbol="BTC/USD", kind="snapshot", bid="100.0", ask="100.1", bid_qty="1.00000000"):
    return frame(
        ts,
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{symbol}","bids":[{{"price":{bid},"qty":{bid_qty}}}],'
        f'"asks":[{{"price":{ask},"qty":1.00000000}}],"timestamp":"2026-08-02T04:23:42.847625Z"}}]}}',
    )


def trade(ts, trade_id, kind="update"):
    return frame(
        ts,
        f'{{"channel":"trade","type":"{kind}","data":[{{"symbol":"BTC/USD","side":"buy","price":100.1,"qty":1.00000000,'
        f'"ord_type":"market","trade_id":{trade_id},"timestamp":"2026-08-02T04:23:42.847625Z"}}]}}',
    )


def buy(qty=100_000_000, px=1001, **more):
    return Place(A, Side.BUY, qty, px, **more)


def test_a_wish_leaves_as_an_order_that_names_its_cause():
    """Ids are counters and the cause is the event's number: a replay makes the same ones."""
    engine = desk(Scripted(book=[[buy()], [buy()]]))
    (first,) = engine.step(book(SECOND))
    (second,) = engine.step(book(2 * SECOND, kind="update"))
    assert isinstance(first, Submit)
    assert (first.order_id, first.cause, second.order_id, second.cause) == ("o1", 3, "o2", 4)


def test_risk_refuses_with_numbers_and_the_wish_does_not_leave():
    """10 000 of equity, 20 % a symbol: 25 BTC at 100 is over the limit."""
    engine = desk(Scripted(book=[[buy(qty=2_400_000_000)]]))
    (refusal,) = engine.step(book(SECOND))
    assert isinstance(refusal, Refuse)
    assert refusal.rule == "position"
    assert refusal.value > refusal.limit


def test_an_exit_is_never_refused_by_a_limit():
    """Even after a kill: a limit must not keep us in a trade."""
    seat = Scripted(book=[[buy()], [Place(A, Side.SELL, 100_000_000, 1000, reason="stop")]])
    engine = desk(seat)
    engine.step(book(SECOND))
    engine.step(Fill(SECOND + 1, "p1", "o1", A, Side.BUY, 1001, 100_000_000, Decimal(0), maker=False))
    engine.step(Ended(SECOND + 1, "o1", "filled"))
    engine.step(Command(SECOND + 2, "kill", "test"))
    (out,) = engine.step(book(2 * SECOND, kind="update"))
    assert isinstance(out, Submit)
    assert seat.seen[2] == ("fill", ("p1", 100_000_000, 100_000_000))


def test_after_a_kill_no_new_risk_leaves_and_open_orders_are_cancelled():
    """Cancels first; entries refused from then on."""
    engine = desk(Scripted(book=[[buy(tif="gtc")], [buy()]]))
    engine.step(book(SECOND))
    effects = engine.step(Command(SECOND + 1, "kill", "enough"))
    assert [type(e) for e in effects] == [Tell, CancelOrder]
    (refusal,) = engine.step(book(2 * SECOND, kind="update"))
    assert isinstance(refusal, Refuse)


def test_nothing_is_believed_before_the_snapshot_or_after_the_link_is_gone():
    """No book, no score, no look by a strategy."""
    seat = Scripted()
    engine = desk(seat)
    engine.step(book(SECOND, kind="update"))
    assert engine.watch.scores == {}
    engine.step(book(SECOND))
    assert A in engine.watch.scores
    (word,) = engine.step(LinkDown(2 * SECOND, 0, "gone"))
    assert isinstance(word, Tell)
    assert engine.watch.scores == {}
    assert engine.watch.markets[A].why == "BOOK_NOT_SYNCED"
    assert [name for name, _ in seat.seen] == ["timer", "book"]


def test_one_refused_symbol_is_marked_and_the_other_runs():
    """A7: the venue's own words on that symbol, the rest untouched."""
    engine = desk(Scripted())
    (word,) = engine.step(frame(SECOND, '{"error":"nope","method":"subscribe","success":false,"symbol":"ETH/USD"}'))
    engine.step(book(SECOND))
    assert isinstance(word, Tell)
    assert "nope" in word.text
    assert engine.watch.markets[B].tracks["book"].why == "refused: nope"
    assert engine.watch.markets[A].ready


def test_a_book_crossed_for_two_messages_is_subscribed_again():
    """Never repaired by deleting levels; that symbol alone."""
    engine = desk(Scripted())
    engine.step(book(SECOND))
    assert [type(e) for e in engine.step(book(SECOND + 1, kind="update", bid="100.2"))] == []
    assert engine.watch.markets[A].why == "BOOK_CROSSED"
    effects = engine.step(book(SECOND + 2, kind="update", bid="100.3"))
    assert [type(e) for e in effects] == [Tell, Resync]
    assert (effects[1].channel, effects[1].symbol) == ("book", "BTC/USD")
    assert engine.watch.markets[A].tracks["book"].state is BookState.RESYNC


def test_a_snapshot_that_never_comes_is_asked_for_again():
    """10 s after the acknowledgement."""
    engine = desk(Scripted())
    engine.step(book(SECOND, symbol="ETH/USD"))
    effects = engine.step(Timer(12 * SECOND, "beat"))
    assert [e.symbol for e in effects if isinstance(e, Resync)] == ["BTC/USD"]


def test_repeated_trades_and_snapshots_of_trades_are_not_seen_twice():
    """The tape after a reconnect repeats what was printed before."""
    seat = Scripted()
    engine = desk(seat)
    engine.step(book(SECOND))
    for ts, trade_id, kind in (
        (2, 5, "update"),
        (3, 5, "update"),
        (4, 4, "update"),
        (5, 6, "snapshot"),
        (6, 7, "update"),
    ):
        engine.step(trade(ts * SECOND, trade_id, kind))
    assert [what for name, what in seat.seen if name == "trade"] == [5, 7]


def test_timers_go_back_to_the_seat_that_asked():
    """Two strategies may use the same key."""
    first, second = Scripted(), Scripted(book=[[Wake(9, "mine")]])
    engine = desk(first, second)
    (wake,) = engine.step(book(SECOND))
    assert wake == Wake(9, "1/mine")
    engine.step(Timer(9 * SECOND, wake.key))
    assert ("timer", "mine") in second.seen
    assert ("timer", "mine") not in first.seen


def test_a_bias_is_seen_until_it_expires():
    """An old morning must not filter this evening's scalps."""
    seat = Scripted()
    engine = desk(seat)
    bias = TrendBias(SECOND, "BTC/USD", 40.0, 5 * SECOND, "BULLISH", 1.0)
    engine.step(bias)
    assert seat.seen[-1] == ("bias", bias)
    engine.step(Timer(6 * SECOND, "beat"))
    assert engine.seats[0].bias("BTC/USD") is None


def test_a_strategy_s_reason_against_a_trade_is_kept_with_its_cause():
    """Why not, answered from the journal."""
    engine = desk(Scripted(book=[[Why(A, "WARM_UP", {"bars": 3.0})]]))
    (noted,) = engine.step(book(SECOND))
    assert noted == Noted(Why(A, "WARM_UP", {"bars": 3.0}), 3)


def test_a_frame_that_is_not_understood_is_told_and_changes_nothing():
    """The connection and the books stay."""
    engine = desk(Scripted())
    engine.step(book(SECOND))
    (word,) = engine.step(Frame(2 * SECOND, 0, b"\xff\xfe not json"))
    assert isinstance(word, Tell)
    assert word.code == "BAD_FRAME"
    assert engine.watch.markets[A].ready


def test_an_old_snapshot_replayed_late_is_dropped_and_a_second_one_believed():
    """B3; the second in a row means that the venue's own clock went back."""
    engine = desk(Scripted())
    engine.step(book(SECOND))
    track = engine.watch.markets[A].tracks["book"]
    old = book(2 * SECOND, bid="90.0").data.replace(b"2026-08-02", b"2026-08-01")
    engine.step(Frame(2 * SECOND, 0, old))
    assert (track.stale, engine.watch.markets[A].bid) == (1, 1000)
    engine.step(Frame(3 * SECOND, 0, old))
    assert engine.watch.markets[A].bid == 900


def test_a_book_that_stands_still_while_trades_print_outside_it_is_subscribed_again():
    """B9: heartbeats go on, one channel is dead; 2 s of contradiction are enough."""
    engine = desk(Scripted())
    engine.step(book(SECOND))
    outside = trade(2 * SECOND, 1).data.replace(b"100.1", b"100.9")
    engine.step(Frame(2 * SECOND, 0, outside))
    assert not [e for e in engine.step(Timer(3 * SECOND, "beat")) if isinstance(e, Resync)]
    (fault,) = [e for e in engine.step(Timer(4 * SECOND, "beat")) if isinstance(e, Resync) and e.symbol == "BTC/USD"]
    assert "STALLED" in fault.why
    assert A not in engine.watch.scores


def test_a_book_that_moves_after_the_contradiction_is_believed():
    """A print between two book messages is normal."""
    engine = desk(Scripted())
    engine.step(book(SECOND))
    engine.step(Frame(2 * SECOND, 0, trade(2 * SECOND, 1).data.replace(b"100.1", b"100.9")))
    engine.step(book(2 * SECOND + 1, kind="update", bid="100.0", bid_qty="2.00000000"))
    assert not [e for e in engine.step(Timer(5 * SECOND, "beat")) if isinstance(e, Resync) and e.symbol == "BTC/USD"]


def test_a_number_that_no_book_can_hold_makes_the_book_suspect():
    """18 digits are the limit of the fast book; an exception here would end the run."""
    engine = desk(Scripted())
    engine.step(book(SECOND))
    effects = engine.step(book(2 * SECOND, kind="update", bid_qty="99999999999999.00000000"))
    assert [type(e) for e in effects] == [Tell, Resync]
    assert "18 digits" in effects[0].text


def test_flatten_leaves_every_position_within_a_collar_and_asks_again_until_it_is_flat():
    """20 bps beyond the touch at most; what did not fill is tried at the next beat; dust is left."""
    engine = desk(Scripted(book=[[buy()]]))
    engine.step(book(SECOND))
    engine.step(Fill(SECOND + 1, "p1", "o1", A, Side.BUY, 1001, 100_000_000, Decimal(0), maker=False))
    engine.step(Ended(SECOND + 1, "o1", "filled"))
    engine.step(Command(SECOND + 2, "kill", "out"))
    tell, out = engine.step(Command(SECOND + 3, "flatten", "out"))
    assert (tell.code, out.place.side, out.place.qty, out.place.tif) == ("FLATTEN", Side.SELL, 100_000_000, "ioc")
    assert out.place.px == 1000 - 2
    assert not [e for e in engine.step(Timer(SECOND + 4, "beat")) if isinstance(e, Submit)]  # one is on its way
    engine.step(Fill(SECOND + 5, "p2", "o2", A, Side.SELL, 1000, 60_000_000, Decimal(0), maker=False))
    engine.step(Ended(SECOND + 5, "o2", "expired"))
    (again,) = [e for e in engine.step(Timer(SECOND + 6, "beat")) if isinstance(e, Submit)]
    assert again.place.qty == 40_000_000
    engine.step(Fill(SECOND + 7, "p3", "o3", A, Side.SELL, 1000, 40_000_000, Decimal(0), maker=False))
    engine.step(Ended(SECOND + 7, "o3", "filled"))
    assert not [e for e in engine.step(Timer(SECOND + 8, "beat")) if isinstance(e, Submit)]


def test_a_breaker_from_before_the_restart_holds_until_a_person_gives_a_reason():
    """The word "halt" carries its code."""
    engine = desk(Scripted(book=[[buy()], [buy()]]))
    engine.step(Command(SECOND, "halt", "drawdown: 5.2 % below the peak"))
    assert engine.account.state(SECOND) == "halted: 5.2 % below the peak"
    (refusal,) = engine.step(book(2 * SECOND))
    assert (refusal.rule, engine.account.halted) == ("halted", "drawdown")
    engine.step(Command(3 * SECOND, "resume", "looked into it"))
    assert isinstance(engine.step(book(4 * SECOND, kind="update"))[0], Submit)


def test_nothing_is_ordered_in_a_symbol_whose_decimals_changed_not_even_an_exit():
    """The quantities we hold are lots of another size: an exit of them could be ten times the position."""
    engine = desk(Scripted(book=[[buy()], [buy()]]))
    engine.step(book(SECOND))
    pair = (
        '{"channel":"instrument","type":"update","data":{"pairs":[{"symbol":"BTC/USD","status":"online",'
        '"qty_precision":8,"qty_increment":1e-8,"qty_min":0.0001,"price_precision":2,"price_increment":0.01}]}}'
    )
    told = engine.step(frame(2 * SECOND, pair))
    assert [type(effect) for effect in told] == [Tell, Resync]
    ack = '{"method":"subscribe","result":{"channel":"book","symbol":"BTC/USD"},"success":true}'
    assert not [*engine.step(frame(2 * SECOND, ack)), *engine.step(frame(2 * SECOND, ack))]  # the first, the resync's
    (refused,) = engine.step(book(3 * SECOND, bid="100.00", ask="100.11"))
    assert isinstance(refused, Refuse)
    assert refused.rule == "decimals_changed"


# --- the life of our orders


def bought(*strategies):
    """A desk that holds 1 BTC of order o1, which the venue has ended."""
    engine = desk(*(strategies or [Scripted(book=[[buy()]])]))
    engine.step(book(SECOND))
    engine.step(filled(1))
    engine.step(Ended(SECOND + 1, "o1", "filled"))
    return engine


def filled(number, order_id="o1", side=Side.BUY, qty=100_000_000, ts=SECOND + 1):
    return Fill(ts, f"p{number}", order_id, A, side, 1001, qty, Decimal(0), maker=False)


def told(effects):
    return [effect.code for effect in effects if isinstance(effect, Tell)]


def test_a_fill_reported_twice_changes_nothing_anywhere():
    """Not the position, not the cash, not the strategy's own count, and the strategy does not hear of it."""
    seat = Scripted(book=[[buy()]])
    engine = bought(seat)
    before = (engine.portfolio.cash, engine.seats[0].position(A), engine.account.positions, len(seat.seen))
    assert engine.step(filled(1)) == []
    assert (engine.portfolio.cash, engine.seats[0].position(A), engine.account.positions, len(seat.seen)) == before


def test_a_late_fill_moves_the_position_and_not_the_label():
    """C3: accounting follows fills, never states."""
    engine = desk(Scripted(book=[[buy(tif="gtc")]]))
    engine.step(book(SECOND))
    engine.step(Ended(SECOND + 1, "o1", "cancelled"))
    effects = engine.step(filled(1, qty=40_000_000))
    assert told(effects) == ["LATE_FILL"]
    assert engine.life.get("o1").state == "CANCELED"
    assert engine.portfolio.position(A).qty == engine.seats[0].position(A) == 40_000_000


def test_an_end_said_twice_is_heard_once():
    """The strategy would count its order out a second time."""
    seat = Scripted(book=[[buy()]])
    engine = bought(seat)
    assert engine.step(Ended(SECOND + 2, "o1", "cancelled")) == []
    assert engine.life.get("o1").state == "FILLED"
    assert [name for name, _ in seat.seen].count("ended") == 1


def test_a_fill_of_an_order_that_is_none_of_ours_stops_entries_and_is_accounted():
    """C12: somebody else trades on this account."""
    engine = bought(Scripted(book=[[buy()], [buy()]]))
    assert told(engine.step(filled(2, "x9"))) == ["EXTERNAL_ORDER"]
    assert engine.portfolio.position(A).qty == 200_000_000
    (refusal,) = engine.step(book(2 * SECOND, kind="update"))
    assert (refusal.rule, engine.account.halted) == ("halted", "external_order")


def test_an_order_filled_beyond_its_quantity_stops_entries():
    """C13: the venue did what nobody asked for."""
    engine = bought()
    assert told(engine.step(filled(2, qty=1))) == ["VENUE_MISMATCH"]
    assert engine.account.halted == "venue_mismatch"


def test_an_order_without_an_answer_is_in_doubt_stays_reserved_and_is_asked_for():
    """C1, C2: no second order; found, it goes on; nowhere twice, it is dead and its money is free."""
    engine = desk(Scripted(book=[[buy(tif="gtc")]]))
    engine.step(book(SECOND))
    engine.step(Sent(SECOND, "o1"))
    reserved = engine.portfolio.free("USD")
    assert told(engine.step(Timer(6 * SECOND, "beat"))) == []
    effects = engine.step(Timer(7 * SECOND, "beat"))
    assert told(effects) == ["ORDER_UNKNOWN"]
    assert [e.order_id for e in effects if isinstance(e, Enquire)] == ["o1"]
    assert (engine.life.unknown, engine.portfolio.free("USD")) == (1, reserved)
    assert told(engine.step(Evidence(8 * SECOND, "o1", "open", found=True))) == ["ORDER_FOUND"]
    engine.step(Unknown(9 * SECOND, "o1", "the connection broke"))
    said = []
    for ts in (10, 12):
        for place in PLACES:
            said += told(engine.step(Evidence(ts * SECOND, "o1", place, found=False)))
    assert said == ["ORDER_RESOLVED"]
    assert engine.life.get("o1").state == "REJECTED"
    assert engine.portfolio.free("USD") == 10_000
    assert engine.account.open_orders == engine.seats[0].working == {}


def test_every_fill_and_every_end_leaves_a_checkpoint_that_another_desk_can_go_on_from():
    """Positions, cash, losses; the ledger of the new desk adds up; a restart of the restart is the same."""
    engine = bought()
    engine.step(Start(SECOND, *["x"] * 3, (), "", "", 0, "", ()))
    engine.step(filled(2, side=Side.SELL, qty=30_000_000))
    left = engine.step(Command(2 * SECOND, "stop", ""))[-1].handover
    again = desk(Scripted())
    effects = again.step(Start(3 * SECOND, *["x"] * 3, (), "", "", 0, "", (), "a2", left, "before"))
    assert told(effects) == ["UNMINDED_POSITION"]  # a scripted strategy adopts nothing
    taken = effects[-1].handover
    assert (taken.cash, taken.positions, taken.seats, taken.purses) == (
        left.cash,
        left.positions,
        left.seats,
        left.purses,
    )
    assert again.seats[0].position(A) == again.account.positions[A] == 70_000_000
    third = desk(Scripted())
    assert third.step(Start(4 * SECOND, *["x"] * 3, (), "", "", 0, "", (), "a3", taken, "before"))[-1].handover == taken
    again.step(book(4 * SECOND))
    again.portfolio.check()


def test_what_belonged_to_a_seat_that_is_gone_is_the_first_one_s():
    """Another configuration may run fewer strategies."""
    engine = desk(Scripted(), Scripted(book=[[buy()], [buy(tif="gtc", px=999, qty=100)]]))
    engine.step(book(SECOND))
    engine.step(filled(1))
    engine.step(Ended(SECOND + 1, "o1", "filled"))
    engine.step(book(2 * SECOND, kind="update"))
    left = engine.step(Command(2 * SECOND, "stop", ""))[-1].handover
    again = desk(Scripted())
    again.step(Start(3 * SECOND, *["x"] * 3, (), "", "", 0, "", (), "a2", left, "before"))
    assert again.seats[0].position(A) == 100_000_000
    assert list(again.seats[0].working) == ["o2"]
    again.step(Ended(3 * SECOND, "o2", "cancelled: gone"))
    assert again.account.held == {(0, A): 100_000_000}


def test_nothing_begins_after_the_word_to_stop():
    """What a strategy wishes while the last answers come in would be left behind."""
    engine = desk(Scripted(book=[[buy()]]))
    engine.step(Command(SECOND, "stop", "the run ends"))
    (refusal,) = engine.step(book(SECOND))
    assert isinstance(refusal, Refuse)


def test_a_journal_that_cannot_be_written_stops_entries_until_it_can():
    """And lifts nothing that a breaker or a person decided."""
    engine = desk(Scripted(book=[[buy()], [buy()], [buy()]]))
    engine.step(Command(SECOND, "halt", "drawdown: deep"))
    engine.step(Command(SECOND, "broken", "no space left"))
    assert engine.account.state(SECOND) == "halted: no space left"
    engine.step(Command(SECOND, "mended", ""))
    assert engine.account.state(SECOND) == "halted: deep"
    engine.step(Command(SECOND, "resume", "looked"))
    engine.step(Command(SECOND, "broken", "no space left"))
    assert engine.step(book(SECOND))[0].rule == "halted"
    engine.step(Command(SECOND, "mended", ""))
    assert isinstance(engine.step(book(2 * SECOND, kind="update"))[0], Submit)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 2), st.integers(1, 4)), max_size=12), st.randoms(use_true_random=False))
def test_reports_in_any_order_and_any_number_come_to_the_same_position_and_cash(reports, dice):
    """I5, I6: fills before, between and after the ends of their orders, each repeated or not."""
    engine = desk(Scripted(book=[[buy(qty=10, tif="gtc", px=1000), buy(qty=10, tif="gtc", px=999)]]))
    assert [type(effect) for effect in engine.step(book(SECOND))] == [Submit, Submit]
    events = [filled(n, f"o{order}", qty=qty) for n, (order, qty) in enumerate(reports)]
    said = [*events, *dice.sample(events, len(events) // 2), Ended(3, "o1", "cancelled"), Ended(3, "o2", "expired")]
    dice.shuffle(said)
    for event in said:
        engine.step(event)
    lots = sum(event.qty for event in events)
    assert engine.portfolio.position(A).qty == engine.seats[0].position(A) == engine.account.positions.get(A, 0) == lots
    assert engine.portfolio.cash["USD"] == 10_000 - Decimal(1001 * lots).scaleb(-9)
    assert {order.order_id for order in engine.life.live} == set()
    engine.portfolio.check()
