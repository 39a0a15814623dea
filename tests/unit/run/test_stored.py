"""desk/run/stored.py: the frames that a store gives an analysis."""

from __future__ import annotations

from pathlib import Path

import msgspec
from candles import walk

from desk.analysis.resample import resample
from desk.analysis.shape import FRAMES
from desk.io.candle_store import CandleStore
from desk.run.stored import frames_of
from ultimate_crypto_analyzer import analyse


def test_what_a_venue_has_not_is_made_of_its_longest_history(tmp_path: Path) -> None:
    """Three days of minutes make no week, two years of days do; and last year's hours do not stand for today's."""
    days, minutes = walk(730, "1d"), walk(3 * 288)
    minutes = msgspec.structs.replace(minutes, ts=minutes.ts - minutes.end + days.end)
    hours = walk(100, "1h")
    with CandleStore(tmp_path / "a.db", write=True) as store:
        for rows in (minutes, hours, days):
            store.add("v", "BTC/USD", rows, days.end)
        frames = frames_of(store, "v", "BTC/USD")
        assert {name: len(f) for name, f in frames.items()} == {
            "5m": 721,
            "15m": 288,
            "1h": 72,
            "4h": 18,
            "1d": 721,
            "1w": len(resample(days, FRAMES["1w"])),
        }
        assert len(frames["1w"]) > 100
        assert {f.end for name, f in frames.items() if name != "1w"} == {days.end}
        # a store of old hours and new days: no price of the hours is today's
        store.add("v", "ETH/USD", hours, days.end)
        store.add("v", "ETH/USD", days, days.end)
        mixed = frames_of(store, "v", "ETH/USD")
    assert mixed["1h"].end == hours.end
    found = analyse("ETH/USD", mixed, days.end)
    assert found.last == days.close[-1]
    assert "1h: left out, its newest candle closed 726 days before the others'." in found.unknown
    assert "No closed 1h candles." in found.unknown
