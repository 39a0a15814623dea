"""desk/signals/score_log.py: what the analyst is told of the order-book score."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from desk.signals.score_log import ScoreLog

SECOND = 10**9
MINUTE = 60 * SECOND


def live(ts: int, total: float, count: int) -> Any:
    """A score as the log reads it."""
    return SimpleNamespace(
        known=True, inst="BTC/USDT@kraken", ts=ts, latest=total, count=count, last=SimpleNamespace(tier="L3")
    )


def test_the_average_is_of_the_last_fifteen_minutes_at_any_moment() -> None:
    """−100 for an hour, then +50: what an analysis hears is neither the first hour nor the last half minute."""
    log, heard = ScoreLog(), []
    for i in range(4 * 3600):
        log.apply(live(i * SECOND, -100.0 if i < 3600 else 50.0, i))
        if i % 30 == 29:
            heard.append(log.window()["BTC/USDT"])
    spans = [w["end"] - w["begin"] for w in heard]
    assert max(spans) <= 15 * MINUTE
    assert min(spans[30:]) >= 14 * MINUTE
    assert all(w["samples"] == span // SECOND for w, span in zip(heard[31:], spans[31:], strict=True))
    assert {w["score"] for w in heard[:120]} == {-100.0}
    assert {w["score"] for w in heard[152:]} == {50.0}
    mixed = heard[134]  # 7.5 minutes after the turn, of 14.5 in all
    assert -30.0 < mixed["score"] < -20.0


def test_nothing_is_said_of_a_score_that_was_seen_once() -> None:
    """An average needs a span."""
    log = ScoreLog()
    log.apply(live(0, 10.0, 1))
    assert log.window() == {}
