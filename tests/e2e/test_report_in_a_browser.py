"""The reports as a browser shows them, and the tool that looks: it has to see what is wrong with a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mornings import morning
from shared import shared

from benchmarks.report_check import RENDERINGS, Browser, browser, look
from desk.errors import DeskError
from desk.io.browser import find_browser
from desk.io.history import FileHistory

SAMPLE = Path(__file__).resolve().parents[2] / "reports" / "sample_morning.html"
AS = {r.name: r for r in RENDERINGS}
DESKTOP, PHONE = AS["desktop light"], AS["phone light"]
STYLE = "<style>body { color: #333; background: #fff } svg { width: 300px }</style>"

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def page() -> Iterator[Browser]:
    try:
        program = find_browser()
    except DeskError as e:
        pytest.skip(str(e))
    with browser(program) as opened:
        yield opened


FAULTS = {
    "faint words": ("<p style='color: #999'>words</p>", "contrast 2.85 below 4.5"),
    "words as faint as their veil": ("<p style='opacity: .5'>words</p>", "contrast 2.85"),
    "words on a dark box": ("<div style='background: #222'><p style='color: #444'>words</p></div>", "contrast 1.6"),
    "a drawing's words": ("<svg><text y='20' fill='#999'>words</text></svg>", "contrast 2.85 below 4.5"),
    "a drawing's words on a bar": (
        "<svg><rect width='99' height='30' fill='#245'/><text y='20' fill='#333'>words</text></svg>",
        "contrast 1.",
    ),
    "a folded part": ("<details><summary>more</summary><p style='color: #999'>words</p></details>", "contrast 2.85"),
    "a picture from elsewhere": ("<img src='http://127.0.0.1:9/x.png' alt=''>", "asks for http://127.0.0.1:9/x.png"),
    "a script that fails": ("<script>undefined.price</script>", "exception: TypeError"),
    "a line on the console": ("<script>console.error('no data')</script>", "console: no data"),
    "a wide table": ("<div style='width: 500px'>words</div>", "the page is 11"),
    "a table that scrolls": ("<div style='overflow: auto'><p style='width: 500px'>words</p></div>", "wider than its"),
    "words on words": ("<p>words</p><p style='margin-top: -30px'>other words</p>", "lies on p “other words”"),
    "an empty page": ("", "no text is visible"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_page_with_a_fault_is_found_out(page: Browser, tmp_path: Path, fault: str) -> None:
    body, finding = FAULTS[fault]
    file = tmp_path / "page.html"
    file.write_text(
        f"<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>{STYLE}{body}"
    )
    assert finding in "\n".join(look(page, file, PHONE).findings)


def test_a_sound_page_has_no_finding_and_large_words_may_be_fainter(page: Browser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(f"<!doctype html>{STYLE}<p>words</p><p style='font-size: 24px; color: #8a8a8a'>large words</p>")
    seen = look(page, file, DESKTOP)
    assert seen.findings == ()
    assert [(t.ratio, t.least, t.text) for t in seen.texts] == [(3.45, 3.0, "large words"), (12.63, 4.5, "words")]


def test_the_sample_report_is_sound_on_a_desktop_a_phone_and_paper_in_light_and_dark(page: Browser) -> None:
    """Nothing on the console, nothing asked for, nothing too wide, all text legible."""
    seen = [look(page, SAMPLE, AS[name]) for name in ("desktop dark", "phone light", "paper")]
    assert {s.rendering.name: s.findings for s in seen} == {"desktop dark": (), "phone light": (), "paper": ()}
    assert min(len(s.texts) for s in seen) > 400


@pytest.mark.parametrize(
    ("symbol", "rendering"), [("BTC/USDT", "tablet light"), ("ETH/USDT", "phone dark"), ("XRP/USDT", "desktop light")]
)
def test_reports_of_recorded_candles_are_sound(page: Browser, tmp_path: Path, symbol: str, rendering: str) -> None:
    """Prices of five digits and of five decimals, volumes in the millions: what a drawn market does not bring."""
    frames = FileHistory(shared("market/candles/binance_mtf_2024")).frames(symbol)
    report = morning(tmp_path, frames, frames["5m"].end, symbol=symbol)
    assert look(page, report.with_suffix(".html"), AS[rendering]).findings == ()
