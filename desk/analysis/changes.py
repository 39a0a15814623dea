"""What changed since the report before: numbers, words and levels of two analyses side by side."""

from __future__ import annotations

from collections.abc import Iterable

from desk.analysis.combine import MODERATE
from desk.analysis.levels import NEAR_ATR
from desk.analysis.plan import Changes, Listed, Moved, Reworded
from desk.analysis.shape import Analysis, Level


def changes(before: Analysis, now: Analysis) -> Changes:
    """The differences, in the order of the report; what only one of the two has is None or "" in the other.

    Two levels are one when their prices are within 0.15 daily ATR14 (today's, else the one before): the width within
    which a report merges them. Without an ATR only equal prices are.
    """
    width = NEAR_ATR * (now.daily_atr or before.daily_atr or 0.0)
    low, high = sorted((before.last, now.last))
    return Changes(
        ts=before.ts,
        last=before.last,
        move_pct=100.0 * (now.last / before.last - 1.0) if before.last > 0.0 else None,
        numbers=_numbers(before, now),
        words=_words(before, now),
        appeared=_listed(lv for lv in now.levels if not _known(lv, before.levels, width)),
        went=_listed(lv for lv in before.levels if not _known(lv, now.levels, width)),
        passed=_listed(lv for lv in before.levels if low < lv.price < high),
    )


def bias_side(analysis: Analysis) -> str:
    """The side the bias takes: long | short from ±20 on, "no side" within, "" without a score."""
    if analysis.score is None:
        return ""
    return "no side" if abs(analysis.score) < MODERATE else "long" if analysis.score > 0.0 else "short"


def _numbers(before: Analysis, now: Analysis) -> tuple[Moved, ...]:
    terms = [({t.key: t.value for t in a.terms}) for a in (before, now)]
    names = {t.key: t.name for a in (before, now) for t in a.terms}
    odds = [({s.kind: float(s.probability_pct) for s in a.scenarios}) for a in (before, now)]
    return (
        Moved("score", "Score", before.score, now.score),
        *(Moved("term", name, terms[0].get(key), terms[1].get(key)) for key, name in names.items()),
        *(Moved("scenario", kind, odds[0].get(kind), odds[1].get(kind)) for kind in odds[0] | odds[1]),
    )


def _words(before: Analysis, now: Analysis) -> tuple[Reworded, ...]:
    regimes = [({r.interval: f"{r.word}, {r.volatility}" for r in a.regimes}) for a in (before, now)]
    said = [f"{a.verdict.word} · {a.verdict.side}" for a in (before, now)]
    return (
        Reworded("verdict", "Verdict", said[0], said[1]),
        Reworded("description", "Description", before.label, now.label),
        Reworded("bias", "Bias", bias_side(before), bias_side(now)),
        *(
            Reworded("regime", interval, regimes[0].get(interval, ""), regimes[1].get(interval, ""))
            for interval in regimes[0] | regimes[1]
        ),
    )


def _known(level: Level, others: Iterable[Level], width: float) -> bool:
    return any(abs(level.price - other.price) <= width for other in others)


def _listed(found: Iterable[Level]) -> tuple[Listed, ...]:
    return tuple(Listed(lv.price, lv.kind) for lv in sorted(found, key=lambda lv: (-lv.price, lv.kind)))
