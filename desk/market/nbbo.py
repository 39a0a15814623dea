"""The best bid and offer of one symbol over several venues, compared exactly.

Venues write prices with different decimals; each is scaled to the finest of them, so that comparing is comparing
integers. A book crossed or locked ACROSS venues is a fact about the market (and a reason for cross-venue trading), not
a fault of the data.
"""

from __future__ import annotations

import msgspec

from desk.instrument import Instrument


class Quote(msgspec.Struct, frozen=True, gc=False):
    """The touch of one venue's book in its own ticks and lots; a side without quantity is empty. `ts` in ns."""

    inst: str
    bid: int
    bid_qty: int
    ask: int
    ask_qty: int
    ts: int


class Best(msgspec.Struct, frozen=True, gc=False):
    """One side's best: its venue, its price and size at the common decimals, its age, and the size at that price.

    `qty` is the named venue's, `qty_all` that of every fresh venue at the same price.
    """

    venue: str
    px: int
    qty: int
    qty_all: int
    age_ns: int


class Inside(msgspec.Struct, frozen=True):
    """Best bid and offer over the venues; `state`: "ok" | "locked" | "crossed" | "one_sided" | "empty".

    Prices count 10**-px_decimals, quantities 10**-qty_decimals. `stale`: venues left out for their age, by name.
    """

    bid: Best | None
    ask: Best | None
    px_decimals: int
    qty_decimals: int
    state: str
    stale: tuple[str, ...]

    @property
    def spread(self) -> int | None:
        """Offer minus bid at the common decimals, negative when crossed; None while a side is empty."""
        return None if self.bid is None or self.ask is None else self.ask.px - self.bid.px


class Nbbo:
    """Quotes of one symbol by venue, at most one each; `best` compares the fresh ones.

    >>> nbbo = Nbbo("BTC/USD", max_age_ns=1_000)
    >>> for venue, decimals in (("kraken", 1), ("bitstamp", 0)):
    ...     nbbo.adopt(Instrument("BTC/USD", venue, decimals, 8))
    >>> nbbo.apply(Quote("BTC/USD@kraken", 645250, 5, 645251, 7, ts=10))
    True
    >>> nbbo.apply(Quote("BTC/USD@bitstamp", 64526, 3, 64527, 2, ts=10))
    True
    >>> inside = nbbo.best(now=20)
    >>> inside.bid.venue, inside.ask.venue, inside.spread, inside.state
    ('bitstamp', 'kraken', -9, 'crossed')
    """

    __slots__ = ("_instruments", "_quotes", "max_age_ns", "out_of_order", "px_decimals", "qty_decimals", "symbol")

    def __init__(self, symbol: str, max_age_ns: int) -> None:
        if max_age_ns <= 0:
            raise ValueError(f"{symbol}: the greatest age of a quote must be positive, got {max_age_ns} ns")
        self.symbol, self.max_age_ns = symbol, max_age_ns
        self._instruments: dict[str, Instrument] = {}
        self._quotes: dict[str, Quote] = {}
        self.px_decimals = self.qty_decimals = 0
        self.out_of_order = 0

    def adopt(self, instrument: Instrument) -> None:
        """Compare this venue too; an instrument adopted again with other decimals loses its quote.

        Raises ValueError for another symbol.
        """
        if instrument.symbol != self.symbol:
            raise ValueError(f"{instrument.key} is not {self.symbol}: only one symbol's venues can be compared")
        old = self._instruments.get(instrument.key)
        scale = (instrument.px_decimals, instrument.qty_decimals)
        if old is not None and (old.px_decimals, old.qty_decimals) != scale:
            self._quotes.pop(instrument.key, None)  # written with the old decimals: worth nothing now
        self._instruments[instrument.key] = instrument
        self.px_decimals = max(each.px_decimals for each in self._instruments.values())
        self.qty_decimals = max(each.qty_decimals for each in self._instruments.values())

    def apply(self, quote: Quote) -> bool:
        """Replace a venue's quote; False for one older than what is held. Raises KeyError for a venue not adopted."""
        if quote.inst not in self._instruments:
            raise KeyError(f"{quote.inst}: adopt its instrument before its quotes")
        held = self._quotes.get(quote.inst)
        if held is not None and quote.ts < held.ts:
            self.out_of_order += 1
            return False
        self._quotes[quote.inst] = quote
        return True

    def forget(self, inst: str) -> None:
        """Drop a venue's quote: its book is not believed any more."""
        self._quotes.pop(inst, None)

    def best(self, now: int) -> Inside:
        """The inside market at `now` ns among quotes at most `max_age_ns` old.

        At equal prices the larger size comes first, then the venue's name.
        """
        bids: list[tuple[int, int, str, int]] = []  # (−price, −size, venue, age): sorted, the first is the best
        asks: list[tuple[int, int, str, int]] = []
        stale = []
        for key, quote in self._quotes.items():
            inst, age = self._instruments[key], now - quote.ts
            if age > self.max_age_ns:
                stale.append(inst.venue)
                continue
            px, qty = 10 ** (self.px_decimals - inst.px_decimals), 10 ** (self.qty_decimals - inst.qty_decimals)
            if quote.bid_qty > 0:
                bids.append((-quote.bid * px, -quote.bid_qty * qty, inst.venue, age))
            if quote.ask_qty > 0:
                asks.append((quote.ask * px, -quote.ask_qty * qty, inst.venue, age))
        bid, ask = _best(bids, -1), _best(asks, 1)
        return Inside(bid, ask, self.px_decimals, self.qty_decimals, _state(bid, ask), tuple(sorted(stale)))


def _best(side: list[tuple[int, int, str, int]], sign: int) -> Best | None:
    if not side:
        return None
    key, qty, venue, age = min(side)
    return Best(venue, sign * key, -qty, -sum(each[1] for each in side if each[0] == key), age)


def _state(bid: Best | None, ask: Best | None) -> str:
    if bid is None or ask is None:
        return "empty" if bid is ask else "one_sided"
    if bid.px > ask.px:
        return "crossed"
    return "locked" if bid.px == ask.px else "ok"
