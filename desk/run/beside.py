"""What an analysis may know besides its symbol's own candles: another symbol's to compare with, and a recording."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from desk.analysis.findings import Recorded
from desk.analysis.readings import BITCOIN
from desk.analysis.shape import Beside, Frame
from desk.errors import DeskError
from desk.run.recorded import recorded

log = logging.getLogger(__name__)
Frames = dict[str, Frame]


def reference_of(symbol: str, symbols: tuple[str, ...]) -> str:
    """The configured bitcoin pair to compare with, of the same quote if there is one; "" for bitcoin itself.

    >>> reference_of("ETH/EUR", ("BTC/USD", "ETH/EUR", "BTC/EUR")), reference_of("BTC/USD", ("BTC/USD", "BTC/EUR"))
    ('BTC/EUR', '')
    """
    base, _, quote = symbol.partition("/")
    pairs = [s for s in symbols if s.partition("/")[0] in BITCOIN]
    if base in BITCOIN or not pairs:
        return ""
    return next((s for s in pairs if s.partition("/")[2] == quote), pairs[0])


class Company:
    """Candles of the reference, and a recording: both asked for once a run."""

    def __init__(self, candles: Callable[[str], Frames], symbols: tuple[str, ...], recording: str = "") -> None:
        self._candles, self.symbols, self._path = candles, symbols, recording
        self._references = {reference_of(symbol, symbols) for symbol in symbols} - {""}
        self._kept: dict[str, Frames] = {}
        self._recorded: dict[str, Recorded] | None = None
        self._why = ""

    def begin(self) -> None:
        """A new run: all is asked for again."""
        self._kept.clear()
        self._recorded, self._why = None, ""

    def candles(self, symbol: str) -> Frames:
        """The candles of a symbol; those of a reference are kept until the next run. Raises as their source does."""
        if symbol in self._kept:
            return self._kept[symbol]
        frames = self._candles(symbol)
        if symbol in self._references:
            self._kept[symbol] = frames
        return frames

    def of(self, symbol: str, now_ns: int | None = None) -> Beside:
        """What there is for one symbol; what cannot be had is left out, with a line in the log.

        Of the recording only what was received by `now_ns` of the run's first symbol: it may be going on.
        """
        reference = reference_of(symbol, self.symbols)
        frames: Frames = {}
        if reference:
            try:
                frames = self.candles(reference)
            except DeskError as err:
                log.warning("nothing to compare with", extra={"symbol": symbol, "why": str(err)})
        return Beside(reference, frames, self._recording(symbol, now_ns) if self._path else None)

    def _recording(self, symbol: str, now_ns: int | None) -> Recorded:
        """What the recording says of a symbol, or why it says nothing."""
        if self._recorded is None:
            self._recorded = {}
            try:
                self._recorded = recorded(Path(self._path), until=now_ns, symbols=self.symbols)
            except DeskError as err:
                self._why = str(err)
                log.warning("the recording gives nothing", extra={"why": self._why})
        why = self._why or f"nothing of {symbol} is in it"
        return self._recorded.get(symbol) or Recorded(self._path, why=why)
