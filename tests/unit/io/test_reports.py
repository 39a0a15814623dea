"""desk/io/reports.py: self-contained, escaped, readable, exact, and written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import threading
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from candles import flat, frames_of, walk

from desk.analysis.shape import Analysis, HftAverage
from desk.config import Config
from desk.errors import DeskError
from desk.io.reports import SCHEMA, SECTIONS, TEMPLATES, Origin, render, slug, write
from ultimate_crypto_analyzer import analyse

ORIGIN = Origin("kraken", False, "REST https://api.kraken.com", "./run --once", "abc123", "Europe/Berlin", "0.1.0")
EVIL = '</title><script>alert("x")</script>/`|<b>'
TS = 1_795_165_200_000_000_000  # 2026-11-20 09:00:00 UTC


def analysis(symbol: str = "BTC/USDT", hft: bool = False) -> Analysis:
    """A whole analysis of a seeded walk."""
    frames = frames_of(walk(90 * 288, start=60_000.0))
    now = frames["5m"].end
    average = HftAverage(symbol, -80.0, now - 1, now, 900, "L3") if hft else None
    return analyse(symbol, frames, now, average)


VOID = {"meta", "br", "line", "rect", "circle", "path"}


class Outline(HTMLParser):
    """Tags, attributes that could load something, and open elements."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        loading = ((k, v) for k, v in attrs if k in ("src", "href", "xlink:href", "action", "data"))
        self.loads += [f"{tag} {k}={v}" for k, v in loading if not (v or "").startswith("#")]
        self.loads += [f"{tag} {k}" for k, _ in attrs if k.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def outline(html: str) -> Outline:
    parser = Outline()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser


def without_scripts(html: str) -> str:
    return re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)


def test_the_html_is_self_contained_well_formed_and_small() -> None:
    """A report that loads something tells a stranger what the reader trades, and breaks in a mail."""
    html = render(analysis(), ORIGIN, Config()).html
    seen = outline(html)
    assert seen.loads == []
    assert not {"link", "iframe", "img", "object"} & set(seen.tags)
    assert seen.tags.count("script") == 3  # the candles as JSON, and the two whose hashes the policy names
    assert not re.search(r"url\(|@import|https?://(?!api\.kraken\.com<)", without_scripts(html))
    assert len(html.encode()) < 2_000_000
    assert seen.tags.count("section") == len(SECTIONS)
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html
    assert 'name="viewport"' in html


def test_nothing_a_venue_or_a_file_name_says_becomes_markup() -> None:
    """jinja2 does not escape by itself; a symbol or a path may hold anything."""
    a = msgspec.structs.replace(analysis(), symbol=EVIL, unknown=(EVIL,))
    origin = msgspec.structs.replace(ORIGIN, venue=EVIL, source=EVIL, command=EVIL, simulated=True)
    report = render(a, origin, Config())
    assert report.failed == ()
    assert "<script>alert" not in report.html
    assert not re.search(r"(?<!\\)<", report.markdown)
    outline(report.html)


def test_the_shown_contributions_add_up_to_the_shown_score() -> None:
    """−11.5 − 34.0 − 10.9 shown beside −56.5 would be an error for every reader."""
    a = analysis(hft=True)
    report = render(a, ORIGIN, Config())
    rows = re.findall(
        r"^\| (?!\*)[^|]+\| [0-9]+[^|]*\| [^|]+\| ([+−]?[0-9.]+) \|",
        report.markdown.split("## How the score came about")[1].split("\n## ")[0],
        re.MULTILINE,
    )
    assert report.failed == ()
    total = re.search(r"\*\*Score\*\* \| \| \| \*\*([+−]?[0-9.]+)\*\*", report.markdown)
    assert total is not None
    tenths = [round(10 * float(x.replace("−", "-"))) for x in rows]
    assert len(tenths) == 4
    assert sum(tenths) == round(10 * float(total[1].replace("−", "-")))
    assert f">{total[1]}<" in report.html


def test_the_json_is_versioned_and_gives_the_analysis_back() -> None:
    """Programs read this one; it must hold everything and round-trip."""
    a = analysis(hft=True)
    record = json.loads(render(a, ORIGIN, Config()).json)
    assert record["schema"] == SCHEMA == "dual-system-trader/report/1.1"
    assert msgspec.convert(record["analysis"], Analysis) == a
    assert record["origin"]["config_hash"] == "abc123"
    assert [r["cost_bps"] for r in record["routes"]] == [80.0, 65.0, 50.0]


def test_verdict_banner_times_and_origin_are_on_the_page() -> None:
    """The reader must see what is simulated, when it was, and how to get it again."""
    a = analysis()
    real, simulated = (render(a, msgspec.structs.replace(ORIGIN, simulated=s), Config()) for s in (False, True))
    for text in (simulated.html, simulated.markdown):
        assert "SIMULATED MARKET" in text
        assert re.search("no evidence", text, re.IGNORECASE)
        assert "needs walk-forward record" in text
        assert "abc123" in text
        assert "2024-03-31 02:00 CEST" not in text
        assert "CEST" in text or "CET" in text
    assert "SIMULATED MARKET" not in real.html + real.markdown
    assert render(a, ORIGIN, Config()) == real


@pytest.mark.parametrize("n", [1, 30, 100])
def test_poor_data_still_gives_a_whole_report(n: int) -> None:
    """A new listing has hours of history; a halted one does not move."""
    for fine in (walk(n), flat(n)):
        frames = frames_of(fine)
        report = render(analyse("NEW/USD", frames, fine.end), ORIGIN, Config())
        assert report.failed == ()
        assert "INSUFFICIENT DATA" in report.markdown
        for word in ("nan", "None", "inf "):
            assert word not in re.sub(r"<style>.*?</style>", "", without_scripts(report.html), flags=re.DOTALL)
        outline(report.html)


def test_a_broken_section_is_named_and_the_rest_is_there(tmp_path: Path) -> None:
    """One mistake in a template must not cost the morning."""
    shutil.copytree(TEMPLATES, tmp_path / "t")
    (tmp_path / "t" / "section_levels.html.j2").write_text("{{ a.no_such_field }}")
    (tmp_path / "t" / "report.md.j2").write_text("{% if %}")
    with pytest.raises(Exception, match="Expected an expression"):
        render(analysis(), ORIGIN, Config(), tmp_path / "t")
    (tmp_path / "t" / "report.md.j2").write_text("{{ nothing }}")
    report = render(analysis(), ORIGIN, Config(), tmp_path / "t")
    assert report.failed == ("levels", "markdown")
    assert "could not be made" in report.html
    assert "no_such_field" in report.html
    assert outline(report.html).tags.count("section") == len(SECTIONS)
    assert "could not be made" in report.markdown


def luminance(colour: str) -> float:
    """WCAG 2 relative luminance of "#rrggbb"."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_has_wcag_aa_contrast_in_light_dark_and_print() -> None:
    """4.5 : 1 for every text colour on every ground it stands on."""
    css = (TEMPLATES / "style.css.j2").read_text()
    themes = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    assert len(themes) == 3
    for theme in themes:
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", theme))
        pairs = [
            (ink, ground) for ink in ("ink", "soft", "up", "down", "accent", "gold") for ground in ("paper", "card")
        ]
        for ink, ground in [*pairs, ("warn-ink", "warn-bg"), ("ink", "faint")]:
            a, b = sorted((luminance(colours[ink]), luminance(colours[ground])))
            assert (b + 0.05) / (a + 0.05) >= 4.5, (ink, ground, theme)


# --- writing


def test_names_are_slugged_stamped_and_never_reused(tmp_path: Path) -> None:
    """Two reports of one second are two reports."""
    report = render(analysis(), ORIGIN, Config())
    first = write(report, "BTC/USDT", TS, tmp_path / "a" / "b")
    second = write(report, "BTC/USDT", TS, tmp_path / "a" / "b")
    assert first.html.name == "btc-usdt-20261120T090000Z.html"
    assert second.html.name == "btc-usdt-20261120T090000Z-2.html"
    assert sorted(p.name for p in first.html.parent.iterdir()) == [
        f"btc-usdt-20261120T090000Z{n}.{kind}" for n in ("-2", "") for kind in ("csv", "html", "json", "md")
    ]
    assert first.html.read_text() == report.html
    assert first.json.read_bytes() == report.json


def test_a_report_never_leaves_its_folder(tmp_path: Path) -> None:
    """A symbol is outside input."""
    report = render(analysis(), ORIGIN, Config())
    for symbol in ("../../evil", "/etc/passwd", "..", "a\x00b", "con" * 100):
        written = write(report, symbol, TS, tmp_path / "out")
        assert written.html.resolve().parent == (tmp_path / "out").resolve()
    assert slug("BTC/USDT") == "btc-usdt"


def test_writers_at_the_same_moment_lose_nothing(tmp_path: Path) -> None:
    """Eight threads, one second, eight whole reports."""
    report = render(analysis(), ORIGIN, Config())
    written = []

    def one() -> None:
        written.append(write(report, "BTC/USDT", TS, tmp_path))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len({w.html for w in written}) == 8
    assert all(w.html.read_text() == report.html and w.json.exists() and w.markdown.exists() for w in written)
    assert len(list(tmp_path.iterdir())) == 32


def test_a_folder_that_cannot_be_written_is_one_line_with_the_fix(tmp_path: Path) -> None:
    """A file in the folder's place stands for every reason the system can give."""
    (tmp_path / "out").write_text("")
    with pytest.raises(
        DeskError, match=r"out: the report of BTC/USDT could not be written .*set \$\.ultimate_analyzer"
    ):
        write(render(analysis(), ORIGIN, Config()), "BTC/USDT", TS, tmp_path / "out")


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fills during the flush of the second file: no half report, no draft, one clear line."""
    report = render(analysis(), ORIGIN, Config())
    count = 0
    real = os.fsync

    def full(handle: int) -> None:
        nonlocal count
        count += 1
        if count == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DeskError, match=r"No space left on device.*free some space"):
        write(report, "BTC/USDT", TS, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_hard_links_still_overwrites_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAT and some network drives refuse links."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    report = render(analysis(), ORIGIN, Config())
    names = [write(report, "BTC/USDT", TS, tmp_path).html.name for _ in range(2)]
    assert names == ["btc-usdt-20261120T090000Z.html", "btc-usdt-20261120T090000Z-2.html"]
    assert len(list(tmp_path.iterdir())) == 8
