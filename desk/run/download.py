"""Fill the candle store from a venue: only what it has not been asked for, one transaction a page.

However often it is stopped and started again, the store ends the same: a page's rows and the note that they were asked
for are written together, so the next start asks for the rest and for nothing else.
"""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import numpy as np

from desk.analysis.shape import FRAMES, MINUTE, Frame
from desk.errors import DeskError, FeedError, Retryable
from desk.io.candle_store import Added, CandleStore
from desk.io.history import RestHistory
from desk.wire.stamps import format_ns

BARS = 721  # what an analysis looks at, and one that may close while we ask
LATE = 10 * MINUTE  # a candle that a venue does not show yet may still come: no gap before it is this late
KRAKEN_PAGE = 720  # candles: all that its REST has, whatever it is asked for
KRAKEN = "kraken"
SIMULATED = "embedded"  # the venue's name of candles that no market made
Tell = Callable[[str, str, int, int], None]  # symbol, interval, ns done, ns in all


class Pages(Protocol):
    """A venue's candles, page by page."""

    venue: str

    def offers(self, name: str) -> bool: ...

    def span(self, name: str) -> int: ...

    async def page(self, symbol: str, name: str, since_ns: int) -> Frame: ...

    async def close(self) -> None: ...


class KrakenPages:
    """Kraken's own REST, or the embedded exchange's: one page of the newest 720, paced as Kraken counts."""

    def __init__(self, rest: RestHistory) -> None:
        self.rest = rest
        host = urllib.parse.urlsplit(rest.url).hostname
        self.venue = SIMULATED if rest.pace_s == 0 else KRAKEN if host == "api.kraken.com" else f"kraken@{host}"
        self.turn = asyncio.Lock()

    def offers(self, name: str) -> bool:
        return name in FRAMES

    def span(self, name: str) -> int:
        return KRAKEN_PAGE * FRAMES[name]

    async def page(self, symbol: str, name: str, since_ns: int) -> Frame:
        """The newest closed candles that begin at `since_ns` or later."""
        async with self.turn:
            got = await asyncio.to_thread(self.rest.candles, symbol, name, FRAMES[name])
        return cut(got, since_ns, got.end)

    async def close(self) -> None: ...


class Outcome(msgspec.Struct, frozen=True):
    """What became of one series. `error`: why it is not complete, "" when it is; `note`: what else to know."""

    symbol: str
    interval: str
    added: Added = Added()
    error: str = ""
    note: str = ""


def cut(f: Frame, begin: int, end: int) -> Frame:
    """The candles whose open times lie in [begin, end)."""
    at = slice(int(np.searchsorted(f.ts, begin)), int(np.searchsorted(f.ts, end)))
    columns = (f.ts[at], f.open[at], f.high[at], f.low[at], f.close[at], f.volume[at])
    return Frame(*columns, f.interval_ns, f.thin[at])


async def fill(
    store: CandleStore,
    pages: Pages,
    symbol: str,
    name: str,
    begin: int,
    now: int,
    tell: Tell = lambda symbol, name, done, of: None,
) -> Added:
    """Every candle of one series that opened from `begin` on and had closed by `now`, ns; returns what was new.

    Where it goes on it asks for the last stored candle again; raises FeedError when that is another now.
    """
    interval = FRAMES[name]
    holes = store.unasked(pages.venue, symbol, interval, begin, now - interval + 1)  # what opens later is running
    total = sum(high - low for low, high in holes)
    added, done = Added(), 0
    tell(symbol, name, 0, total)
    for low, high in holes:
        at = low
        overlap = interval if store.holds(pages.venue, symbol, interval, low - interval) else 0
        while at < high:
            got = await pages.page(symbol, name, at - overlap)
            if overlap:
                _same(store, pages.venue, symbol, cut(got, at - overlap, at), now)
                overlap = 0
            rows = cut(got, at, high)
            upto = min(high, rows.end if len(rows) else at + pages.span(name))
            known = upto if len(rows) else min(upto, now - 2 * interval - LATE)
            added += store.add(pages.venue, symbol, rows, now, (at, known))
            done, at = done + upto - at, upto
            tell(symbol, name, done, total)
    return added


def _same(store: CandleStore, venue: str, symbol: str, again: Frame, now: int) -> None:
    """Refuse to go on when the newest stored candle is another now: the venue is not the one it was."""
    found = store.add(venue, symbol, again, now)
    if found.conflicts:
        other = "another simulated market" if venue == SIMULATED else f"candles that {venue} has changed since"
        raise FeedError(f"{store.path} holds {other} ({found.conflict}); name another file with --store")


async def download(
    store: CandleStore,
    pages: Pages,
    symbols: Sequence[str],
    names: Sequence[str],
    begin: int | None,
    now: int,
    tell: Tell = lambda symbol, name, done, of: None,
) -> list[Outcome]:
    """Every symbol's intervals from `begin` (None: the newest 721 candles) until `now`, ns; symbols side by side.

    One series' failure costs no other, but what may pass (a network that is down) ends its symbol. In the order asked.
    """

    async def one(symbol: str, name: str) -> Outcome:
        if not pages.offers(name):
            tell(symbol, name, 0, 0)
            return Outcome(symbol, name, note=f"{pages.venue} has none: made from a finer one when read")
        first = now - BARS * FRAMES[name] if begin is None else begin
        added = await fill(store, pages, symbol, name, first, now, tell)
        notes = [f"{added.conflicts} differ from what is stored, which stays: {added.conflict}"] * bool(added.conflicts)
        oldest = store.oldest(pages.venue, symbol, FRAMES[name])
        if begin is not None and oldest is not None and oldest - begin > FRAMES[name]:
            notes.append(f"begins {format_ns(oldest, 0)}: {pages.venue} gave none before")
        return Outcome(symbol, name, added, note="; ".join(notes))

    async def series(symbol: str) -> list[Outcome]:
        out: list[Outcome] = []
        for name in names:
            try:
                out.append(await one(symbol, name))
            except Retryable as err:
                out += [Outcome(symbol, left, error=str(err)) for left in names[len(out) :]]
                break
            except DeskError as err:
                out.append(Outcome(symbol, name, error=str(err)))
        return out

    return [outcome for each in await asyncio.gather(*map(series, symbols)) for outcome in each]
