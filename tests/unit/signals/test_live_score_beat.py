"""desk/signals/live_score.py: what is sampled once a second is sampled on the beat, and no frame pays for it."""

from __future__ import annotations

from itertools import pairwise
from statistics import median

import pytest

from desk.events import Frame
from desk.messages import LinkSpec, Subscription
from desk.signals.features import ENOUGH, SECOND
from desk.signals.live_score import BEATLESS, LiveScore
from desk.signals.watch import Watch
from desk.sim.market import SimMarket
from desk.sim.publish import Publisher
from desk.wire.kraken import KrakenCodec
from desk.wire.kraken_venue import Topic
from hft_signals import OrderBookAnalyzer

START = 1_795_132_800_000_000_000
SYMBOL, KEY = "BTC/USD", "BTC/USD@kraken"
BEAT = SECOND // 4


class Desk:
    """A watch of one book of the simulated market; `spreads` as they stood at the first beat of each second."""

    def __init__(self) -> None:
        self.market = SimMarket(7, START, symbols=(SYMBOL,))
        self.source = Publisher(self.market, {SYMBOL: self.market.instruments[SYMBOL]})
        links = (LinkSpec("public", (Subscription("book", SYMBOL, 10),)),)
        self.watch = Watch("kraken", links, KrakenCodec(), OrderBookAnalyzer().score, {"*": 0.5})
        self.watch.link_up(0, START)
        self.live, self.book = self.watch.live[KEY], self.watch.markets[KEY].tracks["book"].book
        self.spreads: list[float] = []
        self.now, self.beats = START, START + BEAT
        for topic in (Topic("instrument", "", 0), Topic("book", SYMBOL, 10)):
            self.watch.frame(Frame(START, 0, self.source.open(topic, START)))

    def run(self, until: int, *, beating: bool = True) -> None:
        """Frames up to then, and the beats between them."""
        while (now := self.market.next_at) < until:
            while beating and self.beats <= now:
                self.beat()
            for _, data in self.source.advance(now):
                self.watch.frame(Frame(now, 0, data))
        self.now = until

    def beat(self) -> None:
        if self.beats % SECOND == 0:
            self.spreads.append(20_000 * (self.book.ask - self.book.bid) / (self.book.ask + self.book.bid))
        self.watch.beat(self.beats)
        self.beats += BEAT


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Times of the frames that the kernel did not settle by itself."""
    times: list[int] = []
    rescore = LiveScore.rescore

    def counted(live, track, now):
        times.append(now)
        rescore(live, track, now)

    monkeypatch.setattr(LiveScore, "rescore", counted)
    return times


def test_where_the_desk_beats_no_frame_but_the_first_is_looked_at_in_full(looks):
    """Breaks: a second's first frame pays for the samples again; or none are taken, and the reference freezes."""
    desk = Desk()
    desk.run(START + 100 * SECOND)
    assert desk.live.count > 1_000
    assert looks == [START]
    assert desk.live.spreads.samples == len(desk.spreads) + 1 == 100  # the first of all came with the first frame
    assert desk.watch.markets[KEY].flow.zscore(desk.now) is not None


def test_without_a_beat_a_frame_samples_two_seconds_after_it_is_due(looks):
    """A process that had no time for its beats, or a test that has none, still learns what a spread usually is."""
    desk = Desk()
    desk.run(START + 60 * SECOND, beating=False)
    waits = [after - before for before, after in pairwise(looks)]
    assert len(waits) >= 15
    assert min(waits) >= BEATLESS
    assert desk.live.spreads.samples == len(looks)


def test_a_score_keeps_the_spread_it_was_judged_by_until_the_next_frame():
    """On the beat that makes the reference known, the last score must not come to say what it was not made of."""
    desk = Desk()
    second = START + (ENOUGH - 1) * SECOND
    desk.run(second)
    while desk.beats < second:
        desk.beat()
    before = desk.live.latest, desk.live.count
    assert desk.live.spreads.samples == ENOUGH - 1
    desk.beat()
    kept = desk.live.score
    assert kept is not None
    assert (desk.live.spreads.samples, kept.features.spread_ref_bps) == (ENOUGH, 0.5)
    assert (kept.total, desk.live.count) == before
    desk.run(second + SECOND)
    fresh = desk.live.score
    assert fresh is not None
    assert fresh.features.spread_ref_bps == desk.live.spreads.median != 0.5
    assert fresh.features.spread_ref_bps == pytest.approx(median(desk.spreads), rel=0.05)
