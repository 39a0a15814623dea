"""What trades and tickers say: to the tape, the bars and the strategies, and for or against the book."""

from __future__ import annotations

from collections.abc import Mapping

from desk.kernels.trade_frame import BREAKING, OUTSIDE, TURNED
from desk.market.state import RESCALED, Market
from desk.market.trade_frames import TradeFrames, workspace
from desk.messages import Ticker, Trades
from desk.signals.paths import Seen


class Tape:
    """The prints of every market. `printed`: the last frame that a kernel took in; whether it `turned` the side that
    its strategy may take, and whether its strategy's breaks have to hear of it: `breaking`. All are scanned in `work`.
    """

    def __init__(self, markets: Mapping[str, Market]) -> None:
        self.markets = markets
        self.work = workspace()
        self.printed: TradeFrames
        self.turned = self.breaking = False

    def taken(self, market: Market, said: int, now: int) -> None:
        """A frame of trades was taken in by the kernel (desk.kernels.trade_frame)."""
        self.printed = frames = market.trade_frames
        self.turned, self.breaking = said & TURNED > 0, said & BREAKING > 0
        if said & OUTSIDE and not market.contradicted and any(map(market.beyond, frames.extent)):
            self._contradicted(market, now)

    def trades(self, message: Trades, now: int, link: int) -> list[Seen]:
        seen: list[Seen] = []
        heard: list[Market] = []
        snapshot = message.snapshot
        inst, market = "", None
        for trade in message.trades:
            if trade.inst != inst:
                inst = trade.inst
                market = self.markets.get(inst)
                if market is not None and market not in heard:
                    heard.append(market)
            if market is None or market.barred == RESCALED:
                continue
            number, known = trade.trade_id, market.trade_frames.newest
            seen += market.repair.take(trade, now, snapshot=snapshot)  # late and repeated prints end here
            if 0 < number <= known:
                continue
            market.trade_frames.newest = number or known
            if snapshot:  # what it repeats is no news
                continue
            if not market.contradicted and market.beyond(trade.px):
                self._contradicted(market, now)
            seen.append(trade)
        for market in heard:
            seen += market.repair.settle(now)
        return seen

    def ticker(self, ticker: Ticker, now: int, link: int) -> list[Seen]:
        """The venue's own best bid and offer, beside the book: evidence for or against it, never a price to use."""
        market = self.markets.get(ticker.inst)
        if market is None or not (ticker.bid and ticker.ask and market.ready) or (track := market.track) is None:
            return []
        bid, ask = track.book.bid, track.book.ask
        if (ticker.bid, ticker.ask) == (bid, ask):
            market.contradicted = 0
        elif not market.contradicted and ticker.ts_exch > track.ts_exch and (ticker.bid >= ask or ticker.ask <= bid):
            self._contradicted(market, now)  # an older ticker was overtaken, and says nothing
        return []

    def _contradicted(self, market: Market, now: int) -> None:
        """Until a book moves: its next frame is looked at in full."""
        market.contradicted = now
        market.unsettle()
