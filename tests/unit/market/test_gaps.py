"""desk/market/gaps.py: whatever is lost on the way, tape and bars end as if nothing had been, or say what they lack."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from desk.market.bars import GRACE, MINUTE, MinuteBars
from desk.market.gaps import BLIND, PATIENCE, SETTLE, TradeRepair
from desk.market.seen import Ask, Word
from desk.market.tape import TradeTape
from desk.messages import Candle, Side, Trade

INST = "X/Y@v"
SECOND = 1_000_000_000
STEP = 7 * SECOND  # between two prints: nine or so a minute
FIRST = 101


def prints(count):
    """Numbered from 101, one each 7 s, prices and sides that differ."""
    return [
        Trade(INST, 1000 + i * i % 17, 1 + i % 5, Side.SELL if i % 3 else Side.BUY, FIRST + i, MINUTE + i * STEP)
        for i in range(count)
    ]


def repair():
    return TradeRepair(INST, TradeTape(INST), MinuteBars(INST))


def print_at(desk, trade, *, snapshot=False, now=None):
    now = trade.ts_exch if now is None else now
    made = [*desk.take(trade, now, snapshot=snapshot), *desk.settle(now)]
    return [each for each in made if isinstance(each, Candle)]


def asks(made):
    return [each for each in made if isinstance(each, Ask)]


def words(made):
    return [each.code for each in made if isinstance(each, Word)]


def state(desk):
    tape = desk.tape
    return (desk.bars.closed, desk.bars.running, tape.prints, tape.delta, tape.volume, tape.vwap_cut, tape.gaps)


def undisturbed(trades, end):
    desk = repair()
    for trade in trades:
        print_at(desk, trade)
    desk.beat(end)
    return desk


@settings(max_examples=100, deadline=None)
@example(lost={17}, page=2, lag=0, away=(31, 30))
@given(
    lost=st.sets(st.integers(1, 58), min_size=1, max_size=40),
    page=st.integers(2, 9),
    lag=st.integers(0, 20 * SECOND),
    away=st.none() | st.tuples(st.integers(2, 50), st.integers(1, 30)),
)
def test_holes_and_outages_filled_page_by_page_leave_the_same_bars_and_the_same_tape(lost, page, lag, away):
    """Each bar is closed once, in order; one that differs from the undisturbed run's says that it lacks prints.

    That happens where the clock closed a minute before its hole could be seen, or REST was too slow.
    """
    trades = prints(60)
    desk, closed, pending = repair(), [], []
    gone = set(range(away[0], min(sum(away), 59))) if away else set()
    end = trades[-1].ts_exch

    def rest(now):
        """The venue's answer: what printed after `since`, at most a page."""
        made = []
        while pending and (pending[0][0] <= now or now > end):
            _, ask = pending.pop(0)
            known = [t for t in trades if t.ts_exch > ask.since and t.ts_exch <= now]
            made += desk.answered(tuple(known[:page]), now)
        return made

    def beat(now):
        made = [*rest(now), *desk.beat(now)]
        pending.extend((now + lag, ask) for ask in asks(made))
        closed.extend(each for each in made if isinstance(each, Candle))

    for i, trade in enumerate(trades):
        if away and i == away[0]:
            desk.link_down(trade.ts_exch)
        if away and i == min(sum(away), 59):
            desk.link_up(trade.ts_exch)
        if i in (0, 59) or i not in lost | gone:
            closed += print_at(desk, trade)
        beat(trade.ts_exch + SECOND)
        beat(trade.ts_exch + 4 * SECOND)
    for tick in range(400):
        if desk.whole and not pending:
            break
        beat(end + tick * SECOND // 4)
    assert desk.whole
    now = end + 200 * SECOND
    closed += [each for each in desk.beat(now) if isinstance(each, Candle)]
    whole = undisturbed(trades, now)
    assert state(desk)[2:] == state(whole)[2:]
    assert closed == desk.bars.closed
    assert [bar.begin for bar in closed] == [bar.begin for bar in whole.bars.closed]
    assert (desk.since, desk.opened) == (0, 0)
    missed = desk.bars.missed
    for ours, theirs in zip(closed, whole.bars.closed, strict=True):
        assert ours == theirs or ours.gap or ours.begin in missed
    assert all(
        count <= sum(trades[i].ts_exch // MINUTE == at // MINUTE for i in lost | gone) for at, count in missed.items()
    )


def test_a_print_that_was_only_overtaken_asks_for_nothing():
    """It comes by itself within half a second; the bar has both in the order of their numbers."""
    desk, (a, b, c) = repair(), prints(3)
    print_at(desk, a)
    print_at(desk, c)
    assert asks(desk.beat(c.ts_exch + SETTLE - 1)) == []
    print_at(desk, b, now=c.ts_exch + SETTLE)
    assert desk.whole
    assert desk.beat(c.ts_exch + 2 * SETTLE) == []
    assert desk.failed("too late to matter", c.ts_exch + 2 * SETTLE) == []
    assert state(desk) == state(undisturbed((a, b, c), c.ts_exch))


def test_a_gap_that_the_socket_closes_itself_is_over_for_rest_too():
    """The next question begins at the next gap, not at the last one."""
    desk, trades = repair(), prints(6)
    for i in (0, 2):
        print_at(desk, trades[i])
    desk.beat(trades[2].ts_exch + SETTLE)
    desk.take(trades[1], trades[2].ts_exch + SECOND, snapshot=False)
    assert words(desk.settle(trades[2].ts_exch + SECOND)) == ["TRADES_FILLED"]
    for i in (3, 5):
        print_at(desk, trades[i])
    (ask,) = asks(desk.beat(trades[5].ts_exch + 40 * SECOND))
    assert ask.since == trades[3].ts_exch - 1


def test_the_question_begins_with_the_print_before_the_hole():
    """Inclusive: prints of the same microsecond on both sides of a page are not lost."""
    desk, (a, _, c) = repair(), prints(3)
    print_at(desk, a)
    print_at(desk, c)
    made = desk.beat(c.ts_exch + SETTLE)
    assert (words(made), asks(made)) == (["TRADES_MISSING"], [Ask("Trades", INST, since=a.ts_exch - 1)])
    assert asks(desk.beat(c.ts_exch + 2 * SETTLE)) == []  # one question at a time


def test_no_bar_closes_while_the_connection_is_away_and_a_snapshot_that_reaches_back_needs_no_rest():
    """The old way closed flat minutes during an outage, and then never heard what had printed in them."""
    desk, trades = repair(), prints(30)
    for trade in trades[:5]:
        print_at(desk, trade)
    desk.link_down(trades[5].ts_exch)
    assert desk.beat(trades[5].ts_exch + 3 * MINUTE) == []
    back = trades[25].ts_exch
    desk.link_up(back)
    for trade in trades[2:25]:
        desk.take(trade, back, snapshot=True)
    closed = desk.settle(back)
    whole = undisturbed(trades[:25], back)
    assert closed == whole.bars.closed
    assert state(desk) == state(whole)
    assert not asks(desk.beat(back + BLIND))


def test_a_connection_that_came_back_and_says_nothing_is_not_taken_for_a_quiet_market():
    """Three seconds without a print and without a snapshot: REST is asked what printed meanwhile."""
    desk, trades = repair(), prints(12)
    for trade in trades[:5]:
        print_at(desk, trade)
    desk.link_down(trades[5].ts_exch)
    back = trades[11].ts_exch + SECOND
    desk.link_up(back)
    (ask,) = asks(desk.beat(back + BLIND))
    assert ask.since == trades[4].ts_exch - 1
    desk.answered(tuple(trades[4:]), back + BLIND)
    assert desk.whole
    assert desk.filled == 7
    assert state(desk) == state(undisturbed(trades, back + BLIND))


def test_when_rest_fails_the_gap_stays_marked_and_its_bars_are_closed_once_as_what_they_are():
    """A minute of patience, one word, `gap` on the bars that lack prints and on no other; a late fill repaints none."""
    desk, trades = repair(), prints(40)
    kept = [trade for i, trade in enumerate(trades) if not 12 <= i < 15]  # all in the second minute
    for trade in kept[:20]:
        print_at(desk, trade)
    hole = (FIRST + 12, FIRST + 14)
    said, closed, now = [], [], kept[19].ts_exch
    for tick in range(4 * 70):
        now = kept[19].ts_exch + tick * SECOND // 4
        made = desk.beat(now)
        said += words(made)
        closed += [each for each in made if isinstance(each, Candle)]
        if asks(made):
            said += words(desk.failed("no route to the venue", now))
    assert said == ["TRADES_MISSING", "TRADES_UNFILLED", "BARS_INCOMPLETE"]
    assert desk.tape.gaps == (hole,)
    assert [bar.begin // MINUTE for bar in desk.bars.closed if bar.gap] == [2]
    before = list(desk.bars.closed)
    for tick in range(300):
        if asks(desk.beat(now + tick * SECOND)):
            made = desk.answered(tuple(trades[11:16]), now + tick * SECOND)
            break
    assert words(made) == ["TRADES_FILLED"]
    assert desk.bars.closed[: len(before)] == before
    assert desk.bars.missed == {2 * MINUTE: 3}
    assert desk.tape.gaps == ()
    whole = undisturbed(trades[:23], now)
    assert (desk.tape.volume, desk.tape.vwap_cut) == (whole.tape.volume, whole.tape.vwap_cut)


def test_numbers_that_the_venue_itself_does_not_have_are_given_up():
    """Three answers that reach over the hole and hold none of it: nobody waits for them for ever."""
    desk, (a, _, c, d) = repair(), prints(4)
    for trade in (a, c, d):
        print_at(desk, trade)
    now, answers = d.ts_exch, 0
    while not desk.whole:
        now += SECOND
        assert now < d.ts_exch + PATIENCE
        if asks(desk.beat(now)):
            answers += 1
            desk.answered((a, c, d), now)
    assert (answers, desk.tape.lost, desk.opened) == (3, 1, 0)
    desk.beat(c.ts_exch + MINUTE + 2 * GRACE)
    assert not desk.bars.closed[0].gap


def test_a_first_snapshot_is_not_in_the_bars_even_when_a_print_came_before_it():
    """The venue's candles hold those prints; taken twice they would double a bar."""
    desk, trades = repair(), prints(9)
    print_at(desk, trades[8])
    for trade in trades:
        desk.take(trade, trades[8].ts_exch, snapshot=True)
    desk.settle(trades[8].ts_exch)
    assert (desk.whole, desk.tape.prints, desk.bars.running.count, desk.bars.late) == (True, 9, 1, 0)


def test_prints_without_numbers_pass_through():
    """Such a venue's holes cannot be seen: nothing is held for them."""
    desk = repair()
    for minute in (1, 2):
        print_at(desk, Trade(INST, 10, 1, Side.BUY, 0, minute * MINUTE))
    desk.link_down(2 * MINUTE)
    desk.link_up(2 * MINUTE)
    assert [bar.begin for bar in desk.beat(5 * MINUTE)] == [2 * MINUTE, 3 * MINUTE]
    assert not asks(desk.beat(6 * MINUTE))
