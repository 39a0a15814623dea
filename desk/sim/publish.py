"""Everything a simulated market tells its subscribers: topics in, frames out.

A topic is watched while somebody follows it; its snapshot is what all of its subscribers know at that moment, so one
that joins late continues with the same updates as the others. The market is moved action by action, because an update
belongs to the book as it is right after its action.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from desk.instrument import Instrument
from desk.messages import BookUpdate, OrdersUpdate, Side
from desk.sim.feed import Book, LevelView, OrderView, Reach
from desk.sim.matching import Happening, Printed
from desk.sim.tape import Bar
from desk.wire import kraken_venue as wire
from desk.wire.kraken_venue import MINUTE, CandleRow, Print, TickerRow, Topic

OHLC_SNAPSHOT = 10  # candles, as recorded from Kraken
TRADE_SNAPSHOT = 50
DAY, DAY_BARS = 5, 288  # the last 24 hours in bars of 5 minutes
Frame = tuple[Topic, bytes]
Touch = tuple[Sequence[tuple[int, int, int]], Sequence[tuple[int, int, int]]]


class Market(Protocol):
    """What is published: desk.sim.market.SimMarket."""

    @property
    def books(self) -> Mapping[str, Book]: ...

    def advance(self, until_ns: int, limit: int | None = None) -> list[list[Happening]]: ...

    def tape(self, symbol: str, since_id: int = 0, since_ns: int = 0, count: int | None = None) -> list[Printed]: ...

    def bars(self, symbol: str, interval: int, now: int, count: int) -> list[Bar]: ...


class Publisher:
    """The topics of one market, for the `instruments` (by symbol) that are offered of it."""

    def __init__(self, market: Market, instruments: Mapping[str, Instrument]) -> None:
        self.market, self.instruments = market, instruments
        self._followers: dict[Topic, int] = {}
        self._views: dict[str, dict[Topic, LevelView | OrderView]] = {symbol: {} for symbol in instruments}
        self._others: dict[str, list[Topic]] = {symbol: [] for symbol in instruments}  # trade, ticker, ohlc
        self._days: dict[str, _Day] = {}
        self._touch: dict[str, Touch] = {}

    # --- who listens

    def open(self, topic: Topic, now: int) -> bytes:
        """The snapshot frame of a topic; it is published from here on, until as many `close`."""
        self._followers[topic] = self._followers.get(topic, 0) + 1
        inst = self.instruments.get(topic.symbol)
        if inst is None:
            return wire.instruments(self.instruments.values())
        if topic.channel in ("book", "level3"):
            return _encoded(inst, self._view(topic, inst).snapshot(now))
        if topic not in self._others[topic.symbol]:
            self._others[topic.symbol].append(topic)
        if topic.channel == "trade":
            return wire.trades(inst, self.tape(topic.symbol, 0, TRADE_SNAPSHOT), snapshot=True)
        if topic.channel == "ticker":
            self._touch[topic.symbol] = self._best(topic.symbol)
            return wire.ticker(inst, self.ticker(topic.symbol, now), snapshot=True)
        rows = self.candles(topic.symbol, topic.detail, now, OHLC_SNAPSHOT)
        return wire.candles(inst, rows, topic.detail, now, snapshot=True)

    def _view(self, topic: Topic, inst: Instrument) -> LevelView | OrderView:
        views = self._views[topic.symbol]
        if topic not in views:
            made = LevelView if topic.channel == "book" else OrderView
            views[topic] = made(inst.key, self.market.books[topic.symbol], topic.detail)
        return views[topic]

    def close(self, topic: Topic) -> None:
        """One follower left; the last one ends the topic."""
        self._followers[topic] -= 1
        if self._followers[topic]:
            return
        del self._followers[topic]
        if topic.channel in ("book", "level3"):
            del self._views[topic.symbol][topic]
        elif topic.symbol:
            self._others[topic.symbol].remove(topic)

    # --- what happens

    def advance(self, until_ns: int) -> Iterator[Frame]:
        """Move the market by one action, if one is due by `until_ns`, and tell what happened."""
        for batch in self.market.advance(until_ns, limit=1):
            if batch and batch[0].symbol in self.instruments:
                yield from self.tell(batch)

    def tell(self, batch: Sequence[Happening]) -> Iterator[Frame]:
        """The frames of one action, books first; the market must not have moved on."""
        symbol, ts = batch[0].symbol, batch[0].ts
        inst = self.instruments[symbol]
        views = self._views[symbol]
        if views:
            reach = Reach((h.side, h.px) for h in batch if not isinstance(h, Printed))
            for topic, view in views.items():
                update = view.update(reach, ts)
                if update is not None:
                    yield topic, _encoded(inst, update)
        others = self._others[symbol]
        if others:
            prints = [_print(h) for h in batch if isinstance(h, Printed)]
            for topic in others:
                frame = self._other(topic, inst, prints, ts)
                if frame is not None:
                    yield topic, frame

    def _other(self, topic: Topic, inst: Instrument, prints: list[Print], ts: int) -> bytes | None:
        if topic.channel == "ticker" and topic.detail:
            best = self._best(topic.symbol)
            if not prints and best == self._touch[topic.symbol]:
                return None
            self._touch[topic.symbol] = best
        elif not prints:
            return None
        if topic.channel == "trade":
            return wire.trades(inst, prints)
        if topic.channel == "ticker":
            return wire.ticker(inst, self.ticker(topic.symbol, ts), snapshot=False)
        return wire.candles(inst, self.candles(topic.symbol, topic.detail, ts, 1), topic.detail, ts, snapshot=False)

    # --- what can be asked

    def tape(self, symbol: str, since: int, count: int) -> list[Print]:
        """At most `count` prints: the first after `since`, or, when `since` is 0, the last; oldest first."""
        if since:
            return [_print(p) for p in self.market.tape(symbol, since_ns=since)[:count]]
        return [_print(p) for p in self.market.tape(symbol, count=count)]

    def candles(self, symbol: str, interval: int, now: int, count: int) -> list[CandleRow]:
        """The last `count` candles of `interval` minutes, oldest first, the last one running."""
        return [
            CandleRow(b.begin * MINUTE, b.open, b.high, b.low, b.close, b.volume, b.count, b.vwap)
            for b in self.market.bars(symbol, interval, now, count)
        ]

    def ticker(self, symbol: str, now: int) -> TickerRow:
        """The last 24 hours and the best bid and offer; 0 where a side of the book is empty."""
        running = self.market.bars(symbol, DAY, now, 1)[-1]
        day = self._days.get(symbol)
        if day is None or day.until != running.begin:
            day = self._days[symbol] = _Day(running.begin, self.market.bars(symbol, DAY, now, DAY_BARS)[:-1])
        (bid, bid_qty), (ask, ask_qty) = (levels[0][:2] if levels else (0, 0) for levels in self._best(symbol))
        volume = day.volume + running.volume
        last = self.market.tape(symbol, count=1)
        return TickerRow(
            bid=bid,
            bid_qty=bid_qty,
            ask=ask,
            ask_qty=ask_qty,
            last=running.close,
            last_qty=last[-1].qty if last else 0,
            open=day.open or running.open,
            high=max(day.high, running.high),
            low=min(day.low or running.low, running.low),
            vwap=int((day.turnover + running.turnover) / volume) if volume else running.close,
            volume=volume,
            trades=day.count + running.count,
            ts=now,
        )

    def _best(self, symbol: str) -> Touch:
        book = self.market.books[symbol]
        return book.levels(Side.BUY, 1), book.levels(Side.SELL, 1)


class _Day:
    """The closed bars of the last 24 hours, summed whenever one has closed."""

    def __init__(self, until: int, bars: Sequence[Bar]) -> None:
        self.until = until
        self.open = bars[0].open if bars else 0
        self.high = max((b.high for b in bars), default=0)
        self.low = min((b.low for b in bars), default=0)
        self.volume = sum(b.volume for b in bars)
        self.count = sum(b.count for b in bars)
        self.turnover = sum(b.turnover for b in bars)


def _encoded(inst: Instrument, update: BookUpdate | OrdersUpdate) -> bytes:
    return wire.book(inst, update) if isinstance(update, BookUpdate) else wire.orders(inst, update)


def _print(p: Printed) -> Print:
    return Print(p.px, p.qty, p.side, p.trade_id, p.ord_type, p.ts)
