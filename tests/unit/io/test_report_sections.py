"""The report's sections from whatever is known, its scripts, its table of levels, and the page over all reports."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import math
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from candles import frames_of, walk
from mornings import morning

from desk.analysis.cone import cone, day_sigma
from desk.analysis.evidence import Control, Evidence, Fade, IcAfter, Interval, Nearest, PastDay, Skill, Window
from desk.analysis.findings import (
    BookGap,
    BookHour,
    Cell,
    Checks,
    Cluster,
    DepthRow,
    FlowBar,
    Impact,
    Microstructure,
    OrderFlow,
)
from desk.analysis.intraday import intraday
from desk.analysis.levels_csv import COLUMNS, levels_csv
from desk.analysis.plan import Changes, Grade, Line, Listed, Moved, Reworded, Scoreboard, Share
from desk.analysis.shape import DAY, MINUTE, Analysis, Bar, Verdict
from desk.config import Config
from desk.io.report_index import entries, index_page, write_index
from desk.io.reports import SECTIONS, TEMPLATES, Origin, render, scripts, slug, write
from ultimate_crypto_analyzer import analyse

ORIGIN = Origin("kraken", False, "REST", "./run --once", "abc123", "UTC", "0.1.0")
FRAMES = frames_of(walk(90 * 288, start=60_000.0))
NOW = FRAMES["5m"].end
HALF = Share(3, 6, 0.5, 0.19, 0.81)

FEW = Interval(0.1, -0.2, 0.4, 40)
EVIDENCE = Evidence(
    begin=NOW - 90 * DAY,
    end=NOW,
    days=90,
    cost_bps=80.0,
    trials=72,
    pbo=0.6,
    skills=(
        Skill(
            *("score", "Score", 5, 40, FEW, FEW, FEW, FEW, 12.0),
            windows=(Window(NOW - DAY, NOW, 20.0, 3, None),),
            controls=(Control("shifted", 200, -0.31, 0.32, 0.308, 0.61),),
        ),
        Skill("hft", "Order book", 5, 0, why="no past"),
    ),
    nearest=Nearest(
        (PastDay(NOW - DAY, 0.4, 12.0, {"5": 3.0}),), ("timeframes",), {"5": FEW}, {"5": 0.5}, {"5": FEW}, 0.05
    ),
    threshold=40.0,
    fades=(
        Fade("score", "Score", (IcAfter(1, FEW, 90), IcAfter(21, None, 4)), 3.5, 2.0, None, 1, "INSUFFICIENT DATA"),
        Fade("mtf", "Timeframes", (IcAfter(1, FEW, 90), IcAfter(21, None, 4)), why="no three horizons"),
    ),
    loud=(5,),
)


def whole() -> Analysis:
    """An analysis with every section filled; few candles, so that a drawing of it is quick."""
    book = Microstructure(
        NOW - DAY,
        NOW,
        MINUTE,
        1440,
        7,
        1.25,
        4.5,
        (DepthRow(10.0, 51_000.0, None, 1400),),
        (Impact(1_000.0, 0.7, 0.8, 1.0), Impact(1e6, None, None, 0.2)),
        (BookHour(0, 60, 1.2, 90_000.0), BookHour(1, 60, 2.4, None)),
        (Cluster(60_600.0, "ask", 750_000.0, 6.2, 80, 90),),
    )
    flow = OrderFlow(
        NOW - DAY,
        NOW,
        420,
        2,
        70.0,
        50.0,
        20.0,
        1 / 6,
        1.0,
        60 * MINUTE,
        (FlowBar(NOW - DAY, 210, 40.0, 20.0, 20.0, -1.0, 21.0, 20.0, 60_000.0),),
        (Cell(NOW - DAY, 60_000.0, 3.0, 9.0, "buy"),),
    )
    lines = (Line("level", "POC", 60_000.0, "held", NOW), Line("bias", "long", None, "open"))
    grade = Grade(NOW - DAY, NOW, NOW, "5m", lines, "bull", (40, 30, 30), 0.54, 2, 3, 4, 9, True, 12.0, "2 missing")
    board = Scoreboard(6, 6, 0.5, 0.6, 0.17, HALF, HALF, HALF, HALF, "INSUFFICIENT DATA", ((NOW, "bull", 0.54),))
    since = Changes(
        NOW - DAY,
        59_000.0,
        1.7,
        (Moved("score", "Score", None, -9.96), Moved("scenario", "bull", 30.4, 41.0)),
        (Reworded("regime", "4h", "", "range, calm"), Reworded("bias", "Bias", "short", "short")),
        (Listed(61_000.0, "VAH"),),
        (Listed(58_000.0, "VAL"),),
        (Listed(59_500.0, "POC"),),
    )
    base = analyse("BTC/USDT", FRAMES, NOW)
    day = intraday(FRAMES["1h"], book)
    assert base.profiles is not None
    assert day is not None
    return msgspec.structs.replace(
        base,
        bars=base.bars[-40:],
        levels=base.levels[:4],
        reactions=base.reactions[:3],
        studies=base.studies[:1],
        structure=base.structure[:1],
        profiles=msgspec.structs.replace(base.profiles, sessions=base.profiles.sessions[-3:]),
        microstructure=book,
        order_flow=flow,
        recording="r",
        intraday=msgspec.structs.replace(day, hours=day.hours[:3]),
        checks=Checks(NOW, 5_200, 3, 1),
        book_gaps=(BookGap("NO LIVE ORDER BOOK", "a live book (none)", "the term is absent", "start one"),),
        grade=grade,
        scoreboard=board,
        evidence=EVIDENCE,
        changes=since,
        verdict=Verdict("weak", "long", "why", Interval(10.0, 2.0, 18.0, 90), 5, 30, NOW - 9 * DAY, NOW, 80.0, 90.0),
    )


class Elements(HTMLParser):
    """How often each element stands in a page, and the attributes that could act or load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.acts: list[str] = []
        for script in scripts(TEMPLATES):  # our own, the same in every report, and long
            html = html.replace(script.text, "")
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            if name.startswith("on") or (name in ("src", "href", "action") and not (value or "").startswith("#")):
                self.acts.append(f"{tag} {name}={value}")


PAYLOADS = (
    *("<script>alert(1)</script>", "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<!--", "-->"),
    *(
        '"><svg onload=alert(1)>',
        "'><iframe src=//evil.example>",
        "</title><b>",
        "</style><link rel=x href=//e>",
        "]]>",
    ),
    *(
        "javascript:alert(1)",
        "{{ 7 * 7 }}",
        "{% include 'x' %}",
        "${7*7}",
        "<a href='//e'>",
        "\u202e<b>",
        "&lt;b&gt;<i>",
    ),
    *(
        "../../etc/passwd",
        "..\\..\\x",
        "a\x00<b>",
        '=HYPERLINK("//e")',
        "+1",
        "-1",
        "@SUM(1)",
        "\t=1",
        "<base href=//e>",
    ),
    *(
        '" onmouseover="alert(1)',
        "' autofocus onfocus='x",
        "<math><mi xlink:href=x>",
        "\u2028</script>",
        "%3Cscript%3E",
    ),
)
WRAPPERS = ("{}", "x{}", "{}x", "{}{}", "'{}'", '"{}"', " {} ", "<p>{}", "{}</section>", "&{};", "\n{}\n", "`{}`",
            "<<{}>>", "/{}", "{}.html", "|{}|", "é{}")  # fmt: skip
HOSTILE = [wrapper.replace("{}", payload) for wrapper in WRAPPERS for payload in PAYLOADS][:500]


def poisoned(value: Any, evil: str) -> Any:
    """The same plain values with `evil` before every text; keys stay, most of them are field names."""
    if isinstance(value, str):
        return evil + value
    if isinstance(value, dict):
        return {key: poisoned(v, evil) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [poisoned(v, evil) for v in value]
    return value


def test_500_hostile_strings_in_every_field_make_no_element_and_leave_no_folder(tmp_path: Path) -> None:
    """A venue, a file, a symbol and an earlier report are outside input; the page holds them as text or not at all."""
    a = whole()
    plain = msgspec.to_builtins(a)
    clean = Elements(render(msgspec.convert(poisoned(plain, "x"), Analysis), ORIGIN, Config()).html)
    assert len(set(HOSTILE)) == 500
    for at in range(0, 500, 10):
        evil = " ".join(HOSTILE[at : at + 10])  # ten to a page: an element made by any of them is one too many
        origin = Origin(evil, False, evil, evil, evil, "UTC", evil)
        report = render(msgspec.convert(poisoned(plain, evil), Analysis), origin, Config())
        seen = Elements(report.html)
        assert report.failed == (), evil
        assert (seen.tags, seen.acts) == (clean.tags, []), evil
        assert not re.search(r"(?<!\\)<", report.markdown), evil
        assert json.loads(report.json)["analysis"]["symbol"] == evil + "BTC/USDT"
    for evil in HOSTILE:  # one at a time where the first character decides
        levels = tuple(msgspec.structs.replace(level, kind=evil + level.kind) for level in a.levels)
        table = levels_csv(msgspec.structs.replace(a, symbol=evil + a.symbol, levels=levels))
        for row in csv.reader(io.StringIO(table)):
            assert not any(cell[:1] in ("=", "@", "\t", "\r") for cell in row), evil
        assert re.fullmatch(r"[a-z0-9-]+", slug(evil)), evil
    for evil in HOSTILE[::50]:
        written = write(report, evil, NOW, tmp_path / "out")
        assert written.html.resolve().parent == (tmp_path / "out").resolve()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_only_the_two_scripts_the_policy_names_can_run() -> None:
    """`default-src 'none'` and the SHA-256 of each script: a third one, or a changed one, does not run."""
    html = render(whole(), ORIGIN, Config()).html
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy is not None
    assert policy[1].startswith("default-src 'none';")
    assert "http" not in policy[1]
    named = re.findall(r"'sha256-([^']+)'", policy[1])
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    assert named == hashes
    assert len(named) == 2
    calls = re.compile(r"\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts)\b")
    assert not any(calls.search(text) for text in scripts)


def test_every_section_is_there_and_what_is_absent_says_so() -> None:
    """A reader must see what was not measured, where it would have stood."""
    full = render(whole(), ORIGIN, Config())
    gone = ("microstructure", "order_flow", "grade", "evidence", "scoreboard", "profiles", "profile", "intraday")
    none = dict.fromkeys((*gone, "checks", "changes"))
    few = dict.fromkeys(("scenarios", "regimes", "structure", "reactions", "bars"), ())
    bare = msgspec.structs.replace(whole(), technical=None, **none, **few)
    empty = render(bare, ORIGIN, Config())
    assert full.failed == empty.failed == ()
    for html in (full.html, empty.html):
        assert re.findall(r'<section id="([a-z]+)">', html) == list(SECTIONS)
        assert all(f'<a href="#{name}">' in html for name in SECTIONS)
    assert full.html.count("Not measured.") < empty.html.count("Not measured.")
    assert empty.html.count("Not measured.") >= 8
    for said in (
        "1.25\u00a0bps",
        "called at 40 %",
        "Flow imbalance",
        "✓ held",
        "7 without a",
        "today has no likeness",
        "58,000.0",
    ):
        assert said in full.html


def test_the_heading_says_what_there_was_and_how_to_have_it_again() -> None:
    """Coverage, gaps, checksum failures, both times, configuration and command: in all three forms, at the top."""
    origin = msgspec.structs.replace(ORIGIN, time_zone="Asia/Tokyo")
    report = render(whole(), origin, Config())
    top = report.html.split("<section", 1)[0], report.markdown.split("## ", 1)[0]
    head = json.loads(report.json)["header"]
    assert (head["checksums"], head["compared"], head["failed"]) == ("3 of 5,200 failed", 5200, 3)
    assert (head["gaps"], head["intervals"], head["asked"], head["coverage"]) == (0, 6, 6, 0.95)
    assert (head["config_hash"], head["command"], head["recording"]) == ("abc123", "./run --once", "r")
    assert head["utc"].endswith("00:00 UTC")
    assert head["local"].endswith("09:00 JST")
    for text in top:
        assert all(said in text for said in (head["utc"], head["local"], "3 of 5,200 failed", "abc123", "./run --once"))
        assert "no gaps" in text
        assert "95\u00a0%" in text
    unrecorded = msgspec.structs.replace(whole(), checks=None, recording="")
    unproven = msgspec.structs.replace(whole(), checks=Checks(NOW, 0, 0, 7))
    for a, said in ((unrecorded, "no recording"), (unproven, "the recording holds no checksums")):
        made = render(a, ORIGIN, Config())
        assert json.loads(made.json)["header"]["checksums"] == said
        assert said in made.html.split("<section", 1)[0]


def test_a_missing_book_has_a_banner_of_its_own_beside_that_of_the_coverage() -> None:
    """What is missing, what it does, what to do: above everything else, and not once more than needed."""
    a = whole()
    html = render(a, ORIGIN, Config()).html
    banners = re.findall(r'<div class="banner quiet"[^>]*><b>([^<]+)</b>', html)
    assert banners == ["INCOMPLETE DATA", "NO LIVE ORDER BOOK"]
    assert html.index("NO LIVE ORDER BOOK") < html.index("<h1>")
    assert "NO LIVE ORDER BOOK" not in render(msgspec.structs.replace(a, book_gaps=()), ORIGIN, Config()).html


def test_hours_placebos_and_fading_are_drawn_and_told_in_numbers() -> None:
    """24 bars of volume and two of spread, once wide and once narrow; the same numbers in Markdown and JSON."""
    few = whole()
    a = msgspec.structs.replace(few, intraday=intraday(FRAMES["1h"], few.microstructure))
    report = render(a, ORIGIN, Config())
    hours = report.html.split('<section id="hours">')[1].split("</section>")[0]
    assert hours.count("<rect") == 2 * (24 + 2)
    assert hours.count("<line") == 2 * 24
    assert "covers 2 of 24 hours; widest 2.40\u00a0bps at 1:00" in hours
    assert "| 1 | " in report.markdown
    assert "2.40\u00a0bps" in report.markdown
    told = json.loads(report.json)["analysis"]
    assert [x["spread_bps"] for x in told["intraday"]["hours"]][:3] == [1.2, 2.4, None]
    assert told["evidence"]["skills"][0]["controls"][0]["as_far"] == 0.308
    evidence = report.html.split('<section id="evidence">')[1]
    for said in (
        "shifted −0.31 … +0.32, 30.8\u00a0% as far from 0",
        "3.5\u00a0d",
        "At 5 d placebos reach",
        "[2.0, ∞] from 1 d",
    ):
        assert said in evidence
    without = msgspec.structs.replace(a, microstructure=None, intraday=intraday(FRAMES["1h"], None))
    assert "Spread by hour needs a recording" in render(without, ORIGIN, Config()).html


def test_two_mornings_from_the_same_candles_are_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Yesterday's plan is graded today; done again from the start, every file is equal to the byte."""
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)  # the folder is part of the configuration, and so of its hash
        for now in (NOW - DAY, NOW):
            morning("out", FRAMES, now)
        write_index(Path("out"))
        kinds = (".html", ".md", ".json", ".csv")
        made.append({p.name: p.read_bytes() for p in Path("out").iterdir() if p.suffix in kinds})
    assert made[0] == made[1]
    assert len(made[0]) == 9
    second = max(name for name in made[0] if re.fullmatch("btc.*Z[.]html", name))
    assert b"What happened" in made[0][second]


def test_levels_are_a_table_for_spreadsheets() -> None:
    """From high to low, in full digits, empty where nothing is known."""
    a = whole()
    header, *rows = csv.reader(io.StringIO(levels_csv(a)))
    assert tuple(header) == COLUMNS
    assert [float(row[2]) for row in rows] == sorted((lv.price for lv in a.levels), reverse=True)
    assert {row[0] for row in rows} == {"BTC/USDT"}
    assert all(len(row) == len(COLUMNS) for row in rows)


def test_the_index_lists_the_newest_first_and_names_what_it_cannot_read(tmp_path: Path) -> None:
    """A damaged file costs its own line; a foreign file is none of ours."""
    report = render(whole(), ORIGIN, Config())
    for back in (DAY, 0):
        write(report, "BTC/USDT", NOW - back, tmp_path)
    (tmp_path / "eth-20200101T000000Z.json").write_text("{<b>")
    (tmp_path / "trials.json").write_text("{}")
    found = entries(tmp_path)
    assert [e.report is None for e in found] == [False, False, True]
    assert found[0].stem > found[1].stem
    page = write_index(tmp_path).read_text()
    links = re.findall(r'href="([^"]+)"', page)
    assert all((tmp_path / link).is_file() for link in links)
    assert len(links) == 2 * 5 + 1
    assert "cannot be read" in page
    assert "<b>" not in page.split("cannot be read")[1].split("</tr>")[0]
    assert index_page(found) == page
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
    assert "No report yet" in index_page(())


def test_the_cone_is_the_root_of_time_around_the_last_close() -> None:
    """±2 % a bar, six bars a day: a day's σ is ln 1.02·√6."""
    bars = [Bar(i * 4 * 60 * MINUTE, 1, 1, 1, 100.0 * 1.02 ** (i % 2), 1) for i in range(61)]
    drawn = cone(bars, 4 * 60 * MINUTE, [(101.0, "bull"), (500.0, "far")], (880, 250), 190)
    sigma = math.log(1.02) * math.sqrt(6)
    assert drawn is not None
    assert day_sigma(bars, 4 * 60 * MINUTE) == pytest.approx(sigma)
    assert drawn.one == pytest.approx((100 * math.exp(-sigma), 100 * math.exp(sigma)))
    assert drawn.two == pytest.approx((100 * math.exp(-2 * sigma), 100 * math.exp(2 * sigma)))
    assert [m.kind for m in drawn.marks] == ["95 %", "68 %", "bull", "68 %", "95 %"]
    assert cone(bars[:20], 4 * 60 * MINUTE, [], (880, 250), 190) is None
