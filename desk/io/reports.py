"""Reports: one Analysis as a self-contained HTML file, Markdown, JSON and a CSV of levels, written whole or not at all.

The HTML reads without its script and asks nothing of any network: its policy allows only the two scripts whose hashes
it names, and they only make the drawn chart movable. Each section is a template of its own, and one that fails is named
in the report instead of taking it down. Files never overwrite others and never leave their folder.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import functools
import hashlib
import os
import re
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.bccache import Bucket
from markupsafe import Markup

from desk.analysis.chart import at, chart, rounded, waterfall
from desk.analysis.chart_data import chart_data, decimals
from desk.analysis.combine import INSUFFICIENT
from desk.analysis.cone import cone
from desk.analysis.cost import RISKS_PCT, SWING_RISKS_PCT, Route, StopRow, routes, stop_rows, zone_break_evens
from desk.analysis.heading import heading
from desk.analysis.levels_csv import levels_csv
from desk.analysis.shape import DAY, FRAMES, Analysis
from desk.config import Config
from desk.errors import DeskError
from desk.portfolio.fees import in_force
from desk.wholefile import draft_of, sync_folder, write_synced

NBSP = "\u00a0"  # keeps a number and its unit on one line
SCHEMA = "dual-system-trader/report/1.1"  # 1.1: analysis.changes
TEMPLATES = Path(__file__).resolve().parents[2] / "reports" / "templates"
VENDOR = TEMPLATES.parent / "vendor"
SECTIONS = {  # file name and anchor → what the contents list calls it
    "verdict": "Verdict",
    "chart": "Chart",
    "changes": "What changed",
    "plan": "Scenarios",
    "levels": "Levels",
    "grade": "Yesterday’s plan",
    "evidence": "Evidence",
    "score": "Score",
    "timeframes": "Timeframes",
    "profile": "Volume at price",
    "technical": "Indicators",
    "regime": "Regime",
    "book": "Book and flow",
    "hours": "Hours of the day",
    "cost": "Costs",
    "risk": "Risk and size",
    "data": "Data",
    "unknown": "Not known",
}


class Origin(msgspec.Struct, frozen=True):
    """Where the numbers come from and how to get them again."""

    venue: str
    simulated: bool
    source: str
    command: str
    config_hash: str
    time_zone: str
    version: str


class Rendered(msgspec.Struct, frozen=True):
    """One report in its forms, and the sections that could not be made."""

    html: str
    markdown: str
    json: bytes
    csv: str
    failed: tuple[str, ...]


class Written(msgspec.Struct, frozen=True):
    """The files of one report."""

    html: Path
    markdown: Path
    json: Path
    csv: Path


def render(analysis: Analysis, origin: Origin, config: Config, templates: Path = TEMPLATES) -> Rendered:
    """The report of one analysis. The same arguments give the same bytes."""
    fees = in_force(config.fees, analysis.ts)
    ways = routes(fees.maker_bps, fees.taker_bps)
    equity, most = config.risk.equity_quote, config.risk.max_position_pct
    stops = stop_rows(analysis.timeframes, analysis.last, ways, equity, most)
    facts = _facts(analysis, origin, config, ways, stops) | {"fees": fees}
    failed: list[str] = []
    html = _html(templates, facts, failed)
    text = _environment(templates, analysis, origin, escape=False).get_template("report.md.j2")
    try:
        markdown = text.render(facts)
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as e:
        failed.append("markdown")
        markdown = f"# {analysis.symbol}\n\nThe Markdown report could not be made: {e}\n"
    record = {"schema": SCHEMA, "origin": origin, "header": _header(analysis, origin), "analysis": analysis}
    record |= {"routes": ways, "stops": stops}
    record |= {"risks_pct": RISKS_PCT, "swing_risks_pct": SWING_RISKS_PCT}
    record |= {"entry_break_even": zone_break_evens(analysis.entries, ways)}  # by zone and route
    data = msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"
    return Rendered(html, markdown, data, levels_csv(analysis), tuple(failed))


def write(report: Rendered, symbol: str, ts: int, folder: Path) -> Written:
    """Put a report on disk as `btc-usdt-20261120T090000Z.html`, `.md`, `.json`, `.csv`; a taken name gets -2, -3, …

    Each file is written beside its place, flushed to the disk and then given its name, so a reader finds it whole or
    not at all. Raises DeskError with one line naming the folder when the disk is full or the folder cannot be written.
    """
    stem = f"{slug(symbol)}-{datetime.fromtimestamp(ts // 10**9, UTC):%Y%m%dT%H%M%SZ}"
    contents = {".html": report.html.encode(), ".md": report.markdown.encode(), ".json": report.json}
    contents[".csv"] = report.csv.encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        count = 1
        while True:
            name = stem if count == 1 else f"{stem}-{count}"
            paths = {suffix: folder / (name + suffix) for suffix in contents}
            if _place(paths, contents):
                return Written(paths[".html"], paths[".md"], paths[".json"], paths[".csv"])
            count += 1
    except OSError as e:
        why = e.strerror or str(e)
        fix = "free some space there, make it writable, or set $.ultimate_analyzer.report_dir to another folder"
        raise DeskError(f"{folder}: the report of {symbol} could not be written ({why}); {fix}") from e


def slug(symbol: str) -> str:
    """A file name's worth of a symbol: letters, digits and single dashes.

    >>> slug("BTC/USDT"), slug("../../etc/passwd"), slug("…")
    ('btc-usdt', 'etc-passwd', 'symbol')
    """
    return re.sub(r"[^a-z0-9]+", "-", symbol.lower()).strip("-")[:40] or "symbol"


def _place(paths: dict[str, Path], contents: dict[str, bytes]) -> bool:
    """Write all files or none; False when one of the names is taken."""
    if any(os.path.lexists(path) for path in paths.values()):
        return False
    drafts: list[Path] = []
    placed: list[Path] = []
    try:
        for suffix, path in paths.items():
            drafts.append(draft_of(path))
            write_synced(drafts[-1], contents[suffix])
        for draft, path in zip(drafts, paths.values(), strict=True):
            _give_name(draft, path)
            placed.append(path)
    except FileExistsError:
        for path in placed:
            path.unlink()
        return False
    except OSError:
        for path in placed:
            path.unlink()
        raise
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)
    with contextlib.suppress(PermissionError):  # a folder that may not be read still takes reports
        sync_folder(paths[".html"].parent)
    return True


def _give_name(draft: Path, path: Path) -> None:
    """`path` for the bytes of `draft`, in one step; raises FileExistsError when the name was taken meanwhile."""
    try:
        os.link(draft, path)  # unlike a rename it never overwrites
    except OSError as e:
        if e.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
            raise
        path.open("xb").close()  # no hard links here (FAT, some network drives): take the name, then replace it
        draft.replace(path)


class Script(msgspec.Struct, frozen=True):
    """A script of ours, trusted as it stands, and its hash as a content security policy writes it."""

    text: Markup
    hash: Markup


@functools.cache
def scripts(templates: Path) -> tuple[Script, ...]:
    """The vendored chart library (its licence beside it) and the lines that feed it."""
    files = (VENDOR / "lightweight-charts-5.2.1.js", templates / "chart.js")
    out = []
    for file in files:
        text = file.read_text(encoding="utf-8").strip()
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        out.append(Script(Markup(text), Markup(f"'sha256-{digest}'")))  # noqa: S704 - files of the program, no input
    return tuple(out)


def _html(templates: Path, facts: dict[str, Any], failed: list[str]) -> str:
    env = _environment(templates, facts["a"], facts["origin"], escape=True)
    parts: dict[str, Markup] = {}
    for name in SECTIONS:
        try:
            parts[name] = Markup(env.get_template(f"section_{name}.html.j2").render(facts))  # noqa: S704 - escaped there
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as e:
            failed.append(name)
            note = '<section><h2>{}</h2><p class="warn">This section could not be made: {}</p></section>'
            parts[name] = Markup(note).format(name.capitalize(), str(e))  # noqa: S704 - format escapes what it inserts
    extra = {"sections": parts, "titles": SECTIONS, "scripts": scripts(templates) if facts["a"].bars else ()}
    return env.get_template("report.html.j2").render(facts | extra)


def _facts(
    a: Analysis, origin: Origin, config: Config, ways: tuple[Route, ...], stops: tuple[StopRow, ...]
) -> dict[str, Any]:
    """What the templates may use."""
    known = [t for t in a.terms if t.contribution is not None]
    shown = rounded([t.contribution or 0.0 for t in known])
    top = {t.key: value for t, value in zip(known, shown, strict=True)}

    def draw(size: tuple[int, int], margins: tuple[int, int], bars: int) -> object:
        return chart(a.bars[-bars:], a.profile, a.levels, a.last, size, margins)

    def cone_of(width: int, height: int, labels: int) -> object:
        triggers = [(s.trigger, s.kind) for s in a.scenarios if s.trigger is not None]
        interval = FRAMES.get(a.chart)
        return cone(a.bars, interval, triggers, (width, height), labels) if interval else None

    return {
        "a": a,
        "origin": origin,
        "header": _header(a, origin),
        "risk": config.risk,
        "routes": ways,
        "stops": stops,
        "risks_pct": RISKS_PCT,
        "swing_risks_pct": SWING_RISKS_PCT,
        "zone_break_evens": zone_break_evens(a.entries, ways),
        "shown": top,
        "total": round(sum(shown), 1) + 0.0 if a.score is not None else None,
        "insufficient": INSUFFICIENT,
        "schema": SCHEMA,
        "day_ns": DAY,
        "draw": draw,
        "cone_of": cone_of,
        "chart_data": chart_data(a, decimals(a)),
        "steps": lambda left, right: waterfall(a.terms, left, right),
        "at": at,
    }


def _header(a: Analysis, origin: Origin) -> dict[str, Any]:
    """The first lines: what there was, when, and how to have it again."""
    filters = _filters(decimals(a), zoneinfo.ZoneInfo(origin.time_zone))
    when = {"utc": filters["moment"](a.ts) + " UTC", "local": filters["local"](a.ts)}
    again = {"config_hash": origin.config_hash, "command": origin.command}
    counted: dict[str, Any] = msgspec.to_builtins(heading(a))
    return {"symbol": a.symbol, "venue": origin.venue} | when | counted | again


class _Compiled(BytecodeCache):
    """Templates compiled once per process; jinja2 checks the source's hash, so a changed file is compiled again."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = {escape: _Compiled() for escape in (True, False)}  # what is compiled with escaping differs


def _environment(templates: Path, a: Analysis, origin: Origin, *, escape: bool) -> Environment:
    env = Environment(
        loader=FileSystemLoader(templates),
        autoescape=escape,  # noqa: S701 - on for HTML; Markdown has its own
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=_COMPILED[escape],
        finalize=None if escape else unmarked,
    )
    env.filters |= _filters(decimals(a), zoneinfo.ZoneInfo(origin.time_zone))
    return env


def unmarked(value: object) -> object:
    r"""What an expression of the Markdown template gives, on one line and unable to open markup.

    >>> print(unmarked("<b>*x*"))
    \<b\>\*x\*
    """
    if not isinstance(value, str):
        return value
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", " ".join(value.splitlines()))


def _filters(decimals: int, zone: zoneinfo.ZoneInfo) -> dict[str, Callable[..., str]]:
    def price(x: float) -> str:
        return f"{x:,.{decimals}f}"

    def signed(x: float | None, digits: int = 1, unit: str = "") -> str:
        if x is None:
            return "—"
        text = f"{abs(x):,.{digits}f}"
        zero = not text.strip("0.,")
        return ("" if zero else "+" if x > 0 else "−") + text + unit.replace(" ", NBSP)

    def number(x: float | None, digits: int = 1, unit: str = "") -> str:
        return "—" if x is None else f"{x:,.{digits}f}".replace("-", "−") + unit.replace(" ", NBSP)

    def signed_price(x: float) -> str:
        return signed(x, decimals)

    def plain(x: float) -> str:
        return f"{x:g}"

    def sentence(text: str) -> str:
        return text[:1].upper() + text[1:].rstrip(".")

    def moment(ns: int, form: str = "%Y-%m-%d %H:%M") -> str:
        return datetime.fromtimestamp(ns // 10**9, UTC).strftime(form)

    def local(ns: int) -> str:
        return datetime.fromtimestamp(ns // 10**9, zone).strftime("%Y-%m-%d %H:%M %Z")

    return {
        "price": price,
        "signed": signed,
        "signed_price": signed_price,
        "plain": plain,
        "sentence": sentence,
        "number": number,
        "moment": moment,
        "local": local,
    }
