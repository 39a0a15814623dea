"""desk/run/verify_book.py: every real Kraken v2 recording proves itself and ends in the expected state."""

from __future__ import annotations

import gzip
import json

import pytest
from shared import shared

from desk.errors import FeedError
from desk.run.verify_book import verify_book
from desk.run.verify_stream import verify_stream

MESSAGES = {
    "kraken_v2_book_btcusd_d10_20260801": 301,
    "kraken_v2_book_ethusd_d25_20260802": 1129,
    "kraken_v2_book_btcusd_d10_20260719a": 1071,
    "kraken_v2_book_btcusd_d10_20230730": 510,
    "kraken_v2_samples_book_2026": 5,
    "kraken_v1as2_book_5pairs_d1000_20210417a": 1679,
    "kraken_v2_level3_vectors_btcusd": 4,
    "kraken_shape_level3_bitstamp_d10_a": 5812,
}


@pytest.mark.parametrize("name", MESSAGES)
def test_every_checksum_of_a_real_recording_is_right(name):
    """L2 and L3, five to a thousand levels; the final state is an independent checker's."""
    result = verify_book(shared(f"captures/{name}.frames.gz"))
    expected = json.loads(shared("captures/expected_final_state.json").read_text())[name]
    assert (result["messages"], result["crc_ok"], result["crc_bad"]) == (MESSAGES[name], MESSAGES[name], 0)
    assert result["first_bad_line"] is None
    assert result["final"] == expected


def test_a_wrong_digit_is_found_at_its_line(tmp_path):
    """0-based, and nothing is repaired: the messages after it go on being compared."""
    lines = gzip.decompress(shared("captures/kraken_v2_book_ethusd_d25_20260802.frames.gz").read_bytes()).split(b"\n")
    snapshot = next(i for i, line in enumerate(lines) if b'"snapshot","data"' in line)
    lines[snapshot] = lines[snapshot].replace(b'"qty":2.41130000', b'"qty":2.41130001', 1)
    broken = tmp_path / "broken.frames.gz"
    broken.write_bytes(gzip.compress(b"\n".join(lines)))
    result = verify_book(broken)
    assert result["first_bad_line"] == snapshot
    assert result["crc_bad"] > 0
    assert result["messages"] == 1129


def test_a_recording_cut_short_is_proven_as_far_as_it_goes(tmp_path):
    """And says what is missing."""
    whole = shared("captures/kraken_v2_book_ethusd_d25_20260802.frames.gz").read_bytes()
    short = tmp_path / "short.frames.gz"
    short.write_bytes(whole[: len(whole) // 2])
    result = verify_book(short)
    assert 0 < result["crc_ok"] < 1129
    assert "ends in the middle" in result["problem"]


def test_a_recording_of_another_venue_is_named():
    """Not an empty success."""
    with pytest.raises(FeedError, match="no Kraken book"):
        verify_book(shared("market/l2/captures/BITGET.ws.1.0.txt.gz"))


@pytest.mark.parametrize("name", ["binance_spot_depth_20211012a", "coinbase_advshape_l2_data_20210417a"])
def test_a_venue_without_checksums_is_proven_by_its_sequence(name):
    """The same command for every venue; see test_verify_sequence.py for what is proven."""
    result = verify_book(shared(f"captures/{name}.frames.gz"))
    assert result["venue"] == name.partition("_")[0]
    assert (result["sequence_ok"], result["gaps"]) == (result["numbered"], 0)
    assert "crc_ok" not in result


@pytest.mark.parametrize("name", ["ethusd_d25_20260802", "btcusd_d10_20260801"])
def test_the_fast_proof_says_what_the_whole_one_says(name):
    """`--fast` reads many lines a call and asks the kernel alone."""
    path = shared(f"captures/kraken_v2_book_{name}.frames.gz")
    fast, whole = verify_stream(path), verify_book(path)
    assert fast.pop("paths") is None
    assert whole.pop("paths")["differences"] == 0
    assert fast == whole
