"""desk/run/market_rows.py: what people see of several venues, and of a book nobody may believe."""

from __future__ import annotations

from types import SimpleNamespace

from desk.instrument import Instrument
from desk.market.inside import InsideMarkets
from desk.market.state import Market, Track
from desk.messages import BookUpdate, Side, Trade
from desk.run.market_rows import flow_rows, inside_rows

SECOND = 1_000_000_000


def market(venue: str, decimals: int, bid: int, ask: int) -> Market:
    """A proven two-level book; prices in units of the quote currency."""
    inst = Instrument("X/Y", venue, decimals, 2)
    made = Market(inst.key)
    made.instrument = inst
    made.tracks["book"] = track = Track(inst.key, "book", 0, 10)
    track.describe(inst)
    bids, asks = (((px * 10**decimals, 300), ((px + step) * 10**decimals, 200)) for px, step in ((bid, -1), (ask, 1)))
    track.apply(BookUpdate(inst.key, bids, asks, snapshot=True), 5 * SECOND)
    return made


def desk(*markets: Market) -> SimpleNamespace:
    """As much of an engine as a picture looks at."""
    by_inst = {each.inst: each for each in markets}
    return SimpleNamespace(
        watch=SimpleNamespace(markets=by_inst), inside=InsideMarkets(by_inst, 10 * SECOND), now=6 * SECOND
    )


def test_one_venue_is_its_own_inside_and_two_are_compared() -> None:
    """Crossed across venues is a fact about the market, and shown with both names."""
    kraken, coinbase = market("kraken", 1, 1_000, 1_002), market("coinbase", 2, 1_003, 1_005)
    assert inside_rows(desk(kraken)) == ()
    (row,) = inside_rows(desk(kraken, coinbase))
    assert (row.bid, row.bid_venue, row.ask, row.ask_venue, row.state) == (
        "1003.00", "coinbase", "1002.00", "kraken", "crossed",
    )  # fmt: skip
    assert row.spread_bps is not None
    assert round(row.spread_bps, 3) == -9.975


def test_a_row_says_only_what_was_measured() -> None:
    """A tier that counts no orders shows none; a tape without a print has no delta; a book out of step has no row."""
    kraken = market("kraken", 1, 1_000, 1_002)
    (row,) = flow_rows(desk(kraken))
    assert (row.bid_orders, row.delta, row.tape_imbalance, row.vwap, row.level_flow) == (None,) * 5
    kraken.tape.apply(Trade(kraken.inst, 10_020, 300, Side.BUY, 1, 5 * SECOND))
    kraken.tape.apply(Trade(kraken.inst, 10_001, 100, Side.SELL, 2, 5 * SECOND))
    (row,) = flow_rows(desk(kraken))
    assert (row.delta, row.tape_imbalance, row.vwap) == (2.0, 0.5, 1_001.5)
    kraken.venue_status = "maintenance"
    assert flow_rows(desk(kraken)) == ()
