"""What the desk tells a person by itself (desk.intents.Tell): every code, what happened, and what to do; and the page
of all codes, docs/codes.md.
"""

from __future__ import annotations

from desk.projections.codes import CODES, GATES

NOTHING = "nothing"
NOTICES: dict[str, tuple[str, str]] = {
    "BIAS": ("the analysis posted its view of a symbol", NOTHING),
    "LINK_UP": ("a connection is open", NOTHING),
    "LINK_DOWN": ("a connection is gone, and with it every book it fed", "nothing: it reconnects by itself"),
    "BAD_FRAME": ("a message of the venue was kept but not understood", "report it with the session's journal"),
    "BAD_ANSWER": ("a REST question found no answer", "nothing, if it does not repeat; ./run doctor"),
    "BOOK_SUSPECT": ("a book failed its proof and gives no signals", "nothing: that symbol is asked for again"),
    "STALE_SNAPSHOT": ("a snapshot of an earlier subscription was not used", NOTHING),
    "INSTRUMENT_STATUS": ("the venue changed how a symbol may be traded", "look at your orders in it"),
    "VENUE_STATUS": ("the venue went into or out of maintenance", "look at your orders"),
    "ACK_NOT_ASKED": ("the venue acknowledged a subscription that nobody asked for", "nothing, if it does not repeat"),
    "VENUE_COMPLAINT": ("the venue did not like what we said", "its words say what; ./run doctor"),
    "SUBSCRIPTION_REFUSED": ("the venue refused a subscription", "check the symbol, and the keys for level3"),
    "TRADES_MISSING": ("prints are missing from the tape; no bar closes until REST has filled them", NOTHING),
    "TRADES_FILLED": ("the missing prints came from REST", NOTHING),
    "TRADES_UNFILLED": ("REST does not have the missing prints", "bars of that minute are marked"),
    "BARS_INCOMPLETE": ("bars were closed without missing prints", "signals of the next minutes know less"),
    "CLOCK_OK": ("the venue's clock and ours agree again", NOTHING),
    "CLOCK_OFF": ("the venue's clock and ours differ by more than 500 ms", "set the machine's clock (NTP)"),
    "CLOCK_WRONG": ("the clocks differ too far: no private calls and no entries", "set the machine's clock (NTP)"),
    "CLOCK_JUMP": ("the machine's clock was set, or the machine slept", "wait for the next measurement"),
    "VENUE_CLOCK_JUMP": ("the venue's clock and ours moved apart by a jump", "nothing: it is measured again"),
    "PAUSE": ("entries are paused; exits go on", "p in the console, or type resume WHY"),
    "RESUME": ("what stood in the way of entries was lifted", NOTHING),
    "KILL": ("the kill switch: orders cancelled, no entries, also after a restart", "./run rearm --why TEXT"),
    "FLATTEN": ("positions are being left by collared IOC orders", "watch the positions"),
    "STOP": ("the run ends", NOTHING),
    "HALT": ("a breaker of an earlier session still holds", "./run rearm --why TEXT"),
    "NOTE": ("something was written down", NOTHING),
    "BROKEN": ("the journal cannot be written: no entries; exits leave through its reserve", "free the disk"),
    "MENDED": ("the journal can be written again; what waited is in it", NOTHING),
    "ORDER_UNKNOWN": (
        "nobody can prove what became of an order; it counts against the limits",
        "wait: the venue is asked",
    ),
    "ORDER_FOUND": ("the venue has the order that was in doubt", NOTHING),
    "ORDER_RESOLVED": ("the venue's evidence settled an order that was in doubt", NOTHING),
    "LATE_FILL": ("an order that had ended traded after all; the position is right again", "look at the position"),
    "EXTERNAL_ORDER": ("the venue reports an order that is not ours: no entries", "find out who trades this account"),
    "VENUE_MISMATCH": (
        "the venue reports more than an order asked for: no entries",
        "compare with the venue's own page",
    ),
    "UNMINDED_POSITION": ("a position of an earlier session belongs to no strategy: no entries", "leave it by hand"),
    "DAILY_LOSS": ("the day's loss reached its limit: no entries until UTC midnight or a re-arming", "stop for today"),
    "DRAWDOWN": ("the account is too far below its peak: no entries", "find out why, then ./run rearm --why TEXT"),
    "EQUITY_UNKNOWN": ("the equity cannot be computed: no entries", "look at the books; then ./run rearm --why TEXT"),
    "LOSING_STREAK": ("too many losing trades in a row: entries pause for risk.cooldown_s", "wait"),
    "COOL_DOWN_OVER": ("the pause after a losing streak is over", NOTHING),
}


def page() -> str:
    """docs/codes.md: `python -m desk.projections.notices > docs/codes.md` writes it."""
    lines = [
        "# Codes: why there is no trade, and what the desk says by itself",
        "",
        "Made from `desk/projections/codes.py` and `notices.py` by `python -m desk.projections.notices`; a test",
        "finds every code of the sources here. `./run why SYMBOL` shows them with their numbers.",
        "",
        "## Why not: the gates in the order a look at the market passes them",
        "",
        "Written before a strategy's code, `FEED:` says that the book itself said it.",
    ]
    for gate in GATES:
        lines += ["", f"### {gate}", "", "| code | meaning | what to do |", "|---|---|---|"]
        lines += [f"| `{name}` | {c.meaning} | {c.remedy} |" for name, c in CODES.items() if c.gate == gate]
    lines += ["", "## What the desk says by itself", "", "| code | what happened | what to do |", "|---|---|---|"]
    lines += [f"| `{name}` | {meaning} | {remedy} |" for name, (meaning, remedy) in NOTICES.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
