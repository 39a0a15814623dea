"""The fold of a session's entries into counts, refusals and net results."""

from __future__ import annotations

from decimal import Decimal

from desk.events import Accepted, Ended, Fill, Timer
from desk.instrument import Instrument
from desk.intents import CancelOrder, Decline, Effect, Noted, Place, Refuse, Signal, Submit, Wake
from desk.messages import Side
from desk.projections.blotter import BlotterFold

BTC = Instrument("BTC/USDT", "kraken", 1, 8)
ETH = Instrument("ETH/USDT", "kraken", 2, 8)
BEAT = Timer(1, "beat")
LOT = 10**8


def place(reason: str = "entry") -> Place:
    return Place(BTC.key, Side.BUY, LOT, 1000, reason=reason)


def fill(n: int, side: Side, px: int, inst: Instrument = BTC, maker: bool = False) -> Fill:
    return Fill(n, f"p{n}", f"o{n}", inst.key, side, px, LOT, Decimal("0.25"), maker)


def signal() -> Signal:
    return Signal(
        "s1", BTC.key, Side.BUY, 1000, 990, 1020, LOT, 1, 2, 3, 40.0, None, "L2", "NO_HFT", 1.0, 50.0, 80.0, 120.0, 0.5
    )


def fold() -> BlotterFold:
    return BlotterFold({i.key: i for i in (BTC, ETH)})


def test_a_session_by_hand() -> None:
    """Two trades: BTC +3 gross, ETH −1 gross, 0.25 fee per fill."""
    made = fold()
    entries: list[tuple[object, list[Effect]]] = [
        (BEAT, [Noted(signal(), 1), Submit("o1", place(), 1), Wake(9, "0/x")]),
        (Accepted(2, "o1"), []),
        (fill(1, Side.BUY, 1000, maker=True), []),
        (Ended(3, "o1", "filled"), [Submit("o2", place("target"), 1)]),
        (fill(2, Side.SELL, 1030), []),
        (Ended(4, "o2", "filled"), []),
        (fill(3, Side.BUY, 2000, ETH), []),
        (fill(4, Side.SELL, 1900, ETH), [CancelOrder("o9", 1)]),
        (Ended(5, "o9", "rejected: post-only would take"), []),
    ]
    closed = [made.apply(event, effects) for event, effects in entries]
    got = made.result()
    assert (got.orders, got.cancels, got.fills, got.maker_fills) == (2, 1, 4, 1)
    assert (got.signals, got.closed, got.wins) == (1, 2, 1)
    assert got.ended == {"filled": 2, "rejected": 1}
    assert got.net == {BTC.key: Decimal("2.5"), ETH.key: Decimal("-1.5")}
    assert got.fees == {BTC.key: Decimal("0.5"), ETH.key: Decimal("0.5")}
    assert [trade.reason for trade in got.trades] == ["target", ""]
    assert [trade for trade in closed if trade is not None] == list(got.trades)


def test_refusals_of_the_gate_and_of_the_strategies_are_counted_by_code_most_frequent_first() -> None:
    """ "No trade, because …" is an answer: the funnel must count every one of them."""
    made = fold()
    made.apply(BEAT, [Refuse(place(), "order_rate", 3, 2, 1), Noted(Decline(BTC.key, "STALE_BOOK"), 1)])
    made.apply(BEAT, [Refuse(place(), "order_rate", 3, 2, 1), Noted(Decline(BTC.key, "COST"), 1)])
    assert list(made.result().refusals.items()) == [("RISK_ORDER_RATE", 2), ("COST", 1), ("STALE_BOOK", 1)]


def test_a_part_of_a_position_that_closed_counts_in_the_net_result() -> None:
    """An open trade's realised half is money too."""
    made = fold()
    made.apply(Fill(1, "p1", "o1", BTC.key, Side.BUY, 1000, 2 * LOT, Decimal("0.5"), False), [])
    made.apply(fill(2, Side.SELL, 1100), [])
    assert made.result().net == {BTC.key: Decimal("9.25")}
    assert made.result().closed == 0


def test_a_repeated_fill_is_counted_once() -> None:
    """A journal may hold the same execution report twice."""
    made = fold()
    for _ in range(2):
        made.apply(fill(1, Side.BUY, 1000, maker=True), [])
    assert (made.result().fills, made.result().maker_fills) == (1, 1)
