"""desk/run/download.py: what the venue has and nothing else, once, however often it is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from candles import START, walk, without
from shared import ROOT

from desk.analysis.shape import FRAMES, Frame
from desk.errors import FeedError, Final, Retryable
from desk.io.candle_store import Added, CandleStore
from desk.io.ccxt_candles import CcxtCandles
from desk.run.download import BARS, download, fill
from desk.run.stored import StoredHistory, only_venue, stored_at

FIVE = FRAMES["5m"]
WALK = walk(3000)
NOW = WALK.end + FIVE // 2  # the last candle has closed, the next one runs


class Paged:
    """A venue with these candles, a hundred a page; it counts what it is asked."""

    def __init__(self, rows: Frame = WALK, venue: str = "paged", faults: dict[str, Exception] | None = None) -> None:
        self.rows, self.venue, self.faults = rows, venue, faults or {}
        self.asked: list[tuple[str, str, int]] = []

    def offers(self, name: str) -> bool:
        return name != "4h"

    def span(self, name: str) -> int:
        return 100 * FRAMES[name]

    async def page(self, symbol: str, name: str, since_ns: int) -> Frame:
        self.asked.append((symbol, name, since_ns))
        if symbol in self.faults:
            raise self.faults[symbol]
        at = int(np.searchsorted(self.rows.ts, since_ns))
        got = self.rows.upto(int(self.rows.ts[min(at + 99, len(self.rows) - 1)]) + FIVE, len(self.rows))
        kept = got.upto(NOW, len(got) - at)
        within = kept.ts < since_ns + self.span(name)  # a page is a span of time, as at most venues
        return Frame(
            *(c[within] for c in (kept.ts, kept.open, kept.high, kept.low, kept.close, kept.volume)),
            FIVE,
            kept.thin[within],
        )

    async def close(self) -> None: ...


def contents(path: Path) -> list[object]:
    """Everything in the store."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        return [db.execute(f"SELECT * FROM {t} ORDER BY 1, 2").fetchall() for t in ("series", "candles", "asked")]


def filled(path: Path, venue: Paged, now: int = NOW, begin: int = START) -> Added:
    with CandleStore(path, write=True) as store:
        return asyncio.run(fill(store, venue, "BTC/USD", "5m", begin, now))


def test_a_download_takes_every_closed_candle_and_a_second_one_asks_for_nothing(tmp_path: Path) -> None:
    """Half an interval later there is nothing new to ask for."""
    venue, path = Paged(), tmp_path / "a.db"
    assert filled(path, venue) == Added(new=3000)
    assert len(venue.asked) == 30
    venue.asked.clear()
    assert filled(path, venue, NOW + FIVE // 4) == Added()
    assert venue.asked == []


def test_the_running_candle_waits_until_it_has_closed(tmp_path: Path) -> None:
    """Read in the middle of a candle, and again later: the same store as read once."""
    for now in (START + 1000 * FIVE + 7, START + 1000 * FIVE + FIVE - 1, NOW):
        filled(tmp_path / "twice.db", Paged(), now)
    filled(tmp_path / "once.db", Paged())
    assert contents(tmp_path / "twice.db")[1] == contents(tmp_path / "once.db")[1]


def test_a_hole_wider_than_a_page_is_crossed_and_stays_a_hole(tmp_path: Path) -> None:
    """An empty page is no end: exchanges were down for days. Nothing is put in between."""
    holed = without(WALK, list(range(500, 900)))
    assert filled(tmp_path / "a.db", Paged(holed)) == Added(new=2600)
    with CandleStore(tmp_path / "a.db") as store:
        assert store.gaps("paged", "BTC/USD", FIVE) == [(START + 500 * FIVE, START + 900 * FIVE)]
        assert store.unasked("paged", "BTC/USD", FIVE, START, NOW - FIVE) == []


def test_a_candle_that_the_venue_shows_late_is_no_gap(tmp_path: Path) -> None:
    """Seconds after the hour the newest candle is often not there yet; it must not be missing for ever."""
    path = tmp_path / "a.db"
    assert filled(path, Paged(without(WALK, [2998, 2999])), NOW).new == 2998
    assert filled(path, Paged(), NOW) == Added(new=2)
    filled(tmp_path / "later.db", Paged(without(WALK, [2998, 2999])), NOW + 10 * FIVE)
    late = Paged()
    assert filled(tmp_path / "later.db", late, NOW + 10 * FIVE) == Added()  # an hour later it is a gap


def test_an_earlier_beginning_asks_only_for_what_is_earlier(tmp_path: Path) -> None:
    """--from moved back by a year must not fetch the newer years again."""
    path = tmp_path / "a.db"
    filled(path, Paged(), begin=START + 2000 * FIVE)
    venue = Paged()
    assert filled(path, venue) == Added(new=2000)
    assert max(since for _, _, since in venue.asked) < START + 2000 * FIVE


KILLED = """
import asyncio, sys; sys.path[:0] = {paths!r}
from pathlib import Path
import test_download as t
class Slow(t.Paged):
    async def page(self, *asked):
        print(len(self.asked), flush=True)
        await asyncio.sleep(0.02)
        return await super().page(*asked)
t.filled(Path({path!r}), Slow())
"""


def test_killed_in_the_middle_and_begun_again_it_ends_the_same(tmp_path: Path) -> None:
    """kill -9 while pages are being written, run again: the same rows and the same notes as without, bit for bit."""
    paths = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/unit/run")]
    code = KILLED.format(paths=paths, path=str(tmp_path / "killed.db"))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert any(int(line) >= 8 for line in child.stdout)
        os.kill(child.pid, signal.SIGKILL)
    venue = Paged()
    again = filled(tmp_path / "killed.db", venue)
    assert 0 < again.new < 3000
    assert len(venue.asked) <= again.new // 100 + 1  # nothing of what was stored, but for the last candle
    assert filled(tmp_path / "whole.db", Paged()).new == 3000
    assert contents(tmp_path / "killed.db") == contents(tmp_path / "whole.db")


def test_one_series_failure_costs_no_other_and_a_dead_network_is_asked_once(tmp_path: Path) -> None:
    """An unknown symbol fails in each interval; what may pass ends its symbol; the rest is downloaded."""
    venue = Paged(faults={"NO/SUCH": Final("NO/SUCH: unknown"), "NET/DOWN": Retryable("no answer")})
    with CandleStore(tmp_path / "a.db", write=True) as store:
        names = ["5m", "4h"]
        got = asyncio.run(download(store, venue, ["NO/SUCH", "NET/DOWN", "BTC/USD"], names, None, NOW))
    assert [(o.symbol, o.interval, o.added.new, o.error, o.note[:14]) for o in got] == [
        ("NO/SUCH", "5m", 0, "NO/SUCH: unknown", ""),
        ("NO/SUCH", "4h", 0, "", "paged has none"),
        ("NET/DOWN", "5m", 0, "no answer", ""),
        ("NET/DOWN", "4h", 0, "no answer", ""),
        ("BTC/USD", "5m", BARS - 1, "", ""),
        ("BTC/USD", "4h", 0, "", "paged has none"),
    ]


def test_a_venue_that_does_not_reach_back_so_far_is_said(tmp_path: Path) -> None:
    """Kraken gives 720 candles whatever it is asked for; 0 missing would hide the years that are not there."""
    with CandleStore(tmp_path / "a.db", write=True) as store:
        for begin, note in ((START - 30 * FIVE, "begins 2024-01-01T00:00:00Z: paged gave none before"), (START, "")):
            (told,) = asyncio.run(download(store, Paged(), ["BTC/USD"], ["5m"], begin, NOW))
            assert (told.note, told.error) == (note, "")


def test_another_simulated_market_is_not_mixed_in(tmp_path: Path) -> None:
    """Another seed under the same name would make a history that no market had."""
    path = tmp_path / "a.db"
    filled(path, Paged(venue="embedded"), START + 1000 * FIVE)
    other = Paged(walk(3000, seed=8), "embedded")
    with pytest.raises(FeedError, match=r"a\.db holds another simulated market \(BTC/USD at embedded: ts="):
        filled(path, other)
    with CandleStore(path) as store:
        assert store.contents()[0].count == 1000


# --- as the analysis reads it


def test_the_analysis_reads_what_is_stored_and_asks_for_the_rest(tmp_path: Path) -> None:
    """Own intervals as the venue has them, the others made from the finest; the newest candles are fetched first."""
    path = tmp_path / "a.db"
    filled(path, Paged(), START + 1000 * FIVE)
    source = StoredHistory(path, "paged", lambda: Paged(), clock=lambda: NOW)
    frames = source.frames("BTC/USD")
    source.close()
    assert frames["5m"].end == WALK.end
    assert frames["1h"].end == WALK.end - WALK.end % FRAMES["1h"]
    alone = StoredHistory(path, only_venue(path, ("BTC/USD",)))
    assert alone.as_of(alone.frames("BTC/USD"), NOW) == WALK.end
    with pytest.raises(FeedError, match="no candles of paged in"):
        alone.frames("NO/SUCH")


def test_a_venue_that_cannot_be_asked_leaves_what_is_stored(tmp_path: Path) -> None:
    """Without a network the report is of yesterday's candles and says so; without candles it is the venue's fault."""
    path = tmp_path / "a.db"
    filled(path, Paged())
    down = {symbol: Retryable("no answer; check the network") for symbol in ("BTC/USD", "ETH/USD")}
    source = StoredHistory(path, "paged", lambda: Paged(faults=down), clock=lambda: NOW + 50 * FIVE)
    assert source.frames("BTC/USD")["5m"].end == WALK.end
    with pytest.raises(FeedError, match="no answer; check the network"):
        source.frames("ETH/USD")
    with CandleStore(path, write=True):  # a download runs meanwhile
        assert source.frames("BTC/USD")["5m"].end == WALK.end
    source.close()


def test_a_store_is_named_like_a_file_of_candles_and_its_venue_where_it_has_several(tmp_path: Path) -> None:
    """--candles candles.db, --candles candles.db@kraken, --candles folder."""
    path = tmp_path / "candles.db"
    filled(path, Paged())
    found = stored_at(path, ("BTC/USD",))
    assert found is not None
    assert (found.venue, found.simulated, found.option) == ("paged", False, f"--candles {path}@paged")
    filled(path, Paged(venue="embedded"))
    with pytest.raises(FeedError, match=r"candles of BTC/USD from embedded, paged; say which"):
        stored_at(path, ("BTC/USD",))
    named = stored_at(Path(f"{path}@embedded"), ("BTC/USD",))
    assert named is not None
    assert named.simulated
    assert stored_at(tmp_path, ("BTC/USD",)) is None


# --- ccxt


class Client:
    """What CcxtCandles uses of ccxt: answers one after another, exceptions raised."""

    id, timeframes, features = "okx", {"5m": "5m"}, {"spot": {"fetchOHLCV": {"limit": 3}}}

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)

    async def fetch_ohlcv(self, *asked: object) -> object:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_ccxt_pages_are_sorted_and_retried_and_their_faults_are_named() -> None:
    """Newest first, a candle twice, a rate limit, a number left out: all of them happen."""
    import ccxt

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    waits: list[float] = []
    ms = START // 10**6
    rows = [[ms + 300_000, 2, 3, 1, 2, 5], [ms, 1, 2, 0.5, 2, 4], [ms, 1, 2, 0.5, 2, 4]]
    client = Client(ccxt.RateLimitExceeded("slow"), ccxt.RequestTimeout("?"), rows, [], [[ms, 1, 2, 0.5, None, 4]])
    pages = CcxtCandles(client, sleep)
    got = await pages.page("BTC/USD", "5m", START)
    assert (got.ts.tolist(), got.volume.tolist(), waits) == ([START, START + FIVE], [4.0, 5.0], [1.0, 2.0])
    assert (pages.span("5m"), pages.offers("1w"), len(await pages.page("BTC/USD", "5m", START))) == (3 * FIVE, False, 0)
    with pytest.raises(FeedError, match=r"BTC/USD 5m at okx through ccxt: row 1: a number is missing"):
        await pages.page("BTC/USD", "5m", START)
    client.answers = [ccxt.BadSymbol("okx has no BTC/USD"), *[ccxt.NetworkError("down")] * 6]
    with pytest.raises(Final, match="BadSymbol okx has no BTC/USD; check the symbol"):
        await pages.page("BTC/USD", "5m", START)
    with pytest.raises(Retryable, match="NetworkError down; try again later"):
        await pages.page("BTC/USD", "5m", START)
