"""benchmarks/: the stream has a live market's shape, and whoever is compared arrived at the same book. No timings."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from benchmarks import candles
from benchmarks.contenders import Contender, measure, ours, peers, storage, whole_engine
from benchmarks.contenders import candles as computing
from benchmarks.processes import Contending
from benchmarks.rows import GROUPS, Bar
from benchmarks.stream import LIVE, frames, record, shape
from benchmarks.table import judged, verdict
from desk.wire.kraken import KrakenCodec

COUNT = 400


@cache
def stream(channel: str, depth: int) -> list[bytes]:
    """COUNT frames, made once: a market takes half a second to open."""
    return frames((channel,), depth, COUNT)


def given(folder: Path, channel: str, depth: int) -> dict[str, Any]:
    made = stream(channel, depth)
    return {"path": str(record(made, folder / "s.frames.gz")), "depth": depth, "count": COUNT}


@pytest.mark.parametrize("depth", [10, 25, 100])
def test_the_stream_has_the_shape_of_a_live_one(depth: int) -> None:
    """Breaks: frames that are shorter, or change less, than live ones make everybody look faster than they are."""
    found = shape(frames(("book",), depth, 3000), "book")
    assert found["entries an update"] == pytest.approx(LIVE["entries an update"][depth], rel=0.15)  # type: ignore[index]
    assert found["removals"] == pytest.approx(LIVE["removals"], abs=0.03)
    assert found["bytes a frame"] == pytest.approx(LIVE["bytes a frame"], rel=0.05)


@pytest.mark.parametrize(
    ("channel", "contender", "module"),
    [
        ("book", ours.by_frame("book"), ""),
        ("book", ours.in_batches, ""),
        ("book", ours.scored("book"), ""),
        ("book", ours.by_message("book"), ""),
        ("book", whole_engine.engine(trades=False), ""),
        ("book", whole_engine.engine(trades=True), ""),
        ("book", storage.verified_recording, ""),
        ("book", peers.order_book, "order_book"),
        ("book", peers.kraken_sdk, "kraken.spot"),
        ("level3", ours.by_frame("level3"), ""),
        ("level3", ours.scored("level3"), ""),
        ("level3", ours.by_message("level3"), ""),
    ],
)
def test_every_contender_proves_every_frame_and_ends_with_the_venues_book(
    tmp_path: Path, channel: str, contender: Contender, module: str
) -> None:
    """Breaks: a contender is fast because it skips frames, or builds another book; twice, as repetitions start anew."""
    if module:
        pytest.importorskip(module, reason=f"{module} is one of the benchmark's own packages")
    work = contender(given(tmp_path, channel, 10))
    last = KrakenCodec().decode(stream(channel, 10)[-1])[-1].checksum  # type: ignore[union-attr]
    for _ in range(2):
        result = work()
        assert (result["proven"], result["wrong"], result["final"]) == (COUNT, 0, last)


@pytest.mark.parametrize(
    ("contenders", "arrays"),
    [
        ((computing.six, computing.pandas_ta), 10),
        ((computing.profile, computing.numpy_histogram), 1),
        ((computing.ladder, *(computing.pandas_resample(chained=chained) for chained in (False, True))), 30),
    ],
)
def test_contenders_on_candles_give_one_answer_and_another_one_is_named(
    tmp_path: Path, contenders: tuple[Contender, ...], arrays: int
) -> None:
    """Breaks: two figures stand side by side that are not of the same work."""
    path = candles.save(candles.walk(14 * 1440), tmp_path / "walk.npz")
    answers = [tmp_path / f"{i}.npz" for i in range(len(contenders))]
    for contender, answer in zip(contenders, answers, strict=True):
        assert contender({"path": str(path), "count": 14 * 1440, "answer": str(answer)})()["us"] > 0
        assert candles.difference(answers[0], answer)[1] == ""
    assert candles.difference(*answers[:2])[0] == arrays
    bent = candles.load(answers[1])
    last = list(bent)[-1]
    bent[last][-1] += 1e-3
    candles.save(bent, answers[1])
    assert candles.difference(*answers[:2])[1].startswith(f"{last} differs from ours by up to 0.001")


def test_a_peer_that_is_not_installed_is_a_reason_in_the_table(tmp_path: Path) -> None:
    """Breaks: the benchmark ends with a traceback on a machine without the peers, or leaves them out silently."""
    group = next(n for n, each in enumerate(GROUPS) if each.name.startswith("bytes → verified L2 book, depth 10"))
    number = next(n for n, each in enumerate(GROUPS[group].entries) if each.name == "order-book + msgspec")
    entry = GROUPS[group].entries[number]
    asked = Contending(group, number, entry._replace(apart=False), given(tmp_path, "book", 10))
    asked.repeat()
    (said,) = asked.close()
    if "missing" not in said:
        pytest.skip("order-book is installed here")
    assert said == {"missing": "order_book is not installed"}
    rows = [{"group": GROUPS[group].name, "contender": entry.name, **said}]
    bars = judged(GROUPS[group], rows)
    assert {bar["verdict"] for bar in bars} == {"not measured"}


def test_a_bar_is_judged_in_the_direction_of_its_unit() -> None:
    """More is better for a ratio to a peer, less for a time."""
    ratio, limit = Bar("ours", "peer", 8, 15), Bar("ours", "p50", 2, 0.8, "µs")
    assert [verdict(ratio, x) for x in (7.9, 8, 15)] == ["must MISSED", "must met", "moonshot reached"]
    assert [verdict(limit, x) for x in (2.1, 2, 0.8)] == ["must MISSED", "must met", "moonshot reached"]


def test_every_bar_names_a_row_of_its_group() -> None:
    """Breaks: a bar is never judged because a contender was renamed."""
    for group in GROUPS:
        names = {entry.name for entry in group.entries}
        for bar in group.bars:
            assert bar.row in names, bar
            assert bar.of in names if bar.is_ratio else True, bar


def test_the_checksum_of_wire_text_is_the_venues() -> None:
    """The judge of the socket rows: leading zeros and the point do not count."""
    assert measure.text_crc([("0.05005", "0.00000500")], []) == measure.text_crc([("5.005", "500")], [])
