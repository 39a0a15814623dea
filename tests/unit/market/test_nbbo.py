"""desk/market/nbbo.py: the best over venues equals a comparison of exact decimals over all their quotes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.instrument import Instrument
from desk.market.nbbo import Nbbo, Quote

VENUES = {"alpha": (0, 8), "beta": (1, 4), "gamma": (3, 5)}
AGE = 50

quotes = st.lists(
    st.tuples(
        st.sampled_from(sorted(VENUES)),
        st.integers(1, 60),
        st.integers(0, 3),
        st.integers(1, 60),
        st.integers(0, 3),
        st.integers(0, 100),
    ),
    max_size=30,
)


def market():
    nbbo = Nbbo("BTC/USD", AGE)
    for venue, decimals in VENUES.items():
        nbbo.adopt(Instrument("BTC/USD", venue, *decimals))
    return nbbo


def test_prices_of_different_decimals_are_compared_exactly():
    """0.1 + 0.2 style errors would call these locked markets crossed or ok."""
    nbbo = market()
    nbbo.apply(Quote("BTC/USD@alpha", 3, 1, 4, 1, 0))
    nbbo.apply(Quote("BTC/USD@gamma", 2_999, 1, 3_000, 1, 0))
    inside = nbbo.best(0)
    assert (inside.bid.px, inside.ask.px, inside.px_decimals) == (3_000, 3_000, 3)
    assert (inside.state, inside.spread, inside.bid.venue, inside.ask.venue) == ("locked", 0, "alpha", "gamma")


@given(quotes, st.integers(0, 200))
def test_the_inside_equals_decimals_compared_over_all_quotes(rows, now):
    """Price, size, venue, total size, state and who is stale, against Decimal arithmetic on the last quotes."""
    nbbo, last, refused = market(), {}, 0
    for venue, bid, bid_qty, ask, ask_qty, ts in rows:
        quote = Quote(f"BTC/USD@{venue}", bid, bid_qty, ask, ask_qty, ts)
        newer = venue not in last or ts >= last[venue].ts
        assert nbbo.apply(quote) == newer
        refused += not newer
        if newer:
            last[venue] = quote
    assert nbbo.out_of_order == refused
    fresh = {venue: quote for venue, quote in last.items() if now - quote.ts <= AGE}
    inside = nbbo.best(now)
    assert inside.stale == tuple(sorted(last.keys() - fresh.keys()))

    def dec(count, decimals):
        return Decimal(count).scaleb(-decimals)

    best = {}
    for side, sign in (("bid", -1), ("ask", 1)):
        levels = []
        for venue, quote in fresh.items():
            if qty := getattr(quote, f"{side}_qty"):
                px_dec, qty_dec = VENUES[venue]
                levels.append((sign * dec(getattr(quote, side), px_dec), -dec(qty, qty_dec), venue))
        got = getattr(inside, side)
        assert (got is None) == (not levels)
        if levels:
            px, qty, venue = min(levels)
            best[side] = sign * px
            assert dec(got.px, inside.px_decimals) == sign * px
            assert (dec(got.qty, inside.qty_decimals), got.venue) == (-qty, venue)
            assert dec(got.qty_all, inside.qty_decimals) == -sum(q for p, q, _ in levels if p == px)
            assert got.age_ns == now - fresh[venue].ts
    if len(best) == 2:
        gap = best["ask"] - best["bid"]
        assert inside.state == ("ok" if gap > 0 else "locked" if gap == 0 else "crossed")
        assert dec(inside.spread, inside.px_decimals) == gap
    else:
        assert (inside.state, inside.spread) == ("one_sided" if best else "empty", None)


def test_a_stale_venue_is_left_out_and_named():
    """A frozen feed with the best price would draw every order to it."""
    nbbo = market()
    nbbo.apply(Quote("BTC/USD@alpha", 30, 1, 31, 1, ts=0))
    nbbo.apply(Quote("BTC/USD@beta", 290, 1, 320, 1, ts=AGE))
    assert nbbo.best(AGE).bid.venue == "alpha"
    assert (nbbo.best(AGE + 1).bid.venue, nbbo.best(AGE + 1).stale) == ("beta", ("alpha",))


def test_a_book_that_is_not_believed_is_forgotten_and_a_rescaled_one_too():
    """Old decimals would make a price ten times too large; a doubted book must not be quoted."""
    nbbo = market()
    nbbo.apply(Quote("BTC/USD@alpha", 30, 1, 31, 1, ts=0))
    nbbo.apply(Quote("BTC/USD@beta", 290, 1, 320, 1, ts=0))
    nbbo.forget("BTC/USD@alpha")
    assert nbbo.best(0).bid.venue == "beta"
    nbbo.adopt(Instrument("BTC/USD", "beta", 2, 4))
    assert nbbo.best(0).state == "empty"


def test_what_cannot_be_compared_is_refused_by_name():
    """Another symbol, an unknown venue, a senseless age: said at once, with the value."""
    nbbo = market()
    with pytest.raises(ValueError, match="ETH/USD@alpha is not BTC/USD"):
        nbbo.adopt(Instrument("ETH/USD", "alpha", 1, 1))
    with pytest.raises(KeyError, match="BTC/USD@delta"):
        nbbo.apply(Quote("BTC/USD@delta", 1, 1, 2, 1, 0))
    with pytest.raises(ValueError, match="positive, got 0 ns"):
        Nbbo("BTC/USD", 0)
