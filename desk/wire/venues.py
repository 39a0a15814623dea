"""Which wire format each venue speaks and how its connection is kept: the one table where venues differ by name.

Kraken's checksums prove a book, Binance's and Coinbase's numbers prove that nothing was lost, and what comes through
ccxt.pro proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from desk.errors import FeedError
from desk.wire.binance import BinanceCodec
from desk.wire.ccxt_frames import CcxtCodec
from desk.wire.codec import Codec
from desk.wire.coinbase import CoinbaseCodec
from desk.wire.kraken_raw import RawKrakenCodec
from desk.wire.retry import SECOND
from desk.wire.session import Policy

CCXT = "ccxt-"  # before an exchange's name in ccxt: its instruments are not those of our own wire format
WHOLE = 1 << 30  # levels: these venues never cut a book
LEAST = (8, 8)  # decimals where a venue does not pad its numbers: a later, finer one must not rescale the bars


class VenueWire(msgspec.Struct, frozen=True):
    """One venue: its codec, made for the desk's symbols, and the deadlines of its connection."""

    codec: Callable[[tuple[str, ...]], Codec]
    policy: Policy = Policy()


def wire_of(venue: str) -> VenueWire:
    """The entry of a venue by its name in instrument keys. Raises FeedError for one that nobody here speaks.

    >>> wire_of("binance").codec(("BTC/USDT",)).proof, wire_of("ccxt-okx").codec(()).proof
    ('updates', '')
    """
    if venue.startswith(CCXT):
        return VenueWire(lambda symbols: CcxtCodec(venue, LEAST))
    if (found := _WIRES.get(venue)) is None:
        raise FeedError(f"no wire format for the venue {venue!r}; there are {', '.join(_WIRES)} and {CCXT}EXCHANGE")
    return found


_WIRES = {
    "kraken": VenueWire(lambda symbols: RawKrakenCodec("kraken")),
    "embedded": VenueWire(lambda symbols: RawKrakenCodec("embedded")),
    # 5 messages a second; no heartbeat, so an answered ping shows that a quiet line lives. It hangs up after 24 h.
    "binance": VenueWire(
        lambda symbols: BinanceCodec("binance", symbols),
        Policy(silence=12 * SECOND, ping=4 * SECOND, pace=SECOND // 4),
    ),
    # 8 messages a second; heartbeats every second.
    "coinbase": VenueWire(
        lambda symbols: CoinbaseCodec("coinbase", symbols, LEAST),
        Policy(pace=SECOND // 6),
    ),
}
