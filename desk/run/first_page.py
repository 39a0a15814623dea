"""The first page of a report on a terminal: verdict, score, levels, scenarios, what changed; in 80 columns or more."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from desk.analysis.chart import rounded
from desk.analysis.chart_data import decimals
from desk.analysis.plan import Changes, Scenario
from desk.analysis.shape import Analysis, Level
from desk.io.console.cells import DIM, TITLE, bar, clean, number, signed
from desk.io.past_reports import PastReport

WIDE = 120  # from here on the levels stand beside the rest
NEAREST = 8  # levels of a narrow page; a wide one has all
WORDS = ("", "symbol", "term", "level", "verdict", "now", "trigger", "over at")  # columns that are not numbers
SIDES = {"long": "green", "short": "red", "bull": "green", "bear": "red"}


def first_page(report: PastReport, page: Path, width: int) -> RenderableType:
    """What a reader wants first; `page` is where the whole report is. Nothing of the file is taken for markup."""
    a = report.analysis
    left = [_verdict(a), _score(a)]
    scenarios, levels = _scenarios(a), _levels(a, width)
    if width < WIDE:
        body: RenderableType = Group(*left, levels, *scenarios)
    else:
        body = Table.grid(padding=(0, 3), expand=True)
        body.add_column(ratio=1)
        body.add_column(ratio=1)
        body.add_row(Group(*left), Group(levels))
        body = Group(body, *scenarios)
    return Group(_header(report), body, *_changes(a.changes, decimals(a)), Text(f"\n{clean(str(page))}", DIM))


def glance(reports: Sequence[PastReport]) -> RenderableType:
    """A line a report: what a reader of several wants before any page."""
    table = _table("symbol", "last", "verdict", "score", "now", "bull · bear · range", "")
    for a, simulated in ((r.analysis, r.origin.simulated) for r in reports):
        said = Text(f"{clean(a.verdict.word)} · {clean(a.verdict.side)}", _side(a.verdict.side))
        odds = " · ".join(f"{s.probability_pct} %" for s in a.scenarios) or "–"
        mark = Text("SIMULATED" if simulated else "", "bold yellow")
        score = signed(a.score, 1)
        table.add_row(Text(clean(a.symbol), TITLE), _price(a, a.last), said, score, Text(clean(a.label)), odds, mark)
    return table


def _header(report: PastReport) -> RenderableType:
    a, origin = report.analysis, report.origin
    top = Table.grid(expand=True)
    top.add_column()
    top.add_column(justify="right")
    mark = Text("SIMULATED MARKET", "bold yellow") if origin.simulated else Text("")
    top.add_row(Text.assemble((clean(a.symbol), TITLE), "  ", (_price(a, a.last), TITLE)), mark)
    where = f"{clean(origin.venue)} · {_time(a.ts)} UTC"
    if origin.time_zone in zoneinfo.available_timezones() - {"UTC"}:
        there = datetime.fromtimestamp(a.ts // 10**9, zoneinfo.ZoneInfo(origin.time_zone))
        where += f" · {there:%Y-%m-%d %H:%M %Z}"
    gaps = [f"{d.gaps} of {d.bars + d.gaps} {clean(d.name)}" for d in a.data if d.gaps]
    gaps += [f"all {clean(d.name)}" for d in a.data if not d.bars]
    missing = f"candles missing: {', '.join(gaps)}" if gaps else "no candle missing"
    share = f"{100 * a.coverage:.0f} % of the score's weight had data"
    said = Text(f"{share}; {missing}", "yellow" if gaps or a.coverage < 0.995 else DIM)
    return Group(top, Text(where, DIM), said)


def _verdict(a: Analysis) -> RenderableType:
    v = a.verdict
    lines = [
        Text.assemble(("\nVERDICT  ", DIM), (clean(v.word).capitalize(), TITLE), " · ", (clean(v.side), _side(v.side))),
        Text(f"{v.reason[:1].upper()}{clean(v.reason, 400)[1:].rstrip('.')}."),
    ]
    if (net := v.net_bps) is not None:
        edge = Text.assemble(
            *(signed(net.value), " bps a trade after costs, 95 % "),
            *(signed(net.low).plain, " … ", signed(net.high).plain),
            f" · horizon {v.horizon_days} d · {net.n} days, {v.trades} trades apart",
        )
        span = f" · {_time(v.begin)[:10]} to {_time(v.end)[:10]}" if v.begin is not None and v.end is not None else ""
        cost = Text.assemble(
            *("round trip ", number(v.cost_bps), " bps, breaks even at ", number(v.break_even_bps), f" bps{span}")
        )
        lines += [edge, cost]
    return Group(*lines)


def _score(a: Analysis) -> RenderableType:
    known = [t for t in a.terms if t.contribution is not None]
    parts = rounded([t.contribution or 0.0 for t in known])
    shown = {t.key: part for t, part in zip(known, parts, strict=True)}
    total = None if a.score is None else round(sum(parts), 1) + 0.0
    expires = "" if a.bias_expires is None else f"; its bias until {_time(a.bias_expires)} UTC"
    head = Text.assemble(
        ("\nNOW  ", DIM),
        *((signed(total, 1), " ") if total is not None else ()),
        *((clean(a.label), TITLE), (f"  a description, no forecast{expires}", DIM)),
    )
    table = _table("term", "of it", "value", "", "gives")
    for t in a.terms:
        name = Text(clean(t.name))
        weight = Text(f"{t.weight:.0f} %", DIM)
        table.add_row(name, weight, signed(t.value, 1), bar(t.value, 5), signed(shown.get(t.key), 1))
    return Group(head, table)


def _levels(a: Analysis, width: int) -> RenderableType:
    table = _table("price", "away", "ATR", "held", "level")
    near = a.levels if width >= WIDE else a.levels[:NEAREST]  # nearest first, as the report has them
    here = Level(a.last, "last close", 0.0, None, 0)
    for lv in sorted((here, *near), key=lambda lv: -lv.price):
        if lv is here:
            table.add_row(*(Text(text, "bold blue") for text in (_price(a, a.last), "", "", "", "last close")))
            continue
        r = lv.reaction
        held = Text(f"{100 * r.rate:.0f} % of {r.n}") if r is not None and r.rate is not None else Text("–", DIM)
        distance = f"{'+' if lv.distance_pct > 0 else '−'}{abs(lv.distance_pct):.2f} %"
        atr = Text("–" if lv.distance_atr is None else f"{abs(lv.distance_atr):.2f}")
        table.add_row(Text(_price(a, lv.price)), Text(distance), atr, held, Text(clean(lv.kind)))
    head = Text.assemble(("\nLEVELS  ", DIM), ("" if a.levels else "none known"))
    return Group(head, table) if a.levels else head


def _scenarios(a: Analysis) -> list[RenderableType]:
    if not a.scenarios:
        return [Text.assemble(("\nSCENARIOS  ", DIM), "none: without a daily ATR there is no measure of what is near")]
    first = a.scenarios[0]
    basis = f"{clean(first.basis)}, n = {first.n}" if first.n else clean(first.basis)
    head = Text.assemble(("\nSCENARIOS  ", DIM), f"until {_time(first.expires)} UTC ", (f"({basis})", DIM))
    table = _table("", "odds", "95 %", "trigger", "target", "over at")
    for s in a.scenarios:
        table.add_row(
            Text(clean(s.kind), _side(s.kind)),
            Text(f"{s.probability_pct} %", TITLE),
            Text("–" if s.low_pct is None or s.high_pct is None else f"{s.low_pct:.0f} – {s.high_pct:.0f}", DIM),
            Text(_price(a, s.trigger) if s.trigger is not None else clean(s.trigger_kind)),
            Text("–" if s.target is None else _price(a, s.target)),
            Text(" or ".join(_price(a, p) for p in s.invalidation)),
        )
    aside = [Text.assemble(("\nSTAND ASIDE IF", DIM))]
    return [head, table, *aside, *(_aside(s) for s in a.scenarios)]


def _aside(s: Scenario) -> RenderableType:
    text = clean(s.stand_aside).removeprefix("stand aside if ")
    return _indented(Text.assemble((clean(s.kind), _side(s.kind)), f": {text}"))


def _changes(c: Changes | None, digits: int) -> list[RenderableType]:
    if c is None:
        return [Text.assemble(("\nSINCE THE LAST REPORT  ", DIM), "there is none before this one")]
    parts = []
    for w in (w for w in c.words if w.before != w.now):
        name = f"{w.what} {w.name}" if w.what == "regime" else w.what
        parts.append(f"{clean(name)} {clean(w.before) or '–'} → {clean(w.now) or '–'}")
    for m in c.numbers:
        then, now = ((number(x) if m.what == "scenario" else signed(x, 1)).plain for x in (m.before, m.now))
        name = f"{m.name} %" if m.what == "scenario" else m.name.lower()
        parts += [f"{clean(name)} {then} → {now}"] if then != now else []
    lines: list[RenderableType] = [
        Text.assemble((f"\nSINCE {_time(c.ts)} UTC  ", DIM), "price ", signed(c.move_pct, 2), " %"),
        _indented(Text("; ".join(parts) or "verdict, score and scenarios are the same")),
    ]
    for name, found in (("new levels", c.appeared), ("gone", c.went), ("passed", c.passed)):
        if found:
            prices = ", ".join(f"{lv.price:,.{digits}f} {clean(lv.kind)}" for lv in found)
            lines.append(_indented(Text.assemble((f"{name}: ", DIM), prices)))
    return lines


def _indented(text: Text) -> RenderableType:
    return Padding(text, (0, 0, 0, 2), expand=False)


def _table(*names: str) -> Table:
    """Rows without lines, numbers on the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=DIM)
    for name in names:
        table.add_column(name, justify="left" if name in WORDS else "right", overflow="fold")  # folded, never cut
    return table


def _side(side: str) -> str:
    return SIDES.get(side, "")


def _price(a: Analysis, x: float) -> str:
    return f"{x:,.{decimals(a)}f}"


def _time(ns: int) -> str:
    return datetime.fromtimestamp(ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M")
