"""Where things stand in the block of an order-by-order book: byte offsets, sizes and codes.

A block is one array of int64. Before its header lies one spare row (`arrange` needs a place to put an event aside), so
the header's address is the block's plus ROW. Addresses are absolute: a block does not move. The copy of the frame and
the events scanned from it lie outside, in one workspace for all books: they mean nothing once a frame is handled.
"""

from __future__ import annotations

FALLBACK, READ, FULL = 0, 1, 2
DELETE, MODIFY, ADD = 0, 1, 2

# header; two words where a side (0 bids, 8 asks) is added
(
    CAPACITY,  # orders there is room for
    DEPTH,  # price levels kept a side
    TABLES,  # address of desk.kernels.crc.TABLES
    TABLE,  # address of the slots of orders by id
    MASK,  # slots − 1
    WIDTH,  # places in the row of levels of one side: the levels there is room for, and 2
    FIRST_ORDER,
    FREE_ORDER,
    FIRST_LEVEL,
    FREE_LEVEL,
    BUFFER,  # address of the copy of the frame
    BUFFER_SIZE,
    ROWS,  # address of the scanned events
    ROWS_MOST,
    SYMBOL,  # address of the symbol's text, quoted
    SYMBOL_SIZE,  # 0: not described, everything falls back
    PX_DECIMALS,
    QTY_DECIMALS,
    SUM,  # quantity of all orders: kept below LIMIT, so no sum overflows
    UNKNOWN,
    CLAIMED,
    COMPUTED,
    TS,
    ASKS_REGISTER,  # CRC register after the asks, while only bids change
    SCANNED_CLAIM,
    SCANNED_TS,
    DAY,  # the day seen last (desk.kernels.stamp)
    _,
    _,
    SORTED,
    _,
    WORST,  # first place taken in the row of levels
    _,
    BEST,  # after the last place taken
    _,
    ORDERS,
    _,
    FIRST_ROW,
    _,
    EVENTS,
    _,
    SCORE,  # address of the memory of its score (desk.kernels.score), 0 when nobody wants one
    STALE,  # the sides (1 bids, 2 asks) that changed since they were scored
) = range(0, 43 * 8, 8)
HEADER = 48 * 8

# an order, and a level; NEXT stands at the same place in both, for the lists of free ones
ORDER, LEVEL_SIZE = 56, 48
A, B, QTY, PIECE, PREVIOUS, NEXT, LEVEL = range(0, ORDER, 8)
KEY, TOTAL, COUNT, HEAD, TAIL = range(0, 40, 8)

# an event as scanned
ROW = 48
ROW_KIND, ROW_A, ROW_B, ROW_PX, ROW_QTY, ROW_TS = range(0, ROW, 8)

PAD = 64  # zeros after the frame: more than any look ahead
SYMBOL_ROOM = 64
LIMIT = 1 << 62  # lots in the book; one quantity has at most 18 digits
