"""The reports of earlier runs, read back for grading."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from desk.analysis.shape import Analysis

SCHEMA = re.compile(r"dual-system-trader/report/[0-9]+")
NAME = re.compile(r"-([0-9]{8}T[0-9]{6}Z)(?:-([0-9]+))?\.json")


class _Origin(msgspec.Struct, frozen=True):
    venue: str
    simulated: bool


class PastReport(msgspec.Struct, frozen=True):
    """What the grader needs of a report's JSON; what later versions add is passed over."""

    schema: str
    origin: _Origin
    analysis: Analysis


def past_reports(
    folder: Path, stem: str, venue: str, simulated: bool, before: int, apart: int, most: int
) -> tuple[list[Analysis], list[str]]:
    """(analyses newest first, files that could not be read as one line each).

    At most `most` reports named `{stem}-20261120T090000Z.json` of the same venue and kind of market, made at least
    `apart` ns before `before` and before each other; of two with the same second the later one. Times in ns.
    """
    found = [
        (moment(told[1]), int(told[2] or 1), path)
        for path in (folder.glob(f"{stem}-*.json") if folder.is_dir() else ())
        if (told := NAME.fullmatch(path.name[len(stem) :]))
    ]
    out: list[Analysis] = []
    faults: list[str] = []
    limit = before - apart
    for made, _, path in sorted(found, reverse=True):
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
        out.append(report.analysis)
        limit = report.analysis.ts - apart
    return out, faults


def moment(stamp: str) -> int:
    """The ns of `20261120T090000Z`; 0 for a stamp that is no time, which is then older than everything.

    >>> moment("20261120T090000Z"), moment("20269920T090000Z")
    (1795165200000000000, 0)
    """
    try:
        return int(datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()) * 10**9
    except ValueError:
        return 0
