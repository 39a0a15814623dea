"""Candles of the store as the analysis reads them: topped up from the venue first, where there is one to ask."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from desk.analysis.resample import resample
from desk.analysis.shape import FRAMES, Frame
from desk.errors import DeskError, FeedError
from desk.io.candle_store import CandleStore
from desk.run.download import BARS, KRAKEN, SIMULATED, Pages, download

log = logging.getLogger(__name__)
GRADED = 9_000  # candles: 31 days of five minutes, on which the plans of past reports are graded
STORE = Path("candles/candles.db")  # where the verbs keep it and the analysis looks for it


class StoredHistory:
    """One venue's candles in the store at `path`; `pages` gives the venue to ask for what is new.

    A venue that cannot be asked costs nothing but news: the analysis is of what is stored, and its report says how old
    that is. Raises FeedError for a symbol of which there is nothing.
    """

    def __init__(
        self,
        path: Path,
        venue: str,
        pages: Callable[[], Pages] | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.path, self.venue, self.clock = path, venue, clock
        self.make, self.pages = pages, None if pages is None else pages()
        self.loop = asyncio.new_event_loop()

    @property
    def name(self) -> str:
        """For people."""
        return f"store {self.path}, {self.venue}" + (" topped up" if self.pages else "")

    @property
    def option(self) -> str:
        """What asks the command line for these candles again."""
        if self.pages is None:
            return f"--candles {self.path}@{self.venue}"
        return f"--feed {self.venue}" if self.venue == KRAKEN else f"--feed ccxt:{self.venue}"

    @property
    def simulated(self) -> bool:
        return self.venue == SIMULATED

    def as_of(self, frames: dict[str, Frame], now_ns: int) -> int:
        """Now for a venue that is asked, the end of the data for a store alone."""
        return now_ns if self.pages else min(now_ns, max(f.end for f in frames.values()))

    def frames(self, symbol: str) -> dict[str, Frame]:
        """The intervals that are stored, and those that the finest stored one gives."""
        trouble = self.top_up(symbol) if self.pages else ""
        with CandleStore(self.path) as store:
            found = frames_of(store, self.venue, symbol, GRADED)
        if not found:
            raise FeedError(trouble or f"{symbol}: no candles of {self.venue} in {self.path}; ./run download {symbol}")
        return found

    def top_up(self, symbol: str) -> str:
        """Ask for what is new; returns the first thing that went wrong, "" when nothing did."""
        assert self.pages is not None
        try:
            with CandleStore(self.path, write=True) as store:
                asking = download(store, self.pages, [symbol], list(FRAMES), None, self.clock())
                problems = list(dict.fromkeys(o.error for o in self.loop.run_until_complete(asking) if o.error))
        except DeskError as err:  # another process is writing: it brings the news
            problems = [str(err)]
        for problem in problems:
            log.warning("candles not topped up", extra={"symbol": symbol, "why": problem})
        return problems[0] if problems else ""

    def close(self) -> None:
        """Hang up."""
        if self.pages:
            self.loop.run_until_complete(self.pages.close())
        self.loop.close()


def frames_of(store: CandleStore, venue: str, symbol: str, bars: int = BARS) -> dict[str, Frame]:
    """A symbol's frames by name, finest first: the venue's own where stored and not behind the others, else made.

    Of each of its own intervals the newest `bars`: by default those that an analysis looks at. What is not there is
    made from a stored interval that divides it, the coarsest that gives enough: days reach further back than minutes.
    """
    intervals = store.intervals(venue, symbol)
    own = {i: store.read(venue, symbol, i, bars) for i in intervals if i in FRAMES.values()}
    whole = {i: store.read(venue, symbol, i) for i in intervals if i not in own}
    newest = max((f.end for f in [*own.values(), *whole.values()]), default=0)
    out: dict[str, Frame] = {}
    for name, interval in FRAMES.items():
        stored = own.get(interval)
        if stored is not None and newest - stored.end < interval:
            out[name] = stored
            continue
        best = stored
        for finer in reversed([i for i in intervals if i < interval and interval % i == 0]):
            oldest = store.oldest(venue, symbol, finer)
            if best is not None and newest - best.end < interval and oldest is not None and oldest >= best.ts[0]:
                continue  # no further back than what there is
            if finer not in whole:
                whole[finer] = store.read(venue, symbol, finer)
            made = resample(whole[finer], interval)
            if best is None or (made.end // interval, len(made)) > (best.end // interval, len(best)):
                best = made
            if newest - best.end < interval and len(best) >= bars:
                break
        if best is not None and len(best):
            out[name] = best
    return out


def only_venue(path: Path, symbols: tuple[str, ...]) -> str:
    """The one venue of a store that has these symbols. Raises FeedError, with their names, when there are several."""
    with CandleStore(path) as store:
        found = sorted({venue for symbol in symbols for venue in store.venues(symbol)})
    if len(found) != 1:
        asked = ", ".join(symbols[:3]) + (" …" if len(symbols) > 3 else "")
        if not found:
            raise FeedError(f"{path}: no candles of {asked or 'anything'}; ./run download or ./run import them")
        which = f"--venue {found[0]} (of a scan) or --candles {path}@{found[0]} (of a report)"
        raise FeedError(f"{path}: candles of {asked} from {', '.join(found)}; say which: {which}")
    return found[0]


def stored_at(candles: Path, symbols: tuple[str, ...]) -> StoredHistory | None:
    """The store that `--candles PATH[@VENUE]` names; None for candles of another form."""
    path, at, venue = str(candles).rpartition("@") if "@" in candles.name else (str(candles), "", "")
    if Path(path).suffix != STORE.suffix:
        return None
    return StoredHistory(Path(path), venue if at else only_venue(Path(path), symbols))
