"""Kraken v2 `trade` and `ticker` updates, as bytes, into words: everything is read and believed, or nothing is.

    {"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":64616.9,"qty":0.00410000,
     "ord_type":"limit","trade_id":102,"timestamp":"2026-07-19T17:26:56.509813Z"},…]}
    {"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":63297.7,"bid_qty":5.45673101,"ask":63297.8,
     "ask_qty":0.36974422,"last":63297.8,"volume":1020.88391276,"vwap":63685.7,"low":63250.0,"high":64409.2,
     "change":0.7,"change_pct":0.00,"trades":47536,"timestamp":"2026-08-12T19:29:02.066592Z"}]}

Read are frames in this key order with no other key, of one symbol, with exactly the instrument's decimals, no exponent,
no leading zeros, at most 18 digits, at most TRADES trades or one ticker, nothing after the last brace. A trade of price
or quantity 0 is refused here as the decoder refuses it. Of a ticker, what nobody reads (volume, vwap, …) must be a
plain number and is passed over.

Bounds: as in desk.kernels.l2_scan, the frame is copied to FRAME_AT of the workspace and zero bytes are written behind
it. No token contains a zero byte and no step goes on after one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desk.kernels.jit import kernel
from desk.kernels.l2_scan import (
    CLOSE,
    COMMA,
    CURLY,
    DASH,
    POINT,
    QTY,
    SEVEN,
    STAMP_1,
    STAMP_2,
    TAIL,
    ZERO,
    head_matches,
)
from desk.kernels.l3_scan import NINE, number
from desk.kernels.memory import entry, load8, load32, load64, move, store64, word
from desk.kernels.stamp import DAY_WORDS, moment

# What is known of one instrument, in words, and the day seen last (desk.kernels.stamp); then the text its entries begin
# with, `{"symbol":"BTC/USD",`.
OPENING_SIZE, PX_DECIMALS, QTY_DECIMALS, DAY = range(4)
OPENING_AT = (DAY + DAY_WORDS) * 8  # bytes
OPENING_BYTES = 64
ABOUT_BYTES = OPENING_AT + OPENING_BYTES

# The workspace: rows of words, then the frame. A ticker is one row: bid, ask, last, ns.
TRADES = 128  # in one message
PX, LOTS, BOUGHT, NUMBER, NS = range(5)  # of a trade; BOUGHT is 1 for a buyer in a hurry, 0 for a seller
ROW = 40  # bytes
FRAME_AT = TRADES * ROW
FRAME_BYTES = 16_384
PAD = 64  # zeros behind the frame: more than any look ahead
WORK_BYTES = FRAME_AT + FRAME_BYTES + PAD

TRADE = b'{"channel":"trade","type":"update","data":['
TICKER = b'{"channel":"ticker","type":"update","data":['
TRADE_SIZE, TICKER_SIZE = len(TRADE), len(TICKER)
TRADE_1, TRADE_2, TRADE_3, TRADE_4, TRADE_5, TRADE_6 = (word(TRADE[at : at + 8]) for at in (0, 8, 16, 24, 32, 35))
TICKER_1, TICKER_2, TICKER_3, TICKER_4, TICKER_5, TICKER_6 = (
    word(TICKER[at : at + 8]) for at in (0, 8, 16, 24, 32, 36)
)
# Keys with what stands before and after them; a long one is compared as its first and its last eight bytes.
SIDE, BUY, SELL = word(b'"side":"'), word(b"buy"), word(b"sell")
PRICE, PRICE_END = word(b'","price'), word(b'"price":')  # 10 bytes
KIND, KIND_END = word(b',"ord_ty'), word(b'_type":"')  # 13
LIMIT, MARKET = word(b'limit","'), word(b'market",')
ID, ID_END = word(b'","trade'), word(b'ade_id":')  # 13
BID = word(b'"bid":')  # 6
BID_QTY, BID_QTY_END = word(b',"bid_qt'), word(b'id_qty":')  # 11
ASK = word(b',"ask":')  # 7
ASK_QTY, ASK_QTY_END = word(b',"ask_qt'), word(b'sk_qty":')  # 11
LAST = word(b',"last":')  # 8
VOLUME, VOLUME_END = word(b',"volume'), word(b'volume":')  # 10
VWAP = word(b',"vwap":')  # 8
LOW = word(b',"low":')  # 7
HIGH = word(b',"high":')  # 8
CHANGE, CHANGE_END = word(b',"change'), word(b'change":')  # 10
PERCENT, PERCENT_END = word(b',"change'), word(b'ge_pct":')  # 14
COUNT, COUNT_END = word(b',"trades'), word(b'trades":')  # 10
TAIL_SIZE = 4  # "}]}, of which the quote ends the time


def described(symbol: str, px_decimals: int, qty_decimals: int) -> NDArray[Any] | None:
    """What the kernels have to know of an instrument, in memory of its own; None where JSON may write its name in more
    than one way, or it is too long for them.
    """
    opening = f'{{"symbol":"{symbol}",'.encode()
    plain = symbol.isascii() and symbol.isprintable() and not set('"\\') & set(symbol)
    if not plain or len(opening) > OPENING_BYTES:
        return None
    memory = np.zeros(ABOUT_BYTES // 8, np.int64)
    memory[:DAY] = len(opening), px_decimals, qty_decimals
    memory.data.cast("B")[OPENING_AT : OPENING_AT + len(opening)] = opening
    return memory


@kernel
def is_key(p: int, first: int, last: int, size: int) -> bool:
    """A text of `size` bytes, given by its first and last eight (by all of them, if there are less), stands at p."""
    if size < 8:
        return load64(p) & ((1 << 8 * size) - 1) == first
    return load64(p) == first and load64(p + size - 8) == last


@kernel
def price(p: int, first: int, last: int, size: int, decimals: int) -> tuple[int, int]:
    """(integer of 10**-decimals, place after it) of a key at p and its number; the place is -1 for any surprise."""
    if p < 0 or not is_key(p, first, last, size):
        return 0, -1
    value, p = number(p + size, decimals)
    return (value, p) if value >= 0 else (0, -1)


@kernel
def digits(p: int) -> int:
    """The place after the decimal digits at p."""
    while ZERO <= load8(p) <= NINE:
        p += 1
    return p


@kernel
def passed(p: int, first: int, last: int, size: int) -> int:
    """The place after a key at p and a plain number (JSON's, but no exponent), -1 for any surprise, and for p = -1."""
    if p < 0 or not is_key(p, first, last, size):
        return -1
    p += size
    if load8(p) == DASH:
        p += 1
    begin = p
    p = digits(p)
    if p == begin or (p > begin + 1 and load8(begin) == ZERO):
        return -1
    if load8(p) != POINT:
        return p
    begin = p + 1
    p = digits(begin)
    return p if p > begin else -1


@kernel
def opened(about: int, p: int) -> int:
    """The place after `{"symbol":"…",` at p, -1 if it is not the described symbol's."""
    size = load64(about + OPENING_SIZE * 8)
    return p + size if size and head_matches(p, about + OPENING_AT, size) else -1


@kernel
def trade(about: int, p: int, row: int) -> int:
    """One trade into `row`; the place after its closing brace, -1 if it is not one."""
    p = opened(about, p)
    if p < 0 or load64(p) != SIDE:
        return -1
    p += 8
    if load32(p) & 0xFFFFFF == BUY:
        store64(row + BOUGHT * 8, 1)
        p += 3
    elif load32(p) == SELL:
        store64(row + BOUGHT * 8, 0)
        p += 4
    else:
        return -1
    if not is_key(p, PRICE, PRICE_END, 10):
        return -1
    px, p = number(p + 10, load64(about + PX_DECIMALS * 8))
    if px <= 0 or load64(p) & SEVEN != QTY:
        return -1
    qty, p = number(p + 7, load64(about + QTY_DECIMALS * 8))
    if qty <= 0 or not is_key(p, KIND, KIND_END, 13):
        return -1
    p += 13
    if load64(p) == LIMIT:
        p += 5
    elif load64(p) == MARKET:
        p += 6
    else:
        return -1
    if not is_key(p, ID, ID_END, 13):
        return -1
    trade_id, p = number(p + 13, 0)
    if trade_id < 0 or not is_key(p, STAMP_1, STAMP_2, 14):
        return -1
    ts, p = moment(about + DAY * 8, p + 14)
    if p < 0 or load32(p) & 0xFFFF != TAIL & 0xFFFF:
        return -1
    store64(row + PX * 8, px)
    store64(row + LOTS * 8, qty)
    store64(row + NUMBER * 8, trade_id)
    store64(row + NS * 8, ts)
    return p + 2


@kernel
def scan_trades(work: int, about: int, frame: int, size: int) -> int:
    """Trades of the frame of `size` bytes at address `frame`, as rows of `work`: how many, 0 for any surprise."""
    p = work + FRAME_AT
    end = p + size
    if size > FRAME_BYTES or size < TRADE_SIZE:
        return 0
    move(p, frame, size)
    for at in range(0, PAD, 8):
        store64(end + at, 0)
    if load64(p) != TRADE_1 or load64(p + 8) != TRADE_2 or load64(p + 16) != TRADE_3:
        return 0
    if load64(p + 24) != TRADE_4 or load64(p + 32) != TRADE_5 or load64(p + TRADE_SIZE - 8) != TRADE_6:
        return 0
    p += TRADE_SIZE
    for count in range(TRADES):
        p = trade(about, p, work + count * ROW)
        if p < 0:
            return 0
        after = load8(p)
        p += 1
        if after == CLOSE:
            return count + 1 if load8(p) == CURLY and p + 1 == end else 0
        if after != COMMA:
            return 0
    return 0


@kernel
def scan_ticker(work: int, about: int, frame: int, size: int) -> int:
    """The ticker of the frame of `size` bytes at address `frame` as one row of `work`: 1, or 0 for any surprise."""
    p = work + FRAME_AT
    end = p + size
    if size > FRAME_BYTES or size < TICKER_SIZE:
        return 0
    move(p, frame, size)
    for at in range(0, PAD, 8):
        store64(end + at, 0)
    if load64(p) != TICKER_1 or load64(p + 8) != TICKER_2 or load64(p + 16) != TICKER_3:
        return 0
    if load64(p + 24) != TICKER_4 or load64(p + 32) != TICKER_5 or load64(p + TICKER_SIZE - 8) != TICKER_6:
        return 0
    decimals = load64(about + PX_DECIMALS * 8)
    bid, p = price(opened(about, p + TICKER_SIZE), BID, BID, 6, decimals)
    p = passed(p, BID_QTY, BID_QTY_END, 11)
    ask, p = price(p, ASK, ASK, 7, decimals)
    p = passed(p, ASK_QTY, ASK_QTY_END, 11)
    last, p = price(p, LAST, LAST, 8, decimals)
    p = passed(p, VOLUME, VOLUME_END, 10)
    p = passed(p, VWAP, VWAP, 8)
    p = passed(p, LOW, LOW, 7)
    p = passed(p, HIGH, HIGH, 8)
    p = passed(p, CHANGE, CHANGE_END, 10)
    p = passed(p, PERCENT, PERCENT_END, 14)
    p = passed(p, COUNT, COUNT_END, 10)
    if p < 0 or not is_key(p, STAMP_1, STAMP_2, 14):
        return 0
    ts, p = moment(about + DAY * 8, p + 14)
    if p < 0 or load32(p) != TAIL or p + TAIL_SIZE != end:
        return 0
    store64(work, bid)
    store64(work + 8, ask)
    store64(work + 16, last)
    store64(work + 24, ts)
    return 1


@cache
def tape_entries() -> tuple[Callable[..., int], Callable[..., int]]:
    """`scan_trades` and `scan_ticker` as bare entry points, compiled on first use."""
    return entry(scan_trades, 4), entry(scan_ticker, 4)
