"""The inside market of each symbol over every venue of the run, read from the books when somebody asks.

Nothing is fed per frame: the books are the quotes, so a reading costs O(venues) and a frame costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from desk.instrument import split_key
from desk.market.nbbo import Inside, Nbbo, Quote
from desk.market.state import Market
from desk.messages import Side


class InsideMarkets:
    """One Nbbo a symbol; `markets` by instrument key ("BTC/USD@kraken") is live."""

    __slots__ = ("_count", "_markets", "_nbbos", "_venues", "max_age_ns")

    def __init__(self, markets: Mapping[str, Market], max_age_ns: int) -> None:
        self._markets, self.max_age_ns = markets, max_age_ns
        self._nbbos: dict[str, Nbbo] = {}
        self._venues: dict[str, list[Market]] = {}
        self._count = 0

    def venues(self, symbol: str) -> list[Market]:
        """Every market of the symbol, one a venue, in the order they were adopted."""
        if self._count != len(self._markets):
            self._count = len(self._markets)
            self._venues = {}
            for inst, market in self._markets.items():
                self._venues.setdefault(split_key(inst)[0], []).append(market)
        return self._venues.get(symbol, [])

    def read(self, symbol: str, now: int) -> Inside | None:
        """The best bid and offer among the believed books, each as old as its own evidence; None without a venue.

        Ages are in each venue's own time, offset-corrected: a venue that lags is stale here however busy it is.
        """
        markets = self.venues(symbol)
        if not markets:
            return None
        nbbo = self._nbbos.get(symbol)
        if nbbo is None:
            nbbo = self._nbbos[symbol] = Nbbo(symbol, self.max_age_ns)
        for market in markets:
            nbbo.forget(market.inst)
            if market.instrument is None or not market.ready:
                continue
            market.now = now
            nbbo.adopt(market.instrument)
            bid, ask = market.book.levels(Side.BUY, 1)[0], market.book.levels(Side.SELL, 1)[0]
            nbbo.apply(Quote(market.inst, bid[0], bid[1], ask[0], ask[1], now - market.age_ns))
        return nbbo.best(now)
