"""The record of trades: exact money, slippage against what was decided on, markouts at their own time."""

from __future__ import annotations

from decimal import Decimal

import pytest

from desk.events import Accepted, Ended, Event, Fill, Timer
from desk.instrument import Instrument
from desk.intents import CancelOrder, Effect, Place, Submit
from desk.messages import Side
from desk.projections.performance import PerformanceFold

BTC = Instrument("BTC/USDT", "kraken", 1, 8)
LOT = 10**8  # one coin
SECOND = 10**9


class Desk:
    """A fold fed by hand: events with the touch that stands after them."""

    def __init__(self) -> None:
        self.fold = PerformanceFold({BTC.key: BTC})
        self.touch: tuple[int, int] | None = None
        self.closed: list[object] = []

    def tell(self, event: Event, *effects: Effect, touch: tuple[int, int] | None = None) -> None:
        if event.ts > self.fold.markouts.due:
            self.fold.markouts.look(event.ts, lambda inst: self.touch)
        self.touch = touch or self.touch
        self.closed.append(self.fold.apply(event, effects, lambda inst: self.touch))

    def order(self, ts: int, order_id: str, side: Side, reason: str = "entry") -> None:
        self.tell(Timer(ts, "beat"), Submit(order_id, Place(BTC.key, side, LOT, 1, reason=reason), 1))

    def fill(self, ts: int, order_id: str, side: Side, px: int, qty: int = LOT, maker: bool = False) -> None:
        self.tell(Fill(ts, f"f{ts}{order_id}", order_id, BTC.key, side, px, qty, Decimal("0.25"), maker))


def test_one_trade_by_hand() -> None:
    """Ticks of 0.1: bought at 100.3 on a book of 100.0/100.2, sold at 101.0 on one of 101.0/101.4; fees 0.25 each."""
    desk = Desk()
    desk.tell(Timer(1, "beat"), touch=(1000, 1002))
    desk.order(2, "o1", Side.BUY)
    desk.fill(3, "o1", Side.BUY, 1003)
    desk.tell(Timer(4, "beat"), touch=(1010, 1014))
    desk.order(5, "o2", Side.SELL, "take_profit")
    desk.fill(6, "o2", Side.SELL, 1010)
    (record,) = desk.fold.result().trades
    trade, (bought, sold) = record.trade, record.fills
    assert (trade.gross, trade.fees, trade.net) == (Decimal("0.7"), Decimal("0.50"), Decimal("0.20"))
    assert (trade.reason, bought.reason) == ("take_profit", "entry")
    assert (bought.slippage, sold.slippage) == (Decimal("0.2"), Decimal("0.2"))  # mids 100.1 and 101.2
    assert (bought.beyond, sold.beyond) == (Decimal("0.1"), Decimal(0))
    assert record.slippage == Decimal("0.4")
    sums = desk.fold.totals["USDT"]
    money = (sums.gross, sums.fees, sums.net, sums.slippage)
    assert money == (Decimal("0.7"), Decimal("0.50"), Decimal("0.20"), Decimal("0.4"))
    assert (sums.n, sums.wins, sums.losses, sums.payoff) == (1, 1, 0, None)
    assert sums.net_bps == pytest.approx(1e4 * 0.20 / 100.3)


def test_a_markout_is_the_mid_of_its_own_second_not_of_a_later_book() -> None:
    """The book that arrives after the due time must not count: it would be a look into the future."""
    desk = Desk()
    desk.tell(Timer(0, "beat"), touch=(1000, 1002))
    desk.order(1, "o1", Side.SELL)
    desk.fill(2, "o1", Side.SELL, 1001)
    desk.tell(Timer(SECOND + 2, "beat"), touch=(990, 994))  # exactly 1 s later: still counts
    desk.tell(Timer(SECOND + 3, "beat"), touch=(100, 102))
    desk.tell(Timer(6 * SECOND, "beat"))
    (fill,) = desk.fold.result().open_fills
    assert [fill.markout(i) for i in range(3)] == [Decimal("0.9"), Decimal("90.0"), None]  # sold at 100.1: 99.2, 10.1


def test_where_no_book_was_believed_nothing_is_invented() -> None:
    """Slippage and markouts are None, and the trade's sum is too."""
    desk = Desk()
    desk.order(1, "o1", Side.BUY)
    desk.fill(2, "o1", Side.BUY, 1000)
    desk.tell(Timer(40 * SECOND, "beat"), touch=(1000, 1002))
    desk.order(40 * SECOND + 1, "o2", Side.SELL)
    desk.fill(40 * SECOND + 2, "o2", Side.SELL, 1000)
    (record,) = desk.fold.result().trades
    assert record.fills[0].slippage is None
    assert [record.fills[0].markout(i) for i in range(3)] == [None, None, None]
    assert record.slippage is None
    assert desk.fold.totals["USDT"].slipped == 0


def test_a_fill_through_flat_belongs_to_both_trades_by_its_lots() -> None:
    """Long one, sell three: one lot closes the long, two open the short; a repeated report changes nothing."""
    desk = Desk()
    desk.tell(Timer(0, "beat"), touch=(1000, 1002))
    desk.order(1, "o1", Side.BUY)
    desk.fill(2, "o1", Side.BUY, 1002)
    desk.order(3, "o2", Side.SELL, "turn")
    desk.fill(4, "o2", Side.SELL, 1000, 3 * LOT)
    desk.fill(4, "o2", Side.SELL, 1000, 3 * LOT)
    result = desk.fold.result()
    assert [[fill.qty for fill in record.fills] for record in result.trades] == [[LOT, LOT]]
    assert [fill.qty for fill in result.open_fills] == [2 * LOT]
    assert result.trades[0].slippage == Decimal("0.2")


def test_a_maker_gains_half_the_spread_and_is_never_beyond_the_touch() -> None:
    """Slippage below 0 is a gain; what a resting order waits for is not a price beyond the touch."""
    desk = Desk()
    desk.tell(Timer(0, "beat"), touch=(1000, 1004))
    desk.order(1, "o1", Side.BUY)
    desk.fill(2, "o1", Side.BUY, 1000, maker=True)
    (fill,) = desk.fold.result().open_fills
    assert fill.slippage == Decimal("-0.2")
    assert fill.beyond is None


def test_stages_of_an_order_are_timed_from_its_sending() -> None:
    """Accepted after 20 ns, first fill after 50, cancelled at 90 and ended at 100; a second fill is no first."""
    desk = Desk()
    desk.order(100, "o1", Side.BUY)
    desk.tell(Accepted(120, "o1"))
    desk.fill(150, "o1", Side.BUY, 1000, LOT // 2, maker=True)
    desk.fill(160, "o1", Side.BUY, 1000, LOT // 4, maker=True)
    desk.tell(Timer(190, "beat"), CancelOrder("o1", 1))
    desk.tell(Ended(200, "o1", "cancelled"))
    times = desk.fold.result().times
    assert {stage: (values["n"], values["max"]) for stage, values in times.items()} == {
        "order_accepted": (1, 0.02),
        "first_fill_resting": (1, 0.05),
        "order_ended": (1, 0.1),
        "cancel_ended": (1, 0.01),
    }


def test_trades_beyond_those_kept_still_count_in_the_totals() -> None:
    """Memory is bounded; the sums are of everything."""
    fold = PerformanceFold({BTC.key: BTC}, kept=2)
    for n in range(10):
        side = Side.BUY if n % 2 == 0 else Side.SELL
        fold.apply(Fill(n, f"f{n}", "o", BTC.key, side, 1000 + n, LOT, Decimal(0), False), [], lambda inst: None)
    assert [record.trade.trade_id for record in fold.result().trades] == ["t4", "t5"]
    assert (fold.totals["USDT"].n, fold.totals["USDT"].gross) == (5, Decimal("0.5"))
