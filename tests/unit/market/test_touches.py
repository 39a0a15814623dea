"""desk/market/touches.py and ring.py: what the kernel keeps in machine words is what plain lists of integers hold."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.market.flow import ask_flow, bid_flow
from desk.market.ring import Ring
from desk.market.rolling import KEEP, RollingSum
from desk.market.touches import Touches

LARGEST = 10**18 - 1  # of a price or a size that a book can hold


class Plain:
    """The same by `RollingSum` and lists: e where it is not 0, and every spread that is another than the last."""

    def __init__(self, span: int, window: int, keep: int) -> None:
        self.sums, self.window, self.keep = RollingSum(span, keep), window, keep
        self.restart()

    def restart(self) -> None:
        self.sums.clear()
        self.last, self.now = None, 0
        self.spreads: list[tuple[int, int]] = []
        self.horizon = None

    def apply(self, ts, bid, bid_qty, ask, ask_qty):
        last = self.last
        self.now = ts if last is None else max(ts, self.now)
        if last is not None and (e := bid_flow(*last[:2], bid, bid_qty) + ask_flow(*last[2:], ask, ask_qty)):
            self.sums.add(self.now, e)
        self.last = bid, bid_qty, ask, ask_qty
        spreads = self.spreads
        if not spreads or spreads[-1][1] != ask - bid:
            spreads.append((max(ts, spreads[-1][0]) if spreads else ts, ask - bid))
            while len(spreads) > 1 and spreads[1][0] <= spreads[-1][0] - self.window:
                del spreads[0]
            if len(spreads) == self.keep:
                del spreads[: len(spreads) - self.keep // 2]
                self.horizon = spreads[0][0]

    def spread(self, now):
        """(mean, widest) over the window."""
        if not self.spreads:
            return None, None
        now = max(now, self.spreads[-1][0])
        begin = now - self.window
        if self.horizon is not None and begin < self.horizon:
            return None, None
        ends = [ts for ts, _ in self.spreads[1:]] + [now]
        begin_known = max(begin, self.spreads[0][0])
        rows = [(ts, until, ticks) for (ts, ticks), until in zip(self.spreads, ends, strict=True)]
        area = sum(ticks * (until - max(ts, begin)) for ts, until, ticks in rows if until > begin)
        mean = float(Fraction(area, now - begin_known)) if now > begin_known else None
        return mean, max(ticks for ts, until, ticks in rows if until > begin or until == now)


steps = st.lists(
    st.tuples(
        st.integers(-3, 25),
        st.integers(95, 105) | st.integers(LARGEST - 5, LARGEST),
        st.integers(1, 9) | st.integers(LARGEST - 9, LARGEST),
        st.integers(1, 3),
        st.integers(1, 9) | st.integers(LARGEST - 9, LARGEST),
        st.booleans() | st.just(False) | st.just(False),
    ),
    min_size=1,
    max_size=150,
)


@settings(deadline=None, max_examples=300)
@given(steps, st.integers(5, 60), st.integers(5, 60), st.sampled_from((4, 5, 8, 9, 33, KEEP)), st.integers(0, 70))
def test_flow_and_spread_in_words_are_those_of_plain_lists_event_by_event(rows, span, window, keep, later):
    """Late events, a lost book, sizes whose sums pass 64 bits, more changes in a window than are kept."""
    words, plain, ts = Touches(span, window, keep), Plain(span, window, keep), 100
    for step, bid, bid_qty, spread, ask_qty, lost in rows:
        if lost:
            words.restart()
            plain.restart()
        ts += step
        touch = bid, bid_qty, bid + spread, ask_qty
        words.apply(ts, *touch)
        plain.apply(ts, *touch)
        for now in (ts, ts + later):
            for part in (1, span // 2, span):
                assert words.flow.sum(part, now) == plain.sums.sum(part, max(now, plain.now))
            assert (words.spread.mean(now), words.spread.max(now)) == plain.spread(now)
        assert max(len(words.flow.ring), len(words.spread.ring)) < max(keep, 2)


def test_a_long_day_keeps_a_window_exact_and_no_more_memory_than_a_window_needs():
    """200 000 touches: rings go round thousands of times, grow where a window is crowded, and stay right."""
    rng = np.random.Generator(np.random.PCG64(3))
    words, plain, ts = Touches(span=3_000, window=6_000), Plain(3_000, 6_000, KEEP), 0
    waits, prices, sizes = (rng.integers(0, n, 200_000).tolist() for n in (20, 3, 1_000))
    for at, (wait, px, qty) in enumerate(zip(waits, prices, sizes, strict=True)):
        ts += wait if at % 50_000 > 5_000 else 0  # now and then many at once
        words.apply(ts, 100 + px, 1 + qty, 105, 5)
        plain.apply(ts, 100 + px, 1 + qty, 105, 5)
        if at % 997 == 0:
            assert words.flow.sum(3_000, ts) == plain.sums.sum(3_000, ts)
            assert (words.spread.mean(ts), words.spread.max(ts)) == plain.spread(ts)
    assert len(words.flow.ring) < 2_000


def test_a_ring_without_room_for_a_window_says_so():
    """A span of nothing would make every sum 0, and look like a quiet market."""
    with pytest.raises(ValueError, match="positive span and room for 4 values, got span 0, keep 8"):
        Ring(0, standing=False, keep=8)
