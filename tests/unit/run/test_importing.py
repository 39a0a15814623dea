"""desk/run/importing.py, recorded_candles.py: files and recordings into the store; only what was there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shared import shared

from desk.errors import FeedError
from desk.io.candle_store import CandleStore
from desk.run.importing import Part, parts_of, put
from desk.run.recorded_candles import is_recording, recorded_prints, venue_of, whole_candles

MINUTE = 60 * 10**9
TRADES = "captures/kraken_trades_btcusdt_20251110a.frames.gz"
NOW = 2**62


def test_recorded_prints_make_the_candles_that_kraken_itself_made() -> None:
    """500 real prints against Kraken's own rows of the same minutes; quiet minutes and the two ends are left out."""
    path = shared(TRADES)
    want = json.loads(shared(TRADES.replace(".frames.gz", "_ohlc1m_expected.json")).read_text())["rows"]
    got = whole_candles("here", recorded_prints(path, "kraken", ("BTC/USDT",))["BTC/USDT"], MINUTE)
    traded = {row[0] * 10**9: [float(row[i]) for i in (1, 2, 3, 4, 6)] for row in want if row[7]}
    columns = (got.open, got.high, got.low, got.close, got.volume)
    made = {int(ts): [float(c[i]) for c in columns] for i, ts in enumerate(got.ts)}
    assert len(made) > 135
    assert all(traded[ts] == row for ts, row in made.items() if ts in traded)
    assert set(traded) - set(made) <= {max(traded)}


def test_a_lost_print_costs_its_own_candle_and_no_other() -> None:
    """A candle without one of its trades would have a wrong high, or a wrong volume, and look like any other."""
    prints = recorded_prints(shared(TRADES), "kraken", ("BTC/USDT",))["BTC/USDT"]
    whole = whole_candles("here", prints, 5 * MINUTE)
    lost = sorted(prints)[250]
    bucket = prints[lost].ts // (5 * MINUTE) * 5 * MINUTE
    left = whole_candles("here", {n: p for n, p in prints.items() if n != lost}, 5 * MINUTE)
    gone = set(whole.ts.tolist()) - set(left.ts.tolist())
    assert bucket in gone
    assert gone <= {bucket, bucket - 5 * MINUTE, bucket + 5 * MINUTE}  # a border trade vouches for two


def test_a_recording_is_imported_as_its_venue_s_candles(tmp_path: Path) -> None:
    """Twice is the same as once; a folder that does not say whose it is is refused."""
    path = shared(TRADES)
    with CandleStore(tmp_path / "c.db", write=True) as store:
        (part,) = parts_of(path, "kraken", None)
        first, again = (put(store, part, NOW) for _ in range(2))
        assert [i.interval_ns // MINUTE for i in first] == [5, 15, 60]
        assert [i.added.new for i in first] == [i.twice for i in again]
        assert all(i.added.new for i in first)
        assert store.venues("BTC/USDT") == ["kraken"]
    with pytest.raises(FeedError, match="does not say of which venue"):
        put(store, Part(path, None, ()), NOW)


def test_our_own_recordings_say_whose_they_are(tmp_path: Path) -> None:
    """By the manifest, and after a kill, without one, by the folder."""
    day = tmp_path / "recordings" / "binance" / "2026-11-20"
    day.mkdir(parents=True)
    (day / "090000-public.frames.gz").write_bytes(b"")
    assert is_recording(tmp_path)
    assert venue_of(day) == ("binance", ())
    (day / "090000-public.manifest.json").write_text('{"venue": "ccxt-okx", "symbols": ["ETH/USDT", "BTC/USDT"]}')
    assert venue_of(tmp_path) == ("ccxt-okx", ("BTC/USDT", "ETH/USDT"))


def test_two_markets_under_one_number_are_refused(tmp_path: Path) -> None:
    """Two runs of the embedded exchange number their trades alike."""
    line = '7\t<\t{"channel":"trade","type":"update","data":[{"symbol":"A/B","side":"buy","price":%s,"qty":1.0,'
    line += '"ord_type":"limit","trade_id":5,"timestamp":"2026-01-01T00:00:00.000000Z"}]}\n'
    file = tmp_path / "x.frames"
    file.write_text(line % "1.5" + line % "1.5")
    assert len(recorded_prints(file, "embedded", ("A/B",))["A/B"]) == 1
    file.write_text(line % "1.5" + line % "1.6")
    with pytest.raises(FeedError, match=r"two trades of A/B have the number 5: recordings of different markets"):
        recorded_prints(file, "embedded", ("A/B",))


def test_what_cannot_be_imported_is_named_with_its_fix(tmp_path: Path) -> None:
    """A folder without candles, a file without a market."""
    with pytest.raises(FeedError, match=r"neither \.csv nor \.parquet files nor a recording"):
        parts_of(tmp_path, None, None)
    file = tmp_path / "prices_5m.csv"
    file.write_text("ts,open,high,low,close,volume\n1700000000000,1,1,1,1,1\n")
    with CandleStore(tmp_path / "c.db", write=True) as store:
        with pytest.raises(FeedError, match=r"prices_5m\.csv: the name tells no market; add --symbol"):
            put(store, Part(file, None, ()), NOW)
        (done,) = put(store, Part(file, None, ("BTC/USDT",)), NOW)
    assert (done.venue, done.added.new) == ("file", 1)


def test_a_perpetual_s_candles_never_enter_the_pair_s(tmp_path: Path) -> None:
    """They would fill the pair's gaps with prices that nobody paid there."""
    header = "ts,open,high,low,close,volume\n"
    spot = [f"{1_700_000_100_000 + i * 300_000},10,11,9,10,{i}\n" for i in range(9)]
    (tmp_path / "btcusdt_5m.csv").write_text(header + "".join(spot[:4] + spot[5:]))
    (tmp_path / "btcusdt_perp_5m.csv").write_text(header + "".join(spot).replace(",9,10,", ",9,10.5,"))
    said = []
    with CandleStore(tmp_path / "c.db", write=True) as store:
        for part in parts_of(tmp_path, "binance", None):
            try:
                put(store, part, NOW)
            except FeedError as err:
                said.append(str(err))
        renamed = (tmp_path / "btcusdt_perp_5m.csv").rename(tmp_path / "btcusdt_more_5m.csv")
        with pytest.raises(FeedError, match=r"8 of the 8 candles that are stored already are others here .* --venue"):
            put(store, Part(renamed, "binance", ()), NOW)
        assert [(s.count, s.gaps) for s in store.contents()] == [(8, 1)]
    assert len(said) == 1
    assert "btcusdt_perp_5m.csv: candles of a perpetual or a future are not BTC/USDT's" in said[0]
