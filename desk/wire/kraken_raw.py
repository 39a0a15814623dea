"""Kraken's frames of trades and tickers read as bytes: the fast twin of `KrakenCodec`, equal to it on every frame.

A kernel turns an update into words, and only the message that leaves is an object. Whatever the kernel does not
recognise, and every other frame, goes through the typed decoder, which is also the kernel's oracle in the tests.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from desk.kernels import tape_scan
from desk.kernels.memory import BYTES
from desk.kernels.tape_scan import ROW, tape_entries
from desk.messages import Heartbeat, Message, Side, Ticker, Trade, Trades
from desk.wire.kraken import HEARTBEAT, KrakenCodec
from desk.wire.kraken_shapes import InstrumentFrame

HEAD = 33  # bytes that tell an update of either channel from everything else
PATH = 64  # bytes that name channel and symbol, where the symbol's name is not a long one
SYMBOL = b'{"symbol":"'
TRADES_AT = tape_scan.TRADE_SIZE + len(SYMBOL)
TICKER_AT = tape_scan.TICKER_SIZE + len(SYMBOL)
LONGEST = 40  # bytes of a symbol
WORDS = ROW // 8
SIDES = (Side.SELL, Side.BUY)

About = tuple[str, int, memoryview]  # an instrument's key, address and memory of what the kernels have to know of it
Read = Callable[[bytes, About], Message | None]


class RawKrakenCodec(KrakenCodec):
    """One connection's worth of Kraken v2; trades and tickers of instruments already known are read by kernels.

    >>> from desk.instrument import Instrument
    >>> codec = RawKrakenCodec()
    >>> codec.instruments["X/Y"] = Instrument("X/Y", "kraken", 1, 2)
    >>> codec.decode(b'{"channel":"trade","type":"update","data":[{"symbol":"X/Y","side":"buy","price":9.9,"qty":0.05,'
    ...     b'"ord_type":"limit","trade_id":7,"timestamp":"1970-01-01T00:00:01Z"}]}')[0].trades[0].px
    99
    """

    def __init__(self, venue: str = "kraken") -> None:
        super().__init__(venue)
        self._scan_trades, self._scan_ticker = tape_entries()
        work = np.zeros(tape_scan.WORK_BYTES // 8, np.int64)
        self._work_at = int(work.ctypes.data)
        self._words = work.data
        self._known: dict[bytes, About] = {}  # by the symbol's wire text
        self._paths: dict[bytes, tuple[Read, About]] = {}  # by a frame's first PATH bytes
        self._read: dict[bytes, tuple[Read, int]] = {  # by a frame's first HEAD bytes: and where the symbol stands
            tape_scan.TRADE[:HEAD]: (self._raw_trades, TRADES_AT),
            tape_scan.TICKER[:HEAD]: (self._raw_ticker, TICKER_AT),
        }

    def decode(self, raw: bytes) -> list[Message]:
        """Every message of one frame, as `KrakenCodec.decode`."""
        path = self._paths.get(raw[:PATH])
        if path is None:
            if raw == HEARTBEAT:
                return [Heartbeat()]
            path = self._path(raw)
        if path is not None and (message := path[0](raw, path[1])) is not None:
            return [message]
        return super().decode(raw)

    def _raw_trades(self, raw: bytes, about: About) -> Message | None:
        count = self._scan_trades(self._work_at, about[1], id(raw) + BYTES, len(raw))
        if not count:
            return None
        inst, words = about[0], self._words[: count * WORDS].tolist()
        if count == 1:
            px, qty, bought, number, ts = words
            return Trades((Trade(inst, px, qty, SIDES[bought], number, ts),))
        trades = []
        for at in range(0, len(words), WORDS):
            px, qty, bought, number, ts = words[at : at + WORDS]
            trades.append(Trade(inst, px, qty, SIDES[bought], number, ts))
        return Trades(tuple(trades))

    def _raw_ticker(self, raw: bytes, about: About) -> Message | None:
        if not self._scan_ticker(self._work_at, about[1], id(raw) + BYTES, len(raw)):
            return None
        return Ticker(about[0], *self._words[:4].tolist())

    def _path(self, raw: bytes) -> tuple[Read, About] | None:
        """Who reads this frame, and what is known of its symbol; None: not for the kernels."""
        read, at = self._read.get(raw[:HEAD], (None, 0))
        if read is None or type(raw) is not bytes:
            return None
        end = raw.find(b'"', at, at + LONGEST)
        name = raw[at:end]
        about = self._known.get(name) or self._describe(name)
        if about is None:
            return None
        if at <= end < PATH:
            self._paths[raw[:PATH]] = read, about
        return read, about

    def _describe(self, name: bytes) -> About | None:
        symbol = name.decode("ascii", "replace")
        inst = self.instruments.get(symbol)
        memory = tape_scan.described(symbol, inst.px_decimals, inst.qty_decimals) if inst is not None else None
        if inst is None or memory is None:
            return None
        about = self._known[name] = inst.key, int(memory.ctypes.data), memory.data
        return about

    def _pairs(self, frame: InstrumentFrame) -> list[Message]:
        described = super()._pairs(frame)
        self._known.clear()  # their decimals may be others now
        self._paths.clear()
        return described
