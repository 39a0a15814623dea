"""desk/market/tape.py and rolling.py: a tape fed one print at a time equals one computed from the whole list."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.market.rolling import RollingSum
from desk.market.tape import DAY, FAST, SECOND, SLOW, TradeTape
from desk.messages import Side, Trade

INST = "X/Y@v"

prints = st.lists(
    st.builds(
        Trade,
        st.just(INST),
        st.integers(1, 10**9),
        st.integers(1, 10**12),
        st.sampled_from(list(Side)),
        st.integers(0, 40),
        st.integers(1, 200).map(lambda s: s * SECOND // 2),
    ),
    max_size=80,
)


def trade(number, ts=0, side=Side.BUY, qty=1, px=100):
    return Trade(INST, px, qty, side, number, ts)


def batch(trades, session):
    """Everything the tape says, from the list alone: sets and sums."""
    seen, kept, late, dup = set(), [], 0, 0
    for each in trades:
        if each.trade_id and each.trade_id in seen:
            dup += 1
            continue
        late += bool(each.trade_id) and bool(seen) and each.trade_id < max(seen)
        if each.trade_id:
            seen.add(each.trade_id)
        kept.append(each)
    missing = sorted(set(range(min(seen), max(seen))) - seen) if seen else []
    now = max((each.ts_exch for each in kept), default=0)
    last = max((each.ts_exch // session for each in kept), default=0)
    current, value, volume = -1, 0, 0  # a session's prints count from the first print of it
    for each in kept:
        number = each.ts_exch // session
        if number > current:
            current, value, volume = number, 0, 0
        if number == current:
            value, volume = value + each.px * each.qty, volume + each.qty
    assert current == (last if kept else -1)
    return kept, late, dup, missing, now, (value, volume)


@settings(deadline=None)  # the first use compiles
@given(prints, st.integers(0, 250))
def test_the_tape_equals_a_batch_over_all_prints(trades, seconds):
    """Duplicates, late prints, holes, delta, session VWAP and both windows: every number from sets and sums."""
    session, read = 40 * SECOND, seconds * SECOND // 2
    tape = TradeTape(INST, session=session)
    accepted = [each for each in trades if tape.apply(each)]
    kept, late, dup, missing, now, (value, volume) = batch(trades, session)
    assert accepted == kept
    assert (tape.out_of_order, tape.duplicates, tape.prints) == (late, dup, len(kept))
    assert [n for first, last in tape.gaps for n in range(first, last + 1)] == missing
    assert all(b[0] - a[1] > 1 for a, b in zip(tape.gaps, tape.gaps[1:], strict=False)), "neighbours are one hole"
    assert tape.delta == sum(each.side * each.qty for each in kept)
    assert (tape.volume, tape.vwap_cut) == (volume, value // volume if volume else None)
    for window in (FAST, SLOW):
        until = max(read, now)
        inside = [each for each in kept if until - window < each.ts_exch <= until]
        buy = sum(each.qty for each in inside if each.side > 0)
        sell = sum(each.qty for each in inside if each.side < 0)
        assert tape.volumes(window, read) == (buy, sell)
        expected = (buy - sell) / (buy + sell) if inside else None
        assert tape.imbalance(window, read) == expected


@settings(deadline=None)  # the first use compiles
@given(prints, prints)
def test_looking_at_the_tape_changes_no_later_answer(past, future):
    """A read far in the future that expired prints would make the console change what strategies see."""
    read, silent = TradeTape(INST), TradeTape(INST)
    for each in [*past, *future]:
        read.apply(each)
        silent.apply(each)
        read.imbalance(SLOW, 10**15)
        assert read.volumes(FAST, read.now) == silent.volumes(FAST, silent.now)
    assert (read.gaps, read.delta, read.volumes(SLOW, 0)) == (silent.gaps, silent.delta, silent.volumes(SLOW, 0))


@settings(deadline=None)  # the first use compiles
@given(st.lists(st.integers(1, 300), max_size=120), st.integers(1, 30), st.integers(1, 4))
def test_what_is_remembered_of_trade_numbers_is_bounded(numbers, reach, holes):
    """At most `holes` holes within `reach` numbers; every number is applied at most once; nothing lost is uncounted."""
    tape = TradeTape(INST, reach=reach, holes=holes)
    applied = [number for number in numbers if tape.apply(trade(number))]
    assert len(applied) == len(set(applied))
    assert len(tape.gaps) <= holes
    open_numbers = {n for first, last in tape.gaps for n in range(first, last + 1)}
    assert open_numbers.isdisjoint(applied)
    assert all(n > tape.last_id - reach for n in open_numbers)
    assert tape.prints + tape.duplicates + tape.too_old == len(numbers)
    if applied:
        missing = set(range(min(applied), max(applied))) - set(applied)
        assert open_numbers <= missing
        assert tape.lost == len(missing) - len(open_numbers)


def test_a_late_print_splits_its_hole_and_the_rest_stays_open():
    """REST is asked for exactly what is missing; asking for more pages costs rate limit."""
    tape = TradeTape(INST)
    for number in (10, 20, 15):
        assert tape.apply(trade(number))
    assert tape.gaps == ((11, 14), (16, 19))
    assert not tape.apply(trade(15))
    assert [tape.apply(trade(number)) for number in (11, 12, 13, 14)] == [True] * 4
    assert tape.gaps == ((16, 19),)
    assert (tape.out_of_order, tape.duplicates) == (5, 1)


def test_vwap_is_cut_and_not_rounded():
    """Kraken cuts: 2 at 101 and 1 at 103 are 101.67, published as 101 at this precision."""
    tape = TradeTape(INST)
    tape.apply(trade(1, ts=5, px=101, qty=2))
    tape.apply(trade(2, ts=6, px=103, qty=1))
    assert tape.vwap_cut == 101
    assert tape.vwap == pytest.approx(305 / 3)


def test_a_print_of_yesterday_changes_the_delta_and_not_todays_vwap():
    """A closed session never changes; what was bought was still bought."""
    tape = TradeTape(INST)
    tape.apply(trade(1, ts=DAY - 1, px=50))
    tape.apply(trade(3, ts=DAY + 1, px=90))
    tape.apply(trade(2, ts=DAY - 1, px=10))
    assert (tape.begin, tape.vwap_cut, tape.delta, tape.past_session) == (DAY, 90, 3, 1)


def test_an_empty_tape_says_none_and_not_zero_over_zero():
    """No prints: undefined, never a division by zero."""
    tape = TradeTape(INST)
    assert (tape.vwap, tape.vwap_cut, tape.imbalance(FAST, 5), tape.volumes(FAST, 5), tape.gaps) == (
        None, None, None, (0, 0), (),
    )  # fmt: skip


@settings(deadline=None)  # the first use compiles
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(-(10**15), 10**15)), max_size=150),
    st.integers(1, 20),
    st.integers(2, 12),
    st.integers(0, 80),
)
def test_rolling_sums_are_exact_or_none_and_hold_no_more_than_they_may(values, span, keep, now):
    """Against a sum over the list: equal wherever the sum is given, and given wherever nothing had to be let go."""
    rolling = RollingSum(span, keep)
    crowded = False
    for at, (ts, value) in enumerate(values):
        rolling.add(ts, value)
        assert len(rolling) <= keep
        newest = max(t for t, _ in values[: at + 1])
        crowded |= sum(t > newest - span for t, _ in values[: at + 1]) >= keep
    until = max([now, *(ts for ts, _ in values)])
    inside = [value for ts, value in values if until - span < ts <= until]
    if (got := rolling.sum(span, now)) is not None:
        assert got == sum(inside)
        assert rolling.count(span, now) == len(inside)
    else:
        assert crowded


def test_a_minute_of_a_million_prints_is_none_and_not_too_small():
    """Memory is bounded; a window that outgrew it must not look quiet."""
    tape = TradeTape(INST)
    for number in range(1, 70_001):
        tape.apply(trade(number, ts=SECOND + number))
    assert tape.volumes(SLOW, tape.now) is None
    assert tape.imbalance(FAST, tape.now) is None
    assert tape.volumes(1_000, tape.now) == (1_000, 0)
    assert tape.delta == 70_000


@settings(deadline=None)  # the first use compiles
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-9, 9)), max_size=200), st.integers(1, 12))
def test_values_in_order_taken_in_at_once_are_the_same_as_one_by_one(steps, keep):
    """Fails when a batch lets go of another value than its parts would, and with it another window."""
    ts, times, values = 0, [], []
    for wait, value in steps:
        ts += wait
        times.append(ts)
        values.append(value)
    one, all_, cut = (RollingSum(span=40, keep=keep + 1) for _ in range(3))
    for at, value in zip(times, values, strict=True):
        one.add(at, value)
    all_.extend(times, values)
    cut.extend(times[:7], values[:7])
    cut.extend(times[7:], values[7:])
    for each in (all_, cut):
        assert [each.sum(w, ts) for w in (1, 7, 40)] == [one.sum(w, ts) for w in (1, 7, 40)]
        assert (len(each), each.latest) == (len(one), one.latest)
