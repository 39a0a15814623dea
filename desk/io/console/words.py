"""Codes and states in plain words: why there was no trade, said short (a table's cell) and whole (the funnel)."""

from __future__ import annotations

from desk.projections.codes import CODES, bare

GOOD_STATES = frozenset({"SYNCED", "online", "armed", "ok"})
PENDING_STATES = frozenset({"CONNECTING", "SNAPSHOT_WAIT", "RESYNC", "starting", "unknown", "post_only", "limit_only"})


def short(code: str) -> str:
    """A code in three or four words; one nobody explained is shown as it is.

    >>> short("WEAK_TECHNICAL"), short("FEED:BOOK_CROSSED"), short("RISK_LUNCH_BREAK"), short("NEW_CODE")
    ('technical too weak', 'book is crossed', 'risk: lunch break', 'NEW_CODE')
    """
    return _found(code)[0]


def whole(code: str) -> str:
    """A code as a sentence; "" when there is nothing to add to its name.

    >>> whole("COOLDOWN"), whole("NEW_CODE")
    ("too soon after this symbol's last trade", '')
    """
    return _found(code)[1]


def _found(code: str) -> tuple[str, str]:
    name = bare(code)
    if (known := CODES.get(name)) is not None:
        return known.short, known.meaning
    if name.startswith("RISK_"):
        rule = name.removeprefix("RISK_").replace("_", " ").lower()
        return f"risk: {rule}", f"risk: the rule “{rule}” refused the order"
    return code, ""


def mood(state: str) -> str:
    """ "good", "pending" or "bad": the colour that goes with a state's word.

    >>> mood("SYNCED"), mood("RESYNC"), mood("tripped: DRAWDOWN")
    ('good', 'pending', 'bad')
    """
    return "good" if state in GOOD_STATES else "pending" if state in PENDING_STATES else "bad"
