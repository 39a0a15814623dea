"""desk/run/pool.py: the order of the jobs, every fault in its own place, whatever the number of processes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
from candles import frames_of, walk

from desk.analysis.shape import Frame
from desk.config import Config, UltimateAnalyzer
from desk.errors import DeskError, FeedError
from desk.io.candle_store import CandleStore
from desk.run.analyst import Analyst
from desk.run.pool import each
from desk.run.scan import scan
from ultimate_crypto_analyzer import analyse


def test_results_come_in_order_and_a_job_that_kills_its_process_costs_no_other() -> None:
    """A crash in native code takes the pool with it: the jobs beside it are done again, the culprit is named."""
    jobs = ["1 + 1", "1 / 0", "__import__('time').sleep(0.3) or 3", "__import__('os')._exit(9)", "5", "6", "7", "8"]
    found = list(each(eval, jobs, 2))
    assert [job for job, _ in found] == jobs
    results = [result for _, result in found]
    assert isinstance(results.pop(1), ZeroDivisionError)
    died = results.pop(2)
    assert isinstance(died, DeskError)
    assert "ended abruptly" in str(died)
    assert results == [2, 3, 5, 6, 7, 8]


def test_jobs_are_drawn_only_as_workers_come_free() -> None:
    """Each holds a symbol's candles: a hundred of them at once would be the machine's memory."""
    drawn = 0

    def jobs() -> object:
        nonlocal drawn
        for i in range(20):
            drawn += 1
            yield str(i)

    results = each(eval, jobs(), 1)  # type: ignore[arg-type]
    assert next(results) == ("0", 0)
    assert drawn == 1


class Walks:
    """Another walk for every symbol."""

    name = "seeded walks"

    def frames(self, symbol: str) -> dict[str, Frame]:
        if symbol == "NO/SUCH":
            raise FeedError(f"{symbol}: the venue does not know it")
        return frames_of(walk(20 * 288, seed=sum(map(ord, symbol))))

    def as_of(self, frames: dict[str, Frame], now_ns: int) -> int:
        return frames["5m"].end


def test_reports_are_the_same_side_by_side_as_one_after_another(tmp_path: Path) -> None:
    """The same numbers in the same order from one process and from two; a failure stays with its symbol."""
    symbols = ("BTC/USD", "NO/SUCH", "ETH/USD", "SOL/USD", "BUG/GY")
    made: dict[int, list[object]] = {1: [], 2: []}
    for workers, told in made.items():
        config = Config(ultimate_analyzer=UltimateAnalyzer(symbols=symbols, report_dir=str(tmp_path / str(workers))))
        analyst = Analyst(config, Walks(), analyse, "kraken", False)
        analyst.workers = workers
        analyst.averages["BUG/GY"] = "no average"  # type: ignore[assignment]
        analyst.run(
            lambda *stage: None,
            lambda a, w, told=told: told.append((a.symbol, msgspec.json.encode(a), w.html.name)),  # type: ignore[misc]
            lambda symbol, text, told=told: told.append((symbol, text)),  # type: ignore[misc]
        )
    assert len(made[1]) == 5
    assert [told[0] for told in made[1] if len(told) == 2] == ["NO/SUCH", "BUG/GY"]  # type: ignore[index, arg-type]
    assert sorted(map(str, made[1])) == sorted(map(str, made[2]))
    reports = [[told for told in each if len(told) == 3] for each in made.values()]  # type: ignore[arg-type]
    assert reports[0] == reports[1]


def test_a_scan_ranks_by_the_strength_of_the_score_and_names_what_failed(tmp_path: Path) -> None:
    """Rising and falling markets come before a flat one; a symbol without candles is told, not dropped."""
    path = tmp_path / "c.db"
    symbols = ["UP/USD", "SIDE/USD", "DOWN/USD"]
    with CandleStore(path, write=True) as store:
        for symbol, drift in zip(symbols, (0.02, 0.0, -0.02), strict=True):
            rows = walk(40 * 288, seed=3, drift=drift)
            store.add("kraken", symbol, rows, rows.end)
    rows, failed = scan(path, "kraken", [*symbols, "NO/SUCH"], analyse, 2**62)
    scores = [abs(row.score or 0.0) for row in rows]
    assert scores == sorted(scores, reverse=True)
    by_symbol = {row.symbol: row for row in rows}
    assert (by_symbol["UP/USD"].score or 0) > 0 > (by_symbol["DOWN/USD"].score or 0)
    assert all(row.below is None or row.below.price < row.last for row in rows)
    assert failed == [f"NO/SUCH: no candles of kraken in {path}; ./run download NO/SUCH"]
    assert np.isfinite([row.last for row in rows]).all()
