"""The Markdown beside the page, and the footprint on it: nothing that the page says is missing in the text."""

from __future__ import annotations

import re

import msgspec
from candles import frames_of, walk

from desk.analysis.microstructure import Sample, microstructure
from desk.analysis.orderflow import order_flow
from desk.analysis.shape import DAY, MINUTE, Analysis
from desk.config import Config
from desk.instrument import Instrument
from desk.io.reports import Origin, render
from desk.messages import Side, Trade
from desk.research.grading import grade, scoreboard
from ultimate_crypto_analyzer import analyse

ORIGIN = Origin("kraken", False, "walks", "./run --once", "abc123", "UTC", "0.1.0")
SECOND = 1_000_000_000


def second_morning() -> Analysis:
    """A day after a plan, with its grade, a recorded minute of the book and three recorded trades."""
    frames = frames_of(walk(70 * 288))
    now = frames["5m"].end
    graded = grade(analyse("BTC/USDT", frames, now - DAY), frames, now)
    cost = ((1.0, 1.5),) * 4
    book = microstructure([Sample(now - MINUTE + i * SECOND, 1.25, cost[:3], cost) for i in range(60)], SECOND)
    prints = [(100, 30, Side.SELL), (101, 90, Side.BUY), (101, 2, Side.SELL)]
    trades = [Trade("BTC/USDT@k", px, qty, side, i, now - MINUTE) for i, (px, qty, side) in enumerate(prints)]
    tape = order_flow(trades, Instrument("BTC/USDT", "k", 0, 1))
    made = analyse("BTC/USDT", frames, now)
    return msgspec.structs.replace(
        made, grade=graded, scoreboard=scoreboard([graded]), microstructure=book, order_flow=tape, recording="r"
    )


def test_the_markdown_says_what_the_page_says() -> None:
    """Who reads it in a terminal or a chat must not miss a zone, a grade or a warning."""
    a = second_morning()
    report = render(a, ORIGIN, Config())
    text = report.markdown
    assert report.failed == ()
    assert a.grade is not None
    assert a.entries
    assert a.scenarios
    assert text.count("| no book: no timing |") == len(a.entries)
    assert all(s.stand_aside in text for s in a.scenarios)
    for line in a.grade.lines:
        assert re.search(rf"\| {line.what} \| [^|]+ \| [^|]+ \| {line.outcome} \|", text), line
    assert "levels held" in text.split("The last 1 plan (INSUFFICIENT DATA)")[1]
    assert all(row.anchor in text for row in a.anchored)
    for said in ("VAH", "naked", "Supertrend", "| Swings", "spread 1.25", "Delta +5.80 over 3", "Swing, stop"):
        assert said in text, said


def test_every_table_of_the_markdown_has_as_many_columns_in_its_head_as_in_its_rule() -> None:
    """Otherwise it is not a table but a row of bars."""
    lines = render(second_morning(), ORIGIN, Config()).markdown.splitlines()
    rules = [i for i, line in enumerate(lines) if re.fullmatch(r"[|:-]+", line)]
    assert len(rules) > 12
    for rule in rules:
        for row in (rule - 1, rule + 1):
            assert lines[row].replace(r"\|", "").count("|") == lines[rule].count("|"), lines[row]


def test_a_footprint_shows_what_hit_the_bid_and_what_lifted_the_ask() -> None:
    """Sell × buy by price, the imbalance marked; nothing without a tape."""
    a = second_morning()
    page = render(a, ORIGIN, Config()).html.split("Footprint")[1].split("</table>")[0]
    rows = re.findall(r"<tr><th scope=\"row\" class=\"n\">([0-9]+)[.0]*</th><td class=\"n\">(.*?)</td>", page)
    shown = [(price, re.sub(r"<[^>]+>", "", cell)) for price, cell in rows]
    assert shown == [("101", "0.200 × 9.000 ▲"), ("100", "3.000 × 0.000")]
    assert "Footprint" not in render(msgspec.structs.replace(a, order_flow=None), ORIGIN, Config()).html
