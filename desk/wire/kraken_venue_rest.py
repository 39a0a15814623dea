"""Kraken's public REST answers and the signature of private requests, the venue's side. Pure.

    {"error":[],"result":{…}}      {"error":["EQuery:Unknown asset pair"]}       both with HTTP status 200

REST has names of its own: BTC is XBT and DOGE is XDG, `wsname` is "XBT/USD" and the pair's key "XXBTZUSD"; a request
that says `pair=BTC/USD` is answered under the key "BTC/USD". Depth texts have 5 and 3 decimals: no checksum can be made
of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from desk.instrument import Instrument
from desk.wire.kraken_venue import CandleRow, Print, TickerRow
from desk.wire.stamps import NS, format_ns

DEPTH_MAX, TRADES_MAX, OHLC_MAX = 500, 1000, 720
_OLD_NAMES = {"BTC": "XBT", "DOGE": "XDG"}
_CODES = {  # assets listed before 2016 carry an X (crypto) or Z (fiat)
    **{name: f"X{name}" for name in ("XBT", "XDG", "ETH", "ETC", "LTC", "XLM", "XMR", "XRP", "ZEC", "REP", "MLN")},
    **{name: f"Z{name}" for name in ("USD", "EUR", "GBP", "CAD", "JPY", "AUD")},
}
_DAYS = ("Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed")  # 1970-01-01 was a Thursday
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def result(value: object) -> bytes:
    """A successful answer."""
    return msgspec.json.encode({"error": [], "result": value})


def failure(*errors: str) -> bytes:
    """An answer that refuses."""
    return msgspec.json.encode({"error": errors})


def altname(symbol: str) -> str:
    """REST's short name of a pair.

    >>> altname("BTC/USD"), altname("ETH/USDT")
    ('XBTUSD', 'ETHUSDT')
    """
    return _wsname(symbol).replace("/", "")


def pair_key(symbol: str) -> str:
    """REST's own key of a pair: the codes of its assets where both are of the old kind, else the short name.

    >>> pair_key("BTC/USD"), pair_key("BTC/USDT"), pair_key("DOGE/USD")
    ('XXBTZUSD', 'XBTUSDT', 'XDGUSD')
    """
    base, _, quote = _wsname(symbol).partition("/")
    both_old = base in _CODES and quote in _CODES and base != "XDG"
    return _CODES[base] + _CODES[quote] if both_old else base + quote


def find_pair(name: str, symbols: Iterable[str]) -> tuple[str, str] | None:
    """(key to answer under, symbol) of a pair as a request names it, in any of its spellings; None when unknown.

    >>> find_pair("BTC/USD", ["BTC/USD"]), find_pair("XBTUSD", ["BTC/USD"]), find_pair("FOO", ["BTC/USD"])
    (('BTC/USD', 'BTC/USD'), ('XXBTZUSD', 'BTC/USD'), None)
    """
    for symbol in symbols:
        if name in (symbol, _wsname(symbol)):
            return name, symbol
        if name in (pair_key(symbol), altname(symbol), symbol.replace("/", "")):
            return pair_key(symbol), symbol
    return None


def assets(instruments: Iterable[Instrument]) -> dict[str, Any]:
    """Every asset that a pair is made of, by its code."""
    names = dict.fromkeys(name for inst in instruments for name in (inst.base, inst.quote))
    return {
        _code(name): {
            "aclass": "currency",
            "altname": _OLD_NAMES.get(name, name),
            "decimals": 4 if _code(name).startswith("Z") and len(name) == 3 else 10,
            "display_decimals": 2 if _code(name).startswith("Z") and len(name) == 3 else 5,
            "status": "enabled",
        }
        for name in names
    }


def asset_pairs(found: Mapping[str, Instrument]) -> dict[str, Any]:
    """Precisions and limits of pairs, by the key to answer under. Fees are 0: the embedded exchange charges none."""
    return {key: _pair(inst) for key, inst in found.items()}


def _pair(inst: Instrument) -> dict[str, Any]:
    free = [[0, 0.0]]
    return {
        "altname": altname(inst.symbol),
        "wsname": _wsname(inst.symbol),
        "aclass_base": "currency",
        "base": _code(inst.base),
        "aclass_quote": "currency",
        "quote": _code(inst.quote),
        "lot": "unit",
        "cost_decimals": 5,
        "pair_decimals": inst.px_decimals,
        "lot_decimals": inst.qty_decimals,
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": free,
        "fees_maker": free,
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": _short(inst.qty_text(inst.qty_min)),
        "costmin": f"{inst.cost_min:f}",
        "tick_size": inst.px_text(inst.tick),
        "status": inst.status,
    }


def depth(
    inst: Instrument, bids: Iterable[tuple[int, int, int]], asks: Iterable[tuple[int, int, int]], now: int
) -> dict[str, Any]:
    """Both sides as [price, quantity, s]; the time is that of the answer."""
    sides = {
        name: [[_px5(inst, px), f"{inst.quantity(qty):.3f}", now // NS] for px, qty, _ in levels]
        for name, levels in (("asks", asks), ("bids", bids))
    }
    return {**sides}


def trades(inst: Instrument, prints: Iterable[Print]) -> list[list[Any]]:
    """[price, quantity, s, b|s, m|l, "", trade id], oldest first."""
    return [
        [
            _px5(inst, p.px),
            inst.qty_text(p.qty),
            msgspec.Raw(f"{p.ts // NS}.{p.ts % NS // 100:07d}".encode()),
            "b" if p.side > 0 else "s",
            "m" if p.ord_type == "market" else "l",
            "",
            p.trade_id,
        ]
        for p in prints
    ]


def ohlc(inst: Instrument, rows: Iterable[CandleRow]) -> list[list[Any]]:
    """[s, open, high, low, close, vwap, volume, count], oldest first; a minute without trades has a vwap of 0."""
    return [
        [
            c.begin // NS,
            *[inst.px_text(px) for px in (c.open, c.high, c.low, c.close, c.vwap)],
            inst.qty_text(c.volume),
            c.count,
        ]
        for c in rows
    ]


def ticker(inst: Instrument, row: TickerRow) -> dict[str, Any]:
    """Best ask and bid with whole and exact quantity, the last trade, and [today, 24 h] figures (both 24 h here)."""
    px, qty = inst.px_text, inst.qty_text
    return {
        "a": [px(row.ask), str(int(inst.quantity(row.ask_qty))), qty(row.ask_qty)],
        "b": [px(row.bid), str(int(inst.quantity(row.bid_qty))), qty(row.bid_qty)],
        "c": [px(row.last), qty(row.last_qty)],
        "v": [qty(row.volume)] * 2,
        "p": [px(row.vwap)] * 2,
        "t": [row.trades] * 2,
        "l": [px(row.low)] * 2,
        "h": [px(row.high)] * 2,
        "o": px(row.open),
    }


def system_status(now: int) -> dict[str, str]:
    """The venue's engine is online."""
    return {"status": "online", "timestamp": format_ns(now, 0)}


def server_time(now: int) -> dict[str, Any]:
    """The clock, twice.

    >>> server_time(1616336594 * 10**9)
    {'unixtime': 1616336594, 'rfc1123': 'Sun, 21 Mar 21 14:23:14 +0000'}
    """
    text = format_ns(now, 0)
    day = _DAYS[now // NS // 86_400 % 7]
    date = f"{text[8:10]} {_MONTHS[int(text[5:7]) - 1]} {text[2:4]}"
    return {"unixtime": now // NS, "rfc1123": f"{day}, {date} {text[11:19]} +0000"}


def _wsname(symbol: str) -> str:
    base, _, quote = symbol.partition("/")
    return f"{_OLD_NAMES.get(base, base)}/{_OLD_NAMES.get(quote, quote)}"


def _code(name: str) -> str:
    old = _OLD_NAMES.get(name, name)
    return _CODES.get(old, old)


def _px5(inst: Instrument, px: int) -> str:
    """A price with at least 5 decimals."""
    return inst.px_text(px) + "0" * (5 - inst.px_decimals) if inst.px_decimals else inst.px_text(px) + ".00000"


def _short(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
