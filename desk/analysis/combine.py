"""The ultimate score: U = Σ w·X / Σ available w over the four terms; below 75 % coverage there is no score.

U is the sum of the displayed contributions, in their order, to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable

from desk.analysis.shape import HftAverage, Term, Verdict, Weights

MIN_COVERAGE = 0.75
STRONG, MODERATE = 60.0, 20.0
HFT_FRESH_NS = 15 * 60_000_000_000
INSUFFICIENT = "INSUFFICIENT DATA"
UNRECORDED = "Whether this score predicts anything: no walk-forward record exists yet, so no hit rate and no interval."
Part = tuple[float | None, str]


def combine(mtf: Part, profile: Part, technical: Part, hft: Part, weights: Weights) -> tuple[Term, ...]:
    """The four terms with their contributions; each part is (value −100..+100 or None, note).

    >>> terms = combine((50.0, ""), (20.0, ""), (-10.0, ""), (None, "no book"), Weights())
    >>> score(terms) == sum(t.contribution or 0.0 for t in terms), coverage(terms)
    (True, 0.95)
    """
    rows = (
        ("mtf", "Timeframes", weights.mtf, mtf),
        ("profile", "Volume profile", weights.profile, profile),
        ("technical", "Technicals", weights.technical, technical),
        ("hft", "Order book, 15-min average", weights.hft, hft),
    )
    available = sum(w for _, _, w, (value, _) in rows if value is not None)
    return tuple(
        Term(key, name, w, value, None if value is None or available <= 0 else w * value / available, note)
        for key, name, w, (value, note) in rows
    )


def coverage(terms: Iterable[Term]) -> float:
    """The share of the weights that had data, 0..1."""
    rows = list(terms)
    total = sum(t.weight for t in rows)
    return sum(t.weight for t in rows if t.value is not None) / total if total > 0 else 0.0


def score(terms: Iterable[Term]) -> float | None:
    """Σ contributions, −100..+100; None below 75 % coverage."""
    rows = list(terms)
    if coverage(rows) < MIN_COVERAGE:
        return None
    return sum(t.contribution for t in rows if t.contribution is not None)


def label(value: float | None) -> str:
    """The word that describes a score: boundaries ±20 and ±60 belong to the stronger word.

    It says where the market has gone, not where it will go: bullish and bearish are words of the verdict, which needs
    evidence for them.

    >>> [label(x) for x in (60.0, 20.0, -19.9, -20.0)]
    ['STRONGLY UPWARD', 'UPWARD', 'NEUTRAL', 'DOWNWARD']
    """
    if value is None:
        return INSUFFICIENT
    if abs(value) < MODERATE:
        return "NEUTRAL"
    word = "UPWARD" if value > 0 else "DOWNWARD"
    return f"STRONGLY {word}" if abs(value) >= STRONG else word


def hft_part(average: HftAverage | None, now_ns: int) -> Part:
    """The order-book term from its 15-minute average, None when there is none or it ended over 15 minutes ago."""
    if average is None or average.samples == 0:
        return None, "no order-book average was given"
    if now_ns - average.end > HFT_FRESH_NS:
        return None, f"the order-book average ended {(now_ns - average.end) // 60_000_000_000} min ago"
    if average.end > now_ns:
        return None, "the order-book average is newer than the analysis"
    what = [f"average of {average.samples} scores" if average.samples is not None else "time average"]
    what[0] += f" over {max(0, average.end - average.begin) / 60_000_000_000:.1f} min"
    if average.tier:
        what.append(f"tier {average.tier}")
    return max(-100.0, min(100.0, average.mean)), ", ".join(what)


def unmeasured(value: float | None) -> Verdict:
    """What may be believed before any walk-forward record exists: nothing, and why."""
    if value is None:
        return Verdict("no evidence", "neutral", "not measured: too little data for a score")
    return Verdict("no evidence", "neutral", "not measured: needs walk-forward record")
