"""Memory of a long run: `python -m benchmarks.soak` replays 12 hours; here what lives is counted over some minutes."""

from __future__ import annotations

import gc
import sys

from benchmarks.soak import MINUTE, START, market_frames
from benchmarks.whole import Desk

MINUTES = 6


def held() -> tuple[int, int]:
    """(objects alive, bytes of the containers among them): a map that grows shows in one or the other."""
    gc.collect()
    alive = gc.get_objects()
    return len(alive), sum(sys.getsizeof(each) for each in alive)


def test_a_desk_that_runs_on_keeps_no_more_than_before():
    """Three minutes of both books, trades and candles, then three more: what they leave behind is next to nothing.

    More than 5 000 frames lie between: one object kept for each, or one entry in one map, would be seen.
    """
    desk = Desk()
    desk.open()
    before, frames = None, 0
    for at, frame in market_frames(("BTC/USD",), MINUTES, seed=3, depth=10):
        if before is None and at >= START + MINUTES // 2 * MINUTE:
            before, frames = held(), 0
        if frame:
            desk.frame(frame, at)
            frames += 1
    after = held()
    assert before is not None
    assert frames > 5_000
    assert after[0] - before[0] < 500
    assert after[1] - before[1] < 100_000
