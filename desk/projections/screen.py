"""What the console shows: one frozen picture of the desk, made a few times a second by the engine's process.

Numbers are floats for people; None means "not measured", and is shown as such.
"""

from __future__ import annotations

import msgspec


class BookRow(msgspec.Struct, frozen=True):
    """One book of one symbol: tier L3 or L2. `proof`: what vouches for it (desk.wire.codec), "" for nothing."""

    symbol: str
    venue: str
    tier: str
    state: str
    crc_ok: int
    crc_bad: int
    resyncs: int
    age_ms: float | None = None
    proof: str = "checksum"
    seq_ok: int = 0
    gaps: int = 0
    proved_ms: float | None = None  # since the last message that proved this very book; `age_ms`: since its link spoke


class SymbolRow(msgspec.Struct, frozen=True):
    """One symbol: market, score with its components, bias, and why there is no trade."""

    symbol: str
    px_decimals: int
    bid: float | None = None
    ask: float | None = None
    spread_bps: float | None = None
    tier: str = ""
    state: str = ""
    score: float | None = None
    imbalance: float | None = None
    order_count: float | None = None
    spread: float | None = None
    label: str = ""
    technical: float | None = None
    bias: float | None = None
    bias_label: str = ""
    bias_expires: int = 0
    alignment: str = ""
    last_signal: str = ""
    why_not: str = ""


class FlowRow(msgspec.Struct, frozen=True):
    """Order flow and tape of one symbol: quantities in the base currency, flow over 10 s, tape and spread over 60 s.

    `level_flow` in mean levels (only where a strategy keeps it); orders within 10 bps of their best price.
    """

    symbol: str
    venue: str
    px_decimals: int
    touch_flow: float | None = None
    touch_flow_z: float | None = None
    tape_imbalance: float | None = None  # −1..+1
    delta: float | None = None
    level_flow: float | None = None
    spread_mean_bps: float | None = None
    spread_max_bps: float | None = None
    bid_orders: int | None = None
    ask_orders: int | None = None
    vwap: float | None = None


class InsideRow(msgspec.Struct, frozen=True):
    """Best bid and offer of one symbol over its venues; `stale`: venues left out for their age."""

    symbol: str
    bid: str
    bid_venue: str
    ask: str
    ask_venue: str
    spread_bps: float | None
    state: str
    stale: tuple[str, ...] = ()


class SignalRow(msgspec.Struct, frozen=True):
    """One line of the signal feed."""

    ts: int
    symbol: str
    side: str
    entry: str
    stop: str
    target: str
    size: str
    score: float | None
    strength: float
    net_target_bps: float
    break_even: float
    reason: str
    order: str = ""  # what `./run explain` can be asked: "o5", or "s3 refused" by risk


class PositionRow(msgspec.Struct, frozen=True):
    """One position, PnL net of fees in the quote currency."""

    symbol: str
    qty: str
    entry: str
    mark: str
    unrealised: float
    realised: float
    fees: float


class GateRow(msgspec.Struct, frozen=True):
    """One gate of the funnel: what came to it and what it stopped, its state at the last look, its last "no".

    `state`: "passed" | "NO" | "not asked"; `text`: its numbers as a calculation.
    """

    gate: str
    state: str
    reached: int
    stopped: int
    code: str = ""
    code_at: int = 0
    text: str = ""


class Detail(msgspec.Struct, frozen=True):
    """One symbol whole. Levels: (price, quantity, orders), best first; `parts`: (name, component, weight) of the score.

    `now`: the code of the last look, "SIGNAL" after a signal, since when, what would have to change, what to do.
    """

    symbol: str
    bids: tuple[tuple[str, str, int], ...] = ()
    asks: tuple[tuple[str, str, int], ...] = ()
    tier: str = ""
    parts: tuple[tuple[str, float | None, float], ...] = ()
    numbers: dict[str, float] = {}
    gates: tuple[GateRow, ...] = ()
    now: str = ""
    since: int = 0
    change: str = ""
    remedy: str = ""
    looks: int = 0
    signals: int = 0
    submitted: int = 0
    filled: int = 0
    working: tuple[str, ...] = ()
    latches: dict[str, str] = {}
    last_signal: str = ""


class Pressed(msgspec.Struct, frozen=True):
    """What the console's keys say to the run: a line as if it were typed, or the symbol to describe ("": none)."""

    line: str = ""
    look: str | None = None


class HealthRow(msgspec.Struct, frozen=True):
    """What one score knew of one horizon, over the last hour at most: `ic` −1..1 with its 95 % interval.

    `independent` returns that do not overlap of `need`; `word`: MEASURED, INSUFFICIENT DATA or NOT MEASURED; `says`:
    "evidence", "evidence against" or "no evidence".
    """

    symbol: str
    venue: str
    tier: str
    horizon_s: float
    ic: float | None
    low: float | None
    high: float | None
    independent: int
    need: int
    word: str
    says: str


class RecordRow(msgspec.Struct, frozen=True):
    """The closed trades of one quote currency: wins with Wilson's interval, never without n and the net result.

    `net_bps`: net of fees, of what each entered, mean over all; `slippage` None where no trade's is known.
    """

    quote: str
    n: int
    need: int
    word: str
    wins: float
    low: float
    high: float
    payoff: float | None
    gross: float
    fees: float
    net: float
    net_bps: float
    slippage: float | None


class Screen(msgspec.Struct, frozen=True, tag="screen"):
    """The whole picture. `ts` ns; latencies in microseconds."""

    ts: int
    mode: str
    feed: str
    venue_status: str
    simulated: bool
    elapsed_s: float
    frames: int
    frames_per_s: float
    link_up_pct: float
    books: tuple[BookRow, ...] = ()
    symbols: tuple[SymbolRow, ...] = ()
    flows: tuple[FlowRow, ...] = ()
    inside: tuple[InsideRow, ...] = ()
    health: tuple[HealthRow, ...] = ()
    record: tuple[RecordRow, ...] = ()
    signals: tuple[SignalRow, ...] = ()
    positions: tuple[PositionRow, ...] = ()
    refusals: dict[str, int] = {}
    latency_us: dict[str, float | None] = {}
    orders_open: int = 0
    orders_unknown: int = 0
    orders: int = 0
    fills: int = 0
    exposure: float = 0.0
    exposure_limit: float = 0.0
    breaker: str = "armed"
    latch: str = ""  # "paused", a breaker's code or "killed": what a resume has to lift
    journal_seq: int = 0
    journal_state: str = "ok"
    clock_ms: float | None = None  # the venue's clock minus ours
    clock_pm_ms: float | None = None  # true within this
    clock_state: str = "not measured"  # "ok" | "off" | "WRONG"
    pnl_quote: float = 0.0
    fee_tier: str = ""
    detail: Detail | None = None  # of the symbol a person looks at
    reports: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    analyst: str = ""
