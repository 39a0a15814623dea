"""The scalper's gates of one symbol, as far as they hang on the book: walked here, where people read them, and told to
a kernel for either side (desk.kernels.gates), because which one is asked can change with a print.
"""

from __future__ import annotations

from desk import config
from desk.events import TrendBias
from desk.instrument import Instrument
from desk.messages import Side
from desk.signals.alignment import STAND, STRONG_ALIGNMENT, alignment
from desk.signals.gate_words import GateWords, Given
from desk.signals.technical import LightweightIndicators
from desk.signals.timing import ABORT, TAKE, WAIT, Objection, Prior, entry_advice
from desk.signals.trend import bias_effect
from desk.strategies.base import BookView, Pulse
from desk.strategies.scalp_plan import ROOM, No, Plan, Prices, arithmetic, priced
from desk.strategies.standing import Standing

SECOND = 1_000_000_000
UNOPPOSED = Objection()


class ScalpGates:
    """Fees in bps; a conflict keeps an entry out for `wait_ns`. `alignment` is the label of the last walk."""

    def __init__(
        self, scalping: config.ScalpingEngine, maker_bps: float, taker_bps: float, *, deferrable: bool
    ) -> None:
        self.wait_ns = int(scalping.conflict_wait_s * SECOND)
        self.alignment = ""
        self._scalping, self._fees, self._deferrable = scalping, (maker_bps, taker_bps), deferrable
        self._words: dict[int, GateWords] = {Side.BUY: GateWords(), Side.SELL: GateWords()}
        self._known: tuple[Instrument, TrendBias | None, Prior] | None = None
        self._since, self._atr = 0, 0.0
        self._told: list[int] = []  # sides whose words are up to date

    def know(self, instrument: Instrument, atr: float, bias: TrendBias | None, prior: Prior, now: int) -> None:
        """What the gates hang on besides the touch and the score; `atr` in ticks, `bias` one that has not expired."""
        known = instrument, bias, prior
        if known != self._known:
            self._known, self._since = known, now
            self._told.clear()
        if atr != self._atr:  # with every bar
            self._atr = atr
            for side in self._told:
                self._words[side].ranges(self._scalping.stop_atr * atr, atr)

    def of(self, side: int) -> GateWords:
        """The words of one side, told what is known."""
        words = self._words[side]
        if side not in self._told and self._known is not None:
            self._told.append(side)
            instrument, bias, prior = self._known
            words.tell(self.given(Side(side), instrument.tick, self._atr, bias, prior, self._since))
        return words

    def given(self, side: Side, tick: int, atr: float, bias: TrendBias | None, prior: Prior, now: int) -> Given:
        """The same for one side."""
        scalping, effect = self._scalping, bias_effect(side, bias, now)
        return Given(
            side,
            tick,
            effect.blocks,
            effect.needs_strong,
            scalping.stop_atr * atr,
            scalping.reward_to_risk,
            ROOM,
            atr,
            *self._fees,
            prior,
            scalping.max_break_even,
            self.wait_ns,
        )

    def walk(
        self,
        indicators: LightweightIndicators,
        effective: float | None,
        reference_bps: float,
        touch: BookView | Pulse,
        standing: Standing,
        building: bool,
        now: int,
    ) -> Plan | No:
        """The gates behind the technical one, knowing what `know` was told: the first "no", or a plan. `effective`: the
        book's score, None without one; `building`: whether pressure against the side still grows.
        """
        assert self._known is not None
        assert indicators.technical is not None
        instrument, bias, prior = self._known
        technical, scalping, fees = indicators.technical, self._scalping, self._fees
        bid, ask, side = touch.bid, touch.ask, Side.BUY if technical > 0 else Side.SELL
        x = side * effective if effective is not None else None
        aligned = alignment(x)
        self.alignment = aligned.label
        spread, bps, objection = ask - bid, 10_000.0 / ((bid + ask) / 2), UNOPPOSED
        if standing.objects(x, now):
            objection = Objection((now - standing.against) / SECOND, scalping.conflict_wait_s, building)
        advice = entry_advice(
            x, spread * bps, reference_bps, spread // instrument.tick, *fees, self._atr * bps, prior, objection
        )
        if advice.action in (ABORT, WAIT):
            said = {"x": x or 0.0, "spread_bps": spread * bps, "spread_ref_bps": reference_bps}
            if not standing.against:
                return "WIDE_SPREAD", said
            return "HFT_CONFLICT", said | {"for_s": objection.for_s, "wait_s": objection.wait_s}
        leaning = bias_effect(side, bias, now)
        if leaning.blocks:
            return "BIAS_BLOCKS", {"technical": technical, "side": float(side)}
        if leaning.needs_strong and aligned.label != STRONG_ALIGNMENT:
            return "BIAS_NEEDS_STRONG_ALIGNMENT", {"x": x or 0.0, "needs": STAND}
        risk, ratio = scalping.stop_atr * self._atr, scalping.reward_to_risk
        prices = priced(side, bid, ask, advice, instrument, risk, ratio, *fees, self._deferrable)
        if not isinstance(prices, Prices):
            return prices
        if prices.break_even > scalping.max_break_even:
            allowed = {"limit": scalping.max_break_even, "fee_in_bps": fees[advice.action == TAKE]}
            return "EDGE_BELOW_COST", arithmetic(prices, *fees) | allowed
        return Plan(side, technical, indicators.contributions, None, x, aligned, leaning, advice, prices, {})
