"""A scalp before it is sent: its side, prices, cost and what they demand; and the signal people and journal see."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from desk.config import Risk
from desk.instrument import Instrument
from desk.intents import Signal
from desk.messages import Side
from desk.signals.alignment import LARGEST_FACTOR, Alignment
from desk.signals.cost import break_even_win_rate, round_trip_bps
from desk.signals.shape import Score
from desk.signals.sizing import Size, scalp_size
from desk.signals.timing import IMPROVE, TAKE, EntryAdvice
from desk.signals.trend import BiasEffect
from desk.strategies.base import BookView
from desk.strategies.exits import bracket_prices, hard_stop

ROOM = 2.0  # a stop is at least this many spreads away: nearer, the entry itself would trip it
BEYOND = 0.25  # of the risk: how far behind the stop the hard stop lies, where a stop may be deferred

HEADROOM = Decimal("0.95")  # of the notional limits: risk values the order at the mark, and of the day's first equity

No = tuple[str, dict[str, float]]  # a gate's code and its numbers


class Prices(NamedTuple):
    """Ticks, and what they demand: `break_even` is the share of trades that must win to pay `cost_bps`."""

    entry: int
    stop: int
    hard: int
    target: int
    cost_bps: float
    net_target_bps: float
    break_even: float


class BookSaid(NamedTuple):
    """The order-book score behind a plan: `points` of its components, what was left of it, where its pressure went,
    and how it fades.
    """

    score: Score
    points: dict[str, float]
    effective: float
    trend: str
    fading: str


class Plan(NamedTuple):
    """A side worth taking: why, how, and at what prices. `believed` is the size factor of the filter's `votes`."""

    side: Side
    technical: float
    contributions: dict[str, float]
    book: BookSaid | None
    x: float | None
    aligned: Alignment
    bias: BiasEffect
    advice: EntryAdvice
    prices: Prices
    votes: dict[str, bool]
    believed: float = 1.0


def priced(
    side: Side,
    bid: int,
    ask: int,
    advice: EntryAdvice,
    instrument: Instrument,
    risk: float,
    reward_to_risk: float,
    maker_bps: float,
    taker_bps: float,
    deferrable: bool,
) -> Prices | No:
    """Entry by the advice, stop `risk` ticks away (at least 2 spreads), target `reward_to_risk` times as far.

    TAKE enters at the other side's touch, IMPROVE a step inside the spread, the rest at the own touch; leaving takes.
    With `deferrable` the hard stop lies a quarter of the risk behind the stop. Code of a refusal: TICK_TOO_COARSE.
    """
    spread = ask - bid
    entry = ask if (advice.action == TAKE) == (side is Side.BUY) else bid
    entry += side * instrument.tick if advice.action == IMPROVE else 0
    risk = max(risk, ROOM * spread)
    found = bracket_prices(side, entry, risk, reward_to_risk, instrument.tick)
    if found is None:
        return "TICK_TOO_COARSE", {"entry": float(entry), "risk": risk}
    stop, target = found
    hard = hard_stop(entry, stop, BEYOND, instrument.tick) if deferrable else stop
    spread_bps = spread * (10_000.0 / ((bid + ask) / 2))
    cost = round_trip_bps(maker_bps, taker_bps, spread_bps, advice.action != TAKE, exit_maker=False)
    win, loss = abs(target - entry) * 10_000.0 / entry, abs(entry - stop) * 10_000.0 / entry
    return Prices(entry, stop, hard, target, cost, win - cost, break_even_win_rate(win, loss, cost))


def arithmetic(prices: Prices, maker_bps: float, taker_bps: float) -> dict[str, float]:
    """p* = (L + c)/(W + L) with its numbers in bps, for whoever wants to check it."""
    entry = prices.entry
    return {
        "target_bps": abs(prices.target - entry) * 10_000.0 / entry,
        "stop_bps": abs(entry - prices.stop) * 10_000.0 / entry,
        "cost_bps": prices.cost_bps,
        "maker_bps": maker_bps,
        "taker_bps": taker_bps,
        "break_even": prices.break_even,
    }


def measured(
    book: BookView, bars: int, technical: float | None, scored: tuple[float, float] | None
) -> dict[str, float]:
    """What is known of a symbol beside the numbers of the gate that said no; `scored`: the book's score and what is
    left of it. What is unknown is left out."""
    known = {"bars": float(bars)}
    if technical is not None:
        known["technical"] = technical
    if scored is not None or book.ready:  # only a book that can be believed has a score
        bid, ask = book.bid, book.ask
        known["age_s"] = book.age_ns / 1e9
        known["spread_bps"] = 10_000.0 * (ask - bid) / ((bid + ask) / 2)
    if scored is not None:
        known["score"], known["effective"] = scored
    return known


def as_signal(plan: Plan, name: str, inst: str, lots: int, now: int, patience: int, hold: int, bias: bool) -> Signal:
    """The whole signal with its reasons; an entry waits `patience` ns, a position is held `hold` ns at most."""
    prices, book = plan.prices, plan.book
    parts = ", ".join(f"{part} {value:+.1f}" for part, value in plan.contributions.items())
    reasons = [f"technical {plan.technical:+.1f}: {parts}", "no order-book score: size not raised"]
    if book is not None:
        said = f"order book {book.effective:+.0f}, {book.trend} ({book.score.tier}; {book.fading})"
        reasons[1] = f"{said}: {plan.aligned.label}, size x{plan.aligned.factor:g}"
    if bias:
        reasons.append(plan.bias.why)
    if plan.votes:
        given = [vote for vote, given in plan.votes.items() if given]
        names = f" ({', '.join(given)})" if given else ""
        signs = f"{len(given)} of {len(plan.votes)} signs"
        reasons.append(f"follows a break that {signs} confirm{names}: size x{plan.believed:g}")
    reasons.append(f"{plan.advice.action}: {plan.advice.why}")
    reasons.append(f"net target {prices.net_target_bps:.1f} bps, pays above {100 * prices.break_even:.0f} % wins")
    return Signal(
        signal_id=name,
        inst=inst,
        side=plan.side,
        entry=prices.entry,
        stop=prices.stop,
        target=prices.target,
        qty=lots,
        ts=now,
        expires=now + patience,
        horizon=hold,
        technical=plan.technical,
        hft=book.score.total if book is not None else None,
        tier=book.score.tier if book is not None else "",
        alignment=plan.aligned.label,
        size_factor=plan.aligned.factor * plan.bias.factor * plan.believed,
        strength=min(100.0, abs(plan.technical)) * plan.aligned.factor / LARGEST_FACTOR,
        cost_bps=prices.cost_bps,
        net_target_bps=prices.net_target_bps,
        break_even=prices.break_even,
        contributions=dict(plan.contributions),
        reasons=tuple(reasons),
        hard_stop=prices.hard,
        components=book.points if book is not None else {},
    )


def because(plan: Plan, signal: Signal, fill_probability: float) -> dict[str, float]:
    """The numbers that led to the entry, for the journal."""
    numbers = {
        "technical": plan.technical,
        "strength": signal.strength,
        "take_bps": plan.advice.take_bps,
        "rest_bps": plan.advice.rest_bps,
        "fill_probability": fill_probability,
        "cost_bps": plan.prices.cost_bps,
        "break_even": plan.prices.break_even,
    }
    return numbers | ({} if plan.x is None else {"x": plan.x}) | as_numbers(plan.votes)


def as_numbers(votes: dict[str, bool]) -> dict[str, float]:
    """The votes on a break as a Decline and a Place carry them."""
    return {f"vote_{name}": float(given) for name, given in votes.items()}


def sized(plan: Plan, instrument: Instrument, equity: Decimal, risk_per_trade: float, risk: Risk) -> Size:
    """The plan's size: what its hard stop and cost may lose, by alignment, bias and belief, within the risk limits."""
    most = min(Decimal(repr(risk.max_order_quote)), equity * Decimal(repr(risk.max_position_pct)) / 100)
    return scalp_size(
        instrument,
        equity,
        risk_per_trade,
        plan.prices.entry,
        plan.prices.hard,
        plan.prices.cost_bps,
        plan.aligned.factor,
        plan.bias.factor * plan.believed,
        most * HEADROOM,
    )
