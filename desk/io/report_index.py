"""`index.html` over the reports in a folder: newest first, one line each, links that stay in the folder."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from desk.analysis.shape import Verdict
from desk.errors import DeskError
from desk.wholefile import write_whole

TEMPLATES = Path(__file__).resolve().parents[2] / "reports" / "templates"
NAME = re.compile(r"[a-z0-9-]+-([0-9]{8}T[0-9]{6}Z)(?:-([0-9]+))?\.json")
KINDS = ("html", "md", "json", "csv", "png", "pdf")
MOST = 200  # reports shown; reading one takes about a millisecond


class _Origin(msgspec.Struct, frozen=True):
    venue: str
    simulated: bool


class _Analysis(msgspec.Struct, frozen=True):
    symbol: str
    ts: int
    score: float | None
    label: str
    verdict: Verdict


class _Report(msgspec.Struct, frozen=True):
    schema: str
    origin: _Origin
    analysis: _Analysis


class Entry(msgspec.Struct, frozen=True):
    """One line: what the report says, and the names of its files that are there. `fault`: why it could not be read."""

    stem: str
    kinds: tuple[str, ...]
    report: _Report | None
    fault: str = ""


def entries(folder: Path, most: int = MOST) -> tuple[Entry, ...]:
    """The newest reports of a folder by the time in their names; a file that cannot be read is a line that says so."""
    found = [
        (told[1], int(told[2] or 1), path) for path in folder.glob("*.json") if (told := NAME.fullmatch(path.name))
    ]
    out = []
    for _, _, path in sorted(found, key=lambda f: (f[0], f[1], f[2].name), reverse=True)[:most]:
        kinds = tuple(kind for kind in KINDS if path.with_suffix(f".{kind}").is_file())
        try:
            report, fault = msgspec.json.decode(path.read_bytes(), type=_Report), ""
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as e:
            report, fault = None, str(e)
        out.append(Entry(path.stem, kinds, report, fault))
    return tuple(out)


def index_page(found: tuple[Entry, ...], templates: Path = TEMPLATES) -> str:
    """The page; the same entries give the same bytes."""
    env = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["moment"] = lambda ns: datetime.fromtimestamp(ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M")
    env.filters["signed"] = lambda x: "—" if x is None else f"{x:+.1f}".replace("-", "−")
    return env.get_template("index.html.j2").render(entries=found, most=MOST)


def write_index(folder: Path) -> Path:
    """Make `index.html` anew, whole or not at all. Raises DeskError naming the folder and the fix."""
    page = folder / "index.html"
    try:
        write_whole(page, index_page(entries(folder)).encode())
    except OSError as e:
        why = e.strerror or str(e)
        raise DeskError(f"{page}: not written ({why}); free some space there or make the folder writable") from e
    return page
