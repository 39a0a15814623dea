"""Scalp one symbol at a time: when minute bars lean one way and the order book does not object, enter with a stop, a
target at least twice as far and a deadline; leave at whichever comes first.

Every look at the market passes the same gates in the same order, and each "no" has a stable code: FEED:…, STALE_BOOK,
WARM_UP, WEAK_TECHNICAL, HFT_CONFLICT, WIDE_SPREAD, BIAS_BLOCKS, BIAS_NEEDS_STRONG_ALIGNMENT, TICK_TOO_COARSE,
EDGE_AFTER_COST, COOLDOWN, MAX_CONCURRENT, ALREADY_IN_POSITION, SIZE_ZERO. Only closed bars and printed trades move the
technical score, so it never repaints. Money and sizes are exact; everything is decided from events alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from desk import config
from desk.events import Fill, TrendBias
from desk.instrument import Instrument
from desk.intents import Decline, Intent, Place, Signal, Withdraw
from desk.messages import Candle, Side, Trade
from desk.signals.alignment import LARGEST_FACTOR, STRONG_ALIGNMENT, Alignment, alignment
from desk.signals.cost import break_even_win_rate, round_trip_bps
from desk.signals.shape import Score
from desk.signals.sizing import scalp_size
from desk.signals.technical import NEEDS, LightweightIndicators
from desk.signals.timing import ABORT, IMPROVE, TAKE, WAIT, EntryAdvice, entry_advice
from desk.signals.trend import BiasEffect, bias_effect
from desk.strategies.base import BookView, Pulse, Strategy, View
from desk.strategies.exits import Bracket, bracket_prices, exit_limit
from desk.strategies.standing import Standing, stance
from hft_signals import HFTIntegrator, Reading

SECOND = 1_000_000_000
COLLAR = 5  # price steps an exit may give up beyond the touch
RETRY = SECOND // 4  # an exit that did not fill is sent again after this long
HEADROOM = Decimal("0.95")  # of the notional limits: risk values the order at the mark, and of the day's first equity
ROOM = 2.0  # a stop is at least this many spreads away: nearer, the entry itself would trip it

ScalpingSignal = Signal  # what users call it; journal and console know it as desk.intents.Signal

__all__ = ["LightweightIndicators", "ScalpingEngine", "ScalpingSignal"]


class Plan(NamedTuple):
    """A side worth taking with its prices (ticks) and what it costs."""

    side: Side
    technical: float
    x: float | None
    aligned: Alignment
    bias: BiasEffect
    advice: EntryAdvice
    entry: int
    stop: int
    target: int
    cost_bps: float
    net_target_bps: float
    break_even: float


No = tuple[str, dict[str, float]]  # a gate's code and its numbers


class Slot:
    """What the engine keeps of one symbol. `code` is the last gate that said no, "SIGNAL" after a signal."""

    def __init__(self, inst: str, hft: config.HftSignals) -> None:
        self.inst = inst
        self.indicators = LightweightIndicators()
        self.integrator = HFTIntegrator(hft)
        self.score: Score | None = None
        self.reading: Reading | None = None
        self.code, self.said_at = "", 0
        self.alignment = ""
        self.last_signal: Signal | None = None
        self.standing = Standing()
        self.over(0)

    def over(self, quiet_until: int) -> None:
        """Flat and nothing working: free for another trade from `quiet_until` on."""
        self.signal: Signal | None = None  # the trade under way, from its signal until flat again
        self.bracket: Bracket | None = None
        self.leaving = ""
        self.exit_at = self.withdraw_at = 0  # not again before
        self.quiet_until = quiet_until


class ScalpingEngine(Strategy):
    """Scalps `insts` (instrument keys), one trade per symbol at a time. Fees in bps of the user's own tier.

    `funnel[inst][code]` counts every evaluation; a Decline is yielded when a symbol's code changes and once a second
    while it persists. The slow system's bias counts in hybrid runs only.
    """

    def __init__(
        self,
        insts: Sequence[str],
        scalping: config.ScalpingEngine,
        hybrid: config.HybridMode,
        hft: config.HftSignals,
        risk: config.Risk,
        maker_bps: float,
        taker_bps: float,
        is_hybrid: bool,
    ) -> None:
        self.scalping, self.hft, self.risk = scalping, hft, risk
        self.maker_bps, self.taker_bps = maker_bps, taker_bps
        self.heeds_bias = is_hybrid and hybrid.trend_filter and hybrid.scalp_signal_filtering
        self.slots = {inst: Slot(inst, hft) for inst in insts}
        self.funnel: dict[str, dict[str, int]] = {inst: {} for inst in insts}
        self.signals = 0
        self._hold = int(scalping.hold_s * SECOND)
        self._cooldown = int(scalping.cooldown_s * SECOND)
        self._patience = int(hft.decay_s * SECOND)  # an entry waits until its evidence has decayed to nothing
        self._fresh = int(hft.fresh_s * SECOND)
        self._prompt = min(self._fresh, int(hft.stale_s * SECOND))

    def trades(self, inst: str) -> bool:
        return inst in self.slots

    def technical(self, inst: str) -> float | None:
        return slot.indicators.technical if (slot := self.slots.get(inst)) is not None else None

    # --- what the engine tells us

    def on_book(self, inst: str, view: View) -> Iterable[Intent]:
        slot = self.slots.get(inst)
        if slot is None:
            return ()
        last = slot.standing
        pulse = last.pulse
        if pulse is None or pulse.epoch != last.epoch or view.now >= last.until or pulse.lag_ns > self._prompt:
            return self._look(slot, view)
        if self.scalping.hft_integration:
            slot.integrator.feel(pulse.ts, pulse.imbalance, pulse.total)
        if last.side and pulse.turn != last.turn:
            if not self._same(slot, pulse, view):
                return self._look(slot, view)
            last.turn = pulse.turn
        self.funnel[inst][slot.code] += 1
        return ()

    def on_timer(self, key: str, view: View) -> Iterable[Intent]:
        return [intent for slot in self.slots.values() for intent in self._look(slot, view)] if key == "beat" else ()

    def on_trade(self, trade: Trade, view: View) -> Iterable[Intent]:
        if (slot := self.slots.get(trade.inst)) is not None:
            slot.indicators.trade(trade.ts_exch or view.now, trade.px, trade.qty)
            if stance(slot.indicators.technical, self.scalping.min_technical) != slot.standing.side:
                slot.standing.end()
        return ()

    def on_bar(self, bar: Candle, view: View) -> Iterable[Intent]:
        if (slot := self.slots.get(bar.inst)) is not None:
            slot.indicators.follow(view.closed(bar.inst))
            slot.standing.end()
        return ()

    def on_bias(self, bias: TrendBias, view: View) -> Iterable[Intent]:
        for slot in self.slots.values():
            slot.standing.end()
        return ()

    def on_fill(self, fill: Fill, view: View) -> Iterable[Intent]:
        slot = self.slots.get(fill.inst)
        if slot is None or slot.bracket is not None:
            return ()
        slot.standing.end()
        # The venue may report a fill after the end of its order: still ours to exit.
        s = slot.signal or slot.last_signal
        if s is not None and fill.side == s.side:
            slot.signal = s
            slot.bracket = Bracket(s.side, s.entry, s.stop, s.target, view.now + self._hold)
        return ()

    # --- one look at one symbol: mind the trade under way, then walk the gates

    def _look(self, slot: Slot, view: View) -> list[Intent]:
        inst, now, book, out = slot.inst, view.now, view.book(slot.inst), list[Intent]()
        slot.indicators.follow(view.closed(inst))  # returns at once unless there is a bar or a history it has not seen
        slot.reading = self._read(slot, view, book)
        if slot.signal is not None:
            self._mind(slot, slot.signal, view, book, out)
        found = self._opinion(slot, view, book)
        no = self._enter(slot, view, found, out) if isinstance(found, Plan) else found
        code = no[0] if no else "SIGNAL"
        self.funnel[inst][code] = self.funnel[inst].get(code, 0) + 1
        if no and (code != slot.code or now - slot.said_at >= SECOND):
            out.append(Decline(inst, *no))
            slot.said_at = now
        slot.code = code
        self._settle(slot, view, isinstance(found, Plan))
        return out

    def _settle(self, slot: Slot, view: View, planned: bool) -> None:
        """Note how long this look stands: only that of a flat slot whose "no" came from the market, at a new score."""
        slot.standing.end()
        if planned or slot.signal is not None or slot.code == "STALE_BOOK" or slot.code.startswith("FEED:"):
            return
        if self.scalping.hft_integration and (slot.reading is None or slot.reading.age_s != 0.0):
            return  # the pulse knows the total of now, not one that has decayed
        bias = view.bias(slot.inst.partition("@")[0]) if self.heeds_bias else None
        until = min(slot.said_at + SECOND, bias.expires) if bias else slot.said_at + SECOND
        slot.standing.begin(
            view.pulse(slot.inst), stance(slot.indicators.technical, self.scalping.min_technical), until
        )

    def _same(self, slot: Slot, pulse: Pulse, view: View) -> bool:
        """Whether the gates, walked with the pulse's numbers alone, say the same "no" as at the last look."""
        instrument, technical = view.instrument(slot.inst), slot.indicators.technical
        if instrument is None or technical is None:
            return False
        total = pulse.total if self.scalping.hft_integration else None
        ref = pulse.spread_ref_bps if total is not None else self._reference(slot, instrument)
        found = self._walk(slot, view, instrument, technical, total, ref, pulse)
        return not isinstance(found, Plan) and found[0] == slot.code

    def _read(self, slot: Slot, view: View, book: BookView) -> Reading | None:
        score = view.score(slot.inst) if self.scalping.hft_integration and book.ready else None
        if score is None:
            return None
        if score is not slot.score:
            slot.score = score
            fresh = slot.integrator.update(score)
            if fresh.ts == view.now:
                return fresh
        slot.integrator.proven(view.now - book.age_ns)
        return slot.integrator.at(view.now)

    def _mind(self, slot: Slot, signal: Signal, view: View, book: BookView, out: list[Intent]) -> None:
        now, held, instrument = view.now, view.position(slot.inst), view.instrument(slot.inst)
        working = {order_id: place for order_id, place in view.working.items() if place.inst == slot.inst}
        if not working and abs(held) < (instrument.qty_min if instrument else 1):  # less than that cannot be sold
            slot.over(now + self._cooldown)
            return
        reading, x, bracket = slot.reading, None, slot.bracket
        if reading is not None and reading.ema * reading.effective > 0.0:  # one flickering frame decides nothing
            x = signal.side * reading.effective
        if bracket is not None and held and book.ready and not slot.leaving:
            slot.leaving = bracket.check(book.bid, book.ask, now, x) or ""
        unwanted = slot.leaving or ("expired" if now >= signal.expires else "")
        if not held and x is not None and x <= -60.0:
            unwanted = unwanted or "book_turned"
        if unwanted and now >= slot.withdraw_at:
            entries = [order_id for order_id, place in working.items() if place.side == signal.side]
            out += [Withdraw(order_id, unwanted) for order_id in entries]
            slot.withdraw_at = now + SECOND if entries else slot.withdraw_at
        exiting = any(place.side != signal.side for place in working.values())
        if slot.leaving and held * signal.side > 0 and not exiting and book.ready and now >= slot.exit_at:
            slot.exit_at = now + RETRY
            limit = exit_limit(signal.side, book.bid, book.ask, COLLAR * (instrument.tick if instrument else 1))
            because = {"entry": float(signal.entry), "bid": float(book.bid), "ask": float(book.ask)}
            out.append(
                Place(slot.inst, Side(-signal.side), abs(held), limit, "ioc", reason=slot.leaving, because=because)
            )

    # --- gates: is there a side, does the book allow it, does it pay, is there room

    def _opinion(self, slot: Slot, view: View, book: BookView) -> Plan | No:
        instrument, technical = view.instrument(slot.inst), slot.indicators.technical
        slot.alignment = ""
        if not book.ready or instrument is None:
            return f"FEED:{book.why or 'NO_INSTRUMENT'}", {}
        if book.age_ns > self._fresh:
            return "STALE_BOOK", {"age_s": book.age_ns / SECOND, "limit_s": self._fresh / SECOND}
        if technical is None:
            return "WARM_UP", {"bars": float(len(slot.indicators.bars)), "needs": float(NEEDS)}
        if abs(technical) < self.scalping.min_technical:
            return "WEAK_TECHNICAL", {"technical": technical, "needs": self.scalping.min_technical}
        effective = slot.reading.effective if slot.reading is not None else None
        return self._walk(slot, view, instrument, technical, effective, self._reference(slot, instrument), book)

    def _reference(self, slot: Slot, instrument: Instrument) -> float:
        refs = self.hft.spread_ref_bps
        return slot.score.features.spread_ref_bps if slot.score else refs.get(instrument.symbol, refs.get("*", 0.5))

    def _walk(
        self,
        slot: Slot,
        view: View,
        instrument: Instrument,
        technical: float,
        effective: float | None,
        ref: float,
        touch: BookView | Pulse,
    ) -> Plan | No:
        """The gates behind the technical one: numbers in, the first "no" or a plan out."""
        bid, ask, side = touch.bid, touch.ask, Side.BUY if technical > 0 else Side.SELL
        x = side * effective if effective is not None else None
        aligned = alignment(x)
        slot.alignment = aligned.label
        atr, symbol, spread = slot.indicators.atr or 0.0, instrument.symbol, ask - bid
        bps = 10_000.0 / ((bid + ask) / 2)
        advice = entry_advice(
            x, spread * bps, ref, spread // instrument.tick, self.maker_bps, self.taker_bps, atr * bps
        )
        if advice.action in (ABORT, WAIT):
            code = "HFT_CONFLICT" if x is not None and x <= -20.0 else "WIDE_SPREAD"
            return code, {"x": x or 0.0, "spread_bps": spread * bps, "spread_ref_bps": ref}
        bias = bias_effect(side, view.bias(symbol) if self.heeds_bias else None, view.now)
        if bias.blocks:
            return "BIAS_BLOCKS", {"technical": technical, "side": float(side)}
        if bias.needs_strong and aligned.label != STRONG_ALIGNMENT:
            return "BIAS_NEEDS_STRONG_ALIGNMENT", {"x": x or 0.0, "needs": 60.0}
        entry = ask if (advice.action == TAKE) == (side is Side.BUY) else bid
        entry += side * instrument.tick if advice.action == IMPROVE else 0
        risk = max(self.scalping.stop_atr * atr, ROOM * spread)
        prices = bracket_prices(side, entry, risk, self.scalping.reward_to_risk, instrument.tick)
        if prices is None:
            return "TICK_TOO_COARSE", {"entry": float(entry), "risk": risk}
        stop, target = prices
        cost = round_trip_bps(self.maker_bps, self.taker_bps, spread * bps, advice.action != TAKE, exit_maker=False)
        win, loss = abs(target - entry) * 10_000.0 / entry, abs(entry - stop) * 10_000.0 / entry
        p = break_even_win_rate(win, loss, cost)
        if p > self.scalping.max_break_even:
            limit = self.scalping.max_break_even
            return "EDGE_AFTER_COST", {"break_even": p, "limit": limit, "cost_bps": cost, "target_bps": win}
        return Plan(side, technical, x, aligned, bias, advice, entry, stop, target, cost, win - cost, p)

    def _enter(self, slot: Slot, view: View, plan: Plan, out: list[Intent]) -> No | None:
        inst, now, instrument = slot.inst, view.now, view.instrument(slot.inst)
        assert instrument is not None  # the FEED gate asked
        if now < slot.quiet_until:
            return "COOLDOWN", {"left_s": (slot.quiet_until - now) / SECOND}
        busy = sum(other.signal is not None for other in self.slots.values() if other is not slot)
        if busy >= self.scalping.max_concurrent_signals:
            return "MAX_CONCURRENT", {"busy": float(busy), "limit": float(self.scalping.max_concurrent_signals)}
        exposure = view.exposure(inst)
        if slot.signal is not None or abs(exposure) >= instrument.qty_min:
            return "ALREADY_IN_POSITION", {"exposure": float(exposure)}
        equity = view.equity(inst)
        most = min(Decimal(repr(self.risk.max_order_quote)), equity * Decimal(repr(self.risk.max_position_pct)) / 100)
        most *= HEADROOM
        size = scalp_size(
            instrument,
            equity,
            self.scalping.risk_per_trade,
            plan.entry,
            plan.stop,
            plan.cost_bps,
            plan.aligned.factor,
            plan.bias.factor,
            most,
        )
        if not size.lots:
            return "SIZE_ZERO", {"limit": float(size.limit), "qty_min": float(instrument.qty_min)}
        self.signals += 1
        signal = self._signal(f"s{self.signals}", slot, plan, size.lots, now)
        slot.signal = slot.last_signal = signal
        numbers = {"technical": plan.technical, "cost_bps": plan.cost_bps, "break_even": plan.break_even}
        numbers |= {"take_bps": plan.advice.take_bps, "rest_bps": plan.advice.rest_bps, "strength": signal.strength}
        because = numbers if plan.x is None else numbers | {"x": plan.x}
        taking = plan.advice.action == TAKE
        tif = "ioc" if taking else "gtc"
        out += [signal, Place(inst, plan.side, size.lots, plan.entry, tif, not taking, "entry", because, plan.stop)]
        return None

    def _signal(self, name: str, slot: Slot, plan: Plan, lots: int, now: int) -> Signal:
        reading, factor = slot.reading, plan.aligned.factor * plan.bias.factor
        parts = ", ".join(f"{part} {value:+.1f}" for part, value in slot.indicators.contributions.items())
        reasons = [f"technical {plan.technical:+.1f}: {parts}"]
        if reading is not None:
            said = f"order book {reading.effective:+.0f}, {reading.trend} ({reading.score.tier})"
            reasons.append(f"{said}: {plan.aligned.label}, size x{plan.aligned.factor:g}")
        else:
            reasons.append("no order-book score: size not raised")
        if self.heeds_bias:
            reasons.append(plan.bias.why)
        reasons.append(f"{plan.advice.action}: {plan.advice.why}")
        reasons.append(f"net target {plan.net_target_bps:.1f} bps, pays above {100 * plan.break_even:.0f} % wins")
        return Signal(
            signal_id=name,
            inst=slot.inst,
            side=plan.side,
            entry=plan.entry,
            stop=plan.stop,
            target=plan.target,
            qty=lots,
            ts=now,
            expires=now + self._patience,
            horizon=self._hold,
            technical=plan.technical,
            hft=reading.score.total if reading is not None else None,
            tier=reading.score.tier if reading is not None else "",
            alignment=plan.aligned.label,
            size_factor=factor,
            strength=min(100.0, abs(plan.technical)) * plan.aligned.factor / LARGEST_FACTOR,
            cost_bps=plan.cost_bps,
            net_target_bps=plan.net_target_bps,
            break_even=plan.break_even,
            contributions=dict(slot.indicators.contributions),
            reasons=tuple(reasons),
        )


if __name__ == "__main__":
    from deploy_trading_systems import main

    raise SystemExit(main(["--mode", "scalping", *sys.argv[1:]]))
