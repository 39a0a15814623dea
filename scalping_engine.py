"""Scalp one symbol at a time: when minute bars lean one way and the order book does not object, enter with a stop, a
target at least twice as far and a deadline; leave at whichever comes first.

Every look at the market passes the same gates in the same order, and each "no" has a stable code: FEED:…, STALE_BOOK,
WARM_UP, WEAK_TECHNICAL, HFT_CONFLICT, WIDE_SPREAD, BIAS_BLOCKS, BIAS_NEEDS_STRONG_ALIGNMENT, TICK_TOO_COARSE,
EDGE_BELOW_COST, COOLDOWN, MAX_CONCURRENT, ALREADY_IN_POSITION, FALSE_BREAKOUT_RISK, SIZE_ZERO. Only closed bars and
printed trades move the technical score, so it never repaints. Money and sizes are exact; everything is decided from
events alone.

What the order book does to an entry, x = side · score: from 60 on ×1.5; from −20 to 60 ×1.0; below, it is delayed by
`conflict_wait_s` and, if the side then still stands, rests at the touch at ×0.7; at −60 and below at ×0.5, but not
while the pressure against it still builds. A book that objected to the entry ends the trade only after it has let go.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from desk import config
from desk.events import Ended, Fill, TrendBias
from desk.handover import PlannedExit
from desk.instrument import Instrument
from desk.intents import Decline, Intent, Place, Signal
from desk.market.trade_frames import Lent, TradeFrames
from desk.messages import Candle, Side, Trade
from desk.signals.alignment import STAND, STRONG_CONFLICT
from desk.signals.breakout import NEEDED, Break, BreakoutRecord, BreakoutWatch, evidence
from desk.signals.experience import Experience
from desk.signals.shape import Score
from desk.signals.technical import NEEDS, LightweightIndicators
from desk.signals.timing import TAKE
from desk.strategies import scalp_plan
from desk.strategies.base import BookView, Strategy, View
from desk.strategies.exits import SCALP_HOLD, hold_ns
from desk.strategies.scalp_gates import ScalpGates
from desk.strategies.scalp_plan import BookSaid, No, Plan, as_numbers
from desk.strategies.scalp_trade import FOREVER, ScalpTrade
from desk.strategies.standing import Standing, stance
from hft_signals import RISING, HFTIntegrator, Reading, contributions, fading, lifetime_s

SECOND = 1_000_000_000
BEAT = SECOND // 4  # a look comes at least this often: what must be over within a time is decided one beat before
DOUBTED = 0.5  # size of an entry that follows a break the order flow does not believe

ScalpingSignal = Signal  # what users call it; journal and console know it as desk.intents.Signal

__all__ = ["LightweightIndicators", "ScalpingEngine", "ScalpingSignal"]


class Slot:
    """What the engine keeps of one symbol. `code` is the last gate that said no, "SIGNAL" after a signal."""

    def __init__(self, inst: str, hft: config.HftSignals, heeded: bool, prompt_ns: int, gates: ScalpGates) -> None:
        self.inst, self.gates = inst, gates
        self.indicators = LightweightIndicators()
        self.breaks = BreakoutWatch()
        self.integrator = HFTIntegrator(hft)
        self.score: Score | None = None
        self.reading: Reading | None = None
        self.said, self.said_at = "", 0  # the last "no" that was told, and when
        self.trade: ScalpTrade | None = None  # the one under way
        self.last_signal: Signal | None = None
        self.quiet_until = 0
        self.standing = Standing(self.integrator if heeded else None, prompt_ns, gates if heeded else None)

    @property
    def code(self) -> str:
        return self.standing.code

    @property
    def signal(self) -> Signal | None:
        """That of the trade under way, until it is flat again."""
        return self.trade.signal if self.trade is not None else None

    def follow(self, bars: Sequence[Candle]) -> None:
        """Take in closed bars not seen yet; returns at once unless there is one, or another history."""
        if self.indicators.follow(bars):
            self.breaks.follow(bars, self.indicators.atr)


class ScalpingEngine(Strategy):
    """Scalps `insts` (instrument keys), one trade per symbol at a time. Fees in bps of the user's own tier.

    `funnel[inst][code]` counts every evaluation; on the beat a Decline is yielded when a symbol's code is another, and
    once a second while it persists, with the counts since the last. The slow system's bias counts in hybrid runs only.
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
        self._fresh = int(hft.fresh_s * SECOND)
        self._prompt = min(self._fresh, int(hft.stale_s * SECOND))
        self.signals = 0
        self.experience = Experience()
        self._hold = hold_ns(scalping.hold_s, SCALP_HOLD)
        self._defer = max(0, int(scalping.stop_defer_s * SECOND) - BEAT) if scalping.hft_integration else 0
        self._cooldown = int(scalping.cooldown_s * SECOND)
        self._patience = int(lifetime_s(hft) * SECOND)  # an entry waits until its evidence has decayed to nothing
        self._objection = int(scalping.conflict_wait_s * SECOND)
        self.slots = {
            inst: Slot(
                inst, hft, scalping.hft_integration, self._prompt,
                ScalpGates(scalping, maker_bps, taker_bps, deferrable=self._defer > 0),
            )
            for inst in insts
        }  # fmt: skip

    @property
    def funnel(self) -> dict[str, dict[str, int]]:
        """Evaluations by instrument and code, so far."""
        return {inst: slot.standing.counts for inst, slot in self.slots.items()}

    def trades(self, inst: str) -> bool:
        return inst in self.slots

    def technical(self, inst: str) -> float | None:
        return slot.indicators.technical if (slot := self.slots.get(inst)) is not None else None

    def breakouts(self, inst: str) -> BreakoutRecord | None:
        return slot.breaks.record if (slot := self.slots.get(inst)) is not None else None

    def numbers(self, inst: str) -> dict[str, float]:
        return slot.indicators.numbers if (slot := self.slots.get(inst)) is not None else {}

    # --- what the engine tells us

    def on_book(self, inst: str, view: View) -> Iterable[Intent]:
        slot = self.slots.get(inst)
        if slot is None:
            return ()
        last = slot.standing
        pulse = last.resumed(view.now)
        if pulse is None:
            return self._look(slot, view)
        if self.scalping.hft_integration:
            slot.integrator.feel(pulse.ts, pulse.imbalance, pulse.total)
        if last.side and pulse.turn != last.turn:
            return self._look(slot, view)
        last.said_again()
        last.rest()
        return ()

    def on_timer(self, key: str, view: View) -> Iterable[Intent]:
        if key != "beat":
            return ()
        out: list[Intent] = []
        for slot in self.slots.values():
            out += self._look(slot, view, say=True)
            for one in slot.breaks.settled(view.now):
                if view.book(slot.inst).ready:
                    one.believed = sum(self._votes(slot, one, view).values()) >= NEEDED
        return out

    def on_trade(self, trade: Trade, view: View) -> Iterable[Intent]:
        if (slot := self.slots.get(trade.inst)) is not None:
            technical = slot.indicators.trade(trade.ts_exch or view.now, trade.px, trade.qty)
            slot.breaks.trade(view.now, trade.px)
            if (side := stance(technical, self.scalping.min_technical)) != slot.standing.side:
                slot.standing.turned(side)
        return ()

    def lends(self, inst: str) -> Lent | None:
        slot, needs = self.slots.get(inst), self.scalping.min_technical
        return Lent(slot.indicators.block, slot.breaks.block, needs) if slot is not None else None

    def on_prints(self, frames: TradeFrames, turned: bool, breaking: bool, now: int) -> None:
        slot = self.slots[frames.inst]
        for px in frames.prices if breaking else ():
            slot.breaks.trade(now, px)
        if turned:
            slot.standing.turned(stance(slot.indicators.technical, self.scalping.min_technical))

    def on_bar(self, bar: Candle, view: View) -> Iterable[Intent]:
        if (slot := self.slots.get(bar.inst)) is not None:
            slot.follow(view.closed(bar.inst))
            self._given(slot, view)
            slot.standing.turned(stance(slot.indicators.technical, self.scalping.min_technical))
        return ()

    def on_bias(self, bias: TrendBias, view: View) -> Iterable[Intent]:
        self._look_again()
        return ()

    def on_fill(self, fill: Fill, view: View) -> Iterable[Intent]:
        self._look_again()
        slot = self.slots.get(fill.inst)
        if slot is not None and slot.last_signal is not None and fill.side == slot.last_signal.side:
            # The venue may report a fill after the end of its order: still ours to exit.
            slot.trade = slot.trade or ScalpTrade(slot.last_signal)
            slot.trade.filled(view.now, self._hold, self._defer)
        elif slot is not None and slot.last_signal is None and (held := view.position(fill.inst)):
            self.adopt(fill.inst, held, None, view.now)  # of an order that an earlier session sent
        return ()

    def on_ended(self, ended: Ended, view: View) -> Iterable[Intent]:
        self._look_again()
        return ()

    def exits(self) -> Iterable[PlannedExit]:
        trades = [slot.trade for slot in self.slots.values() if slot.trade is not None]
        return [trade.bracket.plan(trade.signal.inst) for trade in trades if trade.bracket is not None]

    def adopt(self, inst: str, lots: int, plan: PlannedExit | None, now: int) -> bool:
        if (slot := self.slots.get(inst)) is not None:
            slot.trade = ScalpTrade.taken_over(inst, lots, plan, now)
            slot.last_signal = slot.trade.signal
            self._look_again()
        return slot is not None

    def _look_again(self) -> None:
        """What is held or works is another: an answer that stood on it, here or for another symbol, stands no more."""
        for slot in self.slots.values():
            slot.standing.end()

    # --- one look at one symbol: mind the trade under way, then walk the gates

    def _look(self, slot: Slot, view: View, *, say: bool = False) -> list[Intent]:
        inst, now, book, out = slot.inst, view.now, view.book(slot.inst), list[Intent]()
        slot.standing.rouse()
        why = book.why  # asked once: it looks at all that a book may be refused for
        slot.follow(view.closed(inst))
        slot.reading = self._read(slot, view, book) if not why and self.scalping.hft_integration else None
        if slot.trade is not None:
            out += self._mind(slot, slot.trade, view, book if not why else None)
        until, room = self._given(slot, view), self._room(slot, view)
        found = self._opinion(slot, view, book, why)
        no = self._enter(slot, view, found, room, out) if isinstance(found, Plan) else found
        code = no[0] if no else "SIGNAL"
        looks = slot.standing.said(code)
        if no is None:
            slot.said = ""
        elif say and (code != slot.said or now - slot.said_at >= SECOND):
            r, indicators = slot.reading, slot.indicators
            scored = (r.score.total, r.effective) if r is not None else None
            known = scalp_plan.measured(book, len(indicators.bars), indicators.technical, scored)
            out.append(Decline(inst, code, known | no[1], looks, slot.standing.news()))
            slot.said, slot.said_at = code, now
        slot.standing.end()
        if not isinstance(found, Plan) or code == room[0]:  # any other answer to a plan hangs on more than is told
            self._settle(slot, view, room[0], until)
        return out

    def _settle(self, slot: Slot, view: View, behind: str, until: int) -> None:
        """Note how long this look stands: a "no" at a new score, and a trade that has nothing to do for now."""
        if slot.code == "STALE_BOOK" or slot.code.startswith("FEED:"):
            return
        if behind == "COOLDOWN":
            until = min(until, slot.quiet_until)
        guard = None
        if slot.trade is not None:
            if (idle := slot.trade.guard(view)) is None:
                return
            guard, until = idle[0], min(until, idle[1])
        if slot.gates.alignment == STRONG_CONFLICT and view.now - slot.standing.against >= self._objection:
            return  # the next frame may change the mind though no price and no class does
        known = True
        if self.scalping.hft_integration:
            if slot.reading is None:
                return
            known = slot.reading.age_s == 0.0  # the pulse knows the total of now, not one that has decayed
        side = stance(slot.indicators.technical, self.scalping.min_technical)
        slot.standing.begin(view.pulse(slot.inst), side, until, known, behind, guard)

    def _given(self, slot: Slot, view: View) -> int:
        """Let the gates know what they hang on besides the touch and the score; until when that holds, ns."""
        bias = view.bias(slot.inst.partition("@")[0]) if self.heeds_bias else None
        if (instrument := view.instrument(slot.inst)) is not None:
            slot.gates.know(instrument, slot.indicators.atr or 0.0, bias, self.experience.prior, view.now)
        return bias.expires if bias else FOREVER

    def _read(self, slot: Slot, view: View, book: BookView) -> Reading | None:
        score = view.score(slot.inst)
        if score is None:
            return None
        if score is not slot.score:
            slot.score = score
            fresh = slot.integrator.update(score)
            if fresh.ts == view.now:
                return fresh
        slot.integrator.proven(view.now - book.age_ns)
        return slot.integrator.at(view.now)

    def _mind(self, slot: Slot, trade: ScalpTrade, view: View, book: BookView | None) -> list[Intent]:
        if trade.over(view):
            if trade.rested:
                self.experience.rested_one(trade.bracket is not None)
            slot.trade, slot.quiet_until = None, view.now + self._cooldown
            self._look_again()
            return []
        reading, side, x = slot.reading, trade.signal.side, None
        if reading is not None and reading.ema * reading.effective > 0.0:  # one flickering frame decides nothing
            x = side * reading.effective
        abort = reading is not None and x is not None and x <= -STAND and _building(reading, side)
        return trade.mind(view, book, x, abort)

    # --- gates: is there a side, does the book allow it, does it pay, is there room

    def _opinion(self, slot: Slot, view: View, book: BookView, why: str) -> Plan | No:
        instrument, technical = view.instrument(slot.inst), slot.indicators.technical
        against, slot.standing.against, slot.gates.alignment = slot.standing.against, 0, ""
        if why or instrument is None:
            return f"FEED:{why or 'NO_INSTRUMENT'}", {}
        if (age := book.age_ns) > self._fresh:
            return "STALE_BOOK", {"age_s": age / SECOND, "limit_s": self._fresh / SECOND}
        if technical is None:
            return "WARM_UP", {"bars": float(len(slot.indicators.bars)), "needs": float(NEEDS)}
        if abs(technical) < self.scalping.min_technical:
            return "WEAK_TECHNICAL", {"technical": technical, "needs": self.scalping.min_technical}
        slot.standing.against = against  # a side that is given up in between is asked for anew
        return slot.gates.walk(
            slot.indicators,
            slot.reading.effective if slot.reading is not None else None,
            self._reference(slot, instrument),
            book,
            slot.standing,
            slot.reading is not None and _building(slot.reading, Side.BUY if technical > 0 else Side.SELL),
            view.now,
        )

    def _reference(self, slot: Slot, instrument: Instrument) -> float:
        refs = self.hft.spread_ref_bps
        return slot.score.features.spread_ref_bps if slot.score else refs.get(instrument.symbol, refs.get("*", 0.5))

    def _room(self, slot: Slot, view: View) -> No:
        """Whether there is room for one trade more, whatever the market does; "" where there is."""
        now, limit, instrument = view.now, self.scalping.max_concurrent_signals, view.instrument(slot.inst)
        if now < slot.quiet_until:
            return "COOLDOWN", {"left_s": (slot.quiet_until - now) / SECOND}
        busy = sum(other.signal is not None for other in self.slots.values() if other is not slot)
        if busy >= limit:
            return "MAX_CONCURRENT", {"busy": float(busy), "limit": float(limit)}
        exposure = view.exposure(slot.inst)
        if slot.signal is not None or (instrument is not None and abs(exposure) >= instrument.qty_min):
            return "ALREADY_IN_POSITION", {"exposure": float(exposure)}
        return "", {}

    def _enter(self, slot: Slot, view: View, plan: Plan, room: No, out: list[Intent]) -> No | None:
        inst, now, instrument = slot.inst, view.now, view.instrument(slot.inst)
        assert instrument is not None  # the FEED gate asked
        if room[0]:
            return room
        if (one := slot.breaks.young(plan.side, now)) is not None and self.scalping.false_breakout != "off":
            votes = self._votes(slot, one, view)
            if sum(votes.values()) < NEEDED and self.scalping.false_breakout == "skip":
                return "FALSE_BREAKOUT_RISK", {"level": float(one.level), "needs": float(NEEDED)} | as_numbers(votes)
            plan = plan._replace(votes=votes, believed=1.0 if sum(votes.values()) >= NEEDED else DOUBTED)
        share, prices = self.scalping.risk_per_trade, plan.prices
        size = scalp_plan.sized(plan, instrument, view.equity(inst), share, self.risk)
        if not size.lots:
            return "SIZE_ZERO", {"limit": float(size.limit), "qty_min": float(instrument.qty_min)}
        self.signals += 1
        if (reading := slot.reading) is not None:
            score, points = reading.score, contributions(reading.score, self.hft.weights)
            plan = plan._replace(book=BookSaid(score, points, reading.effective, reading.trend, fading(self.hft)))
        signal = scalp_plan.as_signal(
            plan, f"s{self.signals}", inst, size.lots, now, self._patience, self._hold, self.heeds_bias
        )
        taking = plan.advice.action == TAKE
        slot.trade, slot.last_signal = ScalpTrade(signal, rested=not taking), signal
        tif, why = "ioc" if taking else "gtc", scalp_plan.because(plan, signal, self.experience.prior.fill_probability)
        out += [signal, Place(inst, plan.side, size.lots, prices.entry, tif, not taking, "entry", why, prices.hard)]
        return None

    def _votes(self, slot: Slot, one: Break, view: View) -> dict[str, bool]:
        """What the book and the tape say now about a break."""
        book, instrument, reading = view.book(slot.inst), view.instrument(slot.inst), slot.reading
        ref = self._reference(slot, instrument) if instrument is not None else 0.0
        pressure = reading.ema if reading is not None else None
        return one.votes(view.now, evidence(pressure, view.reading(slot.inst), book.bid, book.ask, ref))


def _building(reading: Reading, side: Side) -> bool:
    """Whether pressure against this side still grows: its average is against, and it is above its average."""
    return reading.trend == RISING and side * reading.ema < 0.0


if __name__ == "__main__":
    from deploy_trading_systems import main

    raise SystemExit(main(["--mode", "scalping", *sys.argv[1:]]))
