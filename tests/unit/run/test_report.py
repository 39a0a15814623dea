"""desk/run/report.py and first_page.py: a report's first page on any terminal, and which report it is."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import msgspec
import pytest
from candles import frames_of, walk
from msgspec.structs import replace
from rich.cells import cell_len
from rich.console import Console

from deploy_trading_systems import main
from desk.analysis.changes import changes
from desk.analysis.chart_data import decimals
from desk.analysis.evidence import Interval
from desk.analysis.shape import DAY, Verdict
from desk.config import Config
from desk.io.past_reports import PastReport, read_report
from desk.io.reports import Origin, Written, render, write
from desk.run.first_page import first_page
from desk.run.report import show_made
from ultimate_crypto_analyzer import analyse

FRAMES = frames_of(walk(90 * 288, start=60_000.0))
NOW = FRAMES["5m"].end  # 2024-03-31 00:00 UTC
ORIGIN = Origin("kraken", False, "REST", "./run --once", "abc123", "Europe/Berlin", "0.1.0")
KNOWN = Verdict("weak", "long", "why", Interval(10.0, 2.0, 18.0, 90), 5, 30, NOW - 9 * DAY, NOW, 80.0, 90.0)
EVIL = "[red]x[/] \x1b]0;owned\x07\x1b[31m<b>"


def made(folder: Path, symbol: str = "BTC/USDT", back: int = 0, simulated: bool = False) -> Written:
    """One report in the folder where a run would put it."""
    now = NOW - back * DAY
    a = replace(analyse(symbol, FRAMES, now), verdict=KNOWN)
    a = replace(a, changes=changes(analyse(symbol, FRAMES, now - DAY), a))
    rendered = render(a, replace(ORIGIN, simulated=simulated), Config())
    return write(rendered, symbol, now, folder / "reports" / "out")


def text(report: PastReport, width: int = 80, **how: object) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, **how)  # type: ignore[arg-type]
    console.print(first_page(report, Path("reports/out/x.html"), width))
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_the_first_page_says_what_a_reader_decides_by_and_fits_its_terminal(tmp_path: Path, width: int) -> None:
    """A line that wraps by itself makes a table unreadable; a number that is not the HTML's is worthless."""
    written = made(tmp_path, simulated=True)
    report = read_report(written.json)
    a = report.analysis
    page = text(report, width)
    assert max(cell_len(line) for line in page.splitlines()) <= width
    assert "\x1b" not in page
    flat = " ".join(page.split())
    for said in (
        "BTC/USDT",
        "SIMULATED MARKET",
        "kraken · 2024-03-31 00:00 UTC · 2024-03-31 01:00 CET",
        "95 % of the score's weight had data; no candle missing",
        "Weak · long",
        "+10 bps a trade after costs, 95 % +2 … +18 · horizon 5 d · 90 days, 30 trades apart",
        "round trip 80 bps, breaks even at 90 bps · 2024-03-22 to 2024-03-31",
        "last close",
        "STAND ASIDE IF bull: ",
        "SINCE 2024-03-30 00:00 UTC price",
        "reports/out/x.html",
    ):
        if width < 120:
            assert said in flat, said
        assert all(word in flat for word in said.split()), said  # with the levels beside it, the text is not one piece
    for s in a.scenarios:
        assert re.search(rf"{s.kind} +{s.probability_pct} %", page)
    contributions = re.search(r"\| \*\*Score\*\* \| \| \| \*\*([^*]+)\*\*", written.markdown.read_text())
    assert contributions is not None
    assert f"NOW {contributions[1]} {a.label}" in flat
    levels = sum(f"{lv.price:,.{decimals(a)}f}" in page for lv in a.levels)
    assert levels >= (len(a.levels) if width >= 120 else 8)


def test_a_page_without_score_levels_scenarios_or_a_report_before_says_so() -> None:
    """A new listing still gets a page, and not a single None on it."""
    fine = walk(30)
    bare = analyse("NEW/USD", frames_of(fine), fine.end)
    record = {"schema": "s", "origin": {"venue": "v", "simulated": False}, "analysis": msgspec.to_builtins(bare)}
    page = text(msgspec.convert(record, PastReport))
    for said in ("INSUFFICIENT DATA", "LEVELS", "SCENARIOS  none", "there is none before this one", "all 1d"):
        assert said in page, said
    assert "None" not in page
    assert not re.search(r"\bnan\b", page)
    assert "SIMULATED" not in page


def test_a_report_cannot_steer_the_terminal_it_is_shown_on(tmp_path: Path) -> None:
    """A symbol, a venue and a level's name are outside input: neither markup nor control characters get through."""
    record = json.loads(made(tmp_path).json.read_text())
    poisoned = record | {"analysis": poison(record["analysis"]), "origin": poison(record["origin"])}
    path = tmp_path / "x.json"
    path.write_text(json.dumps(poisoned))
    report = read_report(path)
    assert report.analysis.symbol.startswith(EVIL)
    page = text(report, force_terminal=True, color_system="standard")
    assert "[red]x[/] ?]0;owned??[31m<b>BTC/USDT" in page
    assert set(re.findall(r"\x1b(.)", page)) == {"["}
    assert "\x07" not in page


def poison(value: object) -> object:
    if isinstance(value, str):
        return EVIL + value
    if isinstance(value, dict):
        return {key: poison(v) for key, v in value.items()}
    return [poison(v) for v in value] if isinstance(value, list) else value


def test_the_newest_report_or_the_one_of_a_symbol_and_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By symbol however it is typed, by day, by moment; nothing is written, not even a configuration."""
    monkeypatch.chdir(tmp_path)
    for back, symbol in ((2, "BTC/USDT"), (1, "BTC/USDT"), (0, "ETH/USDT")):
        made(tmp_path, symbol, back)
    for asked, heading, when in (
        ([], "ETH/USDT", "2024-03-31 00:00"),
        (["btc/usdt"], "BTC/USDT", "2024-03-30 00:00"),
        (["BTCUSDT", "--date", "2024-03-29"], "BTC/USDT", "2024-03-29 00:00"),
        (["btc-usdt", "--date", "2024-03-29T23:59"], "BTC/USDT", "2024-03-29 00:00"),
    ):
        assert main(["report", *asked]) == 0
        page = capsys.readouterr().out
        assert page.startswith(heading), asked
        assert when in page.splitlines()[1], asked
    assert main(["report", "ETH/USDT", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["analysis"]["symbol"] == "ETH/USDT"
    assert [p.name for p in tmp_path.iterdir()] == ["reports"]


def test_what_cannot_be_shown_is_one_line_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No report, no such symbol, no such day, a file that is damaged, of another schema, or of impossible values."""
    monkeypatch.chdir(tmp_path)

    def fault(*asked: str) -> str:
        assert main(["report", *asked]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        return err

    assert "reports/out/: no report yet; ./run --mode ultimate --once makes one" in fault()
    assert "--once --symbols SOL/USDT makes one" in fault("sol/usdt")
    written = made(tmp_path)
    whole = written.json.read_text()
    assert "did you mean BTC/USDT? ./run --mode ultimate --once --symbols BTC/USD makes one" in fault("BTC/USD")
    assert "there are reports of BTC/USDT;" in fault("SOL/USDT")
    assert "there is one, of 2024-03-31T00:00:00Z" in fault("--date", "2024-03-30")
    assert "write a date like 2024-01-31" in fault("--date", "yesterday")
    for content, said in (
        ("{", "no whole report"),
        ("[]", "no whole report"),
        (whole.replace("report/1.1", "report/2"), "schema 'dual-system-trader/report/2'; this version reads"),
        (whole.replace("report/1.1", "other"), "this version reads dual-system-trader/report/1.x"),
        (
            re.sub(r'"symbol": "[^"]+",\s*"ts": \d+', '"symbol": "BTC/USDT", "ts": 9223372036854775807000', whole),
            "values",
        ),
    ):
        written.json.write_text(content)
        assert said in fault(), said


def test_reports_of_the_schema_before_are_still_shown(tmp_path: Path) -> None:
    """report/1 had no changes; a minor version only adds."""
    written = made(tmp_path)
    record = json.loads(written.json.read_text())
    record["schema"] = "dual-system-trader/report/1"
    del record["analysis"]["changes"]
    written.json.write_text(json.dumps(record))
    assert "there is none before this one" in text(read_report(written.json))


def test_after_a_run_one_report_is_a_page_and_several_are_a_line_each(tmp_path: Path) -> None:
    """Three pages would scroll the first one away."""
    written = [made(tmp_path, symbol, simulated=True) for symbol in ("BTC/USDT", "ETH/USDT")]
    paths = [str(path) for w in written for path in (w.html, w.markdown, w.json)]
    shown = []
    for some in (paths[:3], paths, []):
        out = io.StringIO()
        show_made(some, Console(file=out, width=80, highlight=False))
        shown.append(out.getvalue())
    assert "SCENARIOS" in shown[0]
    assert "SCENARIOS" not in shown[1]
    assert all(f"{symbol}/USDT" in shown[1] for symbol in ("BTC", "ETH"))
    assert shown[1].count("weak") == shown[1].count("SIMULATED") == 2
    assert "A page of one: ./run report BTC/USDT" in shown[1]
    assert shown[2] == ""
