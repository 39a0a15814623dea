"""The levels of a report as a table for spreadsheets."""

from __future__ import annotations

import csv
import io

from desk.analysis.shape import Analysis

COLUMNS = (
    *("symbol", "ts_ns", "price", "kind", "distance_pct", "distance_atr", "confluence", "touches"),
    *("reaction_rate", "reaction_low", "reaction_high", "reaction_n", "random_rate"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a text that begins with one of these


def levels_csv(a: Analysis) -> str:
    """One row per level, from high to low, under a header; what is not known is empty. RFC 4180, UTF-8.

    A text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV injection).
    """
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    for lv in sorted(a.levels, key=lambda level: -level.price):
        r = lv.reaction
        past = (r.rate, r.low, r.high, r.n, r.random_rate) if r else (None,) * 5
        rows.writerow(
            (
                *(harmless(a.symbol), a.ts, lv.price, harmless(lv.kind), lv.distance_pct, lv.distance_atr),
                *(lv.confluence, lv.touches, *past),
            )
        )
    return out.getvalue()


def harmless(text: str) -> str:
    """The text, with an apostrophe before what would be a formula.

    >>> harmless("=HYPERLINK(1)"), harmless("swing high")
    ("'=HYPERLINK(1)", 'swing high')
    """
    return "'" + text if text.startswith(FORMULA) else text
