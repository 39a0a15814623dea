"""What the slow analysis reads and what it says: candles in, one frozen picture per symbol out.

Prices are floats in the quote currency (features and screens, never money); times are ns since 1970 UTC. A number that
is not defined is None, and a `why` beside it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from desk.analysis.evidence import Evidence, Interval
from desk.analysis.findings import (
    Anchored,
    BookGap,
    Checks,
    Correlation,
    Intraday,
    Microstructure,
    OrderFlow,
    Profiles,
    Recorded,
    Regime,
    Structure,
    Study,
)
from desk.analysis.plan import Changes, EntryZone, Grade, Reaction, Scenario, Scoreboard
from desk.errors import FeedError

MINUTE = 60_000_000_000
DAY = 1440 * MINUTE
FRAMES: dict[str, int] = {  # name → interval in ns, finest first
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "1h": 60 * MINUTE,
    "4h": 240 * MINUTE,
    "1d": DAY,
    "1w": 7 * DAY,
}
Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Frame(msgspec.Struct, frozen=True, eq=False):
    """Closed candles of one interval, oldest first: six arrays of shape (T,), `ts` the open time in ns.

    `gaps`: bars missing between the first and the last. `thin`, (T,) bool: built from fewer finer bars than it spans,
    as a venue's own candle is when minutes passed without a trade. Build one with `frame(…)`, which checks it.
    """

    ts: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    interval_ns: int
    thin: Flags

    @property
    def gaps(self) -> int:
        return missing(self.ts, self.interval_ns)

    def __len__(self) -> int:
        return len(self.ts)

    @property
    def end(self) -> int:
        """When the last bar closed, ns; 0 without bars."""
        return int(self.ts[-1]) + self.interval_ns if len(self.ts) else 0

    def upto(self, now_ns: int, last: int = 720) -> Frame:
        """The newest `last` bars that had closed by `now_ns`: what could be known then, and nothing after it."""
        stop = int(np.searchsorted(self.ts, now_ns - self.interval_ns, side="right"))
        return self.rows(max(0, stop - last), stop)

    def rows(self, start: int, stop: int) -> Frame:
        """The bars start … stop − 1."""
        cut = slice(start, stop)
        return Frame(
            self.ts[cut],
            self.open[cut],
            self.high[cut],
            self.low[cut],
            self.close[cut],
            self.volume[cut],
            self.interval_ns,
            self.thin[cut],
        )


def missing(ts: Times, interval_ns: int) -> int:
    """How many bars a regular grid would have between the first and the last, and these have not.

    >>> missing(np.array([0, 5, 20], dtype=np.int64), 5)
    2
    """
    return int((ts[-1] - ts[0]) // interval_ns) + 1 - len(ts) if len(ts) else 0


def frame(place: str, interval_ns: int, columns: Mapping[str, NDArray[Any]], thin: Flags | None = None) -> Frame:
    """A checked Frame from columns "ts" (ns), "open", "high", "low", "close", "volume".

    Raises FeedError naming `place` and the first bad row: unsorted or repeated times, prices that are not positive and
    finite, a high below or a low above the body, negative volume.
    """
    ts = np.ascontiguousarray(columns["ts"], dtype=np.int64)
    o, h, low, c, v = (np.ascontiguousarray(columns[k], np.float64) for k in ("open", "high", "low", "close", "volume"))
    numbers = np.stack([o, h, low, c, v])
    faults = (
        ("a number is missing or infinite", ~np.isfinite(numbers).all(axis=0)),
        ("a price is not above 0", (numbers[:4] <= 0).any(axis=0)),
        ("the high is below the open or the close", (h < o) | (h < c)),
        ("the low is above the open or the close", (low > o) | (low > c)),
        ("the volume is negative", v < 0),
        ("the time is not after the row before", np.concatenate(([False], np.diff(ts) <= 0)) if len(ts) else ts < 0),
    )
    for what, bad in faults:
        if bad.any():
            i = int(np.flatnonzero(bad)[0])
            row = f"ts={int(ts[i]) // 1_000_000} ms open={o[i]} high={h[i]} low={low[i]} close={c[i]} volume={v[i]}"
            raise FeedError(f"{place}: row {i + 1}: {what} ({row}); correct or remove the row")
    return Frame(ts, o, h, low, c, v, interval_ns, np.zeros(len(ts), dtype=np.bool_) if thin is None else thin)


class CandleSource(Protocol):
    """Where candles come from."""

    @property
    def name(self) -> str:
        """For people: "REST https://…" or "files /data/candles"."""
        ...

    def frames(self, symbol: str) -> dict[str, Frame]:
        """Closed candles by interval name; raises a DeskError that names symbol, place and fix."""
        ...

    def as_of(self, frames: dict[str, Frame], now_ns: int) -> int:
        """The moment an analysis of these frames speaks of: the clock for a venue, the end of the data for files."""
        ...


class Beside(msgspec.Struct, frozen=True, eq=False):
    """What may be known besides a symbol's own candles: those of another one to compare with, and a recording."""

    reference: str = ""  # "BTC/USDT"
    frames: Mapping[str, Frame] = {}
    recorded: Recorded | None = None


class HftAverage(msgspec.Struct, frozen=True):
    """The order-book score averaged over a window (15 minutes): the score itself lives for seconds."""

    symbol: str
    mean: float
    begin: int
    end: int
    samples: int | None = None  # None: not counted
    tier: str = ""


class Weights(msgspec.Struct, frozen=True):
    """Shares of the four terms, in points (signals.md 6.5); they need not add up to 100, missing terms drop out."""

    mtf: float = 40.0
    profile: float = 35.0
    technical: float = 20.0
    hft: float = 5.0


class Coverage(msgspec.Struct, frozen=True):
    """How much of one interval's data there was."""

    name: str
    bars: int
    begin: int
    end: int
    gaps: int
    thin: int
    why: str = ""


class Timeframe(msgspec.Struct, frozen=True):
    """One interval: trend −100..+100, momentum in ATR14 over 10 bars, volatility and its percentile 0..100."""

    name: str
    weight: float
    trend: float | None
    word: str
    momentum_atr: float | None
    atr: float | None
    volatility_pct: float | None
    volatility_rank: float | None
    place: str
    why: str = ""


class Profile(msgspec.Struct, frozen=True):
    """Volume at price: `volumes[i]` traded between bottom + i·width and bottom + (i+1)·width."""

    interval: str
    bars: int
    begin: int
    end: int
    bottom: float
    width: float
    volumes: tuple[float, ...]
    poc: float
    val: float
    vah: float
    share: float  # of the volume inside the value area, 0..1


class Technical(msgspec.Struct, frozen=True):
    """Indicators of one interval, and the three parts (−100..+100) whose mean is the technical term."""

    interval: str
    rsi: float | None
    percent_b: float | None
    squeeze: str
    momentum: float | None
    adx: float | None
    mfi: float | None
    parts: dict[str, float]
    why: tuple[str, ...] = ()


class Term(msgspec.Struct, frozen=True):
    """One term of the score. `contribution` = weight·value / Σ available weights; None when the term is missing."""

    key: str
    name: str
    weight: float
    value: float | None
    contribution: float | None
    note: str


class Level(msgspec.Struct, frozen=True):
    """A price worth knowing; distances are positive above the last price.

    It may be several candidates within 0.15 ATR (`low`..`high`), merged: `near` counts the others, `kinds` are theirs
    and `confluence` is how many different ones. `touches`: visits in the last 720 hours, the newest in the candle
    opened at `touched` (ns). `reaction`: the record of its best-measured kind. None: not known.
    """

    price: float
    kind: str
    distance_pct: float
    distance_atr: float | None
    near: int
    low: float | None = None
    high: float | None = None
    kinds: tuple[str, ...] = ()
    touches: int | None = None
    touched: int | None = None
    reaction: Reaction | None = None
    confluence: int = 1


class Verdict(msgspec.Struct, frozen=True):
    """Closed vocabulary: word "no evidence" | "weak" | "moderate" | "strong", side "long" | "short" | "neutral".

    Out of sample from `begin` to `end` (ns), the side the score takes now was followed for `horizon_days` on every day
    it was taken: `net_bps` is the mean result after the round trip of `cost_bps` at the user's tier, `trades` counts
    those that do not overlap, and a round trip of `break_even_bps` would have left nothing. None: not measured. A side
    is named only where the whole interval lies above no edge.
    """

    word: str
    side: str
    reason: str
    net_bps: Interval | None = None
    horizon_days: int | None = None
    trades: int | None = None
    begin: int | None = None
    end: int | None = None
    cost_bps: float | None = None
    break_even_bps: float | None = None


class Bar(msgspec.Struct, frozen=True):
    """One candle of the chart."""

    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Analysis(msgspec.Struct, frozen=True):
    """Everything the slow system says about one symbol at one moment; the report is a function of this.

    `score` is Σ contributions, −100..+100, None below 75 % coverage; `label` describes it and predicts nothing: what
    may be believed is `verdict`. `confluence` 0..1: |Σ weight·sign(trend)| over the weighted timeframes.
    """

    symbol: str
    ts: int
    last: float
    last_ts: int
    score: float | None
    label: str
    coverage: float
    confluence: float | None
    terms: tuple[Term, ...]
    verdict: Verdict
    timeframes: tuple[Timeframe, ...]
    technical: Technical | None
    profile: Profile | None
    acceptance: str
    levels: tuple[Level, ...]
    data: tuple[Coverage, ...]
    chart: str
    bars: tuple[Bar, ...]
    unknown: tuple[str, ...]
    reactions: tuple[Reaction, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    entries: tuple[EntryZone, ...] = ()
    bias_expires: int | None = None
    grade: Grade | None = None
    scoreboard: Scoreboard | None = None
    structure: tuple[Structure, ...] = ()  # by interval, longest first
    studies: tuple[Study, ...] = ()
    anchored: tuple[Anchored, ...] = ()
    profiles: Profiles | None = None
    regimes: tuple[Regime, ...] = ()
    correlations: tuple[Correlation, ...] = ()
    microstructure: Microstructure | None = None  # of a recording that ended before `ts`
    order_flow: OrderFlow | None = None
    recording: str = ""  # where these two come from
    evidence: Evidence | None = None
    changes: Changes | None = None  # since the report before
    intraday: Intraday | None = None
    checks: Checks | None = None  # of the recorded book, None without one
    book_gaps: tuple[BookGap, ...] = ()

    @property
    def daily_atr(self) -> float | None:
        """ATR14 of the daily candles, in quote currency."""
        return next((row.atr for row in self.timeframes if row.name == "1d"), None)
