"""What a report lacks for want of an order book: which part, what that does to the score, and how to have it.

The coverage says that something is missing; this says what, in words a reader can act on.
"""

from __future__ import annotations

from collections.abc import Sequence

from desk.analysis.findings import BookGap, Recorded
from desk.analysis.shape import HftAverage, Term

LIVE = "start ./run --mode hybrid, whose books feed its reports, with $.ultimate_analyzer.hft_integration on"
RECORD = "let ./run --mode scalping record (it does by default) and name recordings/VENUE in"
SETTING = "$.ultimate_analyzer.recording"
ORDERS = "give the venue's keys to a run with --feed kraken (L3), or take a venue whose book counts orders"
COUNTED = ("L3", "L2C")  # tiers with order counts (signals.md 2)


def book_gaps(terms: Sequence[Term], average: HftAverage | None, recorded: Recorded) -> tuple[BookGap, ...]:
    """None, one, or both of: no live average of the book, no recorded book; or a live one that counts no orders.

    Where both are missing they are one gap: there is no order book at all.
    """
    book = next((t for t in terms if t.key == "hft"), None)
    live = book is not None and book.value is not None
    record = f"{RECORD} {SETTING}" if not recorded.source else f"correct {SETTING}, or record anew"
    why = f" ({recorded.source}: {recorded.why or 'no proven book in it'})" if recorded.source else ""
    lost = "spread, depth, slippage, spread by hour and book clusters are absent"
    if book is not None and not live:
        title, missing = "NO LIVE ORDER BOOK", f"a live book ({book.note})"
        effect, fix = f"{_share(terms, book)}; entries have no timing", LIVE
        if recorded.book is None:
            title, missing = "NO ORDER BOOK", f"{missing} and a recorded one{why}"
            effect, fix = f"{effect}; {lost}", f"{LIVE}; {record}"
        return (BookGap(title, missing, effect, fix),)
    gaps = []
    if recorded.book is None:
        gaps.append(BookGap("NO RECORDED BOOK", f"a recorded book{why}", f"the score is whole; {lost}", record))
    if average is not None and average.tier and average.tier not in COUNTED:
        effect = f"at tier {average.tier} the book's score is 80 % imbalance and 20 % spread; order counts are absent"
        gaps.append(BookGap("NO ORDER COUNTS", "the number of orders in the live book", effect, ORDERS))
    return tuple(gaps)


def _share(terms: Sequence[Term], book: Term) -> str:
    """What the score is made of without the book's term."""
    total = sum(t.weight for t in terms)
    known = [t for t in terms if t.value is not None]
    available = sum(t.weight for t in known)
    if total <= 0.0 or available <= 0.0:
        return "no term of the score is known"
    weight = 100.0 * book.weight / total
    rest = ", ".join(f"{t.name} {100.0 * t.weight / available:.1f} %" for t in known)
    lost = f"the order-book term, {weight:.0f} % of the score, is absent"
    return f"{lost}: coverage {100.0 * available / total:.0f} %, the score made of {rest}"
