"""Correlation with bitcoin from a run of three symbols on real candles: the rows that its reports hold, recounted."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pytest
from analysing import analyse_once
from shared import shared

from desk.config import Config, UltimateAnalyzer
from desk.io.history import FileHistory
from ultimate_crypto_analyzer import analyse

FOLDER = "market/candles/binance_mtf_2024"
SYMBOLS = ("BTC/USDT", "ETH/USDT", "XRP/USDT")


def recount(folder: Path, base: str, interval: str, most: int) -> tuple[int, float, float]:
    """(n, Pearson correlation, beta) of the venue's own candles of that interval: SQL and numpy, none of our code."""
    joined = duckdb.sql(
        f"""SELECT a.close AS own, b.close AS other
        FROM '{folder}/{base}usdt_{interval}_20240101_20240430.parquet' a
        JOIN '{folder}/btcusdt_{interval}_20240101_20240430.parquet' b USING (ts) ORDER BY ts DESC LIMIT {most}"""
    ).fetchnumpy()
    x, y = (np.diff(np.log(joined[name][::-1])) for name in ("own", "other"))
    return len(x), float(np.corrcoef(x, y)[0, 1]), float(np.cov(x, y)[0, 1] / np.var(y, ddof=1))


def test_reports_of_three_real_symbols_hold_the_right_correlation_with_bitcoin(tmp_path: Path) -> None:
    """ETH and XRP against BTC over hours and days, in JSON, Markdown and HTML; bitcoin is not compared with itself."""
    folder = shared(FOLDER)
    config = Config(ultimate_analyzer=UltimateAnalyzer(symbols=SYMBOLS, report_dir=str(tmp_path)))
    made = analyse_once(config, FileHistory(folder), analyse, "binance", False)
    pages = {path.name.partition("-2")[0] + path.suffix: path.read_text() for path in made}
    for base in ("eth", "xrp"):
        rows = json.loads(pages[f"{base}-usdt.json"])["analysis"]["correlations"]
        assert [(row["reference"], row["interval"]) for row in rows] == [("BTC/USDT", "1h"), ("BTC/USDT", "1d")]
        for row, most in zip(rows, (720, 121), strict=True):  # what an analysis looks at; 121 days are all there are
            n, value, beta = recount(folder, base, row["interval"], most)
            assert row["n"] == n
            assert (row["value"], row["beta"]) == (pytest.approx(value), pytest.approx(beta))
            reach = 1.959964 / np.sqrt(n - 3)
            assert (row["low"], row["high"]) == pytest.approx(np.tanh(np.arctanh(value) + np.array([-reach, reach])))
            assert f"correlation +{value:.2f}" in pages[f"{base}-usdt.md"]
        assert "<h3>With BTC/USDT</h3>" in pages[f"{base}-usdt.html"]
        assert f"Moves with BTC/USDT: correlation +{rows[0]['value']:.2f}" in pages[f"{base}-usdt.html"]
    assert json.loads(pages["btc-usdt.json"])["analysis"]["correlations"] == []
    assert "With BTC/USDT" not in pages["btc-usdt.html"]
