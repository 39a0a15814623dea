"""A recording read for the analyzer: books on a grid, tapes once, and nothing from a book in doubt."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from shared import shared

from desk.analysis.microstructure import Sample, microstructure, sample
from desk.analysis.orderflow import order_flow
from desk.errors import FeedError
from desk.events import Frame
from desk.instrument import Instrument
from desk.messages import Side, Trade
from desk.run.recorded import recorded
from desk.sim.rehearsal import BEGIN, Rehearsal
from desk.wire.recording import lines

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
XY = Instrument("X/Y", "v", px_decimals=1, qty_decimals=2)  # 10 ticks and 100 lots are 1


def rehearsed(path: Path, seconds: float, spoil: int = -1) -> Path:
    """The simulated market's frames as a recording; `spoil`: the n-th book update claims a wrong checksum."""
    frames, updates = [], 0
    for event in Rehearsal(3, ("BTC/USD",)).events(seconds):
        if not isinstance(event, Frame):
            continue
        if event.data.startswith(b'{"channel":"book","type":"update"'):
            updates += 1
            if updates == spoil:
                head, _, tail = event.data.partition(b'"checksum":')
                frames.append(Frame(event.ts, event.link, head + b'"checksum":1' + tail.lstrip(b"0123456789")))
                continue
        frames.append(event)
    path.write_bytes(gzip.compress(lines(frames)))
    return path


def test_a_recording_gives_a_sample_a_second_and_every_trade_once(tmp_path: Path) -> None:
    """The book's side is sampled on whole seconds of the receive time; the tape's sums agree with its buckets."""
    got = recorded(rehearsed(tmp_path / "r.frames.gz", 30), bucket_ns=10 * SECOND)["BTC/USD"]
    book, tape = got.book, got.tape
    assert book is not None
    assert tape is not None
    assert (book.samples, book.unproven, book.begin, book.end) == (29, 0, BEGIN + SECOND, BEGIN + 29 * SECOND)
    assert 0 < book.spread_bps <= book.spread_p95_bps
    costs = [row.buy for row in book.impact if row.buy is not None]
    assert costs == sorted(costs)
    assert costs[0] >= book.spread_bps / 2 * 0.99
    assert [hour.hour for hour in book.hours] == [9]
    assert tape.trades == sum(bar.trades for bar in tape.bars)
    assert tape.delta == pytest.approx(sum(bar.delta for bar in tape.bars)) == pytest.approx(tape.bars[-1].cvd)
    assert sum(c.buy for c in tape.footprint) == pytest.approx(sum(bar.buy for bar in tape.bars))
    assert recorded(tmp_path / "r.frames.gz", bucket_ns=10 * SECOND)["BTC/USD"] == got


def test_a_book_in_doubt_is_not_sampled(tmp_path: Path) -> None:
    """After a wrong checksum no snapshot comes in this recording: every later second is unproven, none is guessed."""
    right = recorded(rehearsed(tmp_path / "a.frames.gz", 20))["BTC/USD"]
    wrong = recorded(rehearsed(tmp_path / "b.frames.gz", 20, spoil=40))["BTC/USD"]
    whole, doubted = right.book, wrong.book
    assert right.checks is not None
    assert wrong.checks is not None
    assert (right.checks.failed, right.checks.without, right.checks.end) == (0, 0, BEGIN + 19 * SECOND)
    assert (wrong.checks.compared, wrong.checks.failed) == (41, 1)  # the snapshot and forty updates
    assert whole is not None
    assert doubted is not None
    assert 0 < doubted.samples < whole.samples
    assert doubted.samples + doubted.unproven == whole.samples
    assert doubted.end < whole.end


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.frames.gz"
    path.write_bytes(gzip.compress(b'1\t<\t{"channel":"heartbeat"}\n'))
    with pytest.raises(FeedError, match="no book or trade of Kraken, Binance or Coinbase in it"):
        recorded(path)


def test_real_trades_have_krakens_own_volumes() -> None:
    """500 trades of BTC/USDT: bars of a minute hold the volumes of the venue's own candles, buys and sells apart."""
    path = shared("captures/kraken_trades_btcusdt_20251110a.frames.gz")
    tape = recorded(path, bucket_ns=MINUTE)["BTC/USDT"].tape
    assert tape is not None
    assert (tape.trades, tape.duplicates) == (500, 0)
    assert tape.buy - tape.sell == pytest.approx(tape.delta)
    assert tape.imbalance == pytest.approx(tape.delta / (tape.buy + tape.sell))
    own = json.loads(shared("captures/kraken_trades_btcusdt_20251110a_ohlc1m_expected.json").read_text())["rows"]
    minutes = {row[0] * SECOND: row[6] for row in own}
    inner = tape.bars[1:-1]  # the first and the last minute are cut by the recording
    assert len(inner) > 100
    for bar in inner:
        assert bar.buy + bar.sell == pytest.approx(float(minutes[bar.begin]))


def test_real_books_of_two_venue_protocols_are_sampled() -> None:
    """v2 ETH/USD at depth 25 and v1 BTC/CHF at depth 1000; the shallow one does not know its 10 bps."""
    v2 = recorded(shared("captures/kraken_v2_book_ethusd_d25_20260802.frames.gz"))["ETH/USD"].book
    v1 = recorded(shared("captures/kraken_v1_book_5pairs_d1000_20210417a.frames.gz"))["BTC/CHF"].book
    assert v2 is not None
    assert v1 is not None
    assert (v2.unproven, v1.unproven) == (0, 0)
    assert v2.clusters == v1.clusters == ()  # neither is five minutes long
    assert v2.depth[0].bid is None
    assert [row.samples for row in v1.depth] == [30, 30, 30]
    bids = [row.bid or 0.0 for row in v1.depth]
    assert 0 < bids[0] < bids[1] < bids[2]
    assert all((row.filled > 0.5) is (row.buy is not None) for row in v1.impact)


BIDS = ((999, 100, 1), (998, 200, 1), (990, 1000, 1))  # 99.9 × 1, 99.8 × 2, 99.0 × 10
ASKS = ((1001, 300, 1), (1005, 100, 1), (1020, 500, 1))


def test_spread_depth_and_impact_of_a_book_by_hand() -> None:
    """Mid 100; 20 bps of spread; within 25 bps 99.9 + 2·99.8 bid; 400 buy 3 at 100.1 and the rest at 100.5."""
    got = sample(7, BIDS, ASKS, XY, (400.0, 5000.0))
    assert got.spread_bps == pytest.approx(20.0)
    assert [depth[0] for depth in got.depth] == pytest.approx([99.9, 299.5, 299.5])
    assert [depth[1] for depth in got.depth] == pytest.approx([300.3, 300.3, 400.8])
    bought = 3 + (400 - 300.3) / 100.5
    assert got.impact[0][0] == pytest.approx(1e4 * (400 / bought / 100 - 1))
    assert got.impact[1] == (None, None)
    near = sample(7, BIDS[:2], ASKS[:1], XY)
    assert near.depth[0] == pytest.approx((99.9, 300.3))
    assert near.depth[1:] == ((None, None), (None, None))


def test_medians_and_hours_of_samples() -> None:
    """A mean would be the flash crash's; what one sample of three could tell is not told; hours are of the UTC day."""
    hour = 3600 * SECOND
    rows = [
        Sample(t, spread, ((depth, depth), (far, far), (None, None)), ((1.0, 2.0), (far, 3.0)))
        for t, spread, depth, far in ((0, 1.0, 10.0, None), (hour, 2.0, 20.0, None), (25 * hour, 90.0, 40.0, 5.0))
    ]
    got = microstructure(rows, SECOND, 4, (100.0, 200.0))
    assert got is not None
    assert (got.spread_bps, got.spread_p95_bps, got.unproven) == (2.0, 90.0, 4)
    assert [(r.bid, r.samples) for r in got.depth] == [(20.0, 3), (None, 1), (None, 0)]
    assert [(i.buy, i.sell, i.filled) for i in got.impact] == [(1.0, 2.0, 1.0), (None, 3.0, 1 / 3)]
    assert [(h.hour, h.samples, h.spread_bps, h.depth) for h in got.hours] == [(0, 1, 1.0, 20.0), (1, 2, 46.0, 60.0)]
    assert microstructure([], SECOND) is None


def test_delta_footprint_and_imbalances_by_hand() -> None:
    """Buys of 9 at 100.2 against 3 sold one cell below; a repeated print counts once; a late one finds its minute."""

    def trade(number: int, at: int, px: int, lots: int, side: Side) -> Trade:
        return Trade(XY.key, px, lots, side, number, at * SECOND)

    tape = [
        trade(1, 0, 1001, 300, Side.SELL),
        trade(2, 10, 1002, 900, Side.BUY),
        trade(4, 70, 1004, 100, Side.SELL),
        trade(2, 10, 1002, 900, Side.BUY),
        trade(3, 20, 1001, 100, Side.BUY),
    ]
    got = order_flow(tape, XY, MINUTE)
    assert got is not None
    assert (got.trades, got.duplicates, got.buy, got.sell, got.delta) == (4, 1, 10.0, 4.0, 6.0)
    first, second = got.bars
    assert (first.delta, first.low, first.high, first.cvd, first.poc) == (7.0, -3.0, 7.0, 7.0, 100.2)
    assert (second.begin, second.delta, second.cvd) == (MINUTE, -1.0, 6.0)
    assert [(c.price, c.sell, c.buy, c.imbalance) for c in got.footprint] == [
        (100.1, 3.0, 1.0, ""),
        (100.2, 0.0, 9.0, "buy"),
        (100.4, 1.0, 0.0, ""),
    ]
    assert order_flow([], XY) is None


def test_books_that_numbers_prove_are_sampled_under_our_names_and_not_behind_a_gap(tmp_path: Path) -> None:
    """Binance: from the REST snapshot on. A diff that is missing ends the book until another snapshot comes."""
    path = shared("captures/binance_spot_depth_20211012a.frames.gz")
    got = recorded(path, symbols=("NKN/USDT", "BLZ/ETH"))
    book = got["NKN/USDT"].book
    assert book is not None
    assert (book.samples, book.unproven) == (30, 0)
    assert 1.0 < book.spread_bps < 30.0
    assert got["NKN/USDT"].checks is not None
    assert got["NKN/USDT"].checks.compared == 0
    assert {"BLZ/ETH", "LRCBTC"} < got.keys()
    kept = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    diffs = [i for i, line in enumerate(kept) if b"nknusdt@depth" in line[:80] and b"\t<\t" in line]
    cut = tmp_path / "gap.frames.gz"
    cut.write_bytes(gzip.compress(b"".join(line for i, line in enumerate(kept) if i != diffs[60])))
    torn = recorded(cut, symbols=("NKN/USDT",))["NKN/USDT"].book
    assert torn is not None
    assert 0 < torn.samples < 30
    assert torn.samples + torn.unproven == 30


def test_a_frame_that_coinbase_numbered_and_we_never_got_ends_all_its_books(tmp_path: Path) -> None:
    """No snapshot comes after it in the file: from there on nothing is sampled."""
    path = shared("captures/coinbase_advshape_l2_data_20210417a.frames.gz")
    whole = recorded(path)["SKL-USD"].book
    assert whole is not None
    assert (whole.samples, whole.unproven) == (30, 0)
    kept = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    cut = tmp_path / "gap.frames.gz"
    cut.write_bytes(gzip.compress(b"".join(kept[: len(kept) // 2] + kept[len(kept) // 2 + 1 :])))
    torn = recorded(cut)["SKL-USD"].book
    assert torn is not None
    assert 0 < torn.samples < 30
    assert torn.unproven == 30 - torn.samples
