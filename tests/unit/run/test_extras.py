"""desk/run/extras.py: PNG and PDF beside a report, from the option on, and what is left when there is no browser."""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from candles import frames_of, walk
from shared import ROOT

from desk.analysis.shape import Frame
from desk.config import Config, UltimateAnalyzer
from desk.errors import ConfigError, DeskError
from desk.io.browser import CHROME_PATH, find_browser
from desk.run.analyst import run_analyst
from desk.run.extras import make_extras, wanted
from ultimate_crypto_analyzer import analyse, bias

WALK = frames_of(walk(40 * 288))
NOW = WALK["5m"].end


class Walks:
    """The same candles for every symbol."""

    name = "a seeded walk"

    def frames(self, symbol: str) -> dict[str, Frame]:
        return WALK

    def as_of(self, frames: dict[str, Frame], now_ns: int) -> int:
        return now_ns


def broken(folder: Path, script: str = "echo no display >&2; exit 1") -> str:
    """A browser that does not start, or never answers."""
    path = folder / "broken"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_the_analyst_draws_its_pages_after_the_last_bias_and_the_index_names_them(tmp_path: Path) -> None:
    """The fast system waits for the biases; nobody waits for a picture."""
    try:
        find_browser()
    except DeskError as e:
        pytest.skip(str(e))
    cfg = Config(ultimate_analyzer=UltimateAnalyzer(symbols=("BTC/USDT", "ETH/USDT"), report_dir=str(tmp_path)))
    out = io.BytesIO()
    assert run_analyst(
        cfg, Walks(), analyse, bias, "kraken", False, True, lines_out=out, clock=lambda: NOW, extras=("pdf",)
    ) == 0  # fmt: skip
    said = [json.loads(line) for line in out.getvalue().splitlines()]
    kinds = [next(iter(s)) for s in said if "stage" not in s]
    assert kinds == ["bias", "report", "bias", "report", "extra", "extra", "scheduled"]
    pages = [Path(s["report"]["html"]) for s in said if "report" in s]
    drawn = [Path(s["extra"]) for s in said if "extra" in s]
    assert drawn == [page.with_suffix(".pdf") for page in pages]
    assert all(path.read_bytes()[:5] == b"%PDF-" for path in drawn)
    assert all(f'href="{path.name}"' in (tmp_path / "index.html").read_text() for path in drawn)
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_browser_that_fails_is_asked_once_and_the_reports_stay_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty symbols must not wait twenty times for a browser that hangs."""
    pages = [tmp_path / f"{i}.html" for i in range(3)]
    for page in pages:
        page.write_text("<p>a report")
    monkeypatch.setenv(CHROME_PATH, broken(tmp_path))
    made: list[Path] = []
    failed: list[str] = []
    make_extras(pages, ("png", "pdf"), made.append, failed.append)
    assert made == []
    assert len(failed) == 1
    assert "no display" in failed[0]
    assert failed[0].endswith("The reports themselves are whole; PNG and PDF of 3 of 3 are missing.")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.html", "1.html", "2.html", "broken"]
    broken(tmp_path, "sleep 60")
    looks = iter([False] * 3)
    began = time.monotonic()
    make_extras(pages, ("pdf",), made.append, failed.append, lambda: next(looks, True))  # the run ends meanwhile
    assert time.monotonic() - began < 20.0
    assert len(failed) == 1
    make_extras(pages, (), made.append, failed.append)  # not asked for: no browser is looked for
    assert len(failed) == 1


def test_a_run_without_a_working_browser_ends_well_with_one_warning(tmp_path: Path) -> None:
    """The whole program: exit 0 and a whole report, for the report is there; what is missing is said, also in JSON."""
    program = [sys.executable, str(ROOT / "ultimate_crypto_analyzer.py"), "BTC/USDT", "--pdf", "--json"]
    around = os.environ | {CHROME_PATH: broken(tmp_path)}
    run = subprocess.run(program, cwd=tmp_path, env=around, capture_output=True, text=True, timeout=100, check=False)
    assert run.returncode == 0, run.stderr
    warnings = [line for line in run.stderr.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 1
    assert "PDF of 1 of 1 are missing" in warnings[0]
    said = json.loads(run.stdout)
    assert said["problems"] == [warnings[0].removeprefix("warning: ")]
    assert [Path(path).suffix for path in said["reports"]] == [".html", ".md", ".json"]
    assert all((tmp_path / path).stat().st_size > 1000 for path in said["reports"])


def test_extras_are_refused_where_there_are_no_reports() -> None:
    """--mode scalping --pdf would wait for a file that never comes."""
    asked = argparse.Namespace(mode="hybrid", png=False, pdf=True)
    assert wanted(asked) == ("pdf",)
    asked.mode = "scalping"
    with pytest.raises(ConfigError, match=r"--pdf: --mode scalping makes no reports; leave it out"):
        wanted(asked)
