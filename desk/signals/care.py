"""The care for what a socket alone cannot promise: whole tapes, and books right below their checksum.

Every instrument has a repair of its tape (desk.market.gaps) and an audit of its depth (desk.market.audit); here they
are told of connections, time and REST answers. Strategies hear of a filled print through the bars only: it is old.
"""

from __future__ import annotations

from desk.market.audit import DepthAudit
from desk.market.seen import Ask, Word
from desk.market.state import Fault, Market
from desk.messages import Candle, Depth, Message, Subscription, Trades

Cared = Candle | Word | Ask | Fault


class Care:
    """The repairs and audits of one run's markets. `heard`: ns of each link's last frame, kept by the owner."""

    def __init__(self, venue: str, markets: dict[str, Market], heard: dict[int, int]) -> None:
        self.venue, self.markets, self.heard = venue, markets, heard
        self.audits: dict[str, DepthAudit] = {}
        self._printing: dict[int, list[Market]] = {}  # link → the markets whose prints it brings

    def adopt(self, sub: Subscription, link: int, market: Market) -> None:
        """A subscription of this market."""
        self.audits.setdefault(market.inst, DepthAudit(market.inst, market.tracks))
        if sub.channel == "trade":
            self._printing.setdefault(link, []).append(market)

    def link_up(self, link: int, now: int) -> None:
        for market in self._printing.get(link, ()):
            market.repair.link_up(now)

    def link_down(self, link: int, now: int) -> None:
        for market in self._printing.get(link, ()):
            market.repair.link_down(now)

    def beat(self, now: int) -> list[Cared]:
        """Bars the clock closes, and what is due to be asked or compared."""
        made: list[Cared] = []
        compared = False
        for inst, audit in self.audits.items():
            made += self.markets[inst].repair.beat(now)
            made += audit.beat(now, self.heard, pair=not compared)  # one a beat: deep books take milliseconds
            compared = compared or audit.compared == now
        return made

    def answered(self, symbol: str, messages: list[Message], now: int) -> list[Cared]:
        """What REST said of the trades or the depth of a symbol."""
        inst = f"{symbol}@{self.venue}"
        made: list[Cared] = []
        for message in messages if inst in self.markets else ():
            if isinstance(message, Trades):
                made += self.markets[inst].repair.answered(message.trades, now)
            elif isinstance(message, Depth):
                made += self.audits[inst].answered(message, now)
        return made

    def unanswered(self, call: str, symbol: str, why: str, now: int) -> list[Cared] | None:
        """A question led to nothing; None when it was not one of ours."""
        inst = f"{symbol}@{self.venue}"
        if inst not in self.markets or call not in ("Trades", "Depth"):
            return None
        if call == "Trades":
            return [*self.markets[inst].repair.failed(why, now)]
        self.audits[inst].failed(now)
        return []
