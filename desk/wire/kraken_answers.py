"""Kraken's public REST answers, the client's side: text in, messages out. Pure.

    GET /0/public/OHLC    [[time s, open, high, low, close, vwap, volume, count],…]; the last row is still running
    GET /0/public/Trades  [[price, quantity, time s, b|s, m|l, misc, trade id],…] oldest first; times to 100 ns
    GET /0/public/Depth   {"asks":[[price, quantity, s],…],"bids":…} best first; quantities to 3 decimals

each as {"error":[],"result":{"<any name>":…,"last":…}}; prices and quantities are text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from desk.errors import DecodeError
from desk.instrument import Instrument
from desk.messages import Candle, Candles, Depth, Message, Side, Trade, Trades
from desk.wire.decimals import scaled
from desk.wire.kraken_shapes import Row
from desk.wire.stamps import NS

MINUTE = 60 * NS
DEPTH_DECIMALS = 3  # of a quantity in Depth


class _Said(msgspec.Struct, gc=False):
    error: list[str] = []
    result: dict[str, msgspec.Raw] = {}


_Print = tuple[str, str, msgspec.Raw, str, str, str, int]
_Level = tuple[str, str, int]


class _Sides(msgspec.Struct, gc=False):
    asks: list[_Level]
    bids: list[_Level]


def read_answer(call: str, inst: Instrument, raw: bytes) -> list[Message]:
    """The messages of one answer: "OHLC" gives Candles, "Trades" gives Trades, "Depth" gives Depth.

    Raises DecodeError for anything else, with the venue's words where it gave some.

    >>> inst = Instrument("BTC/USD", "kraken", px_decimals=1, qty_decimals=8)
    >>> row = b'["105433.60000","0.00027625",1762795433.9717445,"s","m","",10218208]'
    >>> read_answer("Trades", inst, b'{"error":[],"result":{"XXBTZUSD":[' + row + b'],"last":"1762795433971744500"}}')[
    ...     0
    ... ].trades[0].ts_exch
    1762795433971744500
    """
    if call not in _READ:
        raise DecodeError(f"{call} of {inst.symbol} cannot be read: no such call", raw)
    try:
        said = msgspec.json.decode(raw, type=_Said)
        body = next((rows for name, rows in said.result.items() if name != "last"), None)
        if not said.error and body is not None:
            return [_READ[call](inst, body)]
    except (msgspec.MsgspecError, ValueError, RecursionError) as err:
        raise DecodeError(f"{call} {inst.symbol}: {err}", raw) from err
    raise DecodeError(f"{call} {inst.symbol}: {', '.join(said.error) or 'an empty result'}", raw)


def _ohlc(inst: Instrument, body: msgspec.Raw) -> Candles:
    return Candles(tuple(_candle(inst, row) for row in _read(body, list[Row])), snapshot=True)


def _candle(inst: Instrument, row: Row) -> Candle:
    time, *prices, _vwap, volume, count = row
    px = [scaled(text, inst.px_decimals) for text in prices]
    return Candle(inst.key, time * NS, MINUTE, px[0], px[1], px[2], px[3], scaled(volume, inst.qty_decimals), count)


def _trades(inst: Instrument, body: msgspec.Raw) -> Trades:
    return Trades(tuple(_trade(inst, row) for row in _read(body, list[_Print])), snapshot=True)


def _trade(inst: Instrument, row: _Print) -> Trade:
    price, quantity, time, way, _kind, _misc, number = row
    px, qty = scaled(price, inst.px_decimals), scaled(quantity, inst.qty_decimals)
    if way not in ("b", "s") or px <= 0 or qty <= 0 or number <= 0:
        raise ValueError(f"a trade of side {way!r}, price {px}, quantity {qty}, number {number}")
    side = Side.BUY if way == "b" else Side.SELL
    return Trade(inst.key, px, qty, side, number, scaled(bytes(time).decode(), 9))


def _depth(inst: Instrument, body: msgspec.Raw) -> Depth:
    said = _read(body, _Sides)
    step = 10 ** max(0, inst.qty_decimals - DEPTH_DECIMALS)
    bids, asks = (
        tuple((scaled(px, inst.px_decimals), scaled(qty, inst.qty_decimals)) for px, qty, _ in side)
        for side in (said.bids, said.asks)
    )
    return Depth(inst.key, bids, asks, step)


_READ: dict[str, Callable[[Instrument, msgspec.Raw], Message]] = {"OHLC": _ohlc, "Trades": _trades, "Depth": _depth}


def _read(body: msgspec.Raw, shape: Any) -> Any:
    return msgspec.json.decode(body, type=shape)
