"""Every "no" the desk can say: the gate it comes from, what it means, and what a person can do about it.

The one list behind the screen's words, `./run why` and docs/codes.md; a test finds every code in the sources here.
"""

from __future__ import annotations

from typing import NamedTuple

GATES = ("feed", "book", "freshness", "warm-up", "score", "filter", "bias", "edge", "room", "risk", "venue")
"""In the order a look at the market passes them. "room": pace, concurrent trades, unconfirmed breaks,
the smallest size."""


class Code(NamedTuple):
    """`short`: a table's cell; `meaning`: one sentence; `remedy`: what to do, or what has to happen."""

    gate: str
    short: str
    meaning: str
    remedy: str


WAIT = "nothing: it mends itself"
CODES: dict[str, Code] = {
    "VENUE_NOT_ONLINE": Code(
        "feed", "venue not online", "the venue says maintenance, cancel-only or post-only", "wait for the venue"
    ),
    "INSTRUMENT_NOT_ONLINE": Code(
        "feed", "market not online", "the venue does not trade this symbol freely now", "wait, or trade another symbol"
    ),
    "NO_INSTRUMENT": Code(
        "feed", "symbol not described", "the venue's steps and minimums of the symbol have not come yet", WAIT
    ),
    "SUBSCRIPTION_REFUSED": Code(
        "feed",
        "trades are refused",
        "the venue refuses this symbol's trades: no tape, no bars, no signal",
        "check the symbol's name at this venue",
    ),
    "SUBSCRIPTION_UNANSWERED": Code(
        "feed",
        "trades not answered",
        "the venue did not answer the subscription to this symbol's trades",
        "./run doctor",
    ),
    "DECIMALS_CHANGED": Code(
        "feed", "decimals changed", "the venue writes this symbol with other decimals", "restart to trade it"
    ),
    "ANALYSIS_ONLY": Code(
        "feed", "analysed, not scalped", "the symbol is only analysed", "add it to scalping_engine.symbols to trade it"
    ),
    "BOOK_NOT_SYNCED": Code(
        "book", "book not in step", "the order book is not proven yet; waiting for a snapshot that matches", WAIT
    ),
    "BOOK_CROSSED": Code(
        "book", "book is crossed", "best bid at or above best ask: the book cannot be right", "nothing: it resyncs"
    ),
    "ONE_SIDED_BOOK": Code("book", "one side is empty", "no bids or no asks: there is no price to measure", WAIT),
    "ZERO_PRICE": Code("book", "price of zero", "a best price of 0 cannot be measured against", WAIT),
    "ZERO_QUANTITY": Code("book", "level of nothing", "a level without quantity: the book cannot be scored", WAIT),
    "STALE_BOOK": Code(
        "freshness",
        "book is old",
        "nothing has proven the book for longer than hft_signals.fresh_s",
        "see the link and its latency on the health line; ./run doctor",
    ),
    "WARM_UP": Code(
        "warm-up",
        "warming up",
        "too few closed one-minute bars for the indicators",
        "wait one minute a bar, or start with the venue's history (REST)",
    ),
    "WEAK_TECHNICAL": Code(
        "score",
        "technical too weak",
        "the technical score is below scalping_engine.min_technical on both sides",
        "wait for a market that moves; a lower threshold takes weaker signals",
    ),
    "HFT_CONFLICT": Code(
        "filter",
        "order book against",
        "the order book stands against the side of the technical score; timing says wait, or stay out",
        "wait; scalping_engine.conflict_wait_s",
    ),
    "WIDE_SPREAD": Code(
        "filter",
        "spread too wide",
        "the spread is wide for this symbol and the book does not help: neither taking nor resting pays",
        "wait for the spread to close",
    ),
    "BIAS_BLOCKS": Code(
        "bias",
        "bias forbids side",
        "the analysis points strongly the other way",
        "wait for the bias to expire or change; hybrid_mode.trend_filter turns it off",
    ),
    "BIAS_NEEDS_STRONG_ALIGNMENT": Code(
        "bias", "bias wants strong book", "against a mild bias only a strongly aligned book may trade", "wait"
    ),
    "EDGE_BELOW_COST": Code(
        "edge",
        "costs eat the edge",
        "the share of trades that must win after fees and spread is above scalping_engine.max_break_even",
        "a lower fee tier, resting orders, or a larger target (stop_atr, reward_to_risk); never a smaller stop",
    ),
    "TICK_TOO_COARSE": Code(
        "edge", "tick too coarse", "the venue's price step is too large for a stop this close", "a dearer symbol"
    ),
    "COOLDOWN": Code(
        "room", "cooling down", "too soon after this symbol's last trade", "wait; scalping_engine.cooldown_s"
    ),
    "MAX_CONCURRENT": Code(
        "room",
        "enough open signals",
        "as many trades are open as the configuration allows",
        "wait for one to end; scalping_engine.max_concurrent_signals",
    ),
    "FALSE_BREAKOUT_RISK": Code(
        "room",
        "break not confirmed",
        "a range broke, and fewer than three of four signs confirm it",
        "wait; scalping_engine.false_breakout says whether to skip such entries",
    ),
    "ALREADY_IN_POSITION": Code("room", "already in position", "one trade per symbol at a time", "wait for its exit"),
    "SIZE_ZERO": Code(
        "room",
        "size below minimum",
        "the allowed risk buys less than the venue's smallest order",
        "more equity, more risk per trade within its limit, or a cheaper symbol",
    ),
    "RISK_UNKNOWN_INSTRUMENT": Code("risk", "symbol not described", "risk: the symbol's steps are not known", WAIT),
    "RISK_MIN_SIZE": Code(
        "risk", "below smallest order", "risk: below the venue's smallest quantity or value", "a larger order"
    ),
    "RISK_OFF_GRID": Code(
        "risk", "price off the grid", "risk: price or quantity is not on the venue's grid", "a bug: please report it"
    ),
    "RISK_KILLED": Code(
        "risk", "kill switch is on", "risk: the kill switch is on; no new orders", "./run rearm --why TEXT"
    ),
    "RISK_HALTED": Code(
        "risk",
        "breaker is open",
        "risk: a pause or a breaker has stopped new entries",
        "p in the console lifts a pause; a breaker needs ./run rearm --why TEXT",
    ),
    "RISK_COOLING_DOWN": Code("risk", "cooling after losses", "risk: the cool-down after losses lasts", "wait"),
    "RISK_CONSECUTIVE_LOSSES": Code(
        "risk", "losing streak", "risk: too many losing trades in a row; cooling down", "wait for risk.cooldown_s"
    ),
    "RISK_NOT_TRADING": Code(
        "risk", "venue not trading", "risk: the venue does not take such orders now", "wait for the venue"
    ),
    "RISK_BOOK_NOT_READY": Code("risk", "book not in step", "risk: no proven book to price the order against", WAIT),
    "RISK_STALE_BOOK": Code(
        "risk", "book is old", "risk: the book is too old to price the order against", "see the link; ./run doctor"
    ),
    "RISK_CLOCK": Code(
        "risk",
        "clock not proven",
        "risk: the venue's clock is not measured yet, or too far from ours",
        "wait for the first measurement, or set the machine's clock",
    ),
    "RISK_ORDER_SIZE": Code(
        "risk", "order too large", "risk: the order is worth more than one order may be", "risk.max_order_quote"
    ),
    "RISK_TRADE_RISK": Code(
        "risk", "stop too far", "risk: the trade would lose more at its stop than one may", "risk.max_trade_risk_pct"
    ),
    "RISK_FUNDS": Code("risk", "no free cash", "risk: the cash is reserved by other orders, or spent", "wait"),
    "RISK_STRATEGY": Code(
        "risk", "strategy limit", "risk: the strategy's exposure would pass its limit", "risk.max_strategy_pct"
    ),
    "RISK_POSITION": Code(
        "risk", "position limit", "risk: the symbol's position would pass its limit", "risk.max_position_pct"
    ),
    "RISK_GROSS": Code("risk", "exposure limit", "risk: the total exposure would pass its limit", "risk.max_gross_pct"),
    "RISK_ORDER_RATE": Code(
        "risk", "too many orders", "risk: orders per second or minute are used up", "wait; risk.orders_per_min"
    ),
    "RISK_LOSS_TODAY": Code(
        "risk",
        "daily loss limit",
        "risk: the day's loss is at its limit",
        "stop for today; midnight UTC lifts it",
    ),
    "RISK_DRAWDOWN": Code(
        "risk",
        "drawdown limit",
        "risk: the account is too far below its peak",
        "find out why, then ./run rearm --why TEXT",
    ),
    "RISK_SELF_CROSS": Code(
        "risk", "would meet own order", "risk: the order would trade against one of our own", "wait for the other order"
    ),
    "LAST_GATE": Code(
        "venue",
        "denied at the last gate",
        "the last gate before the venue refused an order that the rules let pass",
        "look at last_gate and at the order with ./run explain; it may be a bug",
    ),
    "REJECTED": Code(
        "venue", "rejected by the venue", "the venue refused the order", "./run explain ORDER has its words"
    ),
}


def bare(code: str) -> str:
    """A code without the part that says who passed it on.

    >>> bare("FEED:BOOK_CROSSED"), bare("COOLDOWN")
    ('BOOK_CROSSED', 'COOLDOWN')
    """
    return code.rpartition(":")[2]


def gate_of(code: str) -> str:
    """The gate that says a code; one that nobody listed counts as the strategy's own score.

    >>> gate_of("FEED:BOOK_CROSSED"), gate_of("RISK_LUNCH"), gate_of("NEW")
    ('book', 'risk', 'score')
    """
    name = bare(code)
    if (known := CODES.get(name)) is not None:
        return known.gate
    return "risk" if name.startswith("RISK_") else "score"
