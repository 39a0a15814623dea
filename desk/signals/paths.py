"""Where the frames of each book and of each tape go, and what a watch answers to a frame."""

from __future__ import annotations

from typing import NamedTuple

from desk.market.seen import Ask, BookChanged, Word
from desk.market.state import Fault, Market, Track
from desk.messages import Candle, Trade

Seen = BookChanged | Trade | Candle | Fault | Word | Ask

RESTED: list[Seen] = []  # answer to a frame that moved the book in `Watch.rested` and was told to nobody
PRINTS: list[Seen] = []  # answer to a frame whose trades are in `Tape.printed` and were told to nobody
NOTHING: list[Seen] = []


class Path(NamedTuple):
    """The memory of the kernel that takes the frames of one book (desk.market.record), or of one instrument's trades
    (desk.market.trade_frames), and who hears of what it says.
    """

    address: int
    market: Market
    track: Track | None  # of a book
    moved: list[Seen]  # what a frame that only moves it answers
