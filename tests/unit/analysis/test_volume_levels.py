"""Levels that come from volume: naked POCs, nodes and book clusters, now and on past days; the hours of the day."""

from __future__ import annotations

from statistics import median

import numpy as np
import pytest
from candles import START, flat, frames_of, walk, without
from mornings import cut

from desk.analysis.candidates import volume_nodes
from desk.analysis.clusters import LOOK_NS, Looks
from desk.analysis.findings import BookHour, Checks, Cluster, Microstructure, Recorded
from desk.analysis.intraday import intraday
from desk.analysis.naked import naked_pocs
from desk.analysis.profile import profile
from desk.analysis.profiles import profiles
from desk.analysis.readings import CLUSTERS_FRESH_NS
from desk.analysis.shape import DAY, MINUTE, Beside
from desk.instrument import Instrument
from desk.research.reactions import levels_then, past_days
from ultimate_crypto_analyzer import analyse

HOUR = 60 * MINUTE
XY = Instrument("X/Y", "v", px_decimals=1, qty_decimals=2)  # 10 ticks and 100 lots are 1


def recorded(end: int, clusters: tuple[Cluster, ...] = (), hours: tuple[BookHour, ...] = ()) -> Recorded:
    """A recording of one sample that ended at `end`."""
    book = Microstructure(end - MINUTE, end, MINUTE, 1, 0, 1.0, 1.0, (), (), hours, clusters)
    return Recorded("r", book, checks=Checks(end, 10, 1, 0))


@pytest.mark.parametrize("interval", ["15m", "1h"])
def test_naked_pocs_of_any_moment_are_those_of_candles_cut_there(interval: str) -> None:
    """One pass must say what a report of each day would have said, holes in the candles included."""
    whole = walk(100 * DAY // (15 * MINUTE if interval == "15m" else HOUR), interval, seed=11)
    dice = np.random.Generator(np.random.PCG64(2))
    frame = without(whole, dice.choice(len(whole), len(whole) // 50, replace=False).tolist())
    index = naked_pocs({interval: frame})
    assert index is not None
    seen = 0
    for now in dice.integers(START + 32 * DAY, frame.end, 40).tolist():
        made = profiles({interval: cut(frame, now)}, now, None)
        assert made is not None
        expected = [a.poc for a in made.sessions if a.naked]
        assert index.at(now) == expected
        seen += len(expected)
    assert seen > 40
    assert index.at(START + 29 * DAY) == []
    assert naked_pocs({}) is None


def test_past_levels_are_those_that_a_report_of_that_day_showed() -> None:
    """A reaction rate of other levels than the report names would be another kind's."""
    frames = frames_of(walk(200 * 24, "1h", seed=4))
    naked = naked_pocs(frames)
    kinds = set()
    for start in past_days(frames["1h"], frames["1d"])[:150:15]:
        then = analyse("X/Y", {name: cut(f, start.ts) for name, f in frames.items()}, start.ts, measure=False)
        shown = [(lv.price, lv.kinds, lv.confluence) for lv in then.levels]
        assert [(lv.price, lv.kinds, lv.confluence) for lv in levels_then(frames, start, naked)] == shown
        kinds |= {kind for lv in then.levels for kind in lv.kinds}
    assert {"POC", "VAH", "VAL", "naked POC", "HVN", "LVN", "round", "swing high", "prior day low"} <= kinds


def test_the_new_kinds_have_a_record_against_random_levels() -> None:
    """n and interval as every other kind."""
    frames = frames_of(walk(200 * 24, "1h", seed=4))
    records = {r.kind: r for r in analyse("X/Y", frames, frames["1h"].end).reactions}
    for kind in ("naked POC", "HVN", "LVN"):
        r = records[kind]
        assert r.n > 10
        assert r.random_n > r.n
        assert r.rate is not None
        assert r.low is not None
        assert r.high is not None
        assert r.low < r.rate < r.high


def test_the_pocs_own_bin_is_no_second_kind() -> None:
    """The fullest bin is POC and the highest node at once: counted twice it would pose as confluence."""
    shape = profile(walk(720, "1h", seed=6), "1h")
    assert shape is not None
    marks = volume_nodes(shape)
    assert {c.kind for c in marks} == {"HVN", "LVN"}
    assert all(abs(c.price - shape.poc) > shape.width / 2 for c in marks)
    assert volume_nodes(None) == []


def book(extra: dict[int, int]) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """100 lots at every tick of 10 000 ± 300 ticks, and `extra` lots at some."""
    sides = (range(9_999, 9_700, -1), range(10_001, 10_300))
    bids, asks = ([(px, 100 + extra.get(px, 0), 1) for px in side] for side in sides)
    return bids, asks


def test_a_cluster_is_where_much_more_rests_than_around_and_stays() -> None:
    """An order of one look is no level; one that stands for five minutes is, at its own price."""
    looks, shallow = Looks(XY), Looks(XY)
    for i in range(40):
        bids, asks = book({9_902: 5_000} | ({10_103: 9_000} if i == 7 else {}))
        looks.look(START + i * LOOK_NS, bids, asks)
        looks.look(START + i * LOOK_NS + 1, *book({9_800: 90_000}))  # between two looks nobody looks
        shallow.look(START + i * LOOK_NS, bids[:10], asks[:10])
        if i == 28:
            assert looks.clusters() == ()
    (found,) = looks.clusters()
    assert (found.price, found.side, found.seen, found.looks) == (990.2, "bid", 40, 40)
    cell = [px for px in range(9_700, 10_000) if px // 5 == 9_902 // 5]  # 5 bps of 10 000 ticks
    assert found.value == pytest.approx(sum(px * (100 + 5_000 * (px == 9_902)) for px in cell) / 1000)
    assert found.times == pytest.approx(found.value / (sum(cell) * 100 / 1000), rel=0.01)
    assert shallow.clusters() == ()


def test_a_cluster_is_a_level_only_while_the_recording_is_fresh() -> None:
    """Resting orders are gone within the hour; without a recording the kind does not appear at all."""
    frames = frames_of(walk(90 * 24, "1h"))
    now = frames["1h"].end
    price = float(frames["1h"].close[-1]) * 1.001
    clusters = (Cluster(price, "ask", 1e6, 9.0, 40, 40),)
    for age, there in ((0, True), (CLUSTERS_FRESH_NS, True), (CLUSTERS_FRESH_NS + 1, False), (-1, False)):
        a = analyse("X/Y", frames, now, beside=Beside("", {}, recorded(now - age, clusters)), measure=False)
        assert any("book cluster" in lv.kinds for lv in a.levels) is there
        assert (a.checks is not None) is (age >= 0)
    a = analyse("X/Y", frames, now, measure=False)
    assert not any("book cluster" in lv.kinds for lv in a.levels)


# --- hours of the day


def test_hours_are_medians_of_their_days_and_the_spread_stands_where_it_was_recorded() -> None:
    """Recounted hour by hour in plain Python; a hole in the candles takes a day from its own hour only."""
    bars = without(walk(24 * 40 + 7, "1h", seed=9), [500, 501])
    end = bars.end
    got = intraday(bars, recorded(end, hours=(BookHour(3, 60, 2.5, 7e4), BookHour(4, 30, 3.5, None))).book)
    assert got is not None
    newest = list(zip(bars.ts.tolist(), bars.volume.tolist(), strict=True))[-720:]
    by_hour = {h: [v for ts, v in newest if ts // HOUR % 24 == h] for h in range(24)}
    total = sum(v for _, v in newest)
    for x in got.hours:
        assert x.days == len(by_hour[x.hour])
        assert x.volume == pytest.approx(median(by_hour[x.hour]))
        assert x.low <= x.volume <= x.high
        assert x.share == pytest.approx(sum(by_hour[x.hour]) / total)
    assert sum(x.share for x in got.hours) == pytest.approx(1.0)
    assert {x.hour: (x.spread_bps, x.depth, x.samples) for x in got.hours if x.samples} == {
        3: (2.5, 7e4, 60),
        4: (3.5, None, 30),
    }
    assert (got.spread_hours, got.begin, got.end) == (2, newest[0][0], end)


def test_hours_need_five_days_and_volume() -> None:
    """Four mornings make no habit."""
    assert intraday(walk(24 * 5, "1h"), None) is not None
    assert intraday(walk(24 * 5 - 1, "1h"), None) is None
    assert intraday(flat(24 * 9, "1h", volume=0.0), None) is None
    assert intraday(walk(300, "4h"), None) is None
    assert intraday(None, None) is None
