"""The scalper's gates of one symbol, told to a kernel for either side: which one is asked can change with a print."""

from __future__ import annotations

from desk import config
from desk.events import TrendBias
from desk.messages import Side
from desk.signals.gate_words import GateWords, Given
from desk.signals.timing import Prior
from desk.signals.trend import bias_effect
from desk.strategies.scalp_plan import ROOM

SECOND = 1_000_000_000


class ScalpGates:
    """What desk.kernels.gates asks, by side. Fees in bps; a conflict keeps an entry out for `wait_ns`."""

    def __init__(self, scalping: config.ScalpingEngine, maker_bps: float, taker_bps: float) -> None:
        self.wait_ns = int(scalping.conflict_wait_s * SECOND)
        self._scalping, self._fees = scalping, (maker_bps, taker_bps)
        self._words: dict[int, GateWords] = {Side.BUY: GateWords(), Side.SELL: GateWords()}
        self._known: tuple[int, TrendBias | None, Prior] | None = None
        self._since, self._atr = 0, 0.0
        self._told: list[int] = []  # sides whose words are up to date

    def know(self, tick: int, atr: float, bias: TrendBias | None, prior: Prior, now: int) -> None:
        """What the gates hang on besides the touch and the score; `atr` in ticks, `bias` one that has not expired."""
        known = tick, bias, prior
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
            tick, bias, prior = self._known
            words.tell(self.given(Side(side), tick, self._atr, bias, prior, self._since))
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
