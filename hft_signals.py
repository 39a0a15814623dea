"""The shared order-book score: imbalance 50, order-count ratio 30, spread 20, from −100 (sell) to +100 (buy).

Read top to bottom: one scalar function per component, `score` which puts them together, `OrderBookAnalyzer` which
carries a configuration, `HFTIntegrator` which carries time (trend, flicker, freshness, decay). The total is always the
literal weighted sum of the components shown; a broken precondition is a ValueError with its numbers, never a 0.
`python hft_signals.py` prints the worked example. The score is a timing and size signal measured in seconds: no win
rate is claimed for it.
"""

from __future__ import annotations

from math import exp, floor, inf, log2, log10

import msgspec

from desk.config import HftSignals, Thresholds, Weights
from desk.errors import ConfigError
from desk.signals.shape import Features, Formula, Score, Trend

STRONG_BUY, MODERATE_BUY, NEUTRAL = "STRONG_BUY", "MODERATE_BUY", "NEUTRAL"
MODERATE_SELL, STRONG_SELL = "MODERATE_SELL", "STRONG_SELL"
LABELS = (NEUTRAL, MODERATE_BUY, STRONG_BUY, STRONG_SELL, MODERATE_SELL)  # by rank, −2…2: negative ones from behind
RANKS = {NEUTRAL: 0, MODERATE_BUY: 1, STRONG_BUY: 2, MODERATE_SELL: -1, STRONG_SELL: -2}
RISING, FADING = "rising", "fading"
FRESH, GREYED, STALE = "FRESH", "GREYED", "STALE"
QUALITY = {"L3": 1.0, "L2C": 0.9, "L2": 0.7, "L1": 0.5}  # how much of the book a tier shows
UNATTESTED = 0.9  # ceiling for levels vouched for by an audit instead of a checksum
COUNTED = ("L3", "L2C")  # tiers that know how many orders rest; the others never have the number imputed
RAMP = 10.0  # |D| from which a tight spread counts in full; below it the term fades to 0 with D
FORGOTTEN = 0.05  # of a score: less than this is nothing, where a measured half-life never ends
HYSTERESIS = 5.0  # points beyond its boundary at which the stable class is left
DEFAULT_WEIGHTS, DEFAULT_THRESHOLDS = Weights(), Thresholds()


def imbalance_component(rho: float) -> float:
    """100·ρ, −100..+100; ρ is the distance-weighted imbalance (B−A)/(B+A) in −1..1.

    >>> imbalance_component(0.61)
    61.0
    """
    if not -1.0 <= rho <= 1.0:
        raise ValueError(f"imbalance rho must lie in -1..1, got {rho}")
    return 100.0 * rho


def count_component(bid_orders: int, ask_orders: int) -> float:
    """100·clip(log₁₀((n_b+2)/(n_a+2)), −1, +1): one decade of ratio is full scale, few orders say little.

    The +2 is the Agresti–Coull "plus four" shrink: no division by zero.

    >>> round(count_component(19, 116), 3), count_component(0, 0), round(count_component(1, 0), 2)
    (-74.966, 0.0, 17.61)
    """
    if bid_orders < 0 or ask_orders < 0:
        raise ValueError(f"order counts must not be negative, got {bid_orders} bids and {ask_orders} asks")
    # The difference of logs is odd to the last bit under a swap of sides; the log of a quotient is not.
    return 100.0 * _clip(log10(bid_orders + 2) - log10(ask_orders + 2), 1.0)


def spread_quality(spread_bps: float, spread_ref_bps: float) -> float:
    """100·clip(log₁₀(s_ref/s), −1, +1): above 0 the spread is tighter than its reference, below 0 wider.

    >>> round(spread_quality(0.4, 0.5), 3), spread_quality(5.0, 0.5)
    (9.691, -100.0)
    """
    if not (0.0 < spread_bps < inf and 0.0 < spread_ref_bps < inf):
        raise ValueError(f"spread and reference must be positive bps, got {spread_bps} and {spread_ref_bps}")
    return 100.0 * _clip(log10(spread_ref_bps) - log10(spread_bps), 1.0)


def direction(imbalance: float, order_count: float | None, weights: Weights = DEFAULT_WEIGHTS) -> float:
    """D, −100..+100: the directional components' weighted mean; the imbalance alone where counts are unknown.

    >>> round(direction(61.0, -74.966), 3), direction(61.0, None)
    (10.013, 61.0)
    """
    if order_count is None:
        return imbalance
    pressure = weights.imbalance * imbalance + weights.order_count * order_count
    return _clip(pressure / (weights.imbalance + weights.order_count), 100.0)


def spread_component(quality: float, direction: float) -> float:
    """The spread's say, signed by D: q·clip(D/10, −1, 1) when q ≥ 0, else q·D/100. A balanced book gets 0.

    >>> spread_component(9.691, 10.013), spread_component(100.0, 0.0), spread_component(-100.0, 100.0)
    (9.691, 0.0, -100.0)
    """
    return quality * (_clip(direction / RAMP, 1.0) if quality >= 0.0 else direction / 100.0) + 0.0


def total(imbalance: float, order_count: float | None, spread: float, weights: Weights = DEFAULT_WEIGHTS) -> float:
    """S, −100..+100: the literal weighted sum. Without counts the imbalance carries their weight too (80/—/20).

    >>> round(total(61.0, -74.966, 9.691), 3), round(total(61.0, None, 9.691), 3)
    (9.948, 50.738)
    """
    if order_count is None:
        pressure = (weights.imbalance + weights.order_count) * imbalance
    else:
        pressure = weights.imbalance * imbalance + weights.order_count * order_count
    return _clip(pressure + weights.spread * spread, 100.0) + 0.0  # + 0.0: no minus zero on any screen


def agreement(imbalance: float, order_count: float | None, weights: Weights = DEFAULT_WEIGHTS) -> float:
    """A, 0..1: |sum| / sum of magnitudes of the directional components; 1 without counts, 0 when both are 0.

    >>> round(agreement(61.0, -74.966), 3), agreement(-61.0, -74.966), agreement(0.0, 0.0), agreement(61.0, None)
    (0.151, 1.0, 0.0, 1.0)
    """
    if order_count is None:
        return 1.0
    a, b = weights.imbalance * imbalance, weights.order_count * order_count
    size = abs(a) + abs(b)
    return abs(a + b) / size if size else 0.0


def classify(total: float, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> str:
    """The class of a total; boundaries belong to the outer class on both sides.

    >>> [classify(s) for s in (60.0, 59.9, 20.0, 19.9, -19.9, -20.0, -59.9, -60.0)]  # doctest: +NORMALIZE_WHITESPACE
    ['STRONG_BUY', 'MODERATE_BUY', 'MODERATE_BUY', 'NEUTRAL', 'NEUTRAL', 'MODERATE_SELL', 'MODERATE_SELL',
     'STRONG_SELL']
    """
    size = abs(total)
    if size < thresholds.moderate:
        return NEUTRAL
    if size < thresholds.strong:
        return MODERATE_BUY if total > 0 else MODERATE_SELL
    return STRONG_BUY if total > 0 else STRONG_SELL


def decay(age_s: float, decay_s: float = 30.0, half_life_s: float | None = None) -> float:
    """What is left of a score after `age_s` seconds: 1 falling linearly to 0 at `decay_s`.

    With a measured half-life h: 2^(−age/h) instead, nothing once less than 5 % is left.

    >>> decay(0.0), decay(15.0), decay(31.0), decay(12.0, half_life_s=12.0), decay(60.0, half_life_s=12.0)
    (1.0, 0.5, 0.0, 0.5, 0.0)
    """
    if not (age_s >= 0.0 and decay_s > 0.0 and (half_life_s is None or half_life_s > 0.0)):
        raise ValueError(f"age must be at least 0 s and the decay above 0 s, got {age_s}, {decay_s} and {half_life_s}")
    if half_life_s is None:
        return max(0.0, 1.0 - age_s / decay_s)
    left = 2.0 ** (-age_s / half_life_s)
    return left if left >= FORGOTTEN else 0.0


def lifetime_s(config: HftSignals) -> float:
    """Seconds until nothing is left of a score.

    >>> lifetime_s(HftSignals())
    30.0
    """
    return config.decay_s if config.half_life is None else -log2(FORGOTTEN) * config.half_life.seconds


def fading(config: HftSignals) -> str:
    """How a score loses its weight under this configuration, in words.

    >>> fading(HftSignals())
    'gone in 30 s, assumed'
    """
    h = config.half_life
    return f"gone in {config.decay_s:g} s, assumed" if h is None else f"half in {h.seconds:g} s, measured"


def contributions(score: Score, weights: Weights = DEFAULT_WEIGHTS) -> dict[str, float]:
    """The points of each component, −100..+100: added from left to right they are the total, to the last bit.

    >>> example = score(Features(0, "BTC/USD@kraken", 0.61, 19, 116, 0.4, 0.5, "L3"))
    >>> {name: round(points, 3) for name, points in contributions(example).items()}
    {'imbalance': 30.5, 'order_count': -22.49, 'spread': 1.938}
    """
    if score.order_count is None:
        points = {"imbalance": (weights.imbalance + weights.order_count) * score.imbalance}
    else:
        points = {"imbalance": weights.imbalance * score.imbalance}
        points["order_count"] = weights.order_count * score.order_count
    return points | {"spread": weights.spread * score.spread}


def strength(agreement: float, total: float, weight: float, quality: float, ema_agrees: bool) -> float:
    """100·A·|S|/100·w·Q·E, 0..100: ordinal and uncalibrated, never a probability. E = 1 if the EMA agrees, else 0.8.

    >>> round(strength(0.151, 9.948, 1.0, 1.0, True), 1)
    1.5
    """
    return agreement * abs(total) * weight * quality * (1.0 if ema_agrees else 0.8)


def score(features: Features, weights: Weights = DEFAULT_WEIGHTS, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> Score:
    """The score of one book, every component beside its total. Raises ValueError when a feature is out of range."""
    tier = features.tier
    quality = QUALITY.get(tier)
    if quality is None:
        raise ValueError(f"{features.inst}: unknown tier {tier!r}, expected one of {', '.join(QUALITY)}")
    counts: float | None = None
    if tier in COUNTED:
        if features.bid_orders is None or features.ask_orders is None:
            raise ValueError(f"{features.inst}: tier {tier} without order counts")
        counts = count_component(features.bid_orders, features.ask_orders)
    imbalance = imbalance_component(features.rho)
    q = spread_quality(features.spread_bps, features.spread_ref_bps)
    d = direction(imbalance, counts, weights)
    spread = spread_component(q, d)
    s = total(imbalance, counts, spread, weights)
    return Score(
        features.ts,
        features.inst,
        tier,
        s,
        imbalance,
        counts,
        spread,
        q,
        d,
        agreement(imbalance, counts, weights),
        quality if features.attested else min(quality, UNATTESTED),
        classify(s, thresholds),
        features,
    )


def displayed(total: float) -> int:
    """A total as people see it: rounded half away from zero.

    >>> displayed(9.948), displayed(-72.99), displayed(-0.5), displayed(0.2)
    (10, -73, -1, 0)
    """
    size = floor(abs(total) + 0.5)
    return size if total > 0 else -size


class OrderBookAnalyzer:
    """A `ScoreFn` with a configuration: features of a book in, their score out. Holds no market state.

    Raises ConfigError when the weights would let the spread outvote the direction: it has none of its own.
    """

    __slots__ = ("thresholds", "weights")

    def __init__(self, config: HftSignals | None = None) -> None:
        config = config or HftSignals()
        w, t, faults = config.weights, config.thresholds, []
        if abs(w.imbalance + w.order_count + w.spread - 1.0) > 1e-9:
            faults.append("$.hft_signals.weights: imbalance, order_count and spread must add up to 1")
        if w.spread >= 0.5:
            faults.append(f"$.hft_signals.weights.spread: {w.spread} must be below 0.5, it only confirms a direction")
        if t.moderate > t.strong:
            faults.append(f"$.hft_signals.thresholds: moderate {t.moderate} must not be above strong {t.strong}")
        if faults:
            raise ConfigError(faults)
        self.weights, self.thresholds = w, t

    @property
    def formula(self) -> Formula:
        """What a kernel needs to compute the same; an analyzer with another `score` has to answer None here."""
        return Formula(self.weights, self.thresholds, QUALITY)

    def score(self, features: Features) -> Score:
        """The score of `features` under this configuration."""
        return score(features, self.weights, self.thresholds)

    __call__ = score


class Reading(msgspec.Struct, frozen=True, gc=False):
    """A score in time: what may still be believed of it at `ts`.

    `ema` of the imbalance component, `trend` of its pressure (rising | fading), `label` the class that does not
    flicker, `age_s` since the score was made, `weight` 0..1 left by decay, `effective` = total·weight, `strength`
    0..100 (uncalibrated). `freshness`: FRESH, or GREYED: shown, but good for no new entry.
    """

    ts: int
    score: Score
    ema: float
    trend: str
    label: str
    freshness: str
    age_s: float
    weight: float
    effective: float
    strength: float


class HFTIntegrator:
    """One instrument's scores through time: `update(score)` with each new one, `at(now)` to ask later.

    Evidence and score age apart: a heartbeat on the book's line (`proven`) keeps an unchanged book fresh, the score
    made from it still decays. Constant memory; pickles with its state. A clock that steps back adds no weight.
    """

    __slots__ = ("_config", "_ema", "_felt", "_half_life_s", "_label", "_last", "_proof", "_tau_s")

    def __init__(self, config: HftSignals | None = None) -> None:
        self._config = config or HftSignals()
        self._tau_s = self._config.ema_tau_s
        self._half_life_s = self._config.half_life.seconds if self._config.half_life else None
        self._felt = 0  # ns, the newest score in the trend
        self._last: Score | None = None
        self._ema = 0.0
        self._label = NEUTRAL
        self._proof = 0

    def update(self, score: Score) -> Reading:
        """Take the newest score in and read it at its own time."""
        if self._last is None:
            self._ema, self._label = score.imbalance, score.label
        else:
            self.feel(score.ts, score.imbalance, score.total)
        self._last, self._felt = score, score.ts
        self._proof = max(self._proof, score.ts)
        return self._read(score, self._proof, FRESH)

    def feel(self, ts: int, imbalance: float, total: float) -> None:
        """What `update` does to the trend and the label, for a score that nobody reads; none before the first."""
        dt_s = max(0, ts - self._felt) / 1e9
        self._felt = ts
        self._ema += (1.0 - exp(-dt_s / self._tau_s)) * (imbalance - self._ema)
        self._label = _stable(self._label, total, self._config.thresholds)

    def lend(self) -> Trend | None:
        """The trend, for whoever feels scores in our place; None before the first score."""
        if self._last is None:
            return None
        classes = self._config.thresholds
        return Trend(self._felt, self._ema, self._tau_s, RANKS[self._label], classes.moderate, classes.strong)

    def take_back(self, felt: int, ema: float, label: int) -> None:
        """The trend after that."""
        self._felt, self._ema, self._label = felt, ema, LABELS[label]

    def proven(self, ts: int) -> None:
        """The book was still current at `ts`: a frame or heartbeat on its line that contradicts nothing."""
        self._proof = max(self._proof, ts)

    def freshness(self, now: int) -> str:
        """FRESH, GREYED or STALE by the age of the evidence; STALE before the first score."""
        age_s = (now - self._proof) / 1e9
        if self._last is None or age_s > self._config.stale_s:
            return STALE
        return FRESH if age_s <= self._config.fresh_s else GREYED

    def at(self, now: int) -> Reading | None:
        """The last score as it may be believed at `now`; None when there is none or its evidence is STALE."""
        state = self.freshness(now)
        return None if self._last is None or state == STALE else self._read(self._last, now, state)

    def _read(self, score: Score, now: int, freshness: str) -> Reading:
        age_s = max(0, now - score.ts) / 1e9
        weight, ema, s = decay(age_s, self._config.decay_s, self._half_life_s), self._ema, score.total
        held = score.imbalance if ema >= 0.0 else -score.imbalance  # pressure on the EMA's own side
        trend = RISING if held >= abs(ema) else FADING
        sure = strength(score.agreement, s, weight, score.quality, ema * s >= 0.0)
        return Reading(now, score, ema, trend, self._label, freshness, age_s, weight, s * weight + 0.0, sure)


def _stable(label: str, total: float, thresholds: Thresholds) -> str:
    """`label` while `total` is within HYSTERESIS of its class, else the class of `total`."""
    rank = RANKS[label]
    size = abs(total) if rank == 0 else total if rank > 0 else -total
    bounds = 0.0, thresholds.moderate, thresholds.strong, inf
    stays = bounds[abs(rank)] - HYSTERESIS <= size < bounds[abs(rank) + 1] + HYSTERESIS
    return label if stays else classify(total, thresholds)


def _clip(x: float, limit: float) -> float:
    return limit if x > limit else max(x, -limit)


def main() -> None:
    """Print the worked example, component by component."""
    print("score = 0.5 x imbalance + 0.3 x order count + 0.2 x spread\n")
    for title, rho, spread in (
        ("The required example: buyers by size, sellers by number", 0.61, 0.4),
        ("The same counts with sellers by size too, and a very tight spread", -0.61, 0.05),
    ):
        s = score(Features(0, "BTC/USD@kraken", rho, 19, 116, spread, 0.5, "L3"))
        assert s.order_count is not None  # tier L3 always has counts
        print(f"{title}\n  {'component':<13}{'measured':<30}{'value':>9}  {'weight':>6}  {'points':>8}")
        for name, measured, value, weight in (
            ("imbalance", f"rho {rho:+.2f} (shown as {10 * rho:+.1f})", s.imbalance, 0.5),
            ("order count", f"19 bids / 116 asks = {19 / 116:.3f}", s.order_count, 0.3),
            ("spread", f"{spread} bps, usually 0.5 bps", s.spread, 0.2),
        ):
            print(f"  {name:<13}{measured:<30}{value:>+9.3f}  {weight:>6.1f}  {value * weight:>+8.3f}")
        print(f"  {'score':<13}{'':<30}{s.total:>+9.3f}  ->  {displayed(s.total):+d} {s.label}")
        print(f"  agreement {s.agreement:.3f}: how far size and number pull the same way (1 = fully)")
        print(f"  strength  {strength(s.agreement, s.total, 1.0, s.quality, True):.1f} of 100, uncalibrated\n")


if __name__ == "__main__":
    main()
