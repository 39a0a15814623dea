"""desk/io/candle_store.py: every candle once, closed only, gaps as gaps, and nothing lost to a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from candles import START, walk, without
from shared import ROOT, shared

from desk.analysis.shape import FRAMES, Frame
from desk.errors import FeedError
from desk.io.candle_store import Added, CandleStore
from desk.io.history import candles_in, market_in

FIVE = FRAMES["5m"]
WALK = walk(2000)
LATER = WALK.end


def store_of(folder: Path) -> CandleStore:
    return CandleStore(folder / "candles.db", write=True)


def same(a: Frame, b: Frame) -> bool:
    """Every column, bit for bit."""
    return all(
        np.array_equal(x, y)
        for x, y in (
            (a.ts, b.ts),
            (a.open, b.open),
            (a.high, b.high),
            (a.low, b.low),
            (a.close, b.close),
            (a.volume, b.volume),
            (a.thin, b.thin),
        )
    )


def test_what_is_stored_is_read_bit_for_bit_however_often_it_is_given(tmp_path: Path) -> None:
    """A second download of the same hours must change nothing and say so."""
    with store_of(tmp_path) as store:
        assert store.add("kraken", "BTC/USD", WALK, LATER) == Added(new=2000)
        assert store.add("kraken", "BTC/USD", WALK, LATER) == Added(duplicates=2000)
        assert same(store.read("kraken", "BTC/USD", FIVE), WALK)
        assert same(store.read("kraken", "BTC/USD", FIVE, 7), WALK.upto(LATER, 7))
        assert len(store.read("binance", "BTC/USD", FIVE)) == 0
        assert (store.venues("BTC/USD"), store.symbols("kraken"), store.intervals("kraken", "BTC/USD")) == (
            ["kraken"],
            ["BTC/USD"],
            [FIVE],
        )


def test_the_running_candle_never_enters(tmp_path: Path) -> None:
    """A candle read before its end would be frozen half made."""
    with store_of(tmp_path) as store:
        assert store.add("kraken", "BTC/USD", WALK, LATER - 1) == Added(new=1999, running=1)
        assert store.read("kraken", "BTC/USD", FIVE).end == LATER - FIVE


def test_a_candle_that_changed_is_counted_and_the_first_stays(tmp_path: Path) -> None:
    """History that moves under an analysis must be seen, not swallowed."""
    with store_of(tmp_path) as store:
        store.add("kraken", "BTC/USD", WALK, LATER)
        found = store.add("kraken", "BTC/USD", walk(3, seed=8), LATER)
        assert found.conflicts == 3
        assert found.conflict.startswith(f"BTC/USD at kraken: ts={START // 10**6} ms: stored [100.0,")
        assert same(store.read("kraken", "BTC/USD", FIVE), WALK)


def test_missing_candles_are_gaps_and_never_rows(tmp_path: Path) -> None:
    """Between what the venue does not have and what was not asked for there is a difference."""
    holed = without(WALK, [5, 6, 7, 100])
    with store_of(tmp_path) as store:
        store.add("kraken", "BTC/USD", holed, LATER, (START, LATER))
        at = [START + i * FIVE for i in range(2001)]
        assert store.gaps("kraken", "BTC/USD", FIVE) == [(at[5], at[8]), (at[100], at[101])]
        (series,) = store.contents()
        assert (series.count, series.gaps, series.longest, series.end) == (1996, 4, 3, LATER)
        assert store.unasked("kraken", "BTC/USD", FIVE, START, LATER) == []


def test_only_what_was_not_asked_for_is_asked_for(tmp_path: Path) -> None:
    """Ranges join, and inside one interval there is nothing to ask."""
    at = [START + i * FIVE for i in range(2001)]
    with store_of(tmp_path) as store:
        assert store.unasked("k", "A/B", FIVE, at[0], at[50]) == [(at[0], at[50])]
        store.add("k", "A/B", WALK.upto(at[20], 10), LATER, (at[10], at[20]))
        store.add("k", "A/B", WALK.upto(at[40], 10), LATER, (at[30], at[40]))
        assert store.unasked("k", "A/B", FIVE, at[0], at[50]) == [(at[0], at[10]), (at[20], at[30]), (at[40], at[50])]
        store.add("k", "A/B", WALK.upto(at[30], 10), LATER, (at[20], at[30]))
        assert store.unasked("k", "A/B", FIVE, at[15] - 1, at[40] + 1) == [(at[40], at[40] + 1)]
        assert store.unasked("k", "A/B", FIVE, at[40] + 1, at[41]) == []


def test_candles_off_the_grid_are_refused_whole(tmp_path: Path) -> None:
    """Two grids in one series would make a gap of every bar."""
    moved = Frame(WALK.ts + 1, *(c for c in (WALK.open, WALK.high, WALK.low, WALK.close, WALK.volume)), FIVE, WALK.thin)
    with store_of(tmp_path) as store:
        store.add("kraken", "BTC/USD", WALK.upto(LATER, 5), LATER)
        with pytest.raises(FeedError, match="not on the grid of the 300 s candles stored before it"):
            store.add("kraken", "BTC/USD", moved, 2 * LATER, (START, LATER))
        assert store.contents()[0].count == 5
        assert store.unasked("kraken", "BTC/USD", FIVE, START, LATER) == [(START, LATER)]


def test_one_writes_and_many_read(tmp_path: Path) -> None:
    """Two writers are refused in words; a reader beside the writer sees what was committed."""
    with store_of(tmp_path) as store:
        store.add("kraken", "BTC/USD", WALK, LATER)
        with pytest.raises(FeedError, match="another process is writing this store"):
            store_of(tmp_path)
        with CandleStore(tmp_path / "candles.db") as reader:
            assert same(reader.read("kraken", "BTC/USD", FIVE), WALK)
            with pytest.raises(FeedError, match="readonly"):
                reader.add("kraken", "BTC/USD", WALK, LATER)
    store_of(tmp_path).close()


def test_what_is_no_store_is_refused_by_name(tmp_path: Path) -> None:
    """A wrong path must not be overwritten."""
    with pytest.raises(FeedError, match="no such candle store; make it with"):
        CandleStore(tmp_path / "candles.db")
    text = tmp_path / "notes.db"
    text.write_text("not a database, but long enough to look at " * 50)
    for write in (False, True):
        with pytest.raises(FeedError, match="not a candle store that can be opened"):
            CandleStore(text, write=write)
    assert text.read_text().startswith("not a database")


KILLED = """
import sys; sys.path[:0] = {paths!r}
from pathlib import Path
from candles import walk
from desk.io.candle_store import CandleStore
rows = walk(2000)
store = CandleStore(Path({path!r}), write=True)
for i in range(0, 2000, 10):
    page = rows.upto(int(rows.ts[i + 9]) + rows.interval_ns, 10)
    store.add("kraken", "BTC/USD", page, rows.end, (int(page.ts[0]), page.end))
    print(i + 10, flush=True)
"""


def test_a_killed_writer_loses_no_page_it_had_finished_and_leaves_the_store_free(tmp_path: Path) -> None:
    """Rows and the note that they were asked for are one transaction, and the lock dies with its process."""
    path = tmp_path / "candles.db"
    code = KILLED.format(paths=[str(ROOT), str(ROOT / "tests")], path=str(path))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        said = next(int(line) for line in writer.stdout if int(line) >= 300)
        os.kill(writer.pid, signal.SIGKILL)
    with CandleStore(path) as reader:
        got = reader.read("kraken", "BTC/USD", FIVE)
    assert len(got) >= said
    assert len(got) % 10 == 0
    with store_of(tmp_path) as store:
        assert store.unasked("kraken", "BTC/USD", FIVE, START, LATER) == [(got.end, LATER)] * (len(got) < 2000)


def test_bitfinex_and_march_2023_have_the_gaps_their_manifest_counts(tmp_path: Path) -> None:
    """Minutes without a trade stay missing: 7 302 of Bitfinex's half year, 6 506 of Kraken's twelve days."""
    for path, venue, gaps, longest in (
        ("market/candles/bitfinex/btcusd_1m_20190101_20190630.parquet", "bitfinex", 7302, 198),
        ("market/cross_exchange/march2023/kraken_btcusdt_1m_0301_0312.parquet", "kraken", 6506, 21),
    ):
        file = shared(path)
        rows, twice = candles_in(file)
        with store_of(tmp_path) as store:
            assert store.add(venue, "BTC/USD", rows, rows.end) == Added(new=len(rows))
            (series,) = [s for s in store.contents() if s.venue == venue]
            holes = store.gaps(venue, "BTC/USD", FRAMES["5m"] // 5)
        assert (twice, series.gaps, series.longest + 1) == (0, gaps, longest)
        assert sum(end - begin for begin, end in holes) == gaps * 60 * 10**9


def test_a_file_s_repeated_rows_are_counted_and_contradictions_refused(tmp_path: Path) -> None:
    """Exports joined by hand repeat their borders."""
    file = tmp_path / "BTC-USDT-5m.csv"
    rows = ["ts,open,high,low,close,volume"]
    rows += [f"{(START + i * FIVE) // 10**6},1,2,0.5,1,{i}" for i in (0, 1, 1, 2, 0)]
    file.write_text("\n".join(rows))
    got, twice = candles_in(file)
    assert (got.ts.tolist(), twice) == ([START, START + FIVE, START + 2 * FIVE], 2)
    assert market_in(file) == "BTC/USDT"
    file.write_text("\n".join([*rows, f"{START // 10**6},1,2,0.5,1.5,0"]))
    with pytest.raises(FeedError, match=r"ts=1704067200000 ms is there twice, as .* remove the wrong row"):
        candles_in(file)
