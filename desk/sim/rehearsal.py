"""The simulated market as a stream of events, in this process and in its own time: the same seed, the same session.

What the embedded exchange sends over a socket by the machine's clock comes here as events stamped by the market's own:
a run may take them at any speed, or as fast as it can, and sees the same frames at the same times. SIMULATED.
"""

from __future__ import annotations

from collections.abc import Iterator

from desk.errors import DeskError
from desk.events import Event, Frame, LinkUp
from desk.messages import LinkSpec, Subscription
from desk.sim.listing import ALL
from desk.sim.market import SimMarket
from desk.sim.publish import Publisher
from desk.wire import kraken_venue as wire
from desk.wire.kraken_venue import Topic

SECOND = 1_000_000_000
BEGIN = 1_767_603_600 * SECOND  # 2026-01-05 09:00 UTC, a Monday
DELAY = 1_000_000  # ns from the venue's stamp to our receive time
HISTORY = 720  # minute candles that a session starts with
LINK = 0


class Rehearsal:
    """One session of a simulated market, over one link that carries every channel.

    `edge` as in SimMarket: 0 makes a book that says nothing about the future. Raises DeskError for symbols that the
    embedded exchange does not list.
    """

    def __init__(
        self, seed: int, symbols: tuple[str, ...], depth: int = 100, level3: int = 10, edge: float = 1.0
    ) -> None:
        if unknown := [symbol for symbol in symbols if symbol not in ALL]:
            raise DeskError(f"the embedded exchange does not list {', '.join(unknown)}. It lists {', '.join(ALL)}")
        self.begin = BEGIN
        self.market = SimMarket(seed, BEGIN, symbols, edge)
        self.publisher = Publisher(self.market, {symbol: self.market.instruments[symbol] for symbol in symbols})
        self.topics = [Topic("instrument", "", 0)]
        for channel, detail in (("trade", 0), ("ohlc", 1), ("book", depth), ("level3", level3)):
            self.topics += [Topic(channel, symbol, detail) for symbol in symbols]
        self._again: list[Topic] = []

    @property
    def link(self) -> LinkSpec:
        """What the one link carries."""
        return LinkSpec("rehearsal", tuple(_subscription(topic) for topic in self.topics))

    def resync(self, channel: str, symbol: str) -> None:
        """Another snapshot of one book, before anything else happens."""
        self._again += [topic for topic in self.topics if (topic.channel, topic.symbol) == (channel, symbol)]

    def events(self, seconds: float) -> Iterator[Event]:
        """Everything that arrives within `seconds` of the market's time, in order; a heartbeat each quiet second."""
        now = self.begin
        end = now + round(seconds * SECOND)
        yield LinkUp(now, LINK)
        yield Frame(now, LINK, wire.status(1))
        for topic in self.topics:
            yield Frame(now, LINK, self._snapshot(topic, now))
        beat = now + SECOND
        while (at := min(self.market.next_at, beat)) <= end - DELAY:
            if at == beat:
                beat += SECOND
                yield Frame(at + DELAY, LINK, wire.HEARTBEAT)
                continue
            for topic, data in self.publisher.advance(at):
                if topic in self._again:
                    continue  # what follows is newer than the snapshot asked for
                yield Frame(at + DELAY, LINK, data)
            while self._again:
                topic = self._again[0]
                data = self._snapshot(topic, at, again=True)
                del self._again[0]
                yield Frame(at + DELAY, LINK, data)

    def _snapshot(self, topic: Topic, now: int, *, again: bool = False) -> bytes:
        if again:
            self.publisher.close(topic)
        data = self.publisher.open(topic, now)
        if topic.channel == "ohlc":  # a session on a socket asks REST for these
            inst = self.market.instruments[topic.symbol]
            rows = self.publisher.candles(topic.symbol, topic.detail, now, HISTORY)
            data = wire.candles(inst, rows, topic.detail, now, snapshot=True)
        return data


def _subscription(topic: Topic) -> Subscription:
    depth = topic.detail if topic.channel in ("book", "level3") else 0
    return Subscription(topic.channel, topic.symbol, depth, topic.detail if topic.channel == "ohlc" else 0)
