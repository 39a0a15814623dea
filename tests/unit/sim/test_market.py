"""The simulated market whole: same calls, same market; candles are those of the tape; outsiders stand in line."""

from __future__ import annotations

import numpy as np
import pytest

from desk.messages import Side
from desk.sim.fundamental import MINUTE
from desk.sim.history import History
from desk.sim.listing import ALL
from desk.sim.market import NEVER, WARM, SimMarket
from desk.sim.matching import Added, Happening, Printed

BUY, SELL = Side.BUY, Side.SELL
START = 1_763_000_123_456_000_000
SECOND = 10**9
TWO = ("BTC/USDT", "ETH/USDT")


def market(symbols: tuple[str, ...] = TWO, seed: int = 7, **more: float) -> SimMarket:
    return SimMarket(seed, START, symbols, **more)


def prints(batches: list[list[Happening]], symbol: str) -> list[Printed]:
    return [h for batch in batches for h in batch if isinstance(h, Printed) and h.symbol == symbol]


def test_two_runs_are_equal_event_by_event_and_another_seed_is_another_market() -> None:
    """Nothing can be reproduced from a seed otherwise."""
    one, two, other = market(), market(), market(seed=8)
    until = START + 30 * SECOND
    batches = one.advance(until)
    assert len(batches) > 500
    assert batches == two.advance(until)
    assert batches != other.advance(until)
    assert market(edge=0.0).advance(until) != batches


def test_one_big_step_and_many_small_ones_make_the_same_events() -> None:
    """The server's timer fires when it likes."""
    whole = market().advance(START + 20 * SECOND)
    dice = np.random.default_rng(3)
    small, parts = market(), []
    while small.now < START + 20 * SECOND:
        until = min(START + 20 * SECOND, small.now + int(dice.exponential(0.2) * SECOND))
        while True:
            some = small.advance(until, limit=3)
            parts += some
            if len(some) < 3:
                break
    assert parts == whole
    stamps = [batch[0].ts for batch in whole]
    assert stamps == sorted(stamps)
    assert stamps[0] > START
    assert stamps[-1] <= START + 20 * SECOND < small.next_at


def test_a_batch_is_one_action_of_one_symbol_at_one_time() -> None:
    """The feed makes one message of it."""
    for batch in market().advance(START + 20 * SECOND):
        assert batch
        assert len({(h.symbol, h.ts) for h in batch}) == 1


def test_a_symbol_does_not_notice_which_others_are_live() -> None:
    """Adding a symbol to the configuration must not change the market of another."""
    alone, together = market(("ETH/BTC",)), market(ALL[-2:])
    until = START + 60 * SECOND
    assert alone.advance(until) == [b for b in together.advance(until) if b[0].symbol == "ETH/BTC"]


def test_a_symbol_opened_later_has_traded_all_along() -> None:
    """A subscriber who comes later must see the same book as one who came at once."""
    early, late = market(("XRP/USD",)), market(())
    assert late.next_at == NEVER
    until = START + 40 * SECOND
    assert late.advance(until) == []
    early.advance(until)
    assert late.books["XRP/USD"].orders(BUY, 500) == early.books["XRP/USD"].orders(BUY, 500)
    assert late.tape("XRP/USD") == early.tape("XRP/USD")
    assert late.advance(until + 10 * SECOND) == early.advance(until + 10 * SECOND)
    assert set(late.instruments) == set(ALL)
    assert late.instruments["XRP/USD"].key == "XRP/USD@embedded"
    with pytest.raises(KeyError):
        late.open("FOO/BAR")


def test_books_and_tape_are_warm_at_the_start() -> None:
    """A first screen with an empty tape looks broken."""
    m = market()
    for symbol in TWO:
        tape = m.tape(symbol)
        assert len(tape) > 300
        assert [t.trade_id for t in tape] == list(range(tape[0].trade_id, tape[0].trade_id + len(tape)))
        assert START - WARM * 60 * SECOND - MINUTE < tape[0].ts < tape[-1].ts <= START
        assert min(m.books[symbol].depth(side) for side in (BUY, SELL)) >= 120
        assert m.tape(symbol, count=50) == tape[-50:]


def test_live_candles_are_those_of_the_tape_and_join_the_past() -> None:
    """Charts, bars and volume profiles are made from both ends of this seam."""
    m = market()
    born = m.born * MINUTE
    trades = m.tape("BTC/USDT")
    for _ in range(3):
        trades += prints(m.advance(m.now + 100 * SECOND), "BTC/USDT")
    candles = m.candles("BTC/USDT", 1, m.now)
    assert len(candles) == 720
    assert [c.begin for c in candles] == [candles[0].begin + k * MINUTE for k in range(720)]
    assert candles[-1].begin == m.now // MINUTE * MINUTE
    live = [c for c in candles if c.begin >= born]
    assert len(live) == WARM + 1 + (m.now // MINUTE - START // MINUTE)
    for c in live:
        px = [t.px for t in trades if c.begin <= t.ts < c.begin + MINUTE]
        qty = [t.qty for t in trades if c.begin <= t.ts < c.begin + MINUTE]
        assert (c.count, c.volume) == (len(px), sum(qty))
        assert (c.open, c.high, c.low, c.close) == (px[0], max(px), min(px), px[-1])
    before = [c for c in candles if c.begin < born]
    assert before == History(7, born).candles("BTC/USDT", 1, born, len(before))
    assert abs(live[0].open / before[-1].close - 1) < 10e-4
    assert sum(c.count for c in live) / len(live) == pytest.approx(sum(c.count for c in before[-60:]) / 60, rel=0.6)


@pytest.mark.parametrize("interval", [5, 60, 1440, 21600])
def test_a_bar_in_which_past_and_present_meet_is_the_sum_of_both(interval: int) -> None:
    """The running day of the chart holds hours of history and minutes of tape."""
    m = market(("BTC/USDT",))
    for _ in range(2):
        m.advance(m.now + 150 * SECOND)
        rows = m.candles("BTC/USDT", interval, m.now)
        first = rows[-1].begin
        minutes = [c for c in m.candles("BTC/USDT", 1, m.now) if c.begin >= first]
        if interval <= 60:
            assert minutes[0].begin == first
            assert rows[-1].volume == sum(c.volume for c in minutes)
            assert rows[-1].open == minutes[0].open
        assert rows[-1].close == minutes[-1].close
        assert rows[-1].high >= max(c.high for c in minutes)
        assert [c.begin for c in rows] == [rows[0].begin + k * interval * MINUTE for k in range(len(rows))]
        assert first == m.now // (interval * MINUTE) * interval * MINUTE
        assert m.candles("BTC/USDT", interval, m.now, 2) == rows[-2:]
        bars = m.bars("BTC/USDT", interval, m.now)
        assert all(b.low <= b.vwap <= b.high for b in bars if b.count)


def test_a_suspended_process_catches_up_at_once_and_says_so() -> None:
    """Living through a night would take minutes in which no heartbeat goes out."""
    m = market()
    seen = {s: {o[1] for side in (BUY, SELL) for o in m.books[s].orders(side, 999)} for s in TWO}
    until = START + 8 * 3600 * SECOND
    batches = m.advance(until)
    assert len(batches) == 2
    assert (m.now, m.skipped_ns) == (until, 8 * 3600 * SECOND)
    for batch in batches:
        symbol = batch[0].symbol
        for h in batch:
            if isinstance(h, Added):
                seen[symbol].add(h.order_id)
            else:
                seen[symbol].remove(h.order_id)
        book = m.books[symbol]
        book.check()
        assert seen[symbol] == set(book.index)
        assert min(book.depth(BUY), book.depth(SELL)) >= 120
    candles = m.candles("BTC/USDT", 1, m.now)
    assert [c.begin for c in candles] == [candles[0].begin + k * MINUTE for k in range(720)]
    assert candles[-1].begin == until // MINUTE * MINUTE
    assert all(c.count for c in candles[-400:-1])
    bid = m.books["BTC/USDT"].best(BUY)
    assert bid is not None
    assert abs(bid / candles[-2].close - 1) < 30e-4
    assert len(m.advance(until + 10 * SECOND)) > 100
    assert m.skipped_ns == 8 * 3600 * SECOND
    late = m.tape("XRP/USDT")  # opened after the leap: warmed up over the last minutes only
    assert late[0].ts > until - (WARM + 1) * MINUTE


def test_orders_from_outside_stand_in_line_and_are_filled_by_the_flow() -> None:
    """Whoever tests against this market must get what the queue gives, not more."""
    m = market(("BTC/USD",))
    book, inst = m.books["BTC/USD"], m.instruments["BTC/USD"]
    bid = book.best(BUY)
    assert bid is not None
    ahead = [o[1] for o in book.orders(BUY, 1)]
    mine, happened = m.submit("BTC/USD", BUY, 10 * inst.qty_min, m.now, bid, post_only=True)
    assert happened == [Added("BTC/USD", BUY, mine, bid, 10 * inst.qty_min, START)]
    assert [o[1] for o in book.orders(BUY, 1)] == [*ahead, mine]
    fills: list[Printed] = []
    while mine in book.index and m.now < START + 250 * SECOND:
        fills += [p for p in prints(m.advance(m.now + SECOND), "BTC/USD") if p.order_id == mine]
    assert sum(p.qty for p in fills) == 10 * inst.qty_min
    assert all(p.px == bid for p in fills)
    assert m.cancel("BTC/USD", mine, m.now) == []


def test_outsiders_may_take_and_cancel_only_their_own() -> None:
    """A cancel of somebody else's order would be a hole in the exchange."""
    m = market(("BTC/USD",))
    inst = m.instruments["BTC/USD"]
    last = m.tape("BTC/USD", count=1)[0]
    _, taken = m.submit("BTC/USD", SELL, 1000 * inst.qty_min, START)
    assert isinstance(taken[0], Printed)
    assert m.tape("BTC/USD", since_id=last.trade_id) == [h for h in taken if isinstance(h, Printed)]
    first = m.books["BTC/USD"].first(BUY)
    assert first is not None
    assert m.cancel("BTC/USD", first.order_id, START) == []
    mine, _ = m.submit("BTC/USD", BUY, inst.qty_min, START, first.px - 5000)
    assert len(m.cancel("BTC/USD", mine, START)) == 1
    with pytest.raises(ValueError, match=r"below the minimum 0\.00005000"):
        m.submit("BTC/USD", BUY, inst.qty_min - 1, START, first.px)
    m.advance(START + 60 * SECOND)
    m.books["BTC/USD"].check()


def test_live_cross_rates_hang_together() -> None:
    """A triangle that is open for longer than a moment is free money that no real market leaves."""
    m = market(("BTC/USD", "ETH/USD", "ETH/BTC"))
    gaps = []
    for _ in range(60):
        m.advance(m.now + 2 * SECOND)
        mid = {}
        for symbol, book in m.books.items():
            bid, ask = book.best(BUY), book.best(SELL)
            assert bid is not None
            assert ask is not None
            mid[symbol] = m.instruments[symbol].price((bid + ask) / 2)
        gaps.append(1e4 * (mid["ETH/USD"] / mid["BTC/USD"] / mid["ETH/BTC"] - 1))
    assert np.median(np.abs(gaps)) < 3.4  # one tick of ETH/BTC
    assert np.max(np.abs(gaps)) < 12
