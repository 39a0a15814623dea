"""The technical score of closed bars and the tape, −100..+100, with the terms it is the sum of."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from math import nan

import numpy as np

from desk.indicators.volume import Vwap
from desk.kernels import bar_indicators as one
from desk.kernels import technical as at
from desk.kernels.technical import PRINTS, TICKS, technical_entries
from desk.messages import Candle

__all__ = ["NEEDS", "PRINTS", "SHARES", "TICKS", "LightweightIndicators"]

NEEDS = one.MOMENTUM_BARS  # bars until every indicator speaks: the squeeze's momentum is the slowest, 2·20−1
SHARES = {"ema": at.EMA, "rsi": at.RSI, "vwap": at.VWAP, "bollinger": at.BOLLINGER, "squeeze": at.SQUEEZE}
SAYS = {"ema": one.SAYS_EMA, "rsi": one.SAYS_RSI, "bollinger": one.SAYS_BOLLINGER, "squeeze": one.SAYS_SQUEEZE}


class LightweightIndicators:
    """EMA 9/21, RSI 14, ATR 14, Bollinger 20/2, squeeze and VWAP on closed minutes and the tape → one technical score.

    `technical` −100..+100 is the sum of `contributions`, None until the minutes are warm (`why`); the same indicators
    on bars of 20 prints join as "ticks" once they are. Each says −1..+1 of a direction, 0 where no movement leaves it
    undefined: ema tanh((EMA 9 − EMA 21)/ATR), rsi (RSI − 50)/50, bollinger where the price stands between its bands,
    squeeze tanh(momentum/ATR) unless it is on, vwap ±1 two of its deviations away. VWAP and its bands (`vwap.band`) are
    of the UTC day: from the history's bars by their own average, (H+L+C)/3 where the venue gives none, then from
    trades. Prices in ticks, quantities in lots.

    Only closed bars and prints change it: a print is one call of a kernel (desk.kernels.technical), and a frame of them
    may be another's (desk.kernels.trade_frame), which moves the words of `block`.
    """

    def __init__(self) -> None:
        self._print, self._minute, self._rate = technical_entries()
        self.block = np.zeros(at.WORDS, np.int64)
        self._at = int(self.block.ctypes.data)
        self._words: memoryview[int] = self.block.data
        self._doubles: memoryview[float] = self._words.cast("B").cast("d")
        self._start()

    def _start(self) -> None:
        last = self._of(at.LAST)
        self._words[:] = np.zeros(at.WORDS, np.int64).data
        self._doubles[at.LAST >> 3] = last
        self._doubles[at.SCORE >> 3] = nan
        for bars in (at.MINUTE_BARS, at.TICK_BARS):
            self._doubles[(bars + one.EXPONENT) >> 3] = 2.0
        self._history: Sequence[Candle] = ()  # the list they were shown in
        self.bars: list[Candle] = []  # those taken in, at most as many as the view keeps
        self._extent = (0, 0, 0)
        self.atr: float | None = None
        """Average true range of a minute, in ticks; None until warm."""

    def _of(self, word: int) -> float:
        return self._doubles[word >> 3]

    @property
    def why(self) -> str:
        return "" if self.technical is not None else "WARM_UP"

    # --- what comes in

    def follow(self, bars: Sequence[Candle]) -> bool:
        """Take in the closed bars not seen yet, False when there are none; start over where history is another one."""
        extent = (len(bars), bars[0].begin, bars[-1].begin) if bars else (0, 0, 0)
        if extent == self._extent:
            return False
        known, newest = len(bars), self.bars[-1].begin if self.bars else -1
        while known and bars[known - 1].begin > newest:
            known -= 1
        if self.bars and (not known or not self._goes_on(bars, known)):
            self._start()
            known = 0
        self._extent = extent
        for bar in bars[known:]:
            average = float(bar.vwap) or (float(bar.high) + float(bar.low) + float(bar.close)) / 3.0
            end = bar.begin + bar.interval
            with suppress(OverflowError):  # as `trade`
                self._minute(self._at, bar.begin, end, bar.high, bar.low, bar.close, average, bar.volume)
        self.bars += bars[known:]
        del self.bars[: -len(bars)]
        self._history = bars
        self._rate(self._at)
        self.atr = self._minutes(one.ATR, one.N_WILDER + 1)
        return True

    def _goes_on(self, bars: Sequence[Candle], known: int) -> bool:
        """Whether the first `known` of these bars are the last of ours.

        A list that we were shown before only grows at its end and shrinks at its front (desk.market.bars), or is
        emptied: then the ends tell. Another one is compared bar by bar.
        """
        ours = self.bars
        if bars is self._history and known <= len(ours) and bars[0] is ours[-known] and bars[known - 1] is ours[-1]:
            return True
        return [(b.begin, b.close) for b in bars[:known]] == [(b.begin, b.close) for b in ours[-known:]]

    def trade(self, ts: int, px: int, qty: int) -> float | None:
        """Take a print in, the score after it; a print that a bar in the VWAP already holds is left out.

        So is one whose time is beyond 64 bits, after the year 2262.
        """
        try:
            score: float = self._print(self._at, ts, px, qty)
        except OverflowError:
            return self.technical
        return score if score == score else None

    # --- what is known

    @property
    def technical(self) -> float | None:
        """The score, None before it is known."""
        score = self._of(at.SCORE)
        return score if score == score else None  # NaN: not known yet

    @property
    def last(self) -> float:
        """The newest price, in ticks; 0 before the first."""
        return self._of(at.LAST)

    @property
    def vwap(self) -> Vwap:
        """The session's VWAP as it is now."""
        words = [self._of(word) for word in (at.VOLUME, at.AVERAGE, at.SPREAD)]
        return Vwap.of(self._words[at.SESSION >> 3] - 1, *words)

    @property
    def contributions(self) -> dict[str, float]:
        """The terms of the score by name: added from left to right they are it to the bit; {} before it is known."""
        if self.technical is None:
            return {}
        ticks = self._words[at.TICKS_WARM >> 3]
        scale = 100.0 * (1.0 - TICKS) if ticks else 100.0
        says = {name: self._of(at.MINUTE_BARS + word) for name, word in SAYS.items()}
        says["vwap"] = self._of(at.PRICE_SAYS)
        terms = {name: scale * share * says[name] for name, share in SHARES.items()}
        return terms | ({"ticks": 100.0 * TICKS * self._of(at.TICKS_SAY)} if ticks else {})

    @property
    def numbers(self) -> dict[str, float]:
        """Every minute indicator that speaks, prices in ticks, and the terms that add up to the technical score."""
        known = {
            "ema_9": self._minutes(one.FAST, one.N_FAST),
            "ema_21": self._minutes(one.SLOW, one.N_SLOW),
            "rsi_14": self._minutes(one.RSI, one.RSI_BARS),
            "atr_14": self.atr,
            "percent_b": self._percent_b(),
            "squeeze": self._minutes(one.MOMENTUM, one.MOMENTUM_BARS),
            "vwap_z": self.vwap.z(self.last),
        }
        known |= {f"of_technical_{name}": value for name, value in self.contributions.items()}
        return {name: value for name, value in (known | {"technical": self.technical}).items() if value is not None}

    def _minutes(self, word: int, needs: int) -> float | None:
        """A minute indicator's value; None before it has seen as many bars as it needs."""
        taken = self._words[(at.MINUTE_BARS + one.BARS) >> 3]
        return self._of(at.MINUTE_BARS + word) if taken >= needs else None

    def _percent_b(self) -> float | None:
        """Where the last close stands: 0 at the lower Bollinger band, 1 at the upper; None while the bands meet."""
        middle, sigma = self._minutes(one.MIDDLE, one.N), self._minutes(one.SIGMA, one.N)
        if middle is None or not sigma:
            return None
        return 0.5 + (self._of(at.MINUTE_BARS + one.CLOSE) - middle) / (2.0 * one.WIDTH * sigma)
