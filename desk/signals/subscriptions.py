"""What was asked for on each connection and what the venue answered: one acknowledgement per channel and symbol.

An answer that does not come, one that nobody asked for, and a refusal are each said once; the symbol they concern stays
in trouble until a good answer comes or the connection is gone. A connection on which nothing was ever answered expects
no answers: a recording may hold none.
"""

from __future__ import annotations

from collections.abc import Iterator

from desk.market.seen import Word
from desk.market.state import RESCALED, Market
from desk.messages import Ack, LinkSpec

PATIENCE = 20_000_000_000  # ns from the connection's opening; the session asks again after 10 s
REFUSED, UNANSWERED = "SUBSCRIPTION_REFUSED", "SUBSCRIPTION_UNANSWERED"


class Subscriptions:
    """The answers to one run's subscriptions.

    >>> from desk.messages import Subscription
    >>> wanted = Subscription("trade", "FOO/BAR"), Subscription("trade", "A/B")
    >>> asked = Subscriptions("kraken", (LinkSpec("public", wanted),), markets={})
    >>> asked.up(0, now=1)
    >>> list(asked.ack(Ack("subscribe", "", "FOO/BAR", success=False, error="nope"), 0))
    [Word(level='alarm', code='SUBSCRIPTION_REFUSED', text='FOO/BAR trade: nope')]
    >>> asked.trouble("FOO/BAR"), asked.trouble("A/B")
    ({'trade': 'SUBSCRIPTION_REFUSED'}, {})
    """

    def __init__(self, venue: str, links: tuple[LinkSpec, ...], markets: dict[str, Market]) -> None:
        self.venue, self.markets = venue, markets
        self._wanted = [dict.fromkeys((sub.channel, sub.symbol) for sub in link.wanted) for link in links]
        self._names = [link.name for link in links]
        self._awaited: list[dict[tuple[str, str], None]] = [{} for _ in links]
        self._since = [0] * len(links)
        self._answers = [0] * len(links)
        self._trouble: list[dict[str, dict[str, str]]] = [{} for _ in links]  # symbol → channel → code

    def up(self, link: int, now: int) -> None:
        """The connection is open, and everything is asked for again."""
        self._awaited[link] = dict(self._wanted[link])
        self._since[link], self._answers[link] = now, 0
        self._trouble[link] = {}
        self._bar(link)

    def down(self, link: int) -> None:
        """The connection is gone: nothing is awaited on it."""
        self._awaited[link] = {}
        self._trouble[link] = {}
        self._bar(link)

    def refused(self, ack: Ack, link: int) -> list[str]:
        """The channels an answer refuses: the named one, else every unanswered one of its symbol."""
        if ack.success or ack.method != "subscribe":
            return []
        held = self._wanted[link] if ack.channel else self._awaited[link]
        return [channel for channel, symbol in held if symbol == ack.symbol and ack.channel in ("", channel)]

    def ack(self, ack: Ack, link: int) -> Iterator[Word]:
        """Take an answer; says what is wrong with it."""
        yield from self._take(ack, link)
        self._bar(link)

    def _take(self, ack: Ack, link: int) -> Iterator[Word]:
        awaited, name = self._awaited[link], ack.symbol or self._names[link]
        if ack.method != "subscribe":
            if not ack.success and not ack.method:
                yield Word("alarm", "VENUE_COMPLAINT", f"{self._names[link]}: {ack.error}")
            return
        self._answers[link] += 1
        if not ack.success:
            channels = self.refused(ack, link)
            known = self._trouble[link].setdefault(ack.symbol, {})
            if not channels and REFUSED in known.values():
                return  # said for all of its channels when the first of them was refused
            for channel in channels:
                awaited.pop((channel, ack.symbol), None)
                known[channel] = REFUSED
            where = " ".join([name, ack.channel or ", ".join(channels)]).strip()
            yield Word("alarm", REFUSED, f"{where}: {ack.error}")
            return
        channels = [ack.channel] if ack.channel else [channel for channel, at in awaited if at == ack.symbol]
        for channel in channels:
            if (channel, ack.symbol) not in self._wanted[link]:
                yield Word("warn", "ACK_NOT_ASKED", f"{name} {channel}: acknowledged, but nobody asked for it")
            awaited.pop((channel, ack.symbol), None)
            self._trouble[link].get(ack.symbol, {}).pop(channel, None)

    def beat(self, now: int) -> Iterator[Word]:
        """A few times a second: says, once, what has not been answered in time."""
        for link, awaited in enumerate(self._awaited):
            if not awaited or not self._answers[link] or now - self._since[link] < PATIENCE:
                continue
            for channel, symbol in awaited:
                self._trouble[link].setdefault(symbol, {})[channel] = UNANSWERED
                name = symbol or self._names[link]
                text = (
                    f"{name} {channel}: no answer to the subscription in {PATIENCE // 10**9} s; it is asked for again"
                )
                yield Word("alarm", UNANSWERED, text)
            awaited.clear()
            self._bar(link)

    def _bar(self, link: int) -> None:
        """A symbol whose trades are not served has no tape and no bars: it is not traded."""
        for channel, symbol in self._wanted[link]:
            market = self.markets.get(f"{symbol}@{self.venue}")
            if channel == "trade" and market is not None and market.barred != RESCALED:
                market.barred = self._trouble[link].get(symbol, {}).get(channel, "")

    def trouble(self, symbol: str) -> dict[str, str]:
        """Channels of a symbol that are not served, with the reason's code."""
        return {channel: code for link in self._trouble for channel, code in link.get(symbol, {}).items()}
