"""What the deeper readings of a symbol say, each of one interval or one recording: plain numbers, no arrays.

Prices in the quote currency, times in ns since 1970 UTC, shares and ranks in the unit that each field names. A number
that is not defined is None. Each struct is filled by the module of its name.
"""

from __future__ import annotations

import msgspec


class Swing(msgspec.Struct, frozen=True):
    """A turning point: `label` "HH" | "LH" | "HL" | "LL" against the swing of its kind before it, "" for the first.

    `known` is the close of the bar that confirmed it: before that nobody could have seen it.
    """

    ts: int
    price: float
    high: bool
    label: str
    known: int


class Break(msgspec.Struct, frozen=True):
    """A close beyond a confirmed swing: "continuation" when the break before went the same way, else "reversal"."""

    ts: int  # the bar's close
    level: float
    up: bool
    kind: str


class Structure(msgspec.Struct, frozen=True):
    """Swings and breaks of one interval. `word`: "up" | "down" | "mixed" | "unknown" by the last two of each kind.

    `above` and `below` are the swings whose break would be the next one, None where the last was already broken.
    """

    interval: str
    word: str
    swings: tuple[Swing, ...]  # the last 8, oldest first
    breaks: tuple[Break, ...]  # the last 3, oldest first
    above: float | None
    below: float | None


class Divergence(msgspec.Struct, frozen=True):
    """Two swings of the price that its oscillator denies. Regular: it may turn; hidden: it may go on."""

    oscillator: str
    bullish: bool
    hidden: bool
    first: int  # ns, the open times of the two swings' bars
    second: int
    known: int  # ns, the close of the bar that confirmed the second


class Ichimoku(msgspec.Struct, frozen=True):
    """9/26/52 at the last bar; the spans are those that lie over it, computed 26 bars before. `lagging` compares its
    close with the one 26 bars before, in price. `word`: "above the cloud" | "in the cloud" | "below the cloud"."""

    conversion: float
    base: float
    span_a: float
    span_b: float
    lagging: float
    word: str


class Anchored(msgspec.Struct, frozen=True):
    """VWAP from candles since an event: `z` is how many σ (volume-weighted, in price) the last close lies above it."""

    anchor: str
    ts: int
    vwap: float
    sigma: float
    z: float | None


class Study(msgspec.Struct, frozen=True):
    """The indicators of one interval at its last closed bar; `more` holds the long tail of the library by name."""

    interval: str
    ema: float
    rsi: float
    macd: float
    signal: float
    histogram: float
    upper: float
    middle: float
    lower: float
    width_rank: float | None  # of the Bollinger width among the last 250, percent 0..100
    atr: float
    plus_di: float
    minus_di: float
    adx: float
    supertrend: float
    side: str  # "long" | "short": where the Supertrend stands
    vwap: float | None  # of the UTC day (of the week for 1d, of the whole frame for 1w)
    ichimoku: Ichimoku | None
    divergences: tuple[Divergence, ...]
    more: dict[str, float]


class Area(msgspec.Struct, frozen=True):
    """A volume profile in short. `naked`: no bar since its end has traded at its POC; None while it still develops."""

    name: str
    begin: int
    end: int
    bars: int
    poc: float
    val: float
    vah: float
    volume: float
    naked: bool | None


class Node(msgspec.Struct, frozen=True):
    """An extremum of a profile: "HVN" or "LVN", its volume and prominence as shares of the POC's volume, 0..1."""

    kind: str
    price: float
    volume: float
    prominence: float


class Profiles(msgspec.Struct, frozen=True):
    """Profiles by day (whole ones, oldest first), the running day, rolling windows, and the composite's nodes."""

    interval: str
    sessions: tuple[Area, ...]
    developing: Area | None
    rolling: tuple[Area, ...]
    nodes: tuple[Node, ...]


class Regime(msgspec.Struct, frozen=True):
    """How the market moves. `word`: "trend up" | "trend down" | "range" | "transition"; `volatility`: "calm" | "normal"
    | "stormy". `efficiency` 0..1: net over gross move of 20 bars; `variance_ratio` of 5 bars: 1 for a random walk."""

    interval: str
    word: str
    volatility: str
    adx: float
    efficiency: float
    volatility_rank: float
    variance_ratio: float | None


class Correlation(msgspec.Struct, frozen=True):
    """Pearson correlation of log returns with another symbol, its 95 % interval (Fisher's z), and beta, over n bars."""

    reference: str
    interval: str
    n: int
    value: float
    low: float
    high: float
    beta: float


class FlowBar(msgspec.Struct, frozen=True):
    """The tape of one bucket: volumes in base units by aggressor, `delta` = buy − sell, `cvd` its sum so far.

    `low` and `high` are the extremes of the running delta inside the bucket, 0 included.
    """

    begin: int
    trades: int
    buy: float
    sell: float
    delta: float
    low: float
    high: float
    cvd: float
    poc: float


class Cell(msgspec.Struct, frozen=True):
    """One price of a footprint: what hit the bid (sell) and what lifted the ask (buy), base units.

    `imbalance`: "buy" where buying is at least 3 times the selling one cell below, "sell" where selling is at least 3
    times the buying one cell above, else "".
    """

    begin: int
    price: float
    sell: float
    buy: float
    imbalance: str


class OrderFlow(msgspec.Struct, frozen=True):
    """What a recorded tape says. `imbalance` −1..+1 = delta / volume; `duplicates` were printed again and left out."""

    begin: int
    end: int
    trades: int
    duplicates: int
    buy: float
    sell: float
    delta: float
    imbalance: float
    step: float  # price height of a footprint cell
    bucket_ns: int
    bars: tuple[FlowBar, ...]
    footprint: tuple[Cell, ...]  # of the newest buckets


class DepthRow(msgspec.Struct, frozen=True):
    """Median value (quote currency) resting within `bps` of the mid, by side; `samples` reached that far.

    None where fewer than half of the samples did.
    """

    bps: float
    bid: float | None
    ask: float | None
    samples: int


class Impact(msgspec.Struct, frozen=True):
    """Median distance in bps from the mid to the mean price of a market order worth `size` in the quote currency.

    A book that holds less counts as infinitely far: None where half of the samples or more are such. `filled` is the
    share of samples that held it, 0..1, the thinner side's.
    """

    size: float
    buy: float | None
    sell: float | None
    filled: float


class BookHour(msgspec.Struct, frozen=True):
    """One hour of the UTC day: medians over its samples; `depth` is both sides within 10 bps, quote currency."""

    hour: int
    samples: int
    spread_bps: float
    depth: float | None


class Cluster(msgspec.Struct, frozen=True):
    """A price where a recorded book held much more than around it, and kept it there.

    `side` "bid" | "ask"; `value`: the median of what rested in its cell, quote currency, `times` the median of
    the cells nearest to it; it stood there in `seen` of `looks`.
    """

    price: float
    side: str
    value: float
    times: float
    seen: int
    looks: int


class Microstructure(msgspec.Struct, frozen=True):
    """What a recorded book says, sampled on a regular grid; `unproven` grid times had no proven two-sided book."""

    begin: int
    end: int
    every_ns: int
    samples: int
    unproven: int
    spread_bps: float
    spread_p95_bps: float
    depth: tuple[DepthRow, ...]
    impact: tuple[Impact, ...]
    hours: tuple[BookHour, ...]
    clusters: tuple[Cluster, ...] = ()  # of the last 15 minutes


class Checks(msgspec.Struct, frozen=True):
    """How often a recorded book was compared with the venue's checksum up to `end` (ns), and how often they differed.

    `without`: messages that carried none, and so prove nothing.
    """

    end: int
    compared: int
    failed: int
    without: int


class Recorded(msgspec.Struct, frozen=True):
    """What a recording says of one symbol; None where it holds no proven book, or no trades. `why`: it says nothing."""

    source: str
    book: Microstructure | None = None
    tape: OrderFlow | None = None
    why: str = ""
    checks: Checks | None = None


class HourOfDay(msgspec.Struct, frozen=True):
    """One hour of the UTC day over `days` past days: the median volume in base units, its quartiles, and its share
    (0..1) of all volume. `spread_bps` and `depth` (both sides within 10 bps) are a recording's medians over `samples`.
    """

    hour: int
    days: int
    volume: float
    low: float
    high: float
    share: float
    spread_bps: float | None = None
    depth: float | None = None
    samples: int = 0


class Intraday(msgspec.Struct, frozen=True):
    """The 24 hours of the day as they were from `begin` to `end`; `spread_hours` of them have a recorded spread."""

    begin: int
    end: int
    hours: tuple[HourOfDay, ...]
    spread_hours: int


class BookGap(msgspec.Struct, frozen=True):
    """What is missing of the order book, what that does to the report, and how to have it next time."""

    title: str
    missing: str
    effect: str
    fix: str
