"""The sample report, from the embedded exchange's own past: `python -m benchmarks.sample_morning`.

Thirty mornings in a row, so that the plan of the day before is graded and the scoreboard is full; the last one's page
is kept as reports/sample_morning.html. Everything follows from the seed. SIMULATED: these prices are invented.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from pathlib import Path

import numpy as np

from desk.analysis.shape import DAY, FRAMES, MINUTE, Frame, frame
from desk.config import Config, UltimateAnalyzer
from desk.run.analyst import Analyst
from desk.sim.history import History
from desk.sim.listing import LISTINGS
from desk.sim.rehearsal import BEGIN
from ultimate_crypto_analyzer import analyse

SYMBOL = "BTC/USDT"
COUNTS = {"5m": 4000, "15m": 3000, "1h": 9600, "4h": 2400, "1d": 400, "1w": 57}
TARGET = Path(__file__).resolve().parents[1] / "reports" / "sample_morning.html"


class Past:
    """The embedded exchange's candles as they stood at `now`."""

    name = "embedded exchange, past of seed 1"

    def __init__(self, history: History, now: int) -> None:
        self.history, self.now = history, now

    def frames(self, symbol: str) -> dict[str, Frame]:
        inst = LISTINGS[symbol].inst
        ticks, lots = 10.0**inst.px_decimals, 10.0**inst.qty_decimals
        out = {}
        for name, interval in FRAMES.items():
            bars = self.history.candles(symbol, interval // MINUTE, self.now, COUNTS[name])
            columns = {
                "ts": np.array([c.begin for c in bars], dtype=np.int64),
                **{k: np.array([getattr(c, k) for c in bars]) / ticks for k in ("open", "high", "low", "close")},
                "volume": np.array([c.volume for c in bars]) / lots,
            }
            out[name] = frame(f"{symbol} {name}", interval, columns)
        return out

    def as_of(self, frames: dict[str, Frame], now_ns: int) -> int:
        return now_ns


def sample(folder: Path, seed: int = 1, mornings: int = 30) -> Path:
    """The HTML of the last of `mornings` daily reports written into `folder`."""
    history = History(seed, BEGIN)
    config = Config(ultimate_analyzer=UltimateAnalyzer(symbols=(SYMBOL,)))
    page = folder
    with contextlib.chdir(folder):  # the reports' folder is part of the configuration, and so of its hash
        for back in range(mornings - 1, -1, -1):
            now = BEGIN - back * DAY
            analyst = Analyst(config, Past(history, now), analyse, "embedded", True, clock=lambda now=now: now)
            page = analyst.work(SYMBOL, lambda step: None)[1].html.absolute()
    return page


def main() -> None:
    """Make the sample anew."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--out", type=Path, default=TARGET)
    with tempfile.TemporaryDirectory() as folder:
        args.parse_args().out.write_bytes(sample(Path(folder)).read_bytes())


if __name__ == "__main__":
    main()
