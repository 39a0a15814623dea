"""Codes and states in plain words: why there was no trade, said short (a table's cell) and whole (the funnel)."""

from __future__ import annotations

WHY_NOT: dict[str, tuple[str, str]] = {
    # data
    "BOOK_NOT_SYNCED": ("book not in step", "the order book is not proven yet; waiting for a snapshot that matches"),
    "SNAPSHOT_WAIT": ("waiting for a snapshot", "subscribed; the venue's snapshot of the book has not come yet"),
    "BOOK_SUSPECT": ("book in doubt", "a checksum or a number did not fit; the book is asked for again"),
    "BOOK_CROSSED": ("book is crossed", "best bid at or above best ask: the book cannot be right"),
    "ONE_SIDED_BOOK": ("one side is empty", "no bids or no asks: there is no price to measure against"),
    "STALE_BOOK": ("book is old", "nothing has proven the book for too long"),
    "STALE_SCORE": ("score is old", "the order-book score is older than it may be believed"),
    "VENUE_NOT_ONLINE": ("venue not online", "the venue says maintenance, cancel-only or post-only"),
    "INSTRUMENT_NOT_ONLINE": ("market not online", "the venue does not trade this symbol freely now"),
    "SUBSCRIPTION_REFUSED": (
        "trades are refused",
        "the venue refuses this symbol's trades: no tape, no bars, no signal",
    ),
    "SUBSCRIPTION_UNANSWERED": (
        "trades not answered",
        "the venue did not answer the subscription to this symbol's trades",
    ),
    "DECIMALS_CHANGED": ("decimals changed", "the venue writes this symbol with other decimals; restart to trade it"),
    # signal
    "WARM_UP": ("warming up", "too few closed bars for the indicators"),
    "WEAK_TECHNICAL": ("technical too weak", "the technical score is below its threshold on both sides"),
    "NO_HFT": ("no order-book score", "no believable order-book score at that moment"),
    "HFT_CONFLICT": ("order book against", "the order book points the other way; timing says wait, or stay out"),
    "FALSE_BREAKOUT_RISK": ("break not confirmed", "a range broke, and fewer than three of four signs confirm it"),
    "WIDE_SPREAD": ("spread too wide", "the spread is wider than it usually is; timing says wait"),
    "BIAS_BLOCKS": ("bias forbids side", "the analysis points strongly the other way"),
    "BIAS_NEEDS_STRONG_ALIGNMENT": (
        "bias wants strong book",
        "against a mild bias only a strongly aligned book may trade",
    ),
    # cost and size
    "EDGE_AFTER_COST": ("costs eat the edge", "the win rate needed after spread and fees is too high"),
    "TICK_TOO_COARSE": ("tick too coarse", "the venue's price step is too large for a stop this close"),
    "NO_EQUITY": ("no equity", "the account has nothing left to risk"),
    "BELOW_MIN_QTY": ("size below minimum", "the allowed risk buys less than the venue's smallest quantity"),
    "BELOW_MIN_NOTIONAL": ("value below minimum", "the allowed risk buys less than the venue's smallest order value"),
    "SIZE_ZERO": ("size below minimum", "the allowed risk buys less than the venue's smallest order"),
    # pace
    "COOLDOWN": ("cooling down", "too soon after the last signal of this symbol"),
    "MAX_CONCURRENT": ("enough open signals", "as many signals are open as the configuration allows"),
    "ANALYSIS_ONLY": ("analysed, not scalped", "add it to scalping_engine.symbols to trade it"),
    "ALREADY_IN_POSITION": ("already in position", "one position per symbol at a time"),
    # risk
    "RISK_MIN_SIZE": ("below smallest order", "risk: below the venue's smallest quantity or value"),
    "RISK_OFF_GRID": ("price off the grid", "risk: price or quantity is not on the venue's grid"),
    "RISK_KILLED": ("kill switch is on", "risk: the kill switch is on; no new orders"),
    "RISK_HALTED": ("breaker is open", "risk: a breaker has stopped new entries"),
    "RISK_CONSECUTIVE_LOSSES": ("losing streak", "risk: too many losing trades in a row; cooling down"),
    "RISK_COOLING_DOWN": ("cooling down", "risk: the cool-down after a losing streak is not over"),
    "RISK_NOT_TRADING": ("venue not trading", "risk: the venue does not take such orders now"),
    "RISK_BOOK_NOT_READY": ("book not in step", "risk: no proven book to price the order against"),
    "RISK_STALE_BOOK": ("book is old", "risk: the book is too old to price the order against"),
    "RISK_CLOCK": ("clock not proven", "risk: the venue's clock is not measured yet, or too far from ours"),
    "RISK_ORDER_SIZE": ("order too large", "risk: the order is worth more than one order may be"),
    "RISK_TRADE_RISK": ("stop too far", "risk: the trade would lose more at its stop than one trade may"),
    "RISK_FUNDS": ("no free cash", "risk: the cash is reserved by other orders, or spent"),
    "RISK_STRATEGY": ("strategy limit", "risk: the strategy's exposure would pass its limit"),
    "LAST_GATE": ("denied at the last gate", "the last gate before the venue refused an order that the rules let pass"),
    "RISK_POSITION": ("position limit", "risk: the symbol's position would pass its limit"),
    "RISK_GROSS": ("exposure limit", "risk: the total exposure would pass its limit"),
    "RISK_ORDER_RATE": ("too many orders", "risk: orders per second or minute are used up"),
    "RISK_LOSS_TODAY": ("daily loss limit", "risk: the day's loss has reached its limit"),
    "RISK_DRAWDOWN": ("drawdown limit", "risk: the account is too far below its peak"),
    "RISK_SELF_CROSS": ("would meet own order", "risk: the order would trade against one of our own"),
}

GOOD_STATES = frozenset({"SYNCED", "online", "armed", "ok"})
PENDING_STATES = frozenset({"CONNECTING", "SNAPSHOT_WAIT", "RESYNC", "starting", "unknown", "post_only", "limit_only"})


def short(code: str) -> str:
    """A code in three or four words; one nobody explained is shown as it is.

    >>> short("WEAK_TECHNICAL"), short("FEED/BOOK_CROSSED"), short("RISK_LUNCH_BREAK"), short("NEW_CODE")
    ('technical too weak', 'book is crossed', 'risk: lunch break', 'NEW_CODE')
    """
    return _found(code)[0]


def whole(code: str) -> str:
    """A code as a sentence; "" when there is nothing to add to its name.

    >>> whole("COOLDOWN"), whole("NEW_CODE")
    ('too soon after the last signal of this symbol', '')
    """
    return _found(code)[1]


def _found(code: str) -> tuple[str, str]:
    name = code.rpartition("/")[2]
    if name in WHY_NOT:
        return WHY_NOT[name]
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
