"""desk/run/verify_folder.py: every real recording of a folder is proven, and one wrong file is found among them."""

from __future__ import annotations

import gzip
import json
import shutil

import pytest
from shared import shared

import deploy_trading_systems
from desk.errors import FeedError
from desk.io.frames import read_frames
from desk.run.captures import frames_of
from desk.run.twin import Twin
from desk.run.verify_folder import describe, verify_folder
from desk.run.verify_orders import verify_orders

ETH = "captures/kraken_v2_book_ethusd_d25_20260802.frames.gz"
BITSTAMP = "market/l3/bitstamp_btcusd_20150501_first2h30.log.gz"
CHECKED = {  # file: (right, checked, messages a kernel read); the final state is checked too where one is known
    "kraken_shape_level3_bitstamp_d10_a.frames.gz": (5812, 5812, 5811),
    "kraken_v1_book_5pairs_d1000_20210417a.frames.gz": (1674, 1674, 1674),
    "kraken_v1as2_book_5pairs_d1000_20210417a.frames.gz": (1679, 1679, 1674),
    "kraken_v2_book_btcusd_d10_20230730.frames.gz": (510, 510, 509),
    "kraken_v2_book_btcusd_d10_20260719a.frames.gz": (1071, 1071, 1070),
    "kraken_v2_book_btcusd_d10_20260801.frames.gz": (301, 301, 296),
    "kraken_v2_book_ethusd_d25_20260802.frames.gz": (1129, 1129, 1128),
    "kraken_v2_level3_vectors_btcusd.frames.gz": (4, 4, 3),
    "kraken_v2_samples_book_2026.frames.gz": (5, 5, 3),
    "binance_spot_depth_20211012a.frames.gz": (181, 181, 0),
    "coinbase_advshape_l2_data_20210417a.frames.gz": (4331, 4331, 0),
    "coinbase_exchange_level2_20210417a.frames.gz": (0, 0, 0),
}
OTHERS = {  # no state to end in
    "kraken_v2_docs_checksum_vectors.json": (1, 1),
    "kraken_v2_ladders_tiny_qty_a.json": (100, 100),
    "kraken_trades_btcusdt_20251110a.frames.gz": (220, 220),
    "coinbase_advanced_samples_2026.frames.gz": (4, 6),
}


def test_every_capture_is_right_by_the_fast_path_and_by_the_readable_one():
    """Checksums, sequences, final states and the venue's own minutes; samples of several connections say so."""
    result = verify_folder(shared("captures"))
    rows = {row["file"]: row for row in result["rows"]}
    assert result["ok"], describe(result)
    for name, (right, checked, kernel) in CHECKED.items():
        row = rows.pop(name)
        assert (row["right"], row["checked"], row["final"], row["paths"]["kernel"]) == (right, checked, "equal", kernel)
        assert row["paths"]["differences"] == 0
    for name, counts in OTHERS.items():
        row = rows.pop(name)
        assert (row["right"], row["checked"]) == counts
    [(name, left)] = rows.items()
    assert (name, left["note"]) == (
        "kraken_v2_samples_ticker_ohlc_2026.frames.gz", "9 frames understood; no book, nothing to prove",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "right", "kernel"),
    [
        ("l2/captures/KRAKEN_v1_book1000_a.txt.gz", 2252, 2252),
        ("l2/kraken_v2_book_btcusd_d10_20260816_first7s.ndjson", 54, 53),
        ("l3/kraken_v2_level3_checksum_example.ndjson", 2, 0),
    ],
)
def test_krakens_other_recordings_are_read_in_the_form_they_came(tmp_path, name, right, kernel):
    """v1 with its text, wrapped frames, frames alone: every checksum by both paths."""
    shutil.copy(shared(f"market/{name}"), tmp_path)
    [row] = verify_folder(tmp_path)["rows"]
    assert (row["right"], row["checked"], row["ok"], row["paths"]["kernel"]) == (right, right, True, kernel)
    assert row["paths"]["differences"] == 0


def test_bitstamps_single_orders_give_the_exchanges_best_bid_and_ask_from_hour_1_on():
    """1 650 of 1 651 snapshots; the other was taken 2 ms after an event that it does not hold yet. Both paths equal."""
    result = verify_orders(shared(BITSTAMP))
    assert [tuple(hour.values()) for hour in result["hours"]] == [(1055, 998, 2), (1103, 1103, 0), (548, 547, 1)]
    assert result["misses"] == [{"line": 25_968, "between": True, "ms_after_the_event": 2}]
    assert (result["events"], result["paths"]["kernel"], result["paths"]["differences"]) == (27_242, 27_242, 0)


def test_one_wrong_file_is_found_among_the_right_ones(tmp_path, capsys):
    """A wrong digit, another state than expected, a file cut short: each has its line, and the exit code is 1."""
    whole = shared(ETH).read_bytes()
    name = shared(ETH).name
    states = json.loads(shared("captures/expected_final_state.json").read_text())
    states["short"] = states["other"] = states[name.partition(".")[0]]
    (tmp_path / name).write_bytes(whole)
    (tmp_path / "short.frames.gz").write_bytes(whole[: len(whole) // 2])
    lines = gzip.decompress(whole).splitlines(keepends=True)
    (tmp_path / "other.frames.gz").write_bytes(gzip.compress(b"".join(lines[:-300]), 1))
    (tmp_path / "digit.frames.gz").write_bytes(
        gzip.compress(b"".join(lines).replace(b'"qty":2.41130000', b'"qty":2.41130001', 1))
    )
    (tmp_path / "expected_final_state.json").write_text(json.dumps(states))
    assert deploy_trading_systems.main(["verify-book", str(tmp_path)]) == 1
    said = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert " ok " in said[name]
    assert "WRONG" in said["digit.frames.gz"]
    assert "ends in the middle" in said["short.frames.gz"]
    assert "final state DIFFERS" in said["other.frames.gz"]
    assert deploy_trading_systems.main(["verify-book", str(tmp_path / name), "--json"]) == 0


def test_a_folder_without_recordings_is_no_success(tmp_path):
    """Nothing proven is not everything proven."""
    with pytest.raises(FeedError, match="no recording"):
        verify_folder(tmp_path)


def test_forms_of_other_recorders_give_the_frames_of_ours(tmp_path):
    """The same frames written five ways are the same frames; a line of none of them is named."""
    frames = [f for f in read_frames(shared(ETH)) if f.ts][:50]
    stamp = [(f"{f.ts // 10**9}.{f.ts % 10**9:09d}", f) for f in frames]
    forms = {
        "stream": b"".join(b"%d %s\n" % (f.ts, f.data) for f in frames if f.direction == "<"),
        "capture": b"wss://x <-> 1.5\n" + b"".join(
            b"%s%s: %s\n" % (b"wss://x <- " if f.direction == ">" else b"", text.encode(), f.data) for text, f in stamp
        ),
        "wrapped": b'{"captured_at":"x"}\n' + b"".join(
            b'{"rx_ns":%d,%s"frame":%s}\n' % (f.ts, b'"dir":"tx",' if f.direction == ">" else b"", f.data)
            for f in frames
        ),
        "alone": b"".join(b"%s\n" % f.data for f in frames),
    }  # fmt: skip
    for name, text in forms.items():
        (tmp_path / name).write_bytes(text)
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text))
        got = [f.data for f in frames_of(tmp_path / name)]
        assert got == [f.data for f in frames_of(tmp_path / f"{name}.gz")]
        assert got == [f.data for f in frames if name != "stream" or f.direction == "<"]
    timed = [(f.ts, f.direction, f.data) for f in frames_of(tmp_path / "capture")]
    assert timed == [(f.ts, f.direction, f.data) for f in frames]
    (tmp_path / "torn").write_bytes(forms["stream"] + b"what is this\n")
    with pytest.raises(FeedError, match="expected a time and a frame"):
        list(frames_of(tmp_path / "torn"))


def test_a_twin_whose_paths_part_says_so():
    """The comparison has teeth: one order more on one side, and the next message tells."""
    [update, *_] = [m for m in _updates() if not m.snapshot and m.bids]
    twin = Twin("book", 25)
    twin.raw.apply(update)
    twin.apply(update)
    twin.compare()
    assert twin.differ == 0  # the same message twice changes nothing
    twin.raw.apply(type(update)(update.inst, ((1, 1),), (), snapshot=False))
    twin.apply(update)
    assert twin.differ > 0
    assert twin.first.startswith("message 2: ")


def _updates():
    from desk.messages import BookUpdate
    from desk.wire.kraken import KrakenCodec

    codec = KrakenCodec()
    for frame in read_frames(shared(ETH)):
        yield from (m for m in codec.decode(frame.data) if frame.direction == "<" and isinstance(m, BookUpdate))
