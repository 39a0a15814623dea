"""Books and trades that came through ccxt.pro, as frames of our own: what desk.io.ccxt_feed writes and this reads.

    {"ccxt":"book","symbol":"BTC/USD","ts":ms,"bids":[["64525.0","0.5"],…],"asks":[…]}       the best levels, whole
    {"ccxt":"trades","symbol":"BTC/USD","first":true,"trades":[["buy","64525.0","0.01",ms],…]}

ccxt hands numbers out as floats: the text is the shortest that gives the same float, at most 10 decimals. Nothing in it
can be proven, and nothing says whether a message was lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from desk.errors import DecodeError
from desk.messages import Ack, BookUpdate, Message, Side, Subscription, Trade, Trades
from desk.wire.decimals import Pairs

MS = 1_000_000
DECIMALS = 10
SIDES = {"buy": Side.BUY, "sell": Side.SELL}

Row = Sequence[float]


class CcxtFrame(msgspec.Struct, gc=False, omit_defaults=True):
    """Either kind of frame."""

    ccxt: str
    symbol: str
    ts: int = 0
    bids: tuple[tuple[str, str], ...] = ()
    asks: tuple[tuple[str, str], ...] = ()
    first: bool = False
    trades: tuple[tuple[str, str, str, int], ...] = ()


_decode = msgspec.json.Decoder(CcxtFrame).decode
_encode = msgspec.json.Encoder().encode


def number_text(value: float) -> str:
    """A float as fixed-point text.

    >>> number_text(64525.0), number_text(5.1e-05), number_text(0.1 + 0.2)
    ('64525', '0.000051', '0.3')
    """
    return f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")


def book_frame(symbol: str, ts_ms: int, bids: Iterable[Row], asks: Iterable[Row]) -> bytes:
    """A book as ccxt holds it: rows of price and quantity, best first."""
    sides = [tuple((number_text(row[0]), number_text(row[1])) for row in rows) for rows in (bids, asks)]
    return _encode(CcxtFrame("book", symbol, ts_ms, sides[0], sides[1]))


def trades_frame(symbol: str, trades: Iterable[tuple[str, float, float, int]], *, first: bool) -> bytes:
    """Trades as (aggressor, price, quantity, ms); `first`: from before we watched."""
    rows = tuple((side, number_text(px), number_text(qty), ms) for side, px, qty, ms in trades)
    return _encode(CcxtFrame("trades", symbol, first=first, trades=rows))


class CcxtCodec:
    """The frames of one exchange; there is nobody to send a request to."""

    proof = ""
    quiet = b""

    def __init__(self, venue: str, least: tuple[int, int] = (0, 0)) -> None:
        self.venue = venue
        self.pairs = Pairs(venue, str, (), least)
        self.instruments = self.pairs.instruments

    def subscribe(self, wanted: list[Subscription], token: str = "", req_id: int = 0) -> list[bytes]:
        return []

    def unsubscribe(self, wanted: list[Subscription], token: str = "", req_id: int = 0) -> list[bytes]:
        return []

    def ping(self, req_id: int) -> bytes:
        return b""

    def control(self, raw: bytes) -> Ack | None:
        return None

    def answer(self, call: str, symbol: str, raw: bytes) -> list[Message]:
        """Nothing is asked over REST. Always raises DecodeError."""
        raise DecodeError(f"{call} of {symbol} cannot be read: {self.venue} is asked nothing over REST")

    def decode(self, raw: bytes) -> list[Message]:
        """The messages of one frame; raises DecodeError with the reason."""
        try:
            frame = _decode(raw)
            made: list[Message] = []
            if frame.ccxt == "book":
                self._book(frame, made)
            elif frame.ccxt == "trades":
                self._trades(frame, made)
            else:
                raise ValueError(f"neither a book nor trades: {frame.ccxt!r}")  # noqa: TRY301 - one way out
        except (msgspec.MsgspecError, ValueError, RecursionError) as err:
            raise DecodeError(str(err), raw) from err
        return made

    def _book(self, frame: CcxtFrame, made: list[Message]) -> None:
        pxs, qtys = zip(*frame.bids, *frame.asks, strict=True) if frame.bids or frame.asks else ((), ())
        inst = self.pairs.describe(frame.symbol, pxs, qtys, made, book=True, anew=True)
        bids, asks = (
            tuple(level for level in self.pairs.levels(inst, rows) if level[1]) for rows in (frame.bids, frame.asks)
        )
        made.append(BookUpdate(inst.key, bids, asks, snapshot=True, ts_exch=frame.ts * MS))

    def _trades(self, frame: CcxtFrame, made: list[Message]) -> None:
        if not frame.trades:
            return
        pxs, qtys = [px for _, px, _, _ in frame.trades], [qty for _, _, qty, _ in frame.trades]
        inst = self.pairs.describe(frame.symbol, pxs, qtys, made, book=False)
        prints = []
        for side, px, qty, ms in frame.trades:
            ((ticks, lots),) = self.pairs.levels(inst, ((px, qty),))
            if side not in SIDES or not lots:
                raise ValueError(f"{frame.symbol}: a trade of side {side!r}, quantity {qty}")
            prints.append(Trade(inst.key, ticks, lots, SIDES[side], 0, ms * MS))
        made.append(Trades(tuple(prints), frame.first))
