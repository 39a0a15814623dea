"""The technical score of closed bars and the tape, −100..+100, with the terms it is the sum of."""

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
TICKS = 0.15  # share of the tick bars once they are warm; the minutes keep the rest
PRINTS = 20  # a tick bar


class BarIndicators:
    """EMA 9/21, RSI 14, ATR 14, Bollinger 20/2 and squeeze of one kind of bar, and what they say of a direction."""

    def __init__(self) -> None:
        self.fast, self.slow, self.rsi, self.atr = Ema(9), Ema(21), Rsi(14), Atr(14)
        self.bollinger, self.squeeze = Bollinger(20, 2.0), Squeeze(20)

    def update(self, high: float, low: float, close: float) -> None:
        """Take the next closed bar in; prices in ticks."""
        self.fast.update(close)
        self.slow.update(close)
        self.rsi.update(close)
        self.atr.update(high, low, close)
        self.bollinger.update(close)
        self.squeeze.update(high, low, close)

    def says(self) -> dict[str, float] | None:
        """Each −1..+1, 0 where no movement leaves it undefined; "vwap" is the price's to say. None: cold."""
        fast, slow, rsi, atr, momentum = (i.value for i in (self.fast, self.slow, self.rsi, self.atr, self.squeeze))
        if fast is None or slow is None or rsi is None or atr is None or momentum is None:
            return None
        place = self.bollinger.percent_b
        return {
            "ema": tanh((fast - slow) / atr) if atr else 0.0,
            "rsi": (rsi - 50.0) / 50.0,
            "vwap": 0.0,
            "bollinger": _clip(2.0 * place - 1.0) if place is not None else 0.0,
            "squeeze": tanh(momentum / atr) if atr and not self.squeeze.on else 0.0,  # coiled: no direction yet
        }


class LightweightIndicators:
    """The same indicators on closed minutes and on bars of 20 prints, VWAP of the tape → one technical score.

    `technical` −100..+100 is the sum of `contributions`, None until the minutes are warm (`why`); the tick bars join as
    "ticks" once they are. VWAP and its bands (`vwap.band`) are of the UTC day: from the history's bars by their own
    average, (H+L+C)/3 where the venue gives none, then from trades. Prices in ticks, quantities in lots.
    """

    def __init__(self) -> None:
        self.last = 0.0
        self._start()

    @property
    def numbers(self) -> dict[str, float]:
        """Every minute indicator that speaks, prices in ticks, and the terms that add up to the technical score."""
        m = self.minutes
        known = {"ema_9": m.fast.value, "ema_21": m.slow.value, "rsi_14": m.rsi.value, "atr_14": m.atr.value}
        known |= {"percent_b": m.bollinger.percent_b, "squeeze": m.squeeze.value, "vwap_z": self.vwap.z(self.last)}
        known |= {f"of_technical_{name}": value for name, value in self.contributions.items()}
        return {name: value for name, value in (known | {"technical": self.technical}).items() if value is not None}

    def _start(self) -> None:
        self.minutes, self.ticks, self.vwap = BarIndicators(), BarIndicators(), Vwap()
        self.bars: list[tuple[int, int]] = []  # begin and close of the bars taken in, at most as many as the view keeps
        self.extent = (0, 0, 0)
        self.tape_from, self.covered = 0, 0  # ns: first trade in the VWAP; end of the last bar in it
        self.contributions: dict[str, float] = {}
        self.technical: float | None = None
        self._says: dict[str, float] | None = None  # of the minutes, since the last one closed
        self._tick_says: float | None = None  # −1..+1
        self._prints, self._high, self._low = 0, 0.0, 0.0  # of the tick bar that is being built

    @property
    def why(self) -> str:
        return "" if self.technical is not None else "WARM_UP"

    @property
    def atr(self) -> float | None:
        """Average true range of a minute, in ticks; None until warm."""
        return self.minutes.atr.value

    def follow(self, bars: Sequence[Candle]) -> bool:
        """Take in the closed bars not seen yet, False when there are none; start over where history is another one."""
        extent = (len(bars), bars[0].begin, bars[-1].begin) if bars else (0, 0, 0)
        if extent == self.extent:
            return False
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
        self._says = self.minutes.says()
        self._rate()
        return True

    def trade(self, ts: int, px: int, qty: int) -> None:
        """Take a print in; those that a bar in the VWAP already holds are left out."""
        if ts < self.covered:
            return
        self.tape_from = self.tape_from or ts
        self.last = float(px)
        self.vwap.update(ts, self.last, float(qty))
        self._print(self.last)
        if self.technical is not None:
            self._rate()

    def _print(self, px: float) -> None:
        first = self._prints == 0
        self._high, self._low = px if first else max(self._high, px), px if first else min(self._low, px)
        self._prints += 1
        if self._prints < PRINTS:
            return
        self._prints = 0
        self.ticks.update(self._high, self._low, px)
        if (says := self.ticks.says()) is not None:
            says["vwap"] = self._along_vwap()
            self._tick_says = sum(share * says[name] for name, share in SHARES.items())

    def _bar(self, bar: Candle) -> None:
        high, low, close, end = float(bar.high), float(bar.low), float(bar.close), bar.begin + bar.interval
        self.bars.append((bar.begin, bar.close))
        self.minutes.update(high, low, close)
        if not self.tape_from or end <= self.tape_from:
            self.vwap.update(bar.begin, float(bar.vwap) or (high + low + close) / 3.0, float(bar.volume))
            self.covered = end
            self.last = self.last if self.tape_from else close

    def _rate(self) -> None:
        says, ticks = self._says, self._tick_says
        if says is None:
            return
        says["vwap"] = self._along_vwap()
        scale = 100.0 if ticks is None else 100.0 * (1.0 - TICKS)
        self.contributions = {name: scale * share * says[name] for name, share in SHARES.items()}
        if ticks is not None:
            self.contributions["ticks"] = 100.0 * TICKS * ticks
        self.technical = sum(self.contributions.values())

    def _along_vwap(self) -> float:
        """Where the last price stands between the bands: ±1 two deviations away, 0 while there are none."""
        z = self.vwap.z(self.last)
        return _clip(z / 2.0) if z is not None else 0.0


def _clip(x: float) -> float:
    return 1.0 if x > 1.0 else max(x, -1.0)
