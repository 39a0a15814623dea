"""desk/market/streak.py: nobody can tell a streak from prints taken in one by one, however often somebody looks."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from desk.kernels.streak import ROOM
from desk.market.bars import MINUTE, MinuteBars
from desk.market.gaps import TradeRepair
from desk.market.streak import Streak
from desk.market.tape import FAST, SLOW, TradeTape
from desk.messages import Candle, Side, Trade

INST = "X/Y@v"
SECOND = 1_000_000_000
HUGE = 10**25  # beyond any machine word
LOOKS = ("delta", "prints", "last_id", "now", "volume", "vwap", "vwap_cut", "gaps", "begin", "past_session", "lost")

steps = st.fixed_dictionaries(
    {
        "px": st.integers(990, 1010) | st.sampled_from((1000, 1000, 1, 2**40, HUGE)),
        "qty": st.integers(1, 50) | st.sampled_from((7, 7, 2**59, 2**62, HUGE)),
        "side": st.sampled_from(list(Side)),
        "number": st.sampled_from((1,) * 12 + (0, -3, 4)),  # after the newest: a repeated, a late, an early one too
        "wait": st.sampled_from((0, 0, SECOND, 7 * SECOND, -2 * SECOND)),
        "look": st.sampled_from(("", "", "", "", "tape", "bars", "beat", "seed", "down")),
    }
)


class Never(Streak):
    """No print is of a streak."""

    def take(self, trade):
        return False


class Counting(Streak):
    """How many prints are."""

    def __init__(self, rows):
        super().__init__(rows)
        self.taken = 0

    def take(self, trade):
        done = super().take(trade)
        self.taken += done
        return done


def repair(streak=None, session=40 * SECOND):
    tape = TradeTape(INST, session=session, reach=30)
    made = TradeRepair(INST, tape, MinuteBars(INST))
    made._streak = (streak or Streak)(tape.recent.address)
    return made


def look(desk, how, now):
    """What somebody sees, or an event that is not a print."""
    if how == "tape":
        return [getattr(desk.tape, name) for name in LOOKS], desk.tape.volumes(FAST, now), desk.tape.volumes(SLOW, now)
    if how == "bars":
        return desk.bars.running, list(desk.bars.closed), dict(desk.bars.missed), desk.bars.late
    if how == "beat":
        return desk.beat(now)
    if how == "seed":
        begin = now - now % MINUTE
        history = tuple(Candle(INST, begin - n * MINUTE, MINUTE, 5, 9, 2, 7, 11, 3) for n in (2, 1, 0, -1))
        return desk.bars.seed(history)
    if how == "down":
        desk.link_down(now)
        return desk.link_up(now)
    return None


@settings(max_examples=200, deadline=None)
@given(st.lists(steps, max_size=80), st.integers(1, 10**9))
def test_a_streak_is_the_same_as_its_prints_one_by_one(made, first):
    """Late and repeated prints, holes, other minutes and sessions, sums beyond a machine word, looks in between."""
    fast, plain = repair(), repair(Never)
    number, ts = first, 1_000 * MINUTE
    for each in made:
        ts += each["wait"]
        trade = Trade(INST, each["px"], each["qty"], each["side"], max(1, number + each["number"]), ts)
        number = max(number, trade.trade_id)
        assert list(fast.take(trade, ts, snapshot=False)) == list(plain.take(trade, ts, snapshot=False))
        assert fast.settle(ts) == plain.settle(ts)
        assert look(fast, each["look"], ts) == look(plain, each["look"], ts)
    for how in ("tape", "bars"):
        assert look(fast, how, ts) == look(plain, how, ts)


@settings(max_examples=300, deadline=None)
@given(st.lists(steps, max_size=80), st.integers(1, 10**9), st.lists(st.sampled_from((1, 1, 9, 25, 70)), min_size=80))
def test_a_minute_that_a_print_of_the_next_has_ended_is_closed_by_the_beat_at_the_latest(made, first, waits):
    """The same bars as print by print, told once each and in order; the tape knows every print at once."""
    fast, plain = repair(session=60 * MINUTE), repair(Never, session=60 * MINUTE)
    told: dict[bool, list[object]] = {True: [], False: []}
    number, ts = first, 1_000 * MINUTE
    for each, wait in zip(made, waits, strict=False):
        ts += each["wait"] * wait
        trade = Trade(INST, each["px"], each["qty"], each["side"], max(1, number + each["number"]), ts)
        number = max(number, trade.trade_id)
        for desk in (fast, plain):
            told[desk is fast] += [*desk.take(trade, ts, snapshot=False), *desk.settle(ts)]
        assert look(fast, "tape", ts) == look(plain, "tape", ts)
        assert told[True] == told[False][: len(told[True])]
        if each["look"] in ("seed", "down", "beat"):
            for desk in (fast, plain):
                if each["look"] != "beat":  # its answer is what is told
                    look(desk, each["look"], ts)
                told[desk is fast] += desk.beat(ts)
            assert told[True] == told[False]
            assert look(fast, "bars", ts) == look(plain, "bars", ts)


def test_a_first_print_of_a_minute_is_of_a_streak_too():
    """A minute later nobody has looked: the bar is closed by the beat, and the streak goes on behind it."""
    desk = repair(Counting, session=60 * MINUTE)
    rows = [(11 + n, MINUTE + n * 10 * SECOND, 1000 + n) for n in range(20)]
    closed = []
    for number, ts, px in rows:
        assert not desk.take(Trade(INST, px, 2, Side.BUY, number, ts), ts, snapshot=False)
        desk.settle(ts)
        if number % 3 == 0:
            closed += desk.beat(ts)
    assert [(bar.open, bar.close, bar.count) for bar in closed] == [(1000, 1005, 6), (1006, 1011, 6), (1012, 1017, 6)]
    assert desk._streak.taken == 18  # the first makes the tape begin, the second the streak
    assert (desk.bars.running.begin, desk.tape.prints) == (4 * MINUTE, 20)


def test_most_prints_are_of_a_streak_and_a_full_one_begins_anew():
    """Fails when the fast way is never taken, and when its room is written beyond."""
    desk, count = repair(Counting), 3 * ROOM
    for n in range(count):
        desk.take(Trade(INST, 1000, 2, Side.BUY, 11 + n, MINUTE + n), 0, snapshot=False)
        desk.settle(0)
    assert (desk.tape.prints, desk.tape.delta, desk.bars.running.volume) == (count, 2 * count, 2 * count)
    assert desk.tape.volumes(SLOW, MINUTE + count) == (2 * count, 0)
    assert count - 8 <= desk._streak.taken < count


def test_a_first_print_of_the_year_26_or_9999_begins_no_streak():
    """Times beyond a machine word, in the first bar there is."""
    for ts in (-61_343_920_000 * SECOND, 253_402_300_799 * SECOND):
        desk = repair()
        desk.take(Trade(INST, 1000, 2, Side.BUY, 7, MINUTE), 0, snapshot=True)
        desk.settle(0)
        for number in (8, 9):
            desk.take(Trade(INST, 1000, 2, Side.BUY, number, ts), 0, snapshot=False)
        assert (desk.bars.running.begin, desk.bars.running.count, desk.tape.prints) == (ts - ts % MINUTE, 2, 3)
