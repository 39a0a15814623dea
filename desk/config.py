"""The schema of trading_config.json: every number a person may turn, frozen once decoded, unknown keys refused.

Fractions say so in their comment; `_bps`, `_pct`, `_s` are in the name. Defaults are safe: paper,
and scalping off on real venues.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
Bps = Annotated[float, Meta(ge=-10.0, le=200.0)]
Positive = Annotated[float, Meta(gt=0.0)]
Score100 = Annotated[float, Meta(ge=0.0, le=100.0)]
Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Day = Annotated[str, Meta(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]
Symbol = Annotated[str, Meta(pattern=r"^[A-Z0-9.]{1,12}/[A-Z0-9.]{1,12}$")]
Symbols = Annotated[tuple[Symbol, ...], Meta(min_length=1, max_length=200)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A block of the configuration: a key it does not know is refused."""


class Schedule(Section, frozen=True, kw_only=True):
    """Local times (time_zone) of the two daily analyses."""

    morning_analysis: Clock = "09:00"
    evening_analysis: Clock = "21:00"


class UltimateAnalyzer(Section, frozen=True, kw_only=True):
    """The slow system."""

    enabled: bool = True
    symbols: Symbols = ("BTC/USDT", "ETH/USDT", "XRP/USDT")
    schedule: Schedule = Schedule()
    hft_integration: bool = True
    bias_hours: Annotated[float, Meta(gt=0.0, le=48.0)] = 12.0  # a bias expires after this long
    report_dir: str = "reports/out"
    recording: str = ""  # file or folder whose books and trades the reports tell of; "" for none


class ScalpingEngine(Section, frozen=True, kw_only=True):
    """The fast system. `enabled` guards real venues; the embedded exchange needs no enabling."""

    enabled: bool = False
    symbols: Symbols = ("BTC/USDT", "ETH/USDT")
    max_concurrent_signals: Annotated[int, Meta(ge=1, le=20)] = 3
    risk_per_trade: Annotated[float, Meta(ge=0.001, le=0.005)] = 0.005  # fraction of equity: 0.1–0.5 %
    hft_integration: bool = True
    min_technical: Score100 = 25.0  # |technical score| from which a side is worth looking at
    stop_atr: Annotated[float, Meta(ge=0.25, le=5.0)] = 1.0
    reward_to_risk: Annotated[float, Meta(ge=2.0, le=10.0)] = 2.0
    hold_s: Annotated[float, Meta(ge=60.0, le=900.0)] = 300.0  # time stop: scalps live 1–15 minutes
    cooldown_s: Annotated[float, Meta(ge=0.0, le=3600.0)] = 15.0
    max_break_even: Fraction = 0.6  # refuse when the win rate needed to pay the costs is above this
    conflict_wait_s: Annotated[float, Meta(ge=0.0, le=60.0)] = 5.0  # a book against the side delays an entry this long
    false_breakout: Literal["halve", "skip", "off"] = "halve"  # an entry that follows a break nothing else confirms
    stop_defer_s: Annotated[float, Meta(ge=0.0, le=2.0)] = 2.0  # a book strongly for the position defers its stop, once


class HybridMode(Section, frozen=True, kw_only=True):
    """How the analysis steers the scalps."""

    trend_filter: bool = True
    morning_bias_update: bool = True
    scalp_signal_filtering: bool = True


class Weights(Section, frozen=True, kw_only=True):
    """Shares of the order-book score; they must add up to 1."""

    imbalance: Fraction = 0.5
    order_count: Fraction = 0.3
    spread: Fraction = 0.2


class Thresholds(Section, frozen=True, kw_only=True):
    """Where the classes of the score begin (signals.md 1, C2 and C3)."""

    strong: Score100 = 60.0
    moderate: Score100 = 20.0


class HalfLife(Section, frozen=True, kw_only=True):
    """How fast the score was measured to lose its worth on own recordings, with its 95 % interval, in seconds."""

    seconds: Positive
    low: Positive
    high: Positive
    days: Annotated[float, Meta(ge=5.0)]  # of own data behind it: fewer do not replace the assumption


class HftSignals(Section, frozen=True, kw_only=True):
    """The shared score and how long it may be believed."""

    weights: Weights = Weights()
    thresholds: Thresholds = Thresholds()
    ema_tau_s: Positive = 5.0
    decay_s: Positive = 30.0  # linear to nothing; not used once there is a half-life
    half_life: HalfLife | None = None
    fresh_s: Positive = 5.0
    stale_s: Positive = 10.0
    spread_ref_bps: dict[str, Positive] = msgspec.field(  # used until 300 spreads have been sampled; "*" = any symbol
        default_factory=lambda: {"*": 0.5},
    )


class VenueConfig(Section, frozen=True, kw_only=True):
    """Where market data comes from. Names fixed in code; addresses can be pointed at a test venue."""

    name: Literal["kraken"] = "kraken"
    ws_url: str = "wss://ws.kraken.com/v2"
    ws_l3_url: str = "wss://ws-l3.kraken.com/v2"
    rest_url: str = "https://api.kraken.com"
    book_depth: Literal[10, 25, 100, 500, 1000] = 100
    level3_depth: Literal[10, 100, 1000] = 10
    key_env: str = "KRAKEN_API_KEY"
    secret_env: str = "KRAKEN_API_SECRET"  # noqa: S105 - the name of a variable, not a secret
    silence_s: Annotated[float, Meta(ge=1.0, le=60.0)] = 5.0


class BinanceConfig(Section, frozen=True, kw_only=True):
    """Binance spot's public market data. `depth`: levels of the REST snapshot that a book begins with."""

    ws_url: str = "wss://stream.binance.com:9443/ws"
    rest_url: str = "https://api.binance.com"
    depth: Literal[100, 500, 1000, 5000] = 1000


class CoinbaseConfig(Section, frozen=True, kw_only=True):
    """Coinbase Advanced Trade's public market data."""

    ws_url: str = "wss://advanced-trade-ws.coinbase.com"


class FeeTier(Section, frozen=True, kw_only=True):
    """One line of a fee listing: from this 30-day volume (USD) on."""

    volume: Annotated[float, Meta(ge=0.0)] = 0.0
    maker_bps: Bps
    taker_bps: Bps


class FeeListing(Section, frozen=True, kw_only=True):
    """A venue's fees in force from a day (UTC) on; the first tier is that of the smallest volume."""

    since: Day
    name: Annotated[str, Meta(min_length=1, max_length=60)]
    tiers: Annotated[tuple[FeeTier, ...], Meta(min_length=1, max_length=20)]


KRAKEN_PRO = FeeListing(
    since="2026-05-30",
    name="Kraken Pro",
    tiers=tuple(
        [
            FeeTier(volume=volume, maker_bps=maker, taker_bps=taker)
            for volume, maker, taker in (
                (0.0, 25.0, 40.0),
                (10_000.0, 20.0, 35.0),
                (50_000.0, 14.0, 24.0),
                (100_000.0, 12.0, 22.0),
                (500_000.0, 8.0, 18.0),
                (10_000_000.0, 0.0, 10.0),
            )
        ]
    ),
)


class Fees(Section, frozen=True, kw_only=True):
    """What a trade costs, in basis points a side. `embedded`: "free", or "kraken" to feel a real venue's tier.

    `maker_bps` and `taker_bps` are your own tier. With `volume_30d` (USD) they are not used: your tier is then that of
    this volume in the listing in force at the time of the trade.
    """

    embedded: Literal["free", "kraken"] = "free"
    maker_bps: Bps = 25.0  # Kraken Pro spot, below $10k in 30 days; listing dated 2026-05-30
    taker_bps: Bps = 40.0
    tier: str = "Kraken Pro, 30-day volume below $10k (listing of 2026-05-30)"
    volume_30d: Annotated[float, Meta(ge=0.0)] | None = None
    listings: Annotated[tuple[FeeListing, ...], Meta(min_length=1, max_length=20)] = (KRAKEN_PRO,)


class Risk(Section, frozen=True, kw_only=True):
    """Limits of the gate; `_pct` are percent of the day's starting equity."""

    equity_quote: Positive = 10_000.0  # paper account, in the quote currency
    max_position_pct: Annotated[float, Meta(gt=0.0, le=100.0)] = 20.0  # one symbol, filled and working
    max_trade_risk_pct: Annotated[float, Meta(gt=0.0, le=5.0)] = 0.5  # lost when one trade leaves at its stop
    max_strategy_pct: Annotated[float, Meta(gt=0.0, le=300.0)] = 60.0  # one strategy, all its symbols
    max_gross_pct: Annotated[float, Meta(gt=0.0, le=300.0)] = 60.0
    max_order_quote: Positive = 2_500.0
    orders_per_s: Annotated[int, Meta(ge=1, le=50)] = 2
    orders_per_min: Annotated[int, Meta(ge=1, le=600)] = 30
    daily_loss_pct: Annotated[float, Meta(gt=0.0, le=10.0)] = 2.0
    max_drawdown_pct: Annotated[float, Meta(gt=0.0, le=30.0)] = 5.0
    max_consecutive_losses: Annotated[int, Meta(ge=1, le=50)] = 5
    cooldown_s: Annotated[float, Meta(ge=0.0, le=86_400.0)] = 300.0


class LastGate(Section, frozen=True, kw_only=True):
    """Limits of the second gate, next to the venue: wider than the risk section's, they stop our own bugs."""

    max_order_quote: Positive = 5_000.0
    max_gross_quote: Positive = 15_000.0  # of one quote currency, filled and working
    orders_per_s: Annotated[int, Meta(ge=1, le=50)] = 10  # exits included
    max_open_orders: Annotated[int, Meta(ge=1, le=1_000)] = 50


class Paper(Section, frozen=True, kw_only=True):
    """Assumptions of the simulated fills."""

    entry_latency_ms: Annotated[float, Meta(ge=0.0, le=5_000.0)] = 25.0
    response_latency_ms: Annotated[float, Meta(ge=0.0, le=5_000.0)] = 25.0
    latency: Literal["configured", "measured"] = "configured"  # measured: the run's own feed delay, both ways
    queue_model: Annotated[str, Meta(max_length=20)] = "risk_averse"  # where the book shows no orders; desk.sim.queue


class Journal(Section, frozen=True, kw_only=True):
    """Where sessions are recorded."""

    dir: str = "sessions"
    recordings: Annotated[str, Meta(min_length=1)] = "recordings"  # every frame as it came, by venue and UTC day
    keep_days: Annotated[int, Meta(ge=1, le=3650)] = 30


class Config(Section, frozen=True, kw_only=True):
    """trading_config.json, whole."""

    mode: Literal["paper"] = "paper"
    time_zone: str = "UTC"
    ultimate_analyzer: UltimateAnalyzer = UltimateAnalyzer()
    scalping_engine: ScalpingEngine = ScalpingEngine()
    hybrid_mode: HybridMode = HybridMode()
    hft_signals: HftSignals = HftSignals()
    venue: VenueConfig = VenueConfig()
    binance: BinanceConfig = BinanceConfig()
    coinbase: CoinbaseConfig = CoinbaseConfig()
    fees: Fees = Fees()
    risk: Risk = Risk()
    last_gate: LastGate = LastGate()
    paper: Paper = Paper()
    journal: Journal = Journal()
