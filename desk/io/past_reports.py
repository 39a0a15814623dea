"""The reports of earlier runs, read back: to be graded, to be compared with, to be shown."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from desk.analysis.shape import Analysis
from desk.errors import DeskError

SCHEMA = re.compile(r"dual-system-trader/report/1(\.[0-9]+)?")  # what a minor version adds has a default
NAME = re.compile(r"([a-z0-9-]+)-([0-9]{8}T[0-9]{6}Z)(?:-([0-9]+))?\.json")


class _Origin(msgspec.Struct, frozen=True):
    venue: str
    simulated: bool
    time_zone: str = "UTC"
    command: str = ""


class PastReport(msgspec.Struct, frozen=True):
    """What is read of a report's JSON; what later versions add is passed over."""

    schema: str
    origin: _Origin
    analysis: Analysis


class _Schema(msgspec.Struct, frozen=True):
    schema: str


class Found(msgspec.Struct, frozen=True):
    """A report on disk, by its name: `stem` is its symbol's, `made` ns; `count` tells those of one second apart."""

    stem: str
    made: int
    count: int
    path: Path


def past_reports(
    folder: Path, stem: str, symbol: str, venue: str, simulated: bool, before: int, apart: int, most: int
) -> tuple[list[Analysis], list[str]]:
    """(analyses newest first, files that could not be read as one line each).

    At most `most` reports named `{stem}-20261120T090000Z.json` of the same symbol, venue and kind of market, made at
    least `apart` ns before `before` and before each other; of two with the same second the later one. Times in ns.
    """
    out: list[Analysis] = []
    faults: list[str] = []
    limit = before - apart
    for path, made in ((f.path, f.made) for f in reports_in(folder) if f.stem == stem):
        if len(out) == most:
            break
        if made > limit:
            continue
        try:
            report = msgspec.json.decode(path.read_bytes(), type=PastReport)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as e:
            faults.append(f"{path.name}: not read ({e}); remove it, or restore it from a copy")
            continue
        if not SCHEMA.fullmatch(report.schema) or (report.origin.venue, report.origin.simulated) != (venue, simulated):
            continue
        if report.analysis.symbol != symbol:  # another that is spelt the same in a file's name
            continue
        out.append(report.analysis)
        limit = report.analysis.ts - apart
    return out, faults


def reports_in(folder: Path) -> list[Found]:
    """Every report of a folder by the time in its name, newest first; nothing is opened."""
    found = [
        Found(told[1], moment(told[2]), int(told[3] or 1), path)
        for path in (folder.glob("*.json") if folder.is_dir() else ())
        if (told := NAME.fullmatch(path.name))
    ]
    return sorted(found, key=lambda f: (f.made, f.count, f.stem), reverse=True)


def read_report(path: Path) -> PastReport:
    """One report; raises DeskError saying what is wrong with the file, and the fix."""
    try:
        raw = path.read_bytes()
        schema = msgspec.json.decode(raw, type=_Schema).schema
        if not SCHEMA.fullmatch(schema):
            raise DeskError(
                f"{path}: schema {schema!r}; this version reads dual-system-trader/report/1.x: make it anew"
            )
        return msgspec.json.decode(raw, type=PastReport)
    except OSError as e:
        raise DeskError(f"{path}: cannot be read ({e.strerror or e})") from e
    except (msgspec.MsgspecError, UnicodeDecodeError) as e:
        raise DeskError(f"{path}: no whole report ({e}); remove it, or restore it from a copy") from e


def moment(stamp: str) -> int:
    """The ns of `20261120T090000Z`; 0 for a stamp that is no time, which is then older than everything.

    >>> moment("20261120T090000Z"), moment("20269920T090000Z")
    (1795165200000000000, 0)
    """
    try:
        return int(datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()) * 10**9
    except ValueError:
        return 0
