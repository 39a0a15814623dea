"""desk/run/verify_sequence.py: recordings without checksums prove themselves, and every fault is found at its line."""

from __future__ import annotations

import gzip
import json

import pytest
from shared import shared

import deploy_trading_systems
from desk.errors import FeedError
from desk.run.verify_sequence import describe, venue_of, verify_sequence

BINANCE = "captures/binance_spot_depth_20211012a.frames.gz"
LEGACY = "captures/coinbase_exchange_level2_20210417a.frames.gz"
ADVANCED = "captures/coinbase_advshape_l2_data_20210417a.frames.gz"
STREAMS = {  # depth updates and the snapshot, counted with grep
    "cm_btcusd_perp": 26_848,
    "cm_ethusd_perp": 22_910,
    "spot_btcusdt": 3_452,
    "spot_ethusdt": 3_435,
    "usdm_btcusdt": 6_552,
    "usdm_ethusdt": 6_587,
}


def expected(name):
    return json.loads(shared("captures/expected_final_state.json").read_text())[name]


def lines_of(path):
    return gzip.decompress(shared(path).read_bytes()).splitlines(keepends=True)


def written(tmp_path, lines):
    path = tmp_path / "made.frames.gz"
    path.write_bytes(gzip.compress(b"".join(lines), 1))
    return path


def test_binance_spot_joins_its_snapshots_and_ends_as_an_independent_checker_did():
    """149, 9, 13 and 1 updates applied; every one of the 177 follows the one before."""
    result = verify_sequence(shared(BINANCE))
    assert result["final"] == expected("binance_spot_depth_20211012a")
    assert (result["messages"], result["sequence_ok"], result["gaps"]) == (177 + 4, 177 + 4, 0)
    assert (result["venue"], result["crossed"], result["unproven"], result["undecodable"]) == ("binance", 0, 0, 0)
    assert (result["first_bad_line"], result["problem"]) == (None, "")


@pytest.mark.parametrize("stream", STREAMS)
def test_binance_streams_with_their_snapshot_inside_have_no_gap(stream):
    """Spot by U and u, both futures by pu; five minutes each, never crossed."""
    result = verify_sequence(shared(f"market/l2/hftbacktest_{stream}_20240808.jsonl.gz"))
    assert (result["messages"], result["sequence_ok"], result["gaps"]) == (STREAMS[stream], STREAMS[stream], 0)
    assert (result["crossed"], result["unproven"], result["undecodable"]) == (0, 0, 0)


def test_a_books_top_is_the_venues_own_at_the_same_update(tmp_path):
    """bookTicker is another channel with the same update numbers: wherever both speak of one number, they agree."""
    lines = lines_of(BINANCE)
    tops = {}
    for line in lines:
        said = json.loads(line.split(b"\t", 2)[2]).get("data", {})
        if "B" in said:
            tops[said["s"], said["u"]] = [said["b"], said["B"]], [said["a"], said["A"]]
    agreed = 0
    for at, line in enumerate(lines):
        said = json.loads(line.split(b"\t", 2)[2]).get("data", {})
        top = tops.get((said.get("s"), said.get("u")))
        if said.get("e") == "depthUpdate" and top:
            book = verify_sequence(written(tmp_path, lines[: at + 1]))["final"].get(said["s"])
            if book and book["last_u"] == said["u"]:
                assert (book["best_bid"], book["best_ask"]) == top
                agreed += 1
    assert agreed > 5


def test_coinbase_advanced_numbers_run_from_0_to_4330():
    """Over heartbeats too, and the books end as the independent checker's."""
    result = verify_sequence(shared(ADVANCED))
    assert (result["numbered"], result["sequence_ok"], result["gaps"]) == (4331, 4331, 0)
    assert (result["messages"], result["crossed"], result["unproven"], result["undecodable"]) == (4301, 0, 0, 0)
    assert result["final"] == expected("coinbase_level2_20210417a")


def test_the_exchange_feed_is_rebuilt_and_called_unproven():
    """It has no numbers: nothing shows a lost message, and the result says so."""
    result = verify_sequence(shared(LEGACY))
    assert (result["venue"], result["messages"], result["numbered"]) == ("coinbase exchange", 4301, 0)
    assert (result["unproven"], result["crossed"], result["undecodable"]) == (4301, 0, 0)
    assert result["final"] == expected("coinbase_level2_20210417a")


def dropped(lines, at, after):
    return lines[:at] + lines[at + 1 :], after - 1


def swapped(lines, at, after):
    lines[at], lines[after] = lines[after], lines[at]
    return lines, at


def repeated(lines, at, after):
    return [*lines[: at + 1], lines[at], *lines[at + 1 :]], at + 1


@pytest.mark.parametrize("fault", [dropped, swapped, repeated])
@pytest.mark.parametrize("place", [0, 30, 90])
def test_a_fault_in_a_binance_stream_is_found_at_its_line(tmp_path, fault, place):
    """Lost, swapped or repeated after the snapshot: the first message that does not follow is named."""
    lines = lines_of(BINANCE)
    ours = [i for i, line in enumerate(lines) if b'"depthUpdate"' in line and b'"NKNUSDT"' in line][2:]
    made, bad = fault(lines, ours[place], ours[place + 1])
    result = verify_sequence(written(tmp_path, made))
    assert result["first_bad_line"] == bad
    assert result["gaps"] in (1, 2, 3)
    assert result["unproven"] > 0
    whole = expected("binance_spot_depth_20211012a")
    assert {name: book for name, book in result["final"].items() if name != "NKNUSDT"} == {
        name: book for name, book in whole.items() if name != "NKNUSDT"
    }
    assert result["final"]["NKNUSDT"]["applied"] == 1 + place + (fault is repeated)


@pytest.mark.parametrize("fault", [dropped, swapped, repeated])
@pytest.mark.parametrize("place", [0, 5, 323, 4000])
def test_a_fault_on_a_coinbase_connection_is_found_at_its_line(tmp_path, fault, place):
    """Whatever the frame holds, a heartbeat (323) as well as the first snapshot."""
    made, bad = fault(lines_of(ADVANCED), place, place + 1)
    result = verify_sequence(written(tmp_path, made))
    assert result["first_bad_line"] == bad
    assert result["gaps"] == (2 if fault is swapped else 1)
    assert result["undecodable"] == 0
    assert (result["unproven"] > 0) == (place > 0 or fault is not repeated)  # then every snapshot is yet to come


def test_a_new_connection_counts_from_0_again(tmp_path):
    """Recorded one after the other; the books begin again with their snapshots."""
    lines = lines_of(ADVANCED)
    result = verify_sequence(written(tmp_path, lines[:400] + lines))
    assert (result["gaps"], result["sequence_ok"], result["unproven"]) == (0, 400 + 4331, 0)
    assert result["final"] == expected("coinbase_level2_20210417a")


def test_a_frame_that_is_not_understood_shows_as_a_gap(tmp_path):
    """Nothing is skipped silently: the next number does not follow."""
    for path, word in ((ADVANCED, b'"new_quantity"'), (BINANCE, b'"depthUpdate"')):
        lines = lines_of(path)
        at = 100 if path == ADVANCED else max(i for i, line in enumerate(lines[:100]) if word in line)
        lines[at] = lines[at].replace(word, b'"oops"').replace(b'"e":"oops"', b'"e":5')
        result = verify_sequence(written(tmp_path, lines))
        assert (result["undecodable"], result["gaps"]) == (1, 1)
        assert result["first_bad_line"] > at


def test_a_recording_cut_short_is_proven_as_far_as_it_goes(tmp_path):
    """And says what is missing, for both kinds of file."""
    for path in (BINANCE, "market/l2/hftbacktest_spot_ethusdt_20240808.jsonl.gz"):
        whole = shared(path).read_bytes()
        short = tmp_path / "short.gz"
        short.write_bytes(whole[: len(whole) // 2])
        result = verify_sequence(short)
        assert "ends in the middle" in result["problem"]
        assert result["sequence_ok"] == result["numbered"] > 0


def test_other_files_are_of_no_venue_here(tmp_path):
    """They go on to the Kraken proof, or are refused in one line."""
    (tmp_path / "text").write_text("hello\n")
    (tmp_path / "stream").write_text('1723161256172216566 {"channel":"book"}\n')
    kraken = shared("captures/kraken_v2_book_ethusd_d25_20260802.frames.gz")
    for path in (kraken, tmp_path / "text", tmp_path / "stream", tmp_path / "absent", tmp_path):
        assert venue_of(path) == ""
        with pytest.raises(FeedError, match="no Binance or Coinbase frame"):
            verify_sequence(path)


def test_on_the_command_line(tmp_path, capsys):
    """Exit 0 and JSON for a whole recording; exit 1 and the line for one with a hole."""
    assert deploy_trading_systems.main(["verify-book", str(shared(BINANCE)), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["final"] == expected("binance_spot_depth_20211012a")
    lines = lines_of(ADVANCED)
    holed = written(tmp_path, lines[:50] + lines[51:])
    assert deploy_trading_systems.main(["verify-book", str(holed)]) == 1
    said = capsys.readouterr().out
    assert "1 gaps, the first at line 50 (coinbase: expected sequence 50, received 51)" in said
    assert said.strip() == describe(verify_sequence(holed))
