"""desk/analysis/past.py: the past of the score is what `analyse` said then, and the future never changes it."""

from __future__ import annotations

import numpy as np
import pytest
from candles import frames_of, walk, without
from shared import shared

from desk.analysis.past import TERMS, past
from desk.analysis.shape import DAY, FRAMES, Frame, Weights
from desk.io.history import FileHistory
from ultimate_crypto_analyzer import PROFILE_FRAME, TECHNICAL_FRAME, analyse

KEYS = ("score", *TERMS)


def said(frames: dict[str, Frame], at: int, weights: Weights) -> list[float]:
    """Score and terms as an analysis at that moment gives them, NaN for None."""
    a = analyse("BTC/USDT", frames, at, weights=weights)
    return [np.nan if x is None else x for x in (a.score, *(t.value for t in a.terms[:3]))]


@pytest.mark.parametrize("weights", [Weights(), Weights(mtf=10.0, profile=60.0, technical=25.0, hft=5.0)])
@pytest.mark.parametrize("holes", [0, 300])
def test_every_past_day_has_the_score_an_analysis_gave_then(weights: Weights, holes: int) -> None:
    """Breaks: the record is of another score than the one that is shown. Seeds of averages, gaps, short history."""
    fine = walk(75 * 96, "15m", seed=11)
    missing = np.random.Generator(np.random.PCG64(2)).choice(len(fine) - 2, holes, replace=False) + 1
    frames = frames_of(without(fine, missing.tolist()))
    then = past(frames, fine.end, weights)
    assert (len(then), int(then.ts[-1])) == (75, fine.end)
    for row in (0, 1, 3, 9, 10, 11, 30, 31, 58, 59, 60, 74):
        want = said(frames, int(then.ts[row]), weights)
        np.testing.assert_allclose([then.values[key][row] for key in KEYS], want, rtol=0, atol=1e-9)


def test_the_past_of_real_candles_is_what_an_analysis_said() -> None:
    """Three years of hours with half a year missing: windows of 720 bars are cut where an analysis cuts them."""
    folder = shared("market/candles/binance_long")
    frames = FileHistory(folder).frames("ETH/USDT")
    then = past(frames, frames["1h"].end, Weights())
    for row in np.linspace(5, len(then) - 1, 20).astype(int):
        want = said(frames, int(then.ts[row]), Weights())
        np.testing.assert_allclose([then.values[key][row] for key in KEYS], want, rtol=0, atol=1e-9)


def test_the_past_ends_with_the_last_day_that_was_over() -> None:
    """A day that is still running has no close."""
    frames = frames_of(walk(20 * 24, "1h"))
    end = frames["1h"].end
    assert [int(past(frames, now, Weights()).ts[-1]) for now in (end, end - 1)] == [end, end - DAY]
    assert len(past({"1h": frames["1h"]}, end, Weights())) == 0
    assert (PROFILE_FRAME, TECHNICAL_FRAME, FRAMES["1d"]) == ("1h", "4h", DAY)  # what past() takes by default


def test_a_market_that_never_moves_has_no_score_on_any_day() -> None:
    """A missing number must not become a neutral 0, nor a NaN an error."""
    fine = walk(30 * 24, "1h")
    still = Frame(fine.ts, *[np.full(len(fine), 100.0)] * 4, fine.volume, fine.interval_ns, fine.thin)
    then = past(frames_of(still), fine.end, Weights())
    assert all(np.isnan(then.values[key]).all() for key in KEYS)
