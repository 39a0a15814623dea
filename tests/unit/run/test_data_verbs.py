"""desk/run/data_verbs.py: what is refused, and in which words."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from candles import START, walk, without

from desk.analysis.shape import FRAMES
from desk.config import Config
from desk.errors import ConfigError, FeedError
from desk.io.candle_store import CandleStore
from desk.run.data_verbs import data_verb
from desk.run.modes import analyst_args, listed, with_symbols
from desk.run.source import Source
from ultimate_crypto_analyzer import analyse

HOUR = walk(100, "1h")


def run(verb: str, *argv: str) -> int:
    return data_verb(verb, list(argv), lambda: analyse)


def test_a_download_from_tomorrow_and_a_misspelt_venue_are_refused(tmp_path: Path) -> None:
    """Nothing new and exit code 0 would look like success; a hundred names are no hint."""
    store = ("--store", str(tmp_path / "c.db"))
    with pytest.raises(ConfigError, match="--from 2999-01-01T00:00:00Z: is not over yet"):
        run("download", "BTC/USDT", "--from", "2999-01-01", *store)
    with pytest.raises(ConfigError, match=r"--venue krakn: .* did you mean kraken\?"):
        run("download", "BTC/USDT", "--venue", "krakn", *store)
    assert not (tmp_path / "c.db").exists()


def test_a_scan_of_nothing_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty table explains nothing."""
    with CandleStore(tmp_path / "c.db", write=True) as store:
        store.add("binance", "BTC/USDT", HOUR, HOUR.end)
    with pytest.raises(FeedError, match=r"no candles of kraken; \./run candles shows"):
        run("scan", "--venue", "kraken", "--store", str(tmp_path / "c.db"))
    with pytest.raises(SystemExit):
        run("scan", "--top", "-3", "--store", str(tmp_path / "c.db"))
    assert "-3: a whole number from 1 on" in capsys.readouterr().err


def test_a_symbol_that_the_embedded_exchange_lacks_costs_no_other() -> None:
    """The exchange starts with what it lists; the analyst asks for all and says what is not there."""
    asked = with_symbols(Config(), ("BTC/USDT", "NO/SUCH"))
    started = listed(argparse.Namespace(feed="embedded"), asked)
    assert started.ultimate_analyzer.symbols == ("BTC/USDT",)
    assert listed(argparse.Namespace(feed="kraken"), asked) is asked
    nothing = with_symbols(Config(), ("NO/SUCH",))
    assert listed(argparse.Namespace(feed="embedded"), nothing) is nothing


def test_hybrid_mode_has_its_analysis_wherever_candles_can_be_had() -> None:
    """The venue's own REST, ccxt for exchanges without one of ours, and for a recording only what the person names."""

    def where(feed: str, rest: str = "", candles: Path | None = None) -> list[str] | None:
        source = Source(
            feed=feed, venue="v", symbols=(), links=(), urls=(), rest_url=rest, simulated=False, silence_ns=1
        )
        args = analyst_args(argparse.Namespace(candles=candles, mode="hybrid", png=False, pdf=False), Config(), source)
        return None if args is None else args[3 : args.index("--extras")]

    assert where("kraken", "https://k") == ["--rest", "https://k", "--ccxt", ""]
    assert where("binance") == ["--rest", "", "--ccxt", "binance"]
    assert where("ccxt:okx") == ["--rest", "", "--ccxt", "okx"]
    assert where("replay:x.frames.gz") is None
    assert where("replay:x.frames.gz", candles=Path("c.db")) == ["--candles", "c.db"]


def test_where_candles_are_missing_is_told_longest_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A count does not say whether the crash of March is in it."""
    store = ("--store", str(tmp_path / "c.db"), "--json")
    with CandleStore(tmp_path / "c.db", write=True) as made:
        made.add("kraken", "BTC/USD", without(HOUR, [5, 40, 41, 42]), HOUR.end)
        made.add("kraken", "ETH/USD", without(HOUR, [7]), HOUR.end)
    hour = FRAMES["1h"]
    assert run("candles", "--gaps", *store) == 0
    rows = [(r["symbol"], r["begin"], r["missing"]) for r in json.loads(capsys.readouterr().out)["rows"]]
    at = [START + n * hour for n in (40, 5, 7)]
    assert rows == [("BTC/USD", at[0], 3), ("BTC/USD", at[1], 1), ("ETH/USD", at[2], 1)]
    assert run("candles", "eth/usd", "--gaps", "1", *store) == 0
    assert [r["symbol"] for r in json.loads(capsys.readouterr().out)["rows"]] == ["ETH/USD"]
    with pytest.raises(FeedError, match="no candles of NO/SUCH"):
        run("candles", "NO/SUCH", *store)
