"""The first lines of a report: how much of the data there was, and whether the recorded book was proven."""

from __future__ import annotations

import msgspec

from desk.analysis.shape import Analysis

NO_RECORDING = "no recording"
NO_CHECKSUMS = "the recording holds no checksums"


class Heading(msgspec.Struct, frozen=True):
    """`intervals` of `asked` have candles; `gaps` of `candles` + `gaps` are missing. `coverage`: of the score's weight.

    `checksums` in words: "no recording", "the recording holds no checksums", or how many failed, `failed` of
    `compared` (None without any).
    """

    intervals: int
    asked: int
    candles: int
    gaps: int
    coverage: float
    checksums: str
    compared: int | None
    failed: int | None
    recording: str


def heading(a: Analysis) -> Heading:
    """The facts of one analysis, counted over all its intervals."""
    checks, said = a.checks, NO_RECORDING
    if checks is not None:
        said = f"{checks.failed:,} of {checks.compared:,} failed" if checks.compared else NO_CHECKSUMS
    return Heading(
        intervals=sum(d.bars > 0 for d in a.data),
        asked=len(a.data),
        candles=sum(d.bars for d in a.data),
        gaps=sum(d.gaps for d in a.data),
        coverage=a.coverage,
        checksums=said,
        compared=checks.compared if checks is not None else None,
        failed=checks.failed if checks is not None else None,
        recording=a.recording,
    )
