"""One symbol whole, for the console's pages: its book, what the score and the indicators are made of, every gate."""

from __future__ import annotations

from desk.config import Weights
from desk.engine import Engine
from desk.instrument import Instrument
from desk.market.state import Market
from desk.messages import Side
from desk.projections.codes import CODES, bare
from desk.projections.screen import Detail, GateRow
from desk.projections.why import WhyFold

LEVELS = 10


def detail(engine: Engine, why: WhyFold, symbol: str, weights: Weights) -> Detail | None:
    """The symbol's first market; None for a symbol the run does not have."""
    market = next((m for inst, m in engine.watch.markets.items() if inst.rpartition("@")[0] == symbol), None)
    if market is None:
        return None
    inst, found = market.instrument, why.answer(market.inst, engine.now)
    score = engine.watch.scores.get(market.inst)
    numbers: dict[str, float] = {}
    for seat in engine.seats:
        numbers |= seat.strategy.numbers(market.inst)
    known = CODES.get(bare(found["code"]))
    signal = found["signal"]
    parts = () if score is None else (
        ("imbalance", score.imbalance, weights.imbalance),
        ("order count", score.order_count, weights.order_count),
        ("spread", score.spread, weights.spread),
    )  # fmt: skip
    return Detail(
        symbol=symbol,
        bids=_levels(market, Side.BUY, inst),
        asks=_levels(market, Side.SELL, inst),
        tier=market.track.book.tier if market.track is not None else "",
        parts=parts,
        numbers=numbers,
        gates=tuple(
            GateRow(g["gate"], g["state"], g["reached"], g["stopped"], g["last_code"], g["last_at"], g["text"])
            for g in found["gates"]
        ),
        now=found["code"],
        since=found["since"],
        change=found["change"],
        remedy=known.remedy if known is not None else "",
        looks=found["looks"],
        signals=found["signals"],
        submitted=found["submitted"],
        filled=found["filled"],
        working=tuple(
            f"{name} {place.side.name} {inst.qty_text(place.qty)} at {inst.px_text(place.px)} ({place.reason})"
            for name, place in engine.account.open_orders.items()
            if place.inst == market.inst and inst is not None
        ),
        latches=found["latches"],
        last_signal="; ".join(signal.reasons) if signal is not None else "",
    )


def _levels(market: Market, side: Side, inst: Instrument | None) -> tuple[tuple[str, str, int], ...]:
    """The book that is believed, as the venue writes it; nothing while none is."""
    if inst is None or not market.ready:
        return ()
    levels = market.book.levels(side, LEVELS)
    return tuple((inst.px_text(px), inst.qty_text(qty), orders) for px, qty, orders in levels)
