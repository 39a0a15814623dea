"""The technical score of closed minute bars and the tape, −100..+100, with the terms it is the sum of."""

from __future__ import annotations

from collections.abc import Sequence
from math import tanh

from desk.indicators.averages import Ema
from desk.indicators.bands import Bollinger, Squeeze
from desk.indicators.momentum import Rsi
from desk.indicators.volatility import Atr
from desk.indicators.volume import Vwap
from desk.messages import Candle

NEEDS = 39  # bars until every indicator speaks: the squeeze's momentum is the slowest, 2·20−1
SHARES = {"ema": 0.35, "rsi": 0.20, "vwap": 0.20, "bollinger": 0.10, "squeeze": 0.15}  # of the technical score; ours


class LightweightIndicators:
    """EMA 9/21, RSI 14, ATR 14, Bollinger 20/2, squeeze of closed minutes, VWAP of the tape → one technical score.

    `technical` −100..+100 is the sum of `contributions`, None until warm (`why`). VWAP starts from the history's
    typical prices, (H+L+C)/3 by volume, and goes on with trades. Prices in ticks, quantities in lots.
    """

    def __init__(self) -> None:
        self.last = 0.0
        self._start()

    def _start(self) -> None:
        self.fast, self.slow, self.rsi, self.atr = Ema(9), Ema(21), Rsi(14), Atr(14)
        self.bollinger, self.squeeze, self.vwap = Bollinger(20, 2.0), Squeeze(20), Vwap()
        self.bars: list[tuple[int, int]] = []  # begin and close of the bars taken in, at most as many as the view keeps
        self.extent = (0, 0, 0)
        self.tape_from, self.covered = 0, 0  # ns: first trade in the VWAP; end of the last bar in it
        self.contributions: dict[str, float] = {}
        self.technical: float | None = None

    @property
    def why(self) -> str:
        return "" if self.technical is not None else "WARM_UP"

    def follow(self, bars: Sequence[Candle]) -> None:
        """Take in the closed bars not seen yet; start over where the history is another than the one known."""
        extent = (len(bars), bars[0].begin, bars[-1].begin) if bars else (0, 0, 0)
        if extent == self.extent:
            return
        newest = self.bars[-1][0] if self.bars else -1
        known = [(bar.begin, bar.close) for bar in bars if bar.begin <= newest]
        if self.bars and (not known or known != self.bars[-len(known) :]):
            self._start()
            newest = -1
        self.extent = extent
        for bar in bars:
            if bar.begin > newest:
                self._bar(bar)
        del self.bars[: -len(bars)]
        self._rate()

    def trade(self, ts: int, px: int, qty: int) -> None:
        """Take a print in; those that a bar in the VWAP already holds are left out."""
        if ts < self.covered:
            return
        self.tape_from = self.tape_from or ts
        self.last = float(px)
        self.vwap.update(ts, self.last, float(qty))
        if self.technical is not None:
            self._rate()

    def _bar(self, bar: Candle) -> None:
        high, low, close, end = float(bar.high), float(bar.low), float(bar.close), bar.begin + bar.interval
        self.bars.append((bar.begin, bar.close))
        self.fast.update(close)
        self.slow.update(close)
        self.rsi.update(close)
        self.atr.update(high, low, close)
        self.bollinger.update(close)
        self.squeeze.update(high, low, close)
        if not self.tape_from or end <= self.tape_from:
            self.vwap.update(bar.begin, (high + low + close) / 3.0, float(bar.volume))
            self.covered = end
            self.last = self.last if self.tape_from else close

    def _rate(self) -> None:
        fast, slow, rsi, atr, momentum = (i.value for i in (self.fast, self.slow, self.rsi, self.atr, self.squeeze))
        if fast is None or slow is None or rsi is None or atr is None or momentum is None:
            return
        place, z = self.bollinger.percent_b, self.vwap.z(self.last)
        says = {  # each −1..+1; 0 where a market without movement leaves it undefined
            "ema": tanh((fast - slow) / atr) if atr else 0.0,
            "rsi": (rsi - 50.0) / 50.0,
            "vwap": _clip(z / 2.0) if z is not None else 0.0,
            "bollinger": _clip(2.0 * place - 1.0) if place is not None else 0.0,
            "squeeze": tanh(momentum / atr) if atr and not self.squeeze.on else 0.0,  # coiled: no direction yet
        }
        self.contributions = {name: 100.0 * share * says[name] for name, share in SHARES.items()}
        self.technical = sum(self.contributions.values())


def _clip(x: float) -> float:
    return 1.0 if x > 1.0 else max(x, -1.0)
