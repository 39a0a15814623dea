"""One morning's report from candles that end at that moment, written by the analyst itself."""

from __future__ import annotations

from pathlib import Path

from desk.analysis.shape import Frame
from desk.config import Config, UltimateAnalyzer
from desk.run.analyst import Analyst
from ultimate_crypto_analyzer import analyse


def cut(f: Frame, now: int) -> Frame:
    """The candles as they were at `now`: nothing after it exists. Not by `upto`, which is what is being tested."""
    n = int((f.ts + f.interval_ns <= now).sum())
    return Frame(f.ts[:n], f.open[:n], f.high[:n], f.low[:n], f.close[:n], f.volume[:n], f.interval_ns, f.thin[:n])


class Until:
    """Candles as they stood at one moment."""

    name = "recorded candles"

    def __init__(self, frames: dict[str, Frame], now: int) -> None:
        self.known, self.now = {name: cut(f, now) for name, f in frames.items()}, now

    def frames(self, symbol: str) -> dict[str, Frame]:
        return self.known

    def as_of(self, frames: dict[str, Frame], now_ns: int) -> int:
        return now_ns


def morning(
    folder: Path | str, frames: dict[str, Frame], now: int, venue: str = "binance", symbol: str = "BTC/USDT"
) -> Path:
    """The JSON of one morning's report."""
    config = Config(ultimate_analyzer=UltimateAnalyzer(symbols=(symbol,), report_dir=str(folder)))
    analyst = Analyst(config, Until(frames, now), analyse, venue, False, clock=lambda: now)
    _, written = analyst.work(symbol, lambda stage: None)
    return written.json
