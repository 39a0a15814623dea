"""What stands beside an analysis: bitcoin's candles asked for once a run, a recording read once, failures survived."""

from __future__ import annotations

from pathlib import Path

from candles import frames_of, walk

from desk.analysis.findings import Recorded
from desk.analysis.microstructure import Sample, microstructure
from desk.analysis.orderflow import order_flow
from desk.analysis.readings import NO_BOOK
from desk.analysis.shape import Beside, Frame
from desk.errors import FeedError
from desk.instrument import Instrument
from desk.messages import Side, Trade
from desk.run.beside import Company
from ultimate_crypto_analyzer import analyse

SECOND = 1_000_000_000
SYMBOLS = ("ETH/USDT", "BTC/USDT", "XRP/USDT")


def test_bitcoins_candles_are_asked_for_once_a_run() -> None:
    """Every request counts against the venue's limit."""
    asked: list[str] = []

    def candles(symbol: str) -> dict[str, Frame]:
        asked.append(symbol)
        return frames_of(walk(90 * 288, seed=len(symbol) + len(asked)))

    company = Company(candles, SYMBOLS)
    for _ in range(2):
        company.begin()
        for symbol in SYMBOLS:
            company.candles(symbol)
            assert company.of(symbol).reference == ("" if symbol == "BTC/USDT" else "BTC/USDT")
    assert asked == ["ETH/USDT", "BTC/USDT", "XRP/USDT"] * 2


def test_without_reference_and_recording_an_analysis_still_comes(tmp_path: Path) -> None:
    """A venue that does not list bitcoin, or a recording that is gone, costs two sections and no report."""
    frames = frames_of(walk(90 * 288))

    def candles(symbol: str) -> dict[str, Frame]:
        if symbol == "BTC/USDT":
            raise FeedError("not listed")
        return frames

    beside = Company(candles, SYMBOLS, str(tmp_path / "nothing.frames.gz")).of("ETH/USDT")
    got = analyse("ETH/USDT", frames, frames["5m"].end, beside=beside)
    assert (got.correlations, got.microstructure, got.order_flow) == ((), None, None)
    assert NO_BOOK in got.unknown
    assert "Correlation with BTC/USDT: too few candles that both have." in got.unknown
    assert "none of its pairs" in " ".join(analyse("ETH/USDT", frames, frames["5m"].end).unknown)
    assert "Correlation" not in " ".join(analyse("XBT/USD", frames, frames["5m"].end).unknown)
    assert "nothing.frames.gz" in got.unknown[-1]
    assert "not" in got.unknown[-1]


def test_a_recording_that_ends_after_the_moment_is_not_used() -> None:
    """It knows what nobody could have known."""
    frames = frames_of(walk(90 * 288))
    now = frames["5m"].end
    nothing = ((None, None),) * 4
    book = microstructure([Sample(t, 1.0, nothing, nothing) for t in (now, now + SECOND)], SECOND)
    tape = order_flow([Trade("X/Y@v", 100, 1, Side.BUY, 1, now + SECOND)], Instrument("X/Y", "v", 1, 2))
    beside = Beside("", {}, Recorded("r.frames.gz", book, tape))
    early = analyse("BTC/USD", frames, now, beside=beside)
    assert (early.microstructure, early.order_flow) == (None, None)
    late = analyse("BTC/USD", frames, now + SECOND, beside=beside)
    assert (late.microstructure, late.order_flow) == (book, tape)
    assert NO_BOOK in early.unknown
    assert early.unknown[-1] == "What the recording r.frames.gz says: it goes on after this analysis."
    assert (early.recording, late.recording) == ("", "r.frames.gz")
    assert NO_BOOK not in late.unknown
