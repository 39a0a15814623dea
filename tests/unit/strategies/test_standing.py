"""desk/strategies/standing.py: what a rest leaves behind when prints turn the side in the middle of it."""

from __future__ import annotations

import pytest
from hand_view import HandPulse

from desk.strategies.standing import Standing


@pytest.mark.parametrize(("frames", "objection"), [(0, 40), (3, 0)])
def test_a_frame_without_a_side_forgets_the_objection_and_prints_alone_do_not(frames, objection):
    """Breaks: a side that was given up for a while is kept waiting by an objection to its first time, or not at all."""
    pulse = HandPulse()
    standing = Standing(None, prompt_ns=1_000, gates=None)
    standing.said("HFT_CONFLICT")
    standing.against = 40
    standing.begin(pulse, 1, until=100)
    standing.turned(0)
    pulse.frames = frames
    assert standing.resumed(now=60) is pulse
    assert (standing.against, standing.counts.get("WEAK_TECHNICAL", 0)) == (objection, frames)


@pytest.mark.parametrize("ended", [True, False])
def test_a_turn_begins_no_rest_where_nothing_stood(ended):
    """After a look that ended (a fill, another book), a print must not put the strategy to sleep again."""
    pulse = HandPulse()
    standing = Standing(None, prompt_ns=1_000, gates=None)
    standing.begin(pulse, 0, until=100)
    if ended:
        standing.end()
    else:
        pulse.epoch = 4
    pulse.left = None
    standing.turned(0)
    assert pulse.left is None
    assert standing.resumed(now=50) is None
