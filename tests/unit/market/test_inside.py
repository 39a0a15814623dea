"""desk/market/inside.py: the inside market read from the books of several venues."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from desk.instrument import Instrument
from desk.market.inside import InsideMarkets
from desk.market.state import Market, Track
from desk.messages import BookUpdate

SECOND = 1_000_000_000
VENUES = (("kraken", 1), ("coinbase", 2), ("binance", 0))
TOUCH = st.tuples(st.integers(1, 40), st.integers(1, 20), st.integers(0, 12))  # bid in units, width, age in s


def market(venue: str, decimals: int, bid: int, ask: int, proof: int) -> Market:
    """A proven book of one level a side; prices in units of the quote currency."""
    inst = Instrument("X/Y", venue, decimals, 2)
    made = Market(inst.key)
    made.instrument = inst
    made.tracks["book"] = track = Track(inst.key, "book", 0, 10)
    track.describe(inst)
    scale = 10**decimals
    track.apply(BookUpdate(inst.key, ((bid * scale, 7),), ((ask * scale, 9),), snapshot=True), proof)
    return made


@settings(max_examples=60, deadline=None)
@given(st.lists(TOUCH, min_size=1, max_size=3), st.integers(0, 2))
def test_the_inside_of_the_books_is_that_of_all_fresh_quotes(touches: list[tuple[int, int, int]], down: int) -> None:
    """Against plain fractions; a book that is not believed counts for nothing, an old one is named."""
    now = 100 * SECOND
    markets, fresh, stale = {}, [], []
    for at, ((venue, decimals), (bid, width, age)) in enumerate(zip(VENUES, touches, strict=False)):
        made = market(venue, decimals, bid, bid + width, now - age * SECOND)
        markets[made.inst] = made
        if at == down:
            made.venue_status = "maintenance"
        elif age > 10:
            stale.append(venue)
        else:
            fresh.append((Fraction(bid), Fraction(bid + width)))
    inside = InsideMarkets(markets, 10 * SECOND).read("X/Y", now)
    assert inside is not None
    assert inside.stale == tuple(sorted(stale))
    best = [None if side is None else Fraction(side.px, 10**inside.px_decimals) for side in (inside.bid, inside.ask)]
    assert best == [max((b for b, _ in fresh), default=None), min((a for _, a in fresh), default=None)]


def test_a_symbol_nobody_trades_has_no_inside() -> None:
    assert InsideMarkets({}, SECOND).read("X/Y", 1) is None
